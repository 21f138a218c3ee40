//! What the programs get in place of `std::sync` and `std::thread`.
use std::cell::RefCell;

/// `std::sync` under shuttle, but for the barrier.
pub mod sync {
    pub use shuttle::sync::*;

    /// A barrier that lets every thread pass. The examples use one only to make the unlucky moment
    /// certain, and here the scheduler has to find that moment.
    pub struct Barrier;

    impl Barrier {
        /// A barrier, for any number of threads.
        pub fn new(_threads: usize) -> Self {
            Self
        }

        /// Returns immediately.
        pub fn wait(&self) {}
    }
}

/// `std::thread` under shuttle.
pub mod thread {
    pub use shuttle::thread::*;
}

thread_local! {
    // shuttle runs all threads of a program on the thread that started it.
    static PRINTED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// What `println!` does in the programs: keeps the line for the step that printed it.
pub fn print(line: String) {
    PRINTED.with_borrow_mut(|lines| lines.push(line));
}

/// The lines that were printed since the last call.
pub fn take_printed() -> Vec<String> {
    PRINTED.take()
}
