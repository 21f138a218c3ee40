//! Runs a command and measures its process tree.

use std::collections::HashMap;
use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use process_tree::{Detail, Snapshot, Times, adopt_orphans};
use serde::Serialize;
use tokio::process::Command;
use tokio::time::sleep;

use crate::machine::{Activity, Machine};
use crate::pass::Signals;

/// A shorter run is mostly the start of the program.
pub const TOO_SHORT: Duration = Duration::from_millis(100);

/// Fewer samples say too little about a share of the time.
pub const ENOUGH_SAMPLES: u32 = 10;

/// What was measured, over the whole process tree of the command. `None` is
/// what this system does not report, or what ended before the first sample.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Measured {
    /// From the start of the command to its end.
    pub wall_seconds: f64,
    /// CPU time of the command and of all processes that it waited for.
    pub cpu_seconds: Option<f64>,
    /// `cpu_seconds` ÷ `wall_seconds`.
    pub cores_used: Option<f64>,
    /// How many threads were runnable while at least one of them was, on
    /// average, but no more than there are cores.
    pub cores_wanted: Option<f64>,
    /// The share of the time in which at least one thread was runnable: 0 to 1.
    pub runnable_share: Option<f64>,
    /// The share of the time in which the command would compute if it had the
    /// machine for itself: 0 to 1.
    pub computing_share: Option<f64>,
    /// How many times longer the computing took because other programs had the
    /// cores. 1 if that cost less than a fiftieth of the time.
    pub slowed_down_times: Option<f64>,
    /// How often a thread gave up its core to wait.
    pub waits: Option<u64>,
    /// The time that all threads waited, added up, ÷ `waits`.
    pub average_wait_seconds: Option<f64>,
    /// The most threads that waited at once.
    pub most_waits_at_once: Option<u64>,
    /// The most memory at once.
    pub peak_memory_bytes: Option<u64>,
    /// The most threads at once.
    pub most_threads: Option<u64>,
    /// The most processes at once.
    pub most_processes: Option<u64>,
    /// How many samples of the process tree were taken.
    pub samples: Option<u32>,
    /// The processes of the command that were still running a tenth of a
    /// second after its end.
    pub left_running: Option<Vec<i32>>,
}

impl Measured {
    /// How often the command waited for each second of CPU time.
    pub fn waits_per_cpu_second(&self) -> Option<f64> {
        let cpu = self.cpu_seconds.filter(|seconds| *seconds > 0.0)?;
        Some(self.waits? as f64 / cpu)
    }
}

