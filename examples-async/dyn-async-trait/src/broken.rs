//! Each `async fn` of a trait returns a type of its own, so the trait can't
//! be used behind `dyn`: this does not compile.
//!
//! ```sh
//! cargo run -p dyn-async-trait --bin dyn-async-trait-broken --features broken
//! ```
trait Store {
    async fn get(&self, key: &str) -> Option<String>;
}

/// Stores of different types in one list.
struct Stores {
    all: Vec<Box<dyn Store>>,
}

fn main() {
    println!("{} bytes", size_of::<Stores>());
}
