//! The samples of a process tree, and the figures that follow from them.

use std::time::{Duration, Instant};

use process_tree::{Detail, Observer, Pace, Peaks, Snapshot};

use crate::delays::Delays;
use crate::machine::{Activity, Machine};
use crate::measurement::{ENOUGH_SAMPLES, Measurement, TOO_SHORT};

/// The pauses between two samples: irregular, and shorter at first for
/// commands that do not take long.
pub(crate) fn pace() -> Pace {
    Pace::between(Duration::from_millis(5)..=Duration::from_millis(15))
        .at_first(TOO_SHORT, Duration::from_millis(1))
}

/// The counts of the system: exact, and including the threads and processes
/// that were too short-lived for any sample.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub cpu_seconds: f64,
    pub waits: u64,
}

/// The sums over all samples. Each sample stands for the time since the one
/// before.
#[derive(Debug)]
pub(crate) struct Samples {
    cores: u64,
    last: Instant,
    /// The time that was sampled, in seconds.
    sampled: f64,
    /// The part of it in which at least one thread was runnable.
    busy: f64,
    /// The number of wanted cores, multiplied by the time.
    wanted: f64,
    /// The number of waiting threads, multiplied by the time.
    waiting: f64,
    /// The CPU time that the samples took.
    took: Duration,
    delays: Delays,
    /// The largest figures of any sample.
    peaks: Option<Peaks>,
    /// The maximum number of threads that waited at once.
    max_waits: u64,
    count: u32,
    /// The number of samples that saw a runnable thread.
    busy_count: u32,
}

impl Observer for Samples {
    fn detail(&self) -> Detail {
        match self.delays.are_due() {
            true => Detail::Times,
            false => Detail::States,
        }
    }

    fn observe(&mut self, at: Instant, tree: &Snapshot) {
        self.took += tree.took;
        if tree.processes.is_empty() {
            return; // the command has ended, or is about to
        }
        let seconds = at.saturating_duration_since(self.last).as_secs_f64();
        self.last = at;
        self.count += 1;
        self.delays.add(tree, at);

        let runnable = tree.runnable();
        let waits = tree.threads.saturating_sub(runnable);
        self.sampled += seconds;
        if runnable > 0 {
            self.busy += seconds;
            self.busy_count += 1;
        }
        self.wanted += seconds * runnable.min(self.cores) as f64;
        self.waiting += seconds * waits as f64;
        self.peaks.get_or_insert_default().add(tree);
        self.max_waits = self.max_waits.max(waits);
    }
}

impl Samples {
    /// The minimum share of the time that has to be lost to other programs
    /// to count: a core takes a while to wake up even if nothing else runs.
    const MIN_LOSS: f64 = 0.02;
    /// The maximum time that can be lost, as a multiple of the delays of
    /// the threads. More than one, because two delays are missing: that of
    /// the command at its end, and that of this process before it learns of
    /// the end.
    const MAX_LOSS_PER_DELAY: f64 = 2.0;

    pub(crate) fn begin(machine: &Machine) -> Self {
        let now = Instant::now();
        Self {
            cores: machine.cores.into(),
            last: now,
            sampled: 0.0,
            busy: 0.0,
            wanted: 0.0,
            waiting: 0.0,
            took: Duration::ZERO,
            delays: Delays::begin(now),
            peaks: None,
            max_waits: 0,
            count: 0,
            busy_count: 0,
        }
    }

    /// Combines the samples with the counts of the system in a run of this
    /// many seconds.
    pub(crate) fn sum_up(
        self,
        wall: f64,
        used: Option<Usage>,
        activity: Option<Activity>,
    ) -> Measurement {
        let mut measured = Measurement {
            wall_seconds: wall,
            cpu_seconds: used.map(|used| used.cpu_seconds),
            cores_used: used.map(|used| used.cpu_seconds / wall),
            waits: used.map(|used| used.waits),
            ..Measurement::default()
        };
        if wall < TOO_SHORT.as_secs_f64() {
            return measured;
        }
        if let Some(peaks) = self.peaks {
            measured.samples = Some(self.count);
            measured.max_waits_at_once = Some(self.max_waits);
            measured.peak_memory_bytes = Some(peaks.memory);
            measured.max_threads = Some(peaks.threads);
            measured.max_processes = Some(peaks.processes);
        }
        if let Some(used) = used {
            self.add_shares(&mut measured, used, activity);
        }
        measured
    }

    /// Adds the shares of the time in which the command computed and
    /// waited.
    fn add_shares(
        &self,
        measured: &mut Measurement,
        used: Usage,
        activity: Option<Activity>,
    ) {
        let wall = measured.wall_seconds;
        // The CPU time of a process that was left running is counted
        // nowhere else.
        let cpu = used.cpu_seconds.max(self.delays.ran());
        let at_once = self.cores_at_once(cpu / wall);
        let computing = cpu / at_once;
        let lost = self.lost(wall, cpu, computing, activity);
        let share = computing / (wall - lost);

        measured.computing_share = Some(share.min(1.0));
        if self.busy > 0.0 || share >= 0.01 {
            measured.cores_wanted = Some(at_once);
        }
        if self.count < ENOUGH_SAMPLES {
            return;
        }
        measured.runnable_share = Some(self.busy / self.sampled);
        let slowed_down = match lost >= Self::MIN_LOSS * wall {
            true => (computing + lost) / computing,
            false => 1.0,
        };
        measured.slowed_down_times = Some(slowed_down);
        if used.waits > 0 && self.waiting > 0.0 {
            let average = self.waiting / used.waits as f64;
            measured.average_wait_seconds = Some(average);
        }
    }

