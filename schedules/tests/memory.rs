//! The bugs that each tool finds: small programs under shuttle, which treats every atomic as
//! SeqCst, and under loom, which models memory ordering.
use std::env;
use std::io::Read;
use std::panic::catch_unwind;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use loom::sync::atomic::{AtomicBool, AtomicU32};

use wait_timeout::ChildExt;

/// A part of the example `publish`, copied by `build.rs`.
macro_rules! publish {
    ($module:ident from $copy:literal) => {
        #[allow(unused_imports, missing_docs)]
        mod $module {
            include!(concat!(env!("OUT_DIR"), "/", $copy));

            pub(crate) fn run() -> Option<u32> {
                let post = std::sync::Arc::new(Post::default());
                let theirs = std::sync::Arc::clone(&post);
                super::spawn::$module(move || theirs.publish(42));
                post.read()
            }
        }
    };
}

publish!(loom_as_it_is from "publish-loom.rs");
publish!(loom_relaxed from "publish-loom-relaxed.rs");
publish!(shuttle_relaxed from "publish-shuttle-relaxed.rs");

/// The function by which each copy starts a thread.
mod spawn {
    pub(crate) fn loom_as_it_is(code: impl FnOnce() + 'static) {
        loom::thread::spawn(code);
    }
    pub(crate) use loom_as_it_is as loom_relaxed;
    pub(crate) fn shuttle_relaxed(code: impl FnOnce() + Send + 'static) {
        shuttle::thread::spawn(code);
    }
}

/// Small programs for both tools.
macro_rules! programs {
    ($world:ident) => {
        use $world::sync::atomic::{AtomicU32, Ordering};
        use $world::sync::{Arc, Mutex};
        use $world::thread;

        /// Adds 1 in each of two threads, and returns the count.
        pub(crate) fn lost_update() -> u32 {
            let counter = Arc::new(AtomicU32::new(0));
            let add = |counter: &AtomicU32| {
                let seen = counter.load(Ordering::SeqCst);
                counter.store(seen + 1, Ordering::SeqCst);
            };
            let theirs = Arc::clone(&counter);
            let thread = thread::spawn(move || add(&theirs));
            add(&counter);
            thread.join().unwrap();
            counter.load(Ordering::SeqCst)
        }

        /// Books one seat in each of two threads, and returns the number of confirmations.
        pub(crate) fn check_then_act() -> usize {
            let taken = Arc::new(Mutex::new(false));
            let book = |taken: &Mutex<bool>| {
                let free = !*taken.lock().unwrap();
                if free {
                    *taken.lock().unwrap() = true;
                }
                free
            };
            let theirs = Arc::clone(&taken);
            let thread = thread::spawn(move || book(&theirs));
            usize::from(book(&taken)) + usize::from(thread.join().unwrap())
        }

        /// Two threads take two locks in opposite orders.
        pub(crate) fn deadlock() {
            let locks = Arc::new((Mutex::new(()), Mutex::new(())));
            let theirs = Arc::clone(&locks);
            let thread = thread::spawn(move || {
                let _second = theirs.1.lock().unwrap();
                let _first = theirs.0.lock().unwrap();
            });
            {
                let _first = locks.0.lock().unwrap();
                let _second = locks.1.lock().unwrap();
            }
            thread.join().unwrap();
        }

        /// Writes one variable and reads the other in each of two threads. Returns the values read.
        pub(crate) fn store_buffering(ordering: Ordering) -> (u32, u32) {
            let shared = Arc::new((AtomicU32::new(0), AtomicU32::new(0)));
            let theirs = Arc::clone(&shared);
            let thread = thread::spawn(move || {
                theirs.1.store(1, ordering);
                theirs.0.load(ordering)
            });
            shared.0.store(1, ordering);
            let first = shared.1.load(ordering);
            (first, thread.join().unwrap())
        }
    };
}

mod under_loom {
    programs!(loom);
}
mod under_shuttle {
    programs!(shuttle);
}

/// Returns true if loom finds an execution in which the program panics.
fn loom_fails(program: fn()) -> bool {
    catch_unwind(|| loom::model(program)).is_err()
}

/// Returns true if shuttle finds a schedule in which the program panics, among all schedules.
fn shuttle_fails(program: fn()) -> bool {
    catch_unwind(|| shuttle::check_dfs(program, None)).is_err()
}

#[test]
fn both_find_lost_updates_and_deadlocks() {
    assert!(loom_fails(|| assert_eq!(under_loom::lost_update(), 2)));
    assert!(shuttle_fails(|| assert_eq!(under_shuttle::lost_update(), 2)));
    assert!(loom_fails(|| assert_eq!(under_loom::check_then_act(), 1)));
    assert!(shuttle_fails(|| assert_eq!(under_shuttle::check_then_act(), 1)));
    assert!(shuttle_fails(under_shuttle::deadlock));

    loom_ends_with_a_deadlock("a_deadlock_under_loom");
}

/// Runs a test in a process of its own, in which loom finds a deadlock. loom's locks panic again
/// while they are dropped, which ends the process.
fn loom_ends_with_a_deadlock(test: &str) -> String {
    let mut child = Command::new(env::current_exe().expect("this program has a path"))
        .args(["--ignored", "--exact", test, "--nocapture"])
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the test starts");
    let ended = child.wait_timeout(Duration::from_secs(60)).expect("it can be awaited");
    if ended.is_none() {
        child.kill().expect("it can be killed");
    }
    let mut said = String::new();
    let mut stderr = child.stderr.take().expect("it is piped");
    stderr.read_to_string(&mut said).expect("it is text");
    assert!(ended.is_some_and(|status| !status.success()), "{said}");
    assert!(said.contains("deadlock; threads"), "{said}");
    said
}

