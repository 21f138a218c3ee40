//! Each `async fn` of a trait returns a type of its own, so the trait can't be
//! used behind `dyn`: this does not compile.
//!
//! ```sh
//! cargo run -p dyn-async-trait --bin dyn-async-trait-broken --features broken
//! ```
trait Store {
    async fn get(&self, key: &str) -> Option<String>;
}

struct Memory;

impl Store for Memory {
    async fn get(&self, key: &str) -> Option<String> {
        (key == "color").then(|| "red".to_owned())
    }
}

fn open() -> Box<dyn Store> {
    Box::new(Memory)
}

fn main() {
    open();
}
