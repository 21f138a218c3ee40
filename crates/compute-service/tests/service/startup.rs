//! Arguments, ports and limits that the service refuses.

#[cfg(unix)]
use std::process::Command;

#[cfg(unix)]
use crate::{SERVICE, output};
use crate::{lines, service_output};

#[test]
fn wrong_arguments_are_refused() {
    let cases: [&[&str]; 22] = [
        &["--port", "x"],
        &["--port", "65536"],
        &["--port", "-1"],
        &["--port"],
        &["--host", "nowhere"],
        &["--offload", "threads"],
        &["--workers", "0"],
        &["--workers", "1001"],
        &["--workers", "two"],
        &["--queue", "-1"],
        &["--queue", "1000001"],
        &["--deadline", "0"],
        &["--deadline", "-1"],
        &["--deadline", "nan"],
        &["--deadline", "1h"],
        &["--drain", "-1"],
        &["--drain", "86401"],
        &["--grace", "0"],
        &["--max-n", "10069012961346"],
        &["--nice", "20"],
        &["--unknown"],
        &["extra"],
    ];
    for arguments in cases {
        let output = service_output(arguments);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{arguments:?}: {output:?}"
        );
        assert!(output.stdout.is_empty(), "{output:?}");
        let first = lines(&output.stderr)[0];
        assert!(first.starts_with("error: "), "{arguments:?}: {first}");
    }
}

#[test]
fn a_port_in_use_is_said_in_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = service_output(&["--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    let errors = lines(&output.stderr);
    let start = format!(
        "error: cannot listen on 127.0.0.1:{port}; --port chooses another port: "
    );
    assert!(
        matches!(errors[..], [line] if line.starts_with(&start)),
        "{errors:?}"
    );
}

#[cfg(unix)]
#[test]
fn too_low_a_limit_of_open_files_is_said_in_one_line() {
    let command = r#"ulimit -n 40 && exec "$0" --port 0 --offload processes --workers 3"#;
    let output = output(Command::new("sh").args(["-c", command, SERVICE]));
    assert_eq!(output.status.code(), Some(1));
    let errors = lines(&output.stderr);
    let start = "error: the limit of 40 open files leaves no room for connections; ";
    assert!(
        matches!(errors[..], [line] if line.starts_with(start)),
        "{errors:?}"
    );
}
