//! A worker: it runs the jobs of services on other machines.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use job_queue::{PoolConfig, Worker, WorkerConfig, without_password};
use tracing::{info, warn};

use crate::arguments::WorkerArguments;
use crate::compute::SumOfSquares;
use crate::offload::queue_options;
use crate::server;
use crate::signals::Signals;

/// Runs jobs until the first signal, and then lets those under way finish. A
/// second signal ends the worker at once.
pub async fn work(
    arguments: &WorkerArguments,
    workers: usize,
) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let niceness = i32::try_from(arguments.nice)?;
    let pool = PoolConfig { workers, niceness, ..PoolConfig::default() };
    let prefetch = usize::try_from(arguments.prefetch)?;
    let config = WorkerConfig { pool, prefetch, grace: arguments.grace };
    let options = queue_options(&arguments.nats).await?;
    let worker = Worker::<SumOfSquares>::connect(options, config).await?;

    if let Some(port) = arguments.metrics {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = server::listen(address)
            .with_context(|| format!("cannot listen on {address}"))?;
        let url = format!("http://{}/metrics", listener.local_addr()?);
        writeln!(io::stdout(), "Metrics on {url}").ok();
        let text = worker.metrics();
        let router =
            Router::new().route("/metrics", get(async move || text()));
        tokio::spawn(axum::serve(listener, router).into_future());
    }
    // Not `println!`, which panics if nothing reads stdout.
    let url = without_password(&arguments.nats.url);
    writeln!(io::stdout(), "Waiting for jobs on {url}").ok();

    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let run = worker.run(async { drop(stopped.await) });
    tokio::pin!(run);
    tokio::select! {
        () = &mut run => return Ok(()),
        () = signals.next() => {}
    }
    info!("stopping: running jobs have {:?} to finish", arguments.grace);
    drop(stop);
    tokio::select! {
        () = run => {}
        () = signals.next() => warn!("a second signal: stopping at once"),
    }
    Ok(())
}
