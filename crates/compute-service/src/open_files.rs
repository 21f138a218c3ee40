//! The number of connections that the limit of open files leaves room for.

use anyhow::{Context, Result};

/// Maximum number of connections at once, where the limit of open files allows them.
const MAX_CONNECTIONS: usize = 900;
/// Open files of a worker process: its two pipes and its process descriptor.
const PER_WORKER: usize = 3;
/// Everything else: standard streams, listener, epoll, signals, and a reserve.
const OTHERS: usize = 32;

/// Raises the limit of open files as far as this process may, and returns the
/// number of connections to accept at once next to this many worker processes.
pub fn max_connections(workers: usize) -> Result<usize> {
    let Some(limit) = raise_limit() else { return Ok(MAX_CONNECTIONS) };
    let taken = PER_WORKER * workers + OTHERS;
    let left = limit.checked_sub(taken).filter(|left| *left > 0);
    let left = left.with_context(|| {
        format!(
            "the limit of {limit} open files leaves no room for connections; \
             raise it with `ulimit -n`, or lower --workers"
        )
    })?;
    Ok(left.min(MAX_CONNECTIONS))
}

/// Returns the limit of open files after raising it; none if there is no limit.
fn raise_limit() -> Option<usize> {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        // Some systems refuse; then the limit stays as it is.
        let raised = Rlimit { current: maximum, maximum };
        setrlimit(Resource::Nofile, raised).ok();
        let limit = getrlimit(Resource::Nofile).current?;
        Some(usize::try_from(limit).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    None
}
