//! What can go wrong, by how much is lost: [`SessionError`] ends the session, [`CloseCause`] and [`Refusal`]
//! end one channel, [`OpenError`] and [`SendError`] fail one command and change nothing.

use crate::{
    id::{ChannelId, RemoteChannelId},
    state::State,
    wire::{DecodeError, DisconnectReason, MessageType, OpenFailureReason},
};

/// Why a session is over. Every case means: write what [`poll_transmit`](crate::Session::poll_transmit) still
/// yields, close the device, start anew after a delay that suits the [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// A message that cannot be decoded.
    #[error("firmware sent an undecodable message: {0}")]
    BadMessage(#[from] DecodeError),
    /// Something else came before PROTOCOLVERSION.
    #[error("firmware sent {message} before PROTOCOLVERSION")]
    BeforeVersion {
        /// What came.
        message: MessageType,
    },
    /// Something came that needs the forwarding service.
    #[error("firmware sent {message} before it asked for the forwarding service")]
    BeforeService {
        /// What came.
        message: MessageType,
    },
    /// Firmware speaks a version below 1.0.
    #[error("firmware speaks APF {major}.{minor}, 1.0 is needed")]
    VersionTooOld {
        /// Its major version.
        major: u32,
        /// Its minor version.
        minor: u32,
    },
    /// Firmware asked for a service that does not exist.
    #[error("firmware asked for the unknown service \"{name}\"")]
    UnknownService {
        /// The name, escaped and shortened.
        name: String,
    },
    /// Firmware gave one number to two channels.
    #[error(
        "firmware confirmed channel {second} with its number {remote}, which channel {first} already has"
    )]
    DuplicateRemoteChannel {
        /// Firmware's number.
        remote: RemoteChannelId,
        /// The channel that has it.
        first: ChannelId,
        /// The channel that got it as well.
        second: ChannelId,
    },
    /// Firmware provokes more messages than it reads.
    #[error("firmware provoked more than {limit} {what} without reading them")]
    Flood {
        /// What piled up.
        what: &'static str,
        /// The limit that was hit.
        limit: usize,
    },
    /// The handshake did not end in time.
    #[error("the handshake took too long, it stopped while {waiting}")]
    HandshakeTimeout {
        /// What was waited for.
        waiting: State,
    },
    /// Firmware ended the session.
    #[error("firmware disconnected{}", .reason.map(|reason| format!(": {reason}")).unwrap_or_default())]
    Disconnected {
        /// Its reason, unless the message was too short to contain one.
        reason: Option<DisconnectReason>,
    },
    /// The device takes shorter messages than APF needs.
    #[error("the device takes messages of {limit} bytes, APF needs {needed}")]
    MessageLimitTooSmall {
        /// What the device takes.
        limit: usize,
        /// What APF needs.
        needed: usize,
    },
    /// The session was over before this call.
    #[error("the session is over")]
    Over,
}

impl SessionError {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::BadMessage(_) => Fault::BadBytes,
            Self::BeforeVersion { .. }
            | Self::BeforeService { .. }
            | Self::UnknownService { .. }
            | Self::DuplicateRemoteChannel { .. }
            | Self::Flood { .. } => Fault::PeerMisbehaved,
            Self::VersionTooOld { .. } | Self::MessageLimitTooSmall { .. } => Fault::Incompatible,
            Self::HandshakeTimeout { .. } => Fault::Timeout,
            Self::Disconnected { .. } => Fault::Disconnected,
            Self::Over => Fault::Local,
        }
    }

    /// What to tell firmware, if anything.
    pub(crate) fn farewell(&self) -> Option<DisconnectReason> {
        match self {
            Self::Disconnected { .. } | Self::MessageLimitTooSmall { .. } | Self::Over => None,
            Self::VersionTooOld { .. } => Some(DisconnectReason::PROTOCOL_VERSION_NOT_SUPPORTED),
            Self::UnknownService { .. } => Some(DisconnectReason::SERVICE_NOT_AVAILABLE),
            _ => Some(DisconnectReason::PROTOCOL_ERROR),
        }
    }
}

/// Whose fault an end is; what a retry policy needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer broke a rule of the protocol.
    PeerMisbehaved,
    /// The peer cannot do what is needed; trying again soon is pointless.
    Incompatible,
    /// Bytes that cannot be decoded.
    BadBytes,
    /// Something did not come in time.
    Timeout,
    /// The peer left in an orderly way, or started over.
    Disconnected,
    /// The host itself.
    Local,
}

/// Why a channel was closed although its owner did not ask for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum CloseCause {
    /// Firmware closed it; all that it sent before has been delivered as events.
    #[error("closed by firmware")]
    Firmware,
    /// Firmware sent more than the window allowed: the stream is broken.
    #[error("firmware exceeded the receive window")]
    ExcessData,
    /// Firmware granted no window while data waited.
    #[error("firmware granted no window in time")]
    ZeroWindow,
    /// Firmware started over.
    #[error("firmware restarted the session")]
    Restarted,
    /// The session ended.
    #[error("the session ended")]
    SessionOver,
}

/// Why an open did not result in a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Firmware refused.
    #[error("refused by firmware: {0}")]
    Firmware(OpenFailureReason),
    /// The open did not leave the host in time: firmware was never asked.
    #[error("the open never left the host")]
    NotSent,
    /// Firmware did not answer in time.
    #[error("firmware did not answer")]
    Timeout,
    /// Firmware answered with a close.
    #[error("closed by firmware while opening")]
    ClosedWhileOpening,
}

/// Why [`open`](crate::Session::open) would not open a channel now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum OpenError {
    /// The handshake has not ended, or the session is over.
    #[error("the session is not ready")]
    NotReady,
    /// Firmware has not asked for this port, or the answer has not been given.
    #[error("firmware does not forward this port")]
    NoForward,
    /// Every slot is taken.
    #[error("every channel slot is taken")]
    NoSlot,
    /// As many opens as allowed are unanswered.
    #[error("too many opens are unanswered")]
    TooManyOpening,
}

/// Why [`send`](crate::Session::send) did not take the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum SendError {
    /// The channel is unknown, closing or closed.
    #[error("the channel is gone")]
    Gone,
    /// More bytes than [`room`](crate::Session::room).
    #[error("the transmit buffer is full")]
    Full,
}
