//! A thread from `spawn` that borrows local data: it could outlive the
//! data, so this does not compile.
//!
//! ```sh
//! cargo run -p scoped-threads --bin scoped-threads-broken --features broken
//! ```
use std::thread;

fn main() {
    let orders = [12, 7, 31, 8];
    let (morning, evening) = orders.split_at(2);

    let morning = thread::spawn(|| morning.iter().sum::<u32>());
    let evening = thread::spawn(|| evening.iter().sum::<u32>());

    let morning = morning.join().expect("the thread panicked");
    let evening = evening.join().expect("the thread panicked");
    println!("Morning: {morning}, evening: {evening}");
}
