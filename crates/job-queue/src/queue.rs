//! The queue for its callers: run a job, map many.

use std::collections::HashMap;
use std::future::ready;
use std::marker::PhantomData;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use bytes::Bytes;
use futures::StreamExt;
use process_pool::{Error as PoolError, Job, wire};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{self, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::dead_letters::DeadLetters;
use crate::error::Error;
use crate::link::{self, Link, RETRY_AFTER};
use crate::message::{Order, one_line};
use crate::metrics::{ClientMetrics, Label};
use crate::options::{Call, Options};
use crate::outcome::Outcome;
use crate::stream;

/// The wait before it asks again after a reconnect, or because the server has
/// not answered or has lost a job. While nothing is missing, it doubles.
const SWEEP_SOON: Duration = Duration::from_millis(200);
/// Number of requests that a client has under way for results, or to cancel jobs.
const CONCURRENT: usize = 64;
/// The wait between two attempts of a map to put a job into a full queue.
const FULL_RETRY: Duration = Duration::from_millis(5);

/// A client of a queue: it sends jobs of one type and gets their results.
///
/// To share it between tasks, put it in an `Arc`. Dropping it cancels its jobs
/// as far as the connection still allows; [`Queue::shutdown`] waits for that.
#[derive(Debug)]
pub struct Queue<J> {
    shared: Arc<Shared>,
    tasks: TaskTracker,
    _end_tasks: DropGuard,
    jobs: PhantomData<fn(J)>,
}

#[derive(Debug)]
struct Shared {
    link: Link,
    options: Options,
    job_type: String,
    /// The first part of the id of each job.
    client: String,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waiting>>,
    cancels: mpsc::UnboundedSender<Cancel>,
    closed: CancellationToken,
    metrics: ClientMetrics,
}

/// A job whose caller waits for the result.
#[derive(Debug)]
struct Waiting {
    answer: oneshot::Sender<Bytes>,
    since: Instant,
    /// The message and its position in the stream, once it was accepted.
    accepted: Option<Accepted>,
}

#[derive(Debug, Clone)]
struct Accepted {
    sequence: u64,
    order: Order,
    payload: Bytes,
}

/// A job to cancel, with its position in the stream if that is known.
#[derive(Debug)]
struct Cancel {
    id: String,
    sequence: Option<u64>,
}

impl<J: Job> Queue<J> {
    /// Connects to the server, and creates the queue's streams unless they
    /// exist. This example and the others are compiled but not run, because they
    /// need a server.
    ///
    /// ```no_run
    /// # use job_queue::{Call, Error, Job, JobResult, Options, Queue};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
    /// # }
    /// # async fn example() -> Result<(), Error> {
    /// let url = "nats://queue:secret@127.0.0.1:4222".to_owned();
    /// let options = Options { url, ..Options::default() };
    /// let queue = Queue::<Square>::connect(options).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] after [`Options::connect_limit`],
    /// [`Error::Refused`] or [`Error::Unsuitable`].
    pub async fn connect(options: Options) -> Result<Self, Error> {
        let link = Link::connect(&options).await?;
        stream::patiently(&options, async || {
            stream::set_up(&link, &options).await?;
            stream::consumer(&link, &options).await
        })
        .await?;
        let client = link.unique();
        let results = link.names.result(&format!("{client}.*"));
        let results = link.client.subscribe(results).await;
        let results = results.map_err(|fault| link.unreachable(&fault))?;
        let (cancels, to_cancel) = mpsc::unbounded_channel();
        let closed = CancellationToken::new();
        let shared = Arc::new(Shared {
            link,
            job_type: options.type_of::<J>(),
            options,
            client,
            next: AtomicU64::new(1),
            waiting: Mutex::default(),
            cancels,
            closed: closed.clone(),
            metrics: ClientMetrics::new(),
        });
        let tasks = TaskTracker::new();
        tasks.spawn(take_results(Arc::clone(&shared), results));
        tasks.spawn(sweep(Arc::clone(&shared)));
        let link = shared.link.clone();
        tasks.spawn(send_cancels(link, to_cancel, closed.clone()));
        tasks.close();
        let _end_tasks = closed.drop_guard();
        Ok(Self { shared, tasks, _end_tasks, jobs: PhantomData })
    }

    /// Runs a job on some worker and waits for its result.
    ///
    /// Dropping the future cancels the job, as far as the connection allows. A
    /// waiting job is removed from the queue. If the future is dropped before
    /// the server has confirmed that it stored the job, the job's position is
    /// unknown: then it stays in the queue, and a worker that knows about the
    /// cancellation drops it without running it. A worker that connects later
    /// or has forgotten the cancellation runs it. The process of a running job
    /// is killed.
    ///
    /// ```no_run
    /// # use job_queue::{Call, Error, Job, JobResult, Options, Queue};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
    /// # }
    /// # async fn example(queue: Queue<Square>) -> Result<(), Error> {
    /// assert_eq!(queue.run(Square(12)).await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Any [`Error`] that kept the job from having a result. If the queue is
    /// full, that is [`QueueFull`](process_pool::Error::QueueFull) immediately.
    pub async fn run(&self, job: J) -> Result<J::Output, Error> {
        self.run_with(job, Call::default()).await
    }

    /// Runs a job as [`Queue::run`] does, with a deadline of its own and a name
    /// for the log.
    ///
    /// ```no_run
    /// # use job_queue::{Call, Error, Job, JobResult, Options, Queue};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
    /// # }
    /// # async fn example(queue: Queue<Square>) -> Result<(), Error> {
    /// let deadline = Some(std::time::Duration::from_secs(5));
    /// let call = Call { deadline, ..Call::default() };
    /// assert_eq!(queue.run_with(Square(12), call).await?, 144);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Queue::run`].
    pub async fn run_with(
        &self,
        job: J,
        call: Call,
    ) -> Result<J::Output, Error> {
        self.counted(&job, &call).await
    }

    /// Runs many jobs and returns their results in the order of the jobs. While
    /// the queue is full, it waits. Dropping the future cancels the jobs that
    /// have no result yet.
    ///
    /// Every job is a message of its own, so a job that takes microseconds
    /// costs more to send than to run. Put many of those into one job.
    ///
    /// ```no_run
    /// # use job_queue::{Call, Error, Job, JobResult, Options, Queue};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
    /// # }
    /// # async fn example(queue: Queue<Square>) -> Result<(), Error> {
    /// let results = queue.map((1..=3).map(Square)).await;
    /// assert_eq!(results, [Ok(1), Ok(4), Ok(9)]);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn map(
        &self,
        jobs: impl IntoIterator<Item = J>,
    ) -> Vec<Result<J::Output, Error>> {
        let call = Call::default();
        let call = &call;
        let run = |job: J| async move {
            loop {
                match self.counted(&job, call).await {
                    Err(Error::Pool(PoolError::QueueFull)) => {
                        time::sleep(FULL_RETRY).await;
                    }
                    result => return result,
                }
            }
        };
        futures::stream::iter(jobs)
            .map(run)
            .buffered(self.shared.options.in_flight.max(1))
            .collect()
            .await
    }

    async fn counted(
        &self,
        job: &J,
        call: &Call,
    ) -> Result<J::Output, Error> {
        let result = self.call(job, call).await;
        let outcome = match &result {
            Ok(_) => "done",
            Err(Error::Pool(PoolError::QueueFull)) => "full",
            Err(Error::Pool(PoolError::DeadlinePassed)) => "deadline",
            Err(Error::Unreachable { .. }) => "unreachable",
            Err(Error::DeadLetter(_)) => "dead_letter",
            Err(_) => "failed",
        };
        self.shared.metrics.results.get_or_create(&Label { outcome }).inc();
        result
    }

    async fn call(&self, job: &J, call: &Call) -> Result<J::Output, Error> {
        let shared = &self.shared;
        if shared.closed.is_cancelled() {
            return Err(PoolError::Closed.into());
        }
        let payload = postcard::to_stdvec(job)
            .map_err(|error| PoolError::Broken(error.to_string()))?;
        let began = Instant::now();
        let (ticket, answer) = shared.ticket();
        let id = shared.id(ticket.number);
        let limit = call.deadline.or(shared.options.deadline);
        let order = Order {
            job_type: shared.job_type.clone(),
            limit,
            trace: call
                .trace
                .as_deref()
                .map_or_else(|| id.clone(), one_line),
            id,
        };
        let answer = async {
            shared.submit(ticket.number, order, payload.into()).await?;
            tokio::select! {
                biased;
                answer = answer => {
                    answer.map_err(|_| Error::Pool(PoolError::Closed))
                }
                () = shared.link.away_for(shared.options.away_limit) => {
                    Err(shared.link.unreachable(&"the connection is lost"))
                }
                () = shared.closed.cancelled() => {
                    Err(PoolError::Closed.into())
                }
            }
        };
        let answer = match limit {
            Some(limit) => time::timeout_at(began + limit, answer)
                .await
                .map_err(|_| PoolError::DeadlinePassed)??,
            None => answer.await?,
        };
        shared.metrics.latency.observe(began.elapsed().as_secs_f64());
        let output = wire::decode::<Outcome>(&answer)?.result()?;
        Ok(wire::decode(&output)?)
    }
}

