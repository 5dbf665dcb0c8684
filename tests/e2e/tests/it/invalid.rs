//! Firmware that sends what it should not: each thing costs at most what it must (apf 10). What is about one channel or none is
//! ignored, and a transfer beside it is unharmed; what shows that the session cannot be trusted ends it, and the next is at once.

use amtd_e2e::content::Checker;
use amtd_e2e::{QUICK_RECOVERY, Rig, Setup, lme, number, script};
use amtd_harness::PATIENCE;
use amtd_harness::http::{HttpError, request};
use serde_json::{Value, json};

/// `pfwd@amt.intel.com` with its length.
const PFWD: &str = "00000012 70667764 40616d74 2e696e74 656c2e63 6f6d";

fn quick_with(config: &str) -> Setup {
    Setup { config: format!("{QUICK_RECOVERY}{config}"), ..Setup::default() }
}

fn send(hex: impl Into<String>) -> Value {
    json!({"do": "send", "hex": hex.into()})
}

/// Downloads something, has firmware take these steps while it is on the way, and finds every byte in order.
fn download_beside(rig: &Rig, steps: &dyn Fn(u64) -> Vec<Value>) {
    const LENGTH: usize = 500_000;
    let link_rate = |rate: u64| drop(rig.sim(json!({"do": "link-rate", "bytes-per-second": rate})));
    // Slow until the steps are taken, so that it cannot be over before.
    link_rate(50_000);
    let mut client = rig.web();
    client.send(&request("GET", &format!("/sim/bulk/{LENGTH}"), &[], b"")).unwrap();
    let mut checker = Checker::default();
    let outcome = client.receive_into(|piece| {
        if checker.count() == 0 {
            steps(host_number(rig)).into_iter().for_each(|step| drop(rig.sim(step)));
            link_rate(0);
        }
        checker.take(piece);
        Ok(())
    });
    assert_eq!((outcome.unwrap().status(), checker.count()), (200, LENGTH));
}

/// The daemon's number of its one channel.
fn host_number(rig: &Rig) -> u64 {
    number(&lme(&rig.sim(json!({"do": "state"}))), "/channels/0/host_number")
}

/// The counter that must show it, by how much, and what firmware does, given the daemon's number of an open channel.
type Row<'a> = (&'a str, u64, &'a dyn Fn(u64) -> Vec<Value>);

