//! Jobs that may run on other machines: the job queue over NATS, and Celery and RQ over Redis, next to
//! the process pool of one machine and to a bare request as the lower bound.

mod client;
mod server;

use std::env;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use async_nats::RequestErrorKind;
use futures::StreamExt;
use harness::kept::results::{Better, Category};
use job_queue::{Options, PoolConfig, Queue, Worker, WorkerConfig};
use process_pool::{Config, Pool};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::task::block_in_place;
use tokio::time::{sleep, timeout};

use self::client::{Client, Task, in_task, per_second, round_trip, run_all};
use self::server::Server;
use crate::child::this_program;
use crate::implementation::{Benchmark, Figures, Implementation, Turn, Way, figures};
use crate::work::cores;

const ROUND_TRIP: &str = "round trip";
const EMPTY: &str = "empty jobs";
const SHORT: &str = "1 ms jobs";
const LONG: &str = "100 ms jobs";
const REDELIVERY: &str = "redelivery";
const MEMORY: &str = "memory per waiting job";

/// How many jobs a worker takes ahead for each of its processes, if the jobs are short.
const AHEAD: usize = 100;
/// Nothing that is waited for takes longer, or the run is broken.
const LIMIT: Duration = Duration::from_secs(30);

const ONCE: &[u64] = &[0];
const WORKERS: &[u64] = &[1, 2, 4];

pub(in crate::benchmarks) fn benchmark() -> Benchmark {
    let python = |name, way| Implementation { name, category: Category::Python, sizes: ONCE, way };
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
        sizes: None,
        quick_most: 0,
        programs: &[],
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
            python("Celery", Way::Here(|turn| redis(turn, "celery"))),
            python("RQ", Way::Here(|turn| redis(turn, "rq"))),
            python("RQ, SimpleWorker", Way::Here(|turn| redis(turn, "simple-rq"))),
            Implementation::rust("process pool", ONCE, process_pool),
            Implementation::lower_bound("NATS request", ONCE, Way::Here(bare_request)),
        ],
    }
}

pub(in crate::benchmarks) fn scaling() -> Benchmark {
    let celery = Way::Here(|turn| redis_scaling(turn, "celery"));
    Benchmark {
        name: "queue-workers",
        question: "How much do more workers help?",
        method: "The jobs and the machine of the benchmark queue. Each worker has one process: the \
                 job queue's workers are programs of their own, as on several machines.",
        sizes: Some("workers"),
        quick_most: 1,
        programs: &[],
        python_packages: true,
        measures: &[(SHORT, "jobs/s", Better::More), (LONG, "jobs/s", Better::More)],
        implementations: vec![
            Implementation::rust("job queue", WORKERS, job_queue_scaling),
            Implementation {
                name: "Celery",
                category: Category::Python,
                sizes: WORKERS,
                way: celery,
            },
            Implementation::rust("process pool", WORKERS, process_pool_scaling),
        ],
    }
}

const WORK: &str = "--queue-worker";
const ANSWER: &str = "--queue-answer";

/// Does not return if this process was started as a worker of one of the implementations.
pub(in crate::benchmarks) fn play_part() {
    process_pool::worker::<Task>();
    job_queue::worker::<Task>();
    let mut arguments = env::args().skip(1);
    let part = arguments.next().unwrap_or_default();
    if part != WORK && part != ANSWER {
        return;
    }
    let arguments: Vec<_> = arguments.collect();
    let played = match part.as_str() {
        WORK => work(&arguments),
        _ => answer(&arguments),
    };
    if let Err(error) = played {
        eprintln!("error: the worker: {error:#}");
        exit(1);
    }
    exit(0);
}

