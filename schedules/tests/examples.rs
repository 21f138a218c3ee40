//! Examples that hold under every schedule that shuttle tries, and that the book shows without one.
//! Next to each is a variant that fails, so that the schedules matter.
use std::panic::catch_unwind;

// The copies name the scheduler's types as `crate::sync`.
use schedules::sync;

/// The number of random schedules.
const SCHEDULES: usize = 1000;

/// The copy of an example, made by `build.rs`.
macro_rules! example {
    ($module:ident from $name:literal: $($items:item)*) => {
        #[allow(dead_code)] // its `main`, and what only that needs
        mod $module {
            include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
            $($items)*
        }
    };
}

example! { compare_exchange from "compare-exchange":
    /// Books the last seat in each of two threads, and returns the number that get it.
    fn buyers_of_the_last_seat(take: fn(&AtomicU32) -> bool) -> usize {
        let taken = std::sync::Arc::new(AtomicU32::new(SEATS - 1));
        let theirs = std::sync::Arc::clone(&taken);
        let other = thread::spawn(move || take(&theirs));
        usize::from(take(&taken)) + usize::from(other.join().expect("no panic"))
    }

    pub(crate) fn sells_each_seat_once() {
        assert_eq!(buyers_of_the_last_seat(take_seat), 1);
        assert_eq!(buyers_of_the_last_seat(take_seat_by_update), 1);
    }

    /// Books with a load and a store instead.
    pub(crate) fn sells_each_seat_once_without_exchange() {
        let take = |taken: &AtomicU32| {
            let seen = taken.load(Relaxed);
            taken.store(SEATS.min(seen + 1), Relaxed);
            seen < SEATS
        };
        assert_eq!(buyers_of_the_last_seat(take), 1);
    }
}

example! { rendezvous from "rendezvous":
    pub(crate) fn is_never_ahead(capacity: usize) {
        assert_eq!(max_ahead(capacity), 0);
    }
}

example! { snapshot_config from "snapshot-config":
    const NEW: (&str, u16) = ("two.example", 8002);
    const OLD: (&str, u16) = ("one.example", 8001);

    /// A reader takes snapshots while the configuration is replaced.
    pub(crate) fn is_consistent() {
        let config = |(host, port)| Config { host, port };
        let current = Arc::new(Current(RwLock::new(Arc::new(config(OLD)))));
        let theirs = Arc::clone(&current);
        let writer = thread::spawn(move || theirs.replace(config(NEW)));
        for _ in 0..2 {
            let snapshot = current.snapshot();
            assert!([OLD, NEW].contains(&(snapshot.host, snapshot.port)));
        }
        writer.join().expect("no panic");
    }

    /// Uses a lock for each value instead.
    pub(crate) fn is_consistent_with_two_locks() {
        let current = Arc::new((RwLock::new(OLD.0), RwLock::new(OLD.1)));
        let theirs = Arc::clone(&current);
        let writer = thread::spawn(move || {
            *theirs.0.write().expect("no panic") = NEW.0;
            *theirs.1.write().expect("no panic") = NEW.1;
        });
        let host = *current.0.read().expect("no panic");
        let port = *current.1.read().expect("no panic");
        assert!([OLD, NEW].contains(&(host, port)));
        writer.join().expect("no panic");
    }
}

fn fails(program: impl Fn() + Send + Sync + std::panic::UnwindSafe + 'static) -> bool {
    catch_unwind(|| shuttle::check_random(program, SCHEDULES)).is_err()
}

#[test]
fn compare_exchange_sells_each_seat_once() {
    assert!(!fails(compare_exchange::sells_each_seat_once));
    assert!(fails(compare_exchange::sells_each_seat_once_without_exchange));
}

#[test]
fn without_capacity_no_send_returns_before_its_message_is_received() {
    assert!(!fails(|| rendezvous::is_never_ahead(0)));
    assert!(fails(|| rendezvous::is_never_ahead(1)));
}

#[test]
fn a_snapshot_never_mixes_two_configurations() {
    assert!(!fails(snapshot_config::is_consistent));
    assert!(fails(snapshot_config::is_consistent_with_two_locks));
}
