//! Jobs that may run on other machines: the job queue over NATS, and Celery and RQ over Redis, next to
//! the process pool of one machine and to a bare request as the lower bound.

mod client;

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_nats::RequestErrorKind;
use futures::StreamExt;
use harness::kept::results::Better;
use job_queue::{Options, PoolConfig, Queue, Worker, WorkerConfig};
use process_pool::{Config, Pool};
use testbed::Child;
use testbed::child::READY;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

use self::client::{Client, in_task, per_second, round_trip, run_all};
use crate::benchmark::{Benchmark, Figures, Implementation, Source, Turn, figures};
use crate::parts;
use crate::parts::python;
use crate::parts::server::{self, Redis};
use crate::usage::memory;
use crate::work::cores;

pub(super) use self::client::Task;

const ROUND_TRIP: &str = "round trip";
const EMPTY: &str = "empty jobs";
const SHORT: &str = "1 ms jobs";
const LONG: &str = "100 ms jobs";
const REDELIVERY: &str = "redelivery";
const MEMORY: &str = "memory per waiting job";

/// The jobs that a worker takes ahead for each of its processes, if the jobs are short.
const AHEAD: usize = 100;
/// The time limit of everything that is waited for.
const LIMIT: Duration = Duration::from_secs(30);

const ONCE: &[u64] = &[0];
const WORKERS: &[u64] = &[1, 2, 4];

pub(in crate::benchmarks) fn benchmark() -> Benchmark {
    let python = |name, function| Implementation::python_measured_by(name, ONCE, function);
    Benchmark {
        name: "queue",
        question: "What does it cost to have a job done on another machine?",
        method: "Client, server and workers share this machine. Round trip: an empty job is sent \
                 when the one before it is done, with one worker process. The other jobs are sent \
                 hundreds at a time, with one worker process per core: jobs that do nothing, that \
                 use 1 ms of CPU time, and that sleep for 100 ms. For the first two, the job \
                 queue's workers take 100 jobs ahead for each process. Celery has its default \
                 prefetch and acknowledges before it runs a job. Redelivery: from the SIGKILL of a worker \
                 until another one begins its job, with an acknowledgment time of 1 s. Memory: by \
                 how much the server grows, divided by the 10,000 jobs that wait. The job queue's \
                 server writes jobs and results to files, while Redis keeps them in memory. RQ \
                 forks a process for each job, except with its SimpleWorker. The process pool and \
                 the bare request have no queue that survives its client.",
        python_packages: true,
        measures: &[
            (ROUND_TRIP, "ms", Better::Less),
            (EMPTY, "jobs/s", Better::More),
            (SHORT, "jobs/s", Better::More),
            (LONG, "jobs/s", Better::More),
            (REDELIVERY, "s", Better::Less),
            (MEMORY, "KiB", Better::Less),
        ],
        implementations: vec![
            Implementation::rust("job queue", ONCE, job_queue),
            python("Celery", |turn| redis(turn, "celery")),
            python("RQ", |turn| redis(turn, "rq")),
            python("RQ, SimpleWorker", |turn| redis(turn, "simple-rq")),
            Implementation::rust("process pool", ONCE, process_pool),
            Implementation::lower_bound("NATS request", ONCE, Source::Function(bare_request)),
        ],
        ..Benchmark::default()
    }
}

pub(in crate::benchmarks) fn scaling() -> Benchmark {
    Benchmark {
        name: "queue-workers",
        question: "How much do more workers help?",
        method: "The jobs and the machine of the benchmark queue. Each worker has one process: the \
                 job queue's workers are programs of their own, as on several machines.",
        sizes: Some("workers"),
        quick_max: 1,
        python_packages: true,
        measures: &[(SHORT, "jobs/s", Better::More), (LONG, "jobs/s", Better::More)],
        implementations: vec![
            Implementation::rust("job queue", WORKERS, job_queue_scaling),
            Implementation::python_measured_by("Celery", WORKERS, |turn| {
                redis_scaling(turn, "celery")
            }),
            Implementation::rust("process pool", WORKERS, process_pool_scaling),
        ],
        ..Benchmark::default()
    }
}

