//! Five threads write to one variable: a data race, so it does not compile.
//!
//! ```sh
//! cargo run -p data-race --bin data-race-broken --features broken
//! ```
use std::thread;

fn main() {
    let mut hits = 0;

    thread::scope(|scope| {
        for _ in 0..5 {
            scope.spawn(|| hits += 1);
        }
    });

    println!("{hits} hits");
}
