//! A worker: it takes jobs from the server and runs them in a process pool.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use futures::StreamExt;
use process_pool::{Error as PoolError, Job, Pool, wire};
use serde_bytes::ByteBuf;
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, debug, info, info_span, warn};

use crate::cancel::Cancels;
use crate::clock::Clock;
use crate::dead_letters::letter;
use crate::error::Error;
use crate::link::{self, Link, RETRY_AFTER};
use crate::message::{Order, one_line};
use crate::metrics::{Label, WorkerMetrics};
use crate::options::{Options, WorkerConfig};
use crate::outcome::{self, Outcome};
use crate::packed::Packed;
use crate::pull::Pull;
use crate::stream;

/// The interval at which a worker tidies up on the server. It also does so after each
/// reconnect.
const TIDY: Duration = Duration::from_secs(10);
/// The wait of a job that a worker cannot run, until another worker may get it.
const NEXT_ATTEMPT: Duration = Duration::from_secs(1);
/// Maximum size that the format adds to a result, in bytes.
const RESULT_HEAD: usize = 256;

/// A worker that is connected and has started its processes.
#[derive(Debug)]
pub struct Worker<J> {
    shared: Arc<Shared<J>>,
}

#[derive(Debug)]
struct Shared<J> {
    link: Link,
    options: Options,
    config: WorkerConfig,
    job_type: String,
    /// The consumer's own setting, which another worker may have chosen.
    ack_wait: Duration,
    clock: RwLock<Clock>,
    pool: Pool<Packed<J>>,
    cancels: Cancels,
    metrics: WorkerMetrics,
    /// No more jobs are taken.
    stop: CancellationToken,
    /// Jobs under way are handed back.
    kill: CancellationToken,
}

/// A job that was delivered.
struct Delivery {
    message: Message,
    order: Order,
    /// Number of times that it has been delivered, including this time.
    count: u64,
    /// The time at which the server accepted it, in nanoseconds since 1970.
    published: i128,
}

/// The end of a job.
enum End {
    /// This is its result.
    Finished(Outcome),
    /// It may work elsewhere or later; if this was its last delivery, the job
    /// is dead, for this reason.
    Again(String, Option<Outcome>),
    Canceled,
}

impl<J: Job + 'static> Worker<J> {
    /// Connects to the server and starts the processes.
    ///
    /// # Errors
    ///
    /// As [`Queue::connect`](crate::Queue::connect), or
    /// [`CannotStart`](process_pool::Error::CannotStart) if a process does not
    /// start.
    pub async fn connect(
        options: Options,
        mut config: WorkerConfig,
    ) -> Result<Self, Error> {
        let link = Link::connect(&options).await?;
        let (consumer, clock) = stream::patiently(&options, async || {
            stream::set_up(&link, &options).await?;
            let consumer = stream::consumer(&link, &options).await?;
            Ok((consumer, Clock::measure(&link, options.clock).await?))
        })
        .await?;
        let ack_wait = consumer.cached_info().config.ack_wait;

        config.prefetch = config.prefetch.max(1);
        config.pool.queue = config.pool.workers.max(1) * config.prefetch;
        // The queue itself delivers the job again, perhaps to another machine.
        config.pool.retry = false;
        let pool = Pool::start(config.pool.clone()).await?;
        let shared = Arc::new(Shared {
            link,
            job_type: options.type_of::<J>(),
            options,
            config,
            ack_wait,
            clock: RwLock::new(clock),
            pool,
            cancels: Cancels::default(),
            metrics: WorkerMetrics::new(),
            stop: CancellationToken::new(),
            kill: CancellationToken::new(),
        });
        Ok(Self { shared })
    }

    /// Runs jobs until `stop` is ready. Then jobs under way may finish within
    /// [`WorkerConfig::grace`], and the others are handed back to the server.
    ///
    /// ```no_run
    /// # use job_queue::{Error, Job, JobResult, Worker};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
    /// # }
    /// # async fn example(worker: impl Future<Output = Result<Worker<Square>, Error>>) -> Result<(), Error> {
    /// let worker = worker.await?;
    /// worker.run(async { drop(tokio::signal::ctrl_c().await) }).await;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let shared = self.shared;
        // If this future is dropped, everything ends immediately.
        let _kill = shared.kill.clone().drop_guard();
        let _stop = shared.stop.clone().drop_guard();
        let (slots, helpers) = (TaskTracker::new(), TaskTracker::new());
        for _ in 0..shared.config.pool.queue {
            slots.spawn(slot(Arc::clone(&shared)));
        }
        helpers.spawn(listen_for_cancels(Arc::clone(&shared)));
        helpers.spawn(tidy(Arc::clone(&shared)));
        stop.await;
        shared.stop.cancel();
        slots.close();
        if time::timeout(shared.config.grace, slots.wait()).await.is_err() {
            shared.kill.cancel();
            slots.wait().await;
        }
        shared.kill.cancel();
        helpers.close();
        helpers.wait().await;
        shared.pool.shutdown().await;
        let flush = shared.link.client.flush();
        time::timeout(Duration::from_secs(1), flush).await.ok();
    }
}

