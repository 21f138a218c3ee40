//! A lock guard must be gone before an await, and only the end of a block
//! counts as the end of the guard.
//!
//! ```sh
//! cargo run -p not-send
//! ```
use std::sync::{Arc, Mutex};

async fn save(hits: u32) {
    tokio::task::yield_now().await; // stands for I/O
    println!("Saved {hits} hits");
}

async fn count(hits: Arc<Mutex<u32>>) {
    let now = {
        let mut hits = hits.lock().expect("another task panicked");
        *hits += 1;
        *hits
    }; // the guard ends here
    save(now).await;
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let hits = Arc::new(Mutex::new(0));
    tokio::spawn(count(hits)).await?;
    Ok(())
}
