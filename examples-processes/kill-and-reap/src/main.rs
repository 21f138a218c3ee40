//! Kill a child at a time limit, and wait for it: until then it is a zombie.
//!
//! ```sh
//! cargo run -p kill-and-reap
//! ```
use std::io::{self, Read};
use std::process::{self, Command, ExitCode, Stdio};
use std::time::Duration;
use std::{env, thread};

use anyhow::Context;
use wait_timeout::ChildExt;

fn parent() -> anyhow::Result<()> {
    let program =
        env::current_exe().context("finding this program's own file")?;
    let mut child = Command::new(program)
        .arg("child")
        .stdin(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    // Kept apart, because waiting closes the child's stdin, and it would leave.
    let _stdin = child.stdin.take();
    println!("Process {} started", child.id());

    // std waits for ever or not at all; the crate wait-timeout adds the limit.
    let limit = Duration::from_millis(200);
    if child.wait_timeout(limit).context("waiting for the child")?.is_none() {
        child.kill().context("killing the child")?;
        println!("Past its limit of {limit:?}: killed");
        #[cfg(target_os = "linux")]
        show_state(&child)?;
    }

    let status = child.wait().context("waiting for the child")?;
    println!("Waited for: {status}");
    #[cfg(target_os = "linux")]
    show_state(&child)?;
    Ok(())
}

/// What the process table says of a child that has been killed.
#[cfg(target_os = "linux")]
fn show_state(child: &process::Child) -> anyhow::Result<()> {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    // Its end comes soon after the signal. NOWAIT: wait for that, and leave it
    // in the table. An error if it is no longer there.
    let until_its_end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    waitid(WaitId::Pid(Pid::from_child(child)), until_its_end).ok();

    match std::fs::read_to_string(format!("/proc/{}/status", child.id())) {
        Ok(status) => {
            let state = status.lines().find_map(|l| l.strip_prefix("State:"));
            println!("In the process table: {}", state.unwrap_or("?").trim());
        }
        Err(_) => println!("In the process table: nothing"),
    }
    Ok(())
}

/// Works for ever, but leaves when its stdin closes.
fn child() -> ! {
    // In a thread of its own: nothing in the work has to ask.
    thread::spawn(|| {
        io::stdin().read_to_end(&mut Vec::new()).ok();
        process::exit(0);
    });
    loop {
        thread::sleep(Duration::from_secs(1)); // stands for a job that hangs
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => parent()?,
        [role] if role == "child" => child(),
        _ => {
            eprintln!("usage: kill-and-reap [child]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
