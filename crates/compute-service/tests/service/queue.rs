//! The service on a queue, and what an operator of the queue uses: the files in
//! `deploy`, and the command for dead letters.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use async_nats::HeaderMap;
use async_nats::jetstream;
use job_queue::{ConnectOptions, Error, Job, JobResult, Options, Queue};
use serde::{Deserialize, Serialize};
use testbed::http::Connection;
use testbed::nats::{Nats, certificate};
use testbed::processes::Signal;
use testbed::{Child, LIMIT, has, is_there};
use tokio::time::{sleep, timeout};

use crate::service::Service;
use crate::{
    PAUSE, SERVICE, lines, output, runtime, service_output, within,
};

/// The queue's server may be away. A client then gets a 503 or a 504, and never waits forever.
#[test]
fn a_queue_that_is_away_is_a_503_or_a_504() {
    if !has(Path::new("nats-server")) {
        return;
    }
    runtime().block_on(async {
        let mut service =
            Service::start("nats", &["--deadline", "0.5"]).await;
        service.engine.as_mut().unwrap().0.kill();
        assert_eq!(service.get("/compute/10").await.status, 504);
        service.engine.as_mut().unwrap().0.restart();
        let answered = async {
            while service.get("/compute/10").await.status != 200 {
                sleep(PAUSE).await;
            }
        };
        within(answered).await;

        let url = "nats://127.0.0.1:1";
        let arguments = ["--port", "0", "--offload", "nats", "--nats", url];
        let output = service_output(&arguments);
        assert_eq!(output.status.code(), Some(1));
        let errors = lines(&output.stderr);
        let start =
            format!("error: the NATS server at {url} cannot be reached: ");
        assert!(
            matches!(errors[..], [line] if line.starts_with(&start)),
            "{errors:?}"
        );
    });
}

/// A request has one id, from the service's log to the worker's, and both tell their figures.
#[test]
fn a_request_can_be_followed_to_the_worker_that_ran_its_job() {
    if !has(Path::new("nats-server")) {
        return;
    }
    runtime().block_on(async {
        let mut service = Service::start("nats", &["--verbose"]).await;
        assert_eq!(
            service.get("/compute/10").await.body,
            r#"{"result":285}"#
        );
        let (nats, worker) = service.engine.take().unwrap();
        let figures = service.get("/metrics").await.body;
        assert!(
            figures.contains("job_queue_submitted_total 1"),
            "{figures}"
        );
        assert!(figures.contains("job_queue_depth "), "{figures}");
        let mut connection =
            within(Connection::open(&worker.metrics)).await.unwrap();
        // The worker counts the job once the server has stored the result, which the client may have
        // by then.
        let counted = async {
            let one = r#"job_worker_finished_total{outcome="done"} 1"#;
            while !connection
                .get("/metrics")
                .await
                .unwrap()
                .body
                .contains(one)
            {
                sleep(PAUSE).await;
            }
        };
        within(counted).await;
        drop(connection);

        service.child.signal(Signal::TERM).unwrap();
        worker.child.signal(Signal::TERM).unwrap();
        let (status, worker) = worker.end().await;
        assert_eq!(status.code(), Some(0));
        let (_, service) = service.end().await;
        let id = service
            .split("request{id=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let line =
            worker.lines().find(|line| line.contains("done in ")).unwrap();
        assert!(line.contains(&format!("trace=\"{id}\"")), "{line}");
        drop(nats);
    });
}

/// Returns a file of the folder `deploy`.
fn deployed(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy");
    fs::read_to_string(folder.join(name)).unwrap()
}

/// A job, of a queue that runs none.
#[derive(Debug, Serialize, Deserialize)]
struct Nothing;

impl Job for Nothing {
    type Output = ();

    fn run(self) -> JobResult<()> {
        Ok(())
    }
}

/// Returns the server's configuration, with files in this folder.
fn configuration(folder: &Path) -> String {
    let path = folder.to_str().unwrap();
    let store = folder.join("data");
    deployed("nats.conf")
        .replace("/etc/nats", path)
        .replace("/var/lib/nats", store.to_str().unwrap())
}

/// A server with the configuration of the page, and the password `secret`.
fn configured(folder: &Path) -> Option<Nats> {
    let config = folder.join("nats.conf");
    // The server would take it from the environment next.
    let text = format!("QUEUE_PASSWORD: secret\n{}", configuration(folder));
    fs::write(&config, text).unwrap();
    Nats::start_with(&["-c", config.to_str().unwrap()])
}

#[test]
fn the_servers_configuration_is_valid_and_lets_only_those_in_who_know_the_password()
 {
    let folder = tempfile::tempdir().unwrap();
    if !has(Path::new("nats-server")) || !certificate(folder.path()) {
        return;
    }
    runtime().block_on(async {
        let config = folder.path().join("checked.conf");
        fs::write(&config, configuration(folder.path())).unwrap();
        let check = |password: Option<&str>| {
            let mut command = Command::new("nats-server");
            command
                .arg("-c")
                .arg(&config)
                .arg("-t")
                .env_remove("QUEUE_PASSWORD");
            command.envs(
                password.map(|password| ("QUEUE_PASSWORD", password)),
            );
            output(&mut command)
        };
        let checked = check(Some("secret"));
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stderr)
        );
        assert!(!check(None).status.success(), "no password");

        let nats = configured(folder.path()).unwrap();
        let options = |url: String| {
            let trusts = ConnectOptions::new()
                .add_root_certificates(folder.path().join("cert.pem"));
            Options { url, nats: trusts, ..Options::default() }
        };
        let url = format!("tls://queue:secret@{}", nats.address);
        let queue =
            Queue::<Nothing>::connect(options(url.clone())).await.unwrap();
        for wrong in [nats.url(), url.replace("secret", "wrong")] {
            let refused = Queue::<Nothing>::connect(options(wrong)).await;
            assert!(
                matches!(refused, Err(Error::Refused { .. })),
                "{refused:?}"
            );
        }
        drop(queue);
    });
}

