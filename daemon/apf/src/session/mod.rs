//! One life of the MEI connection, from the connect to the disconnect.
//!
//! This file owns the public face: what a driver calls, in which order, and the state that the handlers
//! share. The handlers are private and live beside it, one file per subject: `dispatch` (which message goes
//! where), `handshake` (version, services), `forwards` (global requests), `channels` and `ledger` (channels),
//! `direct` (what firmware starts), `control` and `transmit` (what leaves), `time` (what happens by itself).

mod channels;
mod control;
mod direct;
mod dispatch;
mod forwards;
mod handshake;
mod ledger;
mod time;
mod transmit;

use std::{collections::VecDeque, net::SocketAddr, time::Instant};

use bytes::Bytes;

use self::{
    control::{Control, ControlQueue},
    forwards::Forwards,
    handshake::Handshake,
    ledger::Channels,
};
pub use self::{
    forwards::{Forward, ForwardState},
    ledger::{ChannelInfo, Slots},
    transmit::Transmit,
};
use crate::{
    class::Class,
    counters::Counters,
    error::{CloseCause, OpenError, SendError, SessionError},
    event::Event,
    id::{ChannelId, ForwardId, Port},
    limits::SessionConfig,
    scheduler::Scheduler,
    state::State,
    wire::DisconnectReason,
};

/// The host's side of one APF session.
///
/// # How to drive it
///
/// There are four kinds of methods. *Inputs* ([`handle_message`](Self::handle_message),
/// [`handle_timeout`](Self::handle_timeout)) tell it what happened. *Commands*
/// ([`answer_forward`](Self::answer_forward), [`open`](Self::open), [`send`](Self::send), ...) tell it what
/// the host wants. *Outputs* (`poll_*`) say what is to be done. *Getters* say how things are.
///
/// After every input and every batch of commands, drain the outputs in this order:
///
/// 1. [`poll_event`](Self::poll_event) until `None`: what happened. Reacting may mean commands.
/// 2. [`poll_transmit`](Self::poll_transmit) until `None` or until the device takes no more: each is one
///    message for one write. Writing makes room, so look for events again.
/// 3. [`poll_timeout`](Self::poll_timeout): call [`handle_timeout`](Self::handle_timeout) no later than then.
///
/// Draining the events after each input is what bounds their queue. When an input returns an error, the session is
/// over: drain once more (there is an event for each channel, and a DISCONNECT may be due), then close the device.
///
/// # What a call promises
///
/// Nothing blocks and nothing panics. `now` must not go back; if it is late, deadlines fire late. A command with an id
/// that means nothing any more does nothing: an owner and firmware may end a channel at the same time.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    handshake: Handshake,
    forwards: Forwards,
    channels: Channels,
    scheduler: Scheduler,
    control: ControlQueue,
    events: VecDeque<Event>,
    counters: Counters,
}

/// What a channel is to be opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// The forwarded port that the client connected to.
    pub port: Port,
    /// The client's address and port. Firmware is told the loopback address of the same family, and the port
    /// as it is (`apf 4.3`).
    pub originator: SocketAddr,
}

impl Session {
    /// Begins a session on a connection that has just been made. Firmware is expected to speak first.
    pub fn new(config: SessionConfig, now: Instant) -> Self {
        let config = config.clamped();
        Self {
            handshake: Handshake::new(&config.timeouts, now),
            forwards: Forwards::new(config.generation),
            channels: Channels::new(config.generation),
            scheduler: Scheduler::new(config.frame_limit()),
            control: ControlQueue::default(),
            events: VecDeque::new(),
            counters: Counters::default(),
            config,
        }
    }
}

/// Inputs.
impl Session {
    /// Takes one message as it was read from the device.
    ///
    /// # Errors
    /// When the session is over, and why. What concerns a single channel, or nothing at all, is never an
    /// error.
    pub fn handle_message(&mut self, now: Instant, message: &[u8]) -> Result<(), SessionError> {
        if self.is_over() {
            return Err(SessionError::Over);
        }
        let result = self.dispatch(now, message);
        result.map_err(|error| self.fail(error))
    }

