//! The worked dumps of the protocol notes (`apf 11`): each is decoded to, and encoded from, the message that
//! it shows.

use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
    Datagram, Decoded, Disconnect, DisconnectReason, Endpoints, ForwardAddress, GlobalRequest,
    KeepaliveOptions, Message, OpenFailureReason, ProtocolVersion, RESERVED, Request, RequestSuccess, Secret,
    ServiceName, SystemId, TRIGGER_LME, UserauthFailure, UserauthMethod, UserauthRequest, WindowAdjust,
};

use crate::support::{encoded, hex};

/// The dump is the message, in both directions.
#[track_caller]
fn golden(dump: &str, message: Message<'_>) {
    golden_bytes(&hex(dump), message);
}

#[track_caller]
fn golden_bytes(bytes: &[u8], message: Message<'_>) {
    assert_eq!(Message::decode(bytes), Ok(Decoded { message, trailing: 0 }));
    assert_eq!(encoded(message), bytes);
}

/// A dump with zeros up to the given length.
fn padded(dump: &str, length: usize) -> Vec<u8> {
    let mut bytes = hex(dump);
    bytes.resize(length, 0);
    bytes
}

#[test]
fn protocolversion_from_firmware() {
    let bytes = padded(
        "c0 00 00 00 01 00 00 00 00 00 00 00 fe 78 56 34
         12 bc 9a f0 de 11 22 33 44 55 66 77 88 00 00 00",
        93,
    );
    let system_id = SystemId([
        0x78, 0x56, 0x34, 0x12, 0xbc, 0x9a, 0xf0, 0xde, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88,
    ]);
    golden_bytes(
        &bytes,
        Message::ProtocolVersion(ProtocolVersion { major: 1, minor: 0, trigger: TRIGGER_LME, system_id }),
    );
    assert_eq!(system_id.to_string(), "12345678-9abc-def0-1122-334455667788");
}

#[test]
fn protocolversion_of_the_host() {
    let bytes = padded("c0 00 00 00 01 00 00 00 00 00 00 00 fe 00 00 00", 93);
    let system_id = SystemId([0; 16]);
    golden_bytes(
        &bytes,
        Message::ProtocolVersion(ProtocolVersion { major: 1, minor: 0, trigger: TRIGGER_LME, system_id }),
    );
}

#[test]
fn service_request_and_accept() {
    let pfwd = ServiceName { name: b"pfwd@amt.intel.com" };
    golden(
        "05 00 00 00 12 70 66 77 64 40 61 6d 74 2e 69 6e
         74 65 6c 2e 63 6f 6d",
        Message::ServiceRequest(pfwd),
    );
    golden(
        "06 00 00 00 12 70 66 77 64 40 61 6d 74 2e 69 6e
         74 65 6c 2e 63 6f 6d",
        Message::ServiceAccept(pfwd),
    );
}

#[test]
fn userauth_without_password() {
    golden(
        "32 00 00 00 00 00 00 00 12 70 66 77 64 40 61 6d
         74 2e 69 6e 74 65 6c 2e 63 6f 6d 00 00 00 04 6e
         6f 6e 65",
        Message::UserauthRequest(UserauthRequest {
            user: b"",
            service: b"pfwd@amt.intel.com",
            method: UserauthMethod::None,
        }),
    );
    golden("34", Message::UserauthSuccess);
}

#[test]
fn userauth_with_password_keeps_it_out_of_debug_output() {
    let message = Message::UserauthRequest(UserauthRequest {
        user: b"admin",
        service: b"pfwd@amt.intel.com",
        method: UserauthMethod::Password(Secret(b"P@ssw0rd")),
    });
    golden(
        "32 00 00 00 05 61 64 6d 69 6e 00 00 00 12 70 66
         77 64 40 61 6d 74 2e 69 6e 74 65 6c 2e 63 6f 6d
         00 00 00 08 70 61 73 73 77 6f 72 64 00 00 00 00
         08 50 40 73 73 77 30 72 64",
        message,
    );
    let shown = format!("{message:?}");
    assert!(!shown.contains("80, 64, 115"), "the password shows in {shown}");
}

