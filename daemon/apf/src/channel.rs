//! One channel: its state, its windows, its bytes (`apf 4`).
//!
//! Owns every state transition of a channel; the session routes messages here and carries out the
//! [`Effects`]. Knows neither other channels nor the queue to the device.
//!
//! ```text
//!   open()                                              CHANNEL_OPEN of firmware
//!     |                                                            |
//!     v       the OPEN leaves          CONFIRMATION                v
//!   Queued ------------------> Opening -------------------------> Open
//!                                 |                               |  |
//!                                 | close(),      close(), bytes  |  |  close(), nothing queued;
//!                                 | abort()       still queued    |  |  abort(); excess data;
//!                                 v                               v  |  window stays zero
//!                             Abandoned                    Draining  |
//!                                 |                               |  |
//!                                 |    all sent, abort(), time-out|  |
//!                                 |                               v  v
//!                                 '--------------------------> CloseSent
//!                                       CONFIRMATION
//!
//!   and to Gone from
//!     Queued      by close(), abort(), time-out
//!     Opening     by FAILURE, CLOSE, time-out
//!     Abandoned   by FAILURE, CLOSE, time-out
//!     Open        by CLOSE, which is answered
//!     Draining    by CLOSE, which is answered
//!     CloseSent   by CLOSE, time-out
//! ```
//!
//! Entering `CloseSent` sends our CLOSE. `Abandoned`, `Draining` and `CloseSent` have no owner any more: what
//! still arrives is discarded, and a last, generous adjust goes out ahead of the CLOSE, so that firmware can
//! finish. A channel that goes without firmware having completed the exchange leaves a [`Zombie`].

mod outcome;
#[cfg(test)]
mod tests;

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use bytes::Bytes;

pub(crate) use self::outcome::{Adjusted, Effects, Notice, Opener, Phase, Received, Zombie};
use crate::{
    buffer::TransmitBuffer,
    class::Class,
    error::{CloseCause, Refusal, SendError},
    id::{ChannelId, Port, RemoteChannelId},
    limits::{FAREWELL_WINDOW, NARROW_WAIT, SessionConfig, Timeouts},
    window::{Excess, ReceiveWindow, SendWindow},
    wire::OpenFailureReason,
};

/// A channel, whoever opened it, from the wish to open it until it is gone.
#[derive(Debug)]
pub(crate) struct Channel {
    id: ChannelId,
    port: Port,
    class: Class,
    opener: Opener,
    state: State,
    /// Bytes for firmware.
    tx: TransmitBuffer,
    tx_limit: usize,
    /// The most payload of one message.
    max_frame: usize,
    remote_window: SendWindow,
    /// Whether a message that the window would cut short waits for a wider one; not after such a wait was in vain.
    waits_for_window: bool,
    local_window: ReceiveWindow,
    /// Set while an adjust waits in the control queue, which collects all credit up to the moment when it
    /// leaves.
    adjust_queued: bool,
    /// When the current state ends by itself.
    deadline: Option<Instant>,
    timeouts: Timeouts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// CHANNEL_OPEN waits to be written: firmware knows nothing yet.
    Queued {
        originator: SocketAddr,
    },
    /// CHANNEL_OPEN was written.
    Opening,
    /// As `Opening`, and nobody wants the channel any more.
    Abandoned,
    Open {
        remote: RemoteChannelId,
    },
    /// The owner has closed; what it queued before still leaves.
    Draining {
        remote: RemoteChannelId,
    },
    /// Our CLOSE is on its way; firmware's is missing.
    CloseSent {
        remote: RemoteChannelId,
    },
    Gone,
}

impl Channel {
    /// A channel that the host wants opened.
    pub(crate) fn forwarded(
        id: ChannelId,
        (port, originator): (Port, SocketAddr),
        class: Class,
        config: &SessionConfig,
        now: Instant,
    ) -> Self {
        let mut channel = Self::new(id, port, Opener::Host, State::Queued { originator }, config);
        channel.class = class;
        channel.expire_after(now, config.timeouts.open);
        channel
    }

    /// A channel that firmware opened and the host accepts. Its owner sends little, if anything.
    pub(crate) fn direct(
        id: ChannelId,
        remote: RemoteChannelId,
        window: u32,
        config: &SessionConfig,
    ) -> Self {
        let mut channel = Self::new(id, Port(0), Opener::Firmware, State::Open { remote }, config);
        channel.remote_window = SendWindow::new(window);
        channel
    }

