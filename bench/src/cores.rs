//! The cores that a benchmark runs on. Waking up an idle core takes many times as long as a short job,
//! especially on a virtual machine. So round trips are measured on one core and on all cores.

/// The cores that a thread may run on. Threads and processes that it starts inherit them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// One core, so that no other core has to be woken up.
    One,
    /// All cores that the process may use.
    All,
}

impl Cores {
    /// Returns the name in a measure.
    pub fn name(self) -> &'static str {
        match self {
            Self::One => "one core",
            Self::All => "all cores",
        }
    }

    /// Runs the body on these cores, in a thread of its own. Returns None if the system does not let
    /// a thread choose its cores.
    pub fn run<T: Send>(self, body: impl FnOnce() -> T + Send) -> Option<T> {
        std::thread::scope(|scope| {
            let pinned = scope.spawn(move || self.pin().then(body));
            pinned.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    #[cfg(target_os = "linux")]
    fn pin(self) -> bool {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        if self == Self::All {
            return true;
        }
        let Ok(allowed) = sched_getaffinity(None) else { return false };
        let first = (0..CpuSet::MAX_CPU).find(|core| allowed.is_set(*core));
        let mut one = CpuSet::new();
        first.is_some_and(|core| {
            one.set(core);
            sched_setaffinity(None, &one).is_ok()
        })
    }

    #[cfg(not(target_os = "linux"))]
    fn pin(self) -> bool {
        self == Self::All
    }
}
