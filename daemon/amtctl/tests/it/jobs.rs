//! Jobs: made once, watched to the verdict, whatever happens in between.

use std::{
    io::{self, BufRead, BufReader},
    process::{Output, Stdio},
};

use amtd_proto::v1::{SetFeatures, Verdict, job_spec::Kind, set_features::UserConsent};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    answers,
    daemon::{Daemon, Script},
    run::{amtctl, code, json, json_lines, stderr, text},
};

fn activate(daemon: &Daemon, more: &[&str]) -> Output {
    let mut command = amtctl(&daemon.socket(), &["activate", "--ccm"]);
    command.args(more).env("AMT_PASSWORD", "secret").output().unwrap()
}

#[test]
fn the_exit_code_is_the_verdict_of_the_firmware() {
    for (verdict, expected, word) in [
        (Verdict::Succeeded, 0, "succeeded"),
        (Verdict::Unchanged, 0, "unchanged"),
        (Verdict::FailedClean, 1, "failed-clean"),
        (Verdict::FailedPartial, 2, "failed-partial"),
    ] {
        let script = || Script { watches: [vec![answers::ended(verdict)]].into(), ..Script::default() };
        let output = activate(&Daemon::start(script()), &[]);
        assert_eq!(code(&output), expected, "{}", stderr(&output));
        assert!(text(&output).starts_with(&format!("job 7: activate-ccm, {word}\n")), "{}", text(&output));
        let document = json(&activate(&Daemon::start(script()), &["--json"]));
        assert_eq!(document["outcome"]["verdict"], word);
    }
}

#[test]
fn the_verdict_is_waited_for_even_if_nobody_reads_standard_error() {
    // That the request is repeated is talked about.
    let watches = [vec![answers::ended(Verdict::FailedPartial)]].into();
    let daemon = Daemon::start(Script { broken: 1, watches, ..Script::default() });
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = amtctl(&daemon.socket(), &["activate", "--ccm"]);
    let output = command.env("AMT_PASSWORD", "secret").stderr(writer).output().unwrap();
    assert_eq!(code(&output), 2, "{output:?}");
}

#[test]
fn what_failed_and_what_is_in_force_is_said() {
    let script =
        Script { watches: [vec![answers::ended(Verdict::FailedPartial)]].into(), ..Script::default() };
    let output = activate(&Daemon::start(script), &[]);
    let shown = text(&output);
    for expected in [
        "in the middle",
        "AMT is in client control mode.",
        "FIRMWARE_REFUSED",
        "Look at the BIOS.",
        "warning: ",
    ] {
        assert!(shown.contains(expected), "{shown}");
    }
}

