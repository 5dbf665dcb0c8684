use std::{fs, os::unix::fs::PermissionsExt};

use nix::pty::openpty;
use tempfile::TempDir;

use super::*;

const CANARY: &str = "c4n4ry-P@ssw0rd";

fn nothing(_: &str) -> Option<OsString> {
    None
}

fn secrets<'a>(variable: &'a dyn Fn(&str) -> Option<OsString>, stdin: &'a str) -> Secrets<'a> {
    Secrets { variable, stdin: Box::new(stdin.as_bytes()), terminal: None, warnings: Vec::new() }
}

fn file(directory: &TempDir, content: &str) -> PathBuf {
    let path = directory.path().join("secret");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

#[test]
fn the_end_of_the_line_is_not_part_of_the_password() {
    let directory = tempfile::tempdir().unwrap();
    for content in [CANARY.to_owned(), format!("{CANARY}\n"), format!("{CANARY}\r\nmore\n")] {
        let path = file(&directory, &content);
        let found = secrets(&nothing, "").need(&PASSWORD, Some(&path), Prompt::Once).unwrap();
        assert_eq!(found.value, CANARY.as_bytes());
    }
}

#[test]
fn only_the_password_of_a_certificate_may_be_empty() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, "\n");
    let variable = |_: &str| Some(OsString::new());
    let mut secrets = secrets(&variable, "");
    assert_eq!(secrets.find(&CERTIFICATE_PASSWORD, None).unwrap().unwrap().value, b"");
    assert_eq!(secrets.find(&CERTIFICATE_PASSWORD, Some(&path)).unwrap().unwrap().value, b"");
    assert!(secrets.find(&PASSWORD, None).unwrap().is_none());
    assert!(matches!(secrets.find(&PASSWORD, Some(&path)), Err(SecretError::Empty { .. })));
}

#[test]
fn each_secret_takes_one_line_of_standard_input() {
    let mut secrets = secrets(&nothing, "first\r\nsecond\nrest");
    let dash = Some(Path::new("-"));
    assert_eq!(secrets.need(&PASSWORD, dash, Prompt::Once).unwrap().value, b"first");
    assert_eq!(secrets.need(&NEW_PASSWORD, dash, Prompt::Twice).unwrap().value, b"second");
    let mut rest = String::new();
    secrets.stdin.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "rest");
}

#[test]
fn a_file_wins_over_a_credential_and_a_credential_over_the_environment() {
    let directory = tempfile::tempdir().unwrap();
    let named = file(&directory, "from file");
    let credentials = tempfile::tempdir().unwrap();
    fs::write(credentials.path().join("amt-password"), "from credential").unwrap();
    let place = credentials.path().as_os_str().to_owned();
    let variable = |name: &str| match name {
        "CREDENTIALS_DIRECTORY" => Some(place.clone()),
        "AMT_PASSWORD" => Some("from environment".into()),
        _ => None,
    };
    let mut secrets = secrets(&variable, "");
    assert_eq!(secrets.find(&PASSWORD, Some(&named)).unwrap().unwrap().value, b"from file");
    assert_eq!(secrets.find(&PASSWORD, None).unwrap().unwrap().value, b"from credential");
    fs::remove_file(credentials.path().join("amt-password")).unwrap();
    assert_eq!(secrets.find(&PASSWORD, None).unwrap().unwrap().value, b"from environment");
    assert!(secrets.find(&MEBX_PASSWORD, None).unwrap().is_none());
}

#[test]
fn without_terminal_a_missing_secret_is_an_error_that_names_the_ways() {
    let error = secrets(&nothing, "").need(&PASSWORD, None, Prompt::Once).unwrap_err();
    let way = error.next_step();
    for expected in ["--password-file", "amt-password", "AMT_PASSWORD"] {
        assert!(way.contains(expected), "{way}");
    }
}

#[test]
fn a_secret_that_others_can_read_is_warned_of() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(&directory, CANARY);
    let mut secrets = secrets(&nothing, "");
    secrets.find(&PASSWORD, Some(&path)).unwrap();
    assert!(secrets.take_warnings().is_empty());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    secrets.find(&PASSWORD, Some(&path)).unwrap();
    let warnings = secrets.take_warnings();
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("every local user") && !one.contains(CANARY))
    );
}

#[test]
fn no_error_shows_what_was_read() {
    let directory = tempfile::tempdir().unwrap();
    let long = file(&directory, &CANARY.repeat(100));
    let error = secrets(&nothing, "").find(&PASSWORD, Some(&long)).unwrap_err();
    assert!(matches!(error, SecretError::TooLong { .. }));
    assert!(!format!("{error} {error:?}").contains(CANARY));
    let error = secrets(&nothing, "").certificate(Some(&file(&directory, CANARY))).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(CANARY));
}

#[test]
fn every_variable_that_may_hold_a_secret_is_kept_from_children() {
    for wanted in [&PASSWORD, &NEW_PASSWORD, &MEBX_PASSWORD, &CERTIFICATE, &CERTIFICATE_PASSWORD] {
        assert!(VARIABLES.contains(&wanted.variable), "{}", wanted.name);
    }
}

#[test]
fn an_empty_file_is_not_an_empty_password() {
    let directory = tempfile::tempdir().unwrap();
    for content in ["", "\n"] {
        let path = file(&directory, content);
        let error = secrets(&nothing, "").find(&PASSWORD, Some(&path)).unwrap_err();
        assert!(matches!(error, SecretError::Empty { .. }));
    }
}

#[test]
fn a_certificate_is_taken_as_it_is_and_as_base64() {
    let directory = tempfile::tempdir().unwrap();
    let der = [0x30, 0x82, 0x01, 0x00, 0xff];
    let path = directory.path().join("cert.pfx");
    fs::write(&path, der).unwrap();
    assert_eq!(secrets(&nothing, "").certificate(Some(&path)).unwrap().unwrap().value, der);
    let text = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, der);
    fs::write(&path, format!("{}\n{}\n", &text[..4], &text[4..])).unwrap();
    assert_eq!(secrets(&nothing, "").certificate(Some(&path)).unwrap().unwrap().value, der);
    let variable = |name: &str| (name == "PROVISIONING_CERT").then(|| OsString::from(&text));
    assert_eq!(secrets(&variable, "").certificate(None).unwrap().unwrap().value, der);
}

#[test]
fn a_new_password_that_was_mistyped_is_not_set() {
    let pty = openpty(None, None).unwrap();
    let mut secrets = secrets(&nothing, "");
    secrets.terminal = Some(Terminal::new(File::from(pty.slave)));
    let person = std::thread::spawn(move || {
        let mut terminal = File::from(pty.master);
        for answer in ["one\r", "two\r"] {
            wait_for_question(&mut terminal);
            io::Write::write_all(&mut terminal, answer.as_bytes()).unwrap();
        }
        terminal
    });
    let error = secrets.need(&NEW_PASSWORD, None, Prompt::Twice).unwrap_err();
    assert!(matches!(error, SecretError::Differ("new AMT password")));
    person.join().unwrap();
}

fn wait_for_question(terminal: &mut File) {
    let mut seen = Vec::new();
    while !seen.ends_with(b": ") {
        let mut byte = [0];
        terminal.read_exact(&mut byte).unwrap();
        seen.push(byte[0]);
    }
}