#[test]
fn userauth_failure() {
    let message = Message::UserauthFailure(UserauthFailure { methods: b"password" });
    golden("33 00 00 00 08 70 61 73 73 77 6f 72 64 00", message);
    let two_zeros = hex("33 00 00 00 08 70 61 73 73 77 6f 72 64 00 00");
    assert_eq!(Message::decode(&two_zeros), Ok(Decoded { message, trailing: 1 }));
}

#[test]
fn tcpip_forward() {
    let forward = |address| {
        let request = Request::TcpipForward(ForwardAddress { address, port: 16992 });
        Message::GlobalRequest(GlobalRequest { want_reply: true, request })
    };
    golden(
        "50 00 00 00 0d 74 63 70 69 70 2d 66 6f 72 77 61
         72 64 01 00 00 00 08 61 6d 74 2d 68 6f 73 74 00
         00 42 60",
        forward(b"amt-host"),
    );
    golden(
        "50 00 00 00 0d 74 63 70 69 70 2d 66 6f 72 77 61
         72 64 01 00 00 00 00 00 00 42 60",
        forward(b""),
    );
}

#[test]
fn replies_to_requests() {
    let ports = [
        ("51 00 00 42 60", 16992),
        ("51 00 00 42 61", 16993),
        ("51 00 00 42 62", 16994),
        ("51 00 00 42 63", 16995),
        ("51 00 00 02 6f", 623),
        ("51 00 00 02 98", 664),
    ];
    for (dump, port) in ports {
        golden(dump, Message::RequestSuccess(RequestSuccess { port: Some(port) }));
    }
    golden("51", Message::RequestSuccess(RequestSuccess { port: None }));
    golden("52", Message::RequestFailure);
}

#[test]
fn cancel_tcpip_forward() {
    golden(
        "50 00 00 00 14 63 61 6e 63 65 6c 2d 74 63 70 69
         70 2d 66 6f 72 77 61 72 64 01 00 00 00 08 61 6d
         74 2d 68 6f 73 74 00 00 42 60",
        Message::GlobalRequest(GlobalRequest {
            want_reply: true,
            request: Request::CancelTcpipForward(ForwardAddress { address: b"amt-host", port: 16992 }),
        }),
    );
}

#[test]
fn channel_open_over_ipv4() {
    golden(
        "5a 00 00 00 0f 66 6f 72 77 61 72 64 65 64 2d 74
         63 70 69 70 00 00 01 01 00 00 10 00 ff ff ff ff
         00 00 00 09 31 32 37 2e 30 2e 30 2e 31 00 00 42
         60 00 00 00 09 31 32 37 2e 30 2e 30 2e 31 00 00
         c8 22",
        Message::ChannelOpen(ChannelOpen {
            sender: 0x101,
            window: 4096,
            reserved: RESERVED,
            kind: ChannelKind::ForwardedTcpip(Endpoints {
                target: b"127.0.0.1",
                target_port: 16992,
                originator: b"127.0.0.1",
                originator_port: 51234,
            }),
        }),
    );
}

#[test]
fn channel_open_over_ipv6() {
    golden(
        "5a 00 00 00 0f 66 6f 72 77 61 72 64 65 64 2d 74
         63 70 69 70 00 00 01 02 00 00 10 00 ff ff ff ff
         00 00 00 03 3a 3a 31 00 00 42 61 00 00 00 03 3a
         3a 31 00 00 c8 23",
        Message::ChannelOpen(ChannelOpen {
            sender: 0x102,
            window: 4096,
            reserved: RESERVED,
            kind: ChannelKind::ForwardedTcpip(Endpoints {
                target: b"::1",
                target_port: 16993,
                originator: b"::1",
                originator_port: 51235,
            }),
        }),
    );
}

#[test]
fn answers_to_channel_open() {
    golden(
        "5b 00 00 01 01 00 00 00 00 00 00 10 00 ff ff ff
         ff",
        Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: 0x101,
            sender: 0,
            window: 4096,
            reserved: RESERVED,
        }),
    );
    golden(
        "5c 00 00 01 01 00 00 00 04 00 00 00 00 00 00 00
         00",
        Message::ChannelOpenFailure(ChannelOpenFailure {
            receiver: 0x101,
            reason: OpenFailureReason::RESOURCE_SHORTAGE,
        }),
    );
}

