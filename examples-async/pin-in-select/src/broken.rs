//! A reference to a timer that is not pinned can't be awaited, so this does
//! not compile.
//!
//! ```sh
//! cargo run -p pin-in-select --bin pin-in-select-broken --features broken
//! ```
use std::time::Duration;

use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut timer = sleep(Duration::from_millis(50));
    (&mut timer).await;
    println!("The time is over");
}
