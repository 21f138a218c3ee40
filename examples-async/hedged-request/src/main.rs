//! A hedged request: ask a second server only if the first one is slow.
//!
//! ```sh
//! cargo run -p hedged-request
//! ```
use std::pin::pin;
use std::time::Duration;

use tokio::time::{sleep, timeout};

/// Prints when it is dropped, which is how a canceled future ends.
struct Connection(&'static str);

impl Drop for Connection {
    fn drop(&mut self) {
        println!("{}: connection closed", self.0);
    }
}

async fn ask(server: &'static str, millis: u64) -> &'static str {
    let connection = Connection(server);
    println!("{server}: asked");
    sleep(Duration::from_millis(millis)).await; // stands for the request
    println!("{server}: answered");
    connection.0
}

// ANCHOR: way
/// The wait for the first server: longer than it usually takes.
const HEDGE_AFTER: Duration = Duration::from_millis(50);

async fn hedged(first: u64, second: u64) -> &'static str {
    let mut first = pin!(ask("Paris", first));
    if let Ok(answer) = timeout(HEDGE_AFTER, &mut first).await {
        return answer;
    }
    println!("Main: Paris is slow");
    tokio::select! { // the first request goes on
        answer = first => answer,
        answer = ask("Tokyo", second) => answer,
    }
}
// ANCHOR_END: way

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("Main: {} won", hedged(2_000, 50).await);
    println!("Main: {} won", hedged(20, 50).await);
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_second_server_limits_the_wait() {
        for (first, server, after) in
            [(200, "Tokyo", 100), (70, "Paris", 70), (20, "Paris", 20)]
        {
            let started = Instant::now();
            assert_eq!(hedged(first, 50).await, server);
            assert_eq!(started.elapsed().as_millis(), after);
        }
    }
}
