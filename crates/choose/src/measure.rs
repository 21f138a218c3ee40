//! Runs a command and measures its process tree.

use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::process::Command;
use tokio::time::sleep;

use crate::machine::Machine;
use crate::pass::Signals;
use process_tree::{Snapshot, adopt_orphans};

/// A command that ended sooner was hardly more than its own start.
pub const TOO_SHORT: Duration = Duration::from_millis(100);

/// Fewer looks say too little of shares. At ten thousand threads each takes so
/// long that there are few.
pub const ENOUGH_LOOKS: u32 = 10;

/// What was measured, over the command's whole process tree. None is what this
/// system does not tell, or what ended before anybody could look.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// From the start to the end of the command itself.
    pub wall_seconds: f64,
    /// Of the command and of all processes that it waited for.
    pub cpu_seconds: Option<f64>,
    /// `cpu_seconds` ÷ `wall_seconds`.
    pub cores_used: Option<f64>,
    /// The cores that it wanted while it computed, no more than there are: its
    /// runnable threads, on average over the looks that found any.
    pub cores_wanted: Option<f64>,
    /// Of the time that it would take alone on the machine, the share in which
    /// at least one thread computes: 0 to 1.
    pub computing_share: Option<f64>,
    /// How many times slower it computed because others had the cores: 1 if
    /// none did.
    pub slowed_down_times: Option<f64>,
    /// How often a thread gave up its core to wait.
    pub waits: Option<u64>,
    /// The time that all threads waited, together, ÷ `waits`.
    pub average_wait_seconds: Option<f64>,
    /// The most threads that waited at once.
    pub most_waits_at_once: Option<u64>,
    /// The most memory at once.
    pub peak_memory_bytes: Option<u64>,
    /// The most threads at once.
    pub most_threads: Option<u64>,
    /// The most processes at once.
    pub most_processes: Option<u64>,
    /// How many looks at the tree the figures of looks rest on.
    pub looks: Option<u32>,
    /// The processes of it that still ran a tenth of a second after its end.
    pub left_running: Option<Vec<i32>>,
}

/// Runs a command to its end, with this process's input and output.
///
/// # Errors
///
/// When it cannot be started.
pub async fn run(
    command: &mut Command,
    machine: &Machine,
    mut signals: Option<Signals>,
) -> io::Result<(ExitStatus, Measured)> {
    adopt_orphans();
    let before = Usage::so_far();
    let started = Instant::now();
    let mut child = command.spawn()?;
    let id = child.id().unwrap_or_default();

    let looker = match Looker::start(machine, id) {
        Ok(looker) => looker,
        Err(error) => {
            child.kill().await.ok(); // unseen, it would run on
            return Err(error);
        }
    };
    let forward = async {
        match &mut signals {
            Some(signals) => signals.forward(id).await,
            None => std::future::pending().await,
        }
    };
    let status = tokio::select! {
        status = child.wait() => status?,
        () = forward => unreachable!("it forwards for ever"),
    };

    let wall = started.elapsed();
    let looks = looker.finish();
    let left = still_running().await;
    let used = Usage::so_far().zip(before).map(|(now, before)| Usage {
        cpu_seconds: now.cpu_seconds - before.cpu_seconds,
        waits: now.waits - before.waits,
    });
    let mut measured = looks.sum_up(wall.as_secs_f64(), used);
    measured.left_running = left;
    Ok((status, measured))
}

