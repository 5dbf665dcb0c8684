//! What the service manager is told, and what the log does not tell.

use amtd_e2e::{QUICK_RECOVERY, Rig, Setup};
use amtd_harness::sim::PASSWORD;
use amtd_harness::{PATIENCE, wsman};
use nix::sys::signal::Signal;
use serde_json::json;

fn quick() -> Setup {
    Setup { config: QUICK_RECOVERY.into(), ..Setup::default() }
}

fn notices(rig: &Rig, word: &str) -> usize {
    rig.journal().read(|said| said.notices().filter(|notice| notice.starts_with(word)).count())
}

#[test]
fn ready_is_said_once_and_not_before_ports_are_served() {
    let setup = quick();
    let sim = setup.sim();
    sim.control(&json!({"do": "client-missing", "client": "lme"})).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.await_link("client-missing");
    assert_eq!(notices(&rig, "READY=1"), 0);
    rig.sim(json!({"do": "client-present", "client": "lme"}));
    rig.daemon.wait_ready(PATIENCE).unwrap();
    let serving =
        rig.daemon.wait_notice("what is served", PATIENCE, |notice| notice.starts_with("STATUS=serving"));
    assert!(serving.unwrap().contains("16992"));

    rig.sim(json!({"do": "link-reset"}));
    rig.await_connection(2);
    rig.assert_serves();
    assert_eq!(notices(&rig, "READY=1"), 1);
}

#[test]
fn each_change_of_the_link_is_said() {
    let mut rig = quick().start();
    let mark = rig.daemon.mark();
    rig.sim(json!({"do": "suspend"}));
    let says =
        |word: &'static str| move |notice: &str| notice.starts_with("STATUS=") && notice.contains(word);
    rig.daemon.wait_notice_since(mark, "the suspended device", PATIENCE, says("suspended")).unwrap();
    let mark = rig.daemon.mark();
    rig.sim(json!({"do": "resume"}));
    rig.daemon.wait_notice_since(mark, "the ports", PATIENCE, says("serving")).unwrap();
}

#[test]
fn machine_without_firmware_does_not_hold_up_the_start() {
    let place = tempfile::tempdir().unwrap();
    let config = format!("{QUICK_RECOVERY}[link]\ndegraded_after = \"50ms\"\n");
    let device = Some(place.path().join("mei0"));
    let mut rig = Setup { config, device, ..Setup::default() }.spawn();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    let is_degraded = |notice: &str| notice.starts_with("STATUS=degraded: ") && notice.contains("mei_me");
    rig.daemon.wait_notice("what is missing", PATIENCE, is_degraded).unwrap();
    assert_eq!(rig.daemon.http("/readyz").unwrap().status(), 503, "ready for the boot, not for clients");
}

#[test]
fn watchdog_is_served_while_firmware_is_frozen() {
    let setup = Setup { environment: vec![("WATCHDOG_USEC".into(), "200000".into())], ..quick() };
    let mut rig = setup.start();
    rig.sim.process().signal(Signal::SIGSTOP).unwrap();
    for _ in 0..3 {
        let mark = rig.daemon.mark();
        rig.daemon.wait_notice_since(mark, "WATCHDOG=1", PATIENCE, |notice| notice == "WATCHDOG=1").unwrap();
    }
    rig.sim.process().signal(Signal::SIGCONT).unwrap();
}

#[test]
fn daemon_that_cannot_work_says_so_in_a_log_of_warnings() {
    let place = tempfile::tempdir().unwrap();
    let setup = Setup { device: Some(place.path().into()), log: Some("warn".into()), ..quick() };
    let rig = setup.spawn();
    rig.await_link("misconfigured");
    // It is read beside the status, and may come later.
    rig.await_that("its log says why", || rig.journal().text().contains("is a directory"));
}

#[test]
fn log_at_debug_has_nothing_of_what_clients_and_firmware_say() {
    let rig = Setup { log: Some("debug".into()), ..quick() }.start();
    let mut client = rig.wsman();
    let answer = client.get("AMT_GeneralSettings").unwrap().text();
    let name = wsman::element(&answer, "DigestRealm").unwrap();
    rig.await_status("what firmware says about itself", |status| status["firmware"]["version"].is_string());
    rig.sim(json!({"do": "disconnect", "reason": 11}));
    rig.assert_serves();
    let log = rig.journal().text();
    assert!(log.contains("DEBUG"), "{log}");
    for secret in [PASSWORD, "Authorization", "response=", "nonce", "Envelope", &name] {
        assert!(!log.contains(secret), "the log has {secret:?}:\n{log}");
    }
}
