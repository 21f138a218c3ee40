//! The order of a parallel sum is not fixed, and for floating-point numbers
//! the order changes the result.
//!
//! ```sh
//! cargo run -p float-sum
//! ```
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use rayon::slice::ParallelSlice;

fn main() {
    // A large number, then many that are too small to change it one by one.
    let mut numbers = vec![1.0_f64; 10_000];
    numbers[0] = 1e16;

    let from_the_left: f64 = numbers.iter().sum();
    let from_the_right: f64 = numbers.iter().rev().sum();
    println!("From the left: {from_the_left}");
    println!("From the right: {from_the_right}");

    // rayon splits the work where it likes, so the result of this sum may
    // differ from run to run and from machine to machine.
    let parallel: f64 = numbers.par_iter().sum();
    let is_close = (parallel - 1e16).abs() < 1e5;
    println!("In parallel, about as much: {is_close}");

    // Fixed chunks, whose sums are added in order, give the same result
    // each time: `collect` keeps the order.
    let fixed = || -> f64 {
        let chunks = numbers.par_chunks(100);
        let sums: Vec<f64> =
            chunks.map(|chunk| chunk.iter().sum()).collect();
        sums.iter().sum()
    };
    println!("In fixed chunks: {}, and again: {}", fixed(), fixed());
}
