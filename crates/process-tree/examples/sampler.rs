//! Measures what it costs to sample a program: the CPU time of the sampler,
//! and how much longer the program takes. The program computes on its main
//! thread while many other threads wait.
//!
//! ```sh
//! cargo run -p process-tree --example sampler
//! ```
//!
//! It is built without optimization, as the guide is when it records
//! examples.

use std::error::Error;
use std::hint::black_box;
use std::io;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use process_tree::{
    Detail, Monitor, Pace, Sampler, Snapshot, Target, own_cpu_time,
};

/// The number of runs with the sampler, and also of those without it.
const RUNS: usize = 7;

/// The figures of one run, in seconds.
struct Took {
    wall: f64,
    /// The CPU time of the program.
    cpu: f64,
    /// The CPU time of this process meanwhile.
    own: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(threads) = std::env::args().nth(1) {
        compute_while_threads_wait(threads.parse()?);
        return Ok(());
    }
    println!(
        "threads  sampler, of one core  one snapshot  \
         program's wall time  program's CPU time"
    );
    for threads in [5, 100, 5000] {
        let (mut without, mut with) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            // In turn, so that other programs disturb both alike.
            without.push(run(threads, false)?);
            with.push(run(threads, true)?);
        }
        // The minimum, because other programs only add to it.
        let more = |of: fn(&Took) -> f64| {
            (min(&with, of) / min(&without, of) - 1.0) * 100.0
        };
        let own = min(&with, |it| it.own) - min(&without, |it| it.own);
        println!(
            "{threads:7}  {:18.1} %  {:9.2} ms  {:+17.1} %  {:+16.1} %",
            own / min(&with, |it| it.wall) * 100.0,
            snapshot(threads)?.as_secs_f64() * 1000.0,
            more(|it| it.wall),
            more(|it| it.cpu),
        );
    }
    Ok(())
}

/// The program that is measured.
fn compute_while_threads_wait(threads: usize) {
    for _ in 0..threads {
        thread::spawn(|| {
            loop {
                thread::park();
            }
        });
    }
    let mut sum = 0_u64;
    for number in 0..200_000_000 {
        sum = sum.wrapping_add(black_box(number));
    }
    black_box(sum);
}

/// A run of the program, which is killed when this is dropped.
struct Program(Child);

impl Program {
    fn start(threads: usize) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        Ok(Self(command.arg(threads.to_string()).spawn()?))
    }

    /// Waits until the program has ended, and returns its CPU time.
    #[cfg(target_os = "linux")]
    fn wait(&mut self) -> Result<Duration, Box<dyn Error>> {
        use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

        let id = WaitId::Pid(Pid::from_child(&self.0));
        waitid(id, WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
        let cpu = own_cpu_time(self.0.id()).ok_or(NO_TIMES)?;
        self.0.wait()?;
        Ok(cpu)
    }

    #[cfg(not(target_os = "linux"))]
    fn wait(&mut self) -> Result<Duration, Box<dyn Error>> {
        Err(NO_TIMES.into())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok(); // an error: it has ended already
        self.0.wait().ok();
    }
}

const NO_TIMES: &str = "this system does not show CPU times";

fn run(threads: usize, with_sampler: bool) -> Result<Took, Box<dyn Error>> {
    let own = || own_cpu_time(std::process::id()).ok_or(NO_TIMES);
    let before = own()?;
    let started = Instant::now();
    let mut program = Program::start(threads)?;
    let target = Target::Process(program.0.id());
    let start = || {
        let monitor = Monitor::new(started);
        Sampler::start(target, Pace::default(), monitor)
    };
    let sampler = with_sampler.then(start).transpose()?;
    let cpu = program.wait()?;
    let wall = started.elapsed();
    sampler.map(Sampler::finish);
    Ok(Took {
        wall: wall.as_secs_f64(),
        cpu: cpu.as_secs_f64(),
        own: (own()? - before).as_secs_f64(),
    })
}

/// Returns the CPU time of one snapshot of the running program.
fn snapshot(threads: usize) -> Result<Duration, Box<dyn Error>> {
    let program = Program::start(threads)?;
    let id = program.0.id();
    let all_started = |it: Snapshot| it.threads == threads as u64 + 1;
    while !Snapshot::of(id, Detail::Totals).is_some_and(all_started) {
        thread::sleep(Duration::from_millis(1));
    }
    let snapshots =
        (0..RUNS).filter_map(|_| Snapshot::of(id, Detail::Waits));
    let took = snapshots.map(|snapshot| snapshot.took).min();
    Ok(took.ok_or("it ended while it was sampled")?)
}

fn min(runs: &[Took], of: impl Fn(&Took) -> f64) -> f64 {
    runs.iter().map(of).fold(f64::INFINITY, f64::min)
}
