//! What firmware starts itself: its own channels (apf 5.1), datagrams (apf 5.3), probes (apf 2.14).

use amtd_apf::wire::{
    ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure, Datagram, Endpoints,
    GlobalRequest, KeepaliveOptions, RESERVED, Request,
};
use bytes::Bytes;

use super::channel::{Output, Role};
use super::{Answer, Message, Session, SessionError};
use crate::firmware::Firmware;
use crate::stats::Violation;

impl Session {
    /// Opens a `direct-tcpip` channel and sends `data` on it, in messages of at most `chunk` bytes (0 = as large as possible).
    /// Firmware's own channels share the eight numbers with the host's (assumed; the only example has number 7).
    pub(super) fn open_direct(
        &mut self,
        firmware: &mut Firmware,
        target: (&str, u32),
        data: Bytes,
        chunk: usize,
    ) -> Result<(), SessionError> {
        let endpoints = Endpoints {
            target: target.0.as_bytes(),
            target_port: target.1,
            originator: b"127.0.0.1",
            originator_port: 0,
        };
        let slot = self.open_own(firmware, ChannelKind::DirectTcpip(endpoints))?;
        if let Some(channel) = &mut self.slots[slot] {
            let chunk = if chunk == 0 { usize::MAX } else { chunk };
            let mut data = data;
            while !data.is_empty() {
                channel.push_output(Output::Bytes(data.split_to(chunk.min(data.len()))));
            }
        }
        Ok(())
    }

    /// Opens a channel of any kind from firmware's side. Returns its slot.
    pub(super) fn open_own(
        &mut self,
        firmware: &mut Firmware,
        kind: ChannelKind<'_>,
    ) -> Result<usize, SessionError> {
        let port = match kind {
            ChannelKind::ForwardedTcpip(ends) | ChannelKind::DirectTcpip(ends) => ends.target_port,
            ChannelKind::Unknown { .. } => 0,
        };
        let slot = self.allocate_own(firmware, port).ok_or(SessionError::NoSlot)?;
        let window = firmware.config.apf.window;
        // A slot number is below 256.
        self.push(Message::ChannelOpen(ChannelOpen {
            sender: slot as u32,
            window,
            reserved: RESERVED,
            kind,
        }));
        self.expect(Answer::Open(slot), firmware.now);
        Ok(slot)
    }

    pub(super) fn handle_confirmation(
        &mut self,
        firmware: &mut Firmware,
        confirmation: ChannelOpenConfirmation,
    ) {
        if confirmation.reserved != RESERVED {
            let detail = format!("CHANNEL_OPEN_CONFIRMATION has {:#010x}", confirmation.reserved);
            firmware.violation(Violation::ReservedWord, detail);
        }
        let slot = confirmation.receiver as usize;
        if !self.arrived(&Answer::Open(slot)) {
            return firmware.violation(Violation::UnknownChannelReply, format!("confirmation of {slot}"));
        }
        firmware.stats.direct_accepted += 1;
        if let Some(channel) = &mut self.slots[slot] {
            channel.role = Role::Direct(true);
            channel.remote = confirmation.sender;
            channel.remote_window = confirmation.window;
        }
        self.enlist(slot);
    }

    pub(super) fn handle_failure(&mut self, firmware: &mut Firmware, failure: ChannelOpenFailure) {
        let slot = failure.receiver as usize;
        if !self.arrived(&Answer::Open(slot)) {
            return firmware.violation(Violation::UnknownChannelReply, format!("failure of {slot}"));
        }
        firmware.stats.direct_refused += 1;
        self.release(slot);
    }

    /// Asks the host to send a datagram; there is never a reply.
    pub(super) fn send_datagram(&mut self, host: &str, port: u32, data: &[u8]) {
        let datagram =
            Datagram { host: host.as_bytes(), port, originator: b"0.0.0.0", originator_port: 0, data };
        let request = GlobalRequest { want_reply: false, request: Request::UdpSendTo(datagram) };
        self.push(Message::GlobalRequest(request));
    }

    pub(super) fn probe(&mut self, firmware: &Firmware, cookie: u32) {
        self.push(Message::KeepaliveRequest(cookie));
        self.expect(Answer::Keepalive(cookie), firmware.now);
    }

    pub(super) fn propose_probes(&mut self, firmware: &Firmware, interval: u32, timeout: u32) {
        self.push(Message::KeepaliveOptionsRequest(KeepaliveOptions { interval, timeout }));
        self.expect(Answer::KeepaliveOptions, firmware.now);
    }

    pub(super) fn handle_probe_reply(&mut self, firmware: &mut Firmware, answer: &Answer) {
        if self.arrived(answer) {
            firmware.stats.keepalive_replies += 1;
        } else {
            firmware.violation(Violation::UnexpectedReply, answer.name());
        }
    }
}
