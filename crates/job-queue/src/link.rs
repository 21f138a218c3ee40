//! The connection to the server, which restores itself.

use std::fmt::Display;
use std::future::pending;
use std::time::Duration;

use async_nats::jetstream::context::{
    Context, ContextBuilder, PublishError, PublishErrorKind,
};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event,
    HeaderMap, ServerAddr,
};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{self, Instant};

use crate::error::Error;
use crate::options::Options;

/// The oldest server that has everything that a queue needs.
const OLDEST_SERVER: (i64, i64, i64) = (2, 9, 0);
/// The client closes a connection after three of these without an answer, and
/// connects again. That is how it notices a network that swallows everything.
const PING_INTERVAL: Duration = Duration::from_secs(2);
/// Time limit for one request to the server.
const REQUEST_LIMIT: Duration = Duration::from_secs(3);
/// The wait before another attempt.
pub const RETRY_AFTER: Duration = Duration::from_millis(50);

/// A connection, and the names of what a queue has on the server.
#[derive(Debug, Clone)]
pub struct Link {
    pub client: Client,
    pub context: Context,
    pub names: Names,
    url: String,
    state: watch::Receiver<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Up,
    /// Without a connection since then.
    Down(Instant),
}

impl Link {
    /// Connects, in as many attempts as [`Options::connect_limit`] allows.
    pub async fn connect(options: &Options) -> Result<Self, Error> {
        let names = Names::new(&options.queue)?;
        let url = without_password(&options.url);
        let (changes, state) = watch::channel(State::Up);
        let refused = |reason: &dyn Display| {
            let (url, reason) = (url.clone(), reason.to_string());
            Error::Refused { url, reason }
        };
        let servers = options.url.split(',').map(|url| url.trim().parse());
        let servers: Result<Vec<ServerAddr>, _> = servers.collect();
        let servers = servers.map_err(|fault| refused(&fault))?;
        let nats = with_login_of(&servers, options.nats.clone())
            .ping_interval(PING_INTERVAL)
            .event_callback(move |event| {
                match event {
                    // Not for the first connection, which ends no outage.
                    Event::Connected => changes.send_if_modified(|state| {
                        let was_down = matches!(state, State::Down(_));
                        if was_down {
                            *state = State::Up;
                        }
                        was_down
                    }),
                    Event::Disconnected => {
                        changes.send_if_modified(|state| {
                            let was_up = *state == State::Up;
                            if was_up {
                                *state = State::Down(Instant::now());
                            }
                            was_up
                        })
                    }
                    _ => false,
                };
                std::future::ready(())
            });

        let deadline = Instant::now() + options.connect_limit;
        let client = loop {
            let attempt = nats.clone().connect(&servers[..]);
            let reason = match time::timeout_at(deadline, attempt).await {
                Ok(Ok(client)) => break client,
                Ok(Err(fault)) if is_final(&fault) => {
                    return Err(refused(&fault));
                }
                Ok(Err(fault)) => fault.to_string(),
                Err(_) => "it does not answer".to_owned(),
            };
            if Instant::now() + RETRY_AFTER >= deadline {
                return Err(Error::Unreachable { url, reason });
            }
            time::sleep(RETRY_AFTER).await;
        };
        let (major, minor, patch) = OLDEST_SERVER;
        let version = client.server_info().version;
        if !client.is_server_compatible(major, minor, patch) {
            return Err(Error::Unsuitable(format!(
                "version {version} is older than {major}.{minor}"
            )));
        }
        tracing::debug!("connected to nats-server {version}");
        let context = ContextBuilder::new()
            .timeout(REQUEST_LIMIT)
            .ack_timeout(REQUEST_LIMIT)
            .build(client.clone());
        Ok(Self { client, context, names, url, state })
    }

    /// Returns a globally unique id of letters and digits.
    pub fn unique(&self) -> String {
        let inbox = self.client.new_inbox();
        inbox.rsplit('.').next().unwrap_or_default().to_owned()
    }

    /// Stores a message in a stream, and returns its position.
    pub async fn publish(
        &self,
        subject: &str,
        headers: Option<HeaderMap>,
        payload: Bytes,
    ) -> Result<u64, PublishError> {
        let mut message = PublishMessage::build().payload(payload);
        if let Some(headers) = headers {
            message = message.headers(headers);
        }
        self.send(subject, message).await
    }

    /// Publishes a message with conditions.
    pub async fn send(
        &self,
        subject: &str,
        message: PublishMessage,
    ) -> Result<u64, PublishError> {
        let subject = subject.to_owned();
        // A refusal by the server arrives with the acknowledgment, so wait for
        // the acknowledgment too.
        let stored =
            self.context.send_publish(subject, message).await?.await?;
        Ok(stored.sequence)
    }

    pub async fn jobs(&self) -> Result<Stream<()>, Error> {
        self.stream(&self.names.jobs_stream).await
    }

    pub async fn results(&self) -> Result<Stream<()>, Error> {
        self.stream(&self.names.results_stream).await
    }

    pub async fn dead(&self) -> Result<Stream<()>, Error> {
        self.stream(&self.names.dead_stream).await
    }

    async fn stream(&self, name: &str) -> Result<Stream<()>, Error> {
        let stream = self.context.get_stream_no_info(name).await;
        stream.map_err(|fault| self.unreachable(&fault))
    }

