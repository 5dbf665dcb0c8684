//! The multiplexer and its scheduler under any order of clients, firmware's messages, losses of the device, and time.
//!
//! Hazard: an order in which it panics, tells a client that is gone, takes or returns bytes that do not exist, uses more
//! channels than there are, waits for a time that has passed, or leaves a client waiting for ever.

#![no_main]

mod shared {
    pub mod firmware;
}

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, Event as SessionEvent, ForwardId, Port,
    mux::{Event, FlowEvent, FlowId, FlowSpec, Mux, MuxConfig, Request},
    wire::Message,
};
use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use shared::firmware::{FirmwareSays, PORTS, greeting};

#[derive(Debug, Arbitrary)]
struct History {
    connected: bool,
    reserved_slots: u8,
    max_message: u16,
    steps: Vec<Step>,
}

#[derive(Debug, Arbitrary)]
enum Step {
    Firmware(FirmwareSays),
    LinkUp { max_message: u16 },
    LinkLost,
    AnswerForward { accept: bool },
    Connect { port: u8, peer: u8 },
    Request { flow: u8, class: u8, opaque: bool },
    Reclassify { flow: u8, class: u8, opaque: bool },
    Send { flow: u8, length: u16, whole: bool },
    Ask { flow: u8, class: u8, length: u8 },
    Finish { flow: u8, keep: bool },
    HalfClose { flow: u8 },
    Delivered { flow: u8, bytes: u16 },
    Close { flow: u8, orderly: bool },
    Wait { millis: u16 },
    WaitForDeadline,
    Transmit { messages: u8 },
}

/// A client as the front keeps it.
#[derive(Debug, Default)]
struct Client {
    /// Bytes that the multiplexer still takes.
    room: usize,
    /// Bytes from firmware that were not credited.
    undelivered: usize,
}

struct Host {
    mux: Mux,
    now: Instant,
    clients: BTreeMap<FlowId, Client>,
    next: u64,
    forwards: Vec<ForwardId>,
    room: usize,
    out: Vec<u8>,
}

fuzz_target!(|history: History| {
    let config = MuxConfig {
        reserved_slots: usize::from(history.reserved_slots % 8),
        max_flows: MAX_CLIENTS,
        ..MuxConfig::default()
    };
    let mut host = Host::new(config);
    if history.connected {
        host.greet(usize::from(history.max_message).max(93));
    }
    for step in &history.steps {
        host.step(step);
        host.events();
        host.check();
    }
    host.come_to_rest();
});

impl Host {
    fn new(config: MuxConfig) -> Self {
        Self {
            room: config.session.tx_buffer,
            mux: Mux::new(config),
            now: Instant::now(),
            clients: BTreeMap::new(),
            next: 0,
            forwards: Vec::new(),
            out: Vec::new(),
        }
    }

    fn greet(&mut self, max_message: usize) {
        self.mux.link_up(self.now, max_message);
        for message in greeting() {
            self.message(&message);
        }
        self.events();
        self.answer(true);
        self.transmit(16);
    }

    fn step(&mut self, step: &Step) {
        let now = self.now;
        match *step {
            Step::Firmware(ref says) => self.message(&says.encode()),
            Step::LinkUp { max_message } => self.greet(usize::from(max_message).max(93)),
            Step::LinkLost => self.mux.link_lost(now),
            Step::AnswerForward { accept } => self.answer(accept),
            Step::Connect { port, peer } => self.connect(port, peer),
            Step::Request { flow, class: of, opaque } => {
                let Some(id) = self.id(flow) else { return };
                self.mux.request(now, id, Request { class: class(of), opaque });
            }
            Step::Reclassify { flow, class: to, opaque } => {
                let Some(id) = self.id(flow) else { return };
                self.mux.reclassify(now, id, Request { class: class(to), opaque });
            }
            Step::Send { flow, length, whole } => self.send(flow, usize::from(length), whole),
            Step::Ask { flow, class: of, length } => {
                let Some(id) = self.id(flow) else { return };
                self.mux.request(now, id, Request { class: class(of), opaque: false });
                self.send(flow, usize::from(length), true);
            }
            Step::Finish { flow, keep } => {
                let Some(id) = self.id(flow) else { return };
                self.mux.finish(now, id, keep);
            }
            Step::HalfClose { flow } => {
                let Some(id) = self.id(flow) else { return };
                self.mux.half_close(id);
            }
            Step::Delivered { flow, bytes } => {
                let Some(id) = self.id(flow) else { return };
                let Some(client) = self.clients.get_mut(&id) else { return };
                let bytes = usize::from(bytes).min(client.undelivered);
                client.undelivered -= bytes;
                self.mux.delivered(now, id, bytes);
            }
            Step::Close { flow, orderly } => {
                let Some(id) = self.id(flow) else { return };
                self.clients.remove(&id);
                self.mux.close(now, id, orderly);
                // What was on its way to the client is for nobody.
                self.events_without(Some(id));
            }
            Step::Wait { millis } => self.wait(now + Duration::from_millis(u64::from(millis))),
            Step::WaitForDeadline => self.wait(self.mux.poll_timeout().unwrap_or(now)),
            Step::Transmit { messages } => self.transmit(usize::from(messages)),
        }
    }

