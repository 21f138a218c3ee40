//! The compute service beside FastAPI's, under the same load in the same run.
//!
//! ```sh
//! cargo bench -p bench --bench service
//! ```
//!
//! It needs a Python with the packages of `examples-async/compute-service/requirements.txt`; where
//! to find it is `--python`, or the environment variable `PYTHON_WITH_FASTAPI`.
//!
//! The contenders take turns, round by round, so that a noisy machine is noisy for all of them.
//! Options follow `--`, as in `-- --rounds 1 --seconds 2`. What counts are the ratios within a round; the table shows the median of the rounds, and below
//! it each ratio with its spread.

mod load;
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use crate::server::{Contender, Server};

/// Measures the compute service beside FastAPI's.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// How often each contender has its turn
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The seconds of each of the three measurements of a turn
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// A Python that has FastAPI
    #[arg(long, env = "PYTHON_WITH_FASTAPI", default_value = "target/python/bin/python")]
    python: PathBuf,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// What one turn of a contender gave. Latencies in milliseconds, memory in MiB.
#[derive(Debug, Clone, Copy)]
struct Turn {
    idle_p50: f64,
    idle_p99: f64,
    loaded_p50: f64,
    loaded_p99: f64,
    jobs_per_second: f64,
    compute_per_second: f64,
    compute_p50: f64,
    compute_p99: f64,
    memory_idle: f64,
    memory_after: f64,
}

/// A line of the table: what it is, and where it stands in a turn.
type Row = (&'static str, fn(&Turn) -> f64);

const ROWS: [Row; 10] = [
    ("/health idle, p50 ms", |turn| turn.idle_p50),
    ("/health idle, p99 ms", |turn| turn.idle_p99),
    ("/health loaded, p50 ms", |turn| turn.loaded_p50),
    ("/health loaded, p99 ms", |turn| turn.loaded_p99),
    ("jobs/s meanwhile", |turn| turn.jobs_per_second),
    ("/compute/10, requests/s", |turn| turn.compute_per_second),
    ("/compute/10, p50 ms", |turn| turn.compute_p50),
    ("/compute/10, p99 ms", |turn| turn.compute_p99),
    ("memory idle, MiB", |turn| turn.memory_idle),
    ("memory after, MiB", |turn| turn.memory_after),
];

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("bench is in a folder")?;
    let contenders = contenders(root, &arguments.python)?;
    let time = Duration::from_secs(arguments.seconds);
    let mut turns: Vec<Vec<Turn>> = vec![Vec::new(); contenders.len()];
    for round in 1..=arguments.rounds {
        for (contender, turns) in contenders.iter().zip(&mut turns) {
            eprintln!("round {round} of {}: {}", arguments.rounds, contender.name);
            let turn = take_turn(contender, time);
            turns.push(turn.with_context(|| format!("measuring {}", contender.name))?);
        }
    }
    print_table(&contenders, &turns);
    print_targets(&contenders, &turns);
    Ok(())
}

/// FastAPI's service first, then ours in each of its ways.
fn contenders(root: &Path, python: &Path) -> Result<Vec<Contender>> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--release", "-p", "compute-service"])
        .current_dir(root)
        .status()
        .context("starting cargo")?;
    ensure!(built.success(), "the compute service does not compile");
    let here = std::env::current_exe()?; // target/release/deps/service-…
    let ours = here.ancestors().nth(2).context("it is in a folder")?.join("compute-service");

    // Not resolved: a virtual environment is known by the link's own place.
    let python = std::path::absolute(root.join(python))?;
    ensure!(
        python.is_file(),
        "{} is missing; make it with `python3 -m venv target/python` and `target/python/bin/pip \
         install -r examples-async/compute-service/requirements.txt`, or name another one with \
         --python",
        python.display()
    );
    let app = root.join("examples-async/compute-service");
    let uvicorn = "-B -m uvicorn --port 0 --no-access-log compute_service:app";
    let mut contenders = vec![Contender::new("FastAPI", python, uvicorn, app)];
    for way in ["inline", "spawn-blocking", "rayon", "processes"] {
        let options = format!("--port 0 --offload {way}");
        contenders.push(Contender::new(way, ours.clone(), &options, root.to_owned()));
    }
    Ok(contenders)
}

fn take_turn(contender: &Contender, time: Duration) -> Result<Turn> {
    let server = Server::start(contender)?;
    // On a thread of its own, whose priority the next server does not inherit.
    thread::scope(|scope| {
        let measuring = scope.spawn(|| {
            load::go_first();
            measure(&server, time)
        });
        measuring.join().ok().context("it panicked")?
    })
}

