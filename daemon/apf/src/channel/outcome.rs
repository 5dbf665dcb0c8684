//! The vocabulary in which a channel tells the session what to do after a transition.

use crate::{
    error::{CloseCause, Refusal},
    id::RemoteChannelId,
};

/// Who opened a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opener {
    Host,
    Firmware,
}

/// In which column of the slot ledger a channel counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Opening,
    Open,
    Closing,
}

/// What the session has to do after a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
pub(crate) struct Effects {
    /// Send a CLOSE to this number of firmware's.
    pub(crate) close: Option<RemoteChannelId>,
    /// Tell the owner.
    pub(crate) notice: Option<Notice>,
    /// Remember the number of this channel, which is gone.
    pub(crate) zombie: Option<Zombie>,
    /// The message had no meaning in this state; count it.
    pub(crate) stray: bool,
}

impl Effects {
    pub(super) fn notice(notice: Notice) -> Self {
        Self { notice: Some(notice), ..Self::default() }
    }

    pub(super) fn stray() -> Self {
        Self { stray: true, ..Self::default() }
    }
}

/// What an owner is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    Opened,
    Refused(Refusal),
    Closed(CloseCause),
}

/// What remains of a channel about which firmware may still have something to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Zombie {
    /// Firmware's number that our CLOSE went to; `None` if no confirmation came.
    pub(crate) remote: Option<RemoteChannelId>,
}

/// What happens to bytes that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// They are for the owner.
    Deliver,
    /// Nobody wants them.
    Discard,
    /// They exceed the window. The channel is closed if it was open.
    Excess(Effects),
    /// The channel is not open yet.
    Stray,
}

/// What an adjust did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adjusted {
    Grown,
    /// The window is as large as a window can be; firmware miscounts.
    Overflowed,
    Stray,
}
