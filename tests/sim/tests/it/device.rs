//! The device node: CONNECT, limits of connections, the driver's queue and credit, resets (mei 2 to 6, mei 10).

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use amt_sim::config::ReceiveCredit;
use amt_sim::host::{ApfHost, ConnectReply, Host};
use amt_sim::mei::ClientKind;
use amt_sim::{SimConfig, Simulator};
use amtd_apf::wire::Message;
use serde_json::json;

use crate::rig::{ECHO, Rig, Scripted};

const ENODEV: i32 = 19;
const EBUSY: i32 = 16;
const EINVAL: i32 = 22;
const ENOTTY: i32 = 25;
const EOPNOTSUPP: i32 = 95;
/// Milliseconds: longer than any test.
const HOUR: u64 = 3_600_000;

fn status(host: &mut Host, client: ClientKind) -> i32 {
    host.connect(client).unwrap().status
}

/// Status of a CONNECT with these bytes.
fn raw_status(host: &mut Host, request: &[u8]) -> i32 {
    host.send(request).unwrap();
    i32::from_le_bytes(host.receive().unwrap()[..4].try_into().unwrap())
}

#[test]
fn each_client_answers_with_its_properties_and_all_can_be_open_at_once() {
    let rig = Rig::with(|config| config.apf.max_message = 2048);
    let mut hosts: Vec<_> = ClientKind::ALL.iter().map(|_| rig.open()).collect();
    let replies: Vec<_> = ClientKind::ALL
        .into_iter()
        .zip(&mut hosts)
        .map(|(client, host)| host.connect(client).unwrap())
        .collect();
    assert!(replies.iter().all(|reply| reply.status == 0), "{replies:?}");
    assert_eq!(replies[0], ConnectReply { status: 0, max_message: 2048, version: 1 });
    assert_eq!(replies[1], ConnectReply { status: 0, max_message: 5120, version: 1 });
}

#[test]
fn refused_connect_may_be_followed_by_another_on_the_same_connection() {
    let rig = Rig::new();
    let mut host = rig.open();
    let mut request = [0; 24];
    request[0] = 1;
    assert_eq!(raw_status(&mut host, &request), ENOTTY);
    request[4..20].copy_from_slice(&ClientKind::Lme.guid());
    request[20] = 7;
    assert_eq!(raw_status(&mut host, &request), EOPNOTSUPP);
    request[20] = 0;
    request[0] = 2;
    assert_eq!(raw_status(&mut host, &request), EINVAL);
    assert_eq!(raw_status(&mut host, b"hello"), EINVAL);
    assert_eq!(status(&mut host, ClientKind::Lme), 0);
}

#[test]
fn second_connection_to_a_client_is_busy_until_the_first_has_lingered() {
    let rig = Rig::with(|config| config.mei.linger = Duration::from_secs(3600));
    let (mut first, mut second) = (rig.open(), rig.open());
    assert_eq!(status(&mut first, ClientKind::Amthi), 0);
    assert_eq!(status(&mut second, ClientKind::Amthi), EBUSY);
    assert_eq!(status(&mut second, ClientKind::Lme), 0, "other clients are not affected");
    drop(first);
    rig.eventually(&json!({ "do": "state" }), |state| {
        state["connections"].as_array().map(Vec::len) == Some(1)
    });
    assert_eq!(status(&mut rig.open(), ClientKind::Amthi), EBUSY);
}

