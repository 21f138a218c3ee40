//! Jobs that no worker could finish.

use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::RawMessageErrorKind;
use bytes::Bytes;

use crate::error::Error;
use crate::link::{Link, is_full};
use crate::message::Order;

/// The headers that a dead letter has in addition to those of the job.
const REASON: &str = "Dead-Reason";
const DELIVERIES: &str = "Dead-Deliveries";

/// A job that was delivered [`Options::deliveries`](crate::Options::deliveries)
/// times, and why it failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its position in the stream of dead letters.
    pub sequence: u64,
    /// The job's id, as in the log lines of its workers.
    pub id: String,
    /// The name of the job's type.
    pub job_type: String,
    /// Why it failed.
    pub reason: String,
    /// How many times it was delivered.
    pub deliveries: u64,
    /// The job, as postcard has encoded it.
    pub job: Bytes,
}

/// The dead letters of a queue. The server keeps them for 30 days.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    link: Link,
}

impl DeadLetters {
    pub(crate) fn new(link: Link) -> Self {
        Self { link }
    }

    /// All dead letters, the oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the server does not answer.
    pub async fn list(&self) -> Result<Vec<DeadLetter>, Error> {
        let dead = self.link.dead().await?;
        let info = dead.get_info().await;
        let state = info.map_err(|fault| self.link.unreachable(&fault))?.state;
        let mut letters = Vec::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            letters.extend(self.get(sequence).await?);
        }
        Ok(letters)
    }

    /// Sends a dead letter again, as a new job, and removes it. Returns the id
    /// of the new job, or none if there is no such dead letter. The caller has
    /// had its error long ago, so only the effects of the job count.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], or
    /// [`QueueFull`](process_pool::Error::QueueFull).
    pub async fn send_again(
        &self,
        sequence: u64,
    ) -> Result<Option<String>, Error> {
        let Some(letter) = self.get(sequence).await? else { return Ok(None) };
        let order = Order {
            id: format!("again.{}", self.link.unique()),
            job_type: letter.job_type,
            limit: None,
            trace: letter.id,
        };
        let jobs = &self.link.names.jobs;
        let headers = Some(order.headers());
        let sent = self.link.publish(jobs, headers, letter.job).await;
        sent.map_err(|fault| {
            if is_full(&fault) {
                process_pool::Error::QueueFull.into()
            } else {
                self.link.unreachable(&fault)
            }
        })?;
        self.remove(sequence).await?;
        Ok(Some(order.id))
    }

    /// Removes a dead letter.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the server does not answer.
    pub async fn remove(&self, sequence: u64) -> Result<(), Error> {
        let removed = self.link.dead().await?.delete_message(sequence).await;
        removed.map_err(|fault| self.link.unreachable(&fault))?;
        Ok(())
    }

    async fn get(&self, sequence: u64) -> Result<Option<DeadLetter>, Error> {
        let message = self.link.dead().await?.get_raw_message(sequence).await;
        let message = match message {
            Ok(message) => message,
            Err(fault)
                if fault.kind() == RawMessageErrorKind::NoMessageFound =>
            {
                return Ok(None);
            }
            Err(fault) => return Err(self.link.unreachable(&fault)),
        };
        let Ok(order) = Order::read(Some(&message.headers)) else {
            return Ok(None);
        };
        let text = |name: &str| {
            let value = message.headers.get(name);
            value.map(|value| value.as_str()).unwrap_or_default()
        };
        Ok(Some(DeadLetter {
            sequence,
            id: order.id,
            job_type: order.job_type,
            reason: text(REASON).to_owned(),
            deliveries: text(DELIVERIES).parse().unwrap_or_default(),
            job: message.payload,
        }))
    }
}

/// A dead letter as a message. However often it is published, it is stored once.
pub fn letter(
    order: &Order,
    reason: &str,
    deliveries: u64,
    job: Bytes,
) -> PublishMessage {
    let mut headers = order.headers();
    headers.insert(REASON, reason);
    headers.insert(DELIVERIES, deliveries.to_string());
    PublishMessage::build()
        .headers(headers)
        .payload(job)
        .expected_last_subject_sequence(0)
}
