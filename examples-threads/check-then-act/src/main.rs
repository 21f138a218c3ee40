//! Check, then act: if the lock is free in between, the answer can be
//! outdated.
//!
//! ```sh
//! cargo run -p check-then-act
//! ```
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Barrier, Mutex};
use std::thread;

/// The guest of each seat.
type Seats = Mutex<HashMap<&'static str, &'static str>>;

// ANCHOR: broken
/// Each call of `lock` is correct, and the two together are still wrong.
fn check_then_book(
    seats: &Seats,
    guest: &'static str,
    both_have_checked: &Barrier,
) -> bool {
    let is_free = {
        let seats = seats.lock().expect("another thread panicked");
        !seats.contains_key("12A")
    };
    both_have_checked.wait(); // makes the unlucky moment certain
    if is_free {
        let mut seats = seats.lock().expect("another thread panicked");
        seats.insert("12A", guest);
    }
    is_free
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
    let mut seats = seats.lock().expect("another thread panicked");
    match seats.entry("12A") {
        Entry::Occupied(_) => false,
        Entry::Vacant(seat) => {
            seat.insert(guest);
            true
        }
    }
}
// ANCHOR_END: fixed

/// Lets two guests book one seat at once, and returns how many succeed.
fn confirmed(book: fn(&Seats, &'static str, &Barrier) -> bool) -> usize {
    let (seats, barrier) = (Seats::default(), Barrier::new(2));
    thread::scope(|scope| {
        let guests = ["Ada", "Bob"].map(|guest| {
            let (seats, barrier) = (&seats, &barrier);
            scope.spawn(move || book(seats, guest, barrier))
        });
        guests
            .map(|guest| guest.join().expect("the thread panicked"))
            .into_iter()
            .filter(|has_seat| *has_seat)
            .count()
    })
}

fn main() {
    let guests = confirmed(check_then_book);
    println!("Two locks: {guests} guests have seat 12A");
    let guests = confirmed(book_if_free);
    println!("One lock: {guests} guest has seat 12A");
}
