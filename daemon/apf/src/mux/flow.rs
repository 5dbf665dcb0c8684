//! One client connection as the multiplexer sees it, and the events that it gets.

use std::{
    collections::VecDeque,
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{MuxConfig, queue::Place};
use crate::{ChannelId, Class, OpenFailureReason, Port};

/// A client connection. Chosen by the caller, never reused within one [`Mux`](super::Mux).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u64);

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of a client connection before its first byte.
#[derive(Debug, Clone, Copy)]
pub struct FlowSpec {
    /// The port on which firmware serves it.
    pub port: Port,
    /// The client's own address, which firmware is given.
    pub originator: SocketAddr,
    /// The client's user id. Within a class, users are served in turn.
    pub peer: u32,
}

/// What is known of a request when it begins, or becomes known later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// How urgent it is.
    pub class: Class,
    /// Its end cannot be seen: it lasts as long as its connection, and no answer to it is expected.
    pub opaque: bool,
}

/// What happened to a client connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowEvent {
    /// So many bytes have left for firmware, and as many more will be accepted. This does not come for each message, but early
    /// enough that no sender has to wait for it.
    Room(usize),
    /// Bytes from firmware, in order.
    Data(Bytes),
    /// Nothing more comes. Every [`FlowEvent::Data`] came before. The flow is gone.
    Closed(FlowEnd),
    /// The request was never handed to firmware. The flow is gone.
    Refused(Refusal),
}

/// Why a connection ended after its request may have reached firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FlowEnd {
    /// Firmware closed it, as servers do.
    #[error("the firmware closed the connection")]
    Firmware,
    /// Firmware broke the rules of the channel.
    #[error("the firmware broke the protocol on this connection")]
    Protocol,
    /// The device or the session was lost under it.
    #[error("the connection to the firmware was lost")]
    LinkLost,
    /// Firmware started the session over under it.
    #[error("the firmware started its session with the daemon over")]
    Restarted,
    /// It hardly used its channel, or its user had several, while others waited for one.
    #[error("the connection had to make way for others who waited for its channel")]
    Displaced,
    /// Firmware was silent for too long in the middle of a request.
    #[error("the firmware did not answer in time")]
    Silent,
}

/// Why a request was not handed to firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There was no session with firmware for [`link_wait`](super::MuxConfig::link_wait).
    #[error("the AMT firmware cannot be reached")]
    LinkDown,
    /// Firmware does not forward this port.
    #[error("the AMT firmware does not serve port {0} on this machine")]
    NotForwarded(Port),
    /// No channel became free for [`queue_wait`](super::MuxConfig::queue_wait).
    #[error("all channels to the AMT firmware stayed busy")]
    QueueDeadline,
    /// More client connections than [`max_flows`](super::MuxConfig::max_flows).
    #[error("too many client connections")]
    TooManyClients,
    /// Firmware refused a channel again and again.
    #[error("the AMT firmware refuses the connection (reason {0})")]
    Firmware(OpenFailureReason),
    /// The device took no message for so long that firmware was never asked for a channel.
    #[error("the MEI device takes no messages for the AMT firmware")]
    DeviceBlocked,
    /// Firmware did not answer the opening of a channel.
    #[error("the AMT firmware did not answer the opening of a channel")]
    Unanswered,
}

/// A row of [`Mux::flows`](super::Mux::flows).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlowInfo {
    /// The connection.
    pub id: FlowId,
    /// Its port.
    pub port: Port,
    /// Class of its present or last request.
    pub class: Class,
    /// Its user.
    pub peer: u32,
    /// Its channel, if it holds one.
    pub channel: Option<ChannelId>,
    /// `detached`, `waiting`, `opening`, `active`, `resting` or `ending`.
    pub stage: &'static str,
}

/// Everything the multiplexer keeps about a connection.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) spec: FlowSpec,
    pub(super) class: Class,
    /// Not HTTP, or encrypted: treated as one long request to which no answer is due.
    pub(super) opaque: bool,
    /// Firmware has said something on this connection.
    pub(super) heard: bool,
    pub(super) stage: Stage,
    /// Bytes of the present request and its answer so far.
    pub(super) exchanged: usize,
    /// The present request is whole.
    pub(super) complete: bool,
    /// Bytes of a request that waits. Bounded by the room that the caller was given.
    pub(super) pending: VecDeque<Bytes>,
    /// Bytes taken from the caller that have not left.
    pub(super) unsent: usize,
    /// Bytes that have left, for which the caller was not given new room yet.
    pub(super) room: usize,
    /// The client sends no more. Its wait for an answer counts from when all its bytes have left.
    pub(super) half_closed: bool,
    /// Bytes handed out and not yet reported as delivered, of the present channel.
    pub(super) owed: usize,
    /// The same, of channels that were given up: never credited.
    pub(super) stale: usize,
}

impl Flow {
    pub(super) fn new(spec: FlowSpec) -> Self {
        Self {
            spec,
            class: Class::Interactive,
            opaque: false,
            heard: false,
            stage: Stage::Detached,
            exchanged: 0,
            complete: false,
            pending: VecDeque::new(),
            unsent: 0,
            room: 0,
            half_closed: false,
            owed: 0,
            stale: 0,
        }
    }

