//! Channels that firmware opens (`apf 5.1`, `5.2`): the local alert sink is accepted, everything else
//! refused. Every open gets an answer.

use super::{Session, control::Control};
use crate::{
    channel::Channel,
    counters::count,
    event::{Endpoint, Event},
    id::RemoteChannelId,
    text,
    wire::{ChannelKind, ChannelOpen, Endpoints, OpenFailureReason},
};

/// The port that stands for the alert sink of the host's own software.
const ALERT_SINK: u32 = 0;

impl Session {
    pub(super) fn on_channel_open(&mut self, open: ChannelOpen<'_>) {
        let remote = RemoteChannelId(open.sender);
        match self.judge_direct(remote, open.kind) {
            Ok(endpoints) => self.accept_direct(remote, open.window, endpoints),
            Err(reason) => self.refuse_direct(remote, open.kind, reason),
        }
    }

    /// Whether a channel may exist, by the rows 27, 29 and 30 of `apf 10`. Connecting to other ports would
    /// make the host go wherever firmware says, so they are refused as a matter of policy.
    fn judge_direct<'a>(
        &self,
        remote: RemoteChannelId,
        kind: ChannelKind<'a>,
    ) -> Result<Endpoints<'a>, OpenFailureReason> {
        match kind {
            ChannelKind::Unknown { .. } => Err(OpenFailureReason::UNKNOWN_CHANNEL_TYPE),
            ChannelKind::ForwardedTcpip(_) => Err(OpenFailureReason::PROHIBITED),
            ChannelKind::DirectTcpip(_) if self.channels.by_remote(remote).is_some() => {
                Err(OpenFailureReason::PROHIBITED)
            }
            ChannelKind::DirectTcpip(Endpoints { target_port, .. }) if target_port != ALERT_SINK => {
                Err(OpenFailureReason::PROHIBITED)
            }
            ChannelKind::DirectTcpip(_) if self.channels.direct_count() >= self.config.max_direct => {
                Err(OpenFailureReason::RESOURCE_SHORTAGE)
            }
            ChannelKind::DirectTcpip(endpoints) => Ok(endpoints),
        }
    }

    fn accept_direct(&mut self, remote: RemoteChannelId, window: u32, endpoints: Endpoints<'_>) {
        let id = self.channels.next_id();
        self.channels.insert(Channel::direct(id, remote, window, &self.config));
        self.control.push(Control::Confirm { channel: id, remote });
        self.events.push_back(Event::Direct {
            channel: id,
            host: text::printable(endpoints.target),
            port: endpoints.target_port,
            originator: Endpoint {
                host: text::printable(endpoints.originator),
                port: endpoints.originator_port,
            },
        });
    }

    fn refuse_direct(&mut self, remote: RemoteChannelId, kind: ChannelKind<'_>, reason: OpenFailureReason) {
        count(&mut self.counters.refused_channels);
        self.control.push(Control::Refuse { remote, reason });
        if let ChannelKind::DirectTcpip(endpoints) = kind {
            let (host, port) = (text::printable(endpoints.target), endpoints.target_port);
            self.events.push_back(Event::DirectRefused { host, port, reason });
        }
    }
}
