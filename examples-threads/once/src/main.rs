//! A value that is computed once, by whichever thread needs it first.
//!
//! ```sh
//! cargo run -p once
//! ```
use std::sync::{LazyLock, OnceLock};
use std::thread;

/// In place of a global variable: computed at the first use, then read
/// without a lock. `LazyLock` knows how to compute its value.
static PRIMES: LazyLock<Vec<u32>> = LazyLock::new(|| {
    println!("Computing the primes");
    (2..30).filter(|n| (2..*n).all(|d| n % d != 0)).collect()
});

/// `OnceLock` is given its value later, for example from the command line.
static NAME: OnceLock<String> = OnceLock::new();

fn main() {
    thread::scope(|scope| {
        for _ in 0..5 {
            // The other threads wait until the first one has the value.
            scope.spawn(|| assert_eq!(PRIMES.len(), 10));
        }
    });
    println!("Five threads have seen {} primes", PRIMES.len());

    for name in ["first", "second"] {
        match NAME.set(name.to_owned()) {
            Ok(()) => println!("The name is set to {name}"),
            Err(name) => println!("Too late for {name}: it is set"),
        }
    }
}
