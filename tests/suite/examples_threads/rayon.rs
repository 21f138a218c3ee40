//! Data parallelism with rayon, and what blocks it.

use tests::transcript_of;

#[test]
fn rayon_join() {
    transcript_of("rayon-join").check();
}

#[test]
fn uneven_work() {
    let output = transcript_of("uneven-work").mask(r"had \d+ ms", "had <n> ms").check();
    let busiest = output.numbers(r"had (\d+) ms");
    assert_eq!(busiest[0], 160, "one thread has all the long jobs");
    assert!(busiest[1] <= 124, "at most three of four long ones: {busiest:?}");
}

/// The broken one never gets the lock that its own thread holds.
#[test]
fn rayon_under_lock() {
    transcript_of("rayon-under-lock").check();
}

/// Two blocked jobs hold both threads until they get an answer, however long that takes.
#[test]
fn rayon_blocking() {
    transcript_of("rayon-blocking").check();
}

#[test]
fn parallel_errors() {
    transcript_of("parallel-errors").check();
}

/// The two orders give different sums, and fixed chunks the same one twice.
#[test]
fn float_sum() {
    transcript_of("float-sum").check();
}
