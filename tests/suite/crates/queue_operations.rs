//! What an operator of the queue uses: the files that the page about it shows, and the command for
//! dead letters.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::LazyLock;

use async_nats::HeaderMap;
use async_nats::jetstream;
use harness::run::Program;
use job_queue::{ConnectOptions, Error, Options, Queue};
use rustix::process::{Signal, kill_process};
use tests::nats::{Nats, certificate};
use tests::pool::Task;
use tests::{LIMIT, WORKSPACE, has, is_there, runtime};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

/// Built on a thread of its own: a test may ask for it inside its runtime.
static SERVICE: LazyLock<Program> = LazyLock::new(|| {
    std::thread::spawn(|| tests::package("compute-service", &[]))
        .join()
        .expect("the service is built")
});

/// A file of the service's folder `deploy`.
fn deployed(name: &str) -> String {
    fs::read_to_string(WORKSPACE.root.join("crates/compute-service/deploy").join(name)).unwrap()
}

async fn output(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    timeout(LIMIT, output).await.expect("it ends").expect("it starts")
}

/// The server's configuration, with files in this folder.
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
fn the_servers_configuration_is_valid_and_lets_only_those_in_who_know_the_password() {
    let folder = tempfile::tempdir().unwrap();
    if !has(Path::new("nats-server")) || !certificate(folder.path()) {
        return;
    }
    runtime().block_on(async {
        let config = folder.path().join("checked.conf");
        fs::write(&config, configuration(folder.path())).unwrap();
        let check = async |password: Option<&str>| {
            let mut command = Command::new("nats-server");
            command.arg("-c").arg(&config).arg("-t").env_remove("QUEUE_PASSWORD");
            command.envs(password.map(|password| ("QUEUE_PASSWORD", password)));
            output(&mut command).await
        };
        let checked = check(Some("secret")).await;
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
        assert!(!check(None).await.status.success(), "no password");

        let nats = configured(folder.path()).unwrap();
        let options = |url: String| {
            let trusts =
                ConnectOptions::new().add_root_certificates(folder.path().join("cert.pem"));
            Options { url, nats: trusts, ..Options::default() }
        };
        let url = format!("tls://queue:secret@{}", nats.address);
        let queue = Queue::<Task>::connect(options(url.clone())).await.unwrap();
        for wrong in [nats.url(), url.replace("secret", "wrong")] {
            let refused = Queue::<Task>::connect(options(wrong)).await;
            assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
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
        let values = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
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
            let program = SERVICE.executable.to_str().unwrap();
            fs::write(&file, unit.replace(words[0], program)).unwrap();
            let checked = output(Command::new("systemd-analyze").arg("verify").arg(&file)).await;
            let said = String::from_utf8_lossy(&checked.stderr);
            // It accepts what it does not know, but says so.
            assert!(checked.status.success() && !said.contains("compute-worker"), "{said}");
        }

        let nats = configured(folder.path()).unwrap();
        let certificate = folder.path().join("cert.pem");
        let arguments = words[1..].iter().map(|word| match *word {
            "/etc/compute/ca.pem" => certificate.to_str().unwrap(),
            "9100" => "0",
            word => word,
        });
        let mut worker = Command::new(&SERVICE.executable)
            .args(arguments)
            .env("NATS_URL", format!("tls://queue:secret@{}", nats.address))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
        let mut line = async || timeout(LIMIT, lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(line().await.starts_with("Metrics on http://127.0.0.1:"));
        // The password is in no log.
        assert_eq!(line().await, format!("Waiting for jobs on tls://{}", nats.address));
        kill_process(tests::processes::id(worker.id().unwrap()), Signal::TERM).unwrap();
        let ended = timeout(LIMIT, worker.wait()).await.unwrap().unwrap();
        assert_eq!(ended.code(), Some(0));
    });
}

/// The headers of a job of the compute service.
fn headers(id: &str, job_type: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [("Job-Format", "1"), ("Job-Id", id), ("Job-Type", job_type)] {
        headers.insert(name, value);
    }
    headers
}

#[test]
fn dead_letters_are_listed_sent_again_and_deleted_by_a_command() {
    let Some(nats) = Nats::start() else { return };
    runtime().block_on(async {
        let command = async |arguments: &[&str]| {
            let mut command = Command::new(&SERVICE.executable);
            command.args(["dead-letters", "--nats", &nats.url()]).args(arguments);
            let output = output(&mut command).await;
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (output.status.code(), text(output.stdout), text(output.stderr))
        };
        let failed = |reason: &str| (Some(1), String::new(), format!("error: {reason}\n"));
        let done = |text: String| (Some(0), text, String::new());
        let server = jetstream::new(async_nats::connect(nats.url()).await.unwrap());

        let no_queue = r#"the NATS server cannot be used: it has no queue named "compute""#;
        assert_eq!(command(&[]).await, failed(no_queue));
        assert!(server.get_stream("compute-dead").await.is_err(), "it has created one");

        let worker = Command::new(&SERVICE.executable)
            .args(["worker", "--nats", &nats.url(), "--workers", "1"])
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let dead = async {
            loop {
                match server.get_stream("compute-dead").await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        let dead = timeout(LIMIT, dead).await.expect("the worker creates the queue");
        assert_eq!(command(&["list"]).await, done("No dead letters\n".into()));

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
        let (code, list, _) = command(&[]).await;
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

        let (code, sent, _) = command(&["send-again", "some.1"]).await;
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

        assert_eq!(command(&["delete", "some.2"]).await, done("Deleted some.2\n".into()));
        assert_eq!(command(&["list"]).await, done("No dead letters\n".into()));
        assert_eq!(dead.get_info().await.unwrap().state.messages, 0);
        for action in ["send-again", "delete"] {
            let missing = r#"there is no dead letter "some.2"; `dead-letters list` shows all"#;
            assert_eq!(command(&[action, "some.2"]).await, failed(missing));
        }
        drop(worker);
    });
}
