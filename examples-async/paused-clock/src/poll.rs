//! The code under test.
use std::time::Duration;

use tokio::time::{sleep, timeout};

// ANCHOR: poll
/// Checks once per period until the limit. Returns whether the job is done.
pub(crate) async fn poll(
    period: Duration,
    limit: Duration,
    mut is_done: impl FnMut() -> bool,
) -> bool {
    let done = async {
        while !is_done() {
            sleep(period).await;
        }
    };
    timeout(limit, done).await.is_ok()
}
// ANCHOR_END: poll
