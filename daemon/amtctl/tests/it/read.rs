//! Commands that only look: what a person sees, what a program gets.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::{
    answers::HOSTILE,
    daemon::{Daemon, Script},
    run::{CANARY, amtctl, code, command, json, json_lines, stderr, text},
};

/// Every command that only looks, the kind of its document, and what a person must see.
const LOOKS: [(&[&str], &str, &str); 13] = [
    (&["status"], "status", "2 of 6 in use"),
    (&["info"], "info", "not activated"),
    (&["info", "--all"], "info", "Go Daddy Class 2 CA"),
    (&["amtinfo", "-l", "-a"], "info", "mps.example.com"),
    (&["health"], "health", "serving"),
    (&["jobs"], "jobs", "activate-ccm"),
    (&["jobs", "show", "7"], "job", "possible"),
    (&["jobs", "cancel", "7"], "job", "possible"),
    (&["channels"], "channels", "program, pid 4711, uid 1000"),
    (&["channels", "close", "12"], "closed", "closed"),
    (&["version"], "version", "amtd"),
    (&["config", "show"], "config", "[queue]"),
    (&["events", "--count", "1"], "event", "3 events are missing"),
];

#[test]
fn every_look_fits_a_terminal_and_its_json_keeps_to_the_schema() {
    for (arguments, kind, seen) in LOOKS {
        let daemon = Daemon::start(Script::default());
        let output = amtctl(&daemon.socket(), arguments).output().unwrap();
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
        assert!(text(&output).contains(seen), "{arguments:?}: {}", text(&output));

        let daemon = Daemon::start(Script::default());
        let output = amtctl(&daemon.socket(), arguments).arg("--json").output().unwrap();
        assert_eq!(json(&output)["document"], kind, "{arguments:?}");
    }
}

#[test]
fn keys_of_rpc_amtinfo_are_kept() {
    let daemon = Daemon::start(Script::default());
    let info = json(&amtctl(&daemon.socket(), &["amtinfo", "--json", "--all"]).output().unwrap());
    for (key, value) in [
        ("amt", "16.1.25"),
        ("buildNumber", "1885"),
        ("sku", "16392"),
        ("features", "AMT Pro Corporate"),
        ("controlMode", "not activated"),
        ("provisioningState", "pre-provisioning"),
        ("operationalState", "enabled"),
        ("dnsSuffixOS", "example.org"),
        ("hostnameOS", "box"),
    ] {
        assert_eq!(info[key], value, "{key}");
    }
    assert_eq!(info["ras"]["mpsHostname"], "mps.example.com");
    assert_eq!(info["wiredAdapter"]["linkStatus"], "up");
    assert_eq!(info["certificateHashes"]["Go Daddy Class 2 CA"]["IsActive"], true);
}

#[test]
fn info_and_doctor_name_the_same_way_out_of_an_amt_that_is_switched_off() {
    let mut script = Script::default();
    script.info.enabled_in_bios = Some(false);
    let daemon = Daemon::start(script);
    let shown = |arguments: &[&str]| text(&amtctl(&daemon.socket(), arguments).output().unwrap());
    let (info, doctor) = (shown(&["info"]), shown(&["doctor"]));
    assert!(info.contains("disabled; `amtctl activate` switches it on"), "{info}");
    let doctor: Vec<&str> = doctor.split_whitespace().collect();
    let doctor = doctor.join(" ");
    for words in ["amt Intel AMT is switched off", "`amtctl activate` switches it on"] {
        assert!(doctor.contains(words), "{doctor}");
    }
    let info = json(&amtctl(&daemon.socket(), &["info", "--json"]).output().unwrap());
    assert_eq!(info["operationalState"], "disabled", "a word for programs");
}

#[test]
fn names_from_elsewhere_cannot_speak_to_the_terminal() {
    for arguments in [&["status"][..], &["events", "--count", "7"]] {
        let daemon = Daemon::start(Script::default());
        let output = amtctl(&daemon.socket(), arguments).output().unwrap();
        let shown = text(&output);
        assert!(shown.contains("owned"), "the hostile name is not there at all: {shown}");
        assert!(shown.chars().all(|character| character == '\n' || !character.is_control()), "{shown:?}");
    }
    // Programs get it as it is.
    let daemon = Daemon::start(Script::default());
    let status = json(&amtctl(&daemon.socket(), &["status", "-j"]).output().unwrap());
    assert!(status["problems"][0].as_str().unwrap().contains(HOSTILE));
}

