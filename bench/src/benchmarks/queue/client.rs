//! The jobs, and how a client in Rust measures them.

use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Result, ensure};
use futures::StreamExt;
use process_pool::{Job, JobResult};
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

use crate::benchmark::Turn;
use crate::measure::seconds;

/// The jobs that are under way at the same time: as many as a map of the job queue has by default.
const IN_FLIGHT: usize = 500;

/// A job. Its result is its number plus one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Task {
    Empty(u64),
    /// Uses 1 ms of CPU time.
    Spin(u64),
    /// Sleeps for 100 ms.
    Sleep(u64),
    /// Connects to this port when it begins, and ends when that connection is closed.
    Hold(u64, u16),
}

impl Job for Task {
    type Output = u64;

    fn run(self) -> JobResult<u64> {
        let number = match self {
            Self::Empty(number) => number,
            Self::Spin(number) => {
                let end = cpu_time() + Duration::from_millis(1);
                while cpu_time() < end {}
                number
            }
            Self::Sleep(number) => {
                thread::sleep(Duration::from_millis(100));
                number
            }
            Self::Hold(number, port) => {
                let mut caller = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
                io::copy(&mut caller, &mut io::sink())?;
                number
            }
        };
        Ok(number + 1)
    }
}

/// Returns the CPU time of this thread, which does not pass while another thread has the core.
#[cfg(unix)]
fn cpu_time() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Returns the time since the first call.
#[cfg(not(unix))]
fn cpu_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}

/// A client that has jobs run.
pub trait Client: Send + Sync + 'static {
    fn run(&self, task: Task) -> impl Future<Output = Result<u64>> + Send;
}

/// Runs something in a task, as a service does, and not in the thread that blocks on the runtime.
pub fn in_task<T: Send + 'static>(
    runtime: &Runtime,
    body: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    runtime.block_on(runtime.spawn(body))?
}

/// Runs this many jobs, up to [`IN_FLIGHT`] at the same time, and checks their results.
pub fn run_all<C: Client>(
    runtime: &Runtime,
    client: &Arc<C>,
    many: u64,
    task: fn(u64) -> Task,
) -> Result<()> {
    let client = Arc::clone(client);
    in_task(runtime, async move {
        let run = |number| {
            let client = Arc::clone(&client);
            async move { (number, client.run(task(number)).await) }
        };
        let mut results = futures::stream::iter(0..many).map(run).buffered(IN_FLIGHT);
        while let Some((number, result)) = results.next().await {
            ensure!(result? == number + 1, "a wrong result");
        }
        Ok(())
    })
}

/// Returns the milliseconds that an empty job takes if each is sent when the one before it is done.
pub fn round_trip<C: Client>(turn: &Turn, runtime: &Runtime, client: &Arc<C>) -> Result<f64> {
    let each = seconds(turn.time, |times| {
        let client = Arc::clone(client);
        in_task(runtime, async move {
            for number in 0..times {
                ensure!(client.run(Task::Empty(number)).await? == number + 1, "a wrong result");
            }
            Ok(())
        })
    })?;
    Ok(each * 1e3)
}

/// Returns the jobs per second if there are always many to do. Repeats with twice as many until that
/// takes long enough for the beginning and the end not to matter, twice in a row. The better of the
/// two counts.
pub fn per_second<C: Client>(
    turn: &Turn,
    runtime: &Runtime,
    client: &Arc<C>,
    workers: usize,
    task: fn(u64) -> Task,
) -> Result<f64> {
    let batch = |many| -> Result<Duration> {
        let began = Instant::now();
        run_all(runtime, client, many, task)?;
        Ok(began.elapsed())
    };
    let enough = 2 * turn.time;
    let mut many = workers as u64;
    loop {
        let took = batch(many)?;
        if took >= enough {
            let again = batch(many)?;
            if again >= enough {
                return Ok(many as f64 / took.min(again).as_secs_f64());
            }
        }
        many *= 2;
    }
}
