//! The misbehaviour that is armed at present: what scripts asked for and connections, sessions and channels pick up.
//!
//! `step` is the language, `file` reads a script, `arm` turns an action into armed state. Nothing here touches a connection: a
//! layer that is about to behave asks whether a fault is armed for it, and a fault with a count is used up by that.

mod arm;
mod armed;
mod file;
mod method;
mod schedule;
mod step;

use std::time::{Duration, Instant};

pub use self::file::{ScriptError, read_script};
pub use self::step::{Action, Hex, HexError, Stage, Step, When};

pub(crate) use self::armed::{Armed, Hold};
pub(crate) use self::method::{MethodFault, MethodFaults};
pub(crate) use self::schedule::{Counted, Schedule};
use crate::mei::ClientKind;
use crate::tls::Flaw;

/// The client is in use (mei 2.3).
pub(crate) const EBUSY: i32 = 16;
/// The device is down.
pub(crate) const ENODEV: i32 = 19;
/// The request makes no sense.
pub(crate) const EINVAL: i32 = 22;
/// There is no such client.
pub(crate) const ENOTTY: i32 = 25;
/// The firmware lacks the feature.
pub(crate) const EOPNOTSUPP: i32 = 95;

/// How a CONNECT goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConnectFault {
    /// The reply carries this errno.
    Status(i32),
    /// There is no reply.
    Silent,
    /// These bytes are the reply.
    Garbage(Vec<u8>),
}

/// How the start of a session goes wrong. Several can be armed for one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionFault {
    /// Firmware is silent from this stage on.
    Silent(Stage),
    /// Firmware's version, major and minor.
    Version(u32, u32),
    /// Firmware asks for the authentication service first.
    AuthFirst,
}

/// How a channel open goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenFault {
    /// No answer.
    Silent,
    /// Refused with this reason.
    Refuse(u32),
    /// Answered after this time.
    Delay(Duration),
    /// Confirmed twice, the second time with another of firmware's numbers or with the same.
    ConfirmTwice { other_id: bool },
    /// Refused, then confirmed.
    ConfirmAfterFailure,
    /// Confirmed with a number that another channel has.
    ConfirmWithUsedId,
    /// Confirmed with window 0, which then grows by adjusts of so many bytes; 0 = it never grows.
    ZeroWindow(u32),
    /// Confirmed with window 2^32-1, which then overflows.
    HugeWindow,
}

/// How the delivery of a response goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseFault {
    /// Firmware closes the channel after so many bytes of it.
    CloseAfter(usize),
    /// Firmware closes the channel behind it and then sends so many bytes more.
    DataAfterClose(usize),
    /// In its place come so many bytes more than the host's window allows, at once.
    BeyondWindow(usize),
    /// A DATA message without payload precedes it.
    EmptyData,
}

/// How an AMTHI command goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AmthiFault {
    /// The answer is a message of no bytes, as AMT gives it while it is disabled (amthi 1.4).
    Empty,
    /// No answer, and nothing is done.
    Silent,
    /// It is carried out, and there is no answer.
    AnswerLost,
    /// This command is answered with this status.
    Status(u32, u32),
}

/// How a command about manageability goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ManageabilityFault {
    /// No answer, and nothing is done.
    Silent,
    /// It is carried out, and there is no answer.
    AnswerLost,
}

/// Everything that is armed.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    connects: Armed<(ClientKind, ConnectFault)>,
    missing: Vec<(ClientKind, Hold)>,
    down: Hold,
    sessions: Armed<SessionFault>,
    opens: Armed<OpenFault>,
    responses: Armed<ResponseFault>,
    ignore_closes: Armed<()>,
    identities: Armed<Flaw>,
    stalled_handshakes: Armed<()>,
    abrupt_ends: Armed<()>,
    garbage_records: Armed<usize>,
    amthi: Armed<AmthiFault>,
    manageability: Armed<ManageabilityFault>,
    /// Firmware takes no port forwarding messages.
    pub(crate) reading: Hold,
    /// Firmware sends no port forwarding messages.
    pub(crate) writing: Hold,
    /// The engine executes nothing.
    pub(crate) engine: Hold,
    /// Firmware is busy with a change of its state: LME and AMTHI take no connection, AMTHI is not ready.
    pub(crate) settling: Hold,
}

impl Faults {
    /// What happens to a CONNECT of `client` at `now`, if not what should.
    pub(crate) fn connect(&mut self, client: ClientKind, now: Instant) -> Option<ConnectFault> {
        if self.down.is_on(now) {
            return Some(ConnectFault::Status(ENODEV));
        }
        if self.missing.iter().any(|(missing, hold)| *missing == client && hold.is_on(now)) {
            return Some(ConnectFault::Status(ENOTTY));
        }
        if self.settling.is_on(now) && matches!(client, ClientKind::Lme | ClientKind::Amthi) {
            return Some(ConnectFault::Status(EBUSY));
        }
        self.connects.take(|(kind, _)| *kind == client).map(|(_, fault)| fault)
    }

    /// The faults of a session that starts.
    pub(crate) fn session(&mut self) -> Vec<SessionFault> {
        self.sessions.take_each()
    }

    /// The fault of a channel open.
    pub(crate) fn open(&mut self) -> Option<OpenFault> {
        self.opens.take(|_| true)
    }

    /// The fault of a response that is about to be sent.
    pub(crate) fn response(&mut self) -> Option<ResponseFault> {
        self.responses.take(|_| true)
    }

    /// Whether a CLOSE from the host goes unanswered.
    pub(crate) fn ignores_close(&mut self) -> bool {
        self.ignore_closes.take(|()| true).is_some()
    }

    /// What is wrong with the identity that a TLS connection is shown.
    pub(crate) fn identity(&mut self) -> Option<Flaw> {
        self.identities.take(|_| true)
    }

    /// Whether a TLS handshake stops half-way.
    pub(crate) fn stalls_handshake(&mut self) -> bool {
        self.stalled_handshakes.take(|()| true).is_some()
    }

    /// Whether a TLS connection ends without saying so.
    pub(crate) fn ends_abruptly(&mut self) -> bool {
        self.abrupt_ends.take(|()| true).is_some()
    }

    /// After how many bytes garbage comes in a response over TLS.
    pub(crate) fn garbage(&mut self) -> Option<usize> {
        self.garbage_records.take(|_| true)
    }

    /// The fault of an AMTHI command.
    pub(crate) fn amthi(&mut self, command: u32) -> Option<AmthiFault> {
        self.amthi.take(|fault| !matches!(fault, AmthiFault::Status(only, _) if *only != command))
    }

    /// The fault of a command about manageability.
    pub(crate) fn manageability(&mut self) -> Option<ManageabilityFault> {
        self.manageability.take(|_| true)
    }

    /// Puts the device out of service: every CONNECT gives ENODEV.
    pub(crate) fn take_down(&mut self, hold: Hold) {
        self.down = hold;
    }

    /// Whether the device is out of service.
    pub(crate) fn is_down(&self, now: Instant) -> bool {
        self.down.is_on(now)
    }

    /// When the next hold that stops a queue ends by itself.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        [self.reading, self.writing, self.engine].into_iter().filter_map(|hold| hold.ends(now)).min()
    }

    /// Disarms everything.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
