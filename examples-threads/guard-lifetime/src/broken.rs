//! `let _` drops a lock guard at once, so the compiler refuses it.
//!
//! ```sh
//! cargo run -p guard-lifetime --bin guard-lifetime-broken --features broken
//! ```
use std::sync::Mutex;

fn main() {
    let door = Mutex::new("open");
    // `_` is not a variable: the guard is dropped at the end of this line.
    // With a variable, such as `_guard`, it would live until main ends.
    let _ = door.lock();
    println!("Not locked any more");
}
