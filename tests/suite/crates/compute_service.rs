//! The compute service: the answers that its page shows.

use std::process::{Command, Stdio};

use testbed::Child;
use testbed::http::{Answer, Connection};
use tests::{assert_snapshot, build, example, runtime};

/// Allows a sum that takes hours.
const LARGE: [&str; 2] = ["--max-n", "10000000000000"];
const FOREVER: &str = "/compute/10000000000000";

/// A service that listens. It is killed when this is dropped.
struct Service {
    _child: Child,
    address: String,
}

impl Service {
    fn start(options: &[&str]) -> Self {
        // On a thread of its own: this one runs a runtime.
        let service = std::thread::spawn(|| build("compute-service"));
        let mut command = Command::new(service.join().unwrap().executable);
        command.args(["--port", "0"]).args(options);
        let child = Child::start(command.stdin(Stdio::null()).stdout(Stdio::piped()));
        let mut child = child.unwrap();
        let address =
            child.wait_for(|line| Some(line.strip_prefix("Listening on http://")?.to_owned()));
        Self { address: address.unwrap(), _child: child }
    }

    async fn connect(&self) -> Connection {
        Connection::open(&self.address).await.unwrap()
    }

    async fn get(&self, path: &str) -> Answer {
        self.connect().await.get(path).await.unwrap()
    }
}

#[test]
fn a_session() {
    runtime().block_on(async {
        let service = Service::start(&["--workers", "2"]);
        let mut connection = service.connect().await;
        let mut text = "in order:\n".to_owned();
        for path in [
            "/compute/10",
            "/compute/0",
            "/compute/-5",
            "/compute/10000000",
            "/compute/abc",
            "/compute/1000000001",
            "/health",
            "/ready",
        ] {
            let answer = connection.get(path).await.unwrap();
            text += &format!("  GET {path} -> {} {}\n", answer.status, answer.body);
        }

        let bounds = ["--workers", "1", "--queue", "0", "--deadline", "3600"];
        let service = Service::start(&[&LARGE[..], &bounds].concat());
        let mut job = service.connect().await;
        job.send(FOREVER).await.unwrap();
        while !service.get("/health").await.body.contains(r#""running":1"#) {}
        let answer = service.get("/compute/10").await;
        text += "  # with --workers 1 --queue 0, while a job is running:\n";
        text += &format!("  GET /compute/10 -> {} {}\n", answer.status, answer.body);

        let service = Service::start(&[&LARGE[..], &["--deadline", "0.2"]].concat());
        let answer = service.get(FOREVER).await;
        text += "  # with --deadline 0.2:\n";
        text += &format!("  GET {FOREVER} -> {} {}\n", answer.status, answer.body);
        assert_snapshot("compute-service", &text);
    });
}

/// The variants that the page offers: each offloads as its name says, and gives the same answers.
#[test]
fn every_variant_answers() {
    runtime().block_on(async {
        assert_snapshot("compute-service--inline", &session_of("inline").await);
        assert_snapshot("compute-service--spawn-blocking", &session_of("spawn-blocking").await);
        assert_snapshot("compute-service--rayon", &session_of("rayon").await);
        assert_snapshot("compute-service--processes", &session_of("processes").await);
    });
}

async fn session_of(variant: &str) -> String {
    let declared = example("compute-service").variant(variant).unwrap();
    let [option, way] = declared.example.arguments() else { panic!("{declared:?}") };
    assert_eq!((option.as_str(), way.as_str()), ("--offload", variant));
    let answer = Service::start(&[option, way]).get("/compute/10").await;
    format!("in order:\n  GET /compute/10 -> {} {}\n", answer.status, answer.body)
}
