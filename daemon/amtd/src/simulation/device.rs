//! The device of the simulation: how the kernel answers attempts to connect, read and write (mei 2.3, 4, 5). The daemon's
//! own recovery decides when to try again.

use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};

use amtd_mei::{ClientGuid, ConnectError, Errno, LinkError, LinkState, Pause, Recovery, RecoveryConfig};

use super::firmware::Firmware;
use crate::driver::simulated::{End, MAX_EMPTY, PROOF, pause_after};

/// How long the driver waits for a blocked device, as in its configuration.
const TRANSMIT_STALL: Duration = Duration::from_secs(30);
/// No pause of the recovery is longer: the daemon never gives up.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a read found.
#[derive(Debug)]
pub(super) enum Recv {
    Message(Vec<u8>),
    Empty,
    WouldBlock,
}

/// One life of a descriptor, as the driver keeps it.
#[derive(Debug, Default)]
struct Open {
    /// The message on its way out.
    outbox: Vec<u8>,
    blocked_since: Option<Instant>,
    empty_messages: u32,
    ready_since: Option<Instant>,
    /// It is lost already: what is still buffered can be read, and then every call gets this error.
    loss: Option<LinkError>,
    /// It is lost after so many messages more, in either direction.
    fuse: Option<(u32, Loss)>,
}

/// How a connection is lost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loss {
    pub(super) error: LinkError,
    /// Firmware only disconnects: a message that the kernel has already is still there, behind POLLERR.
    pub(super) buffered: bool,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Device {
    recovery: Recovery,
    open: Option<Open>,
    attempt_at: Option<Instant>,
    /// How the next attempts to connect end.
    pub(super) refusals: VecDeque<ConnectError>,
    /// Until then, writes get EAGAIN.
    pub(super) full_until: Option<Instant>,
    /// Until then, reads get EAGAIN.
    pub(super) mute_until: Option<Instant>,
    /// Messages that were read although the connection was lost.
    pub(super) read_behind_error: u64,
}

impl Device {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            recovery: Recovery::new(RecoveryConfig::default(), now),
            open: None,
            attempt_at: Some(now),
            refusals: VecDeque::new(),
            full_until: None,
            mute_until: None,
            read_behind_error: 0,
        }
    }

    // ---- as the connector uses it ----

    /// Tries to connect, if it is time and there is no connection.
    pub(super) fn attempt(
        &mut self,
        now: Instant,
        rng: &mut fastrand::Rng,
    ) -> Option<Result<(), ConnectError>> {
        self.attempt_at.take_if(|at| *at <= now)?;
        self.recovery.attempting(now);
        let Some(error) = self.refusals.pop_front() else {
            self.recovery.connected(now);
            self.open = Some(Open::default());
            return Some(Ok(()));
        };
        let pause = self.recovery.failed(now, &error);
        self.rest(now, rng, pause);
        Some(Err(error))
    }

    /// The driver lets go of it.
    pub(super) fn end(&mut self, now: Instant, rng: &mut fastrand::Rng, end: &End) -> Option<Pause> {
        let open = self.open.take()?;
        let proven = open.ready_since.is_some_and(|since| now.duration_since(since) >= PROOF);
        let pause = pause_after(&mut self.recovery, now, end, proven);
        self.rest(now, rng, pause);
        Some(pause)
    }

    /// A device that is watched may be back before the pause is over.
    fn rest(&mut self, now: Instant, rng: &mut fastrand::Rng, pause: Pause) {
        assert!(pause.wait <= LONGEST_PAUSE, "{pause:?}");
        let early = pause.watch_device && rng.bool();
        let wait = if early { pause.wait.mul_f64(rng.f64()) } else { pause.wait };
        self.attempt_at = Some(now + wait);
    }

    // ---- as the driver uses it ----

    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Open, and firmware is at the other end.
    pub(super) fn is_whole(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.loss.is_none())
    }

    pub(super) fn session_ready(&mut self, now: Instant) {
        if let Some(open) = &mut self.open {
            open.ready_since.get_or_insert(now);
        }
    }

    pub(super) fn recv(&mut self, now: Instant, firmware: &mut Firmware) -> Result<Recv, End> {
        let mute = self.mute_until.is_some_and(|until| until > now);
        let Some(open) = &mut self.open else { return Ok(Recv::WouldBlock) };
        if open.loss.is_none() {
            if mute {
                return Ok(Recv::WouldBlock);
            }
            if !firmware.outbox.is_empty() {
                open.burn(firmware);
            }
        }
        match (firmware.outbox.pop_front(), open.loss) {
            (Some(message), loss) => {
                self.read_behind_error += u64::from(loss.is_some());
                open.taken(message)
            }
            (None, Some(loss)) => Err(End::Device(loss)),
            (None, None) => Ok(Recv::WouldBlock),
        }
    }

    /// Hands over what `fill` has, message by message, until it has no more. Whether the device said EAGAIN.
    pub(super) fn send(
        &mut self,
        now: Instant,
        firmware: &mut Firmware,
        mut fill: impl FnMut(&mut Vec<u8>) -> bool,
    ) -> Result<bool, End> {
        let full = self.full_until.is_some_and(|until| until > now);
        let Some(open) = &mut self.open else { return Ok(false) };
        loop {
            if open.outbox.is_empty() && !fill(&mut open.outbox) {
                open.outbox.clear();
                return Ok(false);
            }
            open.burn(firmware);
            if let Some(loss) = open.loss {
                return Err(End::Device(loss));
            }
            if full || !firmware.takes() {
                let since = *open.blocked_since.get_or_insert(now);
                let stalled = now.duration_since(since) >= TRANSMIT_STALL;
                return if stalled { Err(End::Stalled) } else { Ok(true) };
            }
            open.blocked_since = None;
            firmware.inbox.push_back(std::mem::take(&mut open.outbox));
        }
    }

    /// The next write would succeed.
    pub(super) fn can_write(&self, now: Instant, firmware: &Firmware) -> bool {
        self.is_whole() && self.full_until.is_none_or(|until| until <= now) && firmware.takes()
    }

    /// Nothing is on its way into the device.
    pub(super) fn has_nothing_to_write(&self) -> bool {
        self.open.as_ref().is_none_or(|open| open.outbox.is_empty())
    }

    // ---- what goes wrong ----

    pub(super) fn lose(&mut self, firmware: &mut Firmware, loss: Loss) {
        if let Some(open) = &mut self.open {
            open.lose(firmware, loss);
        }
    }

    pub(super) fn lose_after(&mut self, messages: u32, loss: Loss) {
        if let Some(open) = &mut self.open {
            open.fuse = Some((messages, loss));
        }
    }

    /// Ends all faults. A loss that has already happened still shows at the next call.
    pub(super) fn calm(&mut self) {
        (self.full_until, self.mute_until) = (None, None);
        if let Some(open) = &mut self.open {
            open.fuse = None;
        }
    }

    // ---- what must hold ----

    pub(super) fn check(&self, now: Instant) {
        let state = self.recovery.state();
        assert_eq!(self.is_open(), state == LinkState::Up, "{state:?}");
        assert_eq!(self.is_open(), self.attempt_at.is_none(), "{state:?}: {:?}", self.attempt_at);
        assert!(self.attempt_at.is_none_or(|at| at >= now), "an attempt that is due was not made");
        assert!(self.is_open() || self.recovery.since() <= now);
        assert!(!self.is_open() || self.is_whole(), "a lost connection is kept");
    }

    /// When its state changes by itself.
    pub(super) fn due(&self, now: Instant, firmware: &Firmware) -> impl Iterator<Item = Instant> + use<> {
        let blocked_since = self.open.as_ref().and_then(|open| open.blocked_since);
        let full = self.full_until.filter(|until| *until > now && blocked_since.is_some());
        let mute = self.mute_until.filter(|until| *until > now && !firmware.outbox.is_empty());
        let stall = blocked_since.map(|since| since + TRANSMIT_STALL);
        self.attempt_at.into_iter().chain(full.or(stall)).chain(mute)
    }
}

