//! The codec against everything that is not a message, and against itself.

use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
    Datagram, DecodeErrorKind, Decoded, Disconnect, DisconnectReason, Endpoints, ForwardAddress,
    GlobalRequest, KeepaliveOptions, MAX_DATAGRAM, Message, MessageType, OpenFailureReason, ProtocolVersion,
    Request, RequestSuccess, Scope, Secret, ServiceName, SystemId, UserauthFailure, UserauthMethod,
    UserauthRequest, WindowAdjust,
};
use proptest::prelude::*;

use crate::support::encoded;

const ENDPOINTS: Endpoints<'static> =
    Endpoints { target: b"localhost", target_port: 0, originator: b"127.0.0.1", originator_port: 1 };
const ADDRESS: ForwardAddress<'static> = ForwardAddress { address: b"amt-host", port: 16992 };
const DATAGRAM: Datagram<'static> = Datagram {
    host: b"192.0.2.10",
    port: 162,
    originator: b"192.0.2.20",
    originator_port: 1,
    data: b"payload",
};

/// One of each, in its longest form.
fn catalogue() -> Vec<Message<'static>> {
    let open = |kind| Message::ChannelOpen(ChannelOpen { sender: 7, window: 1, reserved: u32::MAX, kind });
    let global = |request| Message::GlobalRequest(GlobalRequest { want_reply: true, request });
    let user =
        |method| Message::UserauthRequest(UserauthRequest { user: b"admin", service: b"pfwd", method });
    let options = KeepaliveOptions { interval: 30, timeout: 10 };
    vec![
        Message::Disconnect(Disconnect { reason: DisconnectReason::BY_APPLICATION }),
        Message::ServiceRequest(ServiceName { name: b"pfwd@amt.intel.com" }),
        Message::ServiceAccept(ServiceName { name: b"auth@amt.intel.com" }),
        user(UserauthMethod::None),
        user(UserauthMethod::Password(Secret(b"secret"))),
        user(UserauthMethod::Other(b"publickey")),
        Message::UserauthFailure(UserauthFailure { methods: b"password" }),
        Message::UserauthSuccess,
        global(Request::TcpipForward(ADDRESS)),
        global(Request::CancelTcpipForward(ADDRESS)),
        global(Request::UdpSendTo(DATAGRAM)),
        Message::RequestSuccess(RequestSuccess { port: Some(16992) }),
        Message::RequestFailure,
        open(ChannelKind::ForwardedTcpip(ENDPOINTS)),
        open(ChannelKind::DirectTcpip(ENDPOINTS)),
        Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: 1,
            sender: 2,
            window: 3,
            reserved: 4,
        }),
        Message::ChannelOpenFailure(ChannelOpenFailure { receiver: 1, reason: OpenFailureReason(4) }),
        Message::WindowAdjust(WindowAdjust { receiver: 1, bytes: 2 }),
        Message::ChannelData(ChannelData { receiver: 1, payload: b"data" }),
        Message::ChannelClose(ChannelClose { receiver: 1 }),
        Message::ProtocolVersion(ProtocolVersion {
            major: 1,
            minor: 0,
            trigger: 254,
            system_id: SystemId([9; 16]),
        }),
        Message::KeepaliveRequest(1),
        Message::KeepaliveReply(1),
        Message::KeepaliveOptionsRequest(options),
        Message::KeepaliveOptionsReply(options),
    ]
}

#[test]
fn message_cut_at_any_length_is_an_error_that_says_where() {
    for message in catalogue() {
        let whole = encoded(message);
        for length in 0..whole.len() {
            let cut = Message::decode(&whole[..length]);
            if let (Message::RequestSuccess(_), 1) = (message, length) {
                // The reply to a cancellation is a shorter message of the same type.
                assert_eq!(
                    cut.map(|decoded| decoded.message),
                    Ok(Message::RequestSuccess(RequestSuccess { port: None }))
                );
                continue;
            }
            let error = cut.expect_err(&format!("{message:?} cut to {length} bytes"));
            assert_eq!(error.length, length);
            assert!(error.offset <= length, "{error}");
            assert_eq!(error.message_type, if length == 0 { MessageType(0) } else { message.message_type() });
        }
    }
}

