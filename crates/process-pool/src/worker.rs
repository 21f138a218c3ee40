//! A worker process: one thread reads a job, runs it, and writes the answer, and
//! another one watches the parent.

use std::any::{Any, type_name};
use std::env;
use std::error::Error as StdError;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(unix)]
use std::thread;

use serde::Serialize;

use crate::error::Error;
use crate::job::Job;
use crate::wire::{self, GREETING, MIN_LIMIT, Outcome, Ready, Setup};

/// The argument that makes this program a worker; the job's type follows.
pub(crate) const FLAG: &str = "--process-pool-worker";

/// Size up to which answers are collected and sent together, while more jobs are
/// there to be read. In bytes.
const ANSWERS: usize = 64 << 10;

/// The bytes that an outcome with a text has besides the text: which outcome it
/// is, and how long the text is.
const TEXT_HEAD: usize = 16;

/// Set if this process runs as a worker.
static WORKING: AtomicBool = AtomicBool::new(false);

/// Turns this process into a worker if a pool has started it as one, and then
/// never returns; otherwise does nothing.
///
/// Call it first in `main`, once for each type of job: before anything is
/// printed, and before a runtime or other threads start, because those would
/// not get the worker's niceness.
///
/// As a worker, the process ends when the pool closes or the process of the pool
/// is gone, and kills the processes that its jobs have left in its process group
/// (Unix). When it cannot talk to the pool for another reason, it ends with exit
/// code 1 and a line on stderr.
pub fn worker<J: Job>() {
    if !started_as_worker(Some(type_name::<J>())) {
        return;
    }
    WORKING.store(true, Ordering::Relaxed);
    match run_jobs::<J>() {
        Ok(()) => {}
        // The pool's process was killed: no one reads the answer, or only the
        // beginning of a job has arrived.
        Err(error) if is_end(&error) => {}
        Err(error) => {
            // Not eprintln, which panics if stderr is closed.
            writeln!(io::stderr(), "a worker ends: {error}").ok();
            process::exit(1);
        }
    }
    end();
}

fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof
    )
}

/// Refuses to start a pool in a process that should have become a worker:
/// its own workers would do the same, without end.
pub(crate) fn refuse_nesting<J: Job>() -> Result<(), Error> {
    if started_as_worker(None) && !WORKING.load(Ordering::Relaxed) {
        return Err(Error::CannotStart(format!(
            "main does not call process_pool::worker::<{}>()",
            type_name::<J>()
        )));
    }
    Ok(())
}

fn started_as_worker(job: Option<&str>) -> bool {
    let mut arguments = env::args_os().skip(1);
    arguments.next().is_some_and(|argument| argument == FLAG)
        && job
            .is_none_or(|job| arguments.next().is_some_and(|it| it == job))
}

fn run_jobs<J: Job>() -> io::Result<()> {
    // What `top` shows. By default it would be the name of the link by which
    // Linux has started the program.
    #[cfg(target_os = "linux")]
    rustix::thread::set_name(c"pool-worker").ok();
    let (input, mut output) = take_pipes()?;
    let mut input = BufReader::with_capacity(ANSWERS, input);

    let mut message = Vec::new();
    if !wire::read_frame(&mut input, MIN_LIMIT, &mut message)? {
        process::exit(0); // no job has left a process
    }
    let setup: Setup = wire::decode(&message).map_err(io::Error::other)?;
    let fault =
        set_limits(&setup).and_then(|()| watch_parent(&input)).err();
    let ready = Ready {
        greeting: GREETING.to_owned(),
        fault: fault.as_ref().map(ToString::to_string),
    };
    let mut answers = Vec::new();
    wire::append(&ready, setup.message_limit, &mut answers)
        .map_err(io::Error::other)?;
    output.write_all(&answers)?;
    if let Some(fault) = fault {
        return Err(fault);
    }

    answers.clear();
    while wire::read_frame(&mut input, setup.message_limit, &mut message)? {
        run::<J>(&message, setup.message_limit, &mut answers)?;
        let more = wire::first_frame(input.buffer()).is_some();
        if !more || answers.len() >= ANSWERS {
            #[cfg(target_os = "linux")]
            wire::make_room(&output, answers.len());
            for piece in answers.chunks(wire::PIECE) {
                output.write_all(piece)?;
            }
            answers.clear();
        }
    }
    Ok(())
}

/// Runs one job and appends its outcome. A panic costs neither the worker nor
/// the answers of other jobs, wherever in the job's own code it happens: that
/// includes decoding the job, and encoding and dropping its result.
fn run<J: Job>(
    job: &[u8],
    limit: usize,
    answers: &mut Vec<u8>,
) -> io::Result<()> {
    let start = answers.len();
    // Nothing of the job is used after a panic, and what it has appended is
    // removed.
    let caught = panic::catch_unwind(AssertUnwindSafe(|| {
        append(&outcome::<J>(job, limit), limit, answers)
    }));
    caught.unwrap_or_else(|panic| {
        answers.truncate(start);
        let text = cut(message(&*panic), limit);
        // The value that a job panics with may panic itself as it is dropped.
        let dropped = panic::catch_unwind(AssertUnwindSafe(|| drop(panic)));
        if let Err(another) = dropped {
            Box::leak(another);
        }
        append(&Outcome::<()>::Panicked(text), limit, answers)
    })
}

