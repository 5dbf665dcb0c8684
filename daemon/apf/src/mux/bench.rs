//! The rig of the multiplexer's tests: a scripted firmware on a virtual clock, and what clients are told.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::*;
use crate::{
    OpenFailureReason, Port,
    test_clock::origin,
    wire::{
        ChannelClose, ChannelData, ChannelOpenConfirmation, ChannelOpenFailure, ForwardAddress,
        GlobalRequest, Message, ProtocolVersion, RESERVED, Request as WireRequest, SERVICE_PFWD, ServiceName,
        SystemId,
    },
};

pub(super) const PORT: Port = Port(16992);
pub(super) const VERSION: Message<'static> = Message::ProtocolVersion(ProtocolVersion {
    major: 1,
    minor: 0,
    trigger: 254,
    system_id: SystemId([0; 16]),
});
pub(super) const REQUEST: Request = Request { class: Class::Interactive, opaque: false };

pub(super) fn class(class: Class) -> Request {
    Request { class, opaque: false }
}

/// Firmware that answers every open in turn, and every close at once.
pub(super) struct Bench {
    pub(super) mux: Mux,
    pub(super) now: Instant,
    /// Firmware's number for each of ours.
    pub(super) open: BTreeMap<u32, u32>,
    /// Channels that firmware has; one more is refused for lack of resources.
    pub(super) slots: usize,
    /// Answers to the next opens: a reason, or none for silence. Then all are confirmed.
    pub(super) refusals: VecDeque<Option<OpenFailureReason>>,
    /// Whether the port is in force; if not, no opening is confirmed.
    forwards: bool,
    /// What firmware makes of an opening for the port when it is not in force.
    pub(super) withdrawn: Withdrawn,
    /// The ports that the host has given up.
    pub(super) gone: Vec<Port>,
    pub(super) answers_closes: bool,
    /// Bytes that firmware got, by our number, in order of arrival.
    pub(super) received: Vec<(u32, Vec<u8>)>,
    pub(super) most_open: usize,
    pub(super) told: Vec<(FlowId, FlowEvent)>,
    pub(super) late: Vec<FlowId>,
    /// Since when firmware answers nobody, as told.
    pub(super) silent: Option<Instant>,
    pub(super) next_flow: u64,
}

/// What firmware makes of an opening for a port that it has withdrawn. It never confirms it (`apf 3.5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withdrawn {
    Refuses,
    /// Refuses, after it has asked for the port again (`apf 4.4`).
    AsksAgain,
    Ignores,
}

impl Bench {
    pub(super) fn new(config: MuxConfig) -> Self {
        let mut bench = Self {
            mux: Mux::new(config),
            now: origin(),
            open: BTreeMap::new(),
            slots: 8,
            refusals: VecDeque::new(),
            forwards: false,
            withdrawn: Withdrawn::Refuses,
            gone: Vec::new(),
            answers_closes: true,
            received: Vec::new(),
            most_open: 0,
            told: Vec::new(),
            late: Vec::new(),
            silent: None,
            next_flow: 0,
        };
        bench.link_up();
        bench
    }

