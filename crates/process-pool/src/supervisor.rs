//! A task for each worker: it starts the process, hands it jobs, and mends it.

use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::time::Duration;

use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use tokio::time::{self, Instant};
use tokio_util::codec::{FramedRead, LengthDelimitedCodec};
use tokio_util::sync::CancellationToken;

use crate::queue::{Queue, Ticket, Work};
use crate::wire::{self, GREETING, LEAST_LIMIT, Ready, Setup};
use crate::worker::FLAG;
use crate::{Config, Error};

/// The longest that a worker may take to start.
const START_LIMIT: Duration = Duration::from_secs(10);
/// After so many starts in vain the callers are told.
const FAILED_STARTS: u32 = 5;
/// A worker that ends sooner and without a job has failed to start.
const YOUNG: Duration = Duration::from_secs(1);
/// The wait after a failed start; twice as long after each further one.
const BACK_OFF: Duration = Duration::from_millis(10);
const BACK_OFF_MOST: Duration = Duration::from_secs(5);
/// How long to read on when a worker is dead: all it wrote is in the pipe.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// What the pool and its supervisors share.
#[derive(Debug)]
pub struct Shared {
    pub config: Config,
    pub queue: Queue,
    /// No more jobs: who has nothing to do may leave.
    pub closing: CancellationToken,
    /// Kill the workers now.
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
    pub fn new(mut config: Config, job: &'static str) -> Result<Self, Error> {
        let program = match config.program.take() {
            Some(program) => program,
            None => this_program().map_err(|error| {
                Error::CannotStart(format!("where is this program? {error}"))
            })?,
        };
        config.workers = config.workers.max(1);
        // A worker must be able to say why it cannot start.
        config.message_limit = config.message_limit.max(LEAST_LIMIT);
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

/// On Linux by the kernel's link: it leads to the very build that runs, even
/// after an upgrade has replaced the file.
fn this_program() -> io::Result<PathBuf> {
    if cfg!(target_os = "linux") {
        Ok("/proc/self/exe".into())
    } else {
        std::env::current_exe()
    }
}

/// How a worker's time ended.
enum End {
    /// The pool is closed. The worker may be alive.
    Closed,
    /// It died, as the error says, without ever having had a job.
    Unused(Error),
    /// It died or was killed after it had a job.
    Used,
}

/// What came of handing over jobs.
enum Exchange {
    Answered,
    /// The caller has gone.
    Left,
    /// The time limit of a batch passed.
    Late,
    /// The worker's output ended.
    Dead,
    /// The worker's output is not made of frames.
    Broken(String),
}

/// Keeps one worker running until the pool closes. How the first start went is
/// sent to `started`; if it failed, that is all.
pub async fn supervise(
    shared: Arc<Shared>,
    slot: usize,
    started: oneshot::Sender<Result<(), Error>>,
) {
    let _last = Last(&shared);
    let mut started = Some(started);
    // A job whose worker died and that is to be run once more.
    let mut held = None;
    let mut failures = 0;
    let mut down = false;
    loop {
        let begun = Instant::now();
        let fault = match Worker::start(&shared).await {
            Ok(Some(mut worker)) => {
                match started.take() {
                    Some(started) => _ = started.send(Ok(())),
                    None => _ = shared.restarts.fetch_add(1, Relaxed),
                }
                if down {
                    shared.queue.up();
                    down = false;
                }
                shared.pids[slot].store(worker.pid, Relaxed);
                let end = worker.serve(&shared, &mut held).await;
                shared.pids[slot].store(0, Relaxed);
                if worker.answered {
                    failures = 0;
                }
                match end {
                    End::Closed => return worker.leave(&shared).await,
                    End::Unused(error) if begun.elapsed() < YOUNG => {
                        Some(format!("idle and new, {error}"))
                    }
                    End::Unused(_) | End::Used => None,
                }
            }
            Ok(None) => return,
            Err(fault) => Some(fault),
        };

        let Some(fault) = fault else { continue };
        let error = Error::CannotStart(fault);
        if let Some(started) = started.take() {
            started.send(Err(error)).ok();
            return;
        }
        failures += 1;
        if failures >= FAILED_STARTS {
            if let Some(ticket) = held.take() {
                ticket.give_up(&error);
            }
            if !down {
                shared.queue.down(&error);
                down = true;
            }
        }
        let wait = BACK_OFF.saturating_mul(1 << failures.min(16));
        tokio::select! {
            () = time::sleep(wait.min(BACK_OFF_MOST)) => {}
            () = shared.closing.cancelled() => return,
        }
    }
}

/// When the last supervisor ends, be it that the runtime ends, nobody is there
/// to take a job: those who wait for one are told.
struct Last<'a>(&'a Shared);

impl Drop for Last<'_> {
    fn drop(&mut self) {
        if self.0.supervisors.fetch_sub(1, Relaxed) == 1 {
            self.0.close();
            self.0.queue.clear();
        }
    }
}

