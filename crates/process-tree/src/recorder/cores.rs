//! The cores in use over time.

use super::TICK;
use crate::activity::Cores;

/// The maximum number of steps.
const MAX_STEPS: f64 = 200.0;
/// The lengths that a step can have, in milliseconds.
const STEPS: [f64; 8] =
    [5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// The CPU time that all processes have used up to a time. Both are in
/// milliseconds.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct CpuTime {
    pub at: f64,
    pub used: f64,
    /// The number of cores that the threads that are runnable then can use.
    pub cores: u64,
}

/// Returns the average number of cores in use in each step.
pub(super) fn in_use(cpu: &[CpuTime]) -> Cores {
    let Some(last) = cpu.last() else { return Cores::default() };
    let end = last.at;
    let step = STEPS.into_iter().find(|step| end / step <= MAX_STEPS);
    let step = step.unwrap_or(end / MAX_STEPS);

    let mut used = vec![0.0; (end / step).ceil() as usize];
    for interval in intervals(cpu) {
        // The processes used as much in each moment of the interval.
        let (from, to) = (interval.from, interval.to);
        let (first, last) = ((from / step) as usize, (to / step) as usize);
        for (number, used) in
            used.iter_mut().enumerate().take(last + 1).skip(first)
        {
            let begin = number as f64 * step;
            let part = to.min(begin + step) - f64::max(from, begin);
            *used += interval.used * part / (to - from);
        }
    }
    for (number, used) in used.iter_mut().enumerate() {
        let length = step.min(end - number as f64 * step);
        *used = (*used / length * 100.0).round() / 100.0;
    }
    Cores { used, step: step / 1000.0 }
}

/// The time between two snapshots, in milliseconds.
struct Interval {
    from: f64,
    to: f64,
    /// The CPU time that was used in it.
    used: f64,
    /// The maximum CPU time that the runnable threads can have used.
    max: f64,
}

/// Returns the intervals between snapshots.
///
/// The kernel updates the CPU time of a thread that is on a core only at
/// its ticks, so some of it appears an interval or two late. Time that
/// exceeds the maximum of an interval is moved to the intervals before it,
/// as far as these have room.
fn intervals(cpu: &[CpuTime]) -> Vec<Interval> {
    let mut intervals = Vec::new();
    let mut before = &CpuTime::default();
    for now in cpu {
        if now.at <= before.at {
            continue;
        }
        let cores = before.cores.max(now.cores).max(1) as f64;
        intervals.push(Interval {
            from: before.at,
            to: now.at,
            used: now.used - before.used,
            max: cores * (now.at - before.at),
        });
        before = now;
    }
    for number in (0..intervals.len()).rev() {
        let (earlier, rest) = intervals.split_at_mut(number);
        let late = &mut rest[0];
        for earlier in earlier.iter_mut().rev() {
            let excess = f64::max(late.used - late.max, 0.0);
            if excess == 0.0 || late.to - earlier.to > 2.0 * TICK {
                break;
            }
            let room = f64::max(earlier.max - earlier.used, 0.0);
            let moved = excess.min(room);
            earlier.used += moved;
            late.used -= moved;
        }
    }
    intervals
}
