//! Load: requests over connections that stay open, and the latencies of their answers.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;

/// Latencies in nanoseconds.
pub type Latencies = Histogram<u64>;

/// The time limit of an answer.
const LIMIT: Duration = Duration::from_secs(30);

fn latencies() -> Result<Latencies> {
    Ok(Histogram::new(3)?) // three digits, and as large as need be
}

fn record(latencies: &mut Latencies, latency: Duration) -> Result<()> {
    Ok(latencies.record(u64::try_from(latency.as_nanos())?)?)
}

/// Gives this thread, and those that it starts, priority over the server if the system permits it.
/// A client on another machine wouldn't wait for a core of the server. Without the priority,
/// latencies under load include that wait.
pub fn go_first() {
    #[cfg(unix)]
    rustix::process::setpriority_process(None, -10).ok();
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// Returns true if the bytes are a complete answer. Any status but 200 is an error: a refusal is not a
/// fast answer.
fn is_complete(bytes: &[u8]) -> Result<bool> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = str::from_utf8(&bytes[..end])?;
    ensure!(head.starts_with("HTTP/1.1 200"), "answered with {head}");
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    Ok(bytes.len() >= end + 4 + length.context("an answer of unknown length")?)
}

/// A connection that waits for each answer.
struct Client {
    stream: TcpStream,
    buffer: [u8; 4096],
}

impl Client {
    fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LIMIT))?;
        Ok(Self { stream, buffer: [0; 4096] })
    }

    fn get(&mut self, request: &[u8]) -> Result<()> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        while !is_complete(&self.buffer[..filled])? {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            ensure!(read > 0, "the connection was closed");
            filled += read;
        }
        Ok(())
    }
}

/// Sends the first jobs to every process of the server.
pub fn warm_up(address: &str) -> Result<()> {
    let mut client = Client::connect(address)?;
    for path in ["/health", "/compute/10", "/compute/100000"] {
        for _ in 0..100 {
            client.get(&request(path))?;
        }
    }
    Ok(())
}

/// Returns the n whose job takes about this time by itself.
pub fn job_of(time: Duration, address: &str) -> Result<u64> {
    let mut client = Client::connect(address)?;
    let mut n: u64 = 100_000;
    for _ in 0..30 {
        let request = request(&format!("/compute/{n}"));
        let mut took = LIMIT;
        for _ in 0..3 {
            let began = Instant::now();
            client.get(&request)?;
            took = took.min(began.elapsed());
        }
        if took > time / 2 {
            return Ok((n as f64 * time.as_secs_f64() / took.as_secs_f64()) as u64);
        }
        n *= 2;
    }
    bail!("no job takes {time:?}")
}

/// Sends requests at a fixed rate (open loop). A latency counts from the moment when the request was
/// due, also if the answer before it came late. Otherwise the server would get fewer requests
/// whenever it is slow, and those waits would be missing (coordinated omission). A request that is
/// not sent before the time is over counts with its wait until then.
pub fn probe(path: &str, per_second: u32, time: Duration, address: &str) -> Result<Latencies> {
    /// The time before a request is due in which the client spins, because a sleep ends late.
    const SPIN: Duration = Duration::from_micros(200);

    let mut client = Client::connect(address)?;
    let request = request(path);
    let mut latencies = latencies()?;
    let began = Instant::now();
    for number in 1.. {
        let due = Duration::from_secs(1) * number / per_second;
        if due > time {
            break;
        }
        let due = began + due;
        thread::sleep((due - SPIN).saturating_duration_since(Instant::now()));
        while Instant::now() < due {
            std::hint::spin_loop();
        }
        if began.elapsed() < time {
            client.get(&request)?;
        }
        record(&mut latencies, due.elapsed())?;
    }
    Ok(latencies)
}

/// Calls `body` while this many clients request jobs, each the next one when it has its answer. Also
/// returns the jobs per second.
pub fn while_busy<T>(
    clients: usize,
    path: &str,
    address: &str,
    body: impl FnOnce() -> Result<T>,
) -> Result<(T, f64)> {
    let stop = AtomicBool::new(false);
    let jobs = AtomicU64::new(0);
    let request = request(path);
    thread::scope(|scope| {
        let busy: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = Client::connect(address)?;
                    while !stop.load(Ordering::Relaxed) {
                        client.get(&request)?;
                        jobs.fetch_add(1, Ordering::Relaxed);
                    }
                    anyhow::Ok(())
                })
            })
            .collect();
        let began = Instant::now();
        // Counts from the moment when every worker has had a job.
        while jobs.load(Ordering::Relaxed) < clients as u64 && began.elapsed() < LIMIT {
            thread::sleep(Duration::from_millis(10));
        }
        let (before, began) = (jobs.load(Ordering::Relaxed), Instant::now());
        let result = body();
        let per_second =
            (jobs.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        for client in busy {
            client.join().ok().context("a client panicked")??;
        }
        Ok((result?, per_second))
    })
}

/// Sends requests over this many connections, each the next one as soon as it has its answer (closed
/// loop).
pub fn closed_loop(
    connections: usize,
    path: &str,
    time: Duration,
    address: &str,
) -> Result<Latencies> {
    let request: Arc<[u8]> = request(path).into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut clients = JoinSet::new();
        for _ in 0..connections {
            let mut stream = tokio::net::TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let request = Arc::clone(&request);
            clients.spawn(async move {
                let mut latencies = latencies()?;
                let mut buffer = [0; 4096];
                let end = Instant::now() + time;
                loop {
                    let began = Instant::now();
                    if began >= end {
                        return anyhow::Ok(latencies);
                    }
                    stream.write_all(&request).await?;
                    let mut filled = 0;
                    while !is_complete(&buffer[..filled])? {
                        let read = stream.read(&mut buffer[filled..]).await?;
                        ensure!(read > 0, "the connection was closed");
                        filled += read;
                    }
                    record(&mut latencies, began.elapsed())?;
                }
            });
        }
        let mut all = latencies()?;
        while let Some(latencies) = clients.join_next().await {
            all.add(latencies??)?;
        }
        Ok(all)
    })
}
