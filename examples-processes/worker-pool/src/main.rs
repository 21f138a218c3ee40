//! A pool of worker processes. Jobs panic, crash and run forever, and the
//! program keeps working.
//!
//! ```sh
//! cargo run -p worker-pool
//! ```
use std::time::Duration;

use process_pool::{Config, Error, Job, JobResult, Pool};
use serde::{Deserialize, Serialize};

/// A job for a worker. Several kinds of jobs are an enum.
#[derive(Serialize, Deserialize)]
enum Task {
    Primes { below: u32 },
    Panic,
    Crash,
    LoopForever,
}

impl Job for Task {
    type Output = usize;

    fn run(self) -> JobResult<usize> {
        match self {
            Task::Primes { below: 0 } => Err("below 0 is nothing".into()),
            Task::Primes { below } => {
                let is_prime = |n: &u32| {
                    let mut below_root = (2..).take_while(|d| d * d <= *n);
                    !below_root.any(|d| n.is_multiple_of(d))
                };
                Ok((2..below).filter(is_prime).count())
            }
            Task::Panic => panic!("a bug in the job"),
            Task::Crash => std::process::abort(), // as a bug in C code can
            Task::LoopForever => loop {
                std::hint::spin_loop();
            },
        }
    }
}

fn main() -> anyhow::Result<()> {
    // In a worker process this never returns. It comes before the runtime
    // starts, because a worker needs none.
    process_pool::worker::<Task>();
    run()
}

#[tokio::main]
async fn run() -> anyhow::Result<()> {
    let deadline = Some(Duration::from_secs(3));
    let config = Config { workers: 2, deadline, ..Config::default() };
    let pool = Pool::start(config).await?;

    let primes = pool.run(Task::Primes { below: 100_000 }).await?;
    println!("Primes below 100000: {primes}");

    let tens = (1..=5).map(|n| Task::Primes { below: 10_u32.pow(n) });
    let counts: Result<Vec<_>, Error> =
        pool.map(tens).await.into_iter().collect();
    println!("Below 10, 100, ... 100000: {:?}", counts?);

    for (name, task) in [
        ("refuses", Task::Primes { below: 0 }),
        ("panics", Task::Panic),
        ("crashes", Task::Crash),
        ("runs forever", Task::LoopForever),
    ] {
        match pool.run(task).await {
            Ok(result) => println!("A job {name}: {result}"),
            Err(error) => println!("A job {name}: {error}"),
        }
    }

    let primes = pool.run(Task::Primes { below: 1000 }).await?;
    println!("The pool goes on. Primes below 1000: {primes}");
    pool.shutdown().await;
    Ok(())
}