impl Open {
    /// As the driver takes what it read.
    fn taken(&mut self, message: Vec<u8>) -> Result<Recv, End> {
        if !message.is_empty() {
            self.empty_messages = 0;
            return Ok(Recv::Message(message));
        }
        self.empty_messages += 1;
        if self.empty_messages >= MAX_EMPTY { Err(End::Empty) } else { Ok(Recv::Empty) }
    }

    /// One message nearer to its loss.
    fn burn(&mut self, firmware: &mut Firmware) {
        match &mut self.fuse {
            Some((0, loss)) => {
                let loss = *loss;
                self.fuse = None;
                self.lose(firmware, loss);
            }
            Some((messages, _)) => *messages -= 1,
            None => {}
        }
    }

    fn lose(&mut self, firmware: &mut Firmware, loss: Loss) {
        self.loss.get_or_insert(loss.error);
        // The kernel never has more than one message that nobody has read (mei 4).
        firmware.outbox.truncate(usize::from(loss.buffered));
        firmware.inbox.clear();
    }
}

/// What an attempt to connect may meet, most often what is most often met.
pub(super) fn refusal(rng: &mut fastrand::Rng) -> ConnectError {
    let (path, client) = (PathBuf::from("/dev/mei0"), ClientGuid::LME);
    match rng.u8(0..8) {
        0..=2 => ConnectError::Busy { path, client },
        3..=4 => ConnectError::DeviceDown { path },
        5 => ConnectError::NoClient { path, client },
        6 => ConnectError::NoAnswer { path },
        _ => ConnectError::Io { path, errno: Errno::ENOMEM },
    }
}

/// What a read or a write may meet.
pub(super) fn loss(rng: &mut fastrand::Rng) -> Loss {
    let error = match rng.u8(0..6) {
        0 => LinkError::Protocol(Errno::EPROTO),
        1 => LinkError::Io(Errno::ENOMEM),
        _ => LinkError::Gone,
    };
    Loss { error, buffered: rng.bool() }
}
