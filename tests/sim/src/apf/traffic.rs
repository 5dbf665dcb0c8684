//! Data, credit and close of open channels (apf 4.5, 4.6), and the way of a request to the engine and of its response back.

use amtd_apf::wire::{ChannelClose, ChannelData, MessageType, WindowAdjust};
use bytes::Bytes;

use super::channel::{Channel, Output, Role};
use super::{Message, Session};
use crate::engine::{Done, Job, Owner};
use crate::faults::ResponseFault;
use crate::firmware::Firmware;
use crate::mei::Packet;
use crate::stats::Violation;
use crate::web::RequestKind;

impl Session {
    pub(super) fn handle_data(&mut self, firmware: &mut Firmware, data: ChannelData<'_>) {
        let slot = data.receiver as usize;
        let Some(channel) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
            return firmware.violation(Violation::UnknownChannelData, data.receiver.to_string());
        };
        if channel.close_received {
            return firmware.violation(Violation::DataAfterClose, data.receiver.to_string());
        }
        let length = data.payload.len();
        firmware.stats.bytes_in += length as u64;
        let excess = channel.take_window(length);
        if excess > 0 {
            firmware.violation(Violation::DataBeyondWindow, format!("{excess} bytes on channel {slot}"));
        }
        let credit = channel.credit.received(length);
        self.give_credit(slot, credit);
        self.consume(firmware, slot, data.payload);
    }

    /// Hands bytes of the host to whoever is behind the channel.
    fn consume(&mut self, firmware: &mut Firmware, slot: usize, bytes: &[u8]) {
        let Some(channel) = &mut self.slots[slot] else { return };
        match &mut channel.role {
            Role::Web(None) => channel.hold(bytes),
            // The server takes no input after the response that closes the connection; it is credited all the same.
            Role::Web(Some(_)) => {
                let requests = channel.read_requests(bytes);
                let credit = channel.credit.consumed(bytes.len());
                if let Some(chain) = channel.tls.as_ref().and_then(|tls| tls.client_chain()) {
                    firmware.device.security.note_client(chain);
                }
                if !requests.is_empty() {
                    let owner = Owner { connection: self.id, slot, serial: channel.serial };
                    if let Role::Web(web) = &mut channel.role
                        && let Some(web) = web.take()
                    {
                        firmware.engine.submit(Job { owner, web, requests: requests.into() });
                    }
                }
                self.give_credit(slot, credit);
                self.enlist(slot);
            }
            // Credited when it has been sent back.
            Role::Echo => {
                channel.push_output(Output::Bytes(Bytes::copy_from_slice(bytes)));
                self.enlist(slot);
            }
            Role::Direct(_) | Role::Ghost => {
                let credit = channel.credit.consumed(bytes.len());
                self.give_credit(slot, credit);
            }
        }
    }

    fn give_credit(&mut self, slot: usize, bytes: u32) {
        if let Some(channel) = &mut self.slots[slot]
            && bytes > 0
            && !channel.close_sent
        {
            let (remote, step) = (channel.remote, channel.credit.step);
            if step != Some(0) {
                channel.local_window = channel.local_window.saturating_add(u64::from(bytes));
            }
            self.push_adjusts(remote, bytes, step);
        }
    }

    pub(super) fn handle_adjust(&mut self, firmware: &mut Firmware, adjust: WindowAdjust) {
        let slot = adjust.receiver as usize;
        let Some(channel) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
            return firmware.violation(Violation::UnknownChannelAdjust, adjust.receiver.to_string());
        };
        if !channel.grant(adjust.bytes) {
            firmware.violation(Violation::WindowOverflow, format!("channel {slot}"));
        }
        self.enlist(slot);
    }

    pub(super) fn handle_close(&mut self, firmware: &mut Firmware, close: ChannelClose) {
        firmware.stats.closes_in += 1;
        let slot = close.receiver as usize;
        let Some(channel) = self.slots.get_mut(slot).and_then(Option::as_mut) else {
            return firmware.violation(Violation::UnknownChannelClose, close.receiver.to_string());
        };
        if channel.close_received {
            return firmware.violation(Violation::SecondClose, close.receiver.to_string());
        }
        channel.close_received = true;
        // Whether firmware still sends what it has after the host's CLOSE is not known (apf 14); here it does not.
        channel.drop_output();
        let ghost = matches!(channel.role, Role::Ghost);
        if channel.close_sent || ghost {
            self.release(slot);
        } else if !firmware.faults.ignores_close() {
            self.send_close(firmware, slot);
        }
    }

    /// Sends firmware's CLOSE, which frees the slot if the host's has come.
    pub(super) fn send_close(&mut self, firmware: &mut Firmware, slot: usize) {
        let Some(channel) = &mut self.slots[slot] else { return };
        channel.close_sent = true;
        channel.drop_output();
        let (receiver, after_close, done) = (channel.remote, channel.after_close, channel.close_received);
        firmware.stats.closes_out += 1;
        self.push(Message::ChannelClose(ChannelClose { receiver }));
        if after_close > 0 {
            self.control.push_back(data_packet(receiver, filler(after_close.min(self.max_frame))));
        }
        if done {
            self.release(slot);
        }
    }

    pub(super) fn release(&mut self, slot: usize) {
        self.slots[slot] = None;
        self.sendable.retain(|sender| *sender != slot);
    }

    /// Puts a channel that can send, or has to close, at the end of the senders.
    pub(super) fn enlist(&mut self, slot: usize) {
        if let Some(channel) = &mut self.slots[slot]
            && !channel.queued
            && (channel.can_send() || channel.close_due())
        {
            channel.queued = true;
            self.sendable.push_back(slot);
        }
    }

    /// The next DATA message, one per channel in turn, or the CLOSE that follows a channel's last one.
    pub(super) fn transmit_data(&mut self, firmware: &mut Firmware) -> Option<Packet> {
        while firmware.link.busy_until(firmware.now).is_none() {
            let slot = self.sendable.pop_front()?;
            let Some(channel) = &mut self.slots[slot] else { continue };
            channel.queued = false;
            let payload = channel.next_payload(self.max_frame);
            let (remote, echo, due) =
                (channel.remote, matches!(channel.role, Role::Echo), channel.close_due());
            if due {
                self.send_close(firmware, slot);
            } else {
                self.enlist(slot);
            }
            if let Some(payload) = payload {
                if echo {
                    self.credit_echoed(slot, payload.len());
                }
                firmware.link.carry(payload.len(), firmware.now);
                firmware.stats.bytes_out += payload.len() as u64;
                return Some(data_packet(remote, payload));
            }
            if due {
                return self.control.pop_front();
            }
        }
        None
    }

    fn credit_echoed(&mut self, slot: usize, bytes: usize) {
        if let Some(channel) = &mut self.slots[slot] {
            let credit = channel.credit.consumed(bytes);
            self.give_credit(slot, credit);
        }
    }

    /// Takes a response from the engine, and the web connection back. The channel may be gone: the response is dropped then.
    pub(crate) fn deliver(&mut self, firmware: &mut Firmware, done: Done) {
        let Done { owner, kind, response, web } = done;
        if self.channel_of(owner).is_none_or(|channel| channel.close_received || channel.close_sent) {
            return;
        }
        let handshake = kind == RequestKind::Handshake;
        let fault = if handshake { None } else { firmware.faults.response() };
        let Some(channel) = self.slots[owner.slot].as_mut() else { return };
        if let Role::Web(home) = &mut channel.role {
            *home = web;
        }
        channel.closing |= response.close;
        if let Some(tls) = &mut channel.tls {
            if handshake {
                tls.release();
            } else if let Some(after) = firmware.faults.garbage() {
                tls.spoil(after);
            }
            channel.closing |= tls.has_ended();
        }
        match fault {
            None => channel.push_output(Output::Body(response.body)),
            Some(ResponseFault::EmptyData) => {
                channel.push_output(Output::Empty);
                channel.push_output(Output::Body(response.body));
            }
            Some(ResponseFault::CloseAfter(bytes)) => {
                channel.budget = Some(bytes);
                channel.closing = true;
                channel.push_output(Output::Body(response.body));
            }
            Some(ResponseFault::DataAfterClose(bytes)) => {
                channel.after_close = bytes;
                channel.closing = true;
                channel.push_output(Output::Body(response.body));
            }
            Some(ResponseFault::BeyondWindow(bytes)) => self.overrun(owner.slot, bytes),
        }
        self.enlist(owner.slot);
        self.consume_held(firmware, owner.slot);
    }

    /// Sends so many bytes more than the window allows, at once.
    fn overrun(&mut self, slot: usize, bytes: usize) {
        let Some(channel) = &mut self.slots[slot] else { return };
        let (remote, mut left) = (channel.remote, channel.remote_window as usize + bytes);
        channel.remote_window = 0;
        while left > 0 {
            let length = left.min(self.max_frame);
            self.control.push_back(data_packet(remote, filler(length)));
            left -= length;
        }
    }

    /// Feeds the input that came while the web connection was at the engine.
    fn consume_held(&mut self, firmware: &mut Firmware, slot: usize) {
        if let Some(Channel { role: Role::Web(Some(_)), held, .. }) = &mut self.slots[slot]
            && !held.is_empty()
        {
            let held = held.split();
            self.consume(firmware, slot, &held);
        }
    }

    /// Whether a response of this channel is still to be sent.
    pub(crate) fn has_output(&self, owner: Owner) -> bool {
        self.channel_of(owner).is_some_and(Channel::has_output)
    }

    fn channel_of(&self, owner: Owner) -> Option<&Channel> {
        self.slots.get(owner.slot)?.as_ref().filter(|channel| channel.serial == owner.serial)
    }
}

/// A DATA message that shares its payload.
fn data_packet(receiver: u32, payload: Bytes) -> Packet {
    let mut head = [0; amtd_apf::wire::DATA_HEADER];
    head[0] = MessageType::CHANNEL_DATA.0;
    head[1..5].copy_from_slice(&receiver.to_be_bytes());
    // A frame is far below 4 GiB.
    head[5..].copy_from_slice(&(payload.len() as u32).to_be_bytes());
    Packet::with_body(&head, payload)
}

/// Bytes that nobody asked for.
fn filler(length: usize) -> Bytes {
    Bytes::from(vec![b'x'; length])
}
