//! A rate limiter: three requests may start at once, and later ones each wait
//! for a token that is added every 50 ms. (A token bucket.)
//!
//! ```sh
//! cargo run -p rate-limiter
//! ```
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{MissedTickBehavior, interval};

const BURST: usize = 3;

/// Adds a token at each tick, unless the bucket is full.
async fn fill(tokens: Arc<Semaphore>) {
    let mut ticks = interval(Duration::from_millis(50));
    // After a pause, the next tick comes 50 ms later. By default, all ticks
    // that were missed come at once, and so would their requests.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await; // the first one comes immediately
    loop {
        ticks.tick().await;
        if tokens.available_permits() < BURST {
            println!("Bucket: one more token");
            tokens.add_permits(1);
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let tokens = Arc::new(Semaphore::new(BURST));
    tokio::spawn(fill(Arc::clone(&tokens)));
    for id in 1..=6 {
        let token = tokens.acquire().await.expect("the bucket is not closed");
        token.forget(); // used up: the end of the request does not return it
        println!("Request {id} starting");
    }
}