#[test]
fn events_survive_a_restart_of_the_daemon_without_a_hole() {
    let mut script = Script::default();
    script.events.push_back(crate::answers::events());
    let daemon = Daemon::start(script);
    let output = amtctl(&daemon.socket(), &["events", "--json", "--count", "8"]).output().unwrap();
    let events = json_lines(&output);
    assert_eq!(events.len(), 8);
    assert_eq!(
        events[1]["event"],
        json!({ "type": "link", "state": "ready", "detail": events[1]["event"]["detail"] })
    );
    daemon.asked(|asked| assert_eq!(asked.cursors, [(String::new(), false), ("boot-6".into(), true)]));
}

#[test]
fn what_happens_while_the_daemon_comes_back_is_not_missed_by_who_has_seen_no_event_yet() {
    let mut script = Script::default();
    script.events.push_front(Vec::new());
    let daemon = Daemon::start(script);
    let output = amtctl(&daemon.socket(), &["events", "--json", "--count", "1"]).output().unwrap();
    assert_eq!((code(&output), json_lines(&output).len()), (0, 1), "{}", stderr(&output));
    daemon.asked(|asked| assert_eq!(asked.cursors, [(String::new(), false), (String::new(), true)]));
}

#[test]
fn metrics_are_passed_on_unbroken() {
    let daemon = Daemon::start(Script::default());
    let output = amtctl(&daemon.socket(), &["metrics"]).output().unwrap();
    let metrics = String::from_utf8(output.stdout).unwrap();
    assert!(metrics.starts_with("# HELP very long line ") && metrics.ends_with("\n# EOF\n"), "{metrics}");
    assert_eq!(metrics.lines().count(), 2);
    let document = json(&amtctl(&daemon.socket(), &["metrics", "--json"]).output().unwrap());
    assert_eq!(document["open_metrics"], metrics);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let daemon = Daemon::start(Script::default());
    let mut child =
        amtctl(&daemon.socket(), &["metrics"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((code(&output), stderr(&output).as_str()), (0, ""));
}

#[test]
fn lists_of_jobs_are_read_page_by_page() {
    let daemon = Daemon::start(Script::default());
    let list = |limit: &str| {
        let output =
            amtctl(&daemon.socket(), &["jobs", "list", "--json", "--limit", limit]).output().unwrap();
        let document = json(&output);
        let ids: Vec<String> =
            document["jobs"].as_array().unwrap().iter().map(|job| job["id"].to_string()).collect();
        (ids.join(" ").replace('"', ""), document["more"].clone())
    };
    assert_eq!(list("3"), ("4 3 2".into(), Value::Bool(false)));
    assert_eq!(list("1"), ("4".into(), Value::Bool(true)));
    assert_eq!(list("100"), ("4 3 2 1".into(), Value::Bool(false)));
}

#[test]
fn an_older_daemon_is_named() {
    let mut script = Script::default();
    script.status.daemon_version = "0.0.1".into();
    let daemon = Daemon::start(script);
    let version = json(&amtctl(&daemon.socket(), &["version", "--json"]).output().unwrap());
    assert_eq!((&version["skew"], &version["daemon"]), (&json!(true), &json!("0.0.1")));
    let output = amtctl(&daemon.socket(), &["doctor"]).output().unwrap();
    assert!(text(&output).contains("systemctl restart amtd"), "{}", text(&output));
}

#[test]
fn health_is_in_the_exit_code() {
    let daemon = Daemon::start(Script { serving: false, ..Script::default() });
    let output = amtctl(&daemon.socket(), &["health", "--json"]).output().unwrap();
    assert_eq!((code(&output), &json(&output)["serving"]), (1, &json!(false)));
    let output = amtctl(&daemon.socket(), &["health", "--wait=100ms"]).output().unwrap();
    let shown = text(&output);
    assert!(code(&output) == 1 && shown.starts_with("not serving\n  ! Port 16993 is taken by"), "{shown}");
}

#[test]
fn a_part_that_there_is_not_is_named_with_those_that_there_are() {
    let daemon = Daemon::start(Script::default());
    let output = amtctl(&daemon.socket(), &["health", "--service", "nonsense"]).output().unwrap();
    let said = stderr(&output);
    assert!(code(&output) == 64 && said.contains("nonsense") && said.contains("firmware"), "{said}");
}

#[test]
fn who_waits_for_health_is_told_when_it_comes() {
    let daemon = Daemon::start(Script { serving: false, ..Script::default() });
    let waiting = amtctl(&daemon.socket(), &["health", "--wait"]).stdout(Stdio::piped()).spawn().unwrap();
    daemon.recover();
    let output = waiting.wait_with_output().unwrap();
    assert_eq!((code(&output), text(&output).as_str()), (0, "serving\n"));
}

#[test]
fn the_doctor_shows_what_the_daemon_sees_and_ends_badly_if_something_is_bad() {
    let daemon = Daemon::start(Script::default());
    let output = amtctl(&daemon.socket(), &["doctor", "--json"]).output().unwrap();
    let document = json(&output);
    let checks = document["checks"].as_array().unwrap();
    let named =
        |name: &str| checks.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!((code(&output), &document["verdict"]), (1, &json!("bad")));
    assert_eq!(named("socket")["result"], "good");
    assert_eq!(named("version")["result"], "good");
    assert_eq!(named("lme")["seen_by"], "amtd");
    for name in ["access", "service", "lms", "node", "state-directory", "amthi"] {
        assert!(!named(name)["evidence"].as_str().unwrap().is_empty());
    }
    let shown = text(&amtctl(&daemon.socket(), &["doctor"]).output().unwrap());
    assert!(shown.contains("next: do something about it"), "{shown}");
}

#[test]
fn the_doctor_works_without_a_daemon() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("amtd.sock");
    let document = json(&amtctl(&socket, &["doctor", "--json"]).output().unwrap());
    let names: Vec<&str> =
        document["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["socket", "access", "service", "lms", "device", "ports"]);
    let output = amtctl(&socket, &["doctor"]).output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(text(&output).contains("systemctl start amtd"), "{}", text(&output));
}

/// The program with another beside it that pretends to be the daemon's. A child makes the files: a program that this
/// process had open for writing could not be run while another test starts a child that inherits that.
fn with_amtd(directory: &Path, amtd: &str) -> PathBuf {
    const MAKE: &str =
        r#"printf '#!/bin/sh\n%s\n' "$2" > "$1/amtd" && chmod 755 "$1/amtd" && cp "$3" "$1/amtctl""#;
    let made = Command::new("sh")
        .args(["-c", MAKE, "sh"])
        .arg(directory)
        .args([amtd, env!("CARGO_BIN_EXE_amtctl")])
        .status();
    assert!(made.unwrap().success());
    directory.join("amtctl")
}

#[test]
fn the_configuration_is_checked_by_the_program_that_will_read_it() {
    let directory = tempfile::tempdir().unwrap();
    let program = with_amtd(directory.path(), "echo \"amtd: $*: line 3: unknown key\" >&2; env >&2; exit 78");
    let socket = directory.path().join("none.sock");
    let output = command(&program, &socket, &["config", "check", "/x.toml", "--json"])
        .env("AMT_PASSWORD", CANARY)
        .output()
        .unwrap();
    let document = json(&output);
    assert_eq!((code(&output), &document["valid"]), (78, &json!(false)));
    let message = document["message"].as_str().unwrap();
    assert!(message.starts_with("amtd: --check-config --config /x.toml: line 3"), "{message}");
    assert!(!message.contains(CANARY), "the environment of a child has the secret");

    let program = with_amtd(directory.path(), "echo '# all keys'");
    let output = command(&program, &socket, &["config", "defaults"]).output().unwrap();
    assert_eq!((code(&output), text(&output).as_str()), (0, "# all keys\n"));
}

#[test]
fn completions_need_no_daemon() {
    let nowhere = Path::new("/nonexistent/amtd.sock");
    for shell in ["bash", "zsh", "fish"] {
        let output = amtctl(nowhere, &["completion", shell]).output().unwrap();
        let script = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(code(&output) == 0 && script.contains("amtfeatures"), "{shell}");
    }
}
