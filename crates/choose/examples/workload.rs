//! A program for the tests to measure: its threads wait, sleep, or send
//! messages to each other.

use std::io::Read;
use std::sync::mpsc::{channel, sync_channel};
use std::thread;
use std::time::Duration;

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().expect("a mode");
    let count = words.next().map(|word| word.parse().expect("a number"));
    let count: usize = count.unwrap_or_default();
    match &*mode {
        "waiting" => wait(count),
        "sleeping" => sleep(count),
        "handing-over" => hand_over(Duration::from_millis(300)),
        _ => panic!("unknown mode {mode}"),
    }
}

/// Starts threads that wait, prints `ready` as soon as all of them run, and
/// ends when its input ends.
fn wait(threads: usize) {
    let (begun, has_begun) = channel();
    for _ in 0..threads {
        let begun = begun.clone();
        thread::spawn(move || {
            begun.send(()).expect("main waits");
            loop {
                thread::park();
            }
        });
    }
    has_begun.iter().take(threads).for_each(drop);
    println!("ready");
    let mut input = std::io::stdin();
    input.read_to_end(&mut Vec::new()).expect("the input ends");
}

/// Sleeps for a second on each of these threads.
fn sleep(threads: usize) {
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| thread::sleep(Duration::from_secs(1)));
        }
    });
}

/// Sends numbers through a channel without a buffer, until this thread has
/// used this much CPU time. For each number, both threads meet.
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
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into().expect("CPU time is not negative")
}

#[cfg(not(unix))]
fn cpu_time() -> Duration {
    Duration::MAX
}
