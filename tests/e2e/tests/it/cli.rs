//! The command line and the configuration, as the person sees them who writes a file or a unit.

use std::path::Path;
use std::process::{Command, Output};

use amtd_e2e::Rig;
use amtd_harness::binaries::binaries;

fn amtd() -> Command {
    Command::new(&binaries().unwrap().amtd)
}

fn check(file: &Path) -> Output {
    amtd().arg("--config").arg(file).arg("--check-config").output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn printed_configuration_is_taken_back_unchanged() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("amtd.toml");
    let printed = amtd().arg("--print-default-config").output().unwrap();
    assert!(printed.status.success());
    std::fs::write(&file, &printed.stdout).unwrap();
    let checked = check(&file);
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stderr), "");
    let keys = text(&printed.stdout).lines().filter(|line| line.contains(" = ")).count();
    assert!(keys > 50, "every limit is there: {keys}");
}

#[test]
fn fault_in_the_configuration_is_told_with_its_line_and_what_is_allowed() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("amtd.toml");
    for (content, line, words) in [
        ("[front]\n\nprots = [16992]\n", 3, ["prots", "ports"]),
        ("[fornt]\n", 1, ["fornt", "front"]),
        ("[front]\nmax_connections = \"many\"\n", 2, ["invalid type", "1 to 65536"]),
        ("[front]\nmax_connections = 0\n", 2, ["0 is not allowed", "1 to 65536"]),
        ("[apf]\n# slow\nopen_timeout = 15\n", 3, ["apf.open_timeout", "1ms to 1h"]),
        ("[apf]\nopen_timeout = \"15\"\n", 2, ["not a period", "250ms"]),
        ("[front]\naddresses = [\"0.0.0.0\"]\n", 2, ["0.0.0.0", "loopback"]),
        ("[apf]\nmax_channels = 9\nmax_channels = 8\n", 3, ["duplicate key", ""]),
        ("[log]\nfilter = \"amtd=loud\"\n", 2, ["log.filter", "filter"]),
        ("[device\n", 1, ["", ""]),
    ] {
        std::fs::write(&file, content).unwrap();
        let checked = check(&file);
        let said = text(&checked.stderr);
        assert_eq!(checked.status.code(), Some(78), "{content}: {said}");
        assert!(said.contains(&format!("{}:{line}: ", file.display())), "{content}: {said}");
        assert!(words.iter().all(|word| said.contains(word)), "{content}: {said}");
    }
}

#[test]
fn every_fault_of_a_configuration_is_told_at_once() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("amtd.toml");
    std::fs::write(&file, "[apf]\nmax_channels = 0\n[shutdown]\ngrace = \"1 year\"\n").unwrap();
    let said = text(&check(&file).stderr);
    assert!(said.contains(":2: apf.max_channels: ") && said.contains(":4: shutdown.grace: "), "{said}");
}

#[test]
fn configuration_that_is_not_there_is_an_error_when_it_was_named() {
    let checked = check(Path::new("/nonexistent/amtd.toml"));
    assert_eq!(checked.status.code(), Some(78));
    assert!(text(&checked.stderr).contains("/nonexistent/amtd.toml"));
}

#[test]
fn second_daemon_in_the_same_place_is_refused_and_the_first_serves_on() {
    let mut rig = Rig::start();
    let pid = rig.daemon.process().pid();
    let second = amtd()
        .arg("--device")
        .arg(rig.sim.device())
        .arg("--runtime-dir")
        .arg(rig.daemon.runtime_directory())
        .arg("--state-dir")
        .arg(rig.daemon.state_directory())
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(75));
    let said = text(&second.stderr);
    assert!(said.contains(&pid.to_string()) && said.contains("--runtime-dir"), "{said}");
    rig.assert_serves();
    assert_eq!(rig.stat("/connects_refused"), 0, "the second never touched the device");
}

#[test]
fn words_that_are_no_options_are_a_usage_error() {
    for wrong in [&["--devise", "/dev/mei0"][..], &["start"], &["--check-config", "--print-default-config"]] {
        let ended = amtd().args(wrong).output().unwrap();
        assert_eq!(ended.status.code(), Some(64), "{wrong:?}");
        assert!(text(&ended.stderr).contains("--help"), "{wrong:?}: {}", text(&ended.stderr));
    }
}