impl<J> Worker<J> {
    /// Returns a function that returns the figures of this worker, in the text
    /// format of Prometheus.
    pub fn metrics(
        &self,
    ) -> impl Fn() -> String + Clone + Send + Sync + 'static
    where
        J: Job + 'static,
    {
        let shared = Arc::clone(&self.shared);
        move || shared.metrics.text()
    }
}

/// Takes and runs one job after another.
async fn slot<J: Job + 'static>(shared: Arc<Shared<J>>) {
    let mut pull = loop {
        match Pull::new(&shared.link).await {
            Ok(pull) => break pull,
            Err(error) => {
                debug!("{error}");
                tokio::select! {
                    () = time::sleep(RETRY_AFTER) => {}
                    () = shared.stop.cancelled() => return,
                }
            }
        }
    };
    loop {
        let message = tokio::select! {
            biased;
            () = shared.stop.cancelled() => break,
            message = pull.next() => message,
        };
        let Some(delivery) = shared.read(message).await else { continue };
        let span = info_span!(
            "job",
            id = delivery.order.id,
            trace = delivery.order.trace,
            delivery = delivery.count
        );
        shared.metrics.running.inc();
        shared.process(delivery).instrument(span).await;
        shared.metrics.running.dec();
    }
    pull.close().await;
}

