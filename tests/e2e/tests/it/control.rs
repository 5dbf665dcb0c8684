//! `amtctl` for those who watch: status, health, doctor, channels, events; with a daemon, and without.

use std::time::Duration;

use amtd_e2e::{QUICK_RECOVERY, Rig, Setup};
use amtd_harness::http::request;
use amtd_harness::{Amtctl, PATIENCE, Said};
use serde_json::json;

const SOON: Duration = Duration::from_secs(40);

fn amtctl(rig: &Rig, arguments: &str) -> Said {
    rig.daemon.amtctl().unwrap().args(arguments).run(SOON).unwrap()
}

#[test]
fn every_document_says_its_schema() {
    let rig = Rig::start();
    for arguments in
        ["status", "info", "health", "doctor", "jobs list", "channels list", "version", "config show"]
    {
        let said = amtctl(&rig, &format!("--json {arguments}"));
        assert_eq!(said.json()["schema"], "amtctl/v1", "{arguments}: {said:?}");
    }
}

#[test]
fn people_get_text_of_eighty_columns() {
    let rig = Rig::start();
    for arguments in ["status", "info", "doctor", "channels list", "version"] {
        let said = amtctl(&rig, arguments);
        assert!(!said.out.is_empty(), "{arguments}: {said:?}");
        let long: Vec<_> = said.out.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(long.is_empty(), "{arguments}: {long:#?}");
        assert!(!said.out.contains('\u{1b}'), "{arguments} writes colours into a file");
    }
}

#[test]
fn health_follows_the_link() {
    let rig = Setup { config: QUICK_RECOVERY.into(), ..Setup::default() }.start();
    assert_eq!(amtctl(&rig, "health").code, Some(0));
    rig.sim(json!({"do": "suspend"}));
    rig.await_link("waiting-for-device");
    rig.await_that("health says so", || amtctl(&rig, "health").code == Some(1));
    rig.sim(json!({"do": "resume"}));
    rig.await_connection(2);
    rig.await_that("health is back", || amtctl(&rig, "health").code == Some(0));
}

#[test]
fn health_is_answered_while_every_channel_is_taken() {
    let rig = Rig::start();
    rig.sim(json!({"do": "stall-engine"}));
    let mut clients: Vec<_> = (0..64).map(|_| rig.web()).collect();
    for client in &mut clients {
        client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    }
    assert_eq!(amtctl(&rig, "health").code, Some(0));
    let listed = amtctl(&rig, "--json channels list").json();
    assert!(listed["channels"].as_array().is_some_and(|channels| channels.len() >= 64), "{listed:#}");
    rig.sim(json!({"do": "release-engine"}));
    for client in &mut clients {
        assert_eq!(client.receive().unwrap().status(), 200);
    }
}

#[test]
fn a_daemon_that_is_not_there_is_explained() {
    let place = tempfile::tempdir().unwrap();
    let run = |arguments: &str| {
        Amtctl::new(&place.path().join("amtd.sock")).unwrap().args(arguments).run(SOON).unwrap()
    };
    for arguments in ["status", "info", "jobs list"] {
        let said = run(arguments);
        assert_eq!(said.code, Some(69), "{said:?}");
        assert!(said.err.contains("amtd.sock") && said.err.contains("next:"), "{said:?}");
    }
    assert_ne!(run("health").code, Some(0));
    let doctor = run("doctor");
    assert_ne!(doctor.code, Some(0), "{doctor:?}");
    assert!(!doctor.out.is_empty(), "{doctor:?}");
}

#[test]
fn firmwares_reset_is_an_event() {
    let rig = Setup { config: QUICK_RECOVERY.into(), ..Setup::default() }.start();
    rig.sim(json!({"do": "link-reset"}));
    rig.await_connection(2);
    let said =
        rig.daemon.amtctl().unwrap().args("--json events --from-oldest --count 6").run(PATIENCE).unwrap();
    assert!(said.out.lines().any(|line| line.contains("\"link\"")), "{said:?}");
}
