//! The device comes, goes, is busy, is something else: the daemon shows what is the matter, tells clients, and goes on when it can.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use amtd_e2e::content::content;
use amtd_e2e::{QUICK_RECOVERY, Rig, Setup, number, script, stream};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, HttpError, request};
use serde_json::json;

fn quick() -> Setup {
    Setup { config: QUICK_RECOVERY.into(), ..Setup::default() }
}

/// With further lines of configuration.
fn quick_with(config: &str) -> Setup {
    Setup { config: format!("{QUICK_RECOVERY}{config}"), ..Setup::default() }
}

// ---- lost and found ----

#[test]
fn reset_in_the_middle_of_a_transfer_is_visible_and_the_next_request_works() {
    for path in ["/sim/bulk/100000000", "/sim/bulk/100000000?chunked"] {
        let rig = quick().start();
        let mut client = rig.web();
        client.send(&request("GET", path, &[], b"")).unwrap();
        let mut received = 0;
        let outcome = client.receive_into(|piece| {
            if received == 0 {
                rig.sim(json!({"do": "link-reset"}));
            }
            received += piece.len();
            Ok(())
        });
        assert!(matches!(outcome, Err(HttpError::Truncated | HttpError::Io(_))), "{path}: {outcome:?}");
        assert!(!outcome.unwrap_err().is_timeout(), "{path}");
        rig.assert_serves();
        assert_eq!(rig.number("/link/connects"), 2);
    }
}

