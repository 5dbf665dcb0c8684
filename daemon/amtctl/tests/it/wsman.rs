//! Single WSMAN requests, and the facts that need one.

use std::process::Output;

use amtd_proto::v1::{
    self, Job, Outcome, Verdict, WsmanAnswer, WsmanCall, job_spec::Kind, wsman_call::Operation,
};
use serde_json::json;

use crate::{
    answers,
    daemon::{Daemon, Script},
    run::{amtctl, code, json, stderr, text},
};

const XML: &str = "<g:AMT_GeneralSettings><g:HostName>box</g:HostName></g:AMT_GeneralSettings>";

fn answering(json: &str, times: usize) -> Script {
    let answer = WsmanAnswer { xml: XML.into(), json: json.into() };
    let outcome = Outcome { verdict: Verdict::Succeeded.into(), wsman: Some(answer), ..Outcome::default() };
    let job = Job { outcome: Some(outcome), ..answers::job() };
    Script { watches: vec![vec![job]; times].into(), ..Script::default() }
}

fn wsman(daemon: &Daemon, arguments: &[&str]) -> Output {
    let mut command = amtctl(&daemon.socket(), &["wsman"]);
    let output = command.args(arguments).env("AMT_PASSWORD", "secret").output().unwrap();
    assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
    output
}

