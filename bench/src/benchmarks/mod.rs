//! The benchmarks, one module each.

use std::env;
use std::process::exit;

use anyhow::{Context, Result, bail};

use crate::benchmark::{Benchmark, Figures, Source, Turn};
use crate::parts::{PART, pipe};
use crate::work;

mod async_state;
mod channels;
mod cpu;
mod echo;
mod false_sharing;
mod grain;
mod heartbeat;
mod locks;
mod message;
mod offloading;
mod python_call;
mod python_extension;
mod queue;
mod service;
mod slow;
mod spin_lock;
mod start;
mod uneven;
mod waiting;

/// Returns all benchmarks, in the order of the book.
pub fn all() -> Vec<Benchmark> {
    vec![
        waiting::benchmark(),
        slow::benchmark(),
        start::benchmark(),
        message::benchmark(),
        locks::benchmark(),
        channels::benchmark(),
        false_sharing::benchmark(),
        spin_lock::benchmark(),
        cpu::benchmark(),
        uneven::benchmark(),
        async_state::benchmark(),
        grain::benchmark(),
        heartbeat::benchmark(),
        offloading::benchmark(),
        python_extension::benchmark(),
        python_call::benchmark(),
        service::benchmark(),
        echo::benchmark(),
        queue::benchmark(),
        queue::scaling(),
    ]
}

/// Plays the part for which an implementation or the runner has started this process, and ends the
/// process. Returns if it has none. Call it first in `main`.
pub fn play_part() {
    // Before all else, because the start of a process is measured.
    if env::args_os().nth(1).is_some_and(|argument| argument == PART) {
        let arguments: Vec<_> = env::args().skip(2).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        if let Err(error) = play(&arguments) {
            eprintln!("error: {error:#}");
            exit(1);
        }
        exit(0);
    }
    // Workers of these libraries, which start them with arguments of their own.
    process_pool::worker::<work::Job>();
    process_pool::worker::<offloading::Task>();
    process_pool::worker::<queue::Task>();
    job_queue::worker::<queue::Task>();
    procspawn::init();
}

fn play(part: &[&str]) -> Result<()> {
    match *part {
        ["nothing"] => Ok(()),
        ["pong"] => pipe::pong(),
        ["echo-server", way] => echo::serve(way),
        ["queue-worker", url, queue, processes, ahead] => {
            queue::work(url, queue, processes.parse()?, ahead.parse()?)
        }
        ["queue-responder", url] => queue::answer(url),
        ["implementation", benchmark, implementation, turn] => {
            let figures = measure(benchmark, implementation, &serde_json::from_str(turn)?)?;
            println!("{}", serde_json::to_string(&figures)?);
            Ok(())
        }
        _ => bail!("no such part: {}", part.join(" ")),
    }
}

/// Calls the function that measures an implementation.
fn measure(benchmark: &str, implementation: &str, turn: &Turn) -> Result<Figures> {
    let all = all();
    let benchmark = all.iter().find(|it| it.name == benchmark).context("no such benchmark")?;
    let mut implementations = benchmark.implementations.iter();
    let implementation = implementations.find(|it| it.name == implementation);
    match implementation.context("no such implementation")?.source {
        Source::Function(function) => function(turn),
        _ => bail!("no function measures it"),
    }
}
