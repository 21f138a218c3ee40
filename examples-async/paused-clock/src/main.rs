//! Code that waits for hours, tested in no time on tokio's paused clock.
//!
//! ```sh
//! cargo run -p paused-clock
//! ```
mod poll;
#[cfg(test)]
mod tests;

use std::time::Duration;

use poll::poll;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let period = Duration::from_millis(10);
    let limit = Duration::from_secs(10);
    let mut checks = 0;
    let is_done = || {
        checks += 1;
        println!("Check {checks}");
        checks == 3
    };
    println!("Done: {}", poll(period, limit, is_done).await);
}
