//! Divide and conquer: `rayon::join` runs two halves in parallel if a
//! thread is free, and one after the other if not.
//!
//! ```sh
//! cargo run -p rayon-join
//! ```

/// Sorts a slice. The halves don't overlap, so both may be borrowed at
/// once, and no lock or copy is needed.
fn quicksort(numbers: &mut [u32]) {
    // Below this size, offloading a job would cost more than running it.
    if numbers.len() <= 1000 {
        numbers.sort_unstable();
        return;
    }
    let middle = partition(numbers);
    let (low, high) = numbers.split_at_mut(middle);
    rayon::join(|| quicksort(low), || quicksort(high));
}

/// Puts smaller numbers before the pivot and returns where the pivot is.
fn partition(numbers: &mut [u32]) -> usize {
    let last = numbers.len() - 1;
    numbers.swap(last / 2, last);
    let pivot = numbers[last];
    let mut middle = 0;
    for at in 0..last {
        if numbers[at] < pivot {
            numbers.swap(at, middle);
            middle += 1;
        }
    }
    numbers.swap(middle, last);
    middle
}

fn main() {
    // Pseudo-random, the same numbers each time.
    let mut state = 1_u32;
    let mut numbers = Vec::new();
    for _ in 0..100_000 {
        numbers.push(state);
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    }
    let mut expected = numbers.clone();
    expected.sort_unstable();

    quicksort(&mut numbers);
    println!("{} numbers, sorted: {}", numbers.len(), numbers == expected);
}