    /// Returns the number of cores that the command computes on while it
    /// computes, which only samples show. With its CPU time, which is
    /// exact, it says for how long the command would compute if it were
    /// alone.
    fn cores_at_once(&self, cores_used: f64) -> f64 {
        let seen = match self.busy_count >= ENOUGH_SAMPLES {
            true => self.wanted / self.busy,
            false => 1.0,
        };
        seen.max(cores_used).max(1.0)
    }

    /// Returns the seconds that the command lost to other programs.
    ///
    /// That is the time in which the samples saw it runnable although it
    /// did not compute, but only as far as other programs did run, and as
    /// its threads did queue for a core.
    fn lost(
        &self,
        wall: f64,
        cpu: f64,
        computing: f64,
        activity: Option<Activity>,
    ) -> f64 {
        if self.count < ENOUGH_SAMPLES {
            return 0.0;
        }
        let mut lost = self.busy / self.sampled * wall - computing;
        if let Some(machine) = activity {
            let own = cpu + self.took.as_secs_f64();
            lost = lost.min(machine.busy_seconds - own);
            if let Some(queued) = self.delays.queued(cpu) {
                let delays = queued + machine.stolen_seconds;
                lost = lost.min(delays * Self::MAX_LOSS_PER_DELAY);
            }
        }
        lost.clamp(0.0, wall - computing)
    }
}

#[cfg(test)]
mod tests {
    use process_tree::Times;

    use super::*;

    /// Returns a hundred samples in 10 s. This many of them saw a runnable
    /// thread and `wanted` cores wanted. The other figures are seconds.
    fn samples(busy: u32, wanted: f64, queued: f64, ran: f64) -> Samples {
        let machine = Machine { cores: 2, ..Machine::default() };
        let mut samples = Samples::begin(&machine);
        samples.count = 100;
        samples.busy_count = busy;
        samples.sampled = 10.0;
        samples.busy = f64::from(busy) / 10.0;
        samples.wanted = samples.busy * wanted;
        samples.peaks = Some(Peaks::default());
        samples.delays = Delays::of_one_thread(Times {
            ran: Duration::from_secs_f64(ran),
            queued: Duration::from_secs_f64(queued),
        });
        samples
    }

    /// Returns the result of a run of 10 s, on a machine whose cores were
    /// busy for this many seconds: the share of computing, and by how much
    /// it was slowed down.
    fn sum_up(samples: Samples, cpu: f64, busy: f64) -> (String, String) {
        let used = Usage { cpu_seconds: cpu, waits: 1 };
        let activity = Activity { busy_seconds: busy, stolen_seconds: 0.0 };
        let measured = samples.sum_up(10.0, Some(used), Some(activity));
        let two =
            |n: Option<f64>| format!("{:.2}", n.expect("it is known"));
        (two(measured.computing_share), two(measured.slowed_down_times))
    }

    fn pair(share: &str, slowed_down: &str) -> (String, String) {
        (share.to_owned(), slowed_down.to_owned())
    }

    #[test]
    fn time_that_others_took_does_not_count() {
        // It computed for 2 s, queued for 6 and slept for 2.
        let half = samples(80, 1.0, 6.0, 2.0);
        assert_eq!(sum_up(half, 2.0, 20.0), pair("0.50", "4.00"));
    }

    #[test]
    fn an_idle_machine_slows_nothing_down() {
        // It was runnable in all samples, but nothing else ran.
        let all = samples(100, 1.0, 9.0, 3.0);
        assert_eq!(sum_up(all, 3.0, 3.1), pair("0.30", "1.00"));
    }

    #[test]
    fn a_program_that_never_queues_is_not_slowed_down() {
        // Others ran, but on another core.
        let all = samples(100, 1.0, 0.05, 3.0);
        assert_eq!(sum_up(all, 3.0, 13.0), pair("0.30", "1.00"));
    }

    #[test]
    fn threads_that_are_too_short_for_samples_queue_as_much() {
        // Samples saw only a tenth of its CPU time, with its delay of 0.2
        // s.
        let short = samples(80, 1.0, 0.2, 0.4);
        assert_eq!(sum_up(short, 4.0, 20.0), pair("0.67", "2.00"));
    }

    #[test]
    fn computing_on_two_cores_takes_half_of_the_cpu_time() {
        let two = samples(50, 2.0, 0.0, 10.0);
        assert_eq!(sum_up(two, 10.0, 10.0), pair("0.50", "1.00"));
    }
}
