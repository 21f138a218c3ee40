//! Many tasks ask for the same thing: one of them fetches it, and all get
//! the answer.
//!
//! ```sh
//! cargo run -p single-flight
//! ```
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A cell for each key. std's Mutex, because it is held for a look-up only;
/// the fetch happens outside of it.
#[derive(Default)]
struct Cache(Mutex<HashMap<u32, Arc<OnceCell<String>>>>);

impl Cache {
    async fn get(&self, key: u32) -> String {
        let cell = {
            let mut cells = self.0.lock().expect("another task panicked");
            Arc::clone(cells.entry(key).or_default())
        };
        // The first task fetches, and the others wait for it. If the first
        // one is canceled, a task that waits takes over.
        cell.get_or_init(|| fetch(key)).await.clone()
    }
}

async fn fetch(key: u32) -> String {
    println!("Fetching page {key}");
    sleep(Duration::from_millis(50)).await; // stands for the request
    format!("page {key}")
}

#[tokio::main]
async fn main() {
    let cache = Arc::new(Cache::default());
    let mut readers = JoinSet::new();
    for _ in 0..100 {
        let cache = Arc::clone(&cache);
        readers.spawn(async move { cache.get(7).await });
    }
    let answers = readers.join_all().await;
    println!("{} readers got {:?}", answers.len(), answers[0]);
}
