//! The queue for many machines: the real server on the loopback interface, and
//! workers in processes of their own that are stopped and killed. Every trap of
//! the server has a test.
#![cfg(unix)]
#![allow(clippy::unwrap_used)] // here it is an assertion

mod chaos;
mod host_process;
mod jobs;
mod proxy;
mod server;
mod task;
mod workers;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream::Stream};
use job_queue::{Options, Queue};
use task::Task;
use testbed::LIMIT;
use testbed::nats::Nats;
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

/// Returns the program `examples/queue.rs`, which works for a queue.
fn host() -> PathBuf {
    testbed::example("queue")
}

/// An acknowledgment time that is short, but not so short that a busy machine misses it.
const ACK_WAIT: Duration = Duration::from_millis(600);

/// Runs a test against a server of its own, unless there is none on this machine.
fn with_nats(test: impl AsyncFnOnce(&mut Nats)) {
    with_nats_for(2 * LIMIT, test);
}

/// Runs a test against a server of its own, with a time limit of its own.
fn with_nats_for(limit: Duration, test: impl AsyncFnOnce(&mut Nats)) {
    let Some(mut nats) = Nats::start() else { return };
    // Several threads, because a worker that starts may block one of them and need the proxy.
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async {
        timeout(limit, test(&mut nats)).await.expect("within the limit");
    });
}

fn options(nats: &Nats) -> Options {
    Options { url: nats.url(), ack_wait: ACK_WAIT, ..Options::default() }
}

async fn connect(options: Options) -> Queue<Task> {
    Queue::connect(options).await.unwrap()
}

async fn client(nats: &Nats) -> Queue<Task> {
    connect(options(nats)).await
}

fn echo(text: &str) -> Task {
    Task::Echo(text.to_owned())
}

/// Counts the starts of the jobs that leave a mark in this file.
fn marks(file: &Path) -> usize {
    fs::read_to_string(file).unwrap_or_default().lines().count()
}

/// Connects to the server without a queue in between.
async fn raw(nats: &Nats) -> jetstream::Context {
    jetstream::new(async_nats::connect(nats.url()).await.unwrap())
}

/// Returns a stream on the server. Right after a restart, the server may not answer yet.
async fn stream(nats: &Nats, name: &str) -> Stream {
    let deadline = Instant::now() + LIMIT;
    loop {
        match raw(nats).await.get_stream(name).await {
            Ok(stream) => return stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    }
}

/// Waits until a stream has this many messages.
async fn until_messages(stream: &Stream, count: u64) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let messages =
            stream.get_info().await.map(|info| info.state.messages);
        if messages.as_ref().is_ok_and(|messages| *messages == count) {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "not {count} messages, but {messages:?}"
        );
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a client knows that the server has accepted this many of its jobs.
async fn until_accepted(queue: &Queue<Task>, count: u64) {
    let accepted = format!("job_queue_submitted_total {count}");
    let until = async {
        while !queue.metrics().await.contains(&accepted) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(LIMIT, until).await.expect("the jobs are accepted");
}

/// Returns the headers of a job with this id.
fn headers(id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Job-Format", "1");
    headers.insert("Job-Id", id);
    headers.insert("Job-Type", std::any::type_name::<Task>());
    headers
}

async fn publish(nats: &Nats, headers: HeaderMap, payload: Vec<u8>) {
    let raw = raw(nats).await;
    raw.publish_with_headers("jobs.jobs", headers, payload.into())
        .await
        .unwrap()
        .await
        .unwrap();
}

/// Encodes a job as a client does.
fn postcard_of(job: &Task) -> Vec<u8> {
    let mut frame = Vec::new();
    process_pool::wire::append(job, usize::MAX, &mut frame).unwrap();
    frame.split_off(4)
}