/// The queue's options, as its client and its workers have them.
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
fn work(arguments: &[String]) -> Result<()> {
    let [url, queue, processes, ahead] = arguments else {
        anyhow::bail!("a worker has four arguments")
    };
    let pool = PoolConfig { workers: processes.parse()?, ..PoolConfig::default() };
    let config = WorkerConfig { pool, prefetch: ahead.parse()?, ..WorkerConfig::default() };
    Runtime::new()?.block_on(async {
        let worker = Worker::<Task>::connect(options(url, queue), config).await?;
        print!("{READY}");
        worker.run(std::future::pending()).await;
        Ok(())
    })
}

/// Answers requests, until it is killed.
fn answer(arguments: &[String]) -> Result<()> {
    let url = arguments.first().context("no URL")?;
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
        print!("{READY}");
        while let Some(request) = requests.next().await {
            let number = u64::from_le_bytes(request.payload.as_ref().try_into()?) + 1;
            let reply = request.reply.context("the request asks for no reply")?;
            client.publish(reply, number.to_le_bytes().to_vec().into()).await?;
        }
        Ok(())
    })
}

/// What a child process prints when it is ready.
const READY: &str = "ready\n";

/// A child process in one of these parts. It is killed when dropped.
struct Part(Child);

impl Part {
    /// Starts it, and waits until it is ready.
    fn start(part: &str, arguments: &[&str]) -> Result<Self> {
        let child = Command::new(this_program()?)
            .arg(part)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut part = Self(child.context("starting a worker")?);
        let stdout = part.0.stdout.as_mut().context("it has no stdout")?;
        let mut line = [0; READY.len()];
        stdout.read_exact(&mut line).context("a worker ended before it was ready")?;
        Ok(part)
    }

    fn worker(url: &str, queue: &str, processes: usize, ahead: usize) -> Result<Self> {
        Self::start(WORK, &[url, queue, &processes.to_string(), &ahead.to_string()])
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.0.kill().ok(); // an error: it has exited already
        self.0.wait().ok();
    }
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
    let server = Server::nats(turn)?;
    let url = server.url.as_str();
    let mut measured = Figures::new();

    let worker = Part::worker(url, "one", 1, 1)?;
    let queue = ready(&runtime, url, "one", 1)?;
    measured.insert(ROUND_TRIP.to_owned(), round_trip(turn, &runtime, &queue)?);
    drop(worker);

    let worker = Part::worker(url, "ahead", cores(), AHEAD)?;
    let queue = ready(&runtime, url, "ahead", cores())?;
    let mut measure = |queue, name: &str, task| -> Result<()> {
        let figure = per_second(turn, &runtime, queue, cores(), task)?;
        measured.insert(name.to_owned(), figure);
        Ok(())
    };
    measure(&queue, EMPTY, Task::Empty)?;
    measure(&queue, SHORT, Task::Spin)?;
    drop(worker);

