//! Spans say what each request is doing. A request that hangs is one whose
//! span was opened and not closed.
//!
//! ```sh
//! cargo run -p open-spans
//! ```
use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use tracing::instrument;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::FmtSpan;

// The span belongs to the future: it is left at each await that waits, and
// entered again with the next poll. `span.enter()` would not do that.
#[instrument]
async fn handle(request: u32) {
    query(request).await;
    save(request).await;
}

#[instrument(skip_all)]
async fn query(request: u32) {
    sleep(request * Duration::from_millis(60)).await;
}

#[instrument(skip_all)]
async fn save(request: u32) {
    if request == 2 {
        pending::<()>().await; // the hang
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
    let mut requests = pin!(requests);
    let limit = Duration::from_millis(400);
    if timeout(limit, &mut requests).await.is_err() {
        println!("Main: time limit");
    } // here the requests are dropped, which closes their spans
}