    /// The result of a job, if it has one.
    pub async fn result_of(
        &self,
        id: &str,
    ) -> Result<Option<Bytes>, Error> {
        let subject = self.names.result(id);
        let results = self.results().await?;
        match results.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => Ok(Some(message.payload)),
            Err(fault)
                if fault.kind()
                    == LastRawMessageErrorKind::NoMessageFound =>
            {
                Ok(None)
            }
            Err(fault) => Err(self.unreachable(&fault)),
        }
    }

    /// Returns a watch on the connection from now on.
    pub fn watch(&self) -> Watch {
        let mut state = self.state.clone();
        state.mark_unchanged();
        Watch(state)
    }

    /// Waits until there has been no connection for this long.
    pub async fn away_for(&self, limit: Duration) {
        let mut state = self.state.clone();
        loop {
            let now = *state.borrow_and_update();
            let too_long = async {
                match now {
                    State::Up => pending().await,
                    State::Down(since) => {
                        time::sleep_until(since + limit).await
                    }
                }
            };
            tokio::select! {
                () = too_long => return,
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }

    pub fn unreachable(&self, reason: &dyn Display) -> Error {
        Error::Unreachable {
            url: self.url.clone(),
            reason: reason.to_string(),
        }
    }
}

/// Notices each time the connection is restored.
#[derive(Debug)]
pub struct Watch(watch::Receiver<State>);

impl Watch {
    /// Waits until the connection has been restored since the last call.
    pub async fn restored(&mut self) {
        while self.0.changed().await.is_ok() {
            if *self.0.borrow_and_update() == State::Up {
                return;
            }
        }
        pending::<()>().await;
    }
}

/// Takes the name and the password from the URLs, which the client library does
/// not do. A name without a password is a token.
fn with_login_of(
    servers: &[ServerAddr],
    nats: ConnectOptions,
) -> ConnectOptions {
    let decoded = |text: &str| {
        let text = percent_encoding::percent_decode_str(text);
        text.decode_utf8_lossy().into_owned()
    };
    let login = servers.iter().find_map(|server| {
        let name = server.username()?;
        Some((decoded(name), server.password().map(decoded)))
    });
    match login {
        Some((name, Some(password))) => {
            nats.user_and_password(name, password)
        }
        Some((token, None)) => nats.token(token),
        None => nats,
    }
}

/// Returns true if another attempt to connect would fail in the same way.
fn is_final(fault: &ConnectError) -> bool {
    match fault.kind() {
        ConnectErrorKind::Authentication
        | ConnectErrorKind::AuthorizationViolation
        | ConnectErrorKind::ServerParse
        | ConnectErrorKind::Tls => true,
        // A certificate that is not trusted, for example.
        ConnectErrorKind::Io => {
            let source = std::error::Error::source(fault);
            let error = source.and_then(|error| error.downcast_ref());
            error.is_some_and(|error: &std::io::Error| {
                error.kind() == std::io::ErrorKind::InvalidData
            })
        }
        _ => false,
    }
}

/// Returns URLs as they may appear in a log: without names of users and passwords.
pub fn without_password(urls: &str) -> String {
    let without = |url: &str| match (url.split_once("://"), url.rfind('@'))
    {
        (Some((scheme, _)), Some(at)) => {
            format!("{scheme}://{}", &url[at + 1..])
        }
        _ => url.to_owned(),
    };
    urls.split(',').map(without).collect::<Vec<_>>().join(",")
}

/// Returns true if the server has refused a message because its stream is full.
pub fn is_full(fault: &PublishError) -> bool {
    /// "maximum messages exceeded" and "maximum bytes exceeded".
    const STORE_FAILED: u64 = 10_077;
    code(fault) == Some(STORE_FAILED)
}

/// Returns true if the server has refused a message because there is one with its
/// subject already.
pub fn is_second(fault: &PublishError) -> bool {
    fault.kind() == PublishErrorKind::WrongLastSequence
}

fn code(fault: &PublishError) -> Option<u64> {
    use async_nats::jetstream::Error;
    let source = std::error::Error::source(fault)?;
    Some(source.downcast_ref::<Error>()?.error_code().0)
}

/// The names of what a queue has on the server.
#[derive(Debug, Clone)]
pub struct Names {
    pub jobs_stream: String,
    pub results_stream: String,
    pub dead_stream: String,
    /// Subject of jobs.
    pub jobs: String,
    /// Subject of the ids of jobs to cancel. Not stored.
    pub cancel: String,
    queue: String,
}

impl Names {
    fn new(queue: &str) -> Result<Self, Error> {
        let valid = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        if queue.is_empty() || !queue.bytes().all(valid) {
            return Err(Error::Unsuitable(format!(
                "{queue:?} is not a name for a queue: use letters, digits, \
                 hyphens and underscores"
            )));
        }
        Ok(Self {
            jobs_stream: queue.to_owned(),
            results_stream: format!("{queue}-results"),
            dead_stream: format!("{queue}-dead"),
            jobs: format!("{queue}.jobs"),
            cancel: format!("{queue}.cancel"),
            queue: queue.to_owned(),
        })
    }

    /// Returns the subject of the result of a job, or of all jobs with this prefix.
    pub fn result(&self, id: &str) -> String {
        format!("{}.results.{id}", self.queue)
    }

    /// Returns the subject of a dead letter.
    pub fn dead(&self, id: &str) -> String {
        format!("{}.dead.{id}", self.queue)
    }
}