impl<J: Job + 'static> Shared<J> {
    /// Reads a message. One that is not a job is removed from the queue.
    async fn read(&self, message: Message) -> Option<Delivery> {
        let info = message.info();
        let info = info.map(|info| (info.delivered, info.published)).ok();
        let order = Order::read(message.headers.as_ref());
        match (info, order) {
            (Some((count, published)), Ok(order)) => Some(Delivery {
                order,
                count: count.try_into().unwrap_or_default(),
                published: published.unix_timestamp_nanos(),
                message,
            }),
            (_, fault) => {
                let fault = fault.err().unwrap_or("it was not delivered");
                warn!("rejected a message that is not a job: {fault}");
                self.metrics.rejected.inc();
                message.ack_with(AckKind::Term).await.ok();
                None
            }
        }
    }

    /// Runs a job, and tells the server regularly that it is still under way.
    async fn process(&self, delivery: Delivery) {
        let progress = async {
            let mut ticks = time::interval(self.ack_wait / 3);
            ticks.tick().await; // the first one is immediate
            loop {
                ticks.tick().await;
                // It only sends, so an error or a loss goes unnoticed. The
                // next one is soon enough.
                delivery.message.ack_with(AckKind::Progress).await.ok();
            }
        };
        tokio::select! {
            biased;
            () = self.run_and_answer(&delivery) => {}
            () = progress => {}
            () = self.kill.cancelled() => {
                info!("handed back, because this worker stops");
                self.metrics.handed_back.inc();
                delivery.message.ack_with(AckKind::Nak(None)).await.ok();
            }
        }
    }

    async fn run_and_answer(&self, delivery: &Delivery) {
        let began = Instant::now();
        let Delivery { message, order, count, .. } = delivery;
        let last = u64::from(self.options.deliveries.max(1));
        let mut end = if *count > last {
            // Only after the worker of the last delivery has died or hung.
            End::Again("its workers died or hung".to_owned(), None)
        } else {
            self.run(delivery).await
        };
        if let End::Again(reason, outcome) = end {
            if *count < last {
                warn!("handed back: {reason}");
                self.metrics.handed_back.inc();
                let delay = Some(NEXT_ATTEMPT.min(self.ack_wait));
                message.ack_with(AckKind::Nak(delay)).await.ok();
                return;
            }
            let times = (*count).min(last);
            let reason = format!("{reason}, in {times} deliveries");
            warn!("dead letter: {reason}");
            self.bury(delivery, &reason, times).await;
            end = End::Finished(
                outcome.unwrap_or(Outcome::DeadLetter(reason)),
            );
        }
        if let End::Finished(outcome) = end {
            let name = outcome.name();
            self.publish(&order.id, outcome).await;
            self.metrics
                .finished
                .get_or_create(&Label { outcome: name })
                .inc();
            self.metrics.run_time.observe(began.elapsed().as_secs_f64());
            info!("{name} in {:.1?}", began.elapsed());
        }
        // The result is stored, so the job may go. If this is lost, the job is
        // delivered again, and the worker finds the result.
        message.ack().await.ok();
    }

    async fn run(&self, delivery: &Delivery) -> End {
        let Delivery { message, order, count, published } = delivery;
        if order.job_type != self.job_type {
            let reason =
                format!("no worker for jobs of type {}", order.job_type);
            return End::Again(one_line(&reason), None);
        }
        if *count > 1 {
            self.metrics.redelivered.inc();
            if let Ok(Some(_)) = self.link.result_of(&order.id).await {
                self.metrics.duplicates.inc();
                return End::Canceled;
            }
        }
        let age = self.clock().since(*published);
        let left = order.limit.map(|limit| limit.saturating_sub(age));
        if left == Some(Duration::ZERO) {
            return End::Finished(Outcome::DeadlinePassed);
        }
        let Some(held) = self.cancels.hold(&order.id) else {
            self.metrics.canceled.inc();
            return End::Canceled;
        };
        let job = Packed::new(message.payload.to_vec());
        // Dropping the pool's future kills the process of the job.
        tokio::select! {
            result = self.pool.run(job) => self.end(result),
            () = held.token.cancelled() => {
                self.metrics.canceled.inc();
                End::Canceled
            }
            () = time::sleep(left.unwrap_or_default()), if left.is_some() => {
                End::Finished(Outcome::DeadlinePassed)
            }
        }
    }

    /// Turns the pool's result into the end of the job.
    fn end(
        &self,
        result: Result<Result<ByteBuf, String>, PoolError>,
    ) -> End {
        let size = |size: usize| size as u64;
        End::Finished(match result {
            Ok(Ok(output)) => {
                let limit = self.link.client.max_payload() - RESULT_HEAD;
                if output.len() > limit {
                    let (size, limit) = (size(output.len()), size(limit));
                    Outcome::TooLarge { size, limit }
                } else {
                    Outcome::Done(output)
                }
            }
            Ok(Err(fault)) | Err(PoolError::Broken(fault)) => {
                Outcome::Broken(fault)
            }
            Err(PoolError::DeadlinePassed) => Outcome::DeadlinePassed,
            Err(PoolError::JobFailed(text)) => {
                Outcome::Failed(self.cut(text))
            }
            Err(PoolError::JobPanicked(text)) => {
                Outcome::Panicked(self.cut(text))
            }
            Err(PoolError::TooLarge { size: bytes, limit }) => {
                Outcome::TooLarge { size: size(bytes), limit: size(limit) }
            }
            Err(PoolError::WorkerDied(status)) => {
                let outcome =
                    Outcome::WorkerDied(outcome::into_raw(status));
                let reason = format!("its process died ({status})");
                return End::Again(reason, Some(outcome));
            }
            Err(
                // These three errors, and any that a later version may add.
                error,
            ) => return End::Again(one_line(&error.to_string()), None),
        })
    }

    /// Cuts a text off where it would no longer fit into a message.
    fn cut(&self, text: String) -> String {
        wire::cut(text, self.link.client.max_payload() - RESULT_HEAD)
    }

    /// Stores the result, unless the job has one already.
    async fn publish(&self, id: &str, outcome: Outcome) {
        let subject = self.link.names.result(id);
        // Encoding an outcome into memory does not fail.
        let payload: Bytes =
            postcard::to_stdvec(&outcome).unwrap_or_default().into();
        drop(outcome);
        let message = || {
            PublishMessage::build()
                .payload(payload.clone())
                .expected_last_subject_sequence(0)
        };
        if !self.store(&subject, message).await {
            info!("the job had a result already");
            self.metrics.duplicates.inc();
        }
    }

    async fn bury(&self, delivery: &Delivery, reason: &str, times: u64) {
        let Delivery { order, message, .. } = delivery;
        let subject = self.link.names.dead(&order.id);
        let message =
            || letter(order, reason, times, message.payload.clone());
        self.store(&subject, message).await;
    }

    /// Stores a message on a subject that may have only one, in as many attempts
    /// as it takes. Returns false if there was one already.
    async fn store(
        &self,
        subject: &str,
        message: impl Fn() -> PublishMessage,
    ) -> bool {
        let mut attempts = 0;
        loop {
            match self.link.send(subject, message()).await {
                Ok(_) => return true,
                // After the first attempt, the one in the stream may be ours.
                Err(fault) if link::is_second(&fault) => {
                    return attempts > 0;
                }
                Err(fault) => debug!("not stored yet: {fault}"),
            }
            attempts += 1;
            time::sleep(RETRY_AFTER).await;
        }
    }
}