impl<J> Queue<J> {
    /// Accepts no more jobs, cancels those under way, and closes the
    /// connection.
    pub async fn shutdown(&self) {
        // The calls end because the senders of their answers are dropped.
        let waiting = std::mem::take(&mut *self.shared.waiting());
        for (number, waiting) in waiting {
            self.shared.cancel(number, waiting);
        }
        self.shared.closed.cancel();
        self.tasks.wait().await;
        let flush = self.shared.link.client.flush();
        time::timeout(Duration::from_secs(1), flush).await.ok();
    }

    /// Returns the jobs that no worker could finish.
    ///
    /// ```no_run
    /// # use job_queue::{Call, Error, Job, JobResult, Options, Queue};
    /// # #[derive(serde::Serialize, serde::Deserialize)]
    /// # struct Square(u64);
    /// # impl Job for Square {
    /// #     type Output = u64;
    /// #     fn run(self) -> JobResult<u64> { Ok(self.0 * self.0) }
    /// # }
    /// # async fn example(queue: Queue<Square>) -> Result<(), Error> {
    /// for letter in queue.dead_letters().list().await? {
    ///     println!("{}: {}", letter.id, letter.reason);
    ///     queue.dead_letters().send_again(letter.sequence).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn dead_letters(&self) -> DeadLetters {
        DeadLetters::new(self.shared.link.clone())
    }

    /// Returns the number of calls that wait for a result.
    pub fn outstanding(&self) -> usize {
        self.shared.waiting().len()
    }

    /// Returns the number of results that were discarded, because the job had one
    /// already or was canceled.
    pub fn duplicates(&self) -> u64 {
        self.shared.metrics.duplicates.get()
    }

    /// Returns the figures of this client and the length of the queue, in the
    /// text format of Prometheus.
    pub async fn metrics(&self) -> String {
        let shared = &self.shared;
        let metrics = &shared.metrics;
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        metrics.outstanding.set(signed(self.outstanding() as u64));
        let count = async |stream: Result<_, _>| {
            let stream: async_nats::jetstream::stream::Stream<()> =
                stream.ok()?;
            Some(stream.get_info().await.ok()?.state.messages)
        };
        if let Some(count) = count(shared.link.jobs().await).await {
            metrics.depth.set(signed(count));
        }
        if let Some(count) = count(shared.link.dead().await).await {
            metrics.dead_letters.set(signed(count));
        }
        metrics.text()
    }
}