#[test]
#[ignore = "ends the process; both_find_lost_updates_and_deadlocks starts it"]
fn a_deadlock_under_loom() {
    loom::model(under_loom::deadlock);
}

/// The example is sound; with Relaxed a reader may see the flag and the old data. Only loom shows
/// that.
#[test]
fn only_loom_finds_relaxed_where_release_is_needed() {
    assert!(!loom_fails(|| assert!(matches!(loom_as_it_is::run(), None | Some(42)))));
    assert!(loom_fails(|| assert!(matches!(loom_relaxed::run(), None | Some(42)))));
    assert!(!shuttle_fails(|| assert!(matches!(shuttle_relaxed::run(), None | Some(42)))));
}

/// The flag of the example `stop-flag`: a thread runs until it sees the flag, and then reads what was
/// written before it. With Relaxed it always ends, but it may see the old data.
fn stop(stored: Ordering, loaded: Ordering) -> u32 {
    let shared = loom::sync::Arc::new((AtomicBool::new(false), AtomicU32::new(0)));
    let theirs = loom::sync::Arc::clone(&shared);
    let worker = loom::thread::spawn(move || {
        while !theirs.0.load(loaded) {
            loom::thread::yield_now();
        }
        theirs.1.load(Ordering::Relaxed)
    });
    shared.1.store(42, Ordering::Relaxed);
    shared.0.store(true, stored);
    worker.join().expect("no panic")
}

#[test]
fn a_relaxed_flag_stops_a_thread_but_publishes_nothing() {
    use Ordering::{Acquire, Relaxed, Release};

    assert!(!loom_fails(|| assert!([0, 42].contains(&stop(Relaxed, Relaxed)))));
    assert!(loom_fails(|| assert_eq!(stop(Relaxed, Relaxed), 42)));
    assert!(!loom_fails(|| assert_eq!(stop(Release, Acquire), 42)));
}

/// With SeqCst one of the threads reads 1. loom treats SeqCst as AcqRel and reports a failure that
/// can't happen; `bench` counts it on real cores, and never sees it.
#[test]
fn loom_raises_a_false_alarm_for_sequential_consistency() {
    assert!(loom_fails(|| {
        assert_ne!(under_loom::store_buffering(Ordering::SeqCst), (0, 0));
    }));
    assert!(!shuttle_fails(|| {
        assert_ne!(under_shuttle::store_buffering(Ordering::SeqCst), (0, 0));
    }));
}

/// With Relaxed both threads may read 0, as `bench` counts. shuttle misses it.
#[test]
fn shuttle_misses_store_buffering() {
    assert!(!shuttle_fails(|| {
        let relaxed = Ordering::Relaxed;
        assert_ne!(under_shuttle::store_buffering(relaxed), (0, 0));
    }));
    assert!(loom_fails(|| {
        let relaxed = Ordering::Relaxed;
        assert_ne!(under_loom::store_buffering(relaxed), (0, 0));
    }));
}

/// Two threads wait for each other while a third still has work. Both tools report the deadlock only
/// once the third has ended, so a thread that never ends hides it.
#[test]
fn a_deadlock_of_some_threads_is_reported_at_the_end() {
    static WORK: AtomicUsize = AtomicUsize::new(0);
    let program = || {
        WORK.store(0, Ordering::Relaxed);
        let worker = shuttle::thread::spawn(|| {
            for _ in 0..3 {
                shuttle::thread::yield_now();
                WORK.fetch_add(1, Ordering::Relaxed);
            }
        });
        under_shuttle::deadlock();
        worker.join().unwrap();
    };
    let found = catch_unwind(|| shuttle::check_random(program, 1000));
    let message = found.unwrap_err().downcast::<String>().unwrap();
    assert!(message.starts_with("deadlock"), "{message}");
    assert_eq!(WORK.load(Ordering::Relaxed), 3);

    let said = loom_ends_with_a_deadlock("a_deadlock_of_some_threads_under_loom");
    let before = said.split("deadlock; threads").next().unwrap();
    assert_eq!(before.lines().rfind(|line| line.starts_with("work ")), Some("work 3"), "{said}");
}

#[test]
#[ignore = "ends the process; a_deadlock_of_some_threads_is_reported_at_the_end starts it"]
fn a_deadlock_of_some_threads_under_loom() {
    loom::model(|| {
        let worker = loom::thread::spawn(|| {
            for done in 1..=3 {
                loom::thread::yield_now();
                eprintln!("work {done}");
            }
        });
        under_loom::deadlock();
        worker.join().unwrap();
    });
}

/// Time is not modeled: a timeout never expires, however late the message comes.
#[test]
fn shuttle_and_loom_know_no_timeouts() {
    let waits_forever = shuttle_fails(|| {
        let (_sender, receiver) = shuttle::sync::mpsc::channel::<()>();
        assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
    });
    assert!(waits_forever, "the timeout expired");
    loom_ends_with_a_deadlock("a_timeout_under_loom");
}

#[test]
#[ignore = "ends the process; shuttle_and_loom_know_no_timeouts starts it"]
fn a_timeout_under_loom() {
    loom::model(|| {
        let (lock, changed) = (loom::sync::Mutex::new(()), loom::sync::Condvar::new());
        let guard = lock.lock().unwrap();
        let (_guard, result) = changed.wait_timeout(guard, Duration::from_millis(1)).unwrap();
        assert!(result.timed_out());
    });
}
