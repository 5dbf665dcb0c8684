//! One client connection as a state machine without IO: bytes and events in; bytes, commands and deadlines out.
//!
//! It forwards bytes unchanged in both directions. It reports where requests begin and responses end, so that the channel
//! can serve others in between. And it decides how a connection ends: nothing that firmware sent is lost, and nothing
//! waits for ever (apf 4.6).
//!
//! How urgent a request is, and whether it is held back until that is known, is decided by its [`Turn`].
//!
//! ```text
//!            response complete, client at its end
//! Open ----------------------------------------------> Flushing --- everything written ---> Ended
//!  |  firmware closed / refused / lost                    |
//!  +-------------------------------> Flushing -- written, FIN sent --> Draining -- client's end --> Ended
//! ```
//!
//! Driven by [`connection`](super::connection), which owns the socket.

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::mux::{FlowEnd, FlowEvent, Refusal};
use bytes::{Bytes, BytesMut};

use super::{
    answer,
    classify::Client,
    hello::Hello,
    http::{Asked, RequestSide, ResponseSide, Step},
    limits::RelayConfig,
    turn::Turn,
};
use crate::driver::FlowCommand;

/// What a connection did, when it has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Requests that were answered by firmware.
    pub(crate) answered: u64,
    /// Requests that the daemon answered because firmware could not.
    pub(crate) refused: u64,
    /// Whether the connection was cut in the middle of a response.
    pub(crate) cut: bool,
    /// Bytes from the client.
    pub(crate) from_client: u64,
    /// Bytes to the client.
    pub(crate) to_client: u64,
}

/// When the daemon stops: how long a client that was already accepted has to send its request.
pub(super) const LAST_CALL: Duration = Duration::from_secs(3);

/// How the socket is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was delivered.
    Orderly,
    /// Something is missing. A plain close would hide that from the client, a reset does not.
    Reset,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// The last bytes are being written to the client.
    Flushing,
    /// FIN was sent; input is read and dropped until `until`.
    Draining {
        until: Instant,
    },
    Ended(Ending),
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Relay {
    config: Arc<RelayConfig>,
    turn: Turn,
    phase: Phase,
    requests: RequestSide,
    responses: ResponseSide,
    /// Requests that are not completely answered.
    asked: VecDeque<Asked>,
    /// The stream is not HTTP, or cannot be followed any more.
    opaque: bool,
    /// The beginning of a stream that is not HTTP.
    hello: Hello,
    /// Bytes that are not forwarded yet: an incomplete head, or a request that is held back.
    held: BytesMut,
    /// How many bytes of [`Self::held`] were parsed already.
    followed: usize,
    /// Bytes that the driver still accepts.
    room: usize,
    to_client: VecDeque<Bytes>,
    commands: Vec<FlowCommand>,
    /// The client sent FIN.
    client_done: bool,
    /// The latest request announced that it is the client's last (`Connection: close`, or HTTP/1.0).
    said_last: bool,
    /// Since when the daemon is stopping: no exchange begins after the present one.
    stopping: Option<Instant>,
    /// The client must see the end of the connection as a failure.
    cut: bool,
    /// When the last byte came from the client or went to it.
    client_activity: Instant,
    /// When the last byte came from firmware, if any did.
    answer_activity: Option<Instant>,
    /// The last byte that moved went to firmware, which may therefore owe an answer.
    owed: bool,
    /// When the first byte of a still incomplete head came.
    head_since: Option<Instant>,
    half_closed_at: Option<Instant>,
    /// When everything that the client sent had left for firmware.
    handed_over_at: Option<Instant>,
    summary: Summary,
}

impl Relay {
    pub(crate) fn new(config: Arc<RelayConfig>, client: Client, now: Instant) -> Self {
        Self {
            room: config.room,
            turn: Turn::new(Arc::clone(&config), client),
            config,
            phase: Phase::Open,
            requests: RequestSide::default(),
            responses: ResponseSide::default(),
            asked: VecDeque::new(),
            opaque: false,
            hello: Hello::default(),
            held: BytesMut::new(),
            followed: 0,
            to_client: VecDeque::new(),
            commands: Vec::new(),
            client_done: false,
            said_last: false,
            stopping: None,
            cut: false,
            client_activity: now,
            answer_activity: None,
            owed: false,
            head_since: None,
            half_closed_at: None,
            handed_over_at: None,
            summary: Summary::default(),
        }
    }

    // ---- the client ----

