//! The lines that the programs print, kept for the step that printed them.
use std::cell::RefCell;

thread_local! {
    // shuttle runs all threads of a program on the thread that started it.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Keeps a line. The programs' `println!` calls this.
pub fn keep(line: String) {
    LINES.with_borrow_mut(|lines| lines.push(line));
}

/// Returns the lines that were printed since the last call.
pub fn take() -> Vec<String> {
    LINES.take()
}
