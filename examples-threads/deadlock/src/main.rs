//! Two locks taken in opposite order, and in the same order.
//!
//! ```sh
//! cargo run -p deadlock
//! ```
use std::sync::{Arc, Barrier, Mutex, MutexGuard, mpsc};
use std::thread;
use std::time::Duration;

struct Account {
    number: u32,
    balance: Mutex<i64>,
}

impl Account {
    fn lock(&self) -> MutexGuard<'_, i64> {
        self.balance.lock().expect("another thread panicked")
    }
}

// ANCHOR: broken
/// Each thread holds the lock that the other one waits for.
fn payer_first(payer: &Account, payee: &Account, barrier: &Barrier) {
    let mut from = payer.lock();
    barrier.wait(); // until both hold a lock: now the deadlock is certain
    let mut to = payee.lock();
    *from -= 10;
    *to += 10;
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Every thread locks the lower number first. So a thread that holds the
/// higher lock has the lower one, too: the threads can't wait in a circle.
fn lower_number_first(payer: &Account, payee: &Account, barrier: &Barrier) {
    barrier.wait(); // until both have started
    let (mut from, mut to);
    if payer.number < payee.number {
        from = payer.lock();
        to = payee.lock();
    } else {
        to = payee.lock();
        from = payer.lock();
    }
    *from -= 10;
    *to += 10;
}
// ANCHOR_END: fixed

/// Lets two accounts pay each other, and prints whether both payments end
/// within a second.
fn pay_each_other(order: &str, pay: fn(&Account, &Account, &Barrier)) {
    let account = |number| Account { number, balance: Mutex::new(100) };
    let (anna, ben) = (Arc::new(account(1)), Arc::new(account(2)));
    let barrier = Arc::new(Barrier::new(2));
    let (done, ended) = mpsc::channel();

    for (payer, payee) in [(&anna, &ben), (&ben, &anna)] {
        let (payer, payee) = (Arc::clone(payer), Arc::clone(payee));
        let (barrier, done) = (Arc::clone(&barrier), done.clone());
        // Not a scope, which would wait for the stuck threads forever.
        thread::spawn(move || {
            pay(&payer, &payee, &barrier);
            done.send(()).ok(); // an error: main stopped waiting
        });
    }
    let limit = Duration::from_secs(1);
    let both_paid = (0..2).all(|_| ended.recv_timeout(limit).is_ok());
    let outcome = if both_paid { "both paid" } else { "stuck" };
    println!("{order}: {outcome}");
}

fn main() {
    pay_each_other("Payer first", payer_first);
    pay_each_other("Lower number first", lower_number_first);
}
