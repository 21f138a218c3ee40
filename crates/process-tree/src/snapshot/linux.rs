//! Reads a tree of processes from `/proc`.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use procfs::process::Process;
use rustix::process::{Pid, WaitOptions, waitpid};
use rustix::time::{ClockId, clock_gettime};

use super::{
    Detail, KernelState, MAX_THREADS, Snapshot, ThreadSample, Times,
};
use crate::wait::Wait;

pub(super) fn of(process: u32, detail: Detail) -> Option<Snapshot> {
    let process = process.try_into().ok()?;
    timed(detail, |snapshot| snapshot.add(process))
}

pub(super) fn of_children(
    waited_for: Option<u32>,
    detail: Detail,
) -> Option<Snapshot> {
    let waited_for = waited_for.map(u32::cast_signed);
    timed(detail, |snapshot| {
        let tasks = fs::read_dir("/proc/self/task").ok()?.flatten();
        let mut is_listed = false;
        // None, too, if a thread of this process is ending right now.
        for children in tasks.filter_map(|task| children(&task.path())) {
            is_listed = true;
            for child in children {
                if snapshot.add(child).is_none()
                    && Some(child) != waited_for
                    && !has_ended(child)
                {
                    snapshot.ending += 1;
                }
            }
        }
        is_listed.then_some(())
    })
}

/// Fills a snapshot, and measures the CPU time that this takes.
fn timed(
    detail: Detail,
    fill: impl FnOnce(&mut Snapshot) -> Option<()>,
) -> Option<Snapshot> {
    let began = thread_cpu_time();
    let mut snapshot = Snapshot { detail, ..Snapshot::default() };
    fill(&mut snapshot)?;
    snapshot.took = thread_cpu_time().saturating_sub(began);
    Some(snapshot)
}

impl Snapshot {
    /// Adds a process and its children. Returns `None` if it has ended.
    fn add(&mut self, id: i32) -> Option<()> {
        let status = Process::new(id).ok()?.status().ok()?;
        self.memory += status.vmhwm? * 1024; // a zombie has none
        self.processes.push(id);
        self.threads += status.threads;
        let tasks = fs::read_dir(format!("/proc/{id}/task")).ok()?;
        for task in tasks.flatten().take(MAX_THREADS) {
            let task = task.path();
            if self.detail >= Detail::States {
                self.seen.extend(thread(id, &task, self.detail));
            }
            for child in children(&task).unwrap_or_default() {
                self.add(child);
            }
        }
        Some(())
    }
}

/// Reaps a child that nothing else waits for, and returns true if it has
/// ended.
fn has_ended(child: i32) -> bool {
    let ended = waitpid(Pid::from_raw(child), WaitOptions::NOHANG);
    !matches!(ended, Ok(None))
}

/// Returns the CPU time of this thread. A clock would also count the time
/// that other threads had the core.
fn thread_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.try_into().expect("CPU time is not negative")
}

// The functions below read a file for each thread, many times a second.
// They parse only what they need, because procfs parses all of it, which
// takes too long.

/// Reads one thread. Returns `None` if it has ended.
fn thread(
    process: i32,
    task: &Path,
    detail: Detail,
) -> Option<ThreadSample> {
    let mut buffer = [0; 512];
    // 4711 (name) R …; the name may contain anything, even parentheses.
    let stat = read(&task.join("stat"), &mut buffer)?;
    let name_begins = stat.iter().position(|byte| *byte == b'(')? + 1;
    let name_ends = stat.iter().rposition(|byte| *byte == b')')?;
    let fields = stat.get(name_ends + 2..)?;
    let mut state = match *fields.first()? {
        letter if letter != b'Z' && is_ending(fields) => {
            KernelState::Other('X')
        }
        b'R' => KernelState::Runnable,
        b'S' => KernelState::Sleeping,
        b'D' => KernelState::Uninterruptible,
        letter => KernelState::Other(char::from(letter)),
    };
    let id = task.file_name()?.to_str()?.parse().ok()?;
    let times = (detail >= Detail::Times).then(|| times(task)).flatten();

    let (mut wait, mut name) = (None, String::new());
    if detail >= Detail::Waits {
        let bytes = stat.get(name_begins..name_ends)?;
        name = String::from_utf8_lossy(bytes).into_owned();
        let waits = [KernelState::Sleeping, KernelState::Uninterruptible];
        if waits.contains(&state) {
            match Blocked::read(task) {
                Blocked::In(reason) => wait = Some(reason),
                // It has woken up since its state was read.
                Blocked::NoLonger => state = KernelState::Runnable,
            }
        }
    }
    Some(ThreadSample { process, id, state, times, wait, name })
}

/// Returns true if the thread has begun to end, which its state does not
/// show.
fn is_ending(fields: &[u8]) -> bool {
    const PF_EXITING: u32 = 4; // include/linux/sched.h
    let flags = fields.split(|byte| *byte == b' ').nth(6);
    let flags = flags.and_then(|flags| str::from_utf8(flags).ok());
    let flags = flags.and_then(|flags| flags.parse::<u32>().ok());
    flags.is_some_and(|flags| flags & PF_EXITING != 0)
}

/// The content of the file `syscall` of a thread that waits.
enum Blocked {
    In(Wait),
    NoLonger,
}

impl Blocked {
    /// Parses `202 0x7f… …`, the number of the system call and its
    /// arguments, or `running`, or -1 if it waits outside of a system call.
    fn read(task: &Path) -> Self {
        let mut buffer = [0; 512];
        let text = read(&task.join("syscall"), &mut buffer);
        let text = text.and_then(|text| str::from_utf8(text).ok());
        match text.and_then(|text| text.split_whitespace().next()) {
            Some("running") => Self::NoLonger,
            Some(number) => Self::In(
                number.parse().map_or(Wait::Unknown, Wait::in_system_call),
            ),
            None => Self::In(Wait::Unknown), // the kernel refuses to say
        }
    }
}

/// Reads the first two of the three numbers in `schedstat`, in nanoseconds.
fn times(task: &Path) -> Option<Times> {
    let mut buffer = [0; 512];
    let text = read(&task.join("schedstat"), &mut buffer)?;
    let mut numbers = str::from_utf8(text).ok()?.split_whitespace();
    let mut time =
        || Some(Duration::from_nanos(numbers.next()?.parse().ok()?));
    Some(Times { ran: time()?, queued: time()? })
}

/// Reads a short file, which the kernel returns in one read.
fn read<'a>(file: &Path, buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    let length = File::open(file).ok()?.read(buffer).ok()?;
    buffer.get(..length)
}

/// Reads the ids of the processes that a thread has started. Returns `None`
/// if the thread has ended, or if the kernel was built without this file.
fn children(task: &Path) -> Option<Vec<i32>> {
    let mut file = File::open(task.join("children")).ok()?;
    let mut buffer = [0; 512];
    let length = file.read(&mut buffer).ok()?;
    if length == 0 {
        return Some(Vec::new()); // most threads
    }
    let mut ids = buffer[..length].to_vec();
    file.read_to_end(&mut ids).ok()?;
    let ids = String::from_utf8(ids).ok()?;
    Some(ids.split_whitespace().flat_map(str::parse).collect())
}
