//! Load: requests over connections that are kept, and how long their answers took.

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

/// No answer takes longer, or the run is broken.
const LIMIT: Duration = Duration::from_secs(30);

fn latencies() -> Result<Latencies> {
    Ok(Histogram::new(3)?) // three digits, and as large as need be
}

fn record(latencies: &mut Latencies, latency: Duration) -> Result<()> {
    Ok(latencies.record(u64::try_from(latency.as_nanos())?)?)
}

/// The load shares the machine with the server. Where the system lets it, it goes before all else,
/// as a client on another machine would: its own waiting for a core is not the server's. Holds for
/// this thread and those that it starts. Elsewhere latencies under load include the load's own.
pub fn go_first() {
    #[cfg(unix)]
    rustix::process::setpriority_process(None, -10).ok();
}

fn request(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n").into_bytes()
}

/// Whether the bytes are a whole answer. Only 200 will do: a refusal is not a fast answer.
fn is_whole(bytes: &[u8]) -> Result<bool> {
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
        while !is_whole(&self.buffer[..filled])? {
            let read = self.stream.read(&mut self.buffer[filled..])?;
            ensure!(read > 0, "the connection was closed");
            filled += read;
        }
        Ok(())
    }
}

/// Has every process of the server do its first work.
pub fn warm_up(address: &str) -> Result<()> {
    let mut client = Client::connect(address)?;
    for path in ["/health", "/compute/10", "/compute/100000"] {
        for _ in 0..100 {
            client.get(&request(path))?;
        }
    }
    Ok(())
}

/// The n whose job takes about so long by itself.
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

/// Open loop: so many requests a second, sent when they are due. A latency counts from when the
/// request was due, also if the answer before it came late: else the server would be asked less
/// just when it is slow, and those waits would go missing (coordinated omission). What is still not
/// sent when the time is over counts with the time it has waited until then.
pub fn probe(path: &str, per_second: u32, time: Duration, address: &str) -> Result<Latencies> {
    /// Before it is due it waits awake: a sleep ends late by this much.
    const AWAKE: Duration = Duration::from_micros(200);

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
        thread::sleep((due - AWAKE).saturating_duration_since(Instant::now()));
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

/// Does something while so many clients ask for jobs, each for the next when it has its answer.
/// Also gives the jobs done a second.
pub fn while_busy<T>(
    clients: usize,
    path: &str,
    address: &str,
    what: impl FnOnce() -> Result<T>,
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
        // From when every worker has had a job.
        while jobs.load(Ordering::Relaxed) < clients as u64 && began.elapsed() < LIMIT {
            thread::sleep(Duration::from_millis(10));
        }
        let (before, began) = (jobs.load(Ordering::Relaxed), Instant::now());
        let done = what();
        let per_second =
            (jobs.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64();
        stop.store(true, Ordering::Relaxed);
        for client in busy {
            client.join().ok().context("a client panicked")??;
        }
        Ok((done?, per_second))
    })
}

/// Closed loop: so many connections, each of which asks again as soon as it has its answer.
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
                    while !is_whole(&buffer[..filled])? {
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