    fn connect(&mut self, port: u8, peer: u8) {
        let flow = FlowId(self.next);
        self.next += 1;
        let originator = SocketAddr::from(([127, 0, 0, 1], 40_000));
        let port = Port(PORTS[usize::from(port) % 3]);
        self.clients.insert(flow, Client { room: self.room, undelivered: 0 });
        self.mux.open(flow, FlowSpec { port, originator, peer: u32::from(peer % 4) });
    }

    fn send(&mut self, flow: u8, length: usize, whole: bool) {
        let Some(id) = self.id(flow) else { return };
        let Some(client) = self.clients.get_mut(&id) else { return };
        let length = length.min(client.room);
        if length > 0 {
            client.room -= length;
            self.mux.send(self.now, id, Bytes::from(vec![0; length]), whole);
        }
    }

    fn answer(&mut self, accept: bool) {
        for forward in std::mem::take(&mut self.forwards) {
            self.mux.answer_forward(self.now, forward, accept);
        }
    }

    /// As the driver does it: an error ends the session.
    fn message(&mut self, message: &[u8]) {
        if self.mux.handle_message(self.now, message).is_err() {
            self.lose();
        }
    }

    fn wait(&mut self, until: Instant) {
        self.now = self.now.max(until);
        if self.mux.handle_timeout(self.now).is_err() {
            self.lose();
        }
        let next = self.mux.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "a deadline that has passed is still waited for");
    }

    fn lose(&mut self) {
        self.transmit(4096);
        self.mux.link_lost(self.now);
        self.events();
    }

    fn transmit(&mut self, messages: usize) {
        for _ in 0..messages {
            let mut out = std::mem::take(&mut self.out);
            let Some(transmit) = self.mux.poll_transmit(self.now, &mut out) else { return };
            let decoded = Message::decode(&out).expect("what is sent can be decoded");
            assert_eq!(decoded.trailing, 0);
            assert_eq!(matches!(decoded.message, Message::ChannelData(_)), transmit.payload > 0);
            self.out = out;
            self.events();
        }
    }

    fn events(&mut self) {
        self.events_without(None);
    }

    fn events_without(&mut self, gone: Option<FlowId>) {
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Flow { flow, .. } if Some(flow) == gone => {}
                Event::Flow { flow, event } => self.flow_event(flow, event),
                Event::Session(SessionEvent::ForwardRequested { forward, .. }) => self.forwards.push(forward),
                // As the driver does with what firmware sends to the alert sink.
                Event::Session(SessionEvent::Data { channel, bytes }) => {
                    self.mux.direct_delivered(channel, bytes.len());
                }
                Event::Session(_)
                | Event::Late { .. }
                | Event::Silent { .. }
                | Event::Speaks
                | Event::Gone { .. } => {}
            }
        }
    }

    fn flow_event(&mut self, flow: FlowId, event: FlowEvent) {
        let client = self.clients.get_mut(&flow).unwrap_or_else(|| panic!("{flow} is gone: {event:?}"));
        match event {
            FlowEvent::Room(bytes) => {
                client.room += bytes;
                assert!(client.room <= self.room, "{flow} got room for bytes that it never sent");
            }
            FlowEvent::Data(bytes) => {
                assert!(!bytes.is_empty());
                client.undelivered += bytes.len();
            }
            FlowEvent::Closed(_) | FlowEvent::Refused(_) => drop(self.clients.remove(&flow)),
        }
    }

    fn check(&self) {
        let flows: Vec<_> = self.mux.flows().collect();
        assert_eq!(flows.len(), self.clients.len(), "the multiplexer knows other clients than there are");
        assert!(flows.iter().all(|flow| self.clients.contains_key(&flow.id)));
        let count = |stage| flows.iter().filter(|flow| flow.stage == stage).count();
        let queued: usize = Class::ALL.iter().map(|class| self.mux.queue_depth(*class)).sum();
        assert_eq!(queued, count("waiting"));
        let Some(session) = self.mux.session() else {
            assert!(flows.iter().all(|flow| flow.channel.is_none()), "a channel without a session");
            return;
        };
        let slots = session.slots();
        assert!(slots.used() <= slots.limit, "{slots:?}");
        let mut channels: Vec<_> = flows.iter().filter_map(|flow| flow.channel).collect();
        channels.sort_unstable();
        let held = channels.len();
        channels.dedup();
        assert!(channels.len() == held && held <= slots.used(), "a channel has two owners, or none");
    }

    /// When the device is lost for good, every client that asks is told so, and when all have left nothing is waited for.
    fn come_to_rest(&mut self) {
        self.mux.link_lost(self.now);
        self.events();
        for _ in 0..400 {
            match self.mux.poll_timeout() {
                Some(at) => self.wait(at),
                None => break,
            }
            self.events();
            self.check();
        }
        assert_eq!(self.mux.poll_timeout(), None, "the multiplexer does not come to rest");
        let waiting = self.mux.flows().filter(|flow| flow.stage != "detached").count();
        assert_eq!(waiting, 0, "a client is left waiting");
    }

    fn id(&self, flow: u8) -> Option<FlowId> {
        self.clients.keys().nth(usize::from(flow) % self.clients.len().max(1)).copied()
    }
}

fn class(index: u8) -> Class {
    Class::ALL[usize::from(index) % Class::ALL.len()]
}

/// Few, so that the limit is met.
const MAX_CLIENTS: usize = 12;
