//! A client and a server: connections, timeouts, files, a database.

use harness::run::Stream;
use tests::transcript_of;

/// A hundred requests open three connections. A request that is canceled takes its connection with
/// it, so that the fourth one is opened, and no later request reads an answer of an earlier one.
#[test]
fn connection_pool() {
    let output = transcript_of("connection-pool").check();
    let opened = output.of(Stream::Stdout).filter(|line| *line == "Server: a new connection");
    assert_eq!(opened.count(), 4);
}

/// In each case two of the limits are far away, so that only the third one can end the request.
#[test]
fn timeouts() {
    transcript_of("timeouts").check();
}

/// The file is read only after the job has left the only thread for blocking calls.
#[test]
fn async_files() {
    transcript_of("async-files").check();
}

/// The query never ends on its own. So the service has answered while it ran, and the database is
/// free for the last request only because the query was stopped.
#[test]
fn database_service() {
    transcript_of("database-service").check();
}

/// At no point have more requests started than there were tokens.
#[test]
fn rate_limiter() {
    let output = transcript_of("rate-limiter").check();
    let (mut tokens, mut requests) = (3, 0);
    for line in output.of(Stream::Stdout) {
        if line.starts_with("Bucket") {
            tokens += 1;
        } else {
            requests += 1;
        }
        assert!(requests <= tokens, "{:#?}", output.lines);
    }
    assert_eq!(requests, 6);
}
