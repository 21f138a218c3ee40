//! One thread writes data and then sets a flag; another one sees the flag
//! and reads the data. Release and Acquire make that work.
//!
//! ```sh
//! cargo run -p publish
//! ```
use std::hint;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

#[derive(Default)]
struct Post {
    // Atomic, so that it may be shared at all; the ordering below is what
    // makes its value visible.
    data: AtomicU32,
    ready: AtomicBool,
}

impl Post {
    fn publish(&self, data: u32) {
        self.data.store(data, Ordering::Relaxed);
        // Release: whatever this thread wrote before this line…
        self.ready.store(true, Ordering::Release);
    }

    fn read(&self) -> Option<u32> {
        // …is visible to a thread that sees the flag with Acquire. With
        // Relaxed on either side it might see the flag and the old data.
        let ready = self.ready.load(Ordering::Acquire);
        ready.then(|| self.data.load(Ordering::Relaxed))
    }
}

fn main() {
    let post = Post::default();
    let data = thread::scope(|scope| {
        scope.spawn(|| post.publish(42));
        loop {
            match post.read() {
                Some(data) => break data,
                None => hint::spin_loop(), // only for a very short wait
            }
        }
    });
    println!("The reader saw the flag and {data}");
}
