//! A future that nobody awaits or spawns never runs.
//!
//! ```sh
//! cargo run -p unawaited-future
//! ```

async fn greet(name: &str) {
    println!("Hello from {name}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let first = greet("the first future"); // made, not started
    let second = greet("the second future");
    println!("Two futures made");

    second.await;
    drop(first); // it never ran, and now it never will
    println!("One awaited, one dropped");
}
