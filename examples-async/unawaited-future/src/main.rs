//! A future that nobody awaits never runs.
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
    drop(first); // the compiler warns of a future that is simply left lying
    println!("One awaited, one dropped");
}