    let worker = Part::worker(url, "many", cores(), 1)?;
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

/// Connects to a queue, and has its workers do their first jobs.
fn ready(runtime: &Runtime, url: &str, queue: &str, workers: usize) -> Result<Arc<Queue<Task>>> {
    let queue = Arc::new(runtime.block_on(Queue::connect(options(url, queue)))?);
    run_all(runtime, &queue, 20 * workers as u64, Task::Empty)?;
    Ok(queue)
}

/// Returns how many seconds after the SIGKILL of a worker another one begins its job.
fn redelivery(runtime: &Runtime, url: &str) -> Result<f64> {
    let dying = Part::worker(url, REDELIVERY, 1, 1)?;
    let queue = ready(runtime, url, REDELIVERY, 1)?;
    let url = url.to_owned();
    in_task(runtime, async move {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let held = Arc::clone(&queue);
        let job = tokio::spawn(async move { held.run(Task::Hold(1, port)).await });
        let (_first, _) = timeout(LIMIT, listener.accept()).await??;
        // The first worker is busy, so the second one does the empty job and is ready.
        let _other = block_in_place(|| Part::worker(&url, REDELIVERY, 1, 1))?;
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

/// How many jobs wait while the server's memory is measured.
fn waiting(turn: &Turn) -> u64 {
    (20 * turn.time.as_millis()).clamp(1_000, 10_000) as u64
}

/// Returns the KiB that the server has grown by for each job that waits.
fn job_queue_memory(turn: &Turn, runtime: &Runtime) -> Result<Option<f64>> {
    let server = Server::nats(turn)?;
    let before = server.memory()?;
    let queue = runtime.block_on(Queue::<Task>::connect(options(&server.url, MEMORY_QUEUE)))?;
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
    let after = server.memory()?;
    sent.abort();
    Ok(growth(before, after, many))
}

const MEMORY_QUEUE: &str = "waiting";

fn growth(before: Option<f64>, after: Option<f64>, jobs: u64) -> Option<f64> {
    Some((after? - before?) / jobs as f64)
}

fn job_queue_scaling(turn: &Turn) -> Result<Figures> {
    let runtime = Runtime::new()?;
    let server = Server::nats(turn)?;
    let workers = usize::try_from(turn.size)?;
    let mut measured = Figures::new();
    for (name, ahead, task) in [(SHORT, AHEAD, Task::Spin as fn(_) -> _), (LONG, 1, Task::Sleep)] {
        let name_of_queue = format!("ahead-{ahead}");
        let started: Result<Vec<_>> =
            (0..workers).map(|_| Part::worker(&server.url, &name_of_queue, 1, ahead)).collect();
        let _workers = started?;
        let queue = ready(&runtime, &server.url, &name_of_queue, workers)?;
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
    let server = Server::nats(turn)?;
    let client = runtime.block_on(async_nats::connect(&server.url))?;
    let client = Arc::new(Requests(client));
    let mut processes = vec![Part::start(ANSWER, &[&server.url])?];
    let alone = round_trip(turn, &runtime, &client)?;
    for _ in 1..cores() {
        processes.push(Part::start(ANSWER, &[&server.url])?);
    }
    let many = per_second(turn, &runtime, &client, cores(), Task::Empty)?;
    Ok(figures([(ROUND_TRIP, alone), (EMPTY, many)]))
}

/// A queue in Python over Redis.
fn redis(turn: &Turn, way: &str) -> Result<Figures> {
    let server = Server::redis(turn)?;
    let url = server.url.as_str();
    let mut measured = script(turn, way, url, 1, &[ROUND_TRIP])?;
    measured.extend(script(turn, way, url, cores(), &[EMPTY, SHORT, LONG])?);
    drop(server);

    let server = Server::redis(turn)?;
    let before = server.memory()?;
    let many = waiting(turn);
    script(turn, way, &server.url, 0, &["waiting", &many.to_string()])?;
    if let Some(memory) = growth(before, server.memory()?, many) {
        measured.insert(MEMORY.to_owned(), memory);
    }
    Ok(measured)
}

fn redis_scaling(turn: &Turn, way: &str) -> Result<Figures> {
    let server = Server::redis(turn)?;
    let workers = usize::try_from(turn.size)?;
    script(turn, way, &server.url, workers, &[SHORT, LONG])
}

/// Runs the script that starts so many worker processes and measures them.
fn script(turn: &Turn, way: &str, url: &str, workers: usize, measures: &[&str]) -> Result<Figures> {
    let python = turn.python.as_ref().context("there is no Python 3.11 or newer")?;
    let output = Command::new(python)
        .arg(Path::new("bench/python/job_queues.py"))
        .args([way, url, &workers.to_string(), &turn.time.as_millis().to_string()])
        .args(measures)
        .stdin(Stdio::null())
        .output()
        .context("starting Python")?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    let complaint = complaint.lines().last().unwrap_or_default();
    ensure!(
        output.status.success(),
        "{complaint} ({}; bench/python/requirements.txt lists the packages)",
        output.status
    );
    serde_json::from_slice(&output.stdout).context("its figures")
}
