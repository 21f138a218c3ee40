//! A future that is neither awaited nor spawned never runs.
//!
//! ```sh
//! cargo run -p unawaited-future
//! ```

async fn greet(name: &str) {
    println!("Hello from {name}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let first = greet("the first future"); // created, not started
    let second = greet("the second future");
    println!("Two futures created");

    second.await;
    drop(first); // it never ran, and now it never will
    println!("One awaited, one dropped");
}
