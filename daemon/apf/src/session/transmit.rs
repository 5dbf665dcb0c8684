//! What leaves, one message at a time: the front of the control queue, else data of the channel whose turn it
//! is.

use std::{net::IpAddr, time::Instant};

use super::{
    Session,
    control::{Control, Reply},
};
use crate::{
    class::Class,
    counters::{count, count_bytes},
    event::Event,
    id::{ChannelId, RemoteChannelId},
    scheduler::Grant,
    wire::{
        ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
        Disconnect, Endpoints, KeepaliveOptions, Message, ProtocolVersion, RESERVED, RequestSuccess,
        ServiceName, SystemId, TRIGGER_LME, WindowAdjust,
    },
};

/// What [`poll_transmit`](Session::poll_transmit) wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// The channel that the message is about, if it is about one.
    pub channel: Option<ChannelId>,
    /// The class of the data; `None` for one of APF's own messages.
    pub class: Option<Class>,
    /// Bytes of channel data in the message; 0 for one of APF's own.
    pub payload: usize,
}

impl Session {
    pub(super) fn transmit_control(&mut self, out: &mut Vec<u8>) -> Option<Transmit> {
        while let Some(control) = self.control.pop() {
            if self.encode_control(control, out) {
                return Some(Transmit { channel: control.channel(), class: None, payload: 0 });
            }
        }
        None
    }

    pub(super) fn transmit_data(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let Self { channels, config, scheduler, .. } = self;
        let frame = |number| channels.numbered(number).map_or(0, |channel| channels.frame(channel, config));
        let Grant { channel: number, bytes } = scheduler.next(frame)?;
        let channel = self.channels.numbered_mut(number)?;
        let (id, class) = (channel.id(), channel.class());
        ChannelData::encode_header(channel.remote()?.0, bytes, out);
        let has_owner = channel.has_owner();
        let effects = channel.take(now, bytes, out);
        self.events.extend(has_owner.then_some(Event::Sent { channel: id, bytes }));
        self.apply(number, effects);
        Some(Transmit { channel: Some(id), class: Some(class), payload: bytes })
    }

    pub(super) fn count_transmit(&mut self, transmit: &Transmit) {
        count(&mut self.counters.messages_out);
        count_bytes(&mut self.counters.bytes_out, transmit.payload);
    }

    /// Writes the message; `false` if it has lost its meaning, which the queue normally prevents.
    fn encode_control(&mut self, control: Control, out: &mut Vec<u8>) -> bool {
        let message = match control {
            Control::Version => OUR_VERSION,
            Control::ServiceAccept(service) => Message::ServiceAccept(ServiceName { name: service.name() }),
            Control::UserauthSuccess => Message::UserauthSuccess,
            Control::RequestReply(reply) => reply.message(),
            Control::Open(id) => return self.encode_open(id, out).is_some(),
            Control::Confirm { channel, remote } => self.confirmation(channel, remote),
            Control::Refuse { remote, reason } => {
                Message::ChannelOpenFailure(ChannelOpenFailure { receiver: remote.0, reason })
            }
            Control::Adjust(id) => return self.encode_adjust(id, out).is_some(),
            Control::Close { remote, .. } => Message::ChannelClose(ChannelClose { receiver: remote.0 }),
            Control::KeepaliveReply(cookie) => Message::KeepaliveReply(cookie),
            // Both features off: liveness is the MEI driver's to tell (`apf 2.14`).
            Control::KeepaliveOptionsReply => Message::KeepaliveOptionsReply(KeepaliveOptions::default()),
            Control::Disconnect(reason) => Message::Disconnect(Disconnect { reason }),
        };
        message.encode(out);
        true
    }

    fn encode_open(&mut self, id: ChannelId, out: &mut Vec<u8>) -> Option<()> {
        let channel = self.channels.get_mut(id)?;
        let (port, originator) = channel.open_leaves()?;
        let loopback = loopback_of(originator.ip());
        let open = ChannelOpen {
            sender: id.number(),
            window: channel.local_window(),
            reserved: RESERVED,
            kind: ChannelKind::ForwardedTcpip(Endpoints {
                target: loopback,
                target_port: port.0.into(),
                originator: loopback,
                originator_port: originator.port().into(),
            }),
        };
        Message::ChannelOpen(open).encode(out);
        Some(())
    }

    fn confirmation(&self, id: ChannelId, remote: RemoteChannelId) -> Message<'static> {
        Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: remote.0,
            sender: id.number(),
            window: self.config.rx_window,
            reserved: RESERVED,
        })
    }

    fn encode_adjust(&mut self, id: ChannelId, out: &mut Vec<u8>) -> Option<()> {
        let (remote, bytes) = self.channels.get_mut(id)?.take_credit()?;
        Message::WindowAdjust(WindowAdjust { receiver: remote.0, bytes }).encode(out);
        Some(())
    }
}

/// What the host says about itself: version 1.0, started by the local interface, no UUID (`apf 2.13`).
const OUR_VERSION: Message<'static> = Message::ProtocolVersion(ProtocolVersion {
    major: 1,
    minor: 0,
    trigger: TRIGGER_LME,
    system_id: SystemId([0; 16]),
});

/// Firmware is told the loopback address of the client's family, whichever of the host's own addresses the
/// client used.
fn loopback_of(client: IpAddr) -> &'static [u8] {
    if client.to_canonical().is_ipv4() { b"127.0.0.1" } else { b"::1" }
}

impl Control {
    fn channel(self) -> Option<ChannelId> {
        match self {
            Self::Open(channel)
            | Self::Adjust(channel)
            | Self::Confirm { channel, .. }
            | Self::Close { channel, .. } => Some(channel),
            _ => None,
        }
    }
}

impl Reply {
    fn message(self) -> Message<'static> {
        match self {
            Self::Forwarded(port) => Message::RequestSuccess(RequestSuccess { port: Some(port.0.into()) }),
            Self::Cancelled => Message::RequestSuccess(RequestSuccess { port: None }),
            Self::Failure => Message::RequestFailure,
        }
    }
}