/// A worker process that is ready for jobs.
struct Worker {
    child: Child,
    /// Also the number of its process group.
    pid: u32,
    stdin: ChildStdin,
    stdout: FramedRead<ChildStdout, LengthDelimitedCodec>,
    /// Whether it has ever answered a job, and so is of use.
    answered: bool,
}

impl Worker {
    /// Starts a worker; none if the pool closes meanwhile.
    async fn start(shared: &Shared) -> Result<Option<Self>, String> {
        let mut worker = Self::spawn(shared)?;
        let ready = time::timeout(START_LIMIT, worker.greet(&shared.config));
        let fault = tokio::select! {
            ready = ready => match ready {
                Ok(Ok(())) => return Ok(Some(worker)),
                Ok(Err(fault)) => Some(fault),
                Err(_) => Some(format!("not ready after {START_LIMIT:?}")),
            },
            () = shared.closing.cancelled() => None,
        };
        worker.kill().await;
        fault.map_or(Ok(None), Err)
    }

    fn spawn(shared: &Shared) -> Result<Self, String> {
        let mut command = Command::new(&shared.program);
        command
            .args([FLAG, shared.job])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // For the case that the runtime ends before this task does.
            .kill_on_drop(true);
        // A group of its own keeps the terminal's Ctrl-C away, and lets us
        // kill what a job has started together with the worker. Not pre_exec,
        // which would make the standard library fork this whole process.
        #[cfg(unix)]
        command.process_group(0);
        // What `ps` shows; the link to the program tells nothing.
        #[cfg(unix)]
        if let Some(name) = std::env::args_os().next() {
            command.arg0(name);
        }

        let fault = |error| format!("{}: {error}", shared.program.display());
        let mut child = command.spawn().map_err(fault)?;
        let (Some(stdin), Some(stdout)) =
            (child.stdin.take(), child.stdout.take())
        else {
            return Err("it has no pipes".to_owned());
        };
        let codec = wire::codec(shared.config.message_limit);
        let stdout = FramedRead::new(stdout, codec);
        let pid = child.id().unwrap_or_default();
        Ok(Self { child, pid, stdin, stdout, answered: false })
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
        // If it does not listen, it does not answer either.
        self.stdin.write_all(&frame).await.ok();

        let Some(answer) = self.stdout.next().await else {
            let error = self.kill().await;
            return Err(format!("before it was ready, {error}"));
        };
        let ready = answer.ok().and_then(|message| {
            wire::decode::<Ready>(&message)
                .ok()
                .filter(|ready| ready.greeting == GREETING)
        });
        match ready {
            None => Err("it is no worker, or prints before it calls \
                         process_pool::worker"
                .to_owned()),
            Some(Ready { fault: Some(fault), .. }) => Err(fault),
            Some(_) => Ok(()),
        }
    }