/// The processes of the command that did not end with it. Those that are about
/// to end get a tenth of a second, so that what they used is counted.
async fn still_running() -> Option<Vec<i32>> {
    for _ in 0..10 {
        let tree = Snapshot::of_children(None)?;
        if tree.processes.is_empty() && tree.ending == 0 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    Some(Snapshot::of_children(None)?.processes)
}

/// What the system counts: exactly, and including threads and processes too
/// short-lived for any look.
#[derive(Debug, Clone, Copy)]
struct Usage {
    cpu_seconds: f64,
    waits: u64,
}

impl Usage {
    /// Of all children that have been waited for, and of theirs.
    fn so_far() -> Option<Self> {
        #[cfg(unix)]
        {
            use nix::sys::resource::{UsageWho, getrusage};
            use nix::sys::time::TimeValLike;

            let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
            let cpu = usage.user_time() + usage.system_time();
            let waits = usage.voluntary_context_switches();
            Some(Self {
                cpu_seconds: cpu.num_microseconds() as f64 / 1e6,
                waits: waits.try_into().ok()?,
            })
        }
        #[cfg(not(unix))]
        None
    }
}

/// A thread that looks at the tree again and again. Not a task beside the
/// others: a look at thousands of threads takes a while.
#[derive(Debug)]
struct Looker {
    // Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Looks>,
}

impl Looker {
    fn start(machine: &Machine, command: u32) -> io::Result<Self> {
        let mut looks = Looks::begin(machine);
        let (stop, stopped) = mpsc::channel();
        let started = Instant::now();
        let look_until_stopped = move || {
            while let Some(tree) = Snapshot::of_children(Some(command)) {
                let pause = looks.add(&tree, started);
                let stop = stopped.recv_timeout(pause);
                if stop == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
            looks
        };
        let thread = thread::Builder::new().spawn(look_until_stopped)?;
        Ok(Self { stop, thread })
    }

    fn finish(self) -> Looks {
        drop(self.stop);
        self.thread.join().expect("looking does not panic")
    }
}

/// What repeated looks at the tree saw. Each stands for the time since the one
/// before.
#[derive(Debug)]
struct Looks {
    cores: u64,
    last: Instant,
    /// What follows is counted in seconds: all that was looked at, that in
    /// which a thread computed or wanted to, cores wanted × time, and threads
    /// waiting × time.
    all: f64,
    busy: f64,
    wanted: f64,
    waiting: f64,
    /// The most that was seen at once.
    most: Option<Most>,
    looks: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Most {
    waits: u64,
    memory: u64,
    threads: u64,
    processes: u64,
}

impl Looks {
    /// Looking may take one part in so many of a core.
    const EFFORT: u32 = 20;

    fn begin(machine: &Machine) -> Self {
        Self {
            cores: machine.cores.into(),
            last: Instant::now(),
            all: 0.0,
            busy: 0.0,
            wanted: 0.0,
            waiting: 0.0,
            most: None,
            looks: 0,
        }
    }

    /// Adds a look that has just ended, and gives the time until the next.
    fn add(&mut self, tree: &Snapshot, started: Instant) -> Duration {
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64();
        self.last = now;
        self.looks += 1;

        let waits = tree.threads.saturating_sub(tree.runnable);
        self.all += seconds;
        if tree.runnable > 0 {
            self.busy += seconds;
        }
        self.wanted += seconds * tree.runnable.min(self.cores) as f64;
        self.waiting += seconds * waits as f64;

        let most = self.most.get_or_insert_default();
        most.waits = most.waits.max(waits);
        most.memory = most.memory.max(tree.memory);
        most.threads = most.threads.max(tree.threads);
        most.processes = most.processes.max(tree.processes.len() as u64);

        let pause = if started.elapsed() < TOO_SHORT {
            Duration::from_millis(1) // for commands that do not take long
        } else {
            // From 5 to 15 ms, as irregular as can be (multiples of the golden
            // ratio), so that no rhythm of the command's own meets the looks.
            let part = (f64::from(self.looks) * 0.618_033_988_749_895).fract();
            Duration::from_secs_f64(0.005 + 0.010 * part)
        };
        pause.max(Self::EFFORT * tree.took)
    }

    /// Puts together what was seen and what the system counted.
    fn sum_up(self, wall: f64, used: Option<Usage>) -> Measured {
        let cpu = used.map(|used| used.cpu_seconds);
        let cores_used = cpu.map(|cpu| cpu / wall);
        let mut measured = Measured {
            wall_seconds: wall,
            cpu_seconds: cpu,
            cores_used,
            waits: used.map(|used| used.waits),
            ..Measured::default()
        };
        if wall < TOO_SHORT.as_secs_f64() {
            return measured;
        }
        measured.looks = self.most.map(|_| self.looks);
        if let Some(most) = self.most {
            measured.most_waits_at_once = Some(most.waits);
            measured.peak_memory_bytes = Some(most.memory);
            measured.most_threads = Some(most.threads);
            measured.most_processes = Some(most.processes);
        }
        if self.looks < ENOUGH_LOOKS {
            // The cores used have to do.
            measured.cores_wanted = cores_used.map(|used| used.max(1.0));
            measured.computing_share = cores_used.map(|used| used.min(1.0));
            return measured;
        }
        // The cores wanted and not got, because others had them.
        let slowed_down = match cores_used {
            Some(used) if used > 0.0 => {
                (self.wanted / self.all / used).max(1.0)
            }
            _ => 1.0,
        };
        // Alone on the machine the computing would take so much less time, and
        // the waiting just as long.
        let computing = self.busy / slowed_down;
        let idle = self.all - self.busy;
        measured.computing_share = Some(computing / (computing + idle));
        measured.cores_wanted =
            (self.busy > 0.0).then(|| self.wanted / self.busy);
        measured.slowed_down_times = Some(slowed_down);
        measured.average_wait_seconds = measured
            .waits
            .filter(|waits| *waits > 0 && self.waiting > 0.0)
            .map(|waits| self.waiting / waits as f64);
        measured
    }
}
