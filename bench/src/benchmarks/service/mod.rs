//! The compute service and FastAPI's, under the same load.

mod load;

use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use harness::kept::results::Better;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn, figures};
use crate::parts::program;
use crate::parts::server::Service;
use crate::usage::memory_of_tree;
use crate::work::cores;

const SIZES: &[u64] = &[0];

pub(in crate::benchmarks) fn benchmark() -> Benchmark {
    Benchmark {
        name: "service",
        question: "What do clients of a busy service see?",
        method: "Loaded: /health is requested 200 times a second, while four clients per core keep \
                 the service busy with jobs of 120 ms; a latency counts from when the request was \
                 due. /compute/10: eight clients per core and a trivial job. The clients share the \
                 machine with the service, and run at a higher priority if the system permits it.",
        programs: &["compute-service"],
        python_packages: true,
        measures: &[
            ("/health loaded p99", "ms", Better::Less),
            ("/health loaded p50", "ms", Better::Less),
            ("/health idle p99", "ms", Better::Less),
            ("/compute/10", "requests/s", Better::More),
            ("/compute/10 p99", "ms", Better::Less),
            ("jobs meanwhile", "jobs/s", Better::More),
            ("memory idle", "MiB", Better::Less),
            ("memory after", "MiB", Better::Less),
        ],
        implementations: vec![
            Implementation::python_measured_by("FastAPI", SIZES, fastapi),
            Implementation::rust("inline", SIZES, |turn| ours("inline", turn)),
            Implementation::rust("spawn-blocking", SIZES, |turn| ours("spawn-blocking", turn)),
            Implementation::rust("rayon", SIZES, |turn| ours("rayon", turn)),
            Implementation::rust("processes", SIZES, |turn| ours("processes", turn)),
        ],
        ..Benchmark::default()
    }
}

fn fastapi(turn: &Turn) -> Result<Figures> {
    let mut command = Command::new(turn.python()?);
    command
        .args(["-B", "-m", "uvicorn", "--port", "0", "--no-access-log", "compute_service:app"])
        .current_dir("crates/compute-service");
    measure(command, turn).context("FastAPI's service (its requirements.txt lists the packages)")
}

fn ours(way: &str, turn: &Turn) -> Result<Figures> {
    let mut command = Command::new(program("compute-service")?);
    command.args(["--port", "0", "--offload", way]);
    measure(command, turn)
}

fn measure(mut command: Command, turn: &Turn) -> Result<Figures> {
    let service = Service::start(&mut command)?;
    // On a thread of its own, because the service must not inherit its priority.
    thread::scope(|scope| {
        let measuring = scope.spawn(|| {
            load::go_first();
            ask(&service, 2 * turn.time) // quantiles need many requests
        });
        measuring.join().ok().context("it panicked")?
    })
}

/// Clients per core that send jobs: more than one, so that a worker whose job is done finds the next
/// one waiting.
const BUSY_PER_CORE: usize = 4;
/// Clients per core that send trivial jobs.
const CLOSED_PER_CORE: usize = 8;

/// The duration of a job on an idle machine.
const JOB: Duration = Duration::from_millis(120);

/// Measures what clients see. Each measurement takes `time`, and the one under load twice as long.
fn ask(service: &Service, time: Duration) -> Result<Figures> {
    const PER_SECOND: u32 = 200;

    let address = &service.address;
    load::warm_up(address)?;
    let n = load::job_of(JOB, address)?;

    let memory_idle = memory_of_tree(service.id())?;
    let idle = load::probe("/health", PER_SECOND, time, address)?;
    let (loaded, jobs) =
        load::while_busy(BUSY_PER_CORE * cores(), &format!("/compute/{n}"), address, || {
            load::probe("/health", PER_SECOND, 2 * time, address)
        })?;
    let briefly = time / 2; // which is thousands of requests
    let compute = load::closed_loop(CLOSED_PER_CORE * cores(), "/compute/10", briefly, address)?;
    let memory_after = memory_of_tree(service.id())?;

    let ms =
        |histogram: &load::Latencies, quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
    let mut figures = figures([
        ("/health loaded p99", ms(&loaded, 0.99)),
        ("/health loaded p50", ms(&loaded, 0.5)),
        ("/health idle p99", ms(&idle, 0.99)),
        ("/compute/10", compute.len() as f64 / briefly.as_secs_f64()),
        ("/compute/10 p99", ms(&compute, 0.99)),
        ("jobs meanwhile", jobs),
    ]);
    let memory = [("memory idle", memory_idle), ("memory after", memory_after)];
    let memory = memory.into_iter().filter_map(|(name, mib)| Some((name.to_owned(), mib?)));
    figures.extend(memory);
    Ok(figures)
}