impl Shared {
    fn id(&self, number: u64) -> String {
        format!("{}.{number}", self.client)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to wait for the result of the next job.
    fn ticket(&self) -> (Ticket<'_>, oneshot::Receiver<Bytes>) {
        let number = self.next.fetch_add(1, Relaxed);
        let (answer, answered) = oneshot::channel();
        let since = Instant::now();
        let waiting = Waiting { answer, since, accepted: None };
        self.waiting().insert(number, waiting);
        (Ticket { shared: self, number }, answered)
    }

    /// Has the server store a job. While the server is away, it tries again.
    async fn submit(
        &self,
        number: u64,
        order: Order,
        payload: Bytes,
    ) -> Result<(), Error> {
        let began = Instant::now();
        let limit = self.options.away_limit;
        loop {
            // An attempt may have succeeded although its acknowledgment was
            // lost. The server recognizes the id and stores the job only once.
            let message = PublishMessage::build()
                .headers(order.headers())
                .payload(payload.clone())
                .message_id(&order.id);
            let fault = match self
                .link
                .send(&self.link.names.jobs, message)
                .await
            {
                Ok(sequence) => {
                    self.metrics.submitted.inc();
                    let accepted = Accepted { sequence, order, payload };
                    if let Some(waiting) = self.waiting().get_mut(&number) {
                        waiting.accepted = Some(accepted);
                    }
                    return Ok(());
                }
                Err(fault) if link::is_full(&fault) => {
                    self.metrics.refused.inc();
                    return Err(PoolError::QueueFull.into());
                }
                Err(fault) => fault,
            };
            if fault.kind() == PublishErrorKind::MaxPayloadExceeded {
                let size = payload.len();
                let limit = self.link.client.max_payload();
                return Err(PoolError::TooLarge { size, limit }.into());
            }
            if began.elapsed() >= limit {
                return Err(self.link.unreachable(&fault));
            }
            tracing::debug!(job = order.id, "not accepted yet: {fault}");
            tokio::select! {
                () = time::sleep(RETRY_AFTER) => {}
                () = self.closed.cancelled() => {
                    return Err(PoolError::Closed.into());
                }
            }
        }
    }

    fn cancel(&self, number: u64, waiting: Waiting) {
        let sequence = waiting.accepted.map(|accepted| accepted.sequence);
        // Fails only after a shutdown.
        self.cancels.send(Cancel { id: self.id(number), sequence }).ok();
    }

    /// Gives a result that was found in the stream to the caller. If the caller
    /// has it in the meantime, it is the same one and not a duplicate.
    fn found(&self, number: u64, result: Bytes) {
        if let Some(waiting) = self.waiting().remove(&number) {
            waiting.answer.send(result).ok();
        }
    }

    /// Gives a result to the caller that waits for it.
    fn finish(&self, number: u64, result: Bytes) {
        match self.waiting().remove(&number) {
            // The caller may leave in this moment.
            Some(waiting) => drop(waiting.answer.send(result)),
            None => drop(self.metrics.duplicates.inc()),
        }
    }
}

/// A call that waits for its result. When it is dropped before the result came,
/// the job is canceled.
struct Ticket<'a> {
    shared: &'a Shared,
    number: u64,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let waiting = self.shared.waiting().remove(&self.number);
        if let Some(waiting) = waiting {
            self.shared.cancel(self.number, waiting);
        }
    }
}

