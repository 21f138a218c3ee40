//! An atomic update that depends on the old value: read, compute, and write
//! only if no other thread has written meanwhile.
//!
//! ```sh
//! cargo run -p compare-exchange
//! ```
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;

const SEATS: u32 = 100;

// ANCHOR: loop
/// Takes a seat if one is left.
fn take_seat(taken: &AtomicU32) -> bool {
    let mut seen = taken.load(Relaxed);
    while seen < SEATS {
        // Writes only if `taken` has not changed since. `weak` may also fail
        // without a reason, which is cheaper on some processors and no problem
        // in a loop.
        match taken.compare_exchange_weak(seen, seen + 1, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(newer) => seen = newer, // try again with what is there now
        }
    }
    false
}
// ANCHOR_END: loop

// ANCHOR: update
/// The same loop, as the standard library offers it.
fn take_seat_by_update(taken: &AtomicU32) -> bool {
    let one_more = |seen| (seen < SEATS).then_some(seen + 1);
    taken.fetch_update(Relaxed, Relaxed, one_more).is_ok()
}
// ANCHOR_END: update

/// Four threads ask for 50 seats each. How many do they get in all?
fn sold(take: fn(&AtomicU32) -> bool) -> usize {
    let taken = AtomicU32::new(0);
    thread::scope(|scope| {
        let buyers: [_; 4] = std::array::from_fn(|_| {
            scope.spawn(|| (0..50).filter(|_| take(&taken)).count())
        });
        buyers.map(|buyer| buyer.join().expect("no panic")).iter().sum()
    })
}

fn main() {
    println!("compare_exchange: {} of {SEATS} seats sold", sold(take_seat));
    println!(
        "fetch_update: {} of {SEATS} seats sold",
        sold(take_seat_by_update)
    );

    // For a maximum there is a method of its own.
    let largest = AtomicU32::new(0);
    thread::scope(|scope| {
        for size in [3, 9, 4] {
            let largest = &largest;
            scope.spawn(move || largest.fetch_max(size, Relaxed));
        }
    });
    println!("fetch_max: {}", largest.into_inner());
}
