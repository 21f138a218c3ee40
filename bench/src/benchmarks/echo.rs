//! Echo servers with few and with many connections.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use harness::kept::results::Better;
use hdrhistogram::Histogram;
use testbed::Child;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::benchmark::{Benchmark, Figures, Implementation, Turn, figures};
use crate::parts;
use crate::parts::python;
use crate::usage::{cpu_time, peak_memory};

const ALL: &[u64] = &[10, 1_000, 10_000];
const SOME: &[u64] = &[10, 1_000];

/// The number of messages under way at once, if there are as many connections.
const UNDER_WAY: u64 = 100;
const MESSAGE: usize = 64;
/// The size of a server's read buffer.
const BUFFER: usize = 1024;

pub(super) fn benchmark() -> Benchmark {
    Benchmark {
        name: "echo",
        question: "Threads or async for many connections?",
        method: "A server sends back messages of 64 bytes over loopback. All connections stay \
                 open; up to 100 messages are under way at once, and go round over all \
                 connections. The same client, with one thread, uses every server and takes up to \
                 one core. Python's threads go to 1,000 connections, which already take many \
                 times as long to open. CPU time is the server's alone, and memory is its peak.",
        sizes: Some("connections"),
        quick_max: 1_000,
        measures: &[
            // First, because the client, which has only one thread, may limit the others.
            ("CPU time per echo", "µs", Better::Less),
            ("echoes", "per second", Better::More),
            ("p99", "ms", Better::Less),
            ("memory", "MiB", Better::Less),
        ],
        implementations: vec![
            Implementation::rust("threads", ALL, |turn| ours("threads", turn)),
            Implementation::rust("tokio tasks", ALL, |turn| ours("tokio", turn)),
            Implementation::rust("tokio tasks, one thread", ALL, |turn| ours("one-thread", turn)),
            Implementation::python_measured_by("Python threads", SOME, |turn| {
                pythons("threads", turn)
            }),
            Implementation::python_measured_by("asyncio", ALL, |turn| pythons("asyncio", turn)),
        ],
        ..Benchmark::default()
    }
}

/// Runs one of the servers in Rust until it is killed.
pub(super) fn serve(way: &str) -> Result<()> {
    match way {
        "threads" => serve_with_threads(),
        "one-thread" => serve_with_tasks(Builder::new_current_thread()),
        _ => serve_with_tasks(Builder::new_multi_thread()),
    }
}

fn serve_with_threads() -> Result<()> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    println!("{}", listener.local_addr()?.port());
    for connection in 1.. {
        let (mut stream, _) = listener.accept().context("accepting a connection")?;
        stream.set_nodelay(true)?;
        let echo = move || {
            let mut buffer = [0; BUFFER];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if stream.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
        };
        let started = thread::Builder::new().spawn(echo);
        started.with_context(|| format!("starting a thread for connection {connection}"))?;
    }
    Ok(())
}

fn serve_with_tasks(mut runtime: Builder) -> Result<()> {
    let accept = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        println!("{}", listener.local_addr()?.port());
        loop {
            let (mut stream, _) = listener.accept().await.context("accepting a connection")?;
            stream.set_nodelay(true)?;
            tokio::spawn(async move {
                let mut buffer = [0; BUFFER];
                while let Ok(count @ 1..) = stream.read(&mut buffer).await {
                    if stream.write_all(&buffer[..count]).await.is_err() {
                        break;
                    }
                }
            });
        }
    };
    // Accepts in a task, as a service does: the thread in block_on is not one of the workers.
    runtime.enable_all().build()?.block_on(async { tokio::spawn(accept).await? })
}

fn ours(way: &str, turn: &Turn) -> Result<Figures> {
    let mut command = parts::command("echo-server")?;
    command.arg(way);
    measure(command, turn)
}

fn pythons(way: &str, turn: &Turn) -> Result<Figures> {
    measure(python::script(turn, "echo_server.py", &[way])?, turn)
}

