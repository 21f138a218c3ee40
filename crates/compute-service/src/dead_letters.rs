//! Dead letters: the jobs of the queue that no worker could finish.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::Context;
use humantime::format_rfc3339_seconds;
use job_queue::{DeadLetter, DeadLetters};

use crate::arguments::{DeadLetterAction, DeadLetterArguments};
use crate::compute::SumOfSquares;
use crate::offload::queue_options;

/// Lists the dead letters, sends one again, or deletes one.
pub(crate) async fn show(
    arguments: &DeadLetterArguments,
) -> anyhow::Result<()> {
    let options = queue_options(&arguments.nats).await?;
    let dead_letters = DeadLetters::connect(&options).await?;
    let letters = dead_letters.list().await?;
    let position_of = |id: &str| {
        let letter = letters.iter().find(|letter| letter.id == id);
        letter.map(|letter| letter.sequence).with_context(|| missing(id))
    };
    let answer = match &arguments.action {
        None | Some(DeadLetterAction::List) => table(&letters),
        Some(DeadLetterAction::SendAgain { id }) => {
            let sent = dead_letters.send_again(position_of(id)?).await?;
            let new = sent.with_context(|| missing(id))?;
            format!("Sent again as the job {new}\n")
        }
        Some(DeadLetterAction::Delete { id }) => {
            anyhow::ensure!(
                dead_letters.remove(position_of(id)?).await?,
                missing(id)
            );
            format!("Deleted {id}\n")
        }
    };
    // Not `print!`, which panics if nothing reads stdout.
    io::stdout().write_all(answer.as_bytes()).ok();
    Ok(())
}

fn missing(id: &str) -> String {
    format!("there is no dead letter {id:?}; `dead-letters list` shows all")
}

/// A line for each dead letter: its id, when the job failed for the last time,
/// what it was to compute, and why it failed.
fn table(letters: &[DeadLetter]) -> String {
    if letters.is_empty() {
        return "No dead letters\n".to_owned();
    }
    let mut lines = String::new();
    for letter in letters {
        let DeadLetter { id, since, reason, job_type, .. } = letter;
        let is_ours = job_type == std::any::type_name::<SumOfSquares>();
        let job = match letter.decode() {
            Ok(SumOfSquares { n }) if is_ours => format!("n = {n}"),
            _ => format!("a job of type {job_type}"),
        };
        let since = format_rfc3339_seconds(*since);
        // Writing to a string never fails.
        writeln!(lines, "{id}  {since}  {job}: {reason}").ok();
    }
    lines
}
