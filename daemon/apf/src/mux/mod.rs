//! Host policy over sessions: which client connection may use one of the firmware's few channels, and when.
//!
//! Firmware has about six usable channels (apf 4.2); a machine may have a thousand local clients. A [`Mux`] keeps a
//! [`Session`] for as long as the device is connected and a *flow* for each client connection, whatever becomes of
//! the device. A flow holds a channel only from the start of a request to the end of its response (*lazy attach*);
//! between requests its slot can be given to another. Contention is therefore a place in a queue and not an error, and
//! a client that rests does not notice that the firmware was reset.
//!
//! Like the session it has no IO and no clock: the same calls give the same results. The caller
//!
//! 1. reports the device: [`Mux::link_up`], [`Mux::handle_message`], [`Mux::handle_timeout`], [`Mux::link_lost`];
//! 2. reports the clients: [`Mux::open`], [`Mux::request`], [`Mux::send`], [`Mux::finish`], [`Mux::delivered`],
//!    [`Mux::close`];
//! 3. then drains [`Mux::poll_event`] until `None`, [`Mux::poll_transmit`] until `None` or until the device takes no
//!    more, and comes back at [`Mux::poll_timeout`].
//!
//! An error from `handle_message` or `handle_timeout` ends the session: the caller drains `poll_transmit` once more
//! (it may hold a last DISCONNECT), closes the device and calls `link_lost`.

mod admission;
#[cfg(test)]
mod bench;
mod config;
mod effort;
mod events;
mod flow;
mod histogram;
#[cfg(test)]
mod model;
mod pace;
mod queue;
mod silence;
#[cfg(test)]
mod tests;
mod timers;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use bytes::Bytes;

pub use self::{
    config::MuxConfig,
    flow::{FlowEnd, FlowEvent, FlowId, FlowInfo, FlowSpec, Refusal, Request},
    histogram::Histogram,
};
use self::{
    effort::Effort,
    flow::{Flow, Stage, Turn, Waiting},
    pace::Pace,
    queue::Queue,
    silence::Silence,
    timers::Timers,
};
use crate::{
    ChannelId, Class, Event as SessionEvent, ForwardId, Open, Port, Refusal as OpenRefusal, Session,
    SessionConfig, SessionError, Slots, State, Transmit,
};

/// What the caller must know or do.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something happened to a client connection.
    Flow {
        /// Which one.
        flow: FlowId,
        /// What.
        event: FlowEvent,
    },
    /// An urgent request waited for its turn for longer than its target.
    Late {
        /// Its connection.
        flow: FlowId,
        /// Its class.
        class: Class,
        /// How long it waited.
        waited: Duration,
    },
    /// Firmware is silent: a request stayed without an answer, and no other was answered in that time.
    Silent {
        /// Since when.
        since: Instant,
    },
    /// It answers again, after [`Event::Silent`].
    Speaks,
    /// Firmware did not ask again for a port that it has withdrawn, although a client wanted it.
    Gone {
        /// The port.
        port: Port,
    },
    /// Something that does not concern a client connection: forwards, firmware's own channels, the session itself.
    Session(SessionEvent),
}

/// Counts of what the multiplexer decided, since it was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MuxCounters {
    /// Requests taken in.
    pub requests: u64,
    /// Requests handed to firmware.
    pub admitted: u64,
    /// Requests refused without reaching firmware.
    pub refused: u64,
    /// Resting connections whose channel was given up for another.
    pub detached: u64,
    /// Attempts to open a channel that firmware refused.
    pub open_refusals: u64,
    /// Connections given up because firmware was silent.
    pub silent: u64,
}

