//! Configuration that is read all the time and replaced rarely: a reader
//! takes a snapshot, and holds no lock while it uses the snapshot.
//!
//! ```sh
//! cargo run -p snapshot-config
//! ```
use std::sync::{Arc, RwLock, mpsc};
use std::thread;

/// Changed only as a whole, so that host and port always belong together.
struct Config {
    host: &'static str,
    port: u16,
}

impl Drop for Config {
    fn drop(&mut self) {
        println!("Dropped: {}", self.host);
    }
}

struct Current(RwLock<Arc<Config>>);

impl Current {
    /// The lock is held only while the pointer is copied, not while the
    /// configuration is used.
    fn snapshot(&self) -> Arc<Config> {
        Arc::clone(&self.0.read().expect("another thread panicked"))
    }

    /// The old configuration lives until its last reader has dropped it.
    fn replace(&self, config: Config) {
        let new = Arc::new(config);
        *self.0.write().expect("another thread panicked") = new;
    }
}

fn main() {
    let first = Config { host: "one.example", port: 8001 };
    let current = Current(RwLock::new(Arc::new(first)));
    let (started, has_started) = mpsc::channel();
    let (replaced, is_replaced) = mpsc::channel();

    thread::scope(|scope| {
        let current = &current;
        scope.spawn(move || {
            let config = current.snapshot();
            println!("Request 1: connects to {}", config.host);
            started.send(()).expect("main is gone");
            // Long work, during which the configuration is replaced.
            is_replaced.recv().expect("main is gone");
            println!("Request 1: still {}:{}", config.host, config.port);
            drop(config);
            let config = current.snapshot();
            println!("Request 2: {}:{}", config.host, config.port);
        });

        has_started.recv().expect("the thread is gone");
        // Doesn't wait for request 1, which holds no lock.
        current.replace(Config { host: "two.example", port: 8002 });
        println!("Main: replaced");
        replaced.send(()).expect("the thread is gone");
    });
}
