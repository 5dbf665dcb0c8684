//! Secrets on their way to the daemon: they arrive, and are seen nowhere else.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use amtd_proto::{
    Problem,
    v1::{Verdict, job_spec::Kind},
};

use crate::{
    answers,
    daemon::{Daemon, Script},
    run::{CANARY, amtctl, code, stderr},
};

fn secret_file(daemon: &Daemon, name: &str, content: &str) -> PathBuf {
    let path = daemon.directory().join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn assert_unseen(output: &Output) {
    for stream in [&output.stdout, &output.stderr] {
        let shown = String::from_utf8_lossy(stream);
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

fn fed(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn password_of(daemon: &Daemon) -> Vec<u8> {
    daemon.asked(|asked| match asked.only_kind() {
        Kind::ActivateCcm(activate) => activate.password.as_ref().unwrap().value.clone(),
        other => panic!("{other:?}"),
    })
}

#[test]
fn a_password_arrives_by_each_way_and_is_shown_by_none() {
    let activate = ["activate", "--ccm", "--json"];
    let ways: [&dyn Fn(&Daemon) -> Output; 4] = [
        &|daemon| {
            let file = secret_file(daemon, "password", &format!("{CANARY}\n"));
            amtctl(&daemon.socket(), &activate).arg("--password-file").arg(file).output().unwrap()
        },
        &|daemon| {
            let mut command = amtctl(&daemon.socket(), &activate);
            command.arg("--password-stdin");
            fed(command, &format!("{CANARY}\nmore"))
        },
        &|daemon| amtctl(&daemon.socket(), &activate).env("AMT_PASSWORD", CANARY).output().unwrap(),
        &|daemon| {
            secret_file(daemon, "amt-password", CANARY);
            let mut command = amtctl(&daemon.socket(), &activate);
            command.env("CREDENTIALS_DIRECTORY", daemon.directory()).output().unwrap()
        },
    ];
    for (index, way) in ways.iter().enumerate() {
        let daemon = Daemon::start(Script::default());
        let output = way(&daemon);
        assert_eq!(code(&output), 0, "way {index}: {}", stderr(&output));
        assert_eq!(password_of(&daemon), CANARY.as_bytes(), "way {index}");
        assert_unseen(&output);
    }
}

#[test]
fn no_failure_shows_a_secret() {
    let refuse = Problem::new(tonic::Code::InvalidArgument, "PASSWORD_WEAK", "It is too short.", "");
    let mut failing = Script { refuse: Some(refuse), ..Script::default() };
    let refused = Daemon::start(failing.clone());
    failing.refuse = None;
    failing.watches = [vec![answers::ended(Verdict::FailedPartial)]].into();
    let failed = Daemon::start(failing);
    for (daemon, expected) in [(refused, 4), (failed, 2)] {
        let output =
            amtctl(&daemon.socket(), &["activate", "--ccm"]).env("AMT_PASSWORD", CANARY).output().unwrap();
        assert_eq!(code(&output), expected, "{}", stderr(&output));
        assert_unseen(&output);
    }
}

#[test]
fn a_secret_on_the_command_line_never_reaches_the_daemon() {
    let daemon = Daemon::start(Script::default());
    for arguments in [
        &["activate", "--ccm", "--password", CANARY][..],
        &["configure", "mebx", "--mebxpassword", CANARY],
        &["configure", "amtpassword", "--newamtpassword", CANARY],
        &["activate", "--acm", "--provisioningCert", "x", "--provisioningCertPwd", CANARY],
        &["activate", "--ccm", &format!("--pasword={CANARY}")],
    ] {
        let output = amtctl(&daemon.socket(), arguments).output().unwrap();
        assert_eq!(code(&output), 64, "{arguments:?}");
        assert_unseen(&output);
    }
    daemon.asked(|asked| assert!(asked.created.is_empty(), "{asked:?}"));
}

#[test]
fn without_a_terminal_a_missing_password_is_not_asked_for() {
    let daemon = Daemon::start(Script::default());
    let output = amtctl(&daemon.socket(), &["activate", "--ccm"]).output().unwrap();
    assert_eq!(code(&output), 65);
    let said = stderr(&output);
    assert!(said.contains("--password-file") && said.contains("AMT_PASSWORD"), "{said}");
    daemon.asked(|asked| assert!(asked.created.is_empty()));
}

#[test]
fn admin_control_mode_takes_the_certificate_and_every_password_in_order() {
    let daemon = Daemon::start(Script::default());
    let certificate = daemon.directory().join("cert.pfx");
    fs::write(&certificate, [0x30, 0x82, 0xff, 0x00]).unwrap();
    let mut command = amtctl(
        &daemon.socket(),
        &[
            "activate",
            "--acm",
            "--dns",
            "example.com",
            "--provisioningCertPwd-file=-",
            "--mebxpassword-file=-",
        ],
    );
    command.args(["--password-stdin", "--provisioningCert"]).arg(&certificate);
    let output = fed(command, "one\ntwo\nthree\n");
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    daemon.asked(|asked| {
        let Kind::ActivateAcm(activate) = asked.only_kind() else { panic!("{asked:?}") };
        let value = |secret: &Option<amtd_proto::v1::Secret>| secret.as_ref().unwrap().value.clone();
        assert_eq!(value(&activate.password), b"one");
        assert_eq!(value(&activate.provisioning_cert_password), b"two");
        assert_eq!(value(&activate.mebx_password), b"three");
        assert_eq!(value(&activate.provisioning_cert), [0x30, 0x82, 0xff, 0x00]);
        assert_eq!(activate.dns_suffix.as_deref(), Some("example.com"));
    });
}

#[test]
fn a_file_that_others_can_read_is_warned_of() {
    let daemon = Daemon::start(Script::default());
    let file = secret_file(&daemon, "password", CANARY);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let output =
        amtctl(&daemon.socket(), &["activate", "--ccm", "--password-file"]).arg(&file).output().unwrap();
    assert!(stderr(&output).contains("can be read by every local user"), "{}", stderr(&output));
    assert_unseen(&output);
}