#[test]
fn the_workers_unit_is_valid_and_its_command_line_starts_a_worker() {
    let folder = tempfile::tempdir().unwrap();
    if !has(Path::new("nats-server")) || !certificate(folder.path()) {
        return;
    }
    let unit = deployed("compute-worker.service");
    let setting = |name: &str| {
        let values = unit
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let values: Vec<_> = values.collect();
        let [value] = values[..] else { panic!("{name}: {values:?}") };
        value.to_owned()
    };
    let command = setting("ExecStart");
    let words: Vec<_> = command.split_whitespace().collect();
    let grace = words.iter().position(|word| *word == "--grace").unwrap();
    let grace: u64 = words[grace + 1].parse().unwrap();
    assert!(setting("TimeoutStopSec").parse::<u64>().unwrap() > grace);

    runtime().block_on(async {
        if is_there(Path::new("systemd-analyze")) {
            let file = folder.path().join("compute-worker.service");
            // It checks that the program exists.
            let program = SERVICE;
            fs::write(&file, unit.replace(words[0], program)).unwrap();
            let checked = output(
                Command::new("systemd-analyze").arg("verify").arg(&file),
            );
            let said = String::from_utf8_lossy(&checked.stderr);
            // It accepts what it does not know, but says so.
            assert!(
                checked.status.success()
                    && !said.contains("compute-worker"),
                "{said}"
            );
        }

        let nats = configured(folder.path()).unwrap();
        let certificate = folder.path().join("cert.pem");
        let arguments = words[1..].iter().map(|word| match *word {
            "/etc/compute/ca.pem" => certificate.to_str().unwrap(),
            "9100" => "0",
            word => word,
        });
        let mut command = Command::new(SERVICE);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        let url = format!("tls://queue:secret@{}", nats.address);
        let mut worker =
            Child::start(command.env("NATS_URL", url)).unwrap();
        let line = worker.line().unwrap();
        assert!(line.starts_with("Metrics on http://127.0.0.1:"), "{line}");
        // The password is in no log.
        let expected =
            format!("Waiting for jobs on tls://{}", nats.address);
        assert_eq!(worker.line().unwrap(), expected);
        worker.signal(Signal::TERM).unwrap();
        let ended = worker.wait_within(LIMIT).unwrap().expect("it ends");
        assert_eq!(ended.code(), Some(0));
    });
}