/// Returns the options that a queue's client and its workers share.
fn options(url: &str, queue: &str) -> Options {
    let ack_wait = match queue {
        REDELIVERY => Duration::from_secs(1),
        _ => Options::default().ack_wait,
    };
    Options {
        url: url.to_owned(),
        queue: queue.to_owned(),
        ack_wait,
        capacity: 20_000,
        in_flight: 20_000, // of a map, which only the measurement of memory uses
        ..Options::default()
    }
}

/// Works for a queue, until it is killed.
pub(super) fn work(url: &str, queue: &str, processes: usize, ahead: usize) -> Result<()> {
    let pool = PoolConfig { workers: processes, ..PoolConfig::default() };
    let config = WorkerConfig { pool, prefetch: ahead, ..WorkerConfig::default() };
    Runtime::new()?.block_on(async {
        let worker = Worker::<Task>::connect(options(url, queue), config).await?;
        println!("{READY}");
        worker.run(std::future::pending()).await;
        Ok(())
    })
}

/// Answers requests, until it is killed.
pub(super) fn answer(url: &str) -> Result<()> {
    Runtime::new()?.block_on(async {
        let client = async_nats::connect(url).await?;
        let mut requests = client.queue_subscribe("empty", "workers".to_owned()).await?;
        // The server handles the messages of a connection in order, so after its answer to the next one
        // the subscription exists. A flush only writes to the socket.
        let answer = client.request("without-subscribers", Vec::new().into()).await;
        ensure!(
            answer.is_err_and(|error| error.kind() == RequestErrorKind::NoResponders),
            "the server doesn't say that a subject has no subscribers"
        );
        println!("{READY}");
        while let Some(request) = requests.next().await {
            let number = u64::from_le_bytes(request.payload.as_ref().try_into()?) + 1;
            let reply = request.reply.context("the request asks for no reply")?;
            client.publish(reply, number.to_le_bytes().to_vec().into()).await?;
        }
        Ok(())
    })
}

/// Starts this program as a worker, and waits until it is ready.
fn start_worker(url: &str, queue: &str, processes: usize, ahead: usize) -> Result<Child> {
    let mut command = parts::command("queue-worker")?;
    command.args([url, queue, &processes.to_string(), &ahead.to_string()]);
    Child::start_ready(&mut command).context("starting a worker")
}

/// Starts this program as a process that answers requests, and waits until it is ready.
fn start_responder(url: &str) -> Result<Child> {
    let mut command = parts::command("queue-responder")?;
    Child::start_ready(command.arg(url)).context("starting a responder")
}

impl Client for Queue<Task> {
    async fn run(&self, task: Task) -> Result<u64> {
        Ok(Self::run(self, task).await?)
    }
}

impl Client for Pool<Task> {
    async fn run(&self, task: Task) -> Result<u64> {
        Ok(Self::run(self, task).await?)
    }
}

fn job_queue(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let server = server::nats(turn)?;
    let url = &server.url();
    let mut measured = Figures::new();

    let worker = start_worker(url, "one", 1, 1)?;
    let queue = ready(&runtime, url, "one", 1)?;
    measured.insert(ROUND_TRIP.to_owned(), round_trip(turn, &runtime, &queue)?);
    drop(worker);

    let worker = start_worker(url, "ahead", cores(), AHEAD)?;
    let queue = ready(&runtime, url, "ahead", cores())?;
    let mut measure = |queue, name: &str, task| -> Result<()> {
        let figure = per_second(turn, &runtime, queue, cores(), task)?;
        measured.insert(name.to_owned(), figure);
        Ok(())
    };
    measure(&queue, EMPTY, Task::Empty)?;
    measure(&queue, SHORT, Task::Spin)?;
    drop(worker);

    let worker = start_worker(url, "many", cores(), 1)?;
    let queue = ready(&runtime, url, "many", cores())?;
    measure(&queue, LONG, Task::Sleep)?;
    drop(worker);

    measured.insert(REDELIVERY.to_owned(), redelivery(&runtime, url)?);
    drop(server);
    if let Some(memory) = job_queue_memory(turn, &runtime)? {
        measured.insert(MEMORY.to_owned(), memory);
    }
    Ok(measured)
}

