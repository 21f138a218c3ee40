//! Processes that are not children of this one.

use std::time::Instant;

pub use rustix::process::Signal;
use rustix::process::{
    Pid, WaitOptions, kill_process_group, test_kill_process,
    test_kill_process_group, waitpgid,
};

use crate::{LIMIT, PAUSE};

/// Waits until a process is gone.
///
/// # Panics
///
/// After [`LIMIT`].
#[cfg(feature = "tokio")]
pub async fn gone(process: u32) {
    crate::soon("the process is gone", || !alive(process)).await;
}

/// Returns true if a process is running. A zombie is not: an orphan's parent is
/// process 1, which in a container may never reap it.
pub fn alive(process: u32) -> bool {
    #[cfg(target_os = "linux")]
    if stat(process).is_none_or(|(state, _)| state == 'Z' || state == 'X') {
        return false;
    }
    test_kill_process(id(process)).is_ok()
}

/// Returns a process id in the type of rustix.
///
/// # Panics
///
/// If the number cannot be a process id.
pub fn id(process: u32) -> Pid {
    process.try_into().ok().and_then(Pid::from_raw).expect("a process id")
}

/// Returns the parent of a running process.
#[cfg(target_os = "linux")]
pub fn parent_of(process: u32) -> Option<u32> {
    alive(process).then(|| stat(process).map(|(_, parent)| parent))?
}

/// Returns the processes that a process has started and not reaped, each with
/// `true` if it is a zombie.
///
/// # Panics
///
/// If the system has no `/proc`.
#[cfg(target_os = "linux")]
pub fn children_of(parent: u32) -> Vec<(u32, bool)> {
    let all = procfs::process::all_processes().expect("/proc is there");
    let of_parent = all.filter_map(|process| {
        let child = process.ok()?.pid.try_into().ok()?;
        let (state, its_parent) = stat(child)?;
        (its_parent == parent).then_some((child, state == 'Z'))
    });
    of_parent.collect()
}

/// Returns a process's state and its parent.
#[cfg(target_os = "linux")]
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = procfs::process::Process::new(process.try_into().ok()?)
        .ok()?
        .stat()
        .ok()?;
    Some((stat.state, stat.ppid.try_into().ok()?))
}

/// Makes this process the parent of its orphaned descendants, instead of init.
/// Then [`group_ends`] can count them, and need not wait until init reaps them.
///
/// # Panics
///
/// If the system refuses.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .expect("it may");
}

/// Waits until the processes of a group have ended by themselves, and counts
/// those that had become children of this process.
///
/// # Panics
///
/// After [`LIMIT`], after it has killed the processes that are left.
pub fn group_ends(name: &str, group: Pid) -> usize {
    let deadline = Instant::now() + LIMIT;
    let mut reaped = 0;
    loop {
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {
            reaped += 1;
        }
        if test_kill_process_group(group).is_err() {
            return reaped;
        }
        if Instant::now() > deadline {
            kill_process_group(group, Signal::KILL).ok();
            panic!("{name} left a process behind");
        }
        std::thread::sleep(PAUSE);
    }
}

/// Installs a handler for each signal that this process ignores, so that the
/// programs that it starts do not inherit that: `nohup` ignores SIGHUP, and `&`
/// in a script SIGINT and SIGQUIT.
///
/// # Panics
///
/// If the system refuses.
#[cfg(all(feature = "tokio", target_os = "linux"))]
pub fn stop_ignoring_signals() {
    use tokio::signal::unix::{SignalKind, signal};

    let status = procfs::process::Process::myself()
        .and_then(|myself| myself.status());
    let ignored = status.expect("/proc is there").sigign;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime starts");
    let _in_runtime = runtime.enter();
    for signal_number in
        [Signal::HUP, Signal::INT, Signal::QUIT, Signal::USR1, Signal::USR2]
            .map(Signal::as_raw)
    {
        if ignored >> (signal_number - 1) & 1 == 1 {
            // The handler stays when this is dropped.
            let handler = signal(SignalKind::from_raw(signal_number));
            drop(handler.expect("a handler can be installed"));
        }
    }
}
