//! What firmware may send, as structured input: mostly messages that mean something to the session under test, now and
//! then bytes that do not. Shared by the targets over sessions.

use amtd_apf::{
    ChannelId, DisconnectReason, OpenFailureReason,
    wire::{
        ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
        Datagram, Disconnect, Endpoints, ForwardAddress, GlobalRequest, KeepaliveOptions, Message,
        ProtocolVersion, RESERVED, Request, SERVICE_AUTH, SERVICE_PFWD, ServiceName, SystemId, TRIGGER_LME,
        WindowAdjust,
    },
};
use arbitrary::Arbitrary;

/// A message of firmware.
#[derive(Debug, Clone, Arbitrary)]
pub enum FirmwareSays {
    Version { major: u8, minor: u8 },
    Service { pfwd: bool },
    Forward { port: u8, address: bool, want_reply: bool },
    Cancel { port: u8, address: bool, want_reply: bool },
    Datagram { port: u16, length: u8 },
    Confirm { channel: u8, remote: u8, window: u32 },
    ConfirmUsual { channel: u8 },
    Refuse { channel: u8, reason: u8 },
    Adjust { channel: u8, bytes: u32 },
    Data { channel: u8, length: u16 },
    Close { channel: u8 },
    OpenDirect { remote: u8, window: u32, port: u8 },
    Keepalive { cookie: u32 },
    KeepaliveOptions { interval: u32, timeout: u32 },
    Disconnect { reason: u8 },
    Raw(Vec<u8>),
}

impl FirmwareSays {
    /// The message as it comes from the device.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let zeros = [0; 8192];
        let message = match self {
            Self::Raw(bytes) => return bytes.clone(),
            Self::Version { major, minor } => Message::ProtocolVersion(ProtocolVersion {
                major: u32::from(major % 3),
                minor: u32::from(*minor),
                trigger: TRIGGER_LME,
                system_id: SystemId([0; 16]),
            }),
            Self::Service { pfwd } => {
                Message::ServiceRequest(ServiceName { name: if *pfwd { SERVICE_PFWD } else { SERVICE_AUTH } })
            }
            Self::Forward { port, address, want_reply } => Message::GlobalRequest(GlobalRequest {
                want_reply: *want_reply,
                request: Request::TcpipForward(forward(*port, *address)),
            }),
            Self::Cancel { port, address, want_reply } => Message::GlobalRequest(GlobalRequest {
                want_reply: *want_reply,
                request: Request::CancelTcpipForward(forward(*port, *address)),
            }),
            Self::Datagram { port, length } => Message::GlobalRequest(GlobalRequest {
                want_reply: true,
                request: Request::UdpSendTo(Datagram {
                    host: b"192.0.2.1",
                    port: u32::from(*port),
                    originator: b"",
                    originator_port: 0,
                    data: &zeros[..usize::from(*length)],
                }),
            }),
            Self::Confirm { channel, remote, window } => confirmation(*channel, remote % 8, *window),
            Self::ConfirmUsual { channel } => confirmation(*channel, channel % 8, 4096),
            Self::Refuse { channel, reason } => Message::ChannelOpenFailure(ChannelOpenFailure {
                receiver: number(*channel),
                reason: OpenFailureReason(u32::from(reason % 6)),
            }),
            Self::Adjust { channel, bytes } => {
                Message::WindowAdjust(WindowAdjust { receiver: number(*channel), bytes: *bytes })
            }
            Self::Data { channel, length } => Message::ChannelData(ChannelData {
                receiver: number(*channel),
                payload: &zeros[..usize::from(length % 5120)],
            }),
            Self::Close { channel } => Message::ChannelClose(ChannelClose { receiver: number(*channel) }),
            Self::OpenDirect { remote, window, port } => Message::ChannelOpen(ChannelOpen {
                sender: u32::from(remote % 8),
                window: *window,
                reserved: RESERVED,
                kind: ChannelKind::DirectTcpip(Endpoints {
                    target: b"127.0.0.1",
                    target_port: u32::from(port % 2),
                    originator: b"127.0.0.1",
                    originator_port: 9,
                }),
            }),
            Self::Keepalive { cookie } => Message::KeepaliveRequest(*cookie),
            Self::KeepaliveOptions { interval, timeout } => {
                Message::KeepaliveOptionsRequest(KeepaliveOptions { interval: *interval, timeout: *timeout })
            }
            Self::Disconnect { reason } => {
                Message::Disconnect(Disconnect { reason: DisconnectReason(u32::from(*reason)) })
            }
        };
        message.encode(&mut out);
        out
    }
}

/// The few messages after which channels can be opened.
pub fn greeting() -> [Vec<u8>; 3] {
    [
        FirmwareSays::Version { major: 1, minor: 0 },
        FirmwareSays::Service { pfwd: true },
        FirmwareSays::Forward { port: 0, address: false, want_reply: true },
    ]
    .map(|message| message.encode())
}

/// Ports that mean something: three that may be forwarded, one that may not, and none.
pub const PORTS: [u16; 5] = [16992, 16993, 623, 80, 0];

fn forward(port: u8, address: bool) -> ForwardAddress<'static> {
    let address: &[u8] = if address { b"127.0.0.1" } else { b"" };
    ForwardAddress { address, port: u32::from(PORTS[usize::from(port) % PORTS.len()]) }
}

fn confirmation(channel: u8, remote: u8, window: u32) -> Message<'static> {
    Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
        receiver: number(channel),
        sender: u32::from(remote),
        window,
        reserved: RESERVED,
    })
}

/// A channel number that the session may have given out.
fn number(channel: u8) -> u32 {
    ChannelId::FIRST_NUMBER + u32::from(channel % 24)
}
