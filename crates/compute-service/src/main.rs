//! A service that computes and stays responsive, with several ways to offload.
//!
//! ```sh
//! cargo run --release -p compute-service
//! ```
//!
//! It has three routes, and a page to try them at `/docs`:
//!
//! - `GET /compute/{n}` computes the sum of i² for each i below n.
//! - `GET /health` tells how busy the service is.
//! - `GET /ready` tells a load balancer whether to send requests here.
//!
//! Options choose where jobs run and set the limits; `--help` lists them:
//!
//! ```sh
//! cargo run --release -p compute-service -- --port 8000 --offload processes
//! curl http://127.0.0.1:8000/compute/10
//! ```
//!
//! With `--offload nats`, the jobs run on other machines, which have workers:
//!
//! ```sh
//! cargo run --release -p compute-service -- worker --nats nats://127.0.0.1:4222
//! ```
//!
//! A job that no worker could finish is a dead letter, which waits there:
//!
//! ```sh
//! cargo run --release -p compute-service -- dead-letters
//! ```
//!
//! A request passes `server` (connections), `routes`, `jobs` (bounds and
//! deadlines) and `offload` (threads, processes or a queue), and ends in `compute`.

use std::io::{IsTerminal, Write as _};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, io, thread};

use anyhow::Context;
use clap::Parser;
use tokio_util::sync::CancellationToken;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::arguments::{Arguments, Command, ServiceArguments, Way};
use crate::compute::SumOfSquares;
use crate::jobs::Jobs;
use crate::offload::Offload;
use crate::server::Shutdown;
use crate::signals::Signals;

mod arguments;
mod compute;
mod dead_letters;
mod jobs;
mod offload;
mod open_files;
mod refusal;
mod request_log;
mod routes;
mod server;
mod signals;
mod stop;
mod worker;

fn main() -> ExitCode {
    // A worker process of `--offload processes` never returns from this call.
    process_pool::worker::<SumOfSquares>();
    // Nor does a process that runs the jobs of `compute-service worker`.
    job_queue::worker::<SumOfSquares>();

    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not `eprintln!`, which panics if the terminal is gone.
            writeln!(io::stderr(), "error: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()
        .context("cannot start the runtime")?;
    let ended = match &arguments.command {
        Some(Command::Worker(worker)) => {
            log_to_stderr(worker.verbose)?;
            runtime
                .block_on(worker::work(worker, cores_or(worker.workers)?))
        }
        Some(Command::DeadLetters(arguments)) => {
            log_to_stderr(false)?;
            runtime.block_on(dead_letters::show(arguments))
        }
        None => {
            let service = &arguments.service;
            log_to_stderr(service.verbose)?;
            runtime.block_on(serve(service, cores_or(service.workers)?))
        }
    };
    // Dropping the runtime would wait for jobs that no client waits for.
    runtime.shutdown_background();
    ended
}

/// Returns this number, or the number of cores.
fn cores_or(number: Option<u64>) -> anyhow::Result<usize> {
    Ok(match number {
        Some(number) => usize::try_from(number)?,
        None => thread::available_parallelism()?.get(),
    })
}

fn log_to_stderr(verbose: bool) -> anyhow::Result<()> {
    let filter = match env::var("RUST_LOG") {
        Ok(filter) => filter.parse().context("cannot parse RUST_LOG")?,
        Err(_) if verbose => Targets::new().with_default(Level::INFO),
        Err(_) => Targets::new().with_default(Level::WARN),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // It would report a failed write on stderr too, and panic.
        .log_internal_errors(false);
    tracing_subscriber::registry().with(lines).with(filter).init();
    Ok(())
}

async fn serve(
    arguments: &ServiceArguments,
    workers: usize,
) -> anyhow::Result<()> {
    let queue = usize::try_from(arguments.queue)?;
    let nice = i32::try_from(arguments.nice)?;
    let way = arguments.offload;
    let processes = if way == Way::Processes { workers } else { 0 };
    let max_connections = open_files::max_connections(processes)?;

    let offload =
        Offload::start(way, workers, queue, nice, &arguments.nats).await?;
    let jobs = Jobs::new(offload, workers, queue, arguments.deadline);
    let stopping = CancellationToken::new();
    let router = routes::router(
        Arc::clone(&jobs),
        arguments.max_n,
        stopping.clone(),
    );

    // Before the line below: its reader may send a signal right away.
    let signals = Signals::listen()?;
    let address = SocketAddr::new(arguments.host, arguments.port);
    let listener = server::listen(address).with_context(|| {
        format!("cannot listen on {address}; --port chooses another port")
    })?;
    let url = format!("http://{}", listener.local_addr()?);
    // Not `println!`, which panics if nothing reads stdout.
    writeln!(io::stdout(), "Listening on {url}").ok();

    let (drain, grace) = (arguments.drain, arguments.grace);
    let shutdown = Shutdown { stopping, drain, grace };
    server::serve(listener, router, max_connections, signals, shutdown)
        .await;
    jobs.shutdown().await;
    Ok(())
}
