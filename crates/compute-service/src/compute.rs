//! The work: a sum that takes as many steps as it has terms.

use std::hint::black_box;

use process_pool::{Job, JobResult};
use serde::{Deserialize, Serialize};

/// The largest n whose sum fits a u128.
pub const LARGEST_N: u64 = 10_069_012_961_345;

/// Steps from one check of `stop` to the next, about 30 µs of work.
const STEPS: u64 = 1 << 16;

/// Returns the sum of i² for each i below n, or none if `stop` returned true.
pub fn sum_of_squares(n: u64, stop: &dyn Fn() -> bool) -> Option<u128> {
    let (mut sum, mut from) = (0, 0);
    while from < n {
        if stop() {
            return None;
        }
        let to = n.min(from + STEPS);
        for i in from..to {
            // Without `black_box` the compiler replaces the loop by a formula,
            // and even the largest n takes no time at all.
            let i = u128::from(black_box(i));
            sum += i * i;
        }
        from = to;
    }
    Some(sum)
}

/// The sum as a message to a worker process. It never checks if it should stop,
/// because a process can be killed.
#[derive(Serialize, Deserialize)]
pub struct SumOfSquares {
    pub n: u64,
}

impl Job for SumOfSquares {
    type Output = u128;

    fn run(self) -> JobResult<u128> {
        Ok(sum_of_squares(self.n, &|| false)
            .ok_or("it was told to stop")?)
    }
}
