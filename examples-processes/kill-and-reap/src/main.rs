//! Kill a child at its deadline, and wait for it: until then it is a
//! zombie.
//!
//! ```sh
//! cargo run -p kill-and-reap
//! ```
use std::io::{self, Read};
use std::process::{self, Stdio};
use std::time::Duration;
use std::{env, thread};

use anyhow::{Context, Result};
#[cfg(unix)]
use rustix::process::{Signal, getpid, kill_process};
use tokio::process::Command;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_millis(200);

#[tokio::main(flavor = "current_thread")]
async fn parent() -> Result<()> {
    let mut child = Command::new(env::current_exe()?)
        .arg("child")
        .stdin(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let id = child.id().context("the child has already been waited for")?;
    println!("Process {id} started");
    // Taken out, because `wait` closes the child's stdin, which ends it.
    let _stdin = child.stdin.take();

    // tokio's Child, because the one of std can't wait with a timeout.
    if timeout(LIMIT, child.wait()).await.is_err() {
        child.start_kill().context("killing the child")?;
        println!("Past its deadline of {LIMIT:?}: killed");
        #[cfg(target_os = "linux")]
        show_state(id)?;
    }

    let status = child.wait().await.context("waiting for the child")?;
    println!("Waited for: {status}");
    #[cfg(target_os = "linux")]
    show_state(id)?;
    Ok(())
}

/// Prints what the process table says about a child that has been killed.
#[cfg(target_os = "linux")]
fn show_state(id: u32) -> Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

    // It dies soon after the signal. NOWAIT waits for that without reaping.
    let until_it_is_dead = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    let child = Pid::from_raw(id.try_into()?).context("0 is no process")?;
    waitid(WaitId::Pid(child), until_it_is_dead).ok(); // an error: reaped

    let table = std::fs::read_to_string(format!("/proc/{id}/status"));
    let table = table.unwrap_or_else(|_| "State: nothing".to_owned());
    let state = table.lines().find_map(|line| line.strip_prefix("State:"));
    println!("In the process table: {}", state.unwrap_or("?").trim());
    Ok(())
}

/// Works forever, but ends when its stdin closes.
fn child() -> ! {
    thread::spawn(|| {
        io::stdin().read_to_end(&mut Vec::new()).ok();
        // Not process::exit, whose exit handlers could wait for the job.
        #[cfg(unix)]
        kill_process(getpid(), Signal::KILL).ok();
        process::abort()
    });
    loop {
        thread::sleep(Duration::from_secs(1)); // a job that hangs
    }
}

fn main() -> Result<()> {
    if env::args().nth(1).is_some() { child() } else { parent() }
}