    fn new(id: ChannelId, port: Port, opener: Opener, state: State, config: &SessionConfig) -> Self {
        Self {
            id,
            port,
            class: Class::Interactive,
            opener,
            state,
            tx: TransmitBuffer::default(),
            tx_limit: config.tx_buffer,
            max_frame: config.frame_limit(),
            remote_window: SendWindow::default(),
            waits_for_window: true,
            local_window: ReceiveWindow::new(config.rx_window),
            adjust_queued: false,
            deadline: None,
            timeouts: config.timeouts,
        }
    }
}

/// What the host does.
impl Channel {
    /// The CHANNEL_OPEN is written now: returns what it has to say, once.
    pub(crate) fn open_leaves(&mut self) -> Option<(Port, SocketAddr)> {
        let State::Queued { originator } = self.state else { return None };
        self.state = State::Opening;
        Some((self.port, originator))
    }

    /// Queues bytes; before the confirmation they wait for it.
    pub(crate) fn send(&mut self, now: Instant, bytes: Bytes) -> Result<(), SendError> {
        if !self.has_owner() {
            return Err(SendError::Gone);
        }
        if bytes.len() > self.room() {
            return Err(SendError::Full);
        }
        self.tx.push(bytes);
        self.watch_window(now);
        Ok(())
    }

    /// Bytes that [`send`](Self::send) would take.
    pub(crate) fn room(&self) -> usize {
        if self.has_owner() { self.tx_limit.saturating_sub(self.tx.len()) } else { 0 }
    }

    /// The owner is done. What it queued still leaves, unless firmware has not confirmed yet.
    pub(crate) fn close(&mut self, now: Instant) -> Effects {
        match self.state {
            State::Open { remote } if !self.tx.is_empty() => {
                self.disown();
                self.state = State::Draining { remote };
                self.expire_after(now, self.timeouts.drain);
                Effects::default()
            }
            State::Draining { .. } => Effects::default(),
            _ => self.abort(now),
        }
    }

    /// The owner is done between two requests, when firmware has nothing more to send either. If bytes are still queued,
    /// as [`close`](Self::close).
    pub(crate) fn retire(&mut self, now: Instant) -> Effects {
        match self.state {
            State::Open { remote } if self.tx.is_empty() => self.send_close(now, remote),
            _ => self.close(now),
        }
    }

    /// The owner is done and wants nothing more to leave.
    pub(crate) fn abort(&mut self, now: Instant) -> Effects {
        self.disown();
        self.tx.clear();
        match self.state {
            State::Queued { .. } => self.go(Effects::default()),
            State::Opening => {
                self.state = State::Abandoned;
                Effects::default()
            }
            State::Open { remote } | State::Draining { remote } => self.send_close(now, remote),
            State::Abandoned | State::CloseSent { .. } | State::Gone => Effects::default(),
        }
    }

    /// How many bytes the next data message would carry; 0 while nothing can be sent, or while waiting for a wider window
    /// is better than sending what fits.
    pub(crate) fn frame(&self) -> usize {
        let wanted = self.tx.len().min(self.max_frame);
        let window = usize::try_from(self.remote_window.available()).unwrap_or(usize::MAX);
        match self.state {
            State::Open { .. }
                if wanted > window && self.waits_for_window && self.remote_window.is_narrow() =>
            {
                0
            }
            State::Open { .. } | State::Draining { .. } => wanted.min(window),
            _ => 0,
        }
    }

    /// Bytes that firmware was handed and has neither credited nor answered, and whether they are enough for it to be
    /// expected to credit them.
    pub(crate) fn handed(&self) -> (usize, bool) {
        (self.remote_window.handed(), self.remote_window.is_well_fed())
    }

    /// Takes bytes out of buffer and window and appends them to `out`. If those were the last before a close,
    /// the close is due.
    pub(crate) fn take(&mut self, now: Instant, bytes: usize, out: &mut Vec<u8>) -> Effects {
        let granted = self.remote_window.take(bytes);
        self.tx.take(granted, out);
        match self.state {
            State::Draining { remote } if self.tx.is_empty() => self.send_close(now, remote),
            _ => {
                self.watch_window(now);
                Effects::default()
            }
        }
    }

    /// The owner's destination took bytes.
    pub(crate) fn deliver(&mut self, bytes: usize) {
        self.local_window.deliver(bytes);
    }

    /// Whether an adjust has to be queued now; `true` once until [`take_credit`](Self::take_credit).
    pub(crate) fn wants_adjust(&mut self) -> bool {
        let wants = !self.adjust_queued && self.remote().is_some() && self.local_window.credit_is_due();
        self.adjust_queued |= wants;
        wants
    }

