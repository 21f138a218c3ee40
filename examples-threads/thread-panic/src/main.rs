//! A panic ends one thread; `join` hands it to the thread that waits.
//!
//! ```sh
//! cargo run -p thread-panic
//! ```
use std::thread;

fn price(text: &str) -> u32 {
    text.parse().expect("a price")
}

fn main() -> anyhow::Result<()> {
    // `Builder` gives the thread a name. The panic message names the
    // thread, and so do debuggers and `top -H`.
    let parser = thread::Builder::new().name("parser".into());
    let parser = parser.spawn(|| price("12 EUR"))?;

    match parser.join() {
        Ok(price) => println!("Main: the price is {price}"),
        Err(panic) => {
            // The payload is whatever was passed to `panic!`: a `String` if
            // the message was formatted, and a `&str` if it was a literal.
            let message = panic.downcast_ref::<String>();
            println!("Main: the parser panicked");
            println!("Main: {}", message.map_or("?", String::as_str));
        }
    }
    println!("Main: still running");
    Ok(())
}
