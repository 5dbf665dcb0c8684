//! What happened, in order: a bounded memory of events, from which callers read with a cursor.
//!
//! Producers push at any time and wait for nobody. A reader that falls behind, or comes back with a cursor that is too
//! old or from before a restart, is told how much it missed: nothing is lost silently. Pushed to by the front, by jobs
//! and by [`watch`]; read by `control`.

mod log;
mod sources;

use bytes::Bytes;

pub use self::{
    log::{CursorError, Log, Reader, Start, Told},
    sources::{Sources, watch},
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The link to firmware has another state.
    Link {
        /// Stable name of the state.
        state: &'static str,
        /// One sentence for people.
        detail: String,
    },
    /// A local port is served, or is not any more.
    Port {
        /// The port as firmware names it.
        port: u16,
        /// What changed.
        change: PortChange,
        /// One sentence for people.
        detail: String,
    },
    /// A client came, went, or was refused. Recorded only while somebody watches: there can be thousands each second.
    Channel {
        /// The connection.
        channel: u64,
        /// The port as firmware names it.
        port: u16,
        /// What changed.
        change: ChannelChange,
        /// One sentence for people.
        detail: String,
    },
    /// A job went on.
    Job {
        /// Its id.
        id: String,
        /// Stable word for its kind.
        kind: &'static str,
        /// Stable word: `created`, `started`, `step`, `ended`.
        change: &'static str,
        /// One sentence for people.
        detail: String,
    },
    /// Firmware says something else about itself than before.
    Firmware {
        /// Stable name of the fact.
        fact: &'static str,
        /// What it is now; empty if firmware does not say any more.
        value: String,
    },
    /// Firmware sent an alert.
    Alert {
        /// Whence, as far as firmware says.
        origin: String,
        /// The alert as it came.
        content: Bytes,
    },
}

impl Event {
    /// What it costs to remember, beside a fixed part.
    fn weight(&self) -> usize {
        match self {
            Self::Link { detail, .. } | Self::Port { detail, .. } | Self::Channel { detail, .. } => {
                detail.len()
            }
            Self::Job { id, detail, .. } => id.len() + detail.len(),
            Self::Firmware { value, .. } => value.len(),
            Self::Alert { origin, content } => origin.len() + content.len(),
        }
    }
}

/// What became of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChange {
    /// Firmware asked for it.
    Forwarded,
    /// Firmware does not serve it any more.
    Withdrawn,
    /// The daemon listens.
    Bound,
    /// The daemon cannot listen.
    NotBound,
}

impl PortChange {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Withdrawn => "withdrawn",
            Self::Bound => "bound",
            Self::NotBound => "not-bound",
        }
    }
}

/// What became of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelChange {
    /// It connected.
    Opened,
    /// Its connection ended.
    Closed,
    /// It was turned away.
    Refused,
}

impl ChannelChange {
    /// Stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Refused => "refused",
        }
    }
}
