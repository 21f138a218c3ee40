//! A map in several parts, each with a lock of its own: threads that use
//! different parts don't wait for each other.
//!
//! ```sh
//! cargo run -p sharded-map
//! ```
use std::collections::HashMap;
use std::sync::{Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const SHARDS: usize = 4;

// ANCHOR: map
#[derive(Default)]
struct Accounts([Mutex<HashMap<usize, u64>>; SHARDS]);

impl Accounts {
    /// Locks the shard of this account, and runs the change.
    fn change<T>(
        &self,
        account: usize,
        change: impl FnOnce(&mut u64) -> T,
    ) -> T {
        // A real map takes the remainder of the key's hash.
        let shard = &self.0[account % SHARDS];
        let mut balances = shard.lock().expect("another thread panicked");
        change(balances.entry(account).or_insert(100))
    }
}
// ANCHOR_END: map

// ANCHOR: broken
/// Locks the second shard while the first one is locked. If both accounts
/// are in the same shard, the thread waits for itself.
fn nested(accounts: &Accounts, from: usize, to: usize) {
    accounts.change(to, |balance| {
        *balance += accounts.change(from, std::mem::take);
    });
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Holds one lock at a time.
fn in_two_steps(accounts: &Accounts, from: usize, to: usize) {
    let amount = accounts.change(from, std::mem::take);
    accounts.change(to, |balance| *balance += amount);
}
// ANCHOR_END: fixed

type Transfer = fn(&Accounts, usize, usize);

/// Moves everything from account 1 to this one, and waits at most a second.
fn outcome(transfer: Transfer, to: usize) -> &'static str {
    let (done, ended) = mpsc::channel();
    thread::spawn(move || {
        let accounts = Accounts::default();
        transfer(&accounts, 1, to);
        done.send(accounts.change(to, |balance| *balance)).ok();
    });
    match ended.recv_timeout(Duration::from_secs(1)) {
        Ok(200) => "done",
        Ok(_) => "wrong",
        Err(_) => "is stuck",
    }
}

fn main() {
    // Each thread waits for the other one while it holds its lock.
    let (accounts, both) = (Accounts::default(), Barrier::new(2));
    thread::scope(|scope| {
        for account in [1, 2] {
            let (accounts, both) = (&accounts, &both);
            scope.spawn(move || accounts.change(account, |_| both.wait()));
        }
    });
    println!("Accounts 1 and 2: changed at the same time");

    println!("Nested, accounts 1 and 2: {}", outcome(nested, 2));
    println!("Nested, accounts 1 and 5: {}", outcome(nested, 5));
    let fixed = outcome(in_two_steps, 5);
    println!("In two steps, accounts 1 and 5: {fixed}");
}