/// Takes results as they are published. The server stores them too, but this way
/// they need not be asked for.
async fn take_results(
    shared: Arc<Shared>,
    mut results: async_nats::Subscriber,
) {
    loop {
        let result = tokio::select! {
            result = results.next() => result,
            () = shared.closed.cancelled() => return,
        };
        let Some(result) = result else { return };
        let number = result.subject.rsplit('.').next();
        if let Some(number) = number.and_then(|number| number.parse().ok())
        {
            shared.finish(number, result.payload);
        }
    }
}

/// Asks for the results that were published while the connection was lost, and
/// for jobs that the server has lost.
async fn sweep(shared: Arc<Shared>) {
    let mut connection = shared.link.watch();
    let interval = shared.options.check_interval.max(SWEEP_SOON);
    let mut pause = interval;
    loop {
        let oldest = tokio::select! {
            () = connection.restored() => {
                pause = SWEEP_SOON;
                Duration::ZERO
            }
            () = time::sleep(pause) => pause / 2,
            () = shared.closed.cancelled() => return,
        };
        // A server that has just started may not answer yet.
        let settled = look_after(&shared, oldest).await.unwrap_or(false);
        pause = if settled { interval.min(2 * pause) } else { SWEEP_SOON };
    }
}

/// Asks for the jobs that wait for at least this long. Returns whether the
/// server has or has finished all of them.
async fn look_after(
    shared: &Shared,
    oldest: Duration,
) -> Result<bool, Error> {
    stream::repair(&shared.link, &shared.options).await?;
    let numbers: Vec<_> = {
        let waiting = shared.waiting();
        let old = waiting.iter().filter(|(_, waiting)| {
            waiting.accepted.is_some() && waiting.since.elapsed() >= oldest
        });
        old.map(|(number, _)| *number).collect()
    };
    let answers = futures::stream::iter(numbers)
        .map(|number| ask(shared, number))
        .buffer_unordered(CONCURRENT);
    // Not `all`, which would drop the other answers at the first false.
    let settled =
        |all, answer: Result<_, _>| ready(all && answer.unwrap_or(false));
    Ok(answers.fold(true, settled).await)
}

