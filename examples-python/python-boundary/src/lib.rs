//! Values, errors and panics on their way between Python and Rust.
//!
//! ```sh
//! cargo run -p python-boundary
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod python_boundary {
    use pyo3::prelude::*;

    // ANCHOR: copies
    /// A list is copied into a Vec, and the result into a new list.
    #[pyfunction]
    fn sorted(mut numbers: Vec<i64>) -> Vec<i64> {
        numbers.sort_unstable();
        numbers
    }

    /// Bytes are borrowed: this is the address in Python's own object.
    #[pyfunction]
    fn address(bytes: &[u8]) -> usize {
        bytes.as_ptr().addr()
    }
    // ANCHOR_END: copies

    // ANCHOR: strings
    /// Returns the length of a `str` in bytes of UTF-8 and in characters.
    #[pyfunction]
    fn lengths(text: &str) -> (usize, usize) {
        (text.len(), text.chars().count())
    }
    // ANCHOR_END: strings

    // ANCHOR: errors
    /// An error becomes an exception: `ParseIntError` is a `ValueError`.
    #[pyfunction]
    fn parse(text: &str) -> PyResult<u8> {
        Ok(text.parse()?)
    }

    /// A panic becomes an exception that isn't an `Exception` in Python.
    #[pyfunction]
    #[expect(clippy::needless_pass_by_value)] // PyO3 makes a Vec of a list
    fn third(numbers: Vec<i64>) -> i64 {
        numbers[2]
    }
    // ANCHOR_END: errors
}
