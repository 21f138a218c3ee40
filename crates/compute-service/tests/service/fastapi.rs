//! FastAPI's service and ours get the same requests, and give the same answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testbed::http::{Connection, encode};
use testbed::{Child, has, skip};

use crate::service::Service;
use crate::{output, runtime, within};

#[test]
fn answers_are_those_of_fastapi() {
    let Some(python) = python_with_fastapi() else { return };
    runtime().block_on(async {
        let (_uvicorn, address) = uvicorn(&python);
        let ours = Service::start("rayon", &["--max-n", "10000000"]).await;
        let mut ours = ours.connect().await;
        let mut theirs = Connection::open(&address).await.unwrap();

        let mut compared = BTreeMap::new();
        for path in paths() {
            let our = within(ours.get(&path)).await.unwrap();
            let their = within(theirs.get(&path)).await.unwrap();
            let content_type = our.header("content-type");
            assert_eq!(
                (our.status, &our.body, content_type),
                (their.status, &their.body, their.header("content-type")),
                "{path}"
            );
            *compared.entry(our.status).or_insert(0) += 1;
        }
        // Each kind was compared often enough to mean something.
        for (status, min) in [(200, 60), (422, 40), (404, 5)] {
            assert!(compared[&status] >= min, "{compared:?}");
        }

        // The documented difference: FastAPI also accepts these.
        for number in [" 10", "10 ", "1_0", "10.0", "0_10"] {
            let path = format!("/compute/{}", encode(number));
            let our = within(ours.get(&path)).await.unwrap();
            let their = within(theirs.get(&path)).await.unwrap();
            assert_eq!((our.status, their.status), (422, 200), "{path}");
        }
    });
}

/// Returns a Python that has FastAPI, unless there is none.
fn python_with_fastapi() -> Option<PathBuf> {
    let python = std::env::var_os("PYTHON_WITH_FASTAPI");
    let python = PathBuf::from(python.unwrap_or("python3".into()));
    if !has(&python) {
        return None;
    }
    // Not imported, which takes longer than most of the comparison.
    let find = "import sys; from importlib.util import find_spec\n\
                sys.exit(not all(map(find_spec, \
                ['fastapi', 'httptools', 'uvicorn', 'uvloop'])))";
    if !output(Command::new(&python).args(["-c", find])).status.success() {
        skip("PYTHON_WITH_FASTAPI (see .ci/run)");
        return None;
    }
    Some(python)
}

/// Starts FastAPI's service, and returns it with its address.
fn uvicorn(python: &Path) -> (Child, String) {
    let mut uvicorn = Command::new(python);
    uvicorn
        .args(["-B", "-m", "uvicorn", "--port", "0", "compute_service:app"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut uvicorn = Child::start(&mut uvicorn).unwrap();
    for line in uvicorn.lines() {
        if let Some((_, rest)) = line.split_once("running on http://") {
            let address = rest.split(' ').next().unwrap();
            return (uvicorn, address.to_owned());
        }
    }
    panic!("uvicorn does not start")
}

/// Returns paths with numbers of all sizes, with texts that are not numbers, and
/// with other routes.
fn paths() -> Vec<String> {
    let mut inputs = Vec::new();
    let powers =
        [0, 1, 10, 31, 32, 53, 63, 64, 127].map(|bits| 1_u128 << bits);
    let numbers =
        powers.iter().flat_map(|power| [power - 1, *power, power + 1]);
    for number in numbers.chain([3_810_778, 3_810_779, 10_000_000]) {
        // Of the large ones only those below zero, which are sums of nothing.
        inputs.push(format!("-{number}"));
        if number <= 10_000_000 {
            inputs.push(number.to_string());
        }
        // Python takes up to a second for the sum of a large one.
        if number <= 10_000 {
            inputs.push(format!("+{number}"));
            inputs.push(format!("00{number}"));
        }
        inputs.push(format!("{number}x"));
    }
    inputs.extend(NOT_NUMBERS.map(str::to_owned));
    let computes =
        inputs.iter().map(|it| format!("/compute/{}", encode(it)));
    let others = [
        "/compute/10?n=5",
        "/compute/1%2",
        "/compute/1/2",
        "/compute/",
        "/compute",
        "/computer/1",
        "/",
        "/nothing",
    ];
    computes.chain(others.map(str::to_owned)).collect()
}

const NOT_NUMBERS: [&str; 36] = [
    " ", "+", "-", ".", "_", "+-1", "-+1", "--1", "1-", "_1", "1_", "1__0",
    "1.5", ".0", "1.0.0", "1e3", "0x10", "0b1", "abc", "a1", "1 0",
    "1,000", "nan", "inf", "true", "None", "\"10\"", "[1]", "{}", "٣",
    "１２", "²", "½", "−1", "😀", "\\",
];
