//! Channels that firmware does not open, or does not close, as it should.

use std::thread;

use amtd_e2e::{Rig, Setup, number};
use amtd_harness::http::{Response, request};
use serde_json::json;

/// Short deadlines for what firmware leaves unanswered, and short pauses after what it refuses.
const IMPATIENT: &str = r#"
[apf]
open_timeout = "150ms"
close_timeout = "150ms"
[queue]
retry_first = "5ms"
retry_max = "20ms"
"#;

fn impatient() -> Rig {
    Setup { config: IMPATIENT.into(), ..Setup::default() }.start()
}

/// The answers to so many clients that ask at the same time.
fn ask(rig: &Rig, count: usize) -> Vec<Response> {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..count).map(|_| scope.spawn(|| rig.get("/logon.htm"))).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

#[test]
fn unanswered_opens_are_told_to_their_clients_and_leak_nothing() {
    let rig = impatient();
    let before = rig.footing();
    rig.sim(json!({"do": "silent-opens", "count": 20}));
    for answer in ask(&rig, 20) {
        assert_eq!(answer.status(), 503);
        assert!(answer.header("retry-after").is_some());
        assert!(answer.text().contains("did not answer the opening of a channel"), "{}", answer.text());
    }
    assert_eq!(rig.number("/counters/apf/unanswered_opens"), 20);
    for answer in ask(&rig, 20) {
        assert_eq!(answer.status(), 200);
    }
    rig.await_rest(before);
}

#[test]
fn confirmation_that_comes_after_the_deadline_gives_the_slot_back() {
    let rig = impatient();
    let before = rig.footing();
    rig.sim(json!({"do": "delay-opens", "ms": 400, "count": 8}));
    for answer in ask(&rig, 8) {
        assert_eq!(answer.status(), 503);
    }
    rig.await_stats("eight late confirmations, each closed by the daemon", |stats| {
        stats["opens_confirmed"] == 8 && stats["closes_in"] == 8
    });
    rig.await_rest(before);
    rig.assert_serves();
}

#[test]
fn confirmation_that_comes_after_the_client_has_gone_gives_the_slot_back() {
    let rig = Rig::start();
    let before = rig.footing();
    rig.sim(json!({"do": "delay-opens", "ms": 300}));
    let mut client = rig.web();
    client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    rig.await_stats("an open", |stats| stats["opens"] == 1);
    drop(client);
    rig.await_stats("a channel that was opened and closed", |stats| {
        stats["opens_confirmed"] == 1 && stats["closes_in"] == 1
    });
    rig.await_rest(before);
}

#[test]
fn unanswered_closes_cost_their_slots_only_until_the_deadline() {
    let rig = impatient();
    rig.sim(json!({"do": "ignore-closes", "count": 5}));
    for _ in 0..5 {
        let mut client = rig.web();
        assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
    }
    rig.await_status("five closes given up", |status| status["counters"]["apf"]["unanswered_closes"] == 5);
    rig.await_status("no slot taken", |status| status["slots"]["closing"] == 0);
    // Firmware itself has three slots left of its eight. Nobody notices.
    for answer in ask(&rig, 16) {
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(rig.status()["link"]["connects"], 1);
}

#[test]
fn open_that_is_refused_for_any_reason_is_tried_again() {
    let rig = impatient();
    // The last is none that the protocol knows.
    for (place, reason) in (0_u64..).zip([1, 2, 3, 4, 77]) {
        rig.sim(json!({"do": "refuse-opens", "reason": reason, "count": 3}));
        assert_eq!(rig.get("/logon.htm").status(), 200, "after refusals with reason {reason}");
        assert_eq!(rig.number("/counters/mux/open_refusals"), (place + 1) * 3);
    }
}

#[test]
fn open_that_is_always_refused_is_told_with_the_reason() {
    let config = format!("{IMPATIENT}retry_attempts = 4\n");
    let rig = Setup { config, ..Setup::default() }.start();
    rig.sim(json!({"do": "refuse-opens", "reason": 1, "count": 1000}));
    let answer = rig.get("/logon.htm");
    assert_eq!(answer.status(), 503);
    assert!(answer.text().contains("refuses the connection"), "{}", answer.text());
    assert_eq!(rig.stat("/opens"), 4);
    rig.sim(json!({"do": "clear"}));
    rig.assert_serves();
}

#[test]
fn refusals_for_lack_of_resources_do_not_reach_the_clients() {
    let rig = impatient();
    rig.sim(json!({"do": "refuse-opens", "reason": 4, "count": 12}));
    for answer in ask(&rig, 30) {
        assert_eq!(answer.status(), 200);
    }
    assert!(number(&rig.status(), "/slots/limit") >= 1);
}

#[test]
fn open_that_is_refused_and_confirmed_or_confirmed_twice_leaks_no_slot() {
    let rig = impatient();
    let before = rig.footing();
    for fault in [
        json!({"do": "confirm-after-failure", "count": 3}),
        json!({"do": "confirm-twice", "count": 3}),
        json!({"do": "confirm-twice", "other-id": true, "count": 3}),
    ] {
        rig.sim(fault.clone());
        for _ in 0..3 {
            assert_eq!(rig.get("/logon.htm").status(), 200, "{fault}");
        }
        rig.await_rest(before);
    }
    assert_eq!(rig.status()["link"]["connects"], 1);
}

#[test]
fn channel_without_window_waits_for_it_and_a_window_without_end_is_no_harm() {
    let rig = Rig::start();
    let body = amtd_e2e::content::content(3_000);
    for fault in [json!({"do": "zero-window", "adjust": 1}), json!({"do": "huge-window"})] {
        rig.sim(fault.clone());
        let answer = rig.web().exchange(&request("POST", "/sim/sink", &[], &body)).unwrap();
        assert_eq!(answer.text(), format!("3000 {:08x}\n", crc32fast::hash(&body)), "{fault}");
    }
}

#[test]
fn channel_that_never_gets_a_window_is_given_up() {
    let config = "[apf]\nzero_window_timeout = \"200ms\"\n".into();
    let rig = Setup { config, ..Setup::default() }.start();
    let before = rig.footing();
    rig.sim(json!({"do": "zero-window", "adjust": 0}));
    let answer = rig.get("/logon.htm");
    assert!((502..=504).contains(&answer.status()), "{}", answer.status());
    rig.assert_serves();
    rig.await_rest(before);
}