#[test]
fn a_connection_that_breaks_makes_no_second_job() {
    let daemon = Daemon::start(Script { broken: 1, ..Script::default() });
    let output = activate(&daemon, &["--request-id", "mine"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    daemon.asked(|asked| {
        let ids: Vec<&str> = asked.created.iter().map(|request| request.request_id.as_str()).collect();
        assert_eq!(ids, ["mine"]);
    });
}

#[test]
fn each_run_has_a_request_id_of_its_own() {
    let daemon = Daemon::start(Script::default());
    activate(&daemon, &["--no-wait"]);
    activate(&daemon, &["--no-wait"]);
    daemon.asked(|asked| {
        let [one, two] = asked.created.as_slice() else { panic!("{asked:?}") };
        assert!(!one.request_id.is_empty() && one.request_id != two.request_id);
    });
}

#[test]
fn a_restart_of_the_daemon_does_not_lose_the_job() {
    let script = Script {
        watches: [vec![answers::running()], Vec::new(), vec![answers::running(), answers::job()]].into(),
        ..Script::default()
    };
    let daemon = Daemon::start(script);
    let output = activate(&daemon, &[]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    daemon.asked(|asked| {
        assert_eq!(asked.watched, ["7", "7", "7"]);
        assert_eq!(asked.created.len(), 1);
    });
}

#[test]
fn a_plan_creates_nothing() {
    let daemon = Daemon::start(Script::default());
    let output = activate(&daemon, &["--plan"]);
    assert_eq!(code(&output), 0);
    let shown = text(&output);
    assert!(shown.contains("setup: Set the password") && shown.contains("warning: The password"), "{shown}");
    let document = json(&activate(&daemon, &["--plan", "--json"]));
    assert_eq!((&document["document"], &document["plan"]["unchanged"]), (&"plan".into(), &false.into()));
    daemon.asked(|asked| {
        assert!(asked.created.iter().all(|request| request.validate_only) && asked.watched.is_empty());
    });
}

#[test]
fn who_does_not_wait_gets_the_id() {
    let daemon = Daemon::start(Script::default());
    let document = json(&activate(&daemon, &["--no-wait", "--json", "--deadline", "90s"]));
    assert_eq!((&document["id"], &document["state"]), (&"7".into(), &"queued".into()));
    daemon.asked(|asked| {
        assert!(asked.watched.is_empty());
        assert_eq!(asked.created[0].deadline.unwrap().seconds, 90);
    });
}

#[test]
fn a_program_that_watches_sees_every_change() {
    let script = Script { watches: [vec![answers::running(), answers::job()]].into(), ..Script::default() };
    let daemon = Daemon::start(script);
    let output = amtctl(&daemon.socket(), &["jobs", "watch", "7", "--json"]).output().unwrap();
    let states: Vec<String> = json_lines(&output).iter().map(|job| job["state"].to_string()).collect();
    assert_eq!(states, ["\"running\"", "\"running\"", "\"ended\""]);
}

#[test]
fn progress_stays_out_of_logs() {
    let script = Script { watches: [vec![answers::running(), answers::job()]].into(), ..Script::default() };
    let said = stderr(&activate(&Daemon::start(script), &[]));
    assert!(!said.contains('\r') && !said.contains("[1/2]"), "{said:?}");
}

#[test]
fn ctrl_c_leaves_the_job_alone_and_says_so_and_the_second_one_ends() {
    let daemon = Daemon::start(Script { watches: [].into(), ..Script::default() });
    let mut child = amtctl(&daemon.socket(), &["jobs", "watch", "7"]).stderr(Stdio::piped()).spawn().unwrap();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    daemon.wait_for(|asked| !asked.watched.is_empty());
    kill(pid, Signal::SIGINT).unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert!(said.contains("the job continues") && said.contains("amtctl jobs cancel 7"), "{said}");
    kill(pid, Signal::SIGINT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    daemon.asked(|asked| assert!(asked.cancelled.is_empty()));
}

#[test]
fn features_that_are_not_named_stay_as_they_are() {
    let daemon = Daemon::start(Script::default());
    let output = amtctl(
        &daemon.socket(),
        &["configure", "amtfeatures", "--kvm", "--sol=off", "--userConsent", "none"],
    )
    .env("AMT_PASSWORD", "secret")
    .output()
    .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    daemon.asked(|asked| {
        let Kind::SetFeatures(features) = asked.only_kind() else { panic!("{asked:?}") };
        let SetFeatures { kvm, sol, ider, .. } = features;
        assert_eq!((kvm, sol, ider), (&Some(true), &Some(false), &None));
        assert_eq!(features.user_consent(), UserConsent::None);
    });
}

#[test]
fn deactivation_asks_for_a_password_only_where_the_firmware_does() {
    let daemon = Daemon::start(Script::default());
    let output = amtctl(&daemon.socket(), &["deactivate"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    daemon.asked(|asked| {
        assert!(matches!(asked.only_kind(), Kind::Deactivate(one) if one.password.is_none() && !one.partial));
    });

    let mut script = Script::default();
    script.info.firmware.as_mut().unwrap().control_mode = Some("admin".into());
    let daemon = Daemon::start(script);
    assert_eq!(code(&amtctl(&daemon.socket(), &["deactivate"]).output().unwrap()), 65);
    let output = amtctl(&daemon.socket(), &["deactivate", "--partial"])
        .env("AMT_PASSWORD", "secret")
        .output()
        .unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    daemon.asked(|asked| {
        assert!(matches!(asked.only_kind(), Kind::Deactivate(one) if one.password.is_some() && one.partial));
    });
}
