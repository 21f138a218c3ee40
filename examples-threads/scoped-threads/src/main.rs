//! Threads in a scope may borrow local data: the scope joins them before it
//! ends.
//!
//! ```sh
//! cargo run -p scoped-threads
//! ```
use std::thread;

fn main() {
    let orders = [12, 7, 31, 8];
    let (morning, evening) = orders.split_at(2);

    // Not `thread::spawn`: its thread could outlive `orders`, so it may only
    // use what it owns. A scope waits for its threads, so they may borrow.
    let (morning, evening) = thread::scope(|scope| {
        let morning = scope.spawn(|| morning.iter().sum::<u32>());
        let evening = scope.spawn(|| evening.iter().sum::<u32>());
        // `join` fails only if the thread panicked.
        (morning.join().expect("a sum"), evening.join().expect("a sum"))
    });

    println!("Morning: {morning}, evening: {evening}");
    println!("Main still owns all {} orders", orders.len());
}
