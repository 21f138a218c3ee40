//! A task can be aborted where it awaits; a blocking job keeps running.
//!
//! ```sh
//! cargo run -p abort
//! ```
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task;
use tokio::time::sleep;

async fn waiting_task(started: oneshot::Sender<()>) {
    started.send(()).ok();
    sleep(Duration::from_secs(1)).await; // aborted here
    println!("Task: done");
}

fn blocking_job(started: oneshot::Sender<()>) {
    started.send(()).ok();
    thread::sleep(Duration::from_secs(1)); // nothing can end it early
    println!("Blocking job: done");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (task_starts, task_started) = oneshot::channel();
    let (job_starts, job_started) = oneshot::channel();
    let task = tokio::spawn(waiting_task(task_starts));
    let job = task::spawn_blocking(|| blocking_job(job_starts));

    // A job that hasn't started can be aborted, so wait until both have.
    tokio::try_join!(task_started, job_started)?;
    task.abort();
    job.abort();
    println!("Main: both aborted");

    // Awaiting an aborted task returns an error. The job runs to its end.
    let is_canceled = task.await.is_err_and(|error| error.is_cancelled());
    let fate = if is_canceled { "cancelled" } else { "finished" };
    println!("Main: the task was {fate}");
    job.await?;
    println!("Main: the job was finished");
    Ok(())
}
