//! Spans say what each request is doing. A request that hangs is one whose
//! span was opened and not closed.
//!
//! ```sh
//! cargo run -p open-spans
//! ```
use std::future::pending;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::instrument;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::FmtSpan;

// The span belongs to the future: it is left at each await that waits, and
// entered again with the next poll. `span.enter()` would not do that.
#[instrument]
async fn handle(request: u32) {
    query().await;
    save(request).await;
}

#[instrument]
async fn query() {
    sleep(Duration::from_millis(20)).await;
}

#[instrument(skip_all)]
async fn save(request: u32) {
    if request == 2 {
        pending().await // the hang
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    fmt()
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .without_time() // these two only keep the lines short
        .with_target(false)
        .with_ansi(false)
        .init();

    let requests = async { tokio::join!(handle(1), handle(2)) };
    let limit = Duration::from_millis(300);
    if timeout(limit, requests).await.is_err() {
        println!("Main: time limit");
    }
}