/// Connects to a queue, and lets its workers run their first jobs.
fn ready(runtime: &Runtime, url: &str, queue: &str, workers: usize) -> Result<Arc<Queue<Task>>> {
    let queue = Arc::new(runtime.block_on(Queue::connect(options(url, queue)))?);
    run_all(runtime, &queue, 20 * workers as u64, Task::Empty)?;
    Ok(queue)
}

/// Returns the seconds from the SIGKILL of a worker until another one begins its job.
fn redelivery(runtime: &Runtime, url: &str) -> Result<f64> {
    let dying = start_worker(url, REDELIVERY, 1, 1)?;
    let queue = ready(runtime, url, REDELIVERY, 1)?;
    let url = url.to_owned();
    in_task(runtime, async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let sender = Arc::clone(&queue);
        let job = tokio::spawn(async move { sender.run(Task::Hold(1, port)).await });
        let (_first, _) = timeout(LIMIT, listener.accept()).await??;
        // The first worker is busy, so the second one does the empty job and is ready.
        let _other = block_in_place(|| start_worker(&url, REDELIVERY, 1, 1))?;
        ensure!(queue.run(Task::Empty(1)).await? == 2, "a wrong result");
        let killed = Instant::now();
        drop(dying);
        let (second, _) = timeout(LIMIT, listener.accept()).await??;
        let took = killed.elapsed();
        drop(second);
        ensure!(timeout(LIMIT, job).await??? == 2, "a wrong result");
        Ok(took.as_secs_f64())
    })
}

/// Returns the number of jobs that wait while the server's memory is measured.
fn waiting(turn: &Turn) -> u64 {
    (20 * turn.time.as_millis()).clamp(1_000, 10_000) as u64
}

