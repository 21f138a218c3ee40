//! A program whose threads wait, compute or hand over to each other, for the tests to measure.
//!
//! It prints `ready` when all of them do, and ends when its input ends. The last two modes end by
//! themselves.

use std::io::Read;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::Duration;

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().expect("a mode");
    let count: usize = words.next().map_or(0, |word| word.parse().expect("a number"));
    match &*mode {
        "waiting" => start(count, thread::park),
        "computing" => start(count, std::hint::spin_loop),
        // Mebibytes that are in use only for a moment.
        "memory" => drop(std::hint::black_box(vec![1_u8; count << 20])),
        "sleeping" => return sleep(count),
        "handing-over" => return hand_over(Duration::from_millis(300)),
        _ => panic!("unknown mode {mode}"),
    }
    println!("ready");
    std::io::stdin().read_to_end(&mut Vec::new()).expect("the input ends");
}

/// Starts threads that do the same again and again, and waits until each of them has begun.
fn start(threads: usize, again: fn()) {
    let (begun, has_begun) = channel();
    for _ in 0..threads {
        let begun = begun.clone();
        thread::spawn(move || {
            begun.send(()).expect("main waits");
            loop {
                again();
            }
        });
    }
    has_begun.iter().take(threads).for_each(drop);
}

/// Waits for a second on each of these threads.
fn sleep(threads: usize) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| thread::sleep(Duration::from_secs(1)));
        }
    });
}

/// Sends numbers through a channel without a buffer, until this thread has used this much CPU time.
/// For each number, both threads meet.
fn hand_over(time: Duration) {
    let (sender, receiver) = sync_channel(0);
    let sum = thread::spawn(move || receiver.iter().sum::<u64>());
    while cpu_time() < time {
        sender.send(1).expect("the other thread receives");
    }
    drop(sender);
    println!("{}", sum.join().expect("no panic"));
}

#[cfg(unix)]
fn cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("CPU time is not negative")
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Duration::MAX
}
