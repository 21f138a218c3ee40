//! A second interpreter in the same process imports an extension module.
//! Since Python 3.12, the import fails if the module doesn't declare that
//! it supports this.
//!
//! ```sh
//! cargo run -p two-interpreters
//! ```
use pyo3::prelude::*;

/// An extension module.
#[pymodule]
mod two_interpreters {
    use pyo3::prelude::*;

    #[pyfunction]
    fn answer() -> u32 {
        42
    }
}
