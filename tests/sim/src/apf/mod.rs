//! The firmware's end of port forwarding: one [`Session`] for each connection to LME (apf 12).
//!
//! Sans-IO: messages and time go in, packets come out. The submodules are the parts of one session: `startup` (version and
//! services), `forwards` (global requests), `opening` (channels that the host opens), `traffic` (data, credit, close, responses),
//! `direct` (channels that firmware opens, datagrams, probes), `channel` (the books of one channel), `raw` (broken messages on
//! purpose), `snapshot` (its state for the control socket). Called by `mei::connection` and, for responses and script actions, by
//! `world`.
//!
//! What the host does wrong is counted as a violation and otherwise tolerated, because how firmware reacts is not known.

mod actions;
mod alert;
mod channel;
mod direct;
mod forwards;
mod opening;
mod raw;
mod snapshot;
mod startup;
mod traffic;

use std::collections::VecDeque;
use std::time::Instant;

use amtd_apf::wire::{DATA_HEADER, Message, OpenFailureReason};

use self::channel::Channel;
use self::forwards::{Forward, Outstanding};
use self::opening::Delayed;
use self::startup::{Phase, Startup};
use crate::faults::Counted;
use crate::firmware::Firmware;
use crate::mei::{ConnectionId, Packet};
use crate::stats::Violation;

pub(crate) use self::actions::SessionError;

/// Firmware's end of one session.
#[derive(Debug)]
pub(crate) struct Session {
    id: ConnectionId,
    phase: Phase,
    startup: Startup,
    /// Whether the first forwards of this session were answered.
    ready: bool,
    /// Global requests without a reply, oldest first.
    outstanding: VecDeque<Outstanding>,
    /// Other answers that the host owes.
    awaited: Vec<Awaited>,
    forwards: Vec<Forward>,
    /// Whether the plain ports are not asked for, because of the device's settings.
    plain_withdrawn: bool,
    /// Ports that were withdrawn until somebody opens a channel.
    dozing: Vec<u32>,
    slots: Vec<Option<Channel>>,
    /// Channels opened so far: tells apart those that had the same number.
    serial: u64,
    delayed: Vec<Delayed>,
    /// Messages without payload, sent before any data.
    control: VecDeque<Packet>,
    /// Channels that may have data to send, in turn.
    sendable: VecDeque<usize>,
    /// Most payload of one DATA message.
    max_frame: usize,
    scratch: Vec<u8>,
}

/// An answer that the host owes, other than to a global request.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Awaited {
    answer: Answer,
    since: Instant,
    reported: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Version,
    Service(&'static [u8]),
    Userauth,
    Keepalive(u32),
    KeepaliveOptions,
    /// To firmware's own channel open in this slot.
    Open(usize),
}

impl Answer {
    fn name(&self) -> &'static str {
        match self {
            Self::Version => "PROTOCOLVERSION",
            Self::Service(_) => "SERVICE_ACCEPT",
            Self::Userauth => "USERAUTH_SUCCESS",
            Self::Keepalive(_) => "KEEPALIVE_REPLY",
            Self::KeepaliveOptions => "KEEPALIVE_OPTIONS_REPLY",
            Self::Open(_) => "CHANNEL_OPEN_CONFIRMATION",
        }
    }
}

impl Session {
    /// A session on a connection that was just made; firmware speaks at once (apf 3.1).
    pub(crate) fn new(id: ConnectionId, firmware: &mut Firmware) -> Self {
        let config = &firmware.config.apf;
        let mut session = Self {
            id,
            phase: Phase::Version,
            startup: Startup::default(),
            ready: false,
            outstanding: VecDeque::new(),
            awaited: Vec::new(),
            forwards: Vec::new(),
            plain_withdrawn: false,
            dozing: Vec::new(),
            slots: (0..config.slots).map(|_| None).collect(),
            serial: 0,
            delayed: Vec::new(),
            control: VecDeque::new(),
            sendable: VecDeque::new(),
            max_frame: config.max_frame.min(config.max_message - DATA_HEADER).max(1),
            scratch: Vec::new(),
        };
        session.start(firmware);
        session
    }