#[test]
fn channel_data_in_both_directions() {
    golden(
        "5e 00 00 00 00 00 00 00 29 47 45 54 20 2f 20 48
         54 54 50 2f 31 2e 31 0d 0a 48 6f 73 74 3a 20 6c
         6f 63 61 6c 68 6f 73 74 3a 31 36 39 39 32 0d 0a
         0d 0a",
        Message::ChannelData(ChannelData {
            receiver: 0,
            payload: b"GET / HTTP/1.1\r\nHost: localhost:16992\r\n\r\n",
        }),
    );
    golden(
        "5e 00 00 01 01 00 00 00 1b 48 54 54 50 2f 31 2e
         31 20 34 30 31 20 55 6e 61 75 74 68 6f 72 69 7a
         65 64 0d 0a",
        Message::ChannelData(ChannelData { receiver: 0x101, payload: b"HTTP/1.1 401 Unauthorized\r\n" }),
    );
}

#[test]
fn window_adjust_and_close() {
    golden("5d 00 00 00 00 00 00 00 1b", Message::WindowAdjust(WindowAdjust { receiver: 0, bytes: 27 }));
    golden("61 00 00 01 01", Message::ChannelClose(ChannelClose { receiver: 0x101 }));
    golden("61 00 00 00 00", Message::ChannelClose(ChannelClose { receiver: 0 }));
}

#[test]
fn alert_sink_channel() {
    golden(
        "5a 00 00 00 0c 64 69 72 65 63 74 2d 74 63 70 69
         70 00 00 00 07 00 00 10 00 ff ff ff ff 00 00 00
         09 6c 6f 63 61 6c 68 6f 73 74 00 00 00 00 00 00
         00 09 31 32 37 2e 30 2e 30 2e 31 00 00 00 00",
        Message::ChannelOpen(ChannelOpen {
            sender: 7,
            window: 4096,
            reserved: RESERVED,
            kind: ChannelKind::DirectTcpip(Endpoints {
                target: b"localhost",
                target_port: 0,
                originator: b"127.0.0.1",
                originator_port: 0,
            }),
        }),
    );
    golden(
        "5b 00 00 00 07 00 00 01 03 00 00 10 00 ff ff ff ff",
        Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: 7,
            sender: 0x103,
            window: 4096,
            reserved: RESERVED,
        }),
    );
}

#[test]
fn udp_send_to() {
    golden(
        "50 00 00 00 19 75 64 70 2d 73 65 6e 64 2d 74 6f
         40 61 6d 74 2e 69 6e 74 65 6c 2e 63 6f 6d 00 00
         00 00 0a 31 39 32 2e 30 2e 32 2e 31 30 00 00 00
         a2 00 00 00 0a 31 39 32 2e 30 2e 32 2e 32 30 00
         00 42 60 00 00 00 05 30 03 02 01 05",
        Message::GlobalRequest(GlobalRequest {
            want_reply: false,
            request: Request::UdpSendTo(Datagram {
                host: b"192.0.2.10",
                port: 162,
                originator: b"192.0.2.20",
                originator_port: 16992,
                data: &[0x30, 0x03, 0x02, 0x01, 0x05],
            }),
        }),
    );
}

#[test]
fn disconnects() {
    golden(
        "01 00 00 00 0b 00 00",
        Message::Disconnect(Disconnect { reason: DisconnectReason::BY_APPLICATION }),
    );
    golden(
        "01 00 00 00 02 00 00",
        Message::Disconnect(Disconnect { reason: DisconnectReason::PROTOCOL_ERROR }),
    );
}

#[test]
fn keepalives() {
    golden("d0 de ad be ef", Message::KeepaliveRequest(0xdead_beef));
    golden("d1 de ad be ef", Message::KeepaliveReply(0xdead_beef));
    let wished = KeepaliveOptions { interval: 30, timeout: 10 };
    golden("d2 00 00 00 1e 00 00 00 0a", Message::KeepaliveOptionsRequest(wished));
    golden("d3 00 00 00 00 00 00 00 00", Message::KeepaliveOptionsReply(KeepaliveOptions::default()));
}