    /// Does what is due at `now`. Calling it too early, or for nothing, is harmless.
    ///
    /// # Errors
    /// When the session is over because the handshake did not end in time.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), SessionError> {
        if self.is_over() {
            return Err(SessionError::Over);
        }
        let result = self.expire(now);
        result.map_err(|error| self.fail(error))
    }
}

/// Commands.
impl Session {
    /// Answers [`Event::ForwardRequested`]. Answers may come in any order; the replies leave in the order of
    /// the requests (`apf 2.5`). An answer after the deadline comes too late and is ignored.
    pub fn answer_forward(&mut self, now: Instant, forward: ForwardId, accept: bool) {
        self.expire_forwards(now);
        self.forwards.answer(forward, accept);
        self.settle_forwards();
    }

    /// Opens a channel for a client. Its outcome comes as an event; bytes may be queued at once.
    ///
    /// # Errors
    /// As [`ready`](Self::ready). Nothing has changed then.
    pub fn open(&mut self, now: Instant, open: Open, class: Class) -> Result<ChannelId, OpenError> {
        self.ready(open.port)?;
        Ok(self.begin_channel(now, open, class))
    }

    /// Opens a channel for a port that firmware asked for and has withdrawn since. Some firmware does so while nobody
    /// uses its ports, and asks for them again when somebody does: it refuses that opening, and confirms the next
    /// (`apf 4.4`, `6`). One that has withdrawn the port for good refuses, too (`apf 3.5`), and that is all.
    ///
    /// # Errors
    /// As [`may_knock`](Self::may_knock). Nothing has changed then.
    pub fn knock(&mut self, now: Instant, open: Open, class: Class) -> Result<ChannelId, OpenError> {
        self.may_knock(open.port)?;
        Ok(self.begin_channel(now, open, class))
    }

    /// Notes that firmware did not ask again for a port that it has withdrawn, although a client [knocked](Self::knock)
    /// and waited. Returns whether that is news. The next client may knock all the same.
    pub fn knocked_in_vain(&mut self, port: Port) -> bool {
        self.forwards.give_up(port)
    }

    /// Queues bytes for firmware.
    ///
    /// # Errors
    /// When the channel is gone or closing, or when the bytes exceed [`room`](Self::room); nothing has been
    /// taken then.
    pub fn send(&mut self, now: Instant, id: ChannelId, bytes: Bytes) -> Result<(), SendError> {
        let channel = self.channels.get_mut(id).ok_or(SendError::Gone)?;
        channel.send(now, bytes)?;
        self.schedule(id.number());
        Ok(())
    }

    /// Moves a channel, with what it has queued, to another class: to the end of that class's round.
    pub fn set_class(&mut self, id: ChannelId, class: Class) {
        let Some(channel) = self.channels.get_mut(id) else { return };
        let before = channel.class();
        if before != class {
            channel.set_class(class);
            self.scheduler.remove(id.number());
            self.schedule(id.number());
            self.schedule_class(before);
        }
    }

    /// Credits bytes that the client has taken. The credit leaves when half a window has gathered, or when
    /// nothing undelivered is left.
    pub fn delivered(&mut self, id: ChannelId, bytes: usize) {
        if let Some(channel) = self.channels.get_mut(id) {
            channel.deliver(bytes);
            self.queue_adjust(id.number());
        }
    }

    /// Ends a channel after the bytes that are already queued; what firmware still sends is discarded. While
    /// the channel is opening it is abandoned instead, and those bytes are lost: firmware must confirm
    /// before it can be told anything (`apf 4.8`).
    pub fn close(&mut self, now: Instant, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(id) {
            let effects = channel.close(now);
            self.apply(id.number(), effects);
        }
    }

    /// Ends a channel on which nothing is under way in either direction. Unlike [`close`](Self::close) it grants firmware
    /// nothing for the rest of an answer.
    pub fn retire(&mut self, now: Instant, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(id) {
            let effects = channel.retire(now);
            self.apply(id.number(), effects);
        }
    }

    /// Ends a channel now; bytes still queued are dropped.
    pub fn abort(&mut self, now: Instant, id: ChannelId) {
        if let Some(channel) = self.channels.get_mut(id) {
            let effects = channel.abort(now);
            self.apply(id.number(), effects);
        }
    }