fn measure(server: &Server, time: Duration) -> Result<Turn> {
    load::warm_up(&server.address)?;
    let n = load::job_of(Duration::from_millis(120), &server.address)?;

    let memory_idle = server.memory()?;
    let idle = load::probe("/health", 100, time, &server.address)?;
    let (loaded, jobs) = load::while_busy(8, &format!("/compute/{n}"), &server.address, || {
        load::probe("/health", 100, time, &server.address)
    })?;
    let compute = load::closed_loop(16, "/compute/10", time, &server.address)?;
    let memory_after = server.memory()?;

    let ms =
        |histogram: &load::Latencies, quantile| histogram.value_at_quantile(quantile) as f64 / 1e6;
    Ok(Turn {
        idle_p50: ms(&idle, 0.5),
        idle_p99: ms(&idle, 0.99),
        loaded_p50: ms(&loaded, 0.5),
        loaded_p99: ms(&loaded, 0.99),
        jobs_per_second: jobs,
        compute_per_second: compute.len() as f64 / time.as_secs_f64(),
        compute_p50: ms(&compute, 0.5),
        compute_p99: ms(&compute, 0.99),
        memory_idle,
        memory_after,
    })
}

fn print_table(contenders: &[Contender], turns: &[Vec<Turn>]) {
    print!("{:26}", "median of the rounds");
    for contender in contenders {
        print!("{:>16}", contender.name);
    }
    println!();
    for (name, value) in ROWS {
        print!("{name:26}");
        for turns in turns {
            let (_, median, _) = spread(turns.iter().map(value));
            print!("{median:>16.prec$}", prec = if median < 10.0 { 3 } else { 0 });
        }
        println!();
    }
}

/// What is aimed at, and what the rounds gave: each ratio is taken within one round.
fn print_targets(contenders: &[Contender], turns: &[Vec<Turn>]) {
    let Some((python, ours)) = turns.split_first() else { return };
    println!("\n{:16}{:46}{:>8}  median (range)", "", "", "target");
    for (contender, ours) in contenders.iter().skip(1).zip(ours) {
        if contender.name == "inline" {
            continue; // the mistake, which has nothing to reach
        }
        let fewest = if contender.name == "rayon" { 18.0 } else { 10.0 };
        let ratio = |value: fn(&Turn) -> f64, by: fn(&Turn) -> f64| {
            spread(python.iter().zip(ours).map(|(python, ours)| value(python) / by(ours)))
        };
        let of_its_own = spread(ours.iter().map(|turn| turn.loaded_p99 / turn.idle_p99));
        for (name, at_least, target, (least, median, most)) in [
            ("/health loaded p99: FastAPI's / ours", true, 10.0, {
                ratio(|turn| turn.loaded_p99, |turn| turn.loaded_p99)
            }),
            ("/health p99: ours loaded / ours idle", false, 2.0, of_its_own),
            ("/compute/10 requests/s: ours / FastAPI's", true, fewest, {
                let (least, median, most) =
                    ratio(|turn| turn.compute_per_second, |turn| turn.compute_per_second);
                (1.0 / most, 1.0 / median, 1.0 / least)
            }),
            ("/compute/10 p99: FastAPI's / ours", true, 1.0, {
                ratio(|turn| turn.compute_p99, |turn| turn.compute_p99)
            }),
            ("memory idle: FastAPI's / ours", true, 10.0, {
                ratio(|turn| turn.memory_idle, |turn| turn.memory_idle)
            }),
            ("memory after: FastAPI's / ours", true, 10.0, {
                ratio(|turn| turn.memory_after, |turn| turn.memory_after)
            }),
        ] {
            let reached = if at_least { median >= target } else { median <= target };
            let sign = if at_least { ">=" } else { "<=" };
            println!(
                "{:16}{name:46}{:>8}  {median:.2} ({least:.2} to {most:.2}){}",
                contender.name,
                format!("{sign} {target}"),
                if reached { "" } else { "  MISSED" },
            );
        }
    }
}

/// The least, the median and the largest.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    match values[..] {
        [] => (f64::NAN, f64::NAN, f64::NAN),
        [least, .., most] => {
            let (below, above) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
            (least, f64::midpoint(below, above), most)
        }
        [only] => (only, only, only),
    }
}
