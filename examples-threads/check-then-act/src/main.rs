//! Check, then act: if the lock is free in between, the answer can be outdated.
//!
//! ```sh
//! cargo run -p check-then-act
//! ```
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Barrier, Mutex};
use std::thread;

type Seats = Mutex<HashMap<&'static str, &'static str>>;

// ANCHOR: broken
/// Each call locks correctly, and the two together are still wrong.
fn check_then_book(
    seats: &Seats,
    guest: &'static str,
    both_have_checked: &Barrier,
) -> bool {
    let free = !seats.lock().expect("no panic").contains_key("12A");
    both_have_checked.wait(); // makes the unlucky moment certain
    if free {
        seats.lock().expect("no panic").insert("12A", guest);
    }
    free
}
// ANCHOR_END: broken

// ANCHOR: fixed
/// Checks and books under one lock.
fn book_if_free(
    seats: &Seats,
    guest: &'static str,
    both_have_started: &Barrier,
) -> bool {
    both_have_started.wait();
    match seats.lock().expect("no panic").entry("12A") {
        Entry::Occupied(_) => false,
        Entry::Vacant(seat) => {
            seat.insert(guest);
            true
        }
    }
}
// ANCHOR_END: fixed

/// Two guests want the same seat. How many are told that they have it?
fn confirmed(book: fn(&Seats, &'static str, &Barrier) -> bool) -> usize {
    let (seats, barrier) = (Seats::default(), Barrier::new(2));
    let book = |guest| book(&seats, guest, &barrier);
    let (ada, bob) = thread::scope(|scope| {
        let ada = scope.spawn(|| book("Ada"));
        let bob = scope.spawn(|| book("Bob"));
        (ada.join().expect("no panic"), bob.join().expect("no panic"))
    });
    usize::from(ada) + usize::from(bob)
}

fn main() {
    println!("Two locks: {} guests have seat 12A", confirmed(check_then_book));
    println!("One lock: {} guest has seat 12A", confirmed(book_if_free));
}