    /// Whether the adjust should not wait for more to collect.
    pub(crate) fn credit_presses(&self) -> bool {
        self.local_window.credit_presses()
    }

    /// The adjust leaves: to whom, and by how much.
    pub(crate) fn take_credit(&mut self) -> Option<(RemoteChannelId, u32)> {
        self.adjust_queued = false;
        Some((self.remote()?, self.local_window.take_credit()))
    }

    pub(crate) fn set_class(&mut self, class: Class) {
        self.class = class;
    }
}

/// What firmware does.
impl Channel {
    /// CHANNEL_OPEN_CONFIRMATION. One that nobody waits for names a channel that must be closed again, or its slot is lost
    /// (`apf 10` rows 31, 32); only a repetition with the same number is harmless.
    pub(crate) fn confirm(&mut self, now: Instant, remote: RemoteChannelId, window: u32) -> Effects {
        match self.state {
            State::Opening => {
                self.state = State::Open { remote };
                self.remote_window = SendWindow::new(window);
                self.deadline = None;
                self.watch_window(now);
                Effects::notice(Notice::Opened)
            }
            State::Abandoned => self.send_close(now, remote),
            State::Open { .. } | State::Draining { .. } | State::CloseSent { .. }
                if self.remote() != Some(remote) =>
            {
                Effects { close: Some(remote), stray: true, ..Effects::default() }
            }
            _ => Effects::stray(),
        }
    }

    /// CHANNEL_OPEN_FAILURE. Firmware that contradicts itself afterwards must not keep a slot, so the number
    /// is remembered.
    pub(crate) fn refuse(&mut self, reason: OpenFailureReason) -> Effects {
        self.end_opening(Refusal::Firmware(reason))
    }

    /// CHANNEL_WINDOW_ADJUST, of more than 0 bytes.
    pub(crate) fn adjust(&mut self, now: Instant, bytes: u32) -> Adjusted {
        if self.remote().is_none() {
            return Adjusted::Stray;
        }
        let was_exhausted = self.remote_window.available() == 0;
        let grown = self.remote_window.grow(bytes);
        if was_exhausted && matches!(self.state, State::Open { .. }) {
            // Firmware moves again. A wait for a wider window is not restarted: credit that trickles in must not prolong it.
            self.deadline = None;
        }
        self.watch_window(now);
        if grown { Adjusted::Grown } else { Adjusted::Overflowed }
    }

    /// CHANNEL_DATA, of more than 0 bytes.
    pub(crate) fn receive(&mut self, now: Instant, bytes: usize) -> Received {
        if self.remote().is_none() {
            return Received::Stray;
        }
        self.remote_window.answered();
        match self.local_window.receive(bytes) {
            _ if !self.has_owner() => Received::Discard,
            Ok(()) => Received::Deliver,
            Err(Excess) => Received::Excess(self.fail(now, CloseCause::ExcessData)),
        }
    }

    /// CHANNEL_CLOSE. Answered unless ours is on its way; before the confirmation it is a refusal (`apf 10`
    /// row 49).
    pub(crate) fn remote_close(&mut self) -> Effects {
        match self.state {
            State::Open { remote } => self.go(Effects { close: Some(remote), ..Effects::notice(CLOSED) }),
            State::Draining { remote } => self.go(Effects { close: Some(remote), ..Effects::default() }),
            State::CloseSent { .. } => self.go(Effects::default()),
            _ => self.end_opening(Refusal::ClosedWhileOpening),
        }
    }
}

/// What firmware's ordinary close is to the owner.
const CLOSED: Notice = Notice::Closed(CloseCause::Firmware);

