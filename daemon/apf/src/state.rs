//! The states of a session. How it gets from one to the next is the handshake's.

use std::fmt;

/// How far a session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Firmware has not sent its version.
    AwaitingVersion,
    /// Versions are agreed; firmware has not asked for the forwarding service.
    AwaitingService,
    /// Forwards and channels are possible.
    Ready,
    /// Nothing is possible any more.
    Over,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::AwaitingVersion => "awaiting the version",
            Self::AwaitingService => "awaiting the service request",
            Self::Ready => "ready",
            Self::Over => "over",
        })
    }
}
