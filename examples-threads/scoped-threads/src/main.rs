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

    // Not `thread::spawn`: its thread could outlive `orders`, so it may not
    // borrow them. A scope waits for its threads, so they may.
    let (morning, evening) = thread::scope(|scope| {
        let morning = scope.spawn(|| morning.iter().sum::<u32>());
        let evening = scope.spawn(|| evening.iter().sum::<u32>());
        // `join` fails only if the thread panicked.
        let morning = morning.join().expect("the thread panicked");
        let evening = evening.join().expect("the thread panicked");
        (morning, evening)
    });

    println!("Morning: {morning}, evening: {evening}");
    println!("Main still owns all {} orders", orders.len());
}
