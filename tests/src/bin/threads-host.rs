//! A program whose threads wait, compute or send messages to each other, for the tests to measure.
//!
//! It prints `ready` when all of them do, and ends when its input ends. The last two modes end by
//! themselves.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
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
        "asleep" => start(count, || thread::sleep(Duration::from_secs(3600))),
        "accepting" => start(count, accept),
        "awaiting" => start(count, await_forever),
        "parent" => start(count, wait_for_child),
        "locking-a-file" => start(count, lock_file_twice),
        "computed" => compute(Duration::from_millis(100)),
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
        // A name that is difficult to read in /proc.
        let thread = thread::Builder::new().name(")) S (worker".into());
        let run = move || {
            begun.send(()).expect("main waits");
            loop {
                again();
            }
        };
        thread.spawn(run).expect("a thread starts");
    }
    has_begun.iter().take(threads).for_each(drop);
}

/// Waits for a connection, and none comes.
fn accept() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.accept().expect("a connection");
}

/// Waits for an event of a runtime.
fn await_forever() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime starts").block_on(std::future::pending::<()>());
}

/// Waits for a child process, which ends when this one does.
fn wait_for_child() {
    let program = std::env::current_exe().expect("it has a path");
    let mut child = Command::new(program);
    child.args(["waiting", "0"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = child.spawn().expect("it starts");
    let _input = child.stdin.take(); // stays open: wait would close it
    child.wait().expect("it ends");
}

/// Waits for the lock of a file that this thread has locked before.
fn lock_file_twice() {
    let open = || File::open(std::env::current_exe().expect("it has a path")).expect("a file");
    let (one, other) = (open(), open());
    one.lock().expect("it can be locked");
    other.lock().expect("it can be locked");
}

/// Computes on another thread, which then ends, until that thread has used this much CPU time.
fn compute(time: Duration) {
    let compute = move || while cpu_time() < time {};
    thread::spawn(compute).join().expect("no panic");
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
