//! Clients that end their side while something is still owed to them. The protocol to firmware has no half-closed channels, so
//! the daemon has to know when it may pass a FIN on (apf 4.6).

use std::io::Write;
use std::net::Shutdown;
use std::thread;

use amtd_e2e::content::content;
use amtd_e2e::{Rig, Setup, stream};
use amtd_harness::http::{Connection, request};
use amtd_harness::wsman;
use serde_json::json;

#[test]
fn half_close_after_a_401_is_answered_by_the_close() {
    let rig = Rig::start();
    let mut client = rig.web();
    let refused = client.exchange(&wsman::post(&wsman::get("AMT_GeneralSettings"), &[])).unwrap();
    assert_eq!(refused.status(), 401);
    client.finish_sending().unwrap();
    assert_eq!(client.read_to_end().unwrap(), b"");
}

#[test]
fn half_close_after_a_response_on_a_kept_connection_is_answered_by_the_close() {
    let rig = Rig::start();
    let before = rig.footing();
    let mut client = rig.web();
    let answer = client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap();
    assert_eq!((answer.status(), answer.closes()), (200, false));
    client.finish_sending().unwrap();
    assert_eq!(client.read_to_end().unwrap(), b"");
    rig.await_rest(before);
}

#[test]
fn half_close_before_the_response_does_not_lose_it() {
    let rig = Rig::start();
    rig.sim(json!({"do": "stall-engine"}));
    let client = stream::half_closed(rig.address(16992), &request("GET", "/sim/bulk/100000", &[], b""));
    // Firmware has the request and not yet an answer when the daemon has seen the FIN.
    rig.await_sim("a request that waits", |state| state["engine"]["waiting"] == 1);
    rig.sim(json!({"do": "release-engine"}));
    let mut client = Connection::over(client);
    assert_eq!(client.receive().unwrap().body().len(), 100_000);
    assert_eq!(client.read_to_end().unwrap(), b"", "the connection ends behind the response");
}

#[test]
fn half_close_behind_a_request_that_firmware_never_answers_is_no_hang() {
    let config = Setup {
        front: "half_close_limit = \"300ms\"\nhalf_close_quiet = \"100ms\"\n".into(),
        ..Setup::default()
    };
    let rig = config.start();
    let before = rig.footing();
    rig.sim(json!({"do": "stall-engine"}));
    let mut client = stream::half_closed(rig.address(16992), &request("GET", "/logon.htm", &[], b""));
    let _whatever = stream::read_to_end(&mut client).unwrap();
    drop(client);
    rig.sim(json!({"do": "release-engine"}));
    rig.await_rest(before);
}

#[test]
fn half_close_of_a_request_that_waits_in_the_queue_does_not_lose_it() {
    // Nothing is owed to it by firmware before its turn has come.
    let front = "half_close_limit = \"100ms\"\nhalf_close_quiet = \"50ms\"\n".into();
    let config = "[apf]\nmax_channels = 1\n[queue]\nreserved_slots = 0\n".into();
    let rig = Setup { front, config, ..Setup::default() }.start();
    rig.sim(json!({"do": "stall-engine"}));
    let mut first = rig.web();
    first.send(&request("GET", "/logon.htm", &["Connection: close"], b"")).unwrap();
    rig.await_sim("the first request", |state| state["engine"]["waiting"] == 1);
    let second = stream::half_closed(rig.address(16992), &request("GET", "/sim/bulk/1000", &[], b""));
    rig.await_status("the second in the queue", |status| status["connections"]["by_stage"]["waiting"] == 1);
    rig.sim(json!({"do": "release-engine", "when": {"ms": 300}}));
    assert_eq!(first.receive().unwrap().status(), 200);
    assert_eq!(Connection::over(second).receive().unwrap().body(), content(1000));
}

#[test]
fn half_close_of_an_opaque_stream_waits_for_what_is_on_its_way() {
    let setup = Setup {
        sim: "--echo-port 16994".into(),
        front: "half_close_quiet = \"300ms\"\n".into(),
        ..Setup::default()
    };
    let rig = setup.start();
    let before = rig.footing();
    let sent = content(200_000);
    let mut client = stream::open(rig.address(16994));
    let mut writer = client.try_clone().unwrap();
    let received = thread::scope(|scope| {
        scope.spawn(|| {
            writer.write_all(&sent).unwrap();
            writer.shutdown(Shutdown::Write).unwrap();
        });
        stream::read_to_end(&mut client).unwrap()
    });
    assert!(received == sent, "{} of {} bytes came back", received.len(), sent.len());
    drop((client, writer));
    rig.await_rest(before);
}

#[test]
fn opaque_client_that_leaves_after_its_answer_frees_its_slot() {
    // Long enough that a slot held for it would be missed.
    let setup = Setup {
        sim: "--echo-port 16994".into(),
        front: "half_close_limit = \"10m\"\n".into(),
        ..Setup::default()
    };
    let rig = setup.start();
    let before = rig.footing();
    let mut client = stream::open(rig.address(16994));
    client.write_all(b"\x16\x03\x01").unwrap();
    assert_eq!(stream::read_exactly(&mut client, 3), b"\x16\x03\x01");
    drop(client);
    rig.await_rest(before);
}