/// Asks for one job. Returns whether the server has or has finished it; if not,
/// the job was sent again.
async fn ask(shared: &Shared, number: u64) -> Result<bool, Error> {
    let id = shared.id(number);
    if let Some(result) = shared.link.result_of(&id).await? {
        shared.found(number, result);
        return Ok(true);
    }
    let accepted = match shared.waiting().get(&number) {
        Some(Waiting { accepted: Some(accepted), .. }) => accepted.clone(),
        _ => return Ok(true),
    };
    if !is_lost(shared, &accepted).await? {
        return Ok(true);
    }
    // It may have been finished between the two questions.
    if let Some(result) = shared.link.result_of(&id).await? {
        shared.found(number, result);
        return Ok(true);
    }
    // After a power cut, for example, a job that was accepted may be missing.
    tracing::warn!(
        job = id,
        "the server has lost the job: sending it again"
    );
    let headers = Some(accepted.order.headers());
    let (jobs, payload) =
        (&shared.link.names.jobs, accepted.payload.clone());
    let sent = shared.link.publish(jobs, headers, payload).await;
    let sequence = sent.map_err(|fault| shared.link.unreachable(&fault))?;
    shared.metrics.resubmitted.inc();
    if let Some(waiting) = shared.waiting().get_mut(&number) {
        waiting.accepted = Some(Accepted { sequence, ..accepted });
    }
    Ok(false)
}

/// Returns true if the server says that it has no such job.
async fn is_lost(
    shared: &Shared,
    accepted: &Accepted,
) -> Result<bool, Error> {
    use async_nats::jetstream::stream::RawMessageErrorKind as Kind;
    let jobs = shared.link.jobs().await?;
    match jobs.get_raw_message(accepted.sequence).await {
        Ok(message) => {
            let order = Order::read(Some(&message.headers));
            Ok(order.is_ok_and(|order| order.id != accepted.order.id))
        }
        Err(fault) if fault.kind() == Kind::NoMessageFound => Ok(true),
        Err(fault) => Err(shared.link.unreachable(&fault)),
    }
}

/// Cancels jobs until the queue is closed and nothing is left to cancel.
async fn send_cancels(
    link: Link,
    mut cancels: mpsc::UnboundedReceiver<Cancel>,
    closed: CancellationToken,
) {
    let next = async |cancels: &mut mpsc::UnboundedReceiver<Cancel>| {
        tokio::select! {
            biased;
            cancel = cancels.recv() => cancel,
            () = closed.cancelled() => None,
        }
    };
    while let Some(first) = next(&mut cancels).await {
        let mut batch = vec![first];
        while batch.len() < CONCURRENT
            && let Ok(another) = cancels.try_recv()
        {
            batch.push(another);
        }
        let cancel = |cancel| send_cancel(&link, cancel);
        futures::future::join_all(batch.into_iter().map(cancel)).await;
    }
}

async fn send_cancel(link: &Link, Cancel { id, sequence }: Cancel) {
    // First, so that no worker gets the job after it was told to drop it. An
    // error means that the job is finished, or that the server is away.
    if let (Some(sequence), Ok(jobs)) = (sequence, link.jobs().await) {
        jobs.delete_message(sequence).await.ok();
    }
    let cancel = link.names.cancel.clone();
    link.client.publish(cancel, id.into()).await.ok();
}
