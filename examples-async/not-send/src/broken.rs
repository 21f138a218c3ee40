//! A guard that was dropped by hand still counts as held across the await,
//! so this does not compile.
//!
//! ```sh
//! cargo run -p not-send --bin not-send-broken --features broken
//! ```
use std::sync::{Arc, Mutex};

async fn save(hits: u32) {
    tokio::task::yield_now().await; // stands for I/O
    println!("Saved {hits} hits");
}

async fn count(hits: Arc<Mutex<u32>>) {
    let mut hits = hits.lock().expect("another task panicked");
    *hits += 1;
    let now = *hits;
    drop(hits); // not enough: the scope of the variable counts
    save(now).await;
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let hits = Arc::new(Mutex::new(0));
    tokio::spawn(count(hits)).await?;
    Ok(())
}
