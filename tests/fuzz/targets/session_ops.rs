//! One APF session under any order of firmware's messages, the host's commands, and time.
//!
//! Hazard: an order in which the session panics, sends more than firmware granted, holds more than it announced, tells an
//! owner of a channel that is gone, waits for a time that has passed, or never comes to rest.

#![no_main]

mod shared {
    pub mod firmware;
}

use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::{Duration, Instant},
};

use amtd_apf::{
    ChannelId, Class, DisconnectReason, Event, Open, Port, Session, SessionConfig, State,
    wire::{ChannelKind, Message},
};
use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use shared::firmware::{FirmwareSays, PORTS, greeting};

#[derive(Debug, Arbitrary)]
struct History {
    /// Whether firmware has introduced itself, as it nearly always does.
    greeted: bool,
    limits: Limits,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
struct Limits {
    max_message: u16,
    rx_window: u16,
    tx_buffer: u16,
    max_channels: u8,
    max_opening: u8,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Firmware(FirmwareSays),
    Open { port: u8, class: u8 },
    Send { channel: u8, length: u16 },
    Delivered { channel: u8, bytes: u16 },
    Reclass { channel: u8, class: u8 },
    Close { channel: u8 },
    Retire { channel: u8 },
    Abort { channel: u8 },
    AnswerForward { forward: u8, accept: bool },
    Disconnect,
    Wait { millis: u16 },
    WaitForDeadline,
    Transmit { messages: u8 },
}

/// The session, and what must be true of it, seen from outside.
struct Host {
    session: Session,
    config: SessionConfig,
    now: Instant,
    ids: Vec<ChannelId>,
    forwards: Vec<amtd_apf::ForwardId>,
    opened: HashSet<ChannelId>,
    released: HashSet<ChannelId>,
    /// Bytes that the owner got and has not credited.
    undelivered: HashMap<ChannelId, usize>,
    /// Bytes that firmware has granted, and that were sent, by our number.
    granted: HashMap<u32, u64>,
    sent: HashMap<u32, u64>,
    /// Windows of firmware's own channels that were not accepted yet, by firmware's number.
    offered: HashMap<u32, u64>,
    out: Vec<u8>,
}

fuzz_target!(|history: History| {
    let mut host = Host::new(&history.limits);
    if history.greeted {
        for message in greeting() {
            host.message(&message);
        }
        host.answer(0, true);
        host.transmit(16);
    }
    for step in &history.steps {
        host.step(step);
        host.events();
        host.check();
    }
    host.come_to_rest();
});

impl Host {
    fn new(limits: &Limits) -> Self {
        let config = SessionConfig {
            max_message_length: usize::from(limits.max_message).max(93),
            rx_window: u32::from(limits.rx_window).max(1),
            tx_buffer: usize::from(limits.tx_buffer).max(1),
            max_channels: usize::from(limits.max_channels % 8) + 1,
            max_opening: usize::from(limits.max_opening % 8) + 1,
            ..SessionConfig::default()
        };
        let now = Instant::now();
        Self {
            session: Session::new(config.clone(), now),
            config,
            now,
            ids: Vec::new(),
            forwards: Vec::new(),
            opened: HashSet::new(),
            released: HashSet::new(),
            undelivered: HashMap::new(),
            granted: HashMap::new(),
            sent: HashMap::new(),
            offered: HashMap::new(),
            out: Vec::new(),
        }
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Firmware(ref says) => self.message(&says.encode()),
            Step::Open { port, class } => self.open(port, class),
            Step::Send { channel, length } => self.send(channel, usize::from(length)),
            Step::Delivered { channel, bytes } => {
                let Some(id) = self.id(channel) else { return };
                self.session.delivered(id, usize::from(bytes));
                let held = self.undelivered.entry(id).or_default();
                *held = held.saturating_sub(usize::from(bytes));
            }
            Step::Reclass { channel, class: to } => {
                let Some(id) = self.id(channel) else { return };
                self.session.set_class(id, class(to));
            }
            Step::Close { channel } => {
                let Some(id) = self.id(channel) else { return };
                self.session.close(now, id);
            }
            Step::Retire { channel } => {
                let Some(id) = self.id(channel) else { return };
                self.session.retire(now, id);
            }
            Step::Abort { channel } => {
                let Some(id) = self.id(channel) else { return };
                self.session.abort(now, id);
            }
            Step::AnswerForward { forward, accept } => self.answer(forward, accept),
            Step::Disconnect => self.session.disconnect(DisconnectReason::BY_APPLICATION),
            Step::Wait { millis } => self.wait(now + Duration::from_millis(u64::from(millis))),
            Step::WaitForDeadline => self.wait(self.session.poll_timeout().unwrap_or(now)),
            Step::Transmit { messages } => self.transmit(usize::from(messages)),
        }
    }

    fn open(&mut self, port: u8, to: u8) {
        let port = Port(PORTS[usize::from(port) % PORTS.len()]);
        let originator = SocketAddr::from(([127, 0, 0, 1], 40_000));
        let ready = self.session.ready(port);
        match self.session.open(self.now, Open { port, originator }, class(to)) {
            Ok(id) => {
                assert!(ready.is_ok() && !self.ids.contains(&id), "{id} is given out twice");
                self.ids.push(id);
            }
            Err(error) => assert_eq!(Err(error), ready),
        }
    }

    fn send(&mut self, channel: u8, length: usize) {
        let Some(id) = self.id(channel) else { return };
        let room = self.session.room(id);
        assert!(room <= self.config.tx_buffer);
        let taken = self.session.send(self.now, id, Bytes::from(vec![0; length])).is_ok();
        assert!(!taken || length <= room, "{id} took {length} bytes with room for {room}");
    }

