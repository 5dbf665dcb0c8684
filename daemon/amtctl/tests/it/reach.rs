//! A daemon that cannot be reached, or does not answer: what is said, what helps, how the program ends.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::UnixListener,
    path::Path,
    process::Output,
    thread,
    time::Duration,
};

use amtd_proto::Problem;
use tonic::Code;

use crate::{
    daemon::{Daemon, Script},
    run::{amtctl, code, json, stderr},
};

fn status(socket: &Path) -> Output {
    amtctl(socket, &["status", "--json", "--timeout", "5s"]).output().unwrap()
}

/// The reason in the error document, which must be that of standard error as well.
fn reason(output: &Output) -> String {
    let document = json(output);
    assert_eq!(document["document"], "error");
    assert_eq!(document["exit_code"], code(output));
    let said = stderr(output);
    assert!(said.contains(document["sentence"].as_str().unwrap()), "{said}");
    assert!(said.contains(document["next_step"].as_str().unwrap()), "{said}");
    document["reason"].as_str().unwrap().to_owned()
}

#[test]
fn a_daemon_that_is_not_running_is_named_with_the_command_that_starts_it() {
    let directory = tempfile::tempdir().unwrap();
    let output = status(&directory.path().join("amtd.sock"));
    assert_eq!((code(&output), reason(&output).as_str()), (69, "SOCKET_MISSING"));
    assert!(stderr(&output).contains("systemctl start amtd"), "{}", stderr(&output));
}

#[test]
fn a_daemon_that_died_is_not_taken_for_one_that_was_never_started() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let output = status(&socket);
    assert_eq!((code(&output), reason(&output).as_str()), (69, "SOCKET_REFUSED"));
    assert!(stderr(&output).contains("journalctl -u amtd"), "{}", stderr(&output));
}

#[test]
fn a_file_in_the_place_of_the_socket_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    fs::write(&socket, "").unwrap();
    assert_eq!(reason(&status(&socket)), "NOT_A_SOCKET");
}

#[test]
fn another_program_on_the_socket_is_not_taken_for_the_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
        }
    });
    let output = status(&socket);
    assert_eq!((code(&output), reason(&output).as_str()), (69, "NOT_AMTD"));
}

#[test]
fn a_daemon_that_ends_in_the_middle_is_not_taken_for_another_program() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || listener.incoming().for_each(drop));
    let output = status(&socket);
    assert_eq!((code(&output), reason(&output).as_str()), (69, "CONNECTION_BROKEN"));
}

#[test]
fn a_daemon_that_does_not_answer_is_not_waited_for_without_end() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let output = amtctl(&socket, &["status", "--json", "--timeout", "200ms"]).output().unwrap();
    assert_eq!((code(&output), reason(&output).as_str()), (75, "NO_ANSWER"));
}

#[test]
fn a_refusal_of_the_daemon_arrives_whole() {
    let problem = Problem::new(
        Code::PermissionDenied,
        "NOT_PERMITTED",
        "Only members of amt-admin may do this.",
        "Become a member.",
    );
    let daemon = Daemon::start(Script { refuse: Some(problem), ..Script::default() });
    let output = status(&daemon.socket());
    assert_eq!((code(&output), reason(&output).as_str()), (77, "NOT_PERMITTED"));
    let said = stderr(&output);
    assert!(said.contains("Only members of amt-admin") && said.contains("Become a member."), "{said}");
}

#[test]
fn a_pause_that_the_daemon_asks_for_is_passed_on() {
    let problem = Problem::new(Code::ResourceExhausted, "QUEUE_FULL", "The queue is full.", "");
    let problem = problem.retry_after(Duration::from_secs(3));
    let daemon = Daemon::start(Script { refuse: Some(problem), ..Script::default() });
    let output = amtctl(&daemon.socket(), &["jobs", "--json"]).output().unwrap();
    assert_eq!((code(&output), &json(&output)["retry_after_seconds"]), (75, &serde_json::json!(3.0)));
}

#[test]
fn a_command_line_that_makes_no_sense_has_a_code_of_its_own() {
    let nowhere = Path::new("/nonexistent/amtd.sock");
    for arguments in [&["nonsense"][..], &["activate"], &["configure", "amtfeatures"], &["jobs", "show"]] {
        let output = amtctl(nowhere, arguments).output().unwrap();
        assert_eq!((code(&output), output.stdout.len()), (64, 0), "{arguments:?}");
    }
}
