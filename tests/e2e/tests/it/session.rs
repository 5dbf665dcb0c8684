//! What firmware does to the session as a whole: versions, services, forwards withdrawn and asked for again, restarts.

use amtd_e2e::content::{Checker, content};
use amtd_e2e::{QUICK_RECOVERY, Rig, Setup, script};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, HttpError, request};
use serde_json::{Value, json};

fn quick_with(config: &str) -> Setup {
    Setup { config: format!("{QUICK_RECOVERY}{config}"), ..Setup::default() }
}

/// A rig whose first session begins with this fault.
fn first_session(fault: Value) -> Rig {
    let place = tempfile::tempdir().unwrap();
    let mut rig = Setup { sim: script(place.path(), &[fault]), ..quick_with("") }.spawn();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig
}

/// Downloads something and does something else while it is on the way.
fn download(rig: &Rig, meanwhile: impl FnOnce()) -> Result<(), HttpError> {
    const LENGTH: usize = 500_000;
    let link_rate = |rate: u64| drop(rig.sim(json!({"do": "link-rate", "bytes-per-second": rate})));
    // Slow until it is done, so that the download cannot be over before.
    link_rate(50_000);
    let mut client = rig.web();
    client.send(&request("GET", &format!("/sim/bulk/{LENGTH}"), &[], b"")).unwrap();
    let mut meanwhile = Some(meanwhile);
    let mut checker = Checker::default();
    client.receive_into(|piece| {
        if let Some(meanwhile) = meanwhile.take() {
            meanwhile();
            link_rate(0);
        }
        checker.take(piece);
        Ok(())
    })?;
    assert_eq!(checker.count(), LENGTH);
    Ok(())
}

#[test]
fn version_that_is_too_old_is_shown_refused_and_asked_again_later() {
    let place = tempfile::tempdir().unwrap();
    let steps = [json!({"do": "session-version", "major": 0, "minor": 9})];
    let mut rig = Setup { sim: script(place.path(), &steps), ..quick_with("") }.spawn();
    let notice = rig.daemon.wait_notice("APF 0.9", PATIENCE, |notice| notice.contains("APF 0.9")).unwrap();
    assert!(notice.contains("1.0 is needed"), "{notice}");
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
    assert_eq!(rig.stat("/disconnects_in"), 1, "firmware was told");
}

#[test]
fn version_that_is_newer_is_spoken_to_in_the_old_way() {
    first_session(json!({"do": "session-version", "major": 2, "minor": 3})).assert_serves();
}

#[test]
fn firmware_that_wants_authentication_first_gets_it() {
    first_session(json!({"do": "auth-first"})).assert_serves();
}

#[test]
fn second_version_in_mid_session_ends_what_is_under_way_and_nothing_else() {
    let rig = quick_with("").start();
    let page = request("GET", "/logon.htm", &[], b"");
    let mut resting = rig.web();
    assert_eq!(resting.exchange(&page).unwrap().status(), 200);
    let outcome = download(&rig, || drop(rig.sim(json!({"do": "restart"}))));
    assert!(matches!(outcome, Err(HttpError::Truncated)), "{outcome:?}");
    rig.assert_serves();
    assert_eq!(resting.exchange(&page).unwrap().status(), 200);
    assert_eq!(rig.number("/link/connects"), 1, "the device was never let go");
    assert_eq!(rig.stat("/sessions_ready"), 2);
}

#[test]
fn second_version_with_a_request_unanswered_is_told() {
    let rig = quick_with("").start();
    rig.sim(json!({"do": "stall-engine"}));
    let mut client = rig.web();
    client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    rig.await_sim("a request that waits", |state| state["engine"]["waiting"] == 1);
    rig.sim(json!({"do": "restart"}));
    assert_eq!(client.receive().unwrap().status(), 502);
    rig.sim(json!({"do": "release-engine"}));
    rig.assert_serves();
}

#[test]
fn disconnect_by_firmware_is_a_new_session_and_not_the_end() {
    let rig = quick_with("").start();
    for reason in [11, 2, 18] {
        rig.sim(json!({"do": "disconnect", "reason": reason}));
        rig.assert_serves();
    }
    assert_eq!(rig.number("/link/connects"), 4);
}