#[test]
fn reset_under_a_binary_stream_is_seen_as_a_reset_and_not_as_its_end() {
    let rig = Setup { sim: "--echo-port 16994".into(), ..quick() }.start();
    let mut client = stream::open(rig.address(16994));
    client.write_all(b"\x16\x03\x01").unwrap();
    assert_eq!(stream::read_exactly(&mut client, 3), b"\x16\x03\x01");
    rig.sim(json!({"do": "link-reset"}));
    assert_eq!(client.read(&mut [0]).unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn reset_before_the_answer_is_told_with_its_cause() {
    let rig = quick().start();
    rig.sim(json!({"do": "stall-engine"}));
    let mut client = rig.web();
    client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    rig.await_sim("a request that waits", |state| state["engine"]["waiting"] == 1);
    rig.sim(json!({"do": "link-reset"}));
    let answer = client.receive().unwrap();
    assert_eq!((answer.status(), answer.closes()), (502, true));
    assert!(answer.text().contains("connection to the firmware was lost"), "{}", answer.text());
    assert_eq!(client.read_to_end().unwrap(), b"");
    rig.sim(json!({"do": "release-engine"}));
    rig.assert_serves();
}

#[test]
fn client_that_rests_does_not_notice_a_reset() {
    let rig = quick().start();
    let page = request("GET", "/logon.htm", &[], b"");
    let mut client = rig.web();
    assert_eq!(client.exchange(&page).unwrap().status(), 200);
    rig.sim(json!({"do": "link-reset"}));
    rig.await_connection(2);
    assert_eq!(client.exchange(&page).unwrap().status(), 200);
}

#[test]
fn firmware_that_dies_and_comes_back_is_found_again() {
    let mut rig = quick().start();
    rig.assert_serves();
    rig.restart_sim();
    rig.assert_serves();
}

#[test]
fn link_that_is_lost_again_and_again_wears_nothing_out() {
    let rig = quick().start();
    let before = rig.footing();
    for count in 1..=30 {
        assert_eq!(rig.get("/logon.htm").status(), 200);
        rig.sim(json!({"do": "link-reset"}));
        rig.await_connection(count + 1);
    }
    rig.await_rest(before);
    assert_eq!(rig.number("/counters/driver/lost"), 30);
}

#[test]
fn session_that_ends_again_and_again_is_begun_more_and_more_slowly() {
    let rig = quick().start();
    for count in 2..=8 {
        rig.sim(json!({"do": "disconnect", "reason": 11}));
        rig.await_connection(count);
    }
    // Not every pause: on a machine that stands still a session may last for so long that the next pause is the first again.
    let log = rig.journal().text();
    for pause in ["1ms", "2ms"] {
        assert!(log.contains(&format!("retry_in={pause}")), "no pause of {pause}:\n{log}");
    }
}

#[test]
fn suspended_device_is_shown_and_requests_outlast_it() {
    let rig = quick().start();
    rig.sim(json!({"do": "suspend"}));
    rig.await_link("waiting-for-device");
    let mut client = rig.web();
    client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    rig.await_status("a request that waits", |status| status["connections"]["by_stage"]["waiting"] == 1);
    rig.sim(json!({"do": "resume"}));
    assert_eq!(client.receive().unwrap().status(), 200);
}

// ---- not to be had ----

#[test]
fn busy_client_is_waited_for_however_often_it_is_busy() {
    let setup = quick();
    let sim = setup.sim();
    sim.control(&json!({"do": "refuse-connects", "client": "lme", "errno": 16, "count": 15})).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.daemon.wait_notice("in use", PATIENCE, |notice| notice.contains("in use")).unwrap();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
    assert_eq!(rig.stat("/connects_refused"), 15);
}

#[test]
fn missing_client_is_shown_until_it_appears() {
    let setup = quick();
    let sim = setup.sim();
    sim.control(&json!({"do": "client-missing", "client": "lme"})).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.await_link("client-missing");
    assert_eq!(rig.status()["health"][0]["code"], "client-missing");
    assert_eq!(rig.daemon.http("/readyz").unwrap().status(), 503);
    rig.sim(json!({"do": "client-present", "client": "lme"}));
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

#[test]
fn device_that_is_missing_at_start_is_found_when_it_appears() {
    let setup = quick();
    let mut sim = setup.sim();
    sim.process().kill().unwrap();
    std::fs::remove_file(sim.device()).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.await_link("waiting-for-node");
    assert_eq!(rig.status()["health"][0]["code"], "device-missing");
    rig.sim.restart().unwrap();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

#[test]
fn path_that_is_no_device_is_named_and_the_daemon_stays() {
    let place = tempfile::tempdir().unwrap();
    for what in ["a regular file", "a directory", "a socket of another type"] {
        let path = place.path().join(what);
        let _listener = match what {
            "a regular file" => std::fs::write(&path, "not a device").map(|()| None).unwrap(),
            "a directory" => std::fs::create_dir(&path).map(|()| None).unwrap(),
            _ => UnixListener::bind(&path).map(Some).unwrap(),
        };
        let rig = Setup { device: Some(path.clone()), ..quick() }.spawn();
        rig.await_link("misconfigured");
        let status = rig.status();
        let detail = status["link"]["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(path.to_str().unwrap()) && detail.contains(what), "{detail}");
        assert_eq!(status["health"][0]["code"], "device-misconfigured");
        assert_eq!(rig.daemon.http("/healthz").unwrap().status(), 200, "{what}");
        assert_eq!(rig.daemon.http("/readyz").unwrap().status(), 503, "{what}");
    }
}

#[test]
fn socket_that_nobody_listens_on_is_waited_for() {
    let setup = quick();
    let mut sim = setup.sim();
    sim.process().kill().unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.await_link("waiting-for-node");
    rig.sim.restart().unwrap();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

#[test]
fn path_that_becomes_a_device_is_used_without_a_restart() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("mei0");
    std::fs::write(&path, "").unwrap();
    let mut rig = Setup { device: Some(path.clone()), ..quick() }.spawn();
    rig.await_link("misconfigured");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink(rig.sim.device(), &path).unwrap();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

#[test]
fn connect_that_fails_in_any_way_is_shown_by_its_kind_and_tried_again() {
    let setup = quick_with("[device]\nconnect_limit = \"100ms\"\n");
    let sim = setup.sim();
    let always = 1_000_000;
    sim.control(&json!({"do": "silent-connects", "client": "lme", "count": always})).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.await_link("firmware-silent");
    let fails_with = |rig: &Rig, fault, state| {
        rig.sim(json!({"do": "clear"}));
        rig.sim(fault);
        // An attempt between the two may have succeeded.
        rig.sim(json!({"do": "disconnect-client", "client": "lme"}));
        rig.await_link(state);
    };
    for (hex, state) in [("00 01 02", "misconfigured"), ("00000000 ffffffff 01000000", "misconfigured")] {
        let garbage = json!({"do": "garbage-connects", "client": "lme", "hex": hex, "count": always});
        fails_with(&rig, garbage, state);
    }
    for (errno, state) in [
        (14, "firmware-silent"),
        (16, "client-busy"),
        (19, "waiting-for-device"),
        (22, "firmware-refused"),
        (25, "client-missing"),
        (12, "system-error"),
        (4711, "misconfigured"),
    ] {
        let refusal = json!({"do": "refuse-connects", "client": "lme", "errno": errno, "count": always});
        fails_with(&rig, refusal, state);
    }
    rig.sim(json!({"do": "clear"}));
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

// ---- what clients are told meanwhile ----

#[test]
fn clients_are_told_why_when_there_is_no_link() {
    let setup =
        Setup { front: "retry_after = \"7s\"\n".into(), ..quick_with("[queue]\nlink_wait = \"100ms\"\n") };
    let rig = setup.start();
    let address = rig.address(16992);
    rig.sim(json!({"do": "suspend"}));
    rig.await_link("waiting-for-device");
    assert_eq!(rig.address(16992), address, "the port stays open, or other tools take the device");
    let answer = rig.get("/logon.htm");
    assert_eq!((answer.status(), answer.closes()), (503, true));
    assert_eq!(answer.header("retry-after").as_deref(), Some("7"));
    let text = answer.text();
    assert!(
        text.contains("cannot be reached") && text.contains("suspended") && text.lines().count() == 1,
        "{text}"
    );

    // What is not HTTP would not understand a word: it is closed.
    let mut opaque = stream::open(address);
    opaque.write_all(b"\x16\x03\x01\x00\x05hello").unwrap();
    let outcome = stream::read_to_end(&mut opaque);
    assert!(
        outcome
            .as_ref()
            .map_or_else(|error| error.kind() == std::io::ErrorKind::ConnectionReset, Vec::is_empty),
        "{outcome:?}"
    );

    // A probe by a connection alone is answered as always.
    drop(stream::open(address));
    rig.sim(json!({"do": "resume"}));
    rig.await_connection(2);
    rig.assert_serves();
}

#[test]
fn hundred_clients_that_wait_for_the_link_are_all_served_when_it_comes() {
    let rig = quick().start();
    rig.sim(json!({"do": "suspend"}));
    rig.await_link("waiting-for-device");
    let page = request("GET", "/logon.htm", &[], b"");
    let mut clients: Vec<Connection> = (0..100).map(|_| rig.web()).collect();
    for client in &mut clients {
        client.send(&page).unwrap();
    }
    rig.await_status("100 requests that wait", |status| status["connections"]["by_stage"]["waiting"] == 100);
    rig.sim(json!({"do": "resume"}));
    for client in &mut clients {
        assert_eq!(client.receive().unwrap().status(), 200);
    }
}

// ---- a firmware that is there and does nothing ----

#[test]
fn firmware_that_stops_answering_ends_the_request_and_nothing_else() {
    let rig = quick_with("[queue]\nresponse_wait = \"300ms\"\n").start();
    let before = rig.footing();
    rig.sim(json!({"do": "stall-engine"}));
    let answer = rig.get("/logon.htm");
    assert_eq!((answer.status(), answer.closes()), (504, true));
    assert!(answer.text().contains("did not answer in time"), "{}", answer.text());
    rig.sim(json!({"do": "release-engine"}));
    rig.assert_serves();
    rig.await_rest(before);
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn firmware_that_stops_answering_in_the_middle_is_visible_as_a_cut() {
    let rig = quick_with("[queue]\nresponse_wait = \"300ms\"\n").start();
    let mut client = rig.web();
    client.send(&request("GET", "/sim/bulk/100000000", &[], b"")).unwrap();
    let mut received = 0;
    let outcome = client.receive_into(|piece| {
        if received == 0 {
            rig.sim(json!({"do": "stop-writing"}));
        }
        received += piece.len();
        Ok(())
    });
    assert!(matches!(outcome, Err(HttpError::Truncated)), "{outcome:?}");
    rig.sim(json!({"do": "resume-writing"}));
    rig.assert_serves();
}

#[test]
fn firmware_that_takes_no_messages_is_left_and_found_again() {
    // A window so large that the device is what blocks.
    let setup =
        Setup { sim: "--window 100000000".into(), ..quick_with("[link]\ntransmit_stall = \"200ms\"\n") };
    let rig = setup.start();
    let body = content(8 << 20);
    let mut client = rig.web();
    client
        .send(format!("POST /sim/sink HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes())
        .unwrap();
    rig.await_stats("the head of the upload", |stats| number(stats, "/bytes_in") > 0);
    rig.sim(json!({"do": "stop-reading"}));
    // The daemon takes the rest although it cannot send it on: a close over unread input would destroy its answer.
    client.send(&body).unwrap();
    let answer = client.receive().unwrap();
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("takes no messages"), "{}", answer.text());
    rig.sim(json!({"do": "resume-reading"}));
    rig.assert_serves();
}

#[test]
fn handshake_that_stops_at_any_stage_is_begun_anew() {
    let config = "[apf]\nhandshake_timeout = \"200ms\"\nversion_timeout = \"100ms\"\n";
    for stage in ["version", "service"] {
        let place = tempfile::tempdir().unwrap();
        let steps = [json!({"do": "silent-session", "stage": stage, "count": 3})];
        let mut rig = Setup { sim: script(place.path(), &steps), ..quick_with(config) }.spawn();
        rig.await_status("a failed handshake", |status| {
            status["link"]["last_error"]
                .as_str()
                .is_some_and(|error| error.contains("handshake took too long"))
        });
        rig.daemon.wait_ready(PATIENCE).unwrap();
        rig.assert_serves();
        assert_eq!(number(&rig.status(), "/link/connects"), 4);
    }
}