/// What time does.
impl Channel {
    /// Ends the state if its time is over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Effects {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return Effects::default();
        }
        match self.state {
            State::Queued { .. } => self.go(Effects::notice(Notice::Refused(Refusal::NotSent))),
            State::Opening | State::Abandoned => self.end_opening(Refusal::Timeout),
            State::Open { .. } if self.remote_window.available() > 0 => {
                // Firmware may be saving up its credit until more bytes come. From now on it gets whatever fits.
                self.waits_for_window = false;
                self.deadline = None;
                Effects::default()
            }
            State::Open { .. } => self.fail(now, CloseCause::ZeroWindow),
            State::Draining { .. } => self.abort(now),
            State::CloseSent { remote } => {
                self.go(Effects { zombie: Some(Zombie { remote: Some(remote) }), ..Effects::default() })
            }
            State::Gone => Effects::default(),
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// What can be asked.
impl Channel {
    pub(crate) fn id(&self) -> ChannelId {
        self.id
    }

    pub(crate) fn port(&self) -> Port {
        self.port
    }

    pub(crate) fn class(&self) -> Class {
        self.class
    }

    pub(crate) fn opener(&self) -> Opener {
        self.opener
    }

    pub(crate) fn phase(&self) -> Phase {
        match self.state {
            State::Queued { .. } | State::Opening | State::Abandoned => Phase::Opening,
            State::Open { .. } => Phase::Open,
            State::Draining { .. } | State::CloseSent { .. } | State::Gone => Phase::Closing,
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Whether somebody is interested in what happens to the channel.
    pub(crate) fn has_owner(&self) -> bool {
        matches!(self.state, State::Queued { .. } | State::Opening | State::Open { .. })
    }

    /// Whether our CLOSE is out and firmware's is missing.
    pub(crate) fn awaits_close(&self) -> bool {
        matches!(self.state, State::CloseSent { .. })
    }

    /// Whether firmware has ever heard of the channel.
    pub(crate) fn was_requested(&self) -> bool {
        !matches!(self.state, State::Queued { .. })
    }

    /// Firmware's number, once it is known.
    pub(crate) fn remote(&self) -> Option<RemoteChannelId> {
        match self.state {
            State::Open { remote } | State::Draining { remote } | State::CloseSent { remote } => Some(remote),
            _ => None,
        }
    }

    pub(crate) fn state_name(&self) -> &'static str {
        match self.state {
            State::Queued { .. } => "queued",
            State::Opening => "opening",
            State::Abandoned => "abandoned",
            State::Open { .. } => "open",
            State::Draining { .. } => "draining",
            State::CloseSent { .. } => "close-sent",
            State::Gone => "gone",
        }
    }

    /// What firmware may send now, in bytes.
    pub(crate) fn local_window(&self) -> u32 {
        self.local_window.available()
    }

    /// What may be sent to firmware now, in bytes.
    pub(crate) fn remote_window(&self) -> u32 {
        self.remote_window.available()
    }

    /// Bytes that wait for transmission.
    pub(crate) fn queued(&self) -> usize {
        self.tx.len()
    }
}

/// Steps that several transitions share.
impl Channel {
    /// The channel cannot go on, and its owner did not ask for that.
    fn fail(&mut self, now: Instant, cause: CloseCause) -> Effects {
        match self.state {
            State::Open { .. } => Effects { notice: Some(Notice::Closed(cause)), ..self.abort(now) },
            _ => Effects::default(),
        }
    }

    fn send_close(&mut self, now: Instant, remote: RemoteChannelId) -> Effects {
        self.state = State::CloseSent { remote };
        self.expire_after(now, self.timeouts.close);
        Effects { close: Some(remote), ..Effects::default() }
    }

    /// An open ends without a channel: firmware refused, or its time is over.
    fn end_opening(&mut self, refusal: Refusal) -> Effects {
        let zombie = Some(Zombie { remote: None });
        match self.state {
            State::Opening => self.go(Effects { zombie, ..Effects::notice(Notice::Refused(refusal)) }),
            State::Abandoned => self.go(Effects { zombie, ..Effects::default() }),
            _ => Effects::stray(),
        }
    }

    fn go(&mut self, effects: Effects) -> Effects {
        self.state = State::Gone;
        self.deadline = None;
        effects
    }

    /// What firmware still sends will be discarded: it gets a window in which it can finish. Before the confirmation it
    /// has nothing to send.
    fn disown(&mut self) {
        if matches!(self.state, State::Open { .. }) {
            self.local_window.widen_to(FAREWELL_WINDOW);
        }
    }

    /// Starts or stops the clock that runs while data waits for the window. Only an open channel is watched: while
    /// draining, the deadline is the drain's.
    fn watch_window(&mut self, now: Instant) {
        if !matches!(self.state, State::Open { .. }) {
            return;
        }
        let is_exhausted = self.remote_window.available() == 0;
        match (!self.tx.is_empty() && self.frame() == 0, self.deadline) {
            (true, None) => {
                self.expire_after(now, if is_exhausted { self.timeouts.zero_window } else { NARROW_WAIT });
            }
            (false, Some(_)) => self.deadline = None,
            _ => {}
        }
    }

    /// A deadline beyond the end of time is none; the limits on durations keep that from happening.
    fn expire_after(&mut self, now: Instant, duration: Duration) {
        self.deadline = now.checked_add(duration);
    }
}
