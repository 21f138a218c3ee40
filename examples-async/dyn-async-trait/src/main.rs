//! A trait with an async method that works behind `dyn`: the method returns
//! a boxed future.
//!
//! ```sh
//! cargo run -p dyn-async-trait
//! ```
use std::pin::Pin;

/// The one type that all implementations return, so that a `dyn Store` can
/// be called. `Send` lets a task call it.
type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

trait Store: Send + Sync {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>>;
}

struct Memory;

impl Store for Memory {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move { (key == "color").then(|| "red".to_owned()) })
    }
}

struct Server;

impl Store for Server {
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            tokio::task::yield_now().await; // stands for a request
            Some(format!("{key} from the server"))
        })
    }
}

async fn find(stores: Vec<Box<dyn Store>>, key: &str) -> Option<String> {
    for store in stores {
        if let Some(value) = store.get(key).await {
            return Some(value);
        }
    }
    None
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    for key in ["color", "size"] {
        let stores: Vec<Box<dyn Store>> =
            vec![Box::new(Memory), Box::new(Server)];
        let value = tokio::spawn(find(stores, key)).await?;
        println!("{key}: {value:?}");
    }
    Ok(())
}
