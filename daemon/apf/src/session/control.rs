//! The queue of APF's own messages: everything but data, first in, first out, ahead of all data.
//!
//! Entries are turned into bytes when they leave, not when they are queued: a window adjust then collects all
//! credit up to that moment, and the open of a channel that was given up meanwhile never leaves.

use std::collections::VecDeque;

use crate::{
    id::{ChannelId, Port, RemoteChannelId},
    wire::{self, DisconnectReason, OpenFailureReason},
};

/// One message of our own that waits to be written. Those that must leave even after their channel is gone carry
/// firmware's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    Version,
    ServiceAccept(Service),
    UserauthSuccess,
    RequestReply(Reply),
    /// Ask firmware for the channel.
    Open(ChannelId),
    /// Accept firmware's channel.
    Confirm {
        channel: ChannelId,
        remote: RemoteChannelId,
    },
    /// Refuse firmware's channel.
    Refuse {
        remote: RemoteChannelId,
        reason: OpenFailureReason,
    },
    /// Grant all credit of the channel.
    Adjust(ChannelId),
    /// Close firmware's end.
    Close {
        channel: ChannelId,
        remote: RemoteChannelId,
    },
    KeepaliveReply(u32),
    KeepaliveOptionsReply,
    Disconnect(DisconnectReason),
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Forwarded(Port),
    Cancelled,
    Failure,
}

/// The services that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Auth,
    PortForwarding,
}

impl Service {
    pub(super) fn name(self) -> &'static [u8] {
        match self {
            Self::Auth => wire::SERVICE_AUTH,
            Self::PortForwarding => wire::SERVICE_PFWD,
        }
    }

    /// Names are compared whole and case-sensitively (`apf 10` row 14).
    pub(super) fn from_name(name: &[u8]) -> Option<Self> {
        [Self::Auth, Self::PortForwarding].into_iter().find(|service| service.name() == name)
    }
}

#[derive(Debug, Default)]
pub(super) struct ControlQueue {
    queue: VecDeque<Control>,
}

impl ControlQueue {
    pub(super) fn push(&mut self, control: Control) {
        self.queue.push_back(control);
    }

    pub(super) fn pop(&mut self) -> Option<Control> {
        self.queue.pop_front()
    }

    /// Takes back what only makes sense while the channel exists.
    pub(super) fn forget(&mut self, id: ChannelId) {
        self.queue.retain(|control| *control != Control::Open(id) && *control != Control::Adjust(id));
    }

    /// The channels that firmware is to be granted credit on.
    pub(super) fn adjusts(&self) -> impl Iterator<Item = ChannelId> {
        self.queue.iter().filter_map(|control| match control {
            Control::Adjust(channel) => Some(*channel),
            _ => None,
        })
    }

    pub(super) fn clear(&mut self) {
        self.queue.clear();
    }

    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Extend<Control> for ControlQueue {
    fn extend<T: IntoIterator<Item = Control>>(&mut self, controls: T) {
        self.queue.extend(controls);
    }
}
