//! Global requests: which ports firmware wants forwarded, and in which order it is answered (`apf 2.5`, `3.4`
//! to `3.6`).
//!
//! Replies carry no identification, so they must leave in the order of the requests. Requests therefore go
//! through one queue and take effect when they reach its front: a cancellation behind an unanswered request
//! finds the forward that this request will have made. Only the question to the host goes out at once, so
//! that several ports can be bound side by side.

use std::{collections::VecDeque, time::Instant};

use bytes::Bytes;

use super::{
    Session,
    control::{Control, Reply},
};
use crate::{
    counters::count,
    error::SessionError,
    event::Event,
    id::{ForwardId, Port},
    limits::MAX_WAITING_REQUESTS,
    text,
    wire::{Datagram, ForwardAddress, GlobalRequest, Request},
};

/// A port that firmware wants forwarded, for one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The port.
    pub port: Port,
    /// Address or host name as firmware gave it. The same port may be requested for several, and is
    /// cancelled for each.
    pub address: String,
    /// How far it is.
    pub state: ForwardState,
}

/// How far a forward is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForwardState {
    /// Firmware has asked for it and has not been answered.
    Asked,
    /// It is in force: channels may be opened.
    Active,
    /// Firmware has withdrawn it. It may ask again when somebody wants a channel; see [`Session::knock`].
    Withdrawn,
    /// Firmware has withdrawn it, and did not ask again when somebody wanted a channel.
    Gone,
}

#[derive(Debug)]
pub(super) struct Forwards {
    /// What is in force, in order of arrival.
    active: Vec<Forward>,
    /// What was in force and is not any more: one for each port without any that is.
    withdrawn: Vec<Forward>,
    /// What has not been answered, in order of arrival.
    waiting: VecDeque<Waiting>,
    generation: u32,
    next_serial: u32,
}

#[derive(Debug)]
struct Waiting {
    want_reply: bool,
    request: Pending,
}

/// What a request will do at the front of the queue.
#[derive(Debug)]
enum Pending {
    /// Whatever the host answers.
    Ask { id: ForwardId, forward: Forward, deadline: Option<Instant>, answer: Option<bool> },
    /// End a forward.
    Cancel(Forward),
    /// Nothing but the reply.
    Settled(Outcome),
}

/// What a request did when it reached the front of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// The port is forwarded from now on.
    Started(Port),
    /// The port was forwarded already.
    Unchanged(Port),
    /// The port is not forwarded: by rule, by the host, or because the host did not answer in time.
    Refused,
    /// The forward has ended, and with it, if it was the last of its port, the port.
    Cancelled { vacated: Option<Port> },
    /// There was no such forward to end.
    NothingToCancel,
    /// The request is not known.
    Unknown,
}

impl Forwards {
    pub(super) fn new(generation: u32) -> Self {
        Self {
            active: Vec::new(),
            withdrawn: Vec::new(),
            waiting: VecDeque::new(),
            generation,
            next_serial: 0,
        }
    }