    /// Until when firmware counts as working on its request: from the moment it has the whole request to the end of its
    /// answer, within limits. Of an opaque stream only the beginning counts, which may be a handshake.
    pub(super) fn at_work_until(&self, config: &MuxConfig) -> Option<Instant> {
        let Stage::Active { turn, .. } = self.stage else { return None };
        let is_followed = !self.opaque || !self.heard;
        let asked = turn.asked.filter(|_| is_followed && !self.class.is_urgent())?;
        match turn.answered {
            None => asked.checked_add(config.executing_wait),
            Some(began) => {
                let limits = [(began, config.answer_wait), (turn.activity, config.answer_pause)];
                limits.into_iter().filter_map(|(from, limit)| from.checked_add(limit)).min()
            }
        }
    }

    /// When firmware will have been silent for too long. Once it has spoken on an opaque stream, both sides may be silent for
    /// as long as they like; before that, firmware owes an answer to the beginning, such as a handshake.
    pub(super) fn silent_at(&self, turn: &Turn, limit: Duration) -> Option<Instant> {
        turn.activity.checked_add(limit).filter(|_| !(self.opaque && self.heard))
    }

    /// Takes the room that is worth an event: half a buffer, or any once all bytes have left. After a whole request it is
    /// left for the first bytes of the answer to bring, so that the client's task is not woken twice.
    pub(super) fn take_room(&mut self, buffer: usize) -> Option<usize> {
        let is_followed = !self.opaque && !self.half_closed;
        let is_asked = self.complete && is_followed && matches!(self.stage, Stage::Active { .. });
        let is_worth = self.room >= buffer.div_ceil(2) || (self.unsent == 0 && !is_asked);
        (is_worth && self.room > 0).then(|| std::mem::take(&mut self.room))
    }

    /// Where a request of this flow waits.
    pub(super) fn place(&self, waiting: &Waiting) -> Place {
        Place { class: self.class, peer: self.spec.peer, ticket: waiting.ticket }
    }

    /// Splits delivered bytes into those that earn credit on the present channel and those that do not.
    pub(super) fn settle(&mut self, bytes: usize) -> usize {
        let stale = bytes.min(self.stale);
        self.stale = self.stale.saturating_sub(stale);
        let due = bytes.saturating_sub(stale).min(self.owed);
        self.owed = self.owed.saturating_sub(due);
        due
    }

    /// Forgets the present channel.
    pub(super) fn detach(&mut self) {
        self.stale = self.stale.saturating_add(self.owed);
        self.owed = 0;
    }
}

/// Where a connection stands.
///
/// ```text
///             request()            a slot is free
/// Detached -------------> Waiting -----------------> Opening
///    ^                     |  ^ ^ confirmed, refused    |
///    | its slot            |  | +-----------------------+
///    | is needed           |  | request()
///    +------------------- Resting <--- finish() --- Active
///                          |                         ^  |
///                          |  its turn, on a channel |  | finish(), and firmware will close
///                         Waiting -------------------+  v
///                                                     Ending
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// No request, no channel.
    Detached,
    /// A request is queued.
    Waiting(Waiting),
    /// A channel was asked for.
    Opening { channel: ChannelId, waited: Waiting },
    /// A request is with firmware.
    Active { channel: ChannelId, turn: Turn },
    /// Between two requests; the slot may be taken away. `order` is its age among the resting.
    Resting { channel: ChannelId, order: u64 },
    /// The response is complete and firmware is about to close, at the latest at `until`.
    Ending { channel: ChannelId, until: Instant },
}

/// A request at firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    /// When it began.
    pub(super) since: Instant,
    /// The last byte in either direction.
    pub(super) activity: Instant,
    /// Whether that byte came from firmware, which then owes nothing as far as can be seen.
    pub(super) replied: bool,
    /// When the request was whole.
    pub(super) asked: Option<Instant>,
    /// When firmware began to answer.
    pub(super) answered: Option<Instant>,
    /// When the client last took something of the answer, by which firmware may go on.
    pub(super) credited: Instant,
}

/// A queued request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Waiting {
    /// Its place among the requests of its class and peer.
    pub(super) ticket: u64,
    pub(super) since: Instant,
    /// When it is refused, as filed in the deadlines.
    pub(super) deadline: Instant,
    /// Channels that firmware refused to it.
    pub(super) refusals: u32,
    /// Whether it was tried although firmware had withdrawn its port.
    pub(super) knocked: bool,
    /// Not to be tried again before.
    pub(super) not_before: Option<Instant>,
    /// The channel it kept from its last request.
    pub(super) channel: Option<ChannelId>,
}

impl Turn {
    /// It is firmware's turn to speak, and it has not begun.
    pub(super) fn is_unanswered(&self) -> bool {
        self.asked.is_some() && self.answered.is_none()
    }
}

impl Stage {
    pub(super) fn channel(&self) -> Option<ChannelId> {
        match *self {
            Self::Detached => None,
            Self::Waiting(waiting) => waiting.channel,
            Self::Opening { channel, .. }
            | Self::Active { channel, .. }
            | Self::Resting { channel, .. }
            | Self::Ending { channel, .. } => Some(channel),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Detached => "detached",
            Self::Waiting(_) => "waiting",
            Self::Opening { .. } => "opening",
            Self::Active { .. } => "active",
            Self::Resting { .. } => "resting",
            Self::Ending { .. } => "ending",
        }
    }
}
