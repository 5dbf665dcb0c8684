//! A daemon that cannot be reached, or does not answer: what is said, what helps, how the program ends.

use std::{
    fs,
    io::{Read, Write},
    os::unix::net::{UnixListener, UnixStream},
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
fn a_call_that_breaks_off_at_once_is_not_said_to_have_been_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::spawn(move || cancel_calls(stream.unwrap()));
        }
    });
    let output = status(&socket);
    assert_eq!((code(&output), reason(&output).as_str()), (69, "CONNECTION_BROKEN"));
}

/// Serves a connection of HTTP/2 on which every request is cancelled.
fn cancel_calls(mut stream: UnixStream) {
    /// An empty frame of settings, and one that resets the first stream because it was cancelled.
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    const CANCELLED: &[u8] = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08";
    // A client that has gone needs no answer.
    let _ = stream.write_all(SETTINGS);
    let (mut said, mut part) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = stream.read(&mut part) {
        said.extend_from_slice(&part[..count]);
        if has_headers(&said) {
            let _ = stream.write_all(CANCELLED);
        }
    }
}

/// Whether a client of HTTP/2 that has said so much has begun a request.
fn has_headers(said: &[u8]) -> bool {
    const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();
    const HEAD: usize = 9;
    const HEADERS: u8 = 1;
    let mut frames = said.get(PREFACE..).unwrap_or_default();
    while let [high, middle, low, kind, ..] = *frames {
        if kind == HEADERS {
            return true;
        }
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        frames = frames.get(HEAD + length..).unwrap_or_default();
    }
    false
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

#[test]
fn a_command_line_that_makes_no_sense_is_told_to_programs_too() {
    let nowhere = Path::new("/nonexistent/amtd.sock");
    for arguments in [&["nonsense", "--json"][..], &["activate", "-j"], &["jobs", "show", "--json"]] {
        let output = amtctl(nowhere, arguments).output().unwrap();
        let document = json(&output);
        assert_eq!((code(&output), &document["reason"]), (64, &"USAGE".into()), "{arguments:?}");
        let sentence = document["sentence"].to_string();
        assert!(!sentence.contains("error:") && !sentence.contains("Usage:"), "{sentence}");
    }
}

#[test]
fn help_that_cannot_be_written_is_not_called_done() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = amtctl(Path::new("/nonexistent/amtd.sock"), &["--help"]);
    assert_eq!(command.stdout(full).status().unwrap().code(), Some(74));
}
