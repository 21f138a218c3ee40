//! Taking one job after another from the server.

use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use async_nats::{StatusCode, Subscriber};
use futures::StreamExt;
use tokio::time;

use crate::error::Error;
use crate::link::Link;
use crate::stream::CONSUMER;

/// Time for which the server keeps a request for a job. It doubles with each request
/// that got none, and is short again after a reconnect, because a server that
/// has just started may swallow a request.
const EXPIRES_MIN: Duration = Duration::from_millis(500);
const EXPIRES_MAX: Duration = Duration::from_secs(30);
/// Time after which the worker, a little later, stops waiting and asks again.
const MARGIN: Duration = Duration::from_secs(1);
/// The wait after the server refused a request.
const REFUSED: Duration = Duration::from_secs(1);
/// The wait for jobs that are on their way while the worker stops.
const LAST_JOBS: Duration = Duration::from_secs(1);

/// Asks for one job at a time, and only when told to.
///
/// Not the stream of messages in the client library: after a reconnect, and when
/// a job takes longer than a request is kept, that stream requests the next
/// message although the last one is still being processed. With long jobs such
/// a message waits until its acknowledgment time is over.
pub struct Pull {
    link: Link,
    requests: String,
    expires: Duration,
    inbox: String,
    jobs: Subscriber,
}

impl Pull {
    pub async fn new(link: &Link) -> Result<Self, Error> {
        let inbox = link.client.new_inbox();
        let jobs = link.client.subscribe(inbox.clone()).await;
        let jobs = jobs.map_err(|fault| link.unreachable(&fault))?;
        let stream = &link.names.jobs_stream;
        Ok(Self {
            requests: format!(
                "$JS.API.CONSUMER.MSG.NEXT.{stream}.{CONSUMER}"
            ),
            expires: EXPIRES_MIN,
            inbox,
            jobs,
            link: link.clone(),
        })
    }

    /// Waits for the next job.
    pub async fn next(&mut self) -> Message {
        loop {
            let mut connection = self.link.watch();
            let expires = self.expires.as_nanos();
            let request = format!(r#"{{"batch":1,"expires":{expires}}}"#);
            let sent = self.link.client.publish_with_reply(
                self.requests.clone(),
                self.inbox.clone(),
                request.into(),
            );
            if sent.await.is_err() {
                time::sleep(REFUSED).await;
                continue;
            }
            let answer = tokio::select! {
                biased;
                answer = self.jobs.next() => answer,
                // The server has forgotten the request.
                () = connection.restored() => {
                    self.expires = EXPIRES_MIN;
                    continue;
                }
                () = time::sleep(self.expires + MARGIN) => continue,
            };
            match answer {
                Some(message) if message.status.is_none() => {
                    let context = self.link.context.clone();
                    return Message { message, context };
                }
                Some(message)
                    if message.status == Some(StatusCode::TIMEOUT) =>
                {
                    self.expires = EXPIRES_MAX.min(2 * self.expires);
                }
                refused => {
                    let why =
                        refused.and_then(|message| message.description);
                    tracing::debug!("the server delivers no job: {why:?}");
                    time::sleep(REFUSED).await;
                }
            }
        }
    }

    /// Asks for no more, and returns to the server what was on its way.
    pub async fn close(mut self) {
        if self.jobs.drain().await.is_err() {
            return;
        }
        let hand_back = async {
            while let Some(message) = self.jobs.next().await {
                if message.status.is_none() {
                    let context = self.link.context.clone();
                    let message = Message { message, context };
                    message.ack_with(AckKind::Nak(None)).await.ok();
                }
            }
        };
        time::timeout(LAST_JOBS, hand_back).await.ok();
    }
}
