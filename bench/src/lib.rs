//! What the benchmarks share: the cores they run on, Python beside them, and ratios.

pub mod cores;
pub mod python;
pub mod ratio;