impl<J> Shared<J> {
    fn clock(&self) -> Clock {
        *self
            .clock
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Cancels jobs as their callers ask for it.
async fn listen_for_cancels<J>(shared: Arc<Shared<J>>) {
    let subject = shared.link.names.cancel.clone();
    let Ok(mut cancels) = shared.link.client.subscribe(subject).await
    else {
        return;
    };
    loop {
        tokio::select! {
            cancel = cancels.next() => match cancel {
                Some(cancel) => {
                    let id = String::from_utf8_lossy(&cancel.payload);
                    shared.cancels.cancel(&id);
                }
                None => return,
            },
            () = shared.kill.cancelled() => return,
        }
    }
}

/// Repairs what a restart of the server may have left behind, also before this
/// worker was started.
async fn tidy<J>(shared: Arc<Shared<J>>) {
    let Shared { link, options, kill, metrics, .. } = &*shared;
    let mut connection = link.watch();
    let mut pauses = time::interval(TIDY); // the first one is immediate
    pauses.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        let restored = tokio::select! {
            () = connection.restored() => true,
            _ = pauses.tick() => false,
            () = kill.cancelled() => return,
        };
        let work = async {
            stream::repair(link, options).await?;
            let ghosts = stream::delete_ghosts(link).await?;
            metrics.ghosts.inc_by(ghosts);
            if restored {
                let measured = Clock::measure(link, options.clock).await?;
                if let Ok(mut clock) = shared.clock.write() {
                    *clock = measured;
                }
            }
            Ok::<_, Error>(())
        };
        tokio::select! {
            done = work => if let Err(error) = done { debug!("{error}") },
            () = kill.cancelled() => return,
        }
    }
}
