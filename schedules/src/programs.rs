//! The programs, each with a broken and a fixed twin.
//!
//! The modules contain the copies that `build.rs` made, and the functions that start the twins.
use std::ops::RangeInclusive;

// In the copies, and only there, lines are kept instead of printed.
macro_rules! println {
    ($($text:tt)*) => { crate::printed::keep(format!($($text)*)) };
}

macro_rules! program {
    ($module:ident from $name:literal: $($twins:item)*) => {
        #[allow(dead_code)] // each program's `main`, and what only the other twin needs
        mod $module {
            include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
            $($twins)*
        }
    };
}

program! { lost_update from "lost-update":
    pub fn broken() { expect_both(count(add_in_two_steps)); }
    pub fn fixed() { expect_both(count(add_in_one_step)); }
    fn expect_both(kept: u32) { assert!(kept == 2, "{kept} of 2 updates kept"); }
}
program! { check_then_act from "check-then-act":
    pub fn broken() { expect_one(confirmed(check_then_book)); }
    pub fn fixed() { expect_one(confirmed(book_if_free)); }
    fn expect_one(guests: usize) { assert!(guests == 1, "{guests} guests have seat 12A"); }
}
program! { deadlock from "deadlock":
    pub fn broken() { pay_each_other("Payer first", payer_first); }
    pub fn fixed() { pay_each_other("Lower number first", lower_number_first); }
}
program! { dining_philosophers from "dining-philosophers":
    pub fn broken() { assert_eq!(dine(left_first, false), SEATS); }
    pub fn fixed() { assert_eq!(dine(lower_first, false), SEATS); }
}
program! { condvar_if from "condvar-if":
    pub fn broken() { main(); }
}
program! { condvar from "condvar":
    pub fn fixed() { main(); }
}
program! { semaphore from "semaphore":
    pub fn broken() { share(Semaphore::release_without_lock); }
    pub fn fixed() { share(Semaphore::release_with_lock); }
}

/// One program in two versions.
#[derive(Debug)]
pub struct Program {
    /// Its name, and that of its recording.
    pub name: &'static str,
    /// The names of its threads, in the order in which they start.
    pub threads: &'static [&'static str],
    /// The version with the bug.
    pub broken: Twin,
    /// The version without it.
    pub fixed: Twin,
    /// True if the broken twin has so few schedules that a reader can choose among all of them.
    pub tiny: bool,
}

/// One version of a program.
#[derive(Debug, Clone, Copy)]
pub struct Twin {
    /// The name of its source in [`SOURCES`](crate::SOURCES).
    pub source: &'static str,
    /// The copy of it that runs.
    pub copy: &'static str,
    /// The anchor in that source around the part to show, if there is one.
    pub part: Option<&'static str>,
    /// The function that runs it. A failure panics.
    pub run: fn(),
}

impl Twin {
    /// Returns the lines of a part of its source, between the marks of its anchor.
    pub fn range_of(&self, part: &str) -> RangeInclusive<usize> {
        let line = |mark: &str| {
            let mark = format!("// {mark}: {part}");
            let copy = self.copy.lines().position(|line| line.trim() == mark);
            copy.unwrap_or_else(|| panic!("{}: no line `{mark}`", self.source)) + 1
        };
        line("ANCHOR")..=line("ANCHOR_END")
    }
}

macro_rules! twin {
    ($source:literal, $part:expr, $run:path) => {
        Twin {
            source: $source,
            copy: include_str!(concat!(env!("OUT_DIR"), "/", $source, ".rs")),
            part: $part,
            run: $run,
        }
    };
}

/// All programs.
pub const PROGRAMS: &[Program] = &[
    Program {
        name: "lost-update",
        threads: &["Main", "Thread 1", "Thread 2"],
        broken: twin!("lost-update", Some("broken"), lost_update::broken),
        fixed: twin!("lost-update", Some("fixed"), lost_update::fixed),
        tiny: true,
    },
    Program {
        name: "check-then-act",
        threads: &["Main", "Ada", "Bob"],
        broken: twin!("check-then-act", Some("broken"), check_then_act::broken),
        fixed: twin!("check-then-act", Some("fixed"), check_then_act::fixed),
        tiny: true,
    },
    Program {
        name: "deadlock",
        threads: &["Main", "Anna", "Ben"],
        broken: twin!("deadlock", Some("broken"), deadlock::broken),
        fixed: twin!("deadlock", Some("fixed"), deadlock::fixed),
        tiny: true,
    },
    Program {
        name: "condvar",
        threads: &["Main", "Worker 0", "Worker 1"],
        broken: twin!("condvar-if", None, condvar_if::broken),
        fixed: twin!("condvar", None, condvar::fixed),
        tiny: false,
    },
    Program {
        name: "semaphore",
        threads: &["Main", "Thread 1", "Thread 2"],
        broken: twin!("semaphore", Some("broken"), semaphore::broken),
        fixed: twin!("semaphore", Some("fixed"), semaphore::fixed),
        tiny: false,
    },
    Program {
        name: "dining-philosophers",
        threads: &["Main", "Seat 0", "Seat 1", "Seat 2", "Seat 3", "Seat 4"],
        broken: twin!("dining-philosophers", None, dining_philosophers::broken),
        fixed: twin!("dining-philosophers", None, dining_philosophers::fixed),
        tiny: false,
    },
];