/// Runs a command to its end, with the input and output of this process.
///
/// # Errors
///
/// When the command cannot be started.
pub async fn run(
    command: &mut Command,
    machine: &Machine,
    mut signals: Option<Signals>,
) -> io::Result<(ExitStatus, Measured)> {
    adopt_orphans();
    let before = Usage::so_far();
    let machine_before = Activity::so_far();
    let started = Instant::now();
    let mut child = command.spawn()?;
    let id = child.id().unwrap_or_default();

    let sampler = match Sampler::start(machine, id) {
        Ok(sampler) => sampler,
        Err(error) => {
            child.kill().await.ok(); // it would run on without being measured
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
        () = forward => unreachable!("forwarding never ends"),
    };

    let wall = started.elapsed();
    let machine_after = Activity::so_far();
    let samples = sampler.finish();
    let left = still_running().await;
    let used = Usage::so_far().zip(before).map(|(now, before)| Usage {
        cpu_seconds: now.cpu_seconds - before.cpu_seconds,
        waits: now.waits - before.waits,
    });
    let activity = machine_after.zip(machine_before);
    let activity = activity.map(|(after, before)| after.since(before));
    let mut measured = samples.sum_up(wall.as_secs_f64(), used, activity);
    measured.left_running = left;
    Ok((status, measured))
}

/// The processes of the command that did not end with it. A process that is
/// about to end gets a tenth of a second, so that what it used is counted.
async fn still_running() -> Option<Vec<i32>> {
    for _ in 0..10 {
        let tree = Snapshot::of_children(None, Detail::Totals)?;
        if tree.processes.is_empty() && tree.ending == 0 {
            break;
        }
        sleep(Duration::from_millis(10)).await;
    }
    Some(Snapshot::of_children(None, Detail::Totals)?.processes)
}

/// What the system counts: exactly, and including the threads and processes
/// that were too short-lived for any sample.
#[derive(Debug, Clone, Copy)]
struct Usage {
    cpu_seconds: f64,
    waits: u64,
}

impl Usage {
    /// Of all children that have been waited for, and of their children.
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

/// A thread that samples the tree until it is told to stop. A thread and not a
/// task, because a sample of thousands of threads takes a while.
#[derive(Debug)]
struct Sampler {
    // Dropping it ends the thread.
    stop: mpsc::Sender<()>,
    thread: JoinHandle<Samples>,
}

impl Sampler {
    fn start(machine: &Machine, command: u32) -> io::Result<Self> {
        let mut samples = Samples::begin(machine);
        let (stop, stopped) = mpsc::channel();
        let sample_until_stopped = move || {
            while let Some(tree) =
                Snapshot::of_children(Some(command), samples.detail())
            {
                let pause = samples.add(&tree);
                let stop = stopped.recv_timeout(pause);
                if stop == Err(RecvTimeoutError::Disconnected) {
                    break;
                }
            }
            samples
        };
        let thread = thread::Builder::new().spawn(sample_until_stopped)?;
        Ok(Self { stop, thread })
    }

    fn finish(self) -> Samples {
        drop(self.stop);
        self.thread.join().expect("sampling does not panic")
    }
}

/// What the samples saw. Each stands for the time since the one before.
#[derive(Debug)]
struct Samples {
    cores: u64,
    started: Instant,
    last: Instant,
    /// The next fields are seconds: the time that was sampled, the part of it
    /// in which a thread was runnable, and then wanted cores and waiting
    /// threads, each multiplied by the time.
    all: f64,
    busy: f64,
    wanted: f64,
    waiting: f64,
    /// The CPU time that the samples took.
    took: Duration,
    queue: Queue,
    /// The largest figures of any sample.
    most: Option<Most>,
    count: u32,
    /// How many samples saw a runnable thread.
    busy_count: u32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Most {
    waits: u64,
    memory: u64,
    threads: u64,
    processes: u64,
}

impl Samples {
    /// Sampling may use one core for this part of the time: a twentieth.
    const EFFORT: u32 = 20;
    /// A smaller part of the time that was lost to other programs does not
    /// count: a core takes a while to wake up even if nothing else runs.
    const LEAST_LOSS: f64 = 0.02;
    /// As much time can be lost as the threads queued, times this. More than
    /// one, because two delays are missing: that of the command at its end, and
    /// that of this process before it learns of the end.
    const QUEUED_TIMES: f64 = 2.0;

    fn begin(machine: &Machine) -> Self {
        let now = Instant::now();
        Self {
            cores: machine.cores.into(),
            started: now,
            last: now,
            all: 0.0,
            busy: 0.0,
            wanted: 0.0,
            waiting: 0.0,
            took: Duration::ZERO,
            queue: Queue::begin(now),
            most: None,
            count: 0,
            busy_count: 0,
        }
    }

    /// What the next sample has to read.
    fn detail(&self) -> Detail {
        if self.queue.is_due() { Detail::Times } else { Detail::States }
    }

    /// Adds a sample that has just been taken, and returns the time until the
    /// next.
    fn add(&mut self, tree: &Snapshot) -> Duration {
        self.took += tree.took;
        let pause = self.pause(tree.took);
        if tree.processes.is_empty() {
            return pause; // it has ended, or is about to
        }
        let now = Instant::now();
        let seconds = (now - self.last).as_secs_f64();
        self.last = now;
        self.count += 1;
        self.queue.add(tree, now);

        let runnable = tree.runnable();
        let waits = tree.threads.saturating_sub(runnable);
        self.all += seconds;
        if runnable > 0 {
            self.busy += seconds;
            self.busy_count += 1;
        }
        self.wanted += seconds * runnable.min(self.cores) as f64;
        self.waiting += seconds * waits as f64;

        let most = self.most.get_or_insert_default();
        most.waits = most.waits.max(waits);
        most.memory = most.memory.max(tree.memory);
        most.threads = most.threads.max(tree.threads);
        most.processes = most.processes.max(tree.processes.len() as u64);
        pause
    }

    /// The time until the next sample, after one that took this CPU time.
    fn pause(&self, took: Duration) -> Duration {
        let pause = if self.started.elapsed() < TOO_SHORT {
            Duration::from_millis(1) // for commands that do not take long
        } else {
            // From 5 to 15 ms, as irregular as can be (multiples of the golden
            // ratio), so that the samples never fall into step with a rhythm
            // of the command.
            let part = (f64::from(self.count) * 0.618_033_988_749_895).fract();
            Duration::from_secs_f64(0.005 + 0.010 * part)
        };
        pause.max(Self::EFFORT * took)
    }

    /// Combines what the samples saw with what the system counted.
    fn sum_up(
        self,
        wall: f64,
        used: Option<Usage>,
        activity: Option<Activity>,
    ) -> Measured {
        let cpu = used.map(|used| used.cpu_seconds);
        let mut measured = Measured {
            wall_seconds: wall,
            cpu_seconds: cpu,
            cores_used: cpu.map(|cpu| cpu / wall),
            waits: used.map(|used| used.waits),
            ..Measured::default()
        };
        if wall < TOO_SHORT.as_secs_f64() {
            return measured;
        }
        measured.samples = self.most.map(|_| self.count);
        if let Some(most) = self.most {
            measured.most_waits_at_once = Some(most.waits);
            measured.peak_memory_bytes = Some(most.memory);
            measured.most_threads = Some(most.threads);
            measured.most_processes = Some(most.processes);
        }
        let Some(cpu) = cpu else { return measured };
        let enough = self.count >= ENOUGH_SAMPLES;
        // What a process used that was left running is counted nowhere else.
        let cpu = cpu.max(self.queue.ran());

        // How many cores it computes on at once is what only samples show. How
        // long it would compute with so many cores then follows from its CPU
        // time, which is exact.
        let at_once = if self.busy_count >= ENOUGH_SAMPLES {
            self.wanted / self.busy
        } else {
            1.0
        };
        let at_once = at_once.max(cpu / wall).max(1.0);
        let computing = cpu / at_once;

        // The samples saw it runnable in a larger part of the time. This time was lost
        // to other programs, but only as far as other programs did run, and as
        // its threads did queue for a core.
        let runnable = self.busy / self.all;
        let mut lost = if enough { runnable * wall - computing } else { 0.0 };
        if let Some(machine) = activity {
            let own = cpu + self.took.as_secs_f64();
            lost = lost.min(machine.busy_seconds - own);
            if let Some(queued) = self.queue.queued(cpu) {
                let queued = queued + machine.stolen_seconds;
                lost = lost.min(queued * Self::QUEUED_TIMES);
            }
        }
        let lost = lost.clamp(0.0, wall - computing);
        let share = computing / (wall - lost);

        measured.computing_share = Some(share.min(1.0));
        measured.cores_wanted =
            (self.busy > 0.0 || share >= 0.01).then_some(at_once);
        if enough {
            measured.runnable_share = Some(runnable);
            let noticed = lost >= Self::LEAST_LOSS * wall;
            measured.slowed_down_times = Some(match noticed {
                true => (computing + lost) / computing,
                false => 1.0,
            });
            measured.average_wait_seconds = measured
                .waits
                .filter(|waits| *waits > 0 && self.waiting > 0.0)
                .map(|waits| self.waiting / waits as f64);
        }
        measured
    }
}

/// For how long the threads of the tree ran and queued for a core, by the
/// kernel's own account.
#[derive(Debug)]
struct Queue {
    /// What was last known of each thread, by its id, also after its end.
    threads: HashMap<i32, Times>,
    /// What threads used whose id belongs to another thread now.
    gone: Duration,
    /// When the current window began, and for how long all threads together
    /// have queued in it.
    began: Instant,
    queued: Duration,
    /// The same of the windows before it, within what each can count.
    before: Duration,
    /// The time in the last window in which no thread queued.
    room: Duration,
    many: bool,
    known: bool,
}

impl Queue {
    /// Thousands of threads that wake up at once queue for each other, in
    /// total for longer than the run takes. So a window counts no more than
    /// its own length, and what the window before it had room for: the kernel
    /// reports a delay only when it is over.
    const WINDOW: Duration = Duration::from_millis(250);
    /// With more threads than that, only one sample in each window reads their
    /// times.
    const FEW: usize = 64;

    fn begin(now: Instant) -> Self {
        Self {
            threads: HashMap::new(),
            gone: Duration::ZERO,
            began: now,
            queued: Duration::ZERO,
            before: Duration::ZERO,
            room: Duration::ZERO,
            many: false,
            known: false,
        }
    }

    fn is_due(&self) -> bool {
        !self.many || self.began.elapsed() >= Self::WINDOW
    }

    fn add(&mut self, tree: &Snapshot, now: Instant) {
        self.many = tree.seen.len() > Self::FEW;
        for thread in &tree.seen {
            let Some(times) = thread.times else { continue };
            self.known = true;
            let last = self.threads.insert(thread.id, times);
            let last = last.unwrap_or_default();
            if times.ran < last.ran {
                self.gone += last.ran; // another thread with the same id
                self.queued += times.queued;
            } else {
                self.queued += times.queued.saturating_sub(last.queued);
            }
        }
        let length = now - self.began;
        if length >= Self::WINDOW {
            self.before += self.queued.min(length + self.room);
            self.room = length.saturating_sub(self.queued);
            self.queued = Duration::ZERO;
            self.began = now;
        }
    }

    /// The CPU time, in seconds, of all threads that were seen.
    fn ran(&self) -> f64 {
        let ran: Duration = self.threads.values().map(|it| it.ran).sum();
        (ran + self.gone).as_secs_f64()
    }

    /// For how many seconds threads queued. Those that no sample saw count as
    /// much, for each second of their CPU time, as those that were seen. `None`
    /// if the kernel does not report.
    fn queued(&self, cpu: f64) -> Option<f64> {
        let current = self.queued.min(self.began.elapsed() + self.room);
        let ran = self.ran();
        let queued = (self.before + current).as_secs_f64();
        (self.known && ran > 0.0).then(|| queued * (cpu / ran).max(1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred samples in 10 s that saw so many of the `cores` wanted, in so
    /// many of the samples.
    fn samples(busy: u32, wanted: f64, queued: f64, ran: f64) -> Samples {
        let mut samples =
            Samples::begin(&Machine { cores: 2, ..Machine::default() });
        samples.count = 100;
        samples.busy_count = busy;
        samples.all = 10.0;
        samples.busy = f64::from(busy) / 10.0;
        samples.wanted = samples.busy * wanted;
        samples.most = Some(Most::default());
        samples.queue.known = true;
        samples.queue.before = Duration::from_secs_f64(queued);
        let ran = Duration::from_secs_f64(ran);
        samples.queue.threads.insert(1, Times { ran, ..Times::default() });
        samples
    }

    /// What comes of them in a run of 10 s, on a machine whose cores were busy
    /// for so many seconds.
    fn summed_up(samples: Samples, cpu: f64, busy: f64) -> (String, String) {
        let used = Usage { cpu_seconds: cpu, waits: 1 };
        let activity = Activity { busy_seconds: busy, stolen_seconds: 0.0 };
        let measured = samples.sum_up(10.0, Some(used), Some(activity));
        let two = |n: Option<f64>| format!("{:.2}", n.expect("it is known"));
        (two(measured.computing_share), two(measured.slowed_down_times))
    }

    fn pair(share: &str, slowed_down: &str) -> (String, String) {
        (share.to_owned(), slowed_down.to_owned())
    }

    #[test]
    fn what_others_took_does_not_count() {
        // It computed for 2 s, queued for 6 and slept for 2.
        let half = samples(80, 1.0, 6.0, 2.0);
        assert_eq!(summed_up(half, 2.0, 20.0), pair("0.50", "4.00"));
    }

    #[test]
    fn an_idle_machine_slows_nothing_down() {
        // The samples saw it runnable all the time, but nothing else ran.
        let all = samples(100, 1.0, 9.0, 3.0);
        assert_eq!(summed_up(all, 3.0, 3.1), pair("0.30", "1.00"));
    }

    #[test]
    fn what_never_queues_is_not_slowed_down() {
        // Others ran, but on another core.
        let all = samples(100, 1.0, 0.05, 3.0);
        assert_eq!(summed_up(all, 3.0, 13.0), pair("0.30", "1.00"));
    }

    #[test]
    fn what_was_too_short_for_samples_queues_as_much() {
        // Samples saw only a tenth of its CPU time, with its delay of 0.2 s.
        let short = samples(80, 1.0, 0.2, 0.4);
        assert_eq!(summed_up(short, 4.0, 20.0), pair("0.67", "2.00"));
    }

    #[test]
    fn computing_on_two_cores_takes_half_of_the_cpu_time() {
        let two = samples(50, 2.0, 0.0, 10.0);
        assert_eq!(summed_up(two, 10.0, 10.0), pair("0.50", "1.00"));
    }

    #[test]
    fn a_window_counts_no_more_delay_than_it_has_room_for() {
        let thread = |id, queued| process_tree::Thread {
            process: 1,
            id,
            state: process_tree::State::Sleeping,
            times: Some(Times {
                ran: Duration::from_millis(1),
                queued: Duration::from_millis(queued),
            }),
            wait: None,
            name: String::new(),
        };
        let began = Instant::now();
        let mut queue = Queue::begin(began);
        let mut add = |milliseconds, threads: &[(i32, u64)]| {
            let seen = threads.iter().map(|(id, ms)| thread(*id, *ms));
            let tree = Snapshot { seen: seen.collect(), ..Snapshot::default() };
            queue.add(&tree, began + Duration::from_millis(milliseconds));
            queue.before.as_millis()
        };
        assert_eq!(add(100, &[(1, 50)]), 0, "the window is open");
        assert_eq!(add(250, &[(1, 70)]), 70);
        // A delay that began in the window before, which had room for 180 ms.
        assert_eq!(add(500, &[(1, 70 + 300)]), 70 + 300);
        // A thousand delays of 100 ms.
        let thousand: Vec<_> = (1..=1000).map(|id| (id, 470)).collect();
        assert_eq!(add(750, &thousand), 70 + 300 + 250);
        // The same again: no further delay.
        assert_eq!(add(1000, &thousand), 70 + 300 + 250);
    }
}
