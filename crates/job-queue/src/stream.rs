//! The parts of a queue on the server: three streams and a consumer.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, RawMessageErrorKind, RetentionPolicy,
    StorageType, Stream,
};
use tokio::time::{self, Instant};

use crate::error::Error;
use crate::link::{Link, RETRY_AFTER};
use crate::message::Order;
use crate::options::Options;

/// The name of the one consumer that all workers share. A work queue allows no
/// second one.
pub const CONSUMER: &str = "workers";

/// Maximum size of each of the streams, in bytes.
const BYTES: i64 = 256 << 20;
/// Time for which dead letters are kept.
const DEAD_LETTER_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
/// Number of pull requests that may be open, of all workers together. A worker has
/// [`prefetch`](crate::WorkerConfig::prefetch) for each of its processes.
const MAX_WAITING: i64 = 16_384;

/// Tries again while the server does not answer, because a server that has just
/// started may not answer yet.
pub async fn patiently<T>(
    options: &Options,
    attempt: impl AsyncFn() -> Result<T, Error>,
) -> Result<T, Error> {
    let deadline = Instant::now() + options.connect_limit;
    loop {
        match attempt().await {
            Err(Error::Unreachable { .. }) if Instant::now() < deadline => {
                time::sleep(RETRY_AFTER).await;
            }
            result => return result,
        }
    }
}

/// Creates the streams that do not exist, and checks those that do.
pub async fn set_up(link: &Link, options: &Options) -> Result<(), Error> {
    let names = &link.names;
    let stream = |name: &str, subject: String| Config {
        name: name.to_owned(),
        subjects: vec![subject],
        max_bytes: BYTES,
        storage: StorageType::File,
        num_replicas: options.replicas,
        ..Config::default()
    };
    let jobs = Config {
        // A job is deleted as soon as it is acknowledged.
        retention: RetentionPolicy::WorkQueue,
        // The default would delete the oldest job to make room for a new one.
        discard: DiscardPolicy::New,
        max_messages: options.capacity.into(),
        ..stream(&names.jobs_stream, names.jobs.clone())
    };
    let results = Config {
        max_age: options.result_age,
        ..stream(&names.results_stream, names.result(">"))
    };
    let dead = Config {
        max_age: DEAD_LETTER_AGE,
        ..stream(&names.dead_stream, names.dead(">"))
    };
    let found = create(link, options, jobs).await?;
    if found.discard != DiscardPolicy::New
        || found.retention != RetentionPolicy::WorkQueue
    {
        return Err(Error::Unsuitable(format!(
            "its stream {:?} is not the work queue that refuses new jobs when \
             full; delete the stream, or choose another name for the queue",
            found.name
        )));
    }
    create(link, options, results).await?;
    create(link, options, dead).await?;
    Ok(())
}

/// Creates a stream unless it exists, and returns its configuration.
async fn create(
    link: &Link,
    options: &Options,
    config: Config,
) -> Result<Config, Error> {
    use async_nats::jetstream::context::CreateStreamErrorKind as Kind;
    let deadline = Instant::now() + options.connect_limit;
    loop {
        let created =
            link.context.get_or_create_stream(config.clone()).await;
        let fault = match created {
            Ok(stream) => return Ok(stream.cached_info().config.clone()),
            Err(fault) => fault,
        };
        match fault.kind() {
            Kind::JetStreamUnavailable if Instant::now() < deadline => {
                time::sleep(RETRY_AFTER).await;
            }
            Kind::TimedOut => return Err(link.unreachable(&fault)),
            Kind::JetStreamUnavailable => {
                return Err(Error::Unsuitable(
                    "JetStream is disabled; start the server with the option \
                     -js"
                    .to_owned(),
                ));
            }
            _ => {
                return Err(Error::Unsuitable(format!(
                    "it refuses the stream {:?}: {fault}",
                    config.name
                )));
            }
        }
    }
}

/// Returns the consumer that all workers share. It is created if it does not exist.
pub async fn consumer(
    link: &Link,
    options: &Options,
) -> Result<PullConsumer, Error> {
    let config = pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: options.ack_wait,
        // Without a limit, because the server would keep the message forever
        // and deliver it no more. Workers count the deliveries instead.
        max_deliver: -1,
        // Without a limit, because at the limit the server would stop to
        // deliver. Every worker takes only as many as it can run.
        max_ack_pending: -1,
        max_waiting: MAX_WAITING,
        ..pull::Config::default()
    };
    let jobs = link.jobs().await?;
    let consumer = jobs.get_or_create_consumer(CONSUMER, config).await;
    consumer.map_err(|fault| link.unreachable(&fault))
}

