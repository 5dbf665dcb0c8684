//! More clients than firmware has channels, more than the daemon serves at once, and clients that go without a word.

use std::io::Write;
use std::sync::Barrier;
use std::thread;

use amtd_e2e::{Rig, Setup, number, stream};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, request};
use serde_json::json;

/// Stack of a client's thread: small, because there are hundreds.
const STACK: usize = 256 << 10;

#[test]
fn clients_64_at_once_are_all_served() {
    serve_at_once(64);
}

#[test]
fn clients_512_at_once_are_all_served() {
    serve_at_once(512);
}

/// So many clients connect, then all ask at once: a login and a Get on a connection that is kept.
fn serve_at_once(count: usize) {
    let rig = Rig::start();
    let before = rig.footing();
    let start = Barrier::new(count);
    let failed: Vec<String> = thread::scope(|scope| {
        let client = |_| {
            let mut client = rig.wsman();
            let start = &start;
            let ask = move || {
                start.wait();
                let answer = client.get("AMT_GeneralSettings").map_err(|error| error.to_string())?;
                if answer.status() == 200 { Ok(()) } else { Err(answer.text()) }
            };
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, ask).unwrap()
        };
        let clients: Vec<_> = (0..count).map(client).collect();
        clients.into_iter().filter_map(|client| client.join().unwrap().err()).collect()
    });
    assert!(
        failed.is_empty(),
        "{} of {count} clients failed: {:#?}",
        failed.len(),
        &failed[..failed.len().min(5)]
    );
    assert!(rig.stat("/slots_high_water") <= 6);
    assert_eq!(rig.stat("/opens_refused"), 0);
    rig.await_rest(before);
}

#[test]
fn kept_connections_that_rest_leave_the_slots_to_others() {
    let rig = Rig::start();
    let page = request("GET", "/logon.htm", &[], b"");
    let mut clients: Vec<Connection> = (0..20).map(|_| rig.web()).collect();
    // Each is answered although all before it are still there, and each again although it gave its channel away.
    for round in 1..=2 {
        for (place, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.exchange(&page).unwrap().status(), 200, "client {place} in round {round}");
        }
    }
    let status = rig.status();
    assert_eq!(number(&status, "/connections/current"), 20);
    assert!(number(&status, "/counters/mux/detached") >= 34, "{status:#}");
    assert!(rig.stat("/slots_high_water") <= 6);
}

#[test]
fn slots_are_free_again_after_1000_abandoned_connections() {
    let rig = Rig::start();
    let before = rig.footing();
    let address = rig.address(16992);
    let whole = request("GET", "/sim/bulk/100000", &[], b"");
    for place in 0..1000 {
        // Gone without a byte, in the middle of a head, in the middle of a body, and without waiting for the answer.
        let sent: &[u8] = match place % 4 {
            0 => b"",
            1 => b"POST /wsman HTTP/1.1\r\nContent-",
            2 => b"POST /sim/sink HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc",
            _ => &whole,
        };
        stream::open(address).write_all(sent).unwrap();
    }
    rig.assert_serves();
    rig.await_rest(before);
    assert_eq!(rig.stat("/opens_refused"), 0);
}

#[test]
fn clients_that_reset_their_connections_leave_nothing_behind() {
    let rig = Rig::start();
    let before = rig.footing();
    let address = rig.address(16992);
    for _ in 0..100 {
        let mut client = stream::open(address);
        client.write_all(&request("GET", "/sim/bulk/1000000", &[], b"")).unwrap();
        assert_eq!(stream::read_exactly(&mut client, 9), b"HTTP/1.1 ");
        // Closed over unread bytes: the kernel sends RST.
    }
    rig.assert_serves();
    rig.await_rest(before);
}

#[test]
fn client_beyond_the_connection_limit_waits_for_another_to_leave() {
    let rig = Setup { front: "max_connections = 4\n".into(), ..Setup::default() }.start();
    let page = request("GET", "/logon.htm", &[], b"");
    let mut clients: Vec<Connection> = (0..4).map(|_| rig.web()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(&page).unwrap().status(), 200);
    }
    let mut fifth = rig.web();
    fifth.send(&page).unwrap();
    assert_eq!(clients[0].exchange(&page).unwrap().status(), 200, "those that are in are served on");
    assert_eq!(rig.number("/connections/current"), 4);
    drop(clients.pop());
    assert_eq!(fifth.receive().unwrap().status(), 200);
}