#[test]
fn forward_that_is_withdrawn_and_asked_for_again_leaves_a_transfer_unharmed() {
    let rig = quick_with("").start();
    let outcome = download(&rig, || drop(rig.sim(json!({"do": "reannounce", "port": 16992}))));
    outcome.unwrap();
    rig.assert_serves();
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn request_that_falls_between_withdrawal_and_new_forward_waits_for_it() {
    let rig = quick_with("[queue]\nforward_wait = \"10s\"\n").start();
    rig.sim(json!({"do": "cancel", "port": 16992}));
    rig.await_status("a port that firmware has withdrawn", |status| !asked_for(status, 16992));
    let mut client = rig.web();
    client.send(&request("GET", "/sim/bulk/1000", &[], b"")).unwrap();
    rig.await_status("a request that waits", |status| status["connections"]["by_stage"]["waiting"] == 1);
    rig.sim(json!({"do": "forward", "port": 16992}));
    assert_eq!(client.receive().unwrap().body(), content(1000));
}

/// What AMT 16 does (apf 4.4): without a request that is tried all the same, it would never ask again.
#[test]
fn firmware_that_withdrew_its_ports_while_idle_serves_the_next_request() {
    let rig = quick_with("").start();
    for _ in 0..3 {
        rig.sim(json!({"do": "doze", "port": 623}));
        rig.sim(json!({"do": "doze", "port": 16992}));
        rig.await_status("ports that firmware has withdrawn", |status| !asked_for(status, 16992));
        assert_eq!(rig.daemon.http("/readyz").unwrap().status(), 200, "nothing is wrong");
        rig.assert_serves();
    }
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn port_that_stays_withdrawn_is_told_and_its_socket_stays_open() {
    let rig = quick_with("[queue]\nforward_wait = \"100ms\"\n").start();
    let address = rig.address(16992);
    rig.sim(json!({"do": "cancel", "port": 16992}));
    rig.await_status("a port that firmware has withdrawn", |status| !asked_for(status, 16992));
    let mut client = Connection::open(address, PATIENCE).unwrap();
    let answer = client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.text().contains("does not serve port 16992"), "{}", answer.text());
    rig.await_status("a port that does not come back", |status| {
        status["health"].as_array().unwrap().iter().any(|condition| condition["code"] == "no-wsman-port")
    });
    rig.sim(json!({"do": "forward", "port": 16992}));
    rig.assert_serves();
}

#[test]
fn forward_that_is_asked_for_twice_changes_nothing() {
    let rig = quick_with("").start();
    let address = rig.address(16992);
    let success = rig.stat("/replies/success");
    let outcome = download(&rig, || drop(rig.sim(json!({"do": "forward", "port": 16992}))));
    outcome.unwrap();
    rig.await_stats("a second grant", |stats| stats["replies"]["success"] == success + 1);
    assert_eq!(rig.address(16992), address);
}

#[test]
fn device_that_breaks_its_own_limit_is_shown_and_tried_again() {
    let rig = Setup { sim: "--max-message 64".into(), ..quick_with("") }.spawn();
    rig.await_status("the cause", |status| {
        status["link"]["last_error"].as_str().is_some_and(|error| error.to_lowercase().contains("too long"))
    });
    assert_eq!(rig.daemon.http("/healthz").unwrap().status(), 200);
    assert_eq!(rig.daemon.http("/readyz").unwrap().status(), 503);
}

#[test]
fn alert_of_firmware_is_taken_in_pieces_of_any_size_beside_a_transfer() {
    let rig = quick_with("").start();
    let alert = |chunk: usize| drop(rig.sim(json!({"do": "alert", "chunk": chunk})));
    let outcome = download(&rig, || {
        alert(0);
        alert(1);
    });
    outcome.unwrap();
    rig.await_status("two alerts", |status| status["counters"]["driver"]["alerts"] == 2);
    assert_eq!(rig.stat("/direct_accepted"), 2);
}

fn asked_for(status: &Value, port: u16) -> bool {
    let ports = status["ports"].as_array().map_or(&[][..], Vec::as_slice);
    ports.iter().any(|entry| entry["port"] == port && entry["requested_by_firmware"] == true)
}
