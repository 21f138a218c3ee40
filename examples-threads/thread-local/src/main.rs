//! One value for each thread, without a lock.
//!
//! ```sh
//! cargo run -p thread-local
//! ```
use std::cell::Cell;
use std::thread;

thread_local! {
    /// Cell, not Mutex: only the thread that owns the value can reach it.
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

fn call() -> u32 {
    CALLS.set(CALLS.get() + 1);
    CALLS.get()
}

fn main() {
    call();
    call();
    let thread = thread::spawn(call);
    let in_thread = thread.join().expect("the thread panicked");
    println!("Calls in main: {}", CALLS.get());
    println!("Calls in the thread: {in_thread}");
}
