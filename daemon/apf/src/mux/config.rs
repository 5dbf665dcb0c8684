//! Every limit of the multiplexer, with its default and what happens when it is reached.

use std::time::Duration;

use crate::{Class, SessionConfig};

/// Limits and deadlines of a [`Mux`](super::Mux).
#[derive(Debug, Clone)]
pub struct MuxConfig {
    /// Template for the session of each connection to the device; its message length and generation are filled in
    /// by [`Mux::link_up`](super::Mux::link_up).
    pub session: SessionConfig,
    /// Client connections known at once. One more is refused with [`Refusal::TooManyClients`](super::Refusal).
    pub max_flows: usize,
    /// Channel slots that only [`Class::Watchdog`] and [`Class::Health`] may take while
    /// others wait. Capped so that at least one slot is left for everybody.
    pub reserved_slots: usize,
    /// How much work firmware may hold at once, in the time that such work took recently. Urgent requests do not count, and
    /// one request is always allowed. Firmware serves one at a time (wsman 1), and its link carries the answers in turn:
    /// anything more only stands between an urgent request and its turn.
    pub backlog: Duration,
    /// How long a request that firmware has not begun to answer keeps others waiting; then they are admitted beside it.
    pub executing_wait: Duration,
    /// How long an answer under way keeps others waiting.
    pub answer_wait: Duration,
    /// How long an answer may pause, because its client or firmware is slow, before others stop waiting for its end.
    pub answer_pause: Duration,
    /// How long an opaque stream may be quiet, or a request or response hardly move, while others wait for its channel;
    /// then it is closed. Idle TLS connections and clients that stall would otherwise keep everybody out. A quarter of that
    /// for a stream on which firmware spoke last.
    pub opaque_rest: Duration,
    /// How long a request waits for its turn while firmware can be reached, by class; then it is refused.
    pub queue_wait: [Duration; Class::ALL.len()],
    /// How long an urgent request may wait for its turn before that is worth an [`Event::Late`](super::Event::Late).
    pub urgent_target: Duration,
    /// Heartbeats of one local user that are urgent at once; further ones are [`Class::Interactive`].
    pub heartbeat_burst: u32,
    /// After how long one more is urgent.
    pub heartbeat_every: Duration,
    /// Bytes of an interactive exchange, in both directions, beyond which the rest of it is [`Class::Bulk`].
    pub bulk_after: usize,
    /// How long a request waits while there is no session with firmware; then it is refused.
    pub link_wait: Duration,
    /// How long a request waits for a port that firmware does not forward although it forwards others. Longer than
    /// the gap in which AMT 16 withdraws and re-announces its forwards (apf 3.5).
    pub forward_wait: Duration,
    /// How long firmware may stay silent in the middle of a request, or at the beginning of an opaque stream, before
    /// its connection is given up.
    pub response_wait: Duration,
    /// How long firmware has to close a connection that it said it would close.
    pub ending_wait: Duration,
    /// First pause after firmware refused a channel; doubled up to [`Self::retry_max`] (apf 4.2).
    pub retry_first: Duration,
    /// Longest pause between two attempts to open a channel.
    pub retry_max: Duration,
    /// Attempts to open a channel for one request; then it is refused.
    pub retry_attempts: u32,
    /// How long the host believes a refusal for lack of resources before it tries one more channel than firmware
    /// had when it refused.
    pub relearn: Duration,
    /// Requests above [`Class::Bulk`] admitted in a row while a bulk request waits; then that one is
    /// served. With 7, bulk keeps an eighth of all admissions: a tenth is promised, and
    /// what firmware has already when bulk becomes due goes before it.
    pub bulk_patience: u32,
}

impl Default for MuxConfig {
    fn default() -> Self {
        Self {
            session: SessionConfig::default(),
            max_flows: 2048,
            reserved_slots: 1,
            backlog: Duration::from_millis(1),
            executing_wait: Duration::from_secs(5),
            answer_wait: Duration::from_secs(1),
            answer_pause: Duration::from_millis(100),
            opaque_rest: Duration::from_secs(5),
            queue_wait: [10, 10, 30, 60].map(Duration::from_secs),
            urgent_target: Duration::from_millis(250),
            heartbeat_burst: 20,
            heartbeat_every: Duration::from_millis(100),
            bulk_after: 256 * 1024,
            link_wait: Duration::from_secs(10),
            forward_wait: Duration::from_secs(3),
            response_wait: Duration::from_secs(120),
            ending_wait: Duration::from_secs(2),
            retry_first: Duration::from_millis(250),
            retry_max: Duration::from_secs(2),
            retry_attempts: 10,
            relearn: Duration::from_secs(30),
            bulk_patience: 7,
        }
    }
}