    /// Hands the worker jobs until it dies or the pool closes.
    async fn serve(
        &mut self,
        shared: &Shared,
        held: &mut Option<Ticket>,
    ) -> End {
        let mut used = false;
        loop {
            let ticket = match held.take() {
                Some(ticket) => ticket,
                None => tokio::select! {
                    biased;
                    // The death of an idle worker is noticed here, before a
                    // job is given to it.
                    _ = self.child.wait() => {
                        let died = self.kill().await;
                        return if used { End::Used } else { End::Unused(died) };
                    }
                    () = shared.kill.cancelled() => return End::Closed,
                    ticket = shared.queue.next() => match ticket {
                        Some(ticket) => ticket,
                        None => return End::Closed,
                    },
                },
            };
            used = true;
            let jobs = ticket.work.left();
            shared.running.fetch_add(jobs, Relaxed);
            let end = self.work(shared, ticket, held).await;
            shared.running.fetch_sub(jobs, Relaxed);
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Has a ticket's jobs done and answers the caller. If that ends the
    /// worker's time, tells how; what is still to be done is left in `held`.
    async fn work(
        &mut self,
        shared: &Shared,
        mut ticket: Ticket,
        held: &mut Option<Ticket>,
    ) -> Option<End> {
        let Ticket { work, caller, .. } = &mut ticket;
        if caller.is_closed() {
            return None;
        }
        let mut end = None;
        while work.left() > 0 && end.is_none() {
            let before = work.left();
            let limit = work.limit;
            let exchange = tokio::select! {
                biased;
                exchange = self.exchange(work) => exchange,
                () = caller.closed() => Exchange::Left,
                () = sleep(limit) => Exchange::Late,
                () = shared.kill.cancelled() => return Some(End::Closed),
            };
            let answered = before - work.left();
            shared.done.fetch_add(answered as u64, Relaxed);
            self.answered |= answered > 0;

            if let Exchange::Answered = exchange {
                continue;
            }
            // Also if it is dead: to reap it, and for what it has started.
            let died = self.kill().await;
            end = Some(End::Used);
            let error = match exchange {
                Exchange::Answered | Exchange::Left => None,
                Exchange::Dead => Some(died),
                Exchange::Broken(message) => Some(Error::Broken(message)),
                Exchange::Late => Some(Error::DeadlinePassed),
            };
            match error {
                Some(Error::WorkerDied(_))
                    if shared.config.retry && !work.alone =>
                {
                    work.alone = true;
                }
                Some(error) => work.fail_sent(&error),
                None => return end,
            }
        }
        if ticket.work.left() > 0 {
            *held = Some(ticket);
        } else {
            ticket.finish();
        }
        end
    }

    /// Sends what is to be sent and collects the answers.
    async fn exchange(&mut self, work: &mut Work) -> Exchange {
        let Self { child, stdin, stdout, .. } = self;
        let mut talk = pin!(talk(stdin, stdout, work));
        tokio::select! {
            biased;
            exchange = &mut talk => exchange,
            // The output need not end with the worker: what a job has forked
            // holds it open.
            _ = child.wait() => {
                let rest = time::timeout(LAST_WORDS, talk).await;
                rest.unwrap_or(Exchange::Dead)
            }
        }
    }

    /// Ends the worker, and with it what its jobs have started, and tells how
    /// it ended. If it has ended or is about to by itself, that is what is
    /// told: the system has noted it before it closes the pipes.
    async fn kill(&mut self) -> Error {
        kill_group(self.pid);
        self.child.start_kill().ok();
        match self.child.wait().await {
            Ok(status) => Error::WorkerDied(status),
            Err(error) => {
                Error::Broken(format!("how it ended is lost: {error}"))
            }
        }
    }

    /// Lets an idle worker go when the pool closes.
    async fn leave(self, shared: &Shared) {
        let Self { mut child, pid, stdin, .. } = self;
        drop(stdin); // the sign to leave
        tokio::select! {
            _ = child.wait() => {}
            () = shared.kill.cancelled() => {}
        }
        kill_group(pid);
        child.start_kill().ok();
        child.wait().await.ok();
    }
}

/// Kills a worker's process group, right after the worker's end at the latest:
/// as long as a process is in the group, no other gets its number, and one that
/// is free has its turn again only when all others have had theirs.
fn kill_group(pid: u32) {
    #[cfg(unix)]
    {
        use rustix::process::{Pid, Signal, kill_process_group};
        if let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            kill_process_group(group, Signal::KILL).ok();
        }
    }
    #[cfg(not(unix))]
    let _ = pid;
}

/// Writes the frames and reads the answers, both at once: a worker that waits
/// for room in one pipe does not read from the other.
async fn talk(
    stdin: &mut ChildStdin,
    stdout: &mut FramedRead<ChildStdout, LengthDelimitedCodec>,
    work: &mut Work,
) -> Exchange {
    let (frames, jobs, answers) = work.split();
    #[cfg(target_os = "linux")]
    wire::make_room(&*stdin, frames.len());
    let write = async {
        // A worker that cannot be written to has ended, as the other pipe
        // tells, perhaps after some answers.
        stdin.write_all(frames).await.ok();
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

async fn sleep(limit: Option<Duration>) {
    match limit {
        Some(limit) => time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