    /// Records the host's answer; one for an unknown or answered request is ignored.
    pub(super) fn answer(&mut self, forward: ForwardId, accept: bool) {
        for waiting in &mut self.waiting {
            if let Pending::Ask { id, answer, .. } = &mut waiting.request
                && *id == forward
            {
                answer.get_or_insert(accept);
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.active.clear();
        self.withdrawn.clear();
        self.waiting.clear();
    }

    pub(super) fn is_active(&self, port: Port) -> bool {
        self.active.iter().any(|forward| forward.port == port)
    }

    /// Whether firmware asked for the port before, and has withdrawn it since.
    pub(super) fn is_withdrawn(&self, port: Port) -> bool {
        self.withdrawn.iter().any(|forward| forward.port == port)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Forward> {
        self.wanted().chain(&self.withdrawn)
    }

    /// What firmware wants.
    fn wanted(&self) -> impl Iterator<Item = &Forward> {
        self.active.iter().chain(self.asked())
    }

    /// Returns whether that is news.
    pub(super) fn give_up(&mut self, port: Port) -> bool {
        let mut given_up = self.withdrawn.iter_mut().filter(|forward| forward.port == port);
        given_up.any(|forward| {
            std::mem::replace(&mut forward.state, ForwardState::Gone) == ForwardState::Withdrawn
        })
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(Waiting::deadline).min()
    }

    fn asked(&self) -> impl Iterator<Item = &Forward> {
        self.waiting.iter().filter_map(|waiting| match &waiting.request {
            Pending::Ask { forward, .. } => Some(forward),
            _ => None,
        })
    }

    /// Whether the forward is in force, and still will be when a request that comes now takes effect.
    fn stays_active(&self, wanted: &Forward) -> bool {
        let will_end =
            self.waiting.iter().any(|waiting| matches!(&waiting.request, Pending::Cancel(f) if f.is(wanted)));
        self.active.iter().any(|forward| forward.is(wanted)) && !will_end
    }

    fn next_id(&mut self) -> ForwardId {
        let id = ForwardId::new(self.generation, self.next_serial);
        self.next_serial = self.next_serial.wrapping_add(1);
        id
    }

    /// Refuses what has waited too long for the host; returns an event for each.
    fn expire(&mut self, now: Instant) -> Vec<Event> {
        let expired = self
            .waiting
            .iter_mut()
            .filter(|waiting| waiting.deadline().is_some_and(|deadline| deadline <= now));
        expired.filter_map(Waiting::give_up).collect()
    }

    /// Lets the request at the front take effect, unless it still waits for the host. Also says whether a reply is
    /// wanted.
    fn settle(&mut self) -> Option<(Outcome, bool)> {
        if self.waiting.front()?.is_undecided() {
            return None;
        }
        let Waiting { want_reply, request } = self.waiting.pop_front()?;
        let outcome = match request {
            Pending::Ask { forward, answer, .. } => self.begin(forward, answer == Some(true)),
            Pending::Cancel(forward) => self.cancel(&forward),
            Pending::Settled(outcome) => outcome,
        };
        Some((outcome, want_reply))
    }

    /// A forward in force stays in force, whatever the host answers to a repetition (`apf 10` row 23).
    fn begin(&mut self, forward: Forward, accepted: bool) -> Outcome {
        let port = forward.port;
        let in_force = self.active.iter().any(|active| active.is(&forward));
        if !in_force && !accepted {
            return Outcome::Refused;
        }
        let outcome = if self.is_active(port) { Outcome::Unchanged(port) } else { Outcome::Started(port) };
        if !in_force {
            self.active.push(Forward { state: ForwardState::Active, ..forward });
            self.withdrawn.retain(|withdrawn| withdrawn.port != port);
        }
        outcome
    }

    /// Only the identical address ends a forward (`apf 3.6`).
    fn cancel(&mut self, cancelled: &Forward) -> Outcome {
        let before = self.active.len();
        self.active.retain(|forward| !forward.is(cancelled));
        if self.active.len() == before {
            return Outcome::NothingToCancel;
        }
        let vacated = (!self.is_active(cancelled.port)).then_some(cancelled.port);
        self.withdrawn.extend(vacated.map(|port| Forward {
            port,
            state: ForwardState::Withdrawn,
            ..cancelled.clone()
        }));
        Outcome::Cancelled { vacated }
    }
}

impl Outcome {
    fn reply(self) -> Reply {
        match self {
            Self::Started(port) | Self::Unchanged(port) => Reply::Forwarded(port),
            Self::Cancelled { .. } => Reply::Cancelled,
            Self::Refused | Self::NothingToCancel | Self::Unknown => Reply::Failure,
        }
    }
}

impl Forward {
    fn is(&self, other: &Self) -> bool {
        self.port == other.port && self.address == other.address
    }

    /// The forward that a request names; `None` if it cannot exist (`apf 10` rows 20, 22).
    fn parse(request: ForwardAddress<'_>) -> Option<Self> {
        let address = text::address(request.address)?.to_owned();
        Some(Self { port: Port::from_wire(request.port)?, address, state: ForwardState::Asked })
    }
}

impl Waiting {
    fn is_undecided(&self) -> bool {
        matches!(self.request, Pending::Ask { answer: None, .. })
    }

    fn deadline(&self) -> Option<Instant> {
        match self.request {
            Pending::Ask { deadline, answer: None, .. } => deadline,
            _ => None,
        }
    }

    fn give_up(&mut self) -> Option<Event> {
        let Pending::Ask { id, forward, answer, .. } = &mut self.request else { return None };
        *answer = Some(false);
        Some(Event::ForwardExpired { forward: *id, port: forward.port })
    }
}

impl Session {
    pub(super) fn on_global_request(
        &mut self,
        now: Instant,
        message: GlobalRequest<'_>,
    ) -> Result<(), SessionError> {
        let request = match message.request {
            Request::TcpipForward(forward) => self.on_forward(now, forward),
            Request::CancelTcpipForward(forward) => {
                Forward::parse(forward).map_or(Pending::Settled(Outcome::NothingToCancel), Pending::Cancel)
            }
            Request::Unknown { .. } => Pending::Settled(Outcome::Unknown),
            Request::UdpSendTo(datagram) => {
                // Never answered, whatever the want-reply byte says (`apf 2.5`).
                self.on_datagram(datagram);
                return Ok(());
            }
        };
        self.forwards.waiting.push_back(Waiting { want_reply: message.want_reply, request });
        self.settle_forwards();
        if self.forwards.waiting.len() > MAX_WAITING_REQUESTS {
            return Err(SessionError::Flood { what: "global requests", limit: MAX_WAITING_REQUESTS });
        }
        Ok(())
    }

    pub(super) fn expire_forwards(&mut self, now: Instant) {
        let expired = self.forwards.expire(now);
        self.events.extend(expired);
        self.settle_forwards();
    }

    /// Replies to as many requests as have an answer, in order.
    pub(super) fn settle_forwards(&mut self) {
        while let Some((outcome, want_reply)) = self.forwards.settle() {
            self.note(outcome);
            self.control.extend(want_reply.then_some(Control::RequestReply(outcome.reply())));
        }
    }

    fn note(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Started(port) => self.events.push_back(Event::ForwardStarted { port }),
            Outcome::Cancelled { vacated } => {
                self.events.extend(vacated.map(|port| Event::ForwardCancelled { port }));
            }
            Outcome::Unchanged(_) => {}
            Outcome::Refused => count(&mut self.counters.refused_forwards),
            Outcome::NothingToCancel => count(&mut self.counters.unknown_cancels),
            Outcome::Unknown => count(&mut self.counters.unknown_requests),
        }
    }

    fn on_forward(&mut self, now: Instant, request: ForwardAddress<'_>) -> Pending {
        let Some(forward) =
            Forward::parse(request).filter(|forward| self.config.allowed_ports.contains(&forward.port))
        else {
            return Pending::Settled(Outcome::Refused);
        };
        if self.forwards.stays_active(&forward) {
            // Firmware announces again what it had before (`apf 3.5`); nothing changes.
            count(&mut self.counters.repeated_forwards);
            return Pending::Settled(Outcome::Unchanged(forward.port));
        }
        if self.forwards.wanted().count() >= self.config.max_forwards {
            return Pending::Settled(Outcome::Refused);
        }
        self.ask_host(now, forward)
    }

    fn ask_host(&mut self, now: Instant, forward: Forward) -> Pending {
        let id = self.forwards.next_id();
        let (port, address) = (forward.port, forward.address.clone());
        self.events.push_back(Event::ForwardRequested { forward: id, port, address });
        let deadline = now.checked_add(self.config.timeouts.forward_answer);
        Pending::Ask { id, forward, deadline, answer: None }
    }

    fn on_datagram(&mut self, datagram: Datagram<'_>) {
        let host = text::address(datagram.host).filter(|host| !host.is_empty());
        let (Some(host), Some(port)) = (host, Port::from_wire(datagram.port)) else {
            count(&mut self.counters.bad_datagrams);
            return;
        };
        let data = Bytes::copy_from_slice(datagram.data);
        self.events.push_back(Event::UdpSend { host: host.to_owned(), port, data });
    }
}