    fn answer(&mut self, forward: u8, accept: bool) {
        self.events();
        if let Some(id) = self.forwards.get(usize::from(forward) % self.forwards.len().max(1)) {
            self.session.answer_forward(self.now, *id, accept);
        }
    }

    fn message(&mut self, message: &[u8]) {
        if let Ok(decoded) = Message::decode(message) {
            self.book_incoming(decoded.message);
        }
        let over = self.session.state() == State::Over;
        let result = self.session.handle_message(self.now, message);
        assert!(!over || result.is_err(), "a message is taken after the end");
        assert!(result.is_ok() || self.session.state() == State::Over);
    }

    /// Whatever firmware grants counts, whether the session believes it or not.
    fn book_incoming(&mut self, message: Message<'_>) {
        match message {
            Message::ChannelOpenConfirmation(open) => {
                *self.granted.entry(open.receiver).or_default() += u64::from(open.window);
            }
            Message::WindowAdjust(adjust) => {
                *self.granted.entry(adjust.receiver).or_default() += u64::from(adjust.bytes);
            }
            Message::ChannelOpen(open) if matches!(open.kind, ChannelKind::DirectTcpip(_)) => {
                *self.offered.entry(open.sender).or_default() += u64::from(open.window);
            }
            _ => {}
        }
    }

    fn wait(&mut self, until: Instant) {
        self.now = self.now.max(until);
        if self.session.handle_timeout(self.now).is_ok() {
            let next = self.session.poll_timeout();
            assert!(next.is_none_or(|at| at > self.now), "a deadline that has passed is still waited for");
        }
    }

    fn transmit(&mut self, messages: usize) {
        for _ in 0..messages {
            let mut out = std::mem::take(&mut self.out);
            let wanted = self.session.wants_transmit();
            let Some(transmit) = self.session.poll_transmit(self.now, &mut out) else { return };
            assert!(wanted, "a message comes out of silence");
            assert!(!out.is_empty() && out.len() <= self.config.max_message_length.max(93), "{}", out.len());
            let decoded = Message::decode(&out).expect("what is sent can be decoded");
            assert_eq!(decoded.trailing, 0);
            match decoded.message {
                Message::ChannelData(data) => {
                    let id = transmit.channel.expect("data belongs to a channel");
                    assert_eq!(data.payload.len(), transmit.payload);
                    let sent = self.sent.entry(id.number()).or_default();
                    *sent += data.payload.len() as u64;
                    let granted = self.granted.get(&id.number()).copied().unwrap_or_default();
                    assert!(*sent <= granted, "{id}: {sent} bytes sent, {granted} granted");
                }
                Message::ChannelOpenConfirmation(open) => {
                    let offered = self.offered.get(&open.receiver).copied().unwrap_or_default();
                    *self.granted.entry(open.sender).or_default() += offered;
                }
                _ => assert_eq!(transmit.payload, 0),
            }
            self.out = out;
            self.events();
        }
    }

    fn events(&mut self) {
        while let Some(event) = self.session.poll_event() {
            match event {
                Event::ForwardRequested { forward, .. } => self.forwards.push(forward),
                Event::Opened { channel } => {
                    self.alive(channel);
                    assert!(self.opened.insert(channel), "{channel} is opened twice");
                }
                Event::Direct { channel, .. } => {
                    assert!(!self.ids.contains(&channel), "{channel} is given out twice");
                    self.ids.push(channel);
                }
                Event::Data { channel, bytes } => {
                    self.alive(channel);
                    assert!(!bytes.is_empty());
                    let held = self.undelivered.entry(channel).or_default();
                    *held += bytes.len();
                    assert!(*held <= self.config.rx_window as usize, "{channel} holds {held} bytes");
                }
                Event::Sent { channel, .. }
                | Event::Refused { channel, .. }
                | Event::Closed { channel, .. } => {
                    self.alive(channel);
                }
                Event::Released { channel } => {
                    self.alive(channel);
                    self.released.insert(channel);
                }
                _ => {}
            }
        }
    }

    fn alive(&self, channel: ChannelId) {
        assert!(self.ids.contains(&channel), "{channel} is nobody's");
        assert!(!self.released.contains(&channel), "{channel} is gone and has news");
    }

    fn check(&self) {
        let slots = self.session.slots();
        assert!(slots.used() <= slots.limit && slots.opening <= self.config.max_opening, "{slots:?}");
        for channel in self.session.channels() {
            assert!(!self.released.contains(&channel.id), "{channel:?} was released");
            assert!(channel.queued <= self.config.tx_buffer, "{channel:?}");
        }
    }

    /// When the owner lets go of everything and firmware is silent, nothing may be left in bounded time.
    fn come_to_rest(&mut self) {
        for id in self.ids.clone() {
            self.session.close(self.now, id);
        }
        for _ in 0..200 {
            self.transmit(4096);
            self.events();
            self.check();
            match self.session.poll_timeout() {
                Some(at) => self.wait(at),
                None => break,
            }
        }
        assert_eq!(self.session.poll_timeout(), None, "the session does not come to rest");
        self.transmit(4096);
        self.events();
        assert_eq!(self.session.slots().used(), 0);
        assert_eq!(self.released.len(), self.ids.len(), "a channel is never released");
        assert!(!self.session.wants_transmit());
    }

    fn id(&self, channel: u8) -> Option<ChannelId> {
        self.ids.get(usize::from(channel) % self.ids.len().max(1)).copied()
    }
}

fn class(index: u8) -> Class {
    Class::ALL[usize::from(index) % Class::ALL.len()]
}
