//! The CPU time of a tree of processes.

use std::collections::HashMap;
use std::time::Duration;

use crate::process::own_cpu_time;

/// The CPU clocks of all processes of a tree, including those that have
/// ended.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// The CPU time of each process when it was last read.
    last: HashMap<i32, Duration>,
    total: Duration,
}

impl Clocks {
    /// Adds the CPU time that the processes have used since the last call,
    /// and returns the total. The clock of a process that has ended can be
    /// read until the process is reaped.
    pub fn read(&mut self, processes: &[i32]) -> Duration {
        for process in processes {
            self.last.entry(*process).or_default();
        }
        self.last.retain(|process, last| {
            let now = own_cpu_time(process.cast_unsigned());
            if let Some(now) = now {
                self.total += now.saturating_sub(*last);
                *last = now;
            }
            now.is_some()
        });
        self.total
    }
}
