//! A task for each worker: it starts the process, sends it jobs, and replaces
//! it when it dies.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::time::Duration;

use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, ChildStdout};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::error::Error;
use crate::process::Process;
use crate::queue::{Queue, Request, Ticket};
use crate::wire::{self, GREETING, Ready, Setup};

/// After this many failed attempts to start a worker, callers get the reason.
const FAILED_STARTS: u32 = 5;
/// A worker that ends within this time and without a job has failed to start.
const YOUNG: Duration = Duration::from_secs(1);
/// The wait after a failed start. It doubles with each further one.
const BACK_OFF: Duration = Duration::from_millis(10);
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// The time to read on when a worker is dead: all that it wrote is in the pipe.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// The time for a worker that has closed its output to end by itself. On a busy
/// machine that is longer than the few instructions it needs.
const EXIT_TIME: Duration = Duration::from_millis(500);

/// State that the pool and its supervisors share.
#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    pub queue: Queue,
    /// The pool accepts no more jobs; a supervisor without one ends.
    pub closing: CancellationToken,
    /// The workers must be killed now.
    pub kill: CancellationToken,
    /// The process id of each worker, 0 while there is none.
    pub pids: Vec<AtomicU32>,
    pub running: AtomicUsize,
    pub done: AtomicU64,
    pub restarts: AtomicU64,
    supervisors: AtomicUsize,
    program: PathBuf,
    job: &'static str,
}

impl Shared {
    pub fn new(config: Config, job: &'static str) -> Result<Self, Error> {
        let mut config = config.checked()?;
        let program = match config.program.take() {
            Some(program) => program,
            None => this_program().map_err(|error| {
                Error::CannotStart(format!(
                    "where is this program? {error}"
                ))
            })?,
        };
        Ok(Self {
            queue: Queue::new(config.queue, config.workers),
            closing: CancellationToken::new(),
            kill: CancellationToken::new(),
            pids: (0..config.workers).map(|_| AtomicU32::new(0)).collect(),
            running: AtomicUsize::new(0),
            done: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            supervisors: AtomicUsize::new(config.workers),
            config,
            program,
            job,
        })
    }

    pub fn close(&self) {
        self.queue.close();
        self.closing.cancel();
    }
}

/// On Linux this is the kernel's link: it leads to the very build that is
/// running, even after an upgrade has replaced the file.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        std::env::current_exe()
    }
}

/// Keeps one worker running until the pool closes. The result of the first
/// start is sent to `started`; if it failed, the supervisor ends.
pub async fn supervise(
    shared: Arc<Shared>,
    slot: usize,
    started: oneshot::Sender<Result<(), Error>>,
) {
    let mut supervisor = Supervisor {
        shared: &shared,
        slot,
        held: None,
        failures: 0,
        down: false,
    };
    let (mut next, result) = match Worker::start(&shared).await {
        Ok(Some(worker)) => (Some(worker), Ok(())),
        Ok(None) => (None, Err(Error::Closed)),
        Err(fault) => (None, Err(Error::CannotStart(fault))),
    };
    started.send(result).ok();
    while let Some(worker) = next {
        next = match supervisor.employ(worker).await {
            End::Closed => None,
            End::Failed(fault) => supervisor.replace(Some(fault)).await,
            End::Used => supervisor.replace(None).await,
        };
    }
}

struct Supervisor<'a> {
    shared: &'a Shared,
    slot: usize,
    /// A ticket whose worker died before all of its jobs were answered.
    held: Option<Ticket>,
    /// Failed starts since a worker last answered a job.
    failures: u32,
    /// Set once the queue knows that this supervisor has no worker.
    down: bool,
}

/// The end of a worker's time.
enum End {
    /// The pool is closed, and the worker has ended.
    Closed,
    /// It died soon after its start, without ever having had a job.
    Failed(String),
    /// It died or was killed, and is to be replaced.
    Used,
}

impl Supervisor<'_> {
    /// Lets a worker run jobs until it ends.
    async fn employ(&mut self, mut worker: Worker) -> End {
        let Self { shared, slot, .. } = *self;
        let begun = Instant::now();
        shared.pids[slot].store(worker.process.pid(), Relaxed);
        let stopped = worker.run_tickets(shared, &mut self.held).await;
        shared.pids[slot].store(0, Relaxed);
        if worker.answered {
            self.failures = 0;
        }
        match stopped {
            Stopped::Closed => {
                worker.leave(shared).await;
                End::Closed
            }
            Stopped::Unused(error) if begun.elapsed() < YOUNG => {
                End::Failed(format!("idle and new, {error}"))
            }
            Stopped::Unused(_) | Stopped::Used => End::Used,
        }
    }

    /// Starts another worker, in as many attempts as it takes; none if the pool
    /// closes in the meantime. `fault` says why the last worker does not count
    /// as started.
    async fn replace(
        &mut self,
        mut fault: Option<String>,
    ) -> Option<Worker> {
        let worker = loop {
            if let Some(fault) = fault.take() {
                self.report(fault);
                self.back_off().await?;
            }
            match Worker::start(self.shared).await {
                Ok(worker) => break worker?,
                Err(reason) => fault = Some(reason),
            }
        };
        self.shared.restarts.fetch_add(1, Relaxed);
        if self.down {
            self.shared.queue.up();
            self.down = false;
        }
        Some(worker)
    }

    /// Counts a failed start. After some of them the callers are told.
    fn report(&mut self, fault: String) {
        self.failures += 1;
        if self.failures < FAILED_STARTS {
            return;
        }
        let error = Error::CannotStart(fault);
        if let Some(ticket) = self.held.take() {
            ticket.give_up(&error);
        }
        if !self.down {
            self.shared.queue.down(&error);
            self.down = true;
        }
    }

    /// Waits before the next attempt; none if the pool closes.
    async fn back_off(&self) -> Option<()> {
        let wait = BACK_OFF.saturating_mul(1 << self.failures.min(16));
        tokio::select! {
            () = time::sleep(wait.min(BACK_OFF_MAX)) => Some(()),
            () = self.shared.closing.cancelled() => None,
        }
    }
}