fn outcome<J: Job>(job: &[u8], limit: usize) -> Outcome<J::Output> {
    match wire::decode::<J>(job).map(Job::run) {
        Ok(Ok(output)) => Outcome::Done(output),
        Ok(Err(error)) => {
            Outcome::Failed(cut(with_sources(&*error), limit))
        }
        Err(error) => Outcome::Broken(error.to_string()),
    }
}

/// Appends an outcome, or the reason why it cannot be sent.
fn append<T: Serialize>(
    outcome: &Outcome<T>,
    limit: usize,
    answers: &mut Vec<u8>,
) -> io::Result<()> {
    let reason: Outcome<()> = match wire::append(outcome, limit, answers) {
        Ok(()) => return Ok(()),
        Err(Error::TooLarge { size, .. }) => Outcome::TooLarge(size),
        Err(error) => Outcome::Broken(error.to_string()),
    };
    wire::append(&reason, limit, answers).map_err(io::Error::other)
}

/// Cuts a text off where it would no longer fit into a message.
fn cut(text: String, limit: usize) -> String {
    wire::cut(text, limit.saturating_sub(TEXT_HEAD))
}

fn with_sources(error: &dyn StdError) -> String {
    let sources =
        std::iter::successors(error.source(), |error| (*error).source());
    sources
        .fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

/// Takes the pipes to the parent away from the jobs. A job finds nothing on
/// stdin, what it prints goes to stderr, and a process that it starts inherits
/// neither pipe.
#[cfg(unix)]
fn take_pipes() -> io::Result<(File, File)> {
    use rustix::io::fcntl_dupfd_cloexec;
    use rustix::stdio::{dup2_stdin, dup2_stdout, stderr, stdin, stdout};

    let input = fcntl_dupfd_cloexec(stdin(), 3)?;
    let output = fcntl_dupfd_cloexec(stdout(), 3)?;
    dup2_stdin(File::open("/dev/null")?)?;
    dup2_stdout(stderr())?;
    Ok((input.into(), output.into()))
}

/// Takes the pipes. On Windows, the standard library cannot redirect stdout.
#[cfg(windows)]
fn take_pipes() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;

    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

/// Sets the limits of this worker. The pool could only do so by `pre_exec`, which
/// takes a fork of the whole parent.
fn set_limits(setup: &Setup) -> io::Result<()> {
    #[cfg(unix)]
    if setup.niceness != 0 {
        rustix::process::nice(setup.niceness).map_err(|error| {
            let niceness = setup.niceness;
            io::Error::other(format!("niceness {niceness}: {error}"))
        })?;
    }
    #[cfg(target_os = "linux")]
    if let Some(limit) = setup.memory_limit {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Not RLIMIT_AS, which also counts address space that is reserved and
        // not writable: allocators reserve far more of it than they use.
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(Resource::Data, limit).map_err(|error| {
            io::Error::other(format!("the memory limit: {error}"))
        })?;
    }
    // An error, because a program that sets a limit relies on it.
    let unknown = [
        (cfg!(not(unix)) && setup.niceness != 0, "niceness"),
        (
            cfg!(not(target_os = "linux")) && setup.memory_limit.is_some(),
            "memory limit",
        ),
    ];
    match unknown.iter().find(|(asked, _)| *asked) {
        Some((_, what)) => {
            Err(io::Error::other(format!("no {what} on this system")))
        }
        None => Ok(()),
    }
}

/// Ends this process and what its jobs have started. Both threads do so when the
/// parent has ended, because either can be the first to notice.
#[cfg(unix)]
fn end() -> ! {
    use rustix::process::{
        Signal, getpgrp, getpid, kill_current_process_group, kill_process,
    };

    // Not `exit`, which could wait for a lock that a job holds. The whole group,
    // if it is the worker's own, because processes that the jobs have started
    // are in it.
    if getpgrp() == getpid() {
        kill_current_process_group(Signal::KILL).ok();
    }
    kill_process(getpid(), Signal::KILL).ok();
    loop {
        thread::park(); // the signal may reach another thread first
    }
}

#[cfg(not(unix))]
fn end() -> ! {
    process::exit(0);
}

/// Ends this process when its parent has ended, even in the middle of a job.
///
/// The thread waits for the other end of the input pipe to be closed, which the
/// system does however the parent ends. It asks for no other event, so it sleeps
/// while jobs come in. Not PR_SET_PDEATHSIG, which fires when the *thread* that
/// started the worker ends, and a runtime's threads come and go.
#[cfg(unix)]
fn watch_parent(input: &BufReader<File>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    let input = input.get_ref().try_clone()?;
    let watch = move || {
        let mut hang_up = [PollFd::new(&input, PollFlags::empty())];
        while let Err(Errno::INTR) = poll(&mut hang_up, None) {}
        end();
    };
    thread::Builder::new()
        .name("watch-parent".to_owned())
        .stack_size(64 << 10) // counts towards the memory limit
        .spawn(watch)?;
    Ok(())
}

/// Does nothing on Windows: there an idle worker ends when its input does, and a
/// busy one after its job.
#[cfg(windows)]
fn watch_parent(_input: &BufReader<File>) -> io::Result<()> {
    Ok(())
}