    pub(super) fn link_up(&mut self) {
        self.open.clear();
        self.mux.link_up(self.now, 5120);
        self.say(VERSION);
        self.say(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
        self.forward(true);
    }

    pub(super) fn forward(&mut self, on: bool) {
        self.request(on);
        self.settle();
    }

    fn request(&mut self, on: bool) {
        let address = ForwardAddress { address: b"amt", port: 16992 };
        let request =
            if on { WireRequest::TcpipForward(address) } else { WireRequest::CancelTcpipForward(address) };
        self.forwards = on;
        self.tell(Message::GlobalRequest(GlobalRequest { want_reply: true, request }));
    }

    pub(super) fn say(&mut self, message: Message<'_>) {
        self.tell(message);
        self.settle();
    }

    /// Lets host and firmware talk until both are silent.
    pub(super) fn settle(&mut self) {
        let mut message = Vec::new();
        for _ in 0..10_000 {
            while let Some(event) = self.mux.poll_event() {
                match event {
                    Event::Flow { flow, event } => self.told.push((flow, event)),
                    Event::Session(SessionEvent::ForwardRequested { forward, .. }) => {
                        self.mux.answer_forward(self.now, forward, true);
                    }
                    Event::Late { flow, .. } => self.late.push(flow),
                    Event::Silent { since } => self.silent = Some(since),
                    Event::Speaks => self.silent = None,
                    Event::Gone { port } => self.gone.push(port),
                    Event::Session(_) => {}
                }
            }
            if self.mux.poll_transmit(self.now, &mut message).is_none() {
                return;
            }
            self.firmware(&message.clone());
        }
        panic!("host and firmware never fall silent");
    }

    pub(super) fn firmware(&mut self, message: &[u8]) {
        match Message::decode(message).unwrap().message {
            Message::ChannelOpen(open) => self.on_open(open.sender),
            Message::ChannelData(data) => {
                let Some(ours) = self.ours(data.receiver) else { return };
                self.received.push((ours, data.payload.to_vec()));
            }
            Message::ChannelClose(close) => {
                let Some(ours) = self.ours(close.receiver) else { return };
                if self.answers_closes {
                    self.open.remove(&ours);
                    self.tell(Message::ChannelClose(ChannelClose { receiver: ours }));
                }
            }
            _ => {}
        }
    }

    pub(super) fn on_open(&mut self, ours: u32) {
        let refusal = if !self.forwards {
            if self.withdrawn == Withdrawn::AsksAgain {
                self.request(true);
            }
            Some((self.withdrawn != Withdrawn::Ignores).then_some(OpenFailureReason::PROHIBITED))
        } else if self.open.len() >= self.slots {
            Some(Some(OpenFailureReason::RESOURCE_SHORTAGE))
        } else {
            self.refusals.pop_front()
        };
        match refusal {
            Some(Some(reason)) => {
                self.tell(Message::ChannelOpenFailure(ChannelOpenFailure { receiver: ours, reason }));
            }
            Some(None) => {}
            None => {
                let taken: BTreeSet<_> = self.open.values().copied().collect();
                let sender = (0..).find(|number| !taken.contains(number)).unwrap();
                self.open.insert(ours, sender);
                self.most_open = self.most_open.max(self.open.len());
                self.tell(Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
                    receiver: ours,
                    sender,
                    window: 4096,
                    reserved: RESERVED,
                }));
            }
        }
    }

    pub(super) fn tell(&mut self, message: Message<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.mux.handle_message(self.now, &bytes).unwrap();
    }

    /// Our number for a channel that firmware still has; it ignores what comes for others (`apf 4.7`).
    pub(super) fn ours(&self, theirs: u32) -> Option<u32> {
        self.open.iter().find(|(_, number)| **number == theirs).map(|(ours, _)| *ours)
    }

    pub(super) fn firmware_answers(&mut self, channel: u32) {
        self.say(Message::ChannelData(ChannelData { receiver: channel, payload: b"yes" }));
    }

    pub(super) fn firmware_closes(&mut self, channel: u32) {
        self.open.remove(&channel);
        self.say(Message::ChannelClose(ChannelClose { receiver: channel }));
    }

    /// Firmware starts its session over without a word to the device.
    pub(super) fn restart(&mut self) {
        self.open.clear();
        self.say(VERSION);
        self.say(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
        self.forward(true);
    }

    /// Firmware behaves from now on.
    pub(super) fn recover(&mut self) {
        self.refusals.clear();
        self.slots = 8;
        self.answers_closes = true;
        self.mux.link_lost(self.now);
        self.link_up();
    }

    pub(super) fn client(&mut self) -> FlowId {
        self.client_of(1000)
    }

    pub(super) fn client_of(&mut self, peer: u32) -> FlowId {
        self.next_flow += 1;
        let flow = FlowId(self.next_flow);
        let originator = "127.0.0.1:51234".parse().unwrap();
        self.mux.open(flow, FlowSpec { port: PORT, originator, peer });
        flow
    }

    pub(super) fn ask(&mut self, flow: FlowId, request: Request) {
        self.mux.request(self.now, flow, request);
        self.mux.send(self.now, flow, Bytes::from(flow.to_string()), true);
        self.settle();
    }

    /// Firmware answers, the client takes the answer, the exchange is over.
    pub(super) fn answer(&mut self, flow: FlowId, keep: bool) {
        let channel = self.channel(flow).expect("an open channel");
        self.say(Message::ChannelData(ChannelData { receiver: channel, payload: b"yes" }));
        self.mux.delivered(self.now, flow, 3);
        self.mux.finish(self.now, flow, keep);
        self.settle();
    }

    pub(super) fn channel(&self, flow: FlowId) -> Option<u32> {
        self.mux.flows().find(|info| info.id == flow)?.channel.map(ChannelId::number)
    }

    pub(super) fn stage(&self, flow: FlowId) -> Option<&'static str> {
        Some(self.mux.flows().find(|info| info.id == flow)?.stage)
    }

    pub(super) fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.mux.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.mux.handle_timeout(self.now).unwrap();
            self.settle();
        }
        self.now = until;
    }

    pub(super) fn told(&mut self, flow: FlowId) -> Vec<FlowEvent> {
        let (told, rest) = std::mem::take(&mut self.told).into_iter().partition(|(to, _)| *to == flow);
        self.told = rest;
        told.into_iter()
            .map(|(_, event)| event)
            .filter(|event| !matches!(event, FlowEvent::Room(_)))
            .collect()
    }

    /// Flows whose bytes firmware got, in order.
    pub(super) fn order(&self) -> Vec<String> {
        self.received.iter().map(|(_, bytes)| String::from_utf8(bytes.clone()).unwrap()).collect()
    }
}

/// Slots are the only limit.
pub(super) fn config() -> MuxConfig {
    MuxConfig { backlog: Duration::from_secs(3600), ..MuxConfig::default() }
}

pub(super) fn bench() -> Bench {
    Bench::new(config())
}
