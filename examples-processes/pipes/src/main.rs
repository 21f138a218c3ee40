//! Two processes talk: a request and a reply, over pipes.
//!
//! ```sh
//! cargo run -p pipes
//! ```
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::Context;

/// Answers each line with a line, until stdin closes. That happens when the
/// parent drops its end, and also when the parent dies.
fn child() -> anyhow::Result<()> {
    for request in io::stdin().lines() {
        let reply = square(&request.context("reading a request")?);
        // Not println!, which panics when the parent is gone.
        writeln!(io::stdout(), "{reply}").context("sending the reply")?;
    }
    Ok(())
}

/// An invalid request gets a reply too; it does not end the child.
fn square(request: &str) -> String {
    match request.parse::<u32>() {
        Ok(number) => u64::from(number).pow(2).to_string(),
        Err(_) => "error: not a whole number below 2^32".to_owned(),
    }
}

fn parent() -> anyhow::Result<()> {
    let mut child = Command::new(env::current_exe()?)
        .arg("child")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting the child")?;
    let mut requests = child.stdin.take().context("no stdin")?;
    let replies = child.stdout.take().context("no stdout")?;
    let mut replies = BufReader::new(replies).lines();

    for request in ["12", "a dozen"] {
        println!("Parent: what is {request} squared?");
        writeln!(requests, "{request}").context("sending the request")?;
        // Read each reply before the next request. If the parent sent all
        // requests first, both pipes could fill up, and both would block.
        let reply = replies.next().context("the child has ended")?;
        println!("Child: {}", reply.context("reading the reply")?);
    }

    drop(requests); // closes the pipe: there are no more requests
    let status = child.wait().context("waiting for the child")?;
    println!("Parent: I closed the pipe, and the child ended, {status}");
    Ok(())
}

fn main() -> anyhow::Result<()> {
    if env::args().nth(1).is_some() { child() } else { parent() }
}