/// The headers of a job of the compute service.
fn headers(id: &str, job_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("Job-Format", "1"), ("Job-Id", id), ("Job-Type", job_type)]
    {
        headers.insert(name, value);
    }
    headers
}

#[test]
fn dead_letters_are_listed_sent_again_and_deleted_by_a_command() {
    let Some(nats) = Nats::start() else { return };
    runtime().block_on(async {
        let command = |arguments: &[&str]| {
            let mut command = Command::new(SERVICE);
            command.args(["dead-letters", "--nats", &nats.url()]).args(arguments);
            let output = output(&mut command);
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code(), text(output.stdout), text(output.stderr))
        };
        let failed = |reason: &str| (Some(1), String::new(), format!("error: {reason}\n"));
        let done = |text: String| (Some(0), text, String::new());
        let server = jetstream::new(async_nats::connect(nats.url()).await.unwrap());

        let no_queue = r#"the NATS server cannot be used: it has no queue named "compute""#;
        assert_eq!(command(&[]), failed(no_queue));
        assert!(server.get_stream("compute-dead").await.is_err(), "it has created one");

        let mut worker = Command::new(SERVICE);
        worker.args(["worker", "--nats", &nats.url(), "--workers", "1"]);
        let worker = Child::start(worker.stdout(Stdio::null())).unwrap();
        let dead = async {
            loop {
                match server.get_stream("compute-dead").await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let dead = timeout(LIMIT, dead).await.expect("the worker creates the queue");
        assert_eq!(command(&["list"]), done("No dead letters\n".into()));

        let ours = "compute_service::compute::SumOfSquares";
        for (id, job_type, reason) in [
            ("some.1", ours, "its process died (signal: 9 (SIGKILL)), in 5 deliveries"),
            ("some.2", "other", "no worker for jobs of type other, in 5 deliveries"),
        ] {
            let mut headers = headers(id, job_type);
            headers.insert("Dead-Reason", reason);
            headers.insert("Dead-Deliveries", "5");
            let subject = format!("compute.dead.{id}");
            let sent = server.publish_with_headers(subject, headers, vec![10].into()).await;
            sent.unwrap().await.unwrap();
        }
        let (code, list, _) = command(&[]);
        assert_eq!(code, Some(0));
        let lines: Vec<Vec<&str>> =
            list.lines().map(|line| line.splitn(3, "  ").collect()).collect();
        let [[id, since, first], [other, _, second]] =
            [0, 1].map(|line| <[&str; 3]>::try_from(lines[line].clone()).unwrap());
        assert_eq!((lines.len(), id, other), (2, "some.1", "some.2"));
        assert!(since.starts_with("20") && since.ends_with('Z'), "{since}");
        assert_eq!(first, "n = 10: its process died (signal: 9 (SIGKILL)), in 5 deliveries");
        let expected = "a job of type other: no worker for jobs of type other, in 5 deliveries";
        assert_eq!(second, expected);

        let (code, sent, _) = command(&["send-again", "some.1"]);
        let again = sent.strip_prefix("Sent again as the job ").unwrap().trim_end();
        assert_eq!(code, Some(0));
        // The worker does it, and stores the result.
        let results = server.get_stream("compute-results").await.unwrap();
        let subject = format!("compute.results.{again}");
        let result = async {
            loop {
                match results.get_last_raw_message_by_subject(&subject).await {
                    Ok(message) => return message.payload,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let result = timeout(LIMIT, result).await.expect("it is done");
        // The first variant is `Done`. Its bytes end with the sum of the squares below 10, which is
        // 285, with seven bits in each byte.
        assert_eq!((result[0], &result[result.len() - 2..]), (0, &[0x9d, 0x02][..]));

        assert_eq!(command(&["delete", "some.2"]), done("Deleted some.2\n".into()));
        assert_eq!(command(&["list"]), done("No dead letters\n".into()));
        assert_eq!(dead.get_info().await.unwrap().state.messages, 0);
        for action in ["send-again", "delete"] {
            let missing = r#"there is no dead letter "some.2"; `dead-letters list` shows all"#;
            assert_eq!(command(&[action, "some.2"]), failed(missing));
        }
        drop(worker);
    });
}