/// Returns the growth of the server's memory in KiB for each job that waits.
fn job_queue_memory(turn: &Turn, runtime: &Runtime) -> Result<Option<f64>> {
    let server = server::nats(turn)?;
    let before = memory(server.id())?;
    let queue = runtime.block_on(Queue::<Task>::connect(options(&server.url(), MEMORY_QUEUE)))?;
    let many = waiting(turn);
    let queue = Arc::new(queue);
    let sender = Arc::clone(&queue);
    let sent = runtime.spawn(async move { sender.map((0..many).map(Task::Empty)).await.len() });
    let depth = format!("job_queue_depth {many}");
    let all_wait = async {
        while !queue.metrics().await.lines().any(|line| line == depth) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    let all_wait = runtime.block_on(async { timeout(LIMIT, all_wait).await });
    all_wait.context("the server does not have all jobs")?;
    let after = memory(server.id())?;
    sent.abort();
    Ok(growth(before, after, many))
}

const MEMORY_QUEUE: &str = "waiting";

fn growth(before: Option<f64>, after: Option<f64>, jobs: u64) -> Option<f64> {
    Some((after? - before?) / jobs as f64)
}

fn job_queue_scaling(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let server = server::nats(turn)?;
    let url = &server.url();
    let workers = usize::try_from(turn.size)?;
    let mut measured = Figures::new();
    for (name, ahead, task) in [(SHORT, AHEAD, Task::Spin as fn(_) -> _), (LONG, 1, Task::Sleep)] {
        let name_of_queue = format!("ahead-{ahead}");
        let started: Result<Vec<_>> =
            (0..workers).map(|_| start_worker(url, &name_of_queue, 1, ahead)).collect();
        let _workers = started?;
        let queue = ready(&runtime, url, &name_of_queue, workers)?;
        measured.insert(name.to_owned(), per_second(turn, &runtime, &queue, workers, task)?);
    }
    Ok(measured)
}

fn process_pool(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let alone = with_pool(&runtime, 1, |pool| round_trip(turn, &runtime, pool))?;
    let mut measured = figures([(ROUND_TRIP, alone)]);
    let many = with_pool(&runtime, cores(), |pool| {
        let measure = |task| per_second(turn, &runtime, pool, cores(), task);
        Ok(figures([
            (EMPTY, measure(Task::Empty)?),
            (SHORT, measure(Task::Spin)?),
            (LONG, measure(Task::Sleep)?),
        ]))
    })?;
    measured.extend(many);
    Ok(measured)
}

fn process_pool_scaling(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let workers = usize::try_from(turn.size)?;
    with_pool(&runtime, workers, |pool| {
        let measure = |task| per_second(turn, &runtime, pool, workers, task);
        Ok(figures([(SHORT, measure(Task::Spin)?), (LONG, measure(Task::Sleep)?)]))
    })
}

fn with_pool<T>(
    runtime: &Runtime,
    workers: usize,
    body: impl FnOnce(&Arc<Pool<Task>>) -> Result<T>,
) -> Result<T> {
    let config = Config { workers, queue: 1_000, ..Config::default() };
    let pool = Arc::new(runtime.block_on(Pool::start(config))?);
    run_all(runtime, &pool, 20 * workers as u64, Task::Empty)?;
    let done = body(&pool);
    runtime.block_on(pool.shutdown());
    done
}

/// Requests without a queue, answered by other processes.
struct Requests(async_nats::Client);

impl Client for Requests {
    async fn run(&self, task: Task) -> Result<u64> {
        let Task::Empty(number) = task else { anyhow::bail!("it only does empty jobs") };
        let request = self.0.request("empty", number.to_le_bytes().to_vec().into());
        Ok(u64::from_le_bytes(request.await?.payload.as_ref().try_into()?))
    }
}

fn bare_request(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let server = server::nats(turn)?;
    let url = server.url();
    let client = runtime.block_on(async_nats::connect(&url))?;
    let client = Arc::new(Requests(client));
    let mut processes = vec![start_responder(&url)?];
    let alone = round_trip(turn, &runtime, &client)?;
    for _ in 1..cores() {
        processes.push(start_responder(&url)?);
    }
    let many = per_second(turn, &runtime, &client, cores(), Task::Empty)?;
    Ok(figures([(ROUND_TRIP, alone), (EMPTY, many)]))
}

/// A queue in Python over Redis.
fn redis(turn: &Turn, way: &str) -> Result<Figures> {
    let server = Redis::start(turn)?;
    let url = server.url.as_str();
    let mut measured = script(turn, way, url, 1, &[ROUND_TRIP])?;
    measured.extend(script(turn, way, url, cores(), &[EMPTY, SHORT, LONG])?);
    drop(server);

    let server = Redis::start(turn)?;
    let before = memory(server.id())?;
    let many = waiting(turn);
    script(turn, way, &server.url, 0, &["waiting", &many.to_string()])?;
    if let Some(memory) = growth(before, memory(server.id())?, many) {
        measured.insert(MEMORY.to_owned(), memory);
    }
    Ok(measured)
}

fn redis_scaling(turn: &Turn, way: &str) -> Result<Figures> {
    let server = Redis::start(turn)?;
    let workers = usize::try_from(turn.size)?;
    script(turn, way, &server.url, workers, &[SHORT, LONG])
}

/// Runs the script that starts this many worker processes and measures them.
fn script(turn: &Turn, way: &str, url: &str, workers: usize, measures: &[&str]) -> Result<Figures> {
    let (workers, time) = (workers.to_string(), turn.time.as_millis().to_string());
    let arguments = [&[way, url, &workers, &time], measures].concat();
    python::figures(&mut python::script(turn, "job_queues.py", &arguments)?)
        .context("bench/python/requirements.txt lists the packages")
}
