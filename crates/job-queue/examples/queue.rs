//! A worker of a queue for the tests to start, to signal and to kill:
//! `queue URL NAME=VALUE …`. When a line comes on stdin it stops gracefully, and
//! prints its metrics. It is also the worker of a process pool.

#[path = "../tests/queue/task.rs"]
mod task;

use std::time::Duration;

use job_queue::{ConnectOptions, Options, Worker, WorkerConfig};
use task::Task;
use tokio::io::{AsyncBufReadExt, BufReader};

fn main() {
    // Jobs panic on purpose, and the tests check what becomes of it.
    if std::env::args().nth(1).as_deref() == Some("--process-pool-worker") {
        std::panic::set_hook(Box::new(|_| {}));
    }
    job_queue::worker::<Task>();
    process_pool::worker::<Task>();
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().expect("a URL");
    let mut options = Options { url, ..Options::default() };
    let mut config = WorkerConfig::default();
    config.pool.workers = 1;
    for argument in arguments {
        let (name, value) =
            argument.split_once('=').expect("a name and a value");
        let number = || value.parse::<u64>().expect("a number");
        match name {
            "queue" => options.queue = value.to_owned(),
            "type" => options.job_type = Some(value.to_owned()),
            "token" => {
                options.nats = ConnectOptions::with_token(value.to_owned())
            }
            "ca" => {
                options.nats =
                    options.nats.add_root_certificates(value.into())
            }
            "ack-wait" => {
                options.ack_wait = Duration::from_millis(number())
            }
            "deliveries" => {
                options.deliveries =
                    number().try_into().expect("a small number")
            }
            "capacity" => {
                options.capacity =
                    number().try_into().expect("a small number")
            }
            "grace" => config.grace = Duration::from_millis(number()),
            "workers" => {
                config.pool.workers =
                    number().try_into().expect("a small number")
            }
            "prefetch" => {
                config.prefetch =
                    number().try_into().expect("a small number")
            }
            _ => panic!("unknown: {argument}"),
        }
    }
    tokio::runtime::Runtime::new()
        .expect("a runtime")
        .block_on(work(options, config));
}

async fn work(options: Options, config: WorkerConfig) {
    let worker = Worker::<Task>::connect(options, config)
        .await
        .expect("it connects");
    let metrics = worker.metrics();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let stop = async {
        println!("ready");
        if !matches!(lines.next_line().await, Ok(Some(_))) {
            std::process::exit(0); // the test has ended
        }
    };
    worker.run(stop).await;
    print!("{}", metrics());
}