    /// Takes one message from the host.
    pub(crate) fn handle(&mut self, firmware: &mut Firmware, bytes: &[u8]) {
        firmware.stats.messages_in += 1;
        firmware.schedule.count(Counted::Messages);
        let message = match Message::decode(bytes) {
            Err(error) => return firmware.violation(Violation::Malformed, error.to_string()),
            Ok(decoded) => {
                if decoded.trailing != 0 {
                    let detail = format!("{} after {}", decoded.trailing, decoded.message.message_type());
                    firmware.violation(Violation::TrailingBytes, detail);
                }
                decoded.message
            }
        };
        if self.admits(firmware, &message) {
            self.dispatch(firmware, message);
        }
    }

    /// Whether the message may come in the present phase. What may not is counted and ignored.
    fn admits(&self, firmware: &mut Firmware, message: &Message<'_>) -> bool {
        let kind = message.message_type();
        match self.phase {
            Phase::OverByHost => firmware.violation(Violation::AfterDisconnect, kind.to_string()),
            // The host sent it before it learnt that firmware disconnected, or restarted its session.
            Phase::Over | Phase::Deaf => {}
            Phase::Version if self.startup.restarted && !matches!(message, Message::ProtocolVersion(_)) => {}
            Phase::Version if !matches!(message, Message::ProtocolVersion(_) | Message::Disconnect(_)) => {
                firmware.violation(Violation::BeforeVersion, kind.to_string());
            }
            Phase::Service if is_forwarding(message) => {
                firmware.violation(Violation::BeforeService, kind.to_string());
            }
            _ => return true,
        }
        false
    }

    fn dispatch(&mut self, firmware: &mut Firmware, message: Message<'_>) {
        match message {
            Message::ChannelData(data) => self.handle_data(firmware, data),
            Message::WindowAdjust(adjust) => self.handle_adjust(firmware, adjust),
            Message::ChannelOpen(open) => self.handle_open(firmware, open),
            Message::ChannelClose(close) => self.handle_close(firmware, close),
            Message::ChannelOpenConfirmation(confirmation) => {
                self.handle_confirmation(firmware, confirmation);
            }
            Message::ChannelOpenFailure(failure) => self.handle_failure(firmware, failure),
            Message::ProtocolVersion(version) => self.handle_version(firmware, version),
            Message::ServiceAccept(service) => self.handle_service_accept(firmware, service),
            Message::UserauthSuccess | Message::UserauthFailure(_) => self.handle_userauth(firmware),
            Message::RequestSuccess(success) => self.handle_reply(firmware, Some(success)),
            Message::RequestFailure => self.handle_reply(firmware, None),
            Message::Disconnect(_) => self.handle_disconnect(firmware),
            Message::KeepaliveRequest(cookie) => self.push(Message::KeepaliveReply(cookie)),
            Message::KeepaliveOptionsRequest(options) => self.push(Message::KeepaliveOptionsReply(options)),
            Message::KeepaliveReply(cookie) => self.handle_probe_reply(firmware, &Answer::Keepalive(cookie)),
            Message::KeepaliveOptionsReply(_) => self.handle_probe_reply(firmware, &Answer::KeepaliveOptions),
            Message::Unknown(number) => firmware.violation(Violation::UnknownType, number.to_string()),
            Message::ServiceRequest(_) | Message::UserauthRequest(_) | Message::GlobalRequest(_) => {
                firmware.violation(Violation::UnexpectedType, message.message_type().to_string());
            }
        }
    }

    fn handle_disconnect(&mut self, firmware: &mut Firmware) {
        firmware.stats.disconnects_in += 1;
        self.end(Phase::OverByHost);
    }

    /// The next message to the host, if there is one that may be sent now.
    pub(crate) fn transmit(&mut self, firmware: &mut Firmware) -> Option<Packet> {
        let packet = match self.control.pop_front() {
            Some(packet) => packet,
            None => self.transmit_data(firmware)?,
        };
        firmware.stats.messages_out += 1;
        Some(packet)
    }

    /// Messages without payload that the host has not read.
    pub(crate) fn unsent(&self) -> usize {
        self.control.len()
    }

