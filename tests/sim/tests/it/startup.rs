//! The start of a session and its repetition (apf 3, apf 12).

use amt_sim::host::ApfHost;
use amt_sim::mei::ClientKind;
use amtd_apf::wire::{
    Disconnect, DisconnectReason, ForwardAddress, GlobalRequest, Message, OpenFailureReason, ProtocolVersion,
    Request, SERVICE_AUTH, SERVICE_PFWD, ServiceName, SystemId, TRIGGER_LME, UserauthMethod, UserauthRequest,
};
use serde_json::json;

use crate::rig::{Rig, Scripted};

const HOST_VERSION: Message<'static> = Message::ProtocolVersion(ProtocolVersion {
    major: 1,
    minor: 0,
    trigger: TRIGGER_LME,
    system_id: SystemId([0; 16]),
});

/// A connection to LME of which nothing was read.
fn connect(rig: &Rig) -> ApfHost {
    let mut host = rig.open();
    let reply = host.connect(ClientKind::Lme).unwrap();
    assert_eq!(reply.status, 0);
    ApfHost::over(host, reply.max_message as usize)
}

fn forward(port: u32) -> Message<'static> {
    let body = ForwardAddress { address: b"amt-sim", port };
    Message::GlobalRequest(GlobalRequest { want_reply: true, request: Request::TcpipForward(body) })
}

#[test]
fn firmware_speaks_first_and_asks_for_its_ports_in_order_without_waiting() {
    let rig = Rig::with(|config| {
        config.apf.ports = vec![16992, 16993, 623, 664];
        config.apf.echo_ports.clear();
    });
    let mut host = connect(&rig);
    let version = host.next();
    assert_eq!(version.len(), 93);
    assert_eq!(version[..13], [0xC0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 254]);
    host.send(HOST_VERSION).unwrap();
    host.expect(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
    host.send(Message::ServiceAccept(ServiceName { name: SERVICE_PFWD })).unwrap();
    for port in [16992, 16993, 623, 664] {
        host.expect(forward(port));
    }
    rig.assert_no_violations();
}

#[test]
fn host_that_speaks_first_is_tolerated() {
    let rig = Rig::new();
    let mut host = connect(&rig);
    host.send(HOST_VERSION).unwrap();
    assert_eq!(host.next()[0], 0xC0);
    host.expect(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
    rig.assert_no_violations();
}

#[test]
fn authentication_service_comes_first_if_so_scripted() {
    let rig = Rig::new();
    rig.act(json!({ "do": "auth-first" }));
    let mut host = connect(&rig);
    host.next();
    host.send(HOST_VERSION).unwrap();
    host.expect(Message::ServiceRequest(ServiceName { name: SERVICE_AUTH }));
    host.send(Message::ServiceAccept(ServiceName { name: SERVICE_AUTH })).unwrap();
    let request = UserauthRequest { user: b"", service: SERVICE_PFWD, method: UserauthMethod::None };
    host.expect(Message::UserauthRequest(request));
    host.send(Message::UserauthSuccess).unwrap();
    host.expect(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
    rig.assert_no_violations();
}

#[test]
fn scripted_silence_begins_at_its_stage() {
    for (stage, messages) in [("version", 0), ("service", 1), ("forwards", 2)] {
        let rig = Rig::new();
        rig.act(json!({ "do": "silent-session", "stage": stage }));
        let mut host = connect(&rig);
        host.send(HOST_VERSION).unwrap();
        host.send(Message::ServiceAccept(ServiceName { name: SERVICE_PFWD })).unwrap();
        host.send(Message::KeepaliveRequest(1)).unwrap();
        rig.eventually(&json!({ "do": "stats" }), |stats| stats["messages_in"] == 3);
        assert_eq!(rig.session()["phase"], "silent", "{stage}");
        assert_eq!(rig.stats()["messages_out"], messages, "{stage}");
        drop(host);
        assert!(rig.host().ports.contains(&16992), "the next session is sound");
    }
}

#[test]
fn scripted_version_is_sent_once() {
    for (major, minor) in [(0, 9), (1, 1), (2, 0)] {
        let rig = Rig::new();
        rig.act(json!({ "do": "session-version", "major": major, "minor": minor }));
        let mut host = connect(&rig);
        let version = host.next();
        assert_eq!((version[4], version[8]), (major, minor));
        drop(host);
        let mut host = loop {
            // The first connection's end may not have been noticed.
            let mut host = rig.open();
            if host.connect(ClientKind::Lme).unwrap().status == 0 {
                break host;
            }
        };
        assert_eq!(host.receive().unwrap()[4], 1);
    }
}

#[test]
fn restart_forgets_channels_and_forgives_messages_that_crossed_it() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(16992, 4096).unwrap();
    rig.act(json!({ "do": "restart" }));
    // Sent before the host has read the second version message.
    host.write(channel, b"GET / HTTP/1.1\r\n").unwrap();
    host.close(channel).unwrap();
    host.ports.clear();
    host.pump_until(|host| host.ports.len() == 3);
    host.barrier();
    let session = rig.session();
    assert_eq!((&session["slots_in_use"], &session["ready"]), (&json!(0), &json!(true)));
    let channel = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&channel].remote, Some(0));
    rig.assert_no_violations();
}