impl Drop for Supervisor<'_> {
    /// Answers the callers that still wait, if this was the last supervisor: then
    /// nothing is left that could take a job. Its runtime may have ended.
    fn drop(&mut self) {
        if self.shared.supervisors.fetch_sub(1, Relaxed) == 1 {
            self.shared.close();
            self.shared.queue.clear();
        }
    }
}

/// A worker process that is ready for jobs.
struct Worker {
    process: Process,
    stdin: ChildStdin,
    stdout: FramedRead<ChildStdout, LengthDelimitedCodec>,
    /// Set once it has answered a job, and so is known to work.
    answered: bool,
}

/// The reason why a worker no longer gets jobs.
enum Stopped {
    /// The pool is closed. The worker may still be running.
    Closed,
    /// It died with this error, without ever having had a job.
    Unused(Error),
    /// It died or was killed after it had a job.
    Used,
}

/// The result of sending jobs to a worker.
enum Exchange {
    Answered,
    /// The caller was canceled.
    Canceled,
    /// The deadline of a batch passed.
    Late,
    /// The worker's output ended.
    Dead,
    /// The worker's output is not made of frames.
    Broken(String),
}

impl Worker {
    /// Starts a worker; none if the pool closes in the meantime.
    async fn start(shared: &Shared) -> Result<Option<Self>, String> {
        let config = &shared.config;
        let (process, stdin, stdout) =
            Process::spawn(&shared.program, shared.job)?;
        let codec = wire::codec(config.message_limit);
        let stdout = FramedRead::new(stdout, codec);
        let mut worker = Self { process, stdin, stdout, answered: false };
        let ready = time::timeout(config.start_limit, worker.greet(config));
        let fault = tokio::select! {
            ready = ready => match ready {
                Ok(Ok(())) => return Ok(Some(worker)),
                Ok(Err(fault)) => Some(fault),
                Err(_) => {
                    Some(format!("not ready after {:?}", config.start_limit))
                }
            },
            () = shared.closing.cancelled() => None,
        };
        worker.process.kill(config.kill_limit).await;
        fault.map_or(Ok(None), Err)
    }

    /// Tells the worker its limits, and waits until it is ready.
    async fn greet(&mut self, config: &Config) -> Result<(), String> {
        let setup = Setup {
            memory_limit: config.memory_limit,
            niceness: config.niceness,
            message_limit: config.message_limit,
        };
        let mut frame = Vec::new();
        wire::append(&setup, usize::MAX, &mut frame)
            .map_err(|error| error.to_string())?;
        // A program that does not read this does not answer either.
        self.stdin.write_all(&frame).await.ok();

        let Some(answer) = self.stdout.next().await else {
            let error = self.end_of_output(config).await;
            return Err(format!("before it was ready, {error}"));
        };
        let ready = answer.ok().and_then(|message| {
            wire::decode::<Ready>(&message)
                .ok()
                .filter(|ready| ready.greeting == GREETING)
        });
        match ready {
            None => {
                Err("the program is not a worker: it printed to stdout \
                         before calling process_pool::worker()"
                    .to_owned())
            }
            Some(Ready { fault: Some(fault), .. }) => Err(fault),
            Some(_) => Ok(()),
        }
    }

    /// Runs one ticket after another until the worker dies or the pool closes.
    async fn run_tickets(
        &mut self,
        shared: &Shared,
        held: &mut Option<Ticket>,
    ) -> Stopped {
        let mut used = false;
        loop {
            let ticket = match held.take() {
                Some(ticket) => ticket,
                None => tokio::select! {
                    biased;
                    // First, so that a worker whose death is known gets no job.
                    () = self.process.ended() => {
                        let limit = shared.config.kill_limit;
                        let error = self.process.kill(limit).await;
                        return if used {
                            Stopped::Used
                        } else {
                            Stopped::Unused(error)
                        };
                    }
                    () = shared.kill.cancelled() => return Stopped::Closed,
                    ticket = shared.queue.next() => match ticket {
                        Some(ticket) => ticket,
                        None => return Stopped::Closed,
                    },
                },
            };
            used = true;
            let jobs = ticket.request.left();
            shared.running.fetch_add(jobs, Relaxed);
            let stopped = self.run_ticket(shared, ticket, held).await;
            shared.running.fetch_sub(jobs, Relaxed);
            if let Some(stopped) = stopped {
                return stopped;
            }
        }
    }