fn call(daemon: &Daemon) -> WsmanCall {
    daemon.asked(|asked| match asked.only_kind() {
        Kind::WsmanCall(call) => call.clone(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn an_instance_is_shown_as_text_as_json_and_as_it_came() {
    let get = |more: &[&str]| {
        let daemon = Daemon::start(answering(r#"{"HostName":"box","Flags":["1","2"]}"#, 1));
        wsman(&daemon, &[&["get", "AMT_GeneralSettings", "-s", "InstanceID=x=1"], more].concat())
    };
    assert_eq!(text(&get(&[])), "HostName  box\nFlags     1\nFlags     2\n");
    assert_eq!(json(&get(&["--json"]))["answer"], json!({ "HostName": "box", "Flags": ["1", "2"] }));
    assert_eq!(String::from_utf8(get(&["--xml"]).stdout).unwrap(), format!("{XML}\n"));
}

#[test]
fn each_operation_reaches_the_daemon_as_it_was_meant() {
    let ask = |arguments: &[&str]| {
        let daemon = Daemon::start(answering("null", 1));
        wsman(&daemon, arguments);
        call(&daemon)
    };
    let get = ask(&["get", "AMT_GeneralSettings", "--selector", "InstanceID=x", "--user", "other"]);
    assert_eq!((get.operation(), get.resource.as_str()), (Operation::Get, "AMT_GeneralSettings"));
    assert_eq!((get.selectors["InstanceID"].as_str(), get.user.as_str()), ("x", "other"));
    assert_eq!(get.password.as_ref().unwrap().value, b"secret");
    assert_eq!(ask(&["enumerate", "CIM_Chip"]).operation(), Operation::Enumerate);
    assert_eq!(ask(&["delete", "AMT_X"]).operation(), Operation::Delete);
    assert_eq!(ask(&["identify"]).operation(), Operation::Identify);
    let invoke = ask(&["invoke", "AMT_X", "DoIt", "Mode=1", "Name=a b"]);
    assert_eq!((invoke.operation(), invoke.method.as_str()), (Operation::Invoke, "DoIt"));
    let body: serde_json::Value = serde_json::from_slice(&invoke.body.as_ref().unwrap().value).unwrap();
    assert_eq!(body, json!({ "Mode": "1", "Name": "a b" }));
}

/// Its password is firmware's to tell, and that of admin, which is at hand here, is another one.
#[test]
fn the_account_of_the_machine_itself_needs_no_password() {
    let daemon = Daemon::start(answering("null", 1));
    wsman(&daemon, &["get", "AMT_GeneralSettings", "--user", "$$OsAdmin"]);
    let call = call(&daemon);
    assert_eq!((call.user.as_str(), call.password.unwrap().value.as_slice()), ("$$OsAdmin", &b""[..]));
}

#[test]
fn a_body_comes_from_a_file_as_it_is() {
    let daemon = Daemon::start(answering("null", 1));
    let file = daemon.directory().join("body.xml");
    std::fs::write(&file, XML).unwrap();
    wsman(&daemon, &["put", "AMT_GeneralSettings", "--body", file.to_str().unwrap()]);
    assert_eq!(call(&daemon).body.as_ref().unwrap().value, XML.as_bytes());
}

#[test]
fn a_request_that_fails_says_why_and_ends_badly() {
    let watches = [vec![answers::ended(Verdict::FailedClean)]].into();
    let daemon = Daemon::start(Script { watches, ..Script::default() });
    let output =
        amtctl(&daemon.socket(), &["wsman", "get", "AMT_X"]).env("AMT_PASSWORD", "x").output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(text(&output).contains("The firmware refused Setup with 16."), "{}", text(&output));
}

#[test]
fn user_certificates_come_over_wsman_with_the_password() {
    let instances = r#"[{"InstanceID":"Handle: 0","Subject":"CN=a","Issuer":"CN=b",
        "TrustedRootCertficate":"true","ReadOnlyCertificate":"false"}]"#;
    let daemon = Daemon::start(answering(instances, 1));
    let output = amtctl(&daemon.socket(), &["info", "--userCert", "--json"])
        .env("AMT_PASSWORD", "secret")
        .output()
        .unwrap();
    let info = json(&output);
    assert_eq!(info["userCerts"]["Handle: 0"]["trustedRootCertificate"], true);
    assert_eq!(info.get("amt"), None, "the flag shows user certificates only");
    let call = call(&daemon);
    assert_eq!(
        (call.operation(), call.resource.as_str()),
        (Operation::Enumerate, "AMT_PublicKeyCertificate")
    );
}

#[test]
fn certificates_that_cannot_be_read_do_not_hide_everything_else() {
    let script = || {
        let ended = || vec![answers::ended(Verdict::FailedClean)];
        Script { watches: [ended(), ended()].into(), ..Script::default() }
    };
    let info = |arguments: &[&str]| {
        let daemon = Daemon::start(script());
        amtctl(&daemon.socket(), arguments).env("AMT_PASSWORD", "x").output().unwrap()
    };
    let output = info(&["info", "--all", "--json"]);
    assert_eq!((code(&output), &json(&output)["amt"]), (0, &json!("16.1.25")));
    assert!(stderr(&output).contains("The firmware refused"), "{}", stderr(&output));
    // Who asks for them only gets no empty answer.
    let output = info(&["info", "--userCert", "--json"]);
    assert_eq!((code(&output), &json(&output)["reason"]), (4, &json!("FIRMWARE_REFUSED")));
}

#[test]
fn without_password_everything_else_is_shown() {
    let daemon = Daemon::start(Script::default());
    let info = json(&amtctl(&daemon.socket(), &["info", "--all", "--json"]).output().unwrap());
    assert_eq!((info.get("userCerts"), &info["amt"]), (None, &json!("16.1.25")));
    daemon.asked(|asked| assert!(asked.created.is_empty()));

    let daemon = Daemon::start(answering("[]", 2));
    let output =
        amtctl(&daemon.socket(), &["info", "--all", "--json"]).env("AMT_PASSWORD", "x").output().unwrap();
    let info = json(&output);
    assert_eq!((&info["userCerts"], &info["proxyAccessPoints"]), (&json!({}), &json!([])));
    let made: Vec<v1::CreateJobRequest> = daemon.asked(|asked| asked.created.clone());
    assert_eq!(made.len(), 2);
}

#[test]
fn the_answer_to_a_request_that_nobody_waited_for_can_be_read_later() {
    let daemon = Daemon::start(answering(r#"{"HostName":"box"}"#, 1));
    let output = amtctl(&daemon.socket(), &["jobs", "watch", "7"]).output().unwrap();
    assert!(text(&output).contains("HostName  box\n"), "{}", text(&output));
    let daemon = Daemon::start(answering(r#"{"HostName":"box"}"#, 1));
    let output = amtctl(&daemon.socket(), &["jobs", "watch", "7", "--json"]).output().unwrap();
    let last = crate::run::json_lines(&output).pop().unwrap();
    assert_eq!(last["outcome"]["wsman"]["answer"], json!({ "HostName": "box" }));
}