#[test]
fn user_with_too_many_connections_is_refused_more_and_served_on_those_it_has() {
    let rig = Setup { front: "max_connections_per_peer = 3\n".into(), ..Setup::default() }.start();
    let page = request("GET", "/logon.htm", &[], b"");
    let mut clients: Vec<Connection> = (0..3).map(|_| rig.web()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(&page).unwrap().status(), 200);
    }
    let mut fourth = rig.web();
    // Closed at once; whether before or after its request is on the way is not the point.
    assert!(fourth.exchange(&page).is_err());
    assert_eq!(rig.number("/counters/front/over_limit"), 1);
    assert_eq!(clients[2].exchange(&page).unwrap().status(), 200);
}

#[test]
fn user_whose_connections_have_ended_may_have_as_many_again() {
    let rig = Setup { front: "max_connections_per_peer = 3\n".into(), ..Setup::default() }.start();
    for _ in 0..3 {
        let mut clients: Vec<Connection> = (0..3).map(|_| rig.web()).collect();
        for client in &mut clients {
            assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
        }
        drop(clients);
        rig.await_status("no client", |status| status["connections"]["current"] == 0);
    }
    assert_eq!(rig.number("/counters/front/over_limit"), 0);
}

#[test]
fn request_that_waits_too_long_for_a_channel_is_told_so() {
    let setup = Setup {
        config: "[apf]\nmax_channels = 1\n[queue]\nreserved_slots = 0\nwait_interactive = \"200ms\"\n".into(),
        ..Setup::default()
    };
    let rig = setup.start();
    let page = request("GET", "/logon.htm", &[], b"");
    rig.sim(json!({"do": "stall-engine"}));
    let mut first = rig.web();
    first.send(&page).unwrap();
    rig.await_sim("the first request", |state| state["engine"]["waiting"] == 1);
    let refused = rig.get("/logon.htm");
    assert_eq!(refused.status(), 503);
    assert!(refused.header("retry-after").is_some());
    assert!(refused.text().contains("stayed busy"), "{}", refused.text());
    rig.sim(json!({"do": "release-engine"}));
    assert_eq!(first.receive().unwrap().status(), 200);
    rig.assert_serves();
}

/// Patience with clients that hold channels that others wait for.
fn short_of_patience() -> Setup {
    let config = "[queue]\nopaque_rest = \"200ms\"\n".into();
    Setup { sim: "--echo-port 16994".into(), config, ..Setup::default() }
}

#[test]
fn clients_that_stop_in_the_middle_of_a_request_do_not_lock_others_out() {
    let rig = short_of_patience().start();
    let half = b"POST /sim/sink HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc";
    let _stuck: Vec<_> = (0..10)
        .map(|_| {
            let mut client = stream::open(rig.address(16992));
            client.write_all(half).unwrap();
            client
        })
        .collect();
    rig.await_status("every free channel held", |status| number(status, "/connections/by_stage/active") >= 5);
    rig.assert_serves();
}

#[test]
fn clients_that_do_not_read_their_answers_do_not_lock_others_out() {
    let rig = short_of_patience().start();
    let _stuck: Vec<_> = (0..10)
        .map(|_| {
            let mut client = stream::open(rig.address(16992));
            client.write_all(&request("GET", "/sim/bulk/100000000", &[], b"")).unwrap();
            client
        })
        .collect();
    rig.assert_serves();
}

#[test]
fn binary_streams_that_rest_do_not_lock_others_out() {
    let rig = short_of_patience().start();
    let _resting: Vec<_> = (0..10)
        .map(|_| {
            let mut client = stream::open(rig.address(16994));
            client.write_all(b"\x16\x03\x01").unwrap();
            client
        })
        .collect();
    rig.assert_serves();
}

#[test]
fn firmware_with_three_slots_serves_sixteen_clients() {
    let setup = Setup {
        sim: "--slots 3".into(),
        config: "[queue]\nretry_first = \"10ms\"\n".into(),
        ..Setup::default()
    };
    let rig = setup.start();
    let page = request("GET", "/sim/bulk/50000", &[], b"");
    let statuses: Vec<u16> = thread::scope(|scope| {
        let ask =
            || Connection::open(rig.address(16992), PATIENCE).unwrap().exchange(&page).unwrap().status();
        let clients: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(statuses, [200; 16]);
    let status = rig.status();
    assert_eq!(number(&status, "/slots/limit"), 3, "the refusals have shown how many there are");
    let refused = rig.stat("/opens_refused");
    assert!(refused < 16, "firmware was asked in vain {refused} times");
}