    /// Has a ticket's jobs done and answers the caller. Returns why if the
    /// worker can do no more; jobs that are still to be done are then in
    /// `held`.
    async fn run_ticket(
        &mut self,
        shared: &Shared,
        mut ticket: Ticket,
        held: &mut Option<Ticket>,
    ) -> Option<Stopped> {
        let Ticket { request, caller, .. } = &mut ticket;
        if caller.is_closed() {
            return None;
        }
        let mut stopped = None;
        while request.left() > 0 && stopped.is_none() {
            let before = request.left();
            let limit = request.limit;
            let exchange = tokio::select! {
                biased;
                exchange = self.send_and_collect(request) => exchange,
                () = caller.closed() => Exchange::Canceled,
                () = time::sleep(limit.unwrap_or_default()), if limit.is_some() => {
                    Exchange::Late
                }
                () = shared.kill.cancelled() => return Some(Stopped::Closed),
            };
            let answered = before - request.left();
            shared.done.fetch_add(answered as u64, Relaxed);
            self.answered |= answered > 0;

            if let Exchange::Answered = exchange {
                continue;
            }
            stopped = Some(Stopped::Used);
            match self.end(exchange, &shared.config).await {
                None => return stopped,
                Some(Error::WorkerDied(_))
                    if shared.config.retry && !request.alone =>
                {
                    request.alone = true;
                }
                Some(error) => request.fail_sent(&error),
            }
        }
        if ticket.request.left() > 0 {
            *held = Some(ticket);
        } else {
            ticket.finish();
        }
        stopped
    }

    /// Sends the jobs and collects their answers.
    async fn send_and_collect(
        &mut self,
        request: &mut Request,
    ) -> Exchange {
        let Self { process, stdin, stdout, .. } = self;
        let mut exchange = pin!(exchange(stdin, stdout, request));
        tokio::select! {
            biased;
            exchange = &mut exchange => exchange,
            // The output need not end with the worker: a process that a job
            // has forked may hold it open.
            () = process.ended() => {
                let rest = time::timeout(LAST_WORDS, exchange).await;
                rest.unwrap_or(Exchange::Dead)
            }
        }
    }

    /// Ends a worker that has not answered, and returns the error for its jobs;
    /// none if the caller no longer waits for one.
    async fn end(
        &mut self,
        exchange: Exchange,
        config: &Config,
    ) -> Option<Error> {
        let error = match exchange {
            Exchange::Dead => {
                return Some(self.end_of_output(config).await);
            }
            Exchange::Answered | Exchange::Canceled => None,
            Exchange::Late => Some(Error::DeadlinePassed),
            Exchange::Broken(message) => Some(Error::Broken(message)),
        };
        self.process.kill(config.kill_limit).await;
        error
    }

    /// Returns how a worker ended whose output has ended. Usually the process
    /// has ended too. If not, it gets some time for that, because a SIGKILL
    /// would hide the reason.
    async fn end_of_output(&mut self, config: &Config) -> Error {
        let ended = time::timeout(EXIT_TIME, self.process.ended()).await;
        // For what its jobs have started, even if it has ended.
        let error = self.process.kill(config.kill_limit).await;
        match ended {
            Ok(()) => error,
            Err(_) => Error::Broken(
                "the worker closed its output and kept running".to_owned(),
            ),
        }
    }

    /// Lets an idle worker end when the pool closes.
    async fn leave(self, shared: &Shared) {
        let Self { mut process, stdin, .. } = self;
        drop(stdin); // tells the worker to end
        tokio::select! {
            () = process.ended() => {}
            () = shared.kill.cancelled() => {}
        }
        process.kill(shared.config.kill_limit).await;
    }
}

/// Writes the frames and reads the answers concurrently, because a worker that
/// waits for room in one pipe does not read from the other.
async fn exchange(
    stdin: &mut ChildStdin,
    stdout: &mut FramedRead<ChildStdout, LengthDelimitedCodec>,
    request: &mut Request,
) -> Exchange {
    let (frames, jobs, answers) = request.split();
    #[cfg(target_os = "linux")]
    wire::make_room(&*stdin, frames.len());
    let write = async {
        // A worker that cannot be written to has ended. The other pipe says so
        // too, perhaps after some answers.
        for piece in frames.chunks(wire::PIECE) {
            stdin.write_all(piece).await.ok();
        }
        Ok(())
    };
    let read = async {
        for _ in 0..jobs {
            match stdout.next().await {
                Some(Ok(message)) => answers.push(Ok(message)),
                Some(Err(error)) => {
                    return Err(Exchange::Broken(error.to_string()));
                }
                None => return Err(Exchange::Dead),
            }
        }
        Ok(())
    };
    match tokio::try_join!(write, read) {
        Ok(_) => Exchange::Answered,
        Err(exchange) => exchange,
    }
}