    /// How many bytes may be read from the client now; with 0, reading must wait.
    pub(crate) fn read_limit(&self) -> usize {
        match self.phase {
            // A long request is read in large pieces, so reading waits until there is room for one.
            Phase::Open if !self.client_done && self.room >= self.config.room / 2 => {
                // The next request is not read before the client has taken the last response: otherwise responses would
                // pile up, because each exchange may get a channel with a fresh window.
                let owes_reading = !self.to_client.is_empty() && !self.exchange_under_way();
                if owes_reading { 0 } else { self.room.saturating_sub(self.held.len()) }
            }
            Phase::Draining { .. } => usize::MAX,
            _ => 0,
        }
    }

    /// Bytes from the client, at most [`Self::read_limit`].
    pub(crate) fn client_bytes(&mut self, now: Instant, bytes: &[u8]) {
        if self.phase != Phase::Open {
            return;
        }
        if self.to_client.is_empty() {
            self.client_activity = now;
        }
        self.summary.from_client += bytes.len() as u64;
        if self.config.opaque_ports.contains(&self.turn.client().port) {
            self.give_up_following();
        }
        if self.held.is_empty() {
            let taken = self.follow(now, bytes);
            self.forward(Bytes::copy_from_slice(bytes.get(..taken).unwrap_or_default()));
            self.held.extend_from_slice(bytes.get(taken..).unwrap_or_default());
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(bytes);
            let taken = self.follow(now, &held);
            self.forward(held.split_to(taken).freeze());
            self.held = held;
        }
        if self.turn.is_under_way() && self.held.is_empty() && !self.exchange_under_way() {
            // Firmware had answered before the request was whole.
            self.finish(true);
        }
        let in_head = !self.held.is_empty() && self.turn.held_until().is_none();
        self.head_since = in_head.then(|| self.head_since.unwrap_or(now));
    }

    /// The client sends no more.
    pub(crate) fn client_end(&mut self, now: Instant) {
        self.client_done = true;
        if self.turn.held_until().is_some() {
            self.let_go();
        }
        match self.phase {
            Phase::Open if self.awaits_answer() => {
                self.half_closed_at = Some(now);
                self.commands.push(FlowCommand::HalfClose);
            }
            // The client expects nothing: an incomplete head can never be answered.
            Phase::Open => self.end_orderly(),
            Phase::Draining { .. } => self.phase = Phase::Ended(self.ending()),
            Phase::Flushing | Phase::Ended(_) => {}
        }
    }

    /// The client cannot be read or written any more.
    pub(crate) fn client_gone(&mut self) {
        if self.phase == Phase::Open {
            self.commands.push(FlowCommand::Close { orderly: false });
        }
        self.to_client.clear();
        self.phase = Phase::Ended(Ending::Orderly);
    }

    /// The next bytes for the client: one message of firmware.
    pub(crate) fn output(&self) -> Option<&Bytes> {
        self.to_client.front()
    }

    /// The client's socket took so many of [`Self::output`].
    pub(crate) fn written(&mut self, now: Instant, count: usize) {
        self.client_activity = now;
        self.summary.to_client += count as u64;
        if let Some(front) = self.to_client.front_mut() {
            let _ = front.split_to(count.min(front.len()));
            if front.is_empty() {
                self.to_client.pop_front();
            }
        }
        if self.phase == Phase::Open {
            match self.commands.last_mut() {
                Some(FlowCommand::Delivered(total)) => *total = total.saturating_add(count),
                _ => self.commands.push(FlowCommand::Delivered(count)),
            }
        }
    }

    /// Everything was written: whether FIN is to be sent now.
    pub(crate) fn flushed(&mut self, now: Instant) -> bool {
        if self.phase != Phase::Flushing || !self.to_client.is_empty() {
            return false;
        }
        // Closing a socket with unread input sends RST, which can destroy what the client has not read yet.
        let silent = self.client_done || (self.said_last && !self.requests.in_body());
        let drain = !silent && self.ending() == Ending::Orderly;
        self.phase = match now.checked_add(self.config.drain) {
            Some(until) if drain => Phase::Draining { until },
            _ => Phase::Ended(self.ending()),
        };
        drain
    }

    // ---- firmware ----