#[test]
fn string_longer_than_the_message_is_an_error_at_every_string() {
    // Offsets of the length fields, by the layouts of the protocol notes.
    let fields: [(Message<'_>, &[usize]); 7] = [
        (Message::ServiceRequest(ServiceName { name: b"pfwd@amt.intel.com" }), &[1]),
        (catalogue()[4], &[1, 10, 18, 31]),
        (catalogue()[6], &[1]),
        (catalogue()[8], &[1, 19]),
        (catalogue()[10], &[1, 31, 49, 67]),
        (catalogue()[13], &[1, 32, 49]),
        (catalogue()[18], &[5]),
    ];
    for (message, offsets) in fields {
        for &offset in offsets {
            let whole = encoded(message);
            for announced in [u32::try_from(whole.len()).unwrap(), 0x7fff_ffff, u32::MAX - 4, u32::MAX] {
                let mut bytes = whole.clone();
                bytes[offset..offset + 4].copy_from_slice(&announced.to_be_bytes());
                let error = Message::decode(&bytes).expect_err("beyond the message");
                let available = whole.len() - offset - 4;
                assert_eq!(
                    error.kind,
                    DecodeErrorKind::StringBeyondMessage { announced, available },
                    "{message:?}"
                );
            }
        }
    }
}

#[test]
fn only_a_datagram_is_lost_alone() {
    for message in catalogue() {
        let whole = encoded(message);
        let error = Message::decode(&whole[..whole.len() - 1]);
        let Err(error) = error else { continue };
        let is_datagram =
            matches!(message, Message::GlobalRequest(GlobalRequest { request: Request::UdpSendTo(_), .. }));
        assert_eq!(error.scope == Scope::Message, is_datagram, "{message:?}");
    }
}

#[test]
fn datagram_beyond_64_kib_is_refused_even_if_it_is_all_there() {
    let data = vec![0; usize::try_from(MAX_DATAGRAM).unwrap() + 1];
    let datagram = |data| {
        let request = Request::UdpSendTo(Datagram { data, ..DATAGRAM });
        encoded(Message::GlobalRequest(GlobalRequest { want_reply: false, request }))
    };
    assert!(Message::decode(&datagram(&data[1..])).is_ok());
    let error = Message::decode(&datagram(&data)).expect_err("too long");
    assert_eq!(error.kind, DecodeErrorKind::DatagramTooLong { announced: 65_536 });
    assert_eq!(error.scope, Scope::Message);
}

#[test]
fn trailing_bytes_are_counted_not_understood() {
    for message in catalogue() {
        let mut bytes = encoded(message);
        bytes.extend_from_slice(b"tail");
        assert_eq!(Message::decode(&bytes), Ok(Decoded { message, trailing: 4 }), "{message:?}");
    }
}

#[test]
fn every_type_byte_decodes_to_its_own_type_or_stays_unknown() {
    let known: Vec<u8> = catalogue().iter().map(|message| message.message_type().0).collect();
    for byte in 0..=u8::MAX {
        match Message::decode(&[byte, 0, 0, 0, 0]) {
            Ok(decoded) if !known.contains(&byte) => {
                assert_eq!(decoded, Decoded { message: Message::Unknown(byte), trailing: 0 });
                assert_eq!(MessageType(byte).name(), None);
            }
            Ok(decoded) => assert_eq!(decoded.message.message_type(), MessageType(byte)),
            Err(error) => assert_eq!(error.message_type, MessageType(byte)),
        }
    }
}

#[test]
fn errors_say_what_and_where() {
    let text = |bytes: &[u8]| Message::decode(bytes).expect_err("not a message").to_string();
    assert_eq!(
        text(&[0x5b, 0, 0, 1]),
        "CHANNEL_OPEN_CONFIRMATION of 4 bytes, field `recipient channel` at offset 1: \
         the message ends before the field does (4 bytes needed)"
    );
    assert_eq!(
        text(&[0x5e, 0, 0, 1, 1, 0xff, 0xff, 0xff, 0xff]),
        "CHANNEL_DATA of 9 bytes, field `data` at offset 9: \
         a string of 4294967295 bytes is announced, 0 are there"
    );
}

/// Strings that a message can borrow.
#[derive(Debug, Clone)]
struct Strings(Vec<Vec<u8>>);

fn strings() -> impl Strategy<Value = Strings> {
    let bytes = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::vec(bytes, 4).prop_map(Strings)
}

/// The message number `which`, with these contents. Names that would change the meaning of what follows them
/// are kept apart by a prefix.
fn message<'a>(
    which: usize,
    numbers: [u32; 4],
    flag: bool,
    unknown: &'a [u8],
    Strings(s): &'a Strings,
) -> Message<'a> {
    let [a, b, c, d] = numbers;
    let endpoints = Endpoints { target: &s[0], target_port: a, originator: &s[1], originator_port: b };
    let address = ForwardAddress { address: &s[0], port: a };
    let datagram = Datagram { host: &s[0], port: a, originator: &s[1], originator_port: b, data: &s[2] };
    let open = |kind| Message::ChannelOpen(ChannelOpen { sender: a, window: c, reserved: d, kind });
    let global = |request| Message::GlobalRequest(GlobalRequest { want_reply: flag, request });
    let user = |method| Message::UserauthRequest(UserauthRequest { user: &s[0], service: &s[1], method });
    let options = KeepaliveOptions { interval: a, timeout: b };
    let simple = [
        Message::Disconnect(Disconnect { reason: DisconnectReason(a) }),
        Message::ServiceRequest(ServiceName { name: &s[0] }),
        Message::ServiceAccept(ServiceName { name: &s[0] }),
        user(UserauthMethod::None),
        user(UserauthMethod::Password(Secret(&s[2]))),
        user(UserauthMethod::Other(unknown)),
        Message::UserauthFailure(UserauthFailure { methods: &s[0] }),
        Message::UserauthSuccess,
        global(Request::TcpipForward(address)),
        global(Request::CancelTcpipForward(address)),
        global(Request::UdpSendTo(datagram)),
        global(Request::Unknown { name: unknown, body: &s[1] }),
        Message::RequestSuccess(RequestSuccess { port: flag.then_some(a) }),
        Message::RequestFailure,
        open(ChannelKind::ForwardedTcpip(endpoints)),
        open(ChannelKind::DirectTcpip(endpoints)),
        open(ChannelKind::Unknown { name: unknown, body: &s[1] }),
        Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: a,
            sender: b,
            window: c,
            reserved: d,
        }),
        Message::ChannelOpenFailure(ChannelOpenFailure { receiver: a, reason: OpenFailureReason(b) }),
        Message::WindowAdjust(WindowAdjust { receiver: a, bytes: b }),
        Message::ChannelData(ChannelData { receiver: a, payload: &s[0] }),
        Message::ChannelClose(ChannelClose { receiver: a }),
        Message::ProtocolVersion(ProtocolVersion {
            major: a,
            minor: b,
            trigger: c,
            system_id: SystemId([7; 16]),
        }),
        Message::KeepaliveRequest(a),
        Message::KeepaliveReply(a),
        Message::KeepaliveOptionsRequest(options),
        Message::KeepaliveOptionsReply(options),
        Message::Unknown(2),
    ];
    simple[which % simple.len()]
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(
        which in 0usize..28,
        numbers in any::<[u32; 4]>(),
        flag in any::<bool>(),
        suffix in prop::collection::vec(any::<u8>(), 0..20),
        strings in strings(),
    ) {
        let unknown = [b"x-", suffix.as_slice()].concat();
        let message = message(which, numbers, flag, &unknown, &strings);
        let bytes = encoded(message);
        prop_assert_eq!(Message::decode(&bytes), Ok(Decoded { message, trailing: 0 }));
    }

    #[test]
    fn decoding_garbage_never_panics_and_what_it_accepts_it_can_repeat(
        type_byte in prop::sample::select(
            vec![1u8, 5, 6, 50, 51, 80, 81, 90, 91, 92, 93, 94, 97, 192, 208, 209, 210, 211, 0, 255],
        ),
        body in prop::collection::vec(prop_oneof![Just(0u8), 0u8..32, any::<u8>()], 0..120),
    ) {
        let bytes = [&[type_byte], body.as_slice()].concat();
        if let Ok(decoded) = Message::decode(&bytes) {
            let again = encoded(decoded.message);
            prop_assert_eq!(Message::decode(&again).map(|decoded| decoded.message), Ok(decoded.message));
        }
    }
}