#[test]
fn client_is_free_again_when_its_linger_time_is_over() {
    let rig = Rig::new();
    rig.act(json!({ "do": "linger", "ms": HOUR }));
    let mut first = rig.open();
    assert_eq!(status(&mut first, ClientKind::Lme), 0);
    drop(first);
    rig.eventually(&json!({ "do": "state" }), |state| state["connections"] == json!([]));
    assert_eq!(status(&mut rig.open(), ClientKind::Lme), EBUSY);
    rig.act(json!({ "do": "linger", "ms": 1 }));
    let mut first = rig.open();
    assert_eq!(status(&mut first, ClientKind::Amthi), 0);
    drop(first);
    let start = Instant::now();
    while status(&mut rig.open(), ClientKind::Amthi) == EBUSY {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn scripted_connects_are_refused_unanswered_or_garbled_as_often_as_asked() {
    let rig = Rig::new();
    rig.act(json!({ "do": "refuse-connects", "client": "lme", "count": 2 }));
    rig.act(json!({ "do": "refuse-connects", "client": "lme", "errno": 14 }));
    rig.act(json!({ "do": "garbage-connects", "client": "lme", "hex": "01 02 03" }));
    let mut host = rig.open();
    assert_eq!([status(&mut host, ClientKind::Lme), status(&mut host, ClientKind::Lme)], [EBUSY, EBUSY]);
    assert_eq!(status(&mut host, ClientKind::Amthi), 0);
    let mut host = rig.open();
    assert_eq!(status(&mut host, ClientKind::Lme), 14);
    assert!(host.connect(ClientKind::Lme).is_err());
    rig.act(json!({ "do": "silent-connects", "client": "lme" }));
    let mut silent = rig.open();
    silent.socket().set_read_timeout(Some(Duration::from_millis(1))).unwrap();
    assert_eq!(silent.connect(ClientKind::Lme).unwrap_err().kind(), ErrorKind::WouldBlock);
    rig.eventually(&json!({ "do": "stats" }), |stats| stats["connects_silent"] == 1);
    assert_eq!(status(&mut host, ClientKind::Lme), 0);
}

#[test]
fn missing_client_appears_by_time_and_by_command() {
    let rig = Rig::new();
    rig.act(json!({ "do": "client-missing", "client": "mkhi", "ms": HOUR }));
    rig.act(json!({ "do": "client-missing", "client": "lme", "ms": 1 }));
    rig.act(json!({ "do": "client-missing", "client": "amthi" }));
    let mut host = rig.open();
    assert_eq!(status(&mut host, ClientKind::Mkhi), ENOTTY);
    assert_eq!(status(&mut host, ClientKind::Amthi), ENOTTY);
    let start = Instant::now();
    while status(&mut host, ClientKind::Lme) == ENOTTY {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    rig.act(json!({ "do": "client-present", "client": "amthi" }));
    assert_eq!(status(&mut rig.open(), ClientKind::Amthi), 0);
}

#[test]
fn link_reset_closes_every_connection_after_what_was_sent() {
    let rig = Rig::new();
    let mut lme = rig.host();
    let mut amthi = rig.open();
    assert_eq!(status(&mut amthi, ClientKind::Amthi), 0);
    rig.act(json!({ "do": "link-reset" }));
    assert_eq!(amthi.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(lme.host().receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(rig.host().ports.len(), 3, "a new connection works at once");
}

#[test]
fn one_clients_connection_can_be_dropped_alone() {
    let rig = Rig::new();
    let mut lme = rig.host();
    let mut amthi = rig.open();
    assert_eq!(status(&mut amthi, ClientKind::Amthi), 0);
    rig.act(json!({ "do": "disconnect-client", "client": "amthi" }));
    assert_eq!(amthi.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    lme.barrier();
}

#[test]
fn link_is_reset_at_exactly_the_message_that_was_asked_for() {
    let rig = Rig::new();
    let mut host = rig.host();
    let before = rig.stats()["messages_in"].as_u64().unwrap();
    rig.act(json!({ "do": "link-reset", "when": { "messages": 3 } }));
    for cookie in 0..10 {
        // Later ones may find the connection gone.
        let _ = host.send(Message::KeepaliveRequest(cookie));
    }
    rig.eventually(&json!({ "do": "state" }), |state| state["connections"] == json!([]));
    assert_eq!(rig.stats()["messages_in"], before + 3);
}

#[test]
fn suspended_device_refuses_until_it_resumes() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "suspend" }));
    assert_eq!(host.host().receive().unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let mut waiting = rig.open();
    assert_eq!(status(&mut waiting, ClientKind::Lme), ENODEV);
    rig.act(json!({ "do": "resume" }));
    assert_eq!(status(&mut waiting, ClientKind::Lme), 0);
    rig.act(json!({ "do": "suspend", "ms": 20 }));
    let (start, mut again) = (Instant::now(), rig.open());
    while status(&mut again, ClientKind::Lme) == ENODEV {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn too_long_message_is_not_taken_and_counts_as_a_violation() {
    let rig = Rig::with(|config| config.apf.max_message = 128);
    let mut host = rig.host();
    host.host().send(&[0xD0; 129]).unwrap();
    host.barrier();
    let stats = rig.stats();
    assert_eq!(stats["violations"], json!({ "message-too-long": 1 }));
    host.host().send(&[0xFE; 128]).unwrap();
    host.barrier();
    assert_eq!(rig.stats()["violations"]["unknown-type"], 1, "the longest message is taken");
}

#[test]
fn writes_succeed_while_the_queue_takes_them_then_block_and_nothing_is_lost() {
    let rig = Rig::new();
    let mut host = rig.host();
    let before = rig.stats()["messages_in"].as_u64().unwrap();
    rig.act(json!({ "do": "stop-reading" }));
    host.host().socket().set_nonblocking(true).unwrap();
    let mut sent = 0;
    let mut fill = |host: &mut ApfHost| loop {
        match host.send(Message::KeepaliveRequest(1)) {
            Ok(()) => sent += 1,
            Err(error) => break assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    };
    // The queue takes 50 messages out of the socket; the socket's own buffer comes on top.
    fill(&mut host);
    rig.eventually(&json!({ "do": "state" }), |state| state["connections"][0]["fifo"] == 50);
    fill(&mut host);
    assert_eq!(rig.stats()["messages_in"].as_u64(), Some(before), "firmware took nothing");
    rig.act(json!({ "do": "resume-reading" }));
    host.host().socket().set_nonblocking(false).unwrap();
    host.pump_until(|host| host.notes.len() == sent);
    assert_eq!(rig.stats()["messages_in"].as_u64(), Some(before + sent as u64));
    assert!(rig.stats()["fifo_high_water"].as_u64() >= Some(50));
}

#[test]
fn firmware_sends_the_next_message_when_the_host_has_read_the_last() {
    for (credit, at_most) in [(ReceiveCredit::One, 3), (ReceiveCredit::Buffer, 100)] {
        let rig = Rig::with(|config| config.mei.receive_credit = Some(credit));
        let mut host = rig.host();
        let channel = host.open(ECHO, 65536).unwrap();
        let before = rig.stats();
        for _ in 0..4 {
            host.write(channel, &[b'x'; 1000]).unwrap();
        }
        let stats = rig.eventually(&json!({ "do": "stats" }), |stats| stats["bytes_in"] == 4000);
        let sent = stats["messages_out"].as_u64().unwrap() - before["messages_out"].as_u64().unwrap();
        // One in the socket, one at the door, and a short one that the socket's coarse measure lets through.
        assert!(sent <= at_most, "{credit:?}: {sent}");
        host.pump_until(|host| host.channels[&channel].received == 4000);
    }
}

#[test]
fn abandoned_socket_is_replaced_and_a_live_one_is_not() {
    let rig = Rig::new();
    let error = Simulator::start(SimConfig::new(rig.socket())).unwrap_err().to_string();
    assert!(error.contains("mei"), "{error}");
    let abandoned = rig.socket().with_file_name("abandoned");
    drop(std::os::unix::net::UnixDatagram::bind(&abandoned).unwrap());
    let simulator = Simulator::start(SimConfig::new(&abandoned)).unwrap();
    assert_eq!(status(&mut Host::open(&abandoned).unwrap(), ClientKind::Lme), 0);
    drop(simulator);
    assert!(!abandoned.exists());
}

#[test]
fn setting_out_of_range_is_refused_with_its_range() {
    let rig = Rig::new();
    let mut config = SimConfig::new(rig.socket().with_file_name("other"));
    config.apf.max_message = 20;
    let error = Simulator::start(config).unwrap_err().to_string();
    assert!(error.contains("max-message") && error.contains("64"), "{error}");
}