/// Makes the server deliver jobs again if a crash has left it unable to.
///
/// A server that is killed while it empties its queue can restart with files
/// that contradict each other. Then it stores new jobs and delivers none, for
/// one of two reasons, both seen with nats-server 2.9.10:
///
/// - It cannot read the jobs, although it counts them. A purge helps, and the
///   clients send their jobs again.
/// - It numbers the jobs from 1 again, and the consumer waits for higher numbers
///   than there are. A new consumer starts at the first job. Jobs that are
///   running are delivered twice.
pub async fn repair(link: &Link, options: &Options) -> Result<(), Error> {
    let jobs = link.jobs().await?;
    let consumer = consumer(link, options).await?;
    // Asked after the consumer, because it may only grow in between.
    let before =
        jobs.get_info().await.map_err(|fault| link.unreachable(&fault))?;
    let before = before.state;
    let delivered = consumer.cached_info().delivered.stream_sequence;
    if delivered > before.last_sequence {
        tracing::warn!("the server has forgotten jobs: new consumer");
        let deleted = jobs.delete_consumer(CONSUMER).await;
        deleted.map_err(|fault| link.unreachable(&fault))?;
        self::consumer(link, options).await?;
    }
    if before.messages == 0
        || next_job(link, &jobs, before.first_sequence).await?.is_some()
    {
        return Ok(());
    }
    let after =
        jobs.get_info().await.map_err(|fault| link.unreachable(&fault))?;
    // If the first job has changed, it was finished in between.
    if after.state.first_sequence == before.first_sequence {
        tracing::warn!("the server cannot read its jobs: purging them");
        let end = before.last_sequence + 1;
        let purged = jobs.purge().sequence(end).await;
        purged.map_err(|fault| link.unreachable(&fault))?;
    }
    Ok(())
}

/// Returns the first job in the stream from this position on.
async fn next_job(
    link: &Link,
    jobs: &Stream<()>,
    from: u64,
) -> Result<Option<StreamMessage>, Error> {
    let message = jobs
        .raw_message_builder()
        .sequence(from)
        .next_by_subject(link.names.jobs.as_str())
        .send()
        .await;
    match message {
        Ok(message) => Ok(Some(message)),
        Err(fault)
            if fault.kind() == RawMessageErrorKind::NoMessageFound =>
        {
            Ok(None)
        }
        Err(fault) => Err(link.unreachable(&fault)),
    }
}

/// Deletes jobs that are finished and still there, and returns how many.
///
/// The server writes an acknowledgment to its disk sooner than the deletion
/// that follows from it. If the server is killed in between, the restarted
/// server has the message but never delivers it, and the message counts against
/// the stream's capacity.
///
/// The acknowledgment floor does not tell which messages are ghosts: after a
/// restart there are some above it, and some below it are jobs that were never
/// finished and that the server does deliver. So a job is deleted if it was
/// delivered and has a result.
///
/// A canceled job has no result, and an old result is gone. So while the server
/// waits for no acknowledgment at all, each job that was delivered is deleted:
/// the job was acknowledged, and the server will not deliver it again. If the
/// server's files contradict each other, that may be wrong; a client that waits
/// for such a job sends it again.
pub async fn delete_ghosts(link: &Link) -> Result<u64, Error> {
    let jobs = link.jobs().await?;
    let consumer = jobs.consumer_info(CONSUMER).await;
    let consumer = consumer.map_err(|fault| link.unreachable(&fault))?;
    let last = consumer.delivered.stream_sequence;
    let info =
        jobs.get_info().await.map_err(|fault| link.unreachable(&fault))?;
    let are_all_finished =
        consumer.num_ack_pending == 0 && last <= info.state.last_sequence;
    let mut next = info.state.first_sequence;
    let mut deleted = 0;
    while info.state.messages > 0 && next <= last {
        let message = next_job(link, &jobs, next).await?;
        let Some(message) =
            message.filter(|message| message.sequence <= last)
        else {
            break;
        };
        next = message.sequence + 1;
        let is_ghost = are_all_finished
            || match Order::read(Some(&message.headers)) {
                Ok(order) => link.result_of(&order.id).await?.is_some(),
                Err(_) => true, // not a job
            };
        // An error means that another worker has deleted it.
        if is_ghost && jobs.delete_message(message.sequence).await.is_ok() {
            deleted += 1;
        }
    }
    Ok(deleted)
}
