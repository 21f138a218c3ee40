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
        // Writes only if `taken` still has this value. `weak` may also fail
        // without a reason, which is cheaper on some processors and no
        // problem in a loop.
        let next = seen + 1;
        match taken.compare_exchange_weak(seen, next, Relaxed, Relaxed) {
            Ok(_) => return true,
            Err(newer) => seen = newer, // try again with the new value
        }
    }
    false
}
// ANCHOR_END: loop

// ANCHOR: update
/// Runs the same loop, from the standard library.
fn take_seat_by_update(taken: &AtomicU32) -> bool {
    let one_more = |seen| (seen < SEATS).then_some(seen + 1);
    taken.fetch_update(Relaxed, Relaxed, one_more).is_ok()
}
// ANCHOR_END: update

/// Returns how many seats four threads get if each asks for 50.
fn sold(take: fn(&AtomicU32) -> bool) -> usize {
    let taken = AtomicU32::new(0);
    thread::scope(|scope| {
        let buyers: [_; 4] = std::array::from_fn(|_| {
            scope.spawn(|| (0..50).filter(|_| take(&taken)).count())
        });
        buyers
            .into_iter()
            .map(|buyer| buyer.join().expect("the thread panicked"))
            .sum()
    })
}

fn main() {
    let seats = sold(take_seat);
    println!("compare_exchange: {seats} of {SEATS} seats sold");
    let seats = sold(take_seat_by_update);
    println!("fetch_update: {seats} of {SEATS} seats sold");

    // For a maximum, there is a method that needs no loop.
    let largest = AtomicU32::new(0);
    thread::scope(|scope| {
        for size in [3, 9, 4] {
            let largest = &largest;
            scope.spawn(move || largest.fetch_max(size, Relaxed));
        }
    });
    println!("fetch_max: {}", largest.into_inner());
}