#[test]
fn reasons_reach_the_log_in_words_and_as_the_number_that_firmware_gave() {
    let disconnects: Vec<String> = (0..20).map(|reason| DisconnectReason(reason).to_string()).collect();
    let words = [
        "unknown reason (0)",
        "host not allowed to connect (1)",
        "protocol error (2)",
        "key exchange failed (3)",
        "unknown reason (4)",
        "MAC error (5)",
        "compression error (6)",
        "service not available (7)",
        "protocol version not supported (8)",
        "host key not verifiable (9)",
        "connection lost (10)",
        "by application (11)",
        "too many connections (12)",
        "authentication cancelled (13)",
        "no more authentication methods (14)",
        "invalid credentials (15)",
        "connection timed out (16)",
        "by policy (17)",
        "temporarily unavailable (18)",
        "unknown reason (19)",
    ];
    assert_eq!(disconnects, words);
    let refusals: Vec<String> = (0..6).map(|reason| OpenFailureReason(reason).to_string()).collect();
    let words = [
        "unknown reason (0)",
        "administratively prohibited (1)",
        "connect failed (2)",
        "unknown channel type (3)",
        "resource shortage (4)",
        "unknown reason (5)",
    ];
    assert_eq!(refusals, words);
}

#[test]
fn password_of_firmware_is_named_in_debug_output_and_not_shown() {
    let shown = format!("{:?}", UserauthMethod::Password(Secret(b"hunter2")));
    assert_eq!(shown, "Password(Secret(..))");
}
