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
        self.balance.lock().expect("no thread panics while it holds the lock")
    }
}

// ANCHOR: broken
/// Each thread holds the lock that the other one waits for.
fn payer_first(payer: &Account, payee: &Account, both_hold_one: &Barrier) {
    let mut from = payer.lock();
    both_hold_one.wait(); // makes the unlucky moment certain
    let mut to = payee.lock();
    *from -= 10;
    *to += 10;
}
// ANCHOR_END: broken

// ANCHOR: mended
/// Everyone locks the lower number first. So whoever holds the higher lock has
/// the lower one already, and no circle of waiting can form.
fn lower_number_first(
    payer: &Account,
    payee: &Account,
    both_have_started: &Barrier,
) {
    both_have_started.wait();
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
// ANCHOR_END: mended

/// Two accounts pay each other at the same time. Did both payments end within a
/// second?
fn pay_each_other(pay: fn(&Account, &Account, &Barrier)) -> bool {
    let [anna, ben] = [1, 2]
        .map(|number| Arc::new(Account { number, balance: Mutex::new(100) }));
    let barrier = Arc::new(Barrier::new(2));
    let (done, ended) = mpsc::channel();

    for (payer, payee) in [(&anna, &ben), (&ben, &anna)] {
        let (payer, payee) = (Arc::clone(payer), Arc::clone(payee));
        let (barrier, done) = (Arc::clone(&barrier), done.clone());
        // Not a scope: it would wait for threads that never end.
        thread::spawn(move || {
            pay(&payer, &payee, &barrier);
            done.send(()).ok(); // nobody listens any more after the time limit
        });
    }
    (0..2).all(|_| ended.recv_timeout(Duration::from_secs(1)).is_ok())
}

fn main() {
    for (order, pay) in [
        ("Payer first", payer_first as fn(&_, &_, &_)),
        ("Lower number first", lower_number_first),
    ] {
        let outcome = if pay_each_other(pay) { "both paid" } else { "stuck" };
        println!("{order}: {outcome}");
    }
}
