//! Runs a command and measures its process tree.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use process_tree::{Detail, Sampler, Snapshot, Target, adopt_orphans};
use tokio::process::Command;
use tokio::time::sleep;

use crate::machine::{Activity, Machine};
use crate::pass::Signals;
use crate::samples::{Samples, Usage, pace};

pub use crate::measurement::{ENOUGH_SAMPLES, Measurement, TOO_SHORT};

/// Runs a command to its end, with the input and output of this process.
///
/// It measures everything that this process starts in the meantime, reaps
/// orphans of the command, and passes signals on if it gets them. So it is
/// for a program that does nothing else at that time.
///
/// ```
/// use choose::machine::Machine;
/// use choose::measure;
/// use tokio::process::Command;
///
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let mut sleep = Command::new("sleep");
/// sleep.arg("0.2");
/// let machine = Machine::this();
/// let (status, run) = measure::run(&mut sleep, &machine, None).await?;
/// assert!(status.success());
/// assert!(run.wall_seconds >= 0.2);
/// println!("{:?} CPU seconds", run.cpu_seconds);
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
///
/// # Errors
///
/// If the command cannot be started.
pub async fn run(
    command: &mut Command,
    machine: &Machine,
    mut signals: Option<Signals>,
) -> io::Result<(ExitStatus, Measurement)> {
    adopt_orphans();
    let before = Usage::so_far();
    let machine_before = Activity::so_far();
    let started = Instant::now();
    let mut child = command.spawn()?;
    let id = child.id().unwrap_or_default();

    let target = Target::Children { waited_for: Some(id) };
    let samples = Samples::begin(machine);
    let sampler = match Sampler::start(target, pace(), samples) {
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

/// Returns the processes of the command that did not end with it. A process
/// that is about to end gets a tenth of a second, so that its CPU time is
/// counted.
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

impl Usage {
    /// Counts all children that have been waited for, and their children.
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