    /// Handles an event from firmware. `link` describes the state of the link, for an error answer to the client.
    pub(crate) fn event(&mut self, now: Instant, event: FlowEvent, link: &dyn Fn() -> String) {
        if self.phase != Phase::Open {
            return;
        }
        match event {
            FlowEvent::Room(bytes) => {
                self.room = self.room.saturating_add(bytes).min(self.config.room);
                if self.room == self.config.room {
                    self.handed_over_at = Some(now);
                }
            }
            FlowEvent::Data(bytes) => self.firmware_bytes(now, bytes),
            FlowEvent::Closed(end) => self.closed(now, end, link),
            FlowEvent::Refused(refusal) => self.refused(now, refusal, link),
        }
    }

    /// The daemon stops: the exchange under way may finish, and no other begins. A client that was already accepted but has
    /// not sent its request, or not all of it, gets a moment to do so, because it would take the close for a failure.
    pub(crate) fn stop(&mut self, now: Instant) {
        self.stopping = Some(now);
        let rests = self.client_done || (self.summary.from_client > 0 && self.head_since.is_none());
        if self.phase == Phase::Open && !self.exchange_under_way() && rests {
            self.end_orderly();
        }
    }

    // ---- time and outcome ----

    /// When to call [`Self::timeout`].
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open => {
                let wait = self.open_wait().and_then(|(at, limit)| at.checked_add(limit));
                [wait, self.turn.held_until()].into_iter().flatten().min()
            }
            Phase::Flushing => self.client_activity.checked_add(self.config.client_stall),
            Phase::Draining { until } => Some(until),
            Phase::Ended(_) => None,
        }
    }

    /// Time has passed.
    pub(crate) fn timeout(&mut self, now: Instant) {
        if self.deadline().is_none_or(|at| at > now) {
            return;
        }
        match self.phase {
            Phase::Open if self.turn.held_until().is_some_and(|at| at <= now) => self.let_go(),
            Phase::Open if !self.to_client.is_empty() => {
                self.client_gone();
                self.cut = true;
                self.phase = Phase::Ended(self.ending());
            }
            Phase::Open => {
                // A response that has begun and does not go on must not look complete.
                self.cut |= !self.opaque && self.responses.begun();
                self.end_orderly();
            }
            Phase::Flushing | Phase::Draining { .. } => self.phase = Phase::Ended(self.ending()),
            Phase::Ended(_) => {}
        }
    }

    /// Whether there are commands for the driver.
    pub(crate) fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Takes the commands for the driver, in order.
    pub(crate) fn commands(&mut self) -> std::vec::Drain<'_, FlowCommand> {
        self.commands.drain(..)
    }

    /// How the connection ended, once it is over.
    pub(crate) fn ended(&self) -> Option<Ending> {
        match self.phase {
            Phase::Ended(ending) => Some(ending),
            _ => None,
        }
    }

    /// Whether unread bytes of the client may be in the socket.
    pub(crate) fn has_unread(&self) -> bool {
        !self.client_done
    }

    /// What the connection did so far.
    pub(crate) fn summary(&self) -> Summary {
        Summary { cut: self.cut, ..self.summary }
    }

    // ---- private ----

    /// Parses the requests in `bytes`, a part of which may have been parsed before. Returns how many bytes may be forwarded.
    fn follow(&mut self, now: Instant, bytes: &[u8]) -> usize {
        let mut at = self.followed;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            if self.opaque {
                at = bytes.len();
                break;
            }
            match self.requests.step(rest) {
                Step::Incomplete => break,
                Step::Head { length, asked, head, whole } => {
                    at += length;
                    self.said_last = asked.close;
                    self.asked.push_back(asked);
                    self.commands.extend(self.turn.begin(now, &head, length, whole));
                }
                Step::Body { length, whole } => {
                    at += length;
                    self.commands.extend(self.turn.look(rest.get(..length).unwrap_or_default(), whole));
                }
                Step::Opaque => self.give_up_following(),
            }
        }
        if at >= self.config.classify_limit.min(self.room) {
            self.commands.extend(self.turn.stop_holding());
        }
        // A request that is held back begins with the first byte: behind a request under way nothing is held back.
        self.followed = if self.turn.held_until().is_some() { at } else { 0 };
        at - self.followed
    }

    /// Forwards everything that is held back.
    fn let_go(&mut self) {
        self.commands.extend(self.turn.stop_holding());
        self.followed = 0;
        let held = std::mem::take(&mut self.held);
        self.forward(held.freeze());
    }

    fn give_up_following(&mut self) {
        if self.opaque {
            return;
        }
        self.opaque = true;
        self.commands.push(self.turn.turn_opaque());
        self.head_since = None;
        self.let_go();
    }

    fn forward(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.room = self.room.saturating_sub(bytes.len());
            self.owed = true;
            let whole = if self.opaque { self.hello.ends_in(&bytes) } else { !self.requests.in_body() };
            self.commands.push(FlowCommand::Send { bytes, whole });
        }
    }

    fn firmware_bytes(&mut self, now: Instant, bytes: Bytes) {
        if self.to_client.is_empty() {
            // From now on the daemon waits for the client to take these bytes.
            self.client_activity = now;
        }
        self.owed = false;
        self.answer_activity = Some(now);
        if !self.opaque {
            let progress = self.responses.feed(&bytes, &mut self.asked);
            self.summary.answered += progress.finished as u64;
            if progress.opaque {
                self.give_up_following();
            } else if progress.finished > 0 && self.asked.is_empty() && !self.requests.in_body() {
                self.finish(!progress.close);
            }
        }
        self.to_client.push_back(bytes);
        if !self.exchange_under_way() && (self.client_done || self.stopping.is_some()) {
            self.end_orderly();
        }
    }

    /// Every request is answered: the channel may serve others, if firmware keeps it open.
    fn finish(&mut self, keep: bool) {
        self.turn.finish();
        self.commands.push(FlowCommand::Finish { keep });
    }

    /// Firmware closed the channel or was lost. The client sees that as soon as it has everything that came before.
    fn closed(&mut self, now: Instant, end: FlowEnd, link: &dyn Fn() -> String) {
        let begun = self.responses.begun();
        self.phase = Phase::Flushing;
        let is_orderly = end == FlowEnd::Firmware || (end == FlowEnd::Displaced && self.opaque);
        if is_orderly || !self.exchange_under_way() {
            return;
        }
        if self.opaque || begun {
            self.cut = true;
        } else {
            self.answer(now, answer::lost(end, &link()));
        }
    }

    fn refused(&mut self, now: Instant, refusal: Refusal, link: &dyn Fn() -> String) {
        self.phase = Phase::Flushing;
        if self.opaque {
            // There is no answer that a client of an unknown protocol would understand.
            self.cut = true;
        } else {
            self.answer(now, answer::unavailable(refusal, &link(), self.config.retry_after));
        }
    }

    fn answer(&mut self, now: Instant, answer: Bytes) {
        self.client_activity = now;
        self.summary.refused += 1;
        self.to_client.push_back(answer);
    }

    fn end_orderly(&mut self) {
        self.commands.push(FlowCommand::Close { orderly: true });
        self.phase = Phase::Flushing;
    }

    fn exchange_under_way(&self) -> bool {
        !self.asked.is_empty() || self.opaque || self.requests.in_body()
    }

    /// Whether a client that sends no more may still expect something (apf 4.6): the answer to a whole request or, on an
    /// opaque stream, anything.
    fn awaits_answer(&self) -> bool {
        let half = self.requests.in_body() && self.asked.len() <= 1;
        let expects = self.opaque || (self.exchange_under_way() && !half);
        expects && self.held.is_empty()
    }

    /// A response that was cut is ended by a reset if a plain close would look like its regular end.
    fn ending(&self) -> Ending {
        if self.cut && self.ends_unseen() { Ending::Reset } else { Ending::Orderly }
    }

    /// Whether only the end of the connection marks the end of what firmware sends.
    fn ends_unseen(&self) -> bool {
        self.opaque || self.responses.ends_with_connection()
    }

    /// Since when an open connection waits, and how long it may.
    fn open_wait(&self) -> Option<(Instant, Duration)> {
        if !self.to_client.is_empty() {
            return Some((self.client_activity, self.config.client_stall));
        }
        if let Some(at) = self.half_closed_at {
            let last = self.answer_activity.max(self.handed_over_at).unwrap_or(at);
            return match self.answer_activity {
                // Bytes still wait for their turn, for which the driver has deadlines.
                _ if self.room < self.config.room => None,
                Some(answered) if self.opaque && !self.owed => Some((answered, self.config.half_close_quiet)),
                _ => Some((last.max(at), self.config.half_close_limit)),
            };
        }
        if let Some(at) = self.stopping.filter(|_| !self.exchange_under_way()) {
            return Some((at, LAST_CALL));
        }
        if let Some(at) = self.head_since {
            return Some((at, self.config.head_wait));
        }
        if self.summary.from_client == 0 {
            return Some((self.client_activity, self.config.head_wait));
        }
        // The driver has the deadline of a request under way; an opaque stream may be idle.
        (!self.exchange_under_way()).then_some((self.client_activity, self.config.idle))
    }
}
