//! Samples of programs whose threads are known.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // here it is an assertion

mod activity;
mod processes;
mod snapshots;
mod waits;

use std::process::Command;

use process_tree::{Detail, Snapshot};
use testbed::{Child, eventually};

/// The program `examples/threads.rs`, which has printed `ready`.
struct Host(Child);

impl Host {
    fn start(command: &mut Command) -> Self {
        Self(Child::start_ready(command).unwrap())
    }

    fn with(mode: &str, count: u64) -> Self {
        let mut command = Command::new(testbed::example("threads"));
        Self::start(command.args([mode, &count.to_string()]))
    }

    /// Starts a shell that runs the program.
    fn in_shell(mode: &str, count: u64) -> Self {
        // `true`, so that the shell stays.
        let script = format!("\"$0\" {mode} {count}; true");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(testbed::example("threads"));
        Self::start(&mut shell)
    }

    fn id(&self) -> u32 {
        self.0.id()
    }

    fn sample(&self, detail: Detail) -> Snapshot {
        Snapshot::of(self.id(), detail).expect("it is running")
    }

    /// Samples it until a snapshot is as expected.
    fn sample_until(
        &self,
        expected: impl Fn(&Snapshot) -> bool,
    ) -> Snapshot {
        let mut sample = Snapshot::default();
        eventually("a snapshot is as expected", || {
            sample = self.sample(Detail::Waits);
            expected(&sample)
        });
        sample
    }
}

/// Returns true if the kernel shows the system call of a child. If not, the
/// test is skipped.
fn shows_system_calls(host: &Host) -> bool {
    let file = format!("/proc/{}/syscall", host.id());
    let is_shown = std::fs::read(file).is_ok();
    if !is_shown {
        testbed::skip("a kernel that shows system calls");
    }
    is_shown
}