fn measure(mut command: Command, turn: &Turn) -> Result<Figures> {
    allow_descriptors(turn.size)?;
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = Child::start(&mut command).context("starting the server")?;
    let port = server.line().context("the server has named no port")?.parse()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let open = open(address, turn.size).await?;
        let before = cpu_time(server.id())?;
        let time = 2 * turn.time; // CPU time is counted in steps of 10 ms
        let latencies = ask(open, time).await?;
        let after = cpu_time(server.id())?;

        let echoes = latencies.len() as f64;
        let mut figures = figures([
            ("echoes", echoes / time.as_secs_f64()),
            ("p99", latencies.value_at_quantile(0.99) as f64 / 1e6),
        ]);
        if let (Some(before), Some(after)) = (before, after) {
            figures.insert("CPU time per echo".to_owned(), (after - before) * 1e6 / echoes);
        }
        if let Some(memory) = peak_memory(server.id()) {
            figures.insert("memory".to_owned(), memory);
        }
        Ok(figures)
    })
}

/// Raises the limit on file descriptors. Client and server need one for each connection, and the
/// server inherits the limit.
#[cfg(unix)]
fn allow_descriptors(connections: u64) -> Result<()> {
    use rustix::process::{Resource, getrlimit, setrlimit};

    /// For input, output and the runtime.
    const OTHERS: u64 = 50;

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).ok(); // an error: the present limit has to do
    let max = getrlimit(Resource::Nofile).current;
    ensure!(
        max.is_none_or(|max| max >= connections + OTHERS),
        "only {} file descriptors are allowed; raise the limit with ulimit -n",
        max.unwrap_or_default()
    );
    Ok(())
}

#[cfg(not(unix))]
fn allow_descriptors(_: u64) -> Result<()> {
    Ok(())
}

/// Opens the connections, in one share for each message that will be under way.
async fn open(server: SocketAddr, connections: u64) -> Result<Vec<Vec<Connection>>> {
    let shares = connections.min(UNDER_WAY);
    let mut tasks = JoinSet::new();
    for share in 0..shares {
        let many = connections / shares + u64::from(share < connections % shares);
        tasks.spawn(async move {
            let mut open = Vec::new();
            for _ in 0..many {
                let mut connection = Connection::open(server).await?;
                connection.echo(0).await?; // the server has a thread or a task for it
                open.push(connection);
            }
            anyhow::Ok(open)
        });
    }
    let mut open = Vec::new();
    while let Some(share) = tasks.join_next().await {
        open.push(share??);
    }
    Ok(open)
}

/// Sends messages until the time is over. Returns how long each took, in nanoseconds.
async fn ask(open: Vec<Vec<Connection>>, time: Duration) -> Result<Histogram<u64>> {
    let mut tasks: JoinSet<_> = open.into_iter().map(|share| go_round(share, time)).collect();
    let mut all = Histogram::new(3)?; // three significant digits, no upper limit
    while let Some(latencies) = tasks.join_next().await {
        all.add(latencies??)?;
    }
    Ok(all)
}

/// Sends one message at a time, each over the next connection.
async fn go_round(mut open: Vec<Connection>, time: Duration) -> Result<Histogram<u64>> {
    let mut latencies = Histogram::new(3)?;
    let end = Instant::now() + time;
    for number in 1.. {
        for connection in &mut open {
            let began = Instant::now();
            connection.echo(number).await?;
            let answered = Instant::now();
            if answered > end {
                return Ok(latencies);
            }
            latencies.record((answered - began).as_nanos().try_into()?)?;
        }
    }
    Ok(latencies)
}

struct Connection(TcpStream);

impl Connection {
    async fn open(server: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(server).await.context("connecting")?;
        stream.set_nodelay(true)?;
        // Closed by a reset. Otherwise each one would keep its port for a minute, and later turns
        // would run out of ports.
        stream.set_zero_linger()?;
        Ok(Self(stream))
    }

    /// Sends a message and waits for its echo.
    async fn echo(&mut self, number: u64) -> Result<()> {
        let mut message = [b'.'; MESSAGE];
        message[..8].copy_from_slice(&number.to_le_bytes());
        self.0.write_all(&message).await.context("sending")?;
        let mut answer = [0; MESSAGE];
        self.0.read_exact(&mut answer).await.context("waiting for an echo")?;
        ensure!(answer == message, "the echo differs from the message");
        Ok(())
    }
}
