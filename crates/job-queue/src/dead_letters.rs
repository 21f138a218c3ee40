//! Jobs that no worker could finish.

use std::time::SystemTime;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{
    DeleteMessageErrorKind, RawMessageErrorKind,
};
use bytes::Bytes;
use process_pool::{Error as PoolError, Job, wire};

use crate::error::Error;
use crate::link::{Link, is_full};
use crate::message::Order;
use crate::options::Options;

/// The headers that a dead letter has in addition to those of the job.
const REASON: &str = "Dead-Reason";
const DELIVERIES: &str = "Dead-Deliveries";

/// A job that was delivered [`Options::deliveries`](crate::Options::deliveries)
/// times, and the reason why it failed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its position in the stream of dead letters.
    pub sequence: u64,
    /// The job's id, as in the log lines of its workers.
    pub id: String,
    /// The name of the job's type.
    pub job_type: String,
    /// The reason why it failed.
    pub reason: String,
    /// Number of times that it was delivered.
    pub deliveries: u64,
    /// The time at which it became a dead letter, by the server's clock.
    pub since: SystemTime,
    /// The job, as postcard has encoded it.
    pub job: Bytes,
}

impl DeadLetter {
    /// Decodes the job. The [`job_type`](Self::job_type) tells whether it is a
    /// `J`, because the bytes of another type may look like one.
    ///
    /// # Errors
    ///
    /// [`Broken`](process_pool::Error::Broken) if its bytes are not a `J`.
    pub fn decode<J: Job>(&self) -> Result<J, PoolError> {
        wire::decode(&self.job)
    }
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

    /// Connects to the server without a [`Queue`](crate::Queue). Unlike that,
    /// it creates nothing on the server.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] or [`Error::Refused`], and [`Error::Unsuitable`]
    /// if the server has no queue of this name.
    pub async fn connect(options: &Options) -> Result<Self, Error> {
        let link = Link::connect(options).await?;
        let dead = link.context.get_stream(&link.names.dead_stream).await;
        match dead.map(drop).map_err(|fault| fault.kind()) {
            Ok(()) => Ok(Self { link }),
            Err(GetStreamErrorKind::JetStream(_)) => {
                let queue = &options.queue;
                let reason = format!("it has no queue named {queue:?}");
                Err(Error::Unsuitable(reason))
            }
            Err(fault) => Err(link.unreachable(&fault)),
        }
    }

    /// Returns all dead letters, the oldest first.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the server does not answer.
    pub async fn list(&self) -> Result<Vec<DeadLetter>, Error> {
        let dead = self.link.dead().await?;
        let info = dead.get_info().await;
        let state =
            info.map_err(|fault| self.link.unreachable(&fault))?.state;
        let mut letters = Vec::new();
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            letters.extend(self.get(sequence).await?);
        }
        Ok(letters)
    }

    /// Sends a dead letter again, as a new job, and removes it. Returns the id
    /// of the new job, or none if there is no such dead letter. The caller has
    /// had its error long ago, so only the effects of the job count. If the
    /// connection is lost between the two steps, the dead letter is still
    /// there although the job was sent.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`], or
    /// [`QueueFull`](process_pool::Error::QueueFull).
    pub async fn send_again(
        &self,
        sequence: u64,
    ) -> Result<Option<String>, Error> {
        let Some(letter) = self.get(sequence).await? else {
            return Ok(None);
        };
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

    /// Removes a dead letter. Returns false if there is no such dead letter.
    ///
    /// # Errors
    ///
    /// [`Error::Unreachable`] if the server does not answer.
    pub async fn remove(&self, sequence: u64) -> Result<bool, Error> {
        let removed =
            self.link.dead().await?.delete_message(sequence).await;
        match removed.map_err(|fault| (fault.kind(), fault)) {
            Ok(removed) => Ok(removed),
            Err((DeleteMessageErrorKind::JetStream(_), _)) => Ok(false),
            Err((_, fault)) => Err(self.link.unreachable(&fault)),
        }
    }

    async fn get(
        &self,
        sequence: u64,
    ) -> Result<Option<DeadLetter>, Error> {
        let message =
            self.link.dead().await?.get_raw_message(sequence).await;
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
            since: message.time.into(),
            job: message.payload,
        }))
    }
}

/// Builds the message of a dead letter. However often it is published, it is stored once.
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