    /// Ends the session: DISCONNECT is all that still leaves.
    pub fn disconnect(&mut self, reason: DisconnectReason) {
        if !self.is_over() {
            self.end(Some(reason));
        }
    }
}

/// Outputs.
impl Session {
    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Replaces the content of `out` by the next message, and says what it is. The choice is made now: first APF's own
    /// messages, then data by class, then by turn within the class.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Transmit> {
        out.clear();
        let transmit = self.transmit_control(out).or_else(|| self.transmit_data(now, out))?;
        self.count_transmit(&transmit);
        Some(transmit)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to write.
    pub fn wants_transmit(&self) -> bool {
        !self.control.is_empty() || !self.scheduler.is_empty()
    }

    /// Whether something waits to be sent that should not wait for the next message from firmware: data of a channel,
    /// or credit for half a window. The rest gains by waiting, since one adjust collects all credit up to then.
    pub fn is_pressed(&self) -> bool {
        !self.scheduler.is_empty()
            || self
                .control
                .adjusts()
                .any(|id| self.channels.get(id).is_some_and(|channel| channel.credit_presses()))
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) at the latest; `None` if no deadline is running.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next_deadline()
    }
}

/// Getters.
impl Session {
    /// How far the session has come.
    pub fn state(&self) -> State {
        self.handshake.state()
    }

    /// Whether [`open`](Self::open) would succeed for this port now.
    ///
    /// # Errors
    /// The first reason why it would not.
    pub fn ready(&self, port: Port) -> Result<(), OpenError> {
        if self.state() != State::Ready {
            return Err(OpenError::NotReady);
        }
        if !self.forwards.is_active(port) {
            return Err(OpenError::NoForward);
        }
        self.has_room()
    }

    /// Whether [`knock`](Self::knock) would succeed for this port now.
    ///
    /// # Errors
    /// The first reason why it would not.
    pub fn may_knock(&self, port: Port) -> Result<(), OpenError> {
        if self.state() != State::Ready {
            return Err(OpenError::NotReady);
        }
        if !self.forwards.is_withdrawn(port) {
            return Err(OpenError::NoForward);
        }
        self.has_room()
    }

    fn has_room(&self) -> Result<(), OpenError> {
        let slots = self.slots();
        if slots.opening >= self.config.max_opening {
            return Err(OpenError::TooManyOpening);
        }
        if slots.free() == 0 { Err(OpenError::NoSlot) } else { Ok(()) }
    }

    /// Bytes that [`send`](Self::send) would take now; 0 for a channel that is unknown or closing.
    pub fn room(&self, id: ChannelId) -> usize {
        self.channels.get(id).map_or(0, |channel| channel.room())
    }

    /// The slot ledger. Channels that firmware opened have slots of their own and are not in it.
    pub fn slots(&self) -> Slots {
        self.channels.slots(self.config.max_channels)
    }

    /// What firmware asked to have forwarded, including what has not been answered yet.
    pub fn forwards(&self) -> impl Iterator<Item = &Forward> {
        self.forwards.iter()
    }

    /// Every channel, of either opener, by number.
    pub fn channels(&self) -> impl Iterator<Item = ChannelInfo> {
        self.channels.infos()
    }

    /// Totals since the session began.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The number of the MEI connection, as configured.
    pub fn generation(&self) -> u32 {
        self.config.generation
    }
}

/// The end.
impl Session {
    fn is_over(&self) -> bool {
        self.state() == State::Over
    }

    fn fail(&mut self, error: SessionError) -> SessionError {
        self.end(error.farewell());
        error
    }

    /// The only way into [`State::Over`]: lets go of everything, tells every owner, and says `farewell` to firmware.
    fn end(&mut self, farewell: Option<DisconnectReason>) {
        self.handshake.end();
        self.drop_everything(CloseCause::SessionOver);
        self.control.extend(farewell.map(Control::Disconnect));
    }

    /// Forgets channels, forwards and queued messages. Events that were not fetched yet stay, before the new ones.
    fn drop_everything(&mut self, cause: CloseCause) {
        self.forwards.clear();
        self.control.clear();
        self.scheduler.clear();
        for (id, has_owner) in self.channels.drain() {
            self.events.extend(has_owner.then_some(Event::Closed { channel: id, cause }));
            self.events.push_back(Event::Released { channel: id });
        }
    }
}
