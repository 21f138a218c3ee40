//! A thread panics while it holds a lock: the lock is poisoned, and the
//! next thread decides what to do about it.
//!
//! ```sh
//! cargo run -p poisoned-lock
//! ```
use std::sync::Mutex;
use std::thread;

/// Two accounts whose sum is always 100.
struct Accounts {
    savings: i32,
    checking: i32,
}

/// Moves money in two steps, and panics in between.
fn transfer(accounts: &Mutex<Accounts>, amount: i32, fee: &str) {
    let mut accounts = accounts.lock().expect("another thread panicked");
    accounts.savings -= amount;
    let fee: i32 = fee.parse().expect("a fee is a whole number");
    accounts.checking += amount - fee;
}

fn main() {
    let accounts = Mutex::new(Accounts { savings: 100, checking: 0 });
    thread::scope(|scope| {
        let transfer = scope.spawn(|| transfer(&accounts, 30, "0.5"));
        println!("The transfer panicked: {}", transfer.join().is_err());
    });

    // Most programs write `.lock().expect(…)`, which panics here too,
    // because the data may be half changed. To recover, take the guard out
    // of the error, restore what must always be true, and clear the mark.
    println!("The lock is poisoned: {}", accounts.is_poisoned());
    let mut guard = accounts.lock().unwrap_or_else(|poisoned| {
        let mut guard = poisoned.into_inner();
        println!("Found {} + {}", guard.savings, guard.checking);
        guard.checking = 100 - guard.savings;
        accounts.clear_poison();
        guard
    });
    guard.savings += 10;
    guard.checking -= 10;
    println!("Repaired: {} + {}", guard.savings, guard.checking);
    drop(guard);
    println!("The lock is poisoned: {}", accounts.is_poisoned());
}
