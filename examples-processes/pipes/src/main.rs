//! Two processes talk: a request and a reply, over pipes.
//!
//! ```sh
//! cargo run -p pipes
//! ```
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, ExitCode, Stdio};

use anyhow::Context;

/// A line in, a line out, until stdin closes. It closes when the parent drops
/// its end, and also when the parent dies: then the child leaves too.
fn child() -> anyhow::Result<()> {
    for request in io::stdin().lines() {
        let reply = square(&request.context("reading a request")?);
        // Not println!, which panics when the parent has gone.
        writeln!(io::stdout(), "{reply}").context("sending the reply")?;
    }
    Ok(())
}

/// A mistake in a request is a reply too, and not the end of the child.
fn square(request: &str) -> String {
    match request.parse::<u32>() {
        Ok(number) => u64::from(number).pow(2).to_string(),
        Err(_) => "error: not a whole number below 2^32".to_owned(),
    }
}

fn parent() -> anyhow::Result<()> {
    let program =
        env::current_exe().context("finding this program's own file")?;
    let mut child = Command::new(program)
        .arg("child")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let mut requests = child.stdin.take().expect("stdin is a pipe");
    let replies = child.stdout.take().expect("stdout is a pipe");
    let mut replies = BufReader::new(replies).lines();

    for request in ["12", "a dozen"] {
        println!("Parent: what is {request} squared?");
        writeln!(requests, "{request}").context("sending the request")?;
        // Now, not after the last request: see the page.
        let reply = replies.next().context("the child left without a reply")?;
        println!("Child: {}", reply.context("reading the reply")?);
    }

    drop(requests); // closes the pipe: there is nothing more to ask
    let status = child.wait().context("waiting for the child")?;
    println!("Parent: I closed the pipe, and the child left, {status}");
    Ok(())
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [] => parent()?,
        [role] if role == "child" => child()?,
        _ => {
            eprintln!("usage: pipes [child]");
            return Ok(ExitCode::from(2));
        }
    }
    Ok(ExitCode::SUCCESS)
}
