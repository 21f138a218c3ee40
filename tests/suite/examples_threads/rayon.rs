//! Data parallelism with rayon, and what blocks it.

use tests::check;

#[test]
fn rayon_join() {
    check("rayon-join").check();
}

#[test]
fn uneven_work() {
    let output = check("uneven-work").mask(r"had \d+ ms", "had <n> ms").check();
    let busiest = output.numbers(r"had (\d+) ms");
    assert_eq!(busiest[0], 160, "one thread has all the long jobs");
    assert!(busiest[1] <= 124, "at most three of four long ones: {busiest:?}");
}

/// The broken one never gets the lock that its own thread holds.
#[test]
fn rayon_under_lock() {
    check("rayon-under-lock").check();
}

/// Two blocked jobs hold both threads until they get an answer, however long that takes.
#[test]
fn rayon_blocking() {
    check("rayon-blocking").check();
}

#[test]
fn parallel_errors() {
    check("parallel-errors").check();
}

/// The two orders give different sums, and fixed chunks the same one twice.
#[test]
fn float_sum() {
    check("float-sum").check();
}
