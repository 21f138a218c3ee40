//! What runs in a worker process: one thread that reads a job, runs it, and
//! writes the answer, and one that watches the parent.

use std::any::{Any, type_name};
use std::env;
use std::error::Error as StdError;
use std::fs::File;
use std::io::{self, BufReader, Write};
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::wire::{self, GREETING, LEAST_LIMIT, Outcome, Ready, Setup};
use crate::{Error, Job};

/// The argument that makes this program a worker; the job's type follows.
pub const FLAG: &str = "--process-pool-worker";

/// Answers wait to be sent together while there are more jobs to read, up to
/// so many bytes.
const ANSWERS: usize = 64 << 10;

/// Whether this process works for a pool.
static WORKING: AtomicBool = AtomicBool::new(false);

/// Turns this process into a worker if a pool has started it as one, and then
/// never returns; otherwise does nothing.
///
/// Call it first in `main`, once for each type of job: before anything prints,
/// and before a runtime or other threads start, which would not get the
/// worker's niceness.
pub fn worker<J: Job>() {
    if !started_as_worker(Some(type_name::<J>())) {
        return;
    }
    WORKING.store(true, Ordering::Relaxed);
    let code = match work::<J>() {
        Ok(()) => 0,
        Err(error) => {
            // Not eprintln, which panics if stderr is closed.
            writeln!(io::stderr(), "a worker ends: {error}").ok();
            1
        }
    };
    process::exit(code);
}

/// Refuses to start a pool in a process that should have become a worker:
/// its own workers would do the same, without end.
pub fn refuse_nesting<J: Job>() -> Result<(), Error> {
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
        && job.is_none_or(|job| arguments.next().is_some_and(|it| it == job))
}

fn work<J: Job>() -> io::Result<()> {
    // What `top` shows: the link by which Linux has started it says nothing.
    #[cfg(target_os = "linux")]
    rustix::thread::set_name(c"pool-worker").ok();
    let (input, mut output) = take_pipes()?;
    let mut input = BufReader::with_capacity(ANSWERS, input);

    let mut message = Vec::new();
    if !wire::read_frame(&mut input, LEAST_LIMIT, &mut message)? {
        return Ok(());
    }
    let setup: Setup = wire::decode(&message).map_err(io::Error::other)?;
    let fault = set_limits(&setup).and_then(|()| watch_parent(&input)).err();
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
        let outcome = run::<J>(&message);
        answer(&outcome, setup.message_limit, &mut answers)?;
        let more = wire::first_frame(input.buffer()).is_some();
        if !more || answers.len() >= ANSWERS {
            #[cfg(target_os = "linux")]
            wire::make_room(&output, answers.len());
            output.write_all(&answers)?;
            answers.clear();
        }
    }
    Ok(())
}

/// Runs one job, whatever it does short of ending the process.
fn run<J: Job>(job: &[u8]) -> Outcome<J::Output> {
    let job: J = match wire::decode(job) {
        Ok(job) => job,
        Err(error) => return Outcome::Broken(error.to_string()),
    };
    // The job is moved in, and nothing of it is looked at after a panic.
    match panic::catch_unwind(AssertUnwindSafe(|| job.run())) {
        Ok(Ok(output)) => Outcome::Done(output),
        Ok(Err(error)) => Outcome::Failed(with_sources(&*error)),
        Err(panic) => Outcome::Panicked(message(&*panic)),
    }
}

fn with_sources(error: &dyn StdError) -> String {
    let sources =
        std::iter::successors(error.source(), |error| (*error).source());
    sources.fold(error.to_string(), |text, source| format!("{text}: {source}"))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or(panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message").to_owned()
}

/// Appends an outcome; one that cannot be sent is replaced by the reason.
fn answer<T: serde::Serialize>(
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

/// Takes the pipes to the parent away from the jobs: they find nothing on
/// stdin, what they print goes to stderr, and what they start gets neither.
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

/// The standard library cannot point stdout elsewhere here.
#[cfg(windows)]
fn take_pipes() -> io::Result<(File, File)> {
    use std::os::windows::io::AsHandle;

    let input = io::stdin().as_handle().try_clone_to_owned()?;
    let output = io::stdout().as_handle().try_clone_to_owned()?;
    Ok((input.into(), output.into()))
}

/// In the worker and not before its start: that would need `pre_exec`, and
/// with it a fork of the whole parent.
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
        // Not RLIMIT_AS: it also counts what is only reserved, and allocators
        // and thread stacks reserve far more than they use.
        let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
        setrlimit(Resource::Data, limit).map_err(|error| {
            io::Error::other(format!("the memory limit: {error}"))
        })?;
    }
    // Said, not ignored: who sets a limit relies on it.
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

/// Ends this process when the parent has gone, even in the middle of a job.
///
/// The thread only waits for the far end of the pipe to be closed, as the
/// system does however the parent ends. It asks for no other event, so that it
/// sleeps while jobs come in. Not PR_SET_PDEATHSIG: that fires when the parent's
/// *thread* ends that started the worker, and a runtime's threads come and go.
#[cfg(unix)]
fn watch_parent(input: &BufReader<File>) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;
    use rustix::process::{
        Signal, getpgrp, getpid, kill_current_process_group, kill_process,
    };

    let input = input.get_ref().try_clone()?;
    let watch = move || {
        let mut hang_up = [PollFd::new(&input, PollFlags::empty())];
        while let Err(Errno::INTR) = poll(&mut hang_up, None) {}
        // Not `exit`, which could wait for a lock that a job holds. And the
        // whole group, if it is ours: with it goes what the jobs have started.
        if getpgrp() == getpid() {
            kill_current_process_group(Signal::KILL).ok();
        }
        kill_process(getpid(), Signal::KILL).ok();
    };
    std::thread::Builder::new()
        .name("watch-parent".to_owned())
        .stack_size(64 << 10) // counts towards the memory limit
        .spawn(watch)?;
    Ok(())
}

/// Here an idle worker leaves when its input ends, and a busy one after its
/// job.
#[cfg(windows)]
fn watch_parent(_input: &BufReader<File>) -> io::Result<()> {
    Ok(())
}
