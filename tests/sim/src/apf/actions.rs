//! What a script does to a session that runs.

use amtd_apf::wire::{ChannelClose, ChannelKind, Disconnect, DisconnectReason, Endpoints, Message};
use bytes::Bytes;

use super::startup::Phase;
use super::{Session, alert, raw};
use crate::faults::Action;
use crate::firmware::Firmware;
use crate::mei::Packet;

/// Why a script cannot do something to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SessionError {
    /// Firmware's own channels need a slot too.
    #[error("every channel slot is in use")]
    NoSlot,
    /// The action is done to something else.
    #[error("the action is not done to a session")]
    NotForSession,
}

impl Session {
    /// Carries out an action for which `Action::needs_session` holds.
    pub(crate) fn act(&mut self, firmware: &mut Firmware, action: Action) -> Result<(), SessionError> {
        match action {
            Action::Restart => self.restart(firmware),
            Action::Disconnect { reason } => {
                self.push(Message::Disconnect(Disconnect { reason: DisconnectReason(reason) }));
                self.end(Phase::Over);
            }
            Action::Forward { port, address } => self.request_forward(firmware, port, address),
            Action::Cancel { port, address } => self.request_cancel(firmware, port, address),
            Action::Reannounce { port } => {
                self.request_cancel(firmware, port, None);
                self.request_forward(firmware, port, None);
            }
            Action::Doze { port } => self.doze(firmware, port),
            Action::GlobalRequest { name, want_reply } => self.request_unknown(firmware, name, want_reply),
            Action::Udp { host, port, data } => self.send_datagram(&host, port, data.as_bytes()),
            Action::Keepalive { cookie } => self.probe(firmware, cookie),
            Action::KeepaliveOptions { interval, timeout } => {
                self.propose_probes(firmware, interval, timeout);
            }
            Action::Alert { .. } | Action::Direct { .. } | Action::OpenChannel { .. } => {
                return self.act_open(firmware, action);
            }
            other => return self.act_raw(firmware, other),
        }
        Ok(())
    }

    /// Opens a channel from firmware's side.
    fn act_open(&mut self, firmware: &mut Firmware, action: Action) -> Result<(), SessionError> {
        match action {
            Action::Alert { chunk, id, argument } => {
                let request = alert::request(&id, &argument, &firmware.device.uuid_text());
                self.open_direct(firmware, ("localhost", 0), request, chunk)
            }
            Action::Direct { host, port, data } => {
                self.open_direct(firmware, (&host, port), Bytes::from(data.into_bytes()), 0)
            }
            Action::OpenChannel { channel_type } => {
                let endpoints = Endpoints {
                    target: b"127.0.0.1",
                    target_port: 16992,
                    originator: b"127.0.0.1",
                    originator_port: 0,
                };
                let kind = match channel_type.as_str() {
                    "forwarded-tcpip" => ChannelKind::ForwardedTcpip(endpoints),
                    "direct-tcpip" => ChannelKind::DirectTcpip(endpoints),
                    name => ChannelKind::Unknown { name: name.as_bytes(), body: b"" },
                };
                self.open_own(firmware, kind).map(drop)
            }
            _ => Err(SessionError::NotForSession),
        }
    }

    /// Single messages without regard to the state of anything, and closes.
    fn act_raw(&mut self, firmware: &mut Firmware, action: Action) -> Result<(), SessionError> {
        match action {
            Action::CloseChannels => {
                for slot in 0..self.slots.len() {
                    let open = self.slots[slot].as_ref().is_some_and(|c| !c.close_sent && !c.is_opening());
                    if open {
                        self.send_close(firmware, slot);
                    }
                }
            }
            Action::StrayClose { channel } => {
                self.push(Message::ChannelClose(ChannelClose { receiver: channel }));
            }
            Action::Send { hex } => self.control.push_back(Packet::new(&hex.0)),
            Action::SendEmpty => self.control.push_back(Packet::new(&[])),
            Action::Truncated { message_type, length } => {
                self.control.push_back(Packet::new(&raw::truncated(message_type, length)));
            }
            Action::Oversized { message_type } => {
                self.control.push_back(Packet::new(&raw::oversized(message_type)));
            }
            Action::Padded { message_type, extra } => {
                self.control.push_back(Packet::new(&raw::padded(message_type, extra)));
            }
            _ => return Err(SessionError::NotForSession),
        }
        Ok(())
    }
}