#[test]
fn after_firmware_disconnects_it_sends_and_takes_nothing() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "disconnect", "reason": 18 }));
    host.expect(Message::Disconnect(Disconnect { reason: DisconnectReason::TEMPORARILY_UNAVAILABLE }));
    let out = rig.stats()["messages_out"].clone();
    host.request_open(16992, 4096).unwrap();
    host.send(Message::KeepaliveRequest(1)).unwrap();
    rig.eventually(&json!({ "do": "stats" }), |stats| stats["messages_in"].as_u64() >= Some(8));
    assert_eq!(rig.stats()["messages_out"], out);
    rig.assert_no_violations();
}

#[test]
fn orderly_end_by_the_host_frees_everything() {
    let rig = Rig::new();
    let mut host = rig.host();
    host.open(16992, 4096).unwrap();
    host.send(Message::Disconnect(Disconnect { reason: DisconnectReason::BY_APPLICATION })).unwrap();
    rig.eventually(&json!({ "do": "stats" }), |stats| stats["disconnects_in"] == 1);
    assert_eq!(rig.session()["slots_in_use"], 0);
    rig.assert_no_violations();
}

#[test]
fn forwards_are_cancelled_announced_again_and_repeated_by_script() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "reannounce", "port": 16992 }));
    rig.act(json!({ "do": "forward", "port": 623 }));
    rig.act(json!({ "do": "forward", "port": 664, "address": "other" }));
    let body = ForwardAddress { address: b"amt-sim", port: 16992 };
    let cancel = GlobalRequest { want_reply: true, request: Request::CancelTcpipForward(body) };
    host.expect(Message::GlobalRequest(cancel));
    host.expect(forward(16992));
    host.expect(forward(623));
    let other = ForwardAddress { address: b"other", port: 664 };
    let request = GlobalRequest { want_reply: true, request: Request::TcpipForward(other) };
    host.expect(Message::GlobalRequest(request));
    assert_eq!(rig.session()["outstanding"].as_array().map(Vec::len), Some(4));
}

#[test]
fn firmware_that_dozes_is_woken_by_an_opening_that_it_refuses() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "doze", "port": 16992 }));
    rig.act(json!({ "do": "doze", "port": 623 }));
    let are = |state: &str| {
        let forwards = rig.session()["forwards"].as_array().unwrap().clone();
        forwards.iter().filter(|forward| forward["state"] == state).count()
    };
    assert_eq!(are("cancelled"), 2);
    let refused = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&refused].refused, Some(OpenFailureReason::PROHIBITED));
    host.barrier();
    assert_eq!(are("cancelled"), 0);
    let confirmed = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&confirmed].refused, None);
    rig.assert_no_violations();
}

#[test]
fn unknown_global_request_is_answered_if_it_wants_to_be() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "global-request", "name": "no-such-request", "want-reply": true }));
    host.pump().unwrap();
    host.barrier();
    assert_eq!(rig.stats()["replies"]["failure"], 1);
    rig.act(json!({ "do": "global-request", "name": "no-such-request", "want-reply": false }));
    host.pump().unwrap();
    assert!(host.notes[0].contains("Unknown"), "{:?}", host.notes);
    rig.assert_no_violations();
}