    /// Carries out what is due by time.
    pub(crate) fn tick(&mut self, firmware: &mut Firmware) {
        self.follow_settings(firmware);
        self.confirm_delayed(firmware);
        if self.misses_answers(firmware) {
            self.report_missing(firmware);
        }
    }

    /// When `tick` has something to do next.
    pub(crate) fn deadline(&self, firmware: &Firmware) -> Option<Instant> {
        let limit = firmware.config.apf.reply_limit;
        let awaited = self.awaited.iter().filter(|awaited| !awaited.reported).map(|awaited| awaited.since);
        let requests =
            self.outstanding.iter().filter(|request| !request.reported).map(|request| request.since);
        let missing = awaited.chain(requests).min().filter(|_| self.misses_answers(firmware));
        let delayed = self.delayed.iter().map(Delayed::time);
        let link = firmware.link.busy_until(firmware.now).filter(|_| !self.sendable.is_empty());
        missing.map(|since| since + limit).into_iter().chain(delayed).chain(link).min()
    }

    /// Whether an answer that does not come counts. It does not while firmware is kept from taking what the host sent, or from
    /// asking, and not in a session that is over.
    fn misses_answers(&self, firmware: &Firmware) -> bool {
        let faults = &firmware.faults;
        let held = faults.reading.is_on(firmware.now) || faults.writing.is_on(firmware.now);
        !held && !matches!(self.phase, Phase::Over | Phase::OverByHost)
    }

    /// Whether the first forwards were answered and the session goes on.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready && self.phase == Phase::Up
    }

    fn report_missing(&mut self, firmware: &mut Firmware) {
        let Some(limit) = firmware.now.checked_sub(firmware.config.apf.reply_limit) else { return };
        for awaited in self.awaited.iter_mut().filter(|awaited| !awaited.reported && awaited.since <= limit) {
            awaited.reported = true;
            firmware.violation(Violation::MissingReply, awaited.answer.name());
        }
        for request in
            self.outstanding.iter_mut().filter(|request| !request.reported && request.since <= limit)
        {
            request.reported = true;
            firmware.violation(Violation::MissingReply, request.to_string());
        }
    }

    fn expect(&mut self, answer: Answer, now: Instant) {
        self.awaited.push(Awaited { answer, since: now, reported: false });
    }

    /// Takes an awaited answer off the list. Returns whether it was there.
    fn arrived(&mut self, answer: &Answer) -> bool {
        let found = self.awaited.iter().position(|awaited| awaited.answer == *answer);
        found.is_some_and(|index| {
            self.awaited.remove(index);
            true
        })
    }

    /// Ends the session; everything in it is forgotten, and what is queued is still sent.
    fn end(&mut self, phase: Phase) {
        self.phase = phase;
        self.forget();
    }

    /// Forgets forwards, channels and everything outstanding.
    fn forget(&mut self) {
        self.outstanding.clear();
        self.awaited.clear();
        self.forwards.clear();
        self.delayed.clear();
        self.sendable.clear();
        self.slots.iter_mut().for_each(|slot| *slot = None);
    }

    /// Queues a message.
    fn push(&mut self, message: Message<'_>) {
        self.scratch.clear();
        message.encode(&mut self.scratch);
        self.control.push_back(Packet::new(&self.scratch));
    }

    fn push_failure(&mut self, firmware: &mut Firmware, receiver: u32, reason: OpenFailureReason) {
        firmware.stats.opens_refused += 1;
        self.push(Message::ChannelOpenFailure(amtd_apf::wire::ChannelOpenFailure { receiver, reason }));
    }
}

/// Whether a message belongs to the port forwarding service, so that the service must have been accepted before it.
fn is_forwarding(message: &Message<'_>) -> bool {
    matches!(
        message,
        Message::ChannelData(_)
            | Message::WindowAdjust(_)
            | Message::ChannelOpen(_)
            | Message::ChannelClose(_)
            | Message::ChannelOpenConfirmation(_)
            | Message::ChannelOpenFailure(_)
            | Message::RequestSuccess(_)
            | Message::RequestFailure
    )
}