/// What became of the requests of one class, since the multiplexer was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClassCounters {
    /// Requests handed to firmware.
    pub admitted: u64,
    /// Requests that came in this class and were served in a lower one.
    pub demoted: u64,
    /// Requests refused because their turn did not come in time.
    pub missed: u64,
    /// From the request to its hand-over: the host's share.
    pub waited: Histogram,
    /// From the hand-over of its last byte to the first of its answer: firmware's share.
    pub executed: Histogram,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Mux {
    config: MuxConfig,
    session: Option<Session>,
    generation: u32,
    flows: BTreeMap<FlowId, Flow>,
    /// The flow of each channel that was opened for one.
    attached: BTreeMap<ChannelId, FlowId>,
    queue: Queue,
    /// Queued requests that hold a channel already.
    attached_waiting: usize,
    /// Connections between two requests, longest first.
    resting: BTreeMap<u64, FlowId>,
    rested: u64,
    timers: Timers,
    events: VecDeque<Event>,
    /// Channels that firmware is believed to have, at most the session's limit.
    slot_limit: usize,
    relearn_at: Option<Instant>,
    /// When a waiting request need no longer wait for one that firmware is slow to answer.
    next_turn: Option<Instant>,
    /// When the set of reachable ports last changed.
    reachable_since: Option<Instant>,
    /// Admissions above bulk since the last of bulk, while bulk waits.
    passed_over: u32,
    pace: Pace,
    effort: Effort,
    silence: Silence,
    counters: MuxCounters,
    classes: [ClassCounters; Class::ALL.len()],
}

impl Mux {
    /// A multiplexer without a device.
    pub fn new(config: MuxConfig) -> Self {
        Self {
            slot_limit: config.session.max_channels,
            pace: Pace::new(config.heartbeat_burst, config.heartbeat_every),
            effort: Effort::new(),
            silence: Silence::default(),
            config,
            session: None,
            generation: 0,
            flows: BTreeMap::new(),
            attached: BTreeMap::new(),
            queue: Queue::default(),
            attached_waiting: 0,
            resting: BTreeMap::new(),
            rested: 0,
            timers: Timers::default(),
            events: VecDeque::new(),
            relearn_at: None,
            next_turn: None,
            reachable_since: None,
            passed_over: 0,
            counters: MuxCounters::default(),
            classes: Default::default(),
        }
    }

    // ---- the device ----

    /// The device is connected: a new session begins. `max_message_length` is from the connect reply, in bytes.
    pub fn link_up(&mut self, now: Instant, max_message_length: usize) {
        self.link_lost(now);
        self.generation = self.generation.wrapping_add(1);
        let config =
            SessionConfig { max_message_length, generation: self.generation, ..self.config.session.clone() };
        self.slot_limit = config.max_channels;
        self.relearn_at = None;
        self.effort = Effort::new();
        self.silence = Silence::default();
        self.session = Some(Session::new(config, now));
    }

    /// The device is gone. Connections with a request under way end; the others stay.
    pub fn link_lost(&mut self, now: Instant) {
        let was_ready = self.ready();
        if self.session.take().is_none() {
            return;
        }
        let channels: Vec<_> = self.attached.keys().copied().collect();
        for channel in channels {
            self.lose(now, channel, FlowEnd::LinkLost);
        }
        // If the session never became ready, nothing has changed for waiting requests, and they keep their deadlines.
        if was_ready {
            self.reachability_changed(now);
        }
    }

    /// A message from firmware: exactly one, as read from the device.
    ///
    /// # Errors
    /// The session cannot go on; see the [module](self) for what to do.
    pub fn handle_message(&mut self, now: Instant, message: &[u8]) -> Result<(), SessionError> {
        let Some(session) = &mut self.session else { return Ok(()) };
        let result = session.handle_message(now, message);
        self.take_session_events(now);
        result
    }

