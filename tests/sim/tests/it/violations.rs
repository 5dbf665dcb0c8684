//! Every kind of violation is noticed, and alone: a table with one host mistake for each.

use amt_sim::host::ApfHost;
use amt_sim::mei::ClientKind;
use amt_sim::stats::Violation;
use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, Disconnect,
    DisconnectReason, Endpoints, Message, ProtocolVersion, RESERVED, RequestSuccess, SERVICE_AUTH,
    SERVICE_PFWD, ServiceName, SystemId, TRIGGER_LME, WindowAdjust,
};
use serde_json::{Value, json};
use std::time::Duration;

use crate::rig::{Rig, Scripted};

fn version(major: u32) -> Message<'static> {
    let system_id = SystemId::default();
    Message::ProtocolVersion(ProtocolVersion { major, minor: 0, trigger: TRIGGER_LME, system_id })
}

fn data(receiver: u32, payload: &[u8]) -> Message<'_> {
    Message::ChannelData(ChannelData { receiver, payload })
}

fn close(receiver: u32) -> Message<'static> {
    Message::ChannelClose(ChannelClose { receiver })
}

fn adjust(receiver: u32, bytes: u32) -> Message<'static> {
    Message::WindowAdjust(WindowAdjust { receiver, bytes })
}

fn open(sender: u32, port: u32, reserved: u32, direct: bool) -> Message<'static> {
    let endpoints =
        Endpoints { target: b"127.0.0.1", target_port: port, originator: b"127.0.0.1", originator_port: 1 };
    let kind =
        if direct { ChannelKind::DirectTcpip(endpoints) } else { ChannelKind::ForwardedTcpip(endpoints) };
    Message::ChannelOpen(ChannelOpen { sender, window: 4096, reserved, kind })
}

/// How far the session is when the mistake is made.
enum At {
    /// Connected, nothing sent.
    Start,
    /// The host's version was sent.
    Service,
    /// The service was accepted, the forwards are unanswered.
    Forwards,
    /// Ready, and channel 0 open as the host's 256.
    Open,
}

/// Makes the mistake.
fn commit(violation: Violation, rig: &Rig, host: &mut ApfHost) {
    let messages: Vec<Message<'_>> = match violation {
        Violation::MessageTooLong => return host.host().send(&vec![0xD0; 5121]).unwrap(),
        Violation::Malformed => return host.host().send(&[97, 0]).unwrap(),
        Violation::TrailingBytes => return host.host().send(&[0xD0, 0, 0, 0, 1, 9]).unwrap(),
        Violation::UnknownType => vec![Message::Unknown(96)],
        Violation::UnexpectedType => vec![Message::ServiceRequest(ServiceName { name: SERVICE_PFWD })],
        Violation::BeforeVersion => vec![Message::KeepaliveRequest(1)],
        Violation::BadVersion => vec![version(2)],
        Violation::SecondVersion => vec![version(1)],
        Violation::BeforeService => vec![open(1, 16992, RESERVED, false)],
        Violation::WrongService => vec![Message::ServiceAccept(ServiceName { name: SERVICE_AUTH })],
        Violation::UnexpectedReply => vec![Message::RequestFailure],
        Violation::WrongReply => vec![Message::RequestSuccess(RequestSuccess { port: Some(623) })],
        // The start-up stays as it is.
        Violation::MissingReply => vec![],
        Violation::OpenWithoutForward => vec![open(1, 80, RESERVED, false)],
        Violation::DirectOpen => vec![open(1, 16992, RESERVED, true)],
        Violation::DuplicateNumber => vec![open(256, 16992, RESERVED, false)],
        Violation::ReservedWord => vec![open(1, 16992, 0, false)],
        Violation::UnknownChannelData => vec![data(5, b"x")],
        Violation::UnknownChannelAdjust => vec![adjust(5, 1)],
        Violation::UnknownChannelClose => vec![close(5)],
        Violation::UnknownChannelReply => {
            let (receiver, sender, window) = (5, 1, 0);
            let reply = ChannelOpenConfirmation { receiver, sender, window, reserved: RESERVED };
            vec![Message::ChannelOpenConfirmation(reply)]
        }
        Violation::DataAfterClose | Violation::SecondClose => {
            // Firmware leaves the first close unanswered, so that the channel stays.
            rig.act(json!({ "do": "ignore-closes" }));
            vec![close(0), if violation == Violation::SecondClose { close(0) } else { data(0, b"x") }]
        }
        Violation::DataBeyondWindow => vec![data(0, &[b'x'; 4097])],
        Violation::WindowOverflow => vec![adjust(0, u32::MAX)],
        Violation::AfterDisconnect => {
            let reason = DisconnectReason::BY_APPLICATION;
            vec![Message::Disconnect(Disconnect { reason }), Message::KeepaliveRequest(1)]
        }
    };
    for message in messages {
        host.send(message).unwrap();
    }
}

fn stage(violation: Violation) -> At {
    match violation {
        Violation::BeforeVersion | Violation::BadVersion | Violation::MissingReply => At::Start,
        Violation::BeforeService | Violation::WrongService => At::Service,
        Violation::WrongReply => At::Forwards,
        _ => At::Open,
    }
}

fn host_at(rig: &Rig, at: &At) -> ApfHost {
    if matches!(at, At::Open) {
        let mut host = rig.host();
        assert_eq!(host.open(16992, 4096).unwrap(), 256);
        return host;
    }
    let mut device = rig.open();
    let reply = device.connect(ClientKind::Lme).unwrap();
    let mut host = ApfHost::over(device, reply.max_message as usize);
    if matches!(at, At::Start) {
        return host;
    }
    host.pump().unwrap();
    if matches!(at, At::Forwards) {
        host.pump().unwrap();
    }
    host
}

#[test]
fn every_kind_is_noticed_and_nothing_else_with_it() {
    for &violation in Violation::ALL {
        let rig = Rig::with(|config| {
            // Only the mistake that is about time may be counted because of it.
            let patient = Duration::from_secs(3600);
            let missing = violation == Violation::MissingReply;
            config.apf.reply_limit = if missing { Duration::from_millis(5) } else { patient };
        });
        let mut host = host_at(&rig, &stage(violation));
        // A reply that is missing may be missed already.
        if violation != Violation::MissingReply {
            rig.assert_no_violations();
        }
        commit(violation, &rig, &mut host);
        let answer = rig.eventually(&json!({ "do": "violations" }), |answer| answer["total"] != 0);
        assert_eq!(answer["by_kind"], json!({ violation.name(): 1 }));
        assert_eq!(answer["first"].as_array().map(Vec::len), Some(1), "{answer}");
    }
}

#[test]
fn unanswered_forwards_are_reported_once_each() {
    let rig = Rig::with(|config| config.apf.reply_limit = Duration::from_millis(20));
    let mut host = host_at(&rig, &At::Forwards);
    // On a busy machine this host's answers before the forwards may count as missing too.
    let forwards = |answer: &Value| {
        let texts = answer["first"].as_array().unwrap().iter();
        texts.filter(|text| text.as_str().unwrap().starts_with("missing-reply: tcpip-forward ")).count()
    };
    let question = json!({ "do": "violations" });
    rig.eventually(&question, |answer| forwards(answer) == 3);
    // Late answers are still matched in order.
    host.pump_until(|host| host.ports.len() == 3);
    host.barrier();
    let answer = rig.act(question);
    assert_eq!(forwards(&answer), 3, "{answer}");
    assert_eq!(answer["by_kind"].as_object().map(serde_json::Map::len), Some(1), "{answer}");
    assert_eq!(rig.session()["ready"], true);
}
