//! What has become of processes that are not this one's children.

use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitOptions, kill_process_group, test_kill_process, test_kill_process_group,
    waitpgid,
};
use tokio::time::{sleep, timeout};

use crate::LIMIT;

/// Between two looks at a process: it ends sooner on a core that is free.
const PAUSE: Duration = Duration::from_millis(1);

/// Waits until a process is gone.
pub async fn gone(process: u32) {
    let gone = async {
        while alive(process) {
            sleep(PAUSE).await;
        }
    };
    timeout(LIMIT, gone).await.expect("the process is gone");
}

/// Whether a process runs. One that has ended, and whose parent has only not yet asked how, does
/// not: an orphan's parent is process 1, which in a container may never ask.
pub fn alive(process: u32) -> bool {
    #[cfg(target_os = "linux")]
    if stat(process).is_none_or(|(state, _)| state == 'Z' || state == 'X') {
        return false;
    }
    test_kill_process(id(process)).is_ok()
}

/// The process's id, as the system's calls take it.
pub fn id(process: u32) -> Pid {
    process.try_into().ok().and_then(Pid::from_raw).expect("a process id")
}

/// The parent of a process that runs.
#[cfg(target_os = "linux")]
pub fn parent_of(process: u32) -> Option<u32> {
    alive(process).then(|| stat(process).map(|(_, parent)| parent))?
}

/// The processes that a process has started and not reaped, and whether each is a zombie.
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

/// A process's state and its parent.
#[cfg(target_os = "linux")]
fn stat(process: u32) -> Option<(char, u32)> {
    let stat = procfs::process::Process::new(process.try_into().ok()?).ok()?.stat().ok()?;
    Some((stat.state, stat.ppid.try_into().ok()?))
}

/// Makes this process the parent of its orphaned descendants, instead of init: then
/// [`group_ends`] can count them, and need not wait until init reaps them.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).expect("it may");
}

/// Waits until the processes of a group have ended by themselves, and counts those that had become
/// children of this process. Fails at [`LIMIT`], and kills what is left.
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
