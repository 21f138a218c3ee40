//! A program whose threads do one thing each, for the tests to sample.
//!
//! It prints `ready` when all of them have begun, and ends when its input
//! ends.

use std::fs::File;
use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

fn main() {
    let mut words = std::env::args().skip(1);
    let mode = words.next().expect("a mode");
    let count = words.next().map(|word| word.parse().expect("a number"));
    let count: usize = count.unwrap_or_default();
    match &*mode {
        "waiting" => start(count, thread::park),
        "computing" => start(count, std::hint::spin_loop),
        "asleep" => start(count, || thread::sleep(HOUR)),
        "accepting" => start(count, accept),
        "awaiting" => start(count, await_forever),
        "parent" => start(count, wait_for_child),
        "locking-a-file" => start(count, lock_file_twice),
        "computed" => compute(Duration::from_millis(100)),
        // Mebibytes that are in use only for a moment.
        "memory" => drop(std::hint::black_box(vec![1_u8; count << 20])),
        "ignored-signals" => {
            let ignored = process_tree::ignored_signals();
            return ignored.iter().for_each(|number| println!("{number}"));
        }
        _ => panic!("unknown mode {mode}"),
    }
    println!("ready");
    let mut input = std::io::stdin();
    input.read_to_end(&mut Vec::new()).expect("the input ends");
}

const HOUR: Duration = Duration::from_secs(3600);

/// Starts threads that do the same again and again, and waits until each of
/// them has begun.
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

/// Waits for a connection that never comes.
fn accept() {
    let listener =
        TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.accept().expect("a connection");
}

/// Waits for an event of a runtime.
fn await_forever() {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    runtime.block_on(std::future::pending::<()>());
}

/// Waits for a child process, which ends when this one does.
fn wait_for_child() {
    let program = std::env::current_exe().expect("it has a path");
    let mut child = Command::new(program);
    child.args(["waiting", "0"]);
    child.stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = child.spawn().expect("it starts");
    let _input = child.stdin.take(); // stays open: wait would close it
    child.wait().expect("it ends");
}

/// Waits for the lock of a file that this thread has locked before.
fn lock_file_twice() {
    let program = std::env::current_exe().expect("it has a path");
    let open = || File::open(&program).expect("it can be read");
    let (one, other) = (open(), open());
    one.lock().expect("it can be locked");
    other.lock().expect("it can be locked");
}

/// Computes on another thread, which then ends, until that thread has used
/// this much CPU time.
#[cfg(target_os = "linux")]
fn compute(time: Duration) {
    let me = std::process::id();
    let used = move || process_tree::own_cpu_time(me).expect("it runs");
    let begun = used();
    let compute = move || while used() - begun < time {};
    thread::spawn(compute).join().expect("no panic");
}

#[cfg(not(target_os = "linux"))]
fn compute(_time: Duration) {}