    /// Time has reached [`Self::poll_timeout`].
    ///
    /// # Errors
    /// The session cannot go on; see the [module](self) for what to do.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        let result = self.session.as_mut().map_or(Ok(()), |session| session.handle_timeout(now));
        self.take_session_events(now);
        self.expire(now);
        self.admit(now);
        result
    }

    /// Answers [`SessionEvent::ForwardRequested`].
    pub fn answer_forward(&mut self, now: Instant, forward: ForwardId, accept: bool) {
        if let Some(session) = &mut self.session {
            session.answer_forward(now, forward, accept);
            self.take_session_events(now);
        }
    }

    /// Credits bytes of a channel that firmware opened.
    pub fn direct_delivered(&mut self, channel: ChannelId, bytes: usize) {
        if let Some(session) = &mut self.session {
            session.delivered(channel, bytes);
        }
    }

    /// Closes a channel that firmware opened.
    pub fn direct_close(&mut self, now: Instant, channel: ChannelId) {
        if let Some(session) = &mut self.session {
            session.close(now, channel);
        }
    }

    /// Says goodbye: the last message of this session.
    pub fn disconnect(&mut self, reason: crate::DisconnectReason) {
        if let Some(session) = &mut self.session {
            session.disconnect(reason);
        }
    }

    // ---- the clients ----

    /// A client connected. Costs firmware nothing.
    pub fn open(&mut self, flow: FlowId, spec: FlowSpec) {
        if self.flows.len() >= self.config.max_flows {
            self.counters.refused = self.counters.refused.saturating_add(1);
            self.tell(flow, FlowEvent::Refused(Refusal::TooManyClients));
            return;
        }
        self.flows.insert(flow, Flow::new(spec));
    }

    /// A request begins on a connection that has none under way; its bytes follow by [`Self::send`].
    pub fn request(&mut self, now: Instant, id: FlowId, request: Request) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let channel = match flow.stage {
            Stage::Detached => None,
            Stage::Resting { channel, order } => {
                self.resting.remove(&order);
                Some(channel)
            }
            Stage::Waiting(_) | Stage::Opening { .. } | Stage::Active { .. } | Stage::Ending { .. } => return,
        };
        let peer = flow.spec.peer;
        flow.exchanged = 0;
        flow.complete = false;
        flow.opaque = request.opaque;
        let class = self.pass(now, request.class, peer);
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.class = class;
        self.counters.requests = self.counters.requests.saturating_add(1);
        let ticket = self.queue.draw();
        let waiting = Waiting {
            ticket,
            since: now,
            deadline: now,
            refusals: 0,
            knocked: false,
            not_before: None,
            channel,
        };
        if let Some(channel) = channel {
            if self.is_next(now, class) {
                return self.follow(now, id, channel, waiting);
            }
            self.attached_waiting = self.attached_waiting.saturating_add(1);
        }
        self.wait(id, waiting);
        self.admit(now);
    }

    /// The request under way turned out to be of another kind.
    pub fn reclassify(&mut self, now: Instant, id: FlowId, request: Request) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.opaque = request.opaque;
        if let Stage::Waiting(waiting) = flow.stage {
            self.queue.remove(flow.place(&waiting));
            flow.class = request.class;
            self.queue.push(flow.place(&waiting), id);
        }
        flow.class = request.class;
        if let (Some(channel), Some(session)) = (flow.stage.channel(), &mut self.session) {
            session.set_class(channel, request.class);
        }
        self.admit(now);
    }

    /// Bytes of a request, at most as many as [`FlowEvent::Room`] and the initial `tx_buffer` allow. `whole` if the
    /// request is complete with them.
    pub fn send(&mut self, now: Instant, id: FlowId, bytes: Bytes, whole: bool) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.complete = whole;
        flow.unsent = flow.unsent.saturating_add(bytes.len());
        match &mut flow.stage {
            Stage::Active { channel, turn } => {
                turn.activity = now;
                turn.replied = false;
                if whole {
                    *turn = Turn { asked: Some(now), answered: None, ..*turn };
                }
                let channel = *channel;
                self.count_bytes(now, id, bytes.len());
                self.hand_over(now, channel, bytes);
                self.load_changed(now);
            }
            Stage::Waiting(_) | Stage::Opening { .. } => flow.pending.push_back(bytes),
            Stage::Detached | Stage::Resting { .. } => {
                // A caller that did not announce its request gets the default class.
                flow.pending.push_back(bytes);
                self.request(now, id, Request { class: Class::Interactive, opaque: true });
            }
            // Firmware has announced that it closes, and would not read these bytes.
            Stage::Ending { .. } => self.make_room(id, bytes.len()),
        }
    }

    /// The client sends no more, but still expects an answer. From now on, [`FlowEvent::Room`] comes as soon as all its bytes
    /// have left.
    pub fn half_close(&mut self, id: FlowId) {
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.half_closed = true;
            self.make_room(id, 0);
        }
    }

    /// The response is complete. With `keep`, the connection stays open and its slot may serve others meanwhile;
    /// without, firmware is expected to close it.
    pub fn finish(&mut self, now: Instant, id: FlowId, keep: bool) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let Stage::Active { channel, .. } = flow.stage else { return };
        if keep {
            self.rested = self.rested.wrapping_add(1);
            flow.stage = Stage::Resting { channel, order: self.rested };
            self.resting.insert(self.rested, id);
        } else {
            let until = now.checked_add(self.config.ending_wait).unwrap_or(now);
            flow.stage = Stage::Ending { channel, until };
        }
        self.make_room(id, 0);
        self.admit(now);
    }

    /// The client accepted so many bytes: firmware may send as many more.
    pub fn delivered(&mut self, now: Instant, id: FlowId, bytes: usize) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let due = flow.settle(bytes);
        if let Stage::Active { turn, .. } = &mut flow.stage {
            turn.credited = now;
        }
        if let (Some(channel), Some(session)) = (flow.stage.channel(), &mut self.session) {
            session.delivered(channel, due);
        }
    }

    /// The client is gone. Bytes already taken from it still reach firmware if `orderly`.
    pub fn close(&mut self, now: Instant, id: FlowId, orderly: bool) {
        let rests = self.flows.get(&id).is_some_and(|flow| matches!(flow.stage, Stage::Resting { .. }));
        let Some(channel) = self.forget(id) else { return };
        if let (Some(channel), Some(session)) = (channel, &mut self.session) {
            match orderly {
                _ if rests => session.retire(now, channel),
                true => session.close(now, channel),
                false => session.abort(now, channel),
            }
            self.take_session_events(now);
        }
        self.admit(now);
    }

    // ---- outputs ----

    /// The next thing to know, in order.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Writes the next message for the device into `out`, replacing what it held.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        let transmit = self.session.as_mut()?.poll_transmit(now, out)?;
        self.take_session_events(now);
        Some(transmit)
    }

    /// Whether [`Self::poll_transmit`] has a message.
    pub fn wants_transmit(&self) -> bool {
        self.session.as_ref().is_some_and(Session::wants_transmit)
    }

    /// Whether some of the messages should not wait until the next message from firmware was read.
    pub fn is_pressed(&self) -> bool {
        self.session.as_ref().is_some_and(Session::is_pressed)
    }

    /// When to call [`Self::handle_timeout`], if nothing else happens before.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let session = self.session.as_ref().and_then(Session::poll_timeout);
        let attached = self.attached.values().filter_map(|id| self.attached_deadline(*id)).min();
        [session, attached, self.timers.next(), self.relearn_at, self.next_turn].into_iter().flatten().min()
    }

    // ---- getters ----

    /// The session, while the device is connected.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Whether firmware serves channels.
    pub fn ready(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.state() == State::Ready)
    }

    /// Requests waiting in `class`.
    pub fn queue_depth(&self, class: Class) -> usize {
        self.queue.depth(class)
    }

    /// Every client connection, by number.
    pub fn flows(&self) -> impl Iterator<Item = FlowInfo> {
        self.flows.iter().map(|(id, flow)| FlowInfo {
            id: *id,
            port: flow.spec.port,
            class: flow.class,
            peer: flow.spec.peer,
            channel: flow.stage.channel(),
            stage: flow.stage.name(),
        })
    }

    /// The use of the channel slots, against the limit that firmware is believed to have.
    pub fn slots(&self) -> Option<Slots> {
        let slots = self.session.as_ref()?.slots();
        Some(Slots { limit: self.slot_limit.min(slots.limit), ..slots })
    }

    /// What became of the requests of `class`.
    pub fn class_counters(&self, class: Class) -> &ClassCounters {
        // A class's index is below the number of classes by construction.
        #[allow(clippy::indexing_slicing)]
        &self.classes[class.index()]
    }

    /// Counts since the beginning.
    pub fn counters(&self) -> &MuxCounters {
        &self.counters
    }
}
