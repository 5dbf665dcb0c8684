//! Messages that are broken on purpose: cut short, with a length field that lies, or with bytes too many (apf 10).

use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
    Disconnect, DisconnectReason, Endpoints, ForwardAddress, GlobalRequest, KeepaliveOptions, Message,
    MessageType, OpenFailureReason, ProtocolVersion, RESERVED, Request, SERVICE_PFWD, ServiceName, SystemId,
    TRIGGER_LME, UserauthMethod, UserauthRequest, WindowAdjust,
};

/// A well-formed message of the type, whose channel numbers nobody uses; a bare type byte for types that firmware never sends.
pub(super) fn sample(message_type: u8) -> Vec<u8> {
    const NOBODY: u32 = 0xDEAD;
    let endpoints =
        Endpoints { target: b"localhost", target_port: 0, originator: b"127.0.0.1", originator_port: 0 };
    let message = match MessageType(message_type) {
        MessageType::DISCONNECT => {
            Message::Disconnect(Disconnect { reason: DisconnectReason::BY_APPLICATION })
        }
        MessageType::SERVICE_REQUEST => Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }),
        MessageType::USERAUTH_REQUEST => Message::UserauthRequest(UserauthRequest {
            user: b"",
            service: SERVICE_PFWD,
            method: UserauthMethod::None,
        }),
        MessageType::GLOBAL_REQUEST => Message::GlobalRequest(GlobalRequest {
            want_reply: true,
            request: Request::TcpipForward(ForwardAddress { address: b"amt", port: 16992 }),
        }),
        MessageType::CHANNEL_OPEN => Message::ChannelOpen(ChannelOpen {
            sender: NOBODY,
            window: 4096,
            reserved: RESERVED,
            kind: ChannelKind::DirectTcpip(endpoints),
        }),
        MessageType::CHANNEL_OPEN_CONFIRMATION => Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: NOBODY,
            sender: 0,
            window: 4096,
            reserved: RESERVED,
        }),
        MessageType::CHANNEL_OPEN_FAILURE => Message::ChannelOpenFailure(ChannelOpenFailure {
            receiver: NOBODY,
            reason: OpenFailureReason::PROHIBITED,
        }),
        MessageType::CHANNEL_WINDOW_ADJUST => {
            Message::WindowAdjust(WindowAdjust { receiver: NOBODY, bytes: 1 })
        }
        MessageType::CHANNEL_DATA => Message::ChannelData(ChannelData { receiver: NOBODY, payload: b"data" }),
        MessageType::CHANNEL_CLOSE => Message::ChannelClose(ChannelClose { receiver: NOBODY }),
        MessageType::PROTOCOLVERSION => Message::ProtocolVersion(ProtocolVersion {
            major: 1,
            minor: 0,
            trigger: TRIGGER_LME,
            system_id: SystemId::default(),
        }),
        MessageType::KEEPALIVE_REQUEST => Message::KeepaliveRequest(1),
        MessageType::KEEPALIVE_OPTIONS_REQUEST => {
            Message::KeepaliveOptionsRequest(KeepaliveOptions::default())
        }
        _ => Message::Unknown(message_type),
    };
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// The sample cut to `length` bytes.
pub(super) fn truncated(message_type: u8, length: usize) -> Vec<u8> {
    let mut bytes = sample(message_type);
    bytes.truncate(length);
    bytes
}

/// The sample with its first length field set to 2^32-1; unchanged if the type has none.
pub(super) fn oversized(message_type: u8) -> Vec<u8> {
    let mut bytes = sample(message_type);
    let field = match MessageType(message_type) {
        MessageType::CHANNEL_DATA => Some(5),
        MessageType::SERVICE_REQUEST
        | MessageType::USERAUTH_REQUEST
        | MessageType::GLOBAL_REQUEST
        | MessageType::CHANNEL_OPEN => Some(1),
        _ => None,
    };
    if let Some(at) = field {
        bytes[at..at + 4].fill(0xFF);
    }
    bytes
}

/// The sample with `extra` bytes behind it.
pub(super) fn padded(message_type: u8, extra: usize) -> Vec<u8> {
    let mut bytes = sample(message_type);
    bytes.resize(bytes.len() + extra, 0xA5);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT_BY_FIRMWARE: [u8; 13] = [1, 5, 50, 80, 90, 91, 92, 93, 94, 97, 192, 208, 210];

    #[test]
    fn every_prefix_of_a_sample_is_broken_and_the_whole_is_not() {
        for message_type in SENT_BY_FIRMWARE {
            let whole = sample(message_type);
            assert!(
                Message::decode(&whole).is_ok_and(|decoded| decoded.trailing == 0),
                "type {message_type}"
            );
            for length in 0..whole.len() {
                assert!(
                    Message::decode(&truncated(message_type, length)).is_err(),
                    "type {message_type} at {length}"
                );
            }
        }
    }

    #[test]
    fn oversized_and_padded_are_what_they_say() {
        for message_type in [5, 50, 80, 90, 94] {
            assert!(Message::decode(&oversized(message_type)).is_err(), "type {message_type}");
        }
        assert_eq!(Message::decode(&padded(97, 3)).unwrap().trailing, 3);
    }
}