/// While a download is on the way firmware takes these steps: nothing happens but that the daemon counts so many more.
fn each_is_counted_and_nothing_else(table: &[Row<'_>]) {
    let rig = quick_with("").start();
    for (counter, count, steps) in table {
        let pointer = format!("/counters/apf/{counter}");
        let before = rig.number(&pointer);
        download_beside(&rig, steps);
        rig.await_status(&format!("{count} {counter}"), |status| number(status, &pointer) == before + count);
    }
    assert_eq!(rig.number("/link/connects"), 1, "nothing of it was worth a new session");
    rig.assert_serves();
}

#[test]
fn messages_of_types_that_firmware_does_not_send_are_ignored() {
    let accept = format!("06 {PFWD}");
    let failure = "33 00000008 70617373 776f7264 00";
    let of_a_host = [&accept, failure, "34", "51 00004260", "52", "d1 deadbeef", "d3 00000000 00000000"];
    each_is_counted_and_nothing_else(&[
        ("unknown_types", 8, &|_| ["00", "02", "04", "5f", "60", "62", "d4", "ff"].map(send).into()),
        ("host_messages", 7, &|_| of_a_host.map(send).into()),
    ]);
}

#[test]
fn messages_for_channels_that_nobody_has_are_ignored() {
    each_is_counted_and_nothing_else(&[
        ("trailing", 4, &|_| {
            [92, 93, 94, 97].map(|kind| json!({"do": "padded", "type": kind, "extra": 5})).into()
        }),
        ("stray_data", 1, &|_| vec![send("5e 0000dead 00000004 64617461")]),
        ("stray_adjusts", 1, &|_| vec![send("5d 0000dead 00000001")]),
        ("stray_closes", 3, &|_| [0, 1, 0xdead].map(|id| json!({"do": "stray-close", "channel": id})).into()),
        ("stray_confirmations", 1, &|_| vec![send("5b 0000dead 00000000 00001000 ffffffff")]),
        ("stray_failures", 1, &|_| vec![send("5c 0000dead 00000004 00000000 00000000")]),
    ]);
}

#[test]
fn messages_that_make_no_sense_on_an_open_channel_are_ignored() {
    each_is_counted_and_nothing_else(&[
        ("stray_failures", 1, &|open| vec![send(format!("5c {open:08x} 00000004 00000000 00000000"))]),
        ("empty_data", 1, &|open| vec![send(format!("5e {open:08x} 00000000"))]),
        ("empty_adjusts", 1, &|open| vec![send(format!("5d {open:08x} 00000000"))]),
        ("overflowing_adjusts", 1, &|open| vec![send(format!("5d {open:08x} ffffffff"))]),
    ]);
}

#[test]
fn requests_that_make_no_sense_are_refused_and_change_nothing() {
    let forward = |port: u32, address: &str| json!({"do": "forward", "port": port, "address": address});
    let unknown =
        |want_reply: bool| json!({"do": "global-request", "name": "make-coffee", "want-reply": want_reply});
    let udp: String = b"udp-send-to@amt.intel.com".map(|byte| format!("{byte:02x}")).concat();
    each_is_counted_and_nothing_else(&[
        ("unknown_requests", 2, &|_| vec![unknown(true), unknown(false)]),
        ("unknown_cancels", 1, &|_| vec![json!({"do": "cancel", "port": 16995})]),
        ("refused_forwards", 3, &|_| vec![forward(0, "amt"), forward(70_000, "amt"), forward(8080, "amt")]),
        ("refused_forwards", 2, &|_| vec![forward(16992, "a\nb"), forward(16992, &"a".repeat(256))]),
        ("repeated_forwards", 1, &|_| vec![json!({"do": "forward", "port": 16992})]),
        ("bad_datagrams", 1, &|_| vec![send(format!("50 00000019 {udp} 00 000000ff 31"))]),
    ]);
}

#[test]
fn channels_that_firmware_may_not_open_are_refused() {
    let open = |kind: &str| json!({"do": "open-channel", "type": kind});
    let outbound = json!({"do": "direct", "host": "10.0.0.1", "port": 80});
    each_is_counted_and_nothing_else(&[("refused_channels", 3, &|_| {
        vec![open("session"), open("forwarded-tcpip"), outbound.clone()]
    })]);
}

#[test]
fn probes_of_firmware_are_answered() {
    let options = json!({"do": "keepalive-options", "interval": 30, "timeout": 10});
    each_is_counted_and_nothing_else(&[("keepalives", 2, &|_| {
        vec![json!({"do": "keepalive", "cookie": 7}), options.clone()]
    })]);
}

#[test]
fn requests_are_answered_in_their_order_when_some_are_refused() {
    let rig = quick_with("").start();
    let failures = rig.stat("/replies/failure");
    // The simulator checks that each answer is the one for the oldest request without one.
    for step in [
        json!({"do": "forward", "port": 16994}),
        json!({"do": "forward", "port": 8080}),
        json!({"do": "forward", "port": 16995}),
        json!({"do": "cancel", "port": 4711}),
        json!({"do": "cancel", "port": 16994}),
        json!({"do": "global-request", "name": "x", "want-reply": true}),
    ] {
        rig.sim(step);
    }
    rig.await_sim("an answer to each", |state| {
        lme(state)["outstanding"].as_array().is_some_and(Vec::is_empty)
    });
    assert_eq!(rig.stat("/replies/failure"), failures + 3);
}

#[test]
fn empty_message_is_not_taken_for_the_end_of_the_device() {
    let rig = quick_with("").start();
    download_beside(&rig, &|_| vec![json!({"do": "send-empty"}); 3]);
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn device_that_delivers_nothing_but_empty_messages_is_left() {
    let rig = quick_with("").start();
    for _ in 0..10 {
        rig.sim(json!({"do": "send-empty"}));
    }
    rig.await_connection(2);
    let reason = rig.status()["link"]["last_error"].clone();
    assert!(reason.as_str().is_some_and(|reason| reason.contains("nothing but empty messages")), "{reason}");
    rig.assert_serves();
}

#[test]
fn forward_that_would_open_amt_to_the_network_is_refused() {
    let rig = quick_with("").start();
    let count = |stats: &Value, answer: &str| number(stats, &format!("/replies/{answer}"));
    for address in ["0.0.0.0", "::"] {
        let before = rig.stats();
        rig.sim(json!({"do": "forward", "port": 16994, "address": address}));
        rig.await_stats("an answer", |stats| {
            let answers = |stats| count(stats, "success") + count(stats, "failure");
            answers(stats) == answers(&before) + 1
        });
        assert_eq!(rig.stat("/replies/success"), count(&before, "success"), "{address}");
    }
}

#[test]
fn flood_of_forwards_is_refused_beyond_its_limit() {
    let rig = quick_with("").start();
    download_beside(&rig, &|_| {
        (0..40).map(|n| json!({"do": "forward", "port": 16992, "address": format!("host-{n}")})).collect()
    });
    rig.await_stats("an answer to each", |stats| {
        number(stats, "/replies/success") + number(stats, "/replies/failure") == 42
    });
    assert_eq!(rig.stat("/replies/success"), 16);
}

#[test]
fn second_service_request_is_accepted_again_and_changes_nothing() {
    let mut rig = quick_with("").start();
    // The simulator did not ask by itself and takes the answer for a mistake.
    rig.provokes("unexpected-reply");
    download_beside(&rig, &|_| vec![send(format!("05 {PFWD}"))]);
    rig.assert_serves();
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn message_that_is_cut_short_costs_one_session() {
    // Each type that firmware sends, cut after its first byte, in the middle, and one byte before its end.
    let lengths = [
        (1, 7),
        (5, 23),
        (50, 35),
        (80, 30),
        (90, 63),
        (91, 17),
        (92, 17),
        (93, 9),
        (94, 13),
        (97, 5),
        (192, 93),
    ];
    let steps = lengths.into_iter().flat_map(|(kind, whole)| {
        [1, whole / 2, whole - 1].map(|length| json!({"do": "truncated", "type": kind, "length": length}))
    });
    each_costs_one_session(steps.collect());
}

#[test]
fn length_that_lies_costs_one_session() {
    let mut steps: Vec<Value> =
        [5, 50, 80, 90, 94].map(|kind| json!({"do": "oversized", "type": kind})).into();
    // One byte more than there is.
    steps.push(send("5e 00000100 00000005 64617461"));
    each_costs_one_session(steps);
}

#[test]
fn service_that_nobody_knows_costs_one_session() {
    each_costs_one_session(vec![
        // evil@amt.intel.com, PFWD@AMT.INTEL.COM, pfwd@amt.intel.com with a NUL behind it, nothing.
        send("05 00000012 6576696c 40616d74 2e696e74 656c2e63 6f6d"),
        send("05 00000012 50465744 40414d54 2e494e54 454c2e43 4f4d"),
        send("05 00000013 70667764 40616d74 2e696e74 656c2e63 6f6d 00"),
        send("05 00000000"),
    ]);
}

/// After each of these steps the daemon begins a new session, a request that was under way is told, and the next is served.
fn each_costs_one_session(steps: Vec<Value>) {
    let rig = quick_with("").start();
    for (count, step) in (2..).zip(steps) {
        rig.sim(json!({"do": "stall-engine"}));
        let mut client = rig.web();
        client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
        rig.await_sim("a request that waits", |state| state["engine"]["waiting"] == 1);
        rig.sim(step.clone());
        assert_eq!(client.receive().unwrap().status(), 502, "{step}");
        rig.sim(json!({"do": "release-engine"}));
        assert_eq!(rig.get("/logon.htm").status(), 200, "{step}");
        assert_eq!(rig.number("/link/connects"), count, "{step}");
        let goodbyes = rig.stat("/disconnects_in");
        let is_goodbye = step["type"] == 1;
        assert!(is_goodbye || goodbyes > 0, "{step}: firmware was not told");
        rig.sim(json!({"do": "reset-stats"}));
    }
}

#[test]
fn message_before_its_time_costs_one_session() {
    // Deadlines so long that only the message can end the session.
    let config = "[apf]\nhandshake_timeout = \"10m\"\nversion_timeout = \"10m\"\n";
    let service = format!("05 {PFWD}");
    let forward = "50 0000000d 74637069 702d666f 72776172 64 01 00000000 00004260";
    let (data, open) = (
        "5e 00000100 00000001 41",
        "5a 0000000c 64697265 63742d74 63706970 00000007 00001000 ffffffff 00000001 61 00000000 00000001 61 00000000",
    );
    for (stage, hex) in [
        ("version", service.as_str()),
        ("version", forward),
        ("version", data),
        ("version", "5f"),
        ("service", forward),
        ("service", data),
        ("service", open),
    ] {
        let place = tempfile::tempdir().unwrap();
        let steps = [json!({"do": "silent-session", "stage": stage})];
        let mut rig = Setup { sim: script(place.path(), &steps), ..quick_with(config) }.spawn();
        rig.await_sim("a session that has begun", |state| lme(state)["phase"] == "silent");
        rig.sim(send(hex));
        rig.daemon.wait_ready(PATIENCE).unwrap();
        rig.assert_serves();
        assert_eq!(rig.number("/link/connects"), 2, "{hex} at stage {stage}");
    }
}

#[test]
fn number_given_to_two_channels_costs_one_session() {
    let rig = quick_with("").start();
    let page = request("GET", "/logon.htm", &[], b"");
    let mut resting = rig.web();
    assert_eq!(resting.exchange(&page).unwrap().status(), 200);
    rig.sim(json!({"do": "confirm-with-used-id"}));
    // It was not handed to firmware yet, so that it can be tried again behind the client's back.
    assert_eq!(rig.get("/logon.htm").status(), 200);
    assert_eq!(resting.exchange(&page).unwrap().status(), 200);
    assert_eq!(rig.number("/link/connects"), 2);
}

#[test]
fn data_beyond_the_window_costs_its_own_channel_only() {
    let rig = quick_with("").start();
    let before = rig.footing();
    download_beside(&rig, &|_| {
        rig.sim(json!({"do": "data-beyond-window", "bytes": 1}));
        let mut client = rig.web();
        client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
        let outcome = client.receive();
        assert!(
            matches!(outcome, Err(HttpError::Io(_) | HttpError::Malformed(_) | HttpError::Truncated)),
            "{outcome:?}"
        );
        vec![]
    });
    assert_eq!(rig.number("/link/connects"), 1);
    rig.await_rest(before);
}

#[test]
fn data_after_a_close_and_a_second_close_are_ignored() {
    let rig = quick_with("").start();
    let before = rig.footing();
    rig.sim(json!({"do": "data-after-close", "bytes": 500}));
    let mut client = rig.web();
    client.send(&request("GET", "/sim/bulk/1000", &[], b"")).unwrap();
    let answer = client.receive().unwrap();
    assert_eq!(answer.body().len(), 1000);
    assert_eq!(client.read_to_end().unwrap(), b"", "what came after the close is not the client's");
    rig.await_rest(before);

    let mut client = rig.web();
    assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
    let channel = host_number(&rig);
    rig.sim(json!({"do": "close-channels"}));
    rig.sim(json!({"do": "stray-close", "channel": channel}));
    assert_eq!(client.read_to_end().unwrap(), b"");
    rig.await_rest(before);
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn empty_data_in_a_response_is_passed_over() {
    let rig = quick_with("").start();
    rig.sim(json!({"do": "empty-data"}));
    assert_eq!(rig.get("/sim/bulk/1000").body().len(), 1000);
    assert_eq!(rig.number("/counters/apf/empty_data"), 1);
}

#[test]
fn close_of_a_channel_that_is_being_opened_is_taken_as_a_refusal() {
    let rig = quick_with("[queue]\nretry_first = \"1ms\"\nretry_max = \"1ms\"\n").start();
    let before = rig.footing();
    rig.sim(json!({"do": "delay-opens", "ms": 500}));
    let mut client = rig.web();
    client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    rig.await_stats("an open", |stats| stats["opens"] == 1);
    let id = rig.status()["channels"][0]["id"].as_str().unwrap().to_owned();
    let digits = id.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
    rig.sim(json!({"do": "stray-close", "channel": digits.parse::<u32>().unwrap()}));
    assert_eq!(client.receive().unwrap().status(), 200);
    drop(client);
    // The confirmation that comes late is for a channel that nobody wants any more.
    rig.await_stats("two confirmations and two closes", |stats| {
        stats["opens_confirmed"] == 2 && stats["closes_in"] == 2
    });
    rig.await_rest(before);
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn noise_of_every_type_and_length_never_brings_the_daemon_down() {
    let mut rig = quick_with("").start();
    // What happens to be well-formed is answered, and the simulator did not mean to ask.
    for violation in ["unexpected-reply", "second-version"] {
        rig.provokes(violation);
    }
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for kind in [1, 5, 6, 50, 51, 52, 80, 81, 82, 90, 91, 92, 93, 94, 97, 192, 208, 209, 210, 211_u64] {
        for _ in 0..4 {
            let length = random() % 120;
            let bytes = std::iter::once(kind)
                .chain((0..length).map(|_| random() % if random() % 2 == 0 { 3 } else { 256 }));
            let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
            rig.await_status("a session", |status| status["link"]["ready"] == true);
            // Refused when the session has just ended because of the one before.
            let _ = rig.sim.control(&send(hex));
        }
    }
    rig.assert_serves();
}
