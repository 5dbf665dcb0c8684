//! What can be wrong with a reply. Made by `frame` and `reader`.

use super::Status;

/// Why a reply gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmthiError {
    /// The reply is an empty message (amthi 1.4).
    #[error("AMT is disabled in the firmware: enable it in the firmware setup (MEBx)")]
    AmtDisabled,
    /// The reply is shorter than its header.
    #[error("AMTHI reply of {length} bytes is shorter than its header of 16")]
    ShortReply {
        /// Bytes in the reply.
        length: usize,
    },
    /// The reply is in an unknown version of the interface.
    #[error("AMTHI reply has major version {major}; only 1 is known")]
    Version {
        /// The version in the reply.
        major: u8,
    },
    /// The reply is to another command.
    #[error("AMTHI reply is to another command: {received:#010x} instead of {expected:#010x}")]
    Command {
        /// The command field that was expected.
        expected: u32,
        /// The command field of the reply.
        received: u32,
    },
    /// The length field does not match the message.
    #[error("AMTHI reply states {stated} bytes after its header and has {actual}")]
    Length {
        /// The length field.
        stated: u32,
        /// Bytes after the header.
        actual: usize,
    },
    /// Firmware refused the command.
    #[error("AMT answered {0}")]
    Status(Status),
    /// The payload ends too early.
    #[error("AMTHI reply ends in {field}: {needed} bytes needed, {left} left")]
    Truncated {
        /// The field that is cut off.
        field: &'static str,
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// A string claims to be longer than the space it is in.
    #[error("AMTHI reply gives {field} {stated} bytes in a space of {space}")]
    StringLength {
        /// The field.
        field: &'static str,
        /// The length that is claimed.
        stated: usize,
        /// The space there is.
        space: usize,
    },
    /// A field has a number whose meaning decides how to go on, and it is not known.
    #[error("AMTHI reply has {number} as {field}, which is not known")]
    UnknownNumber {
        /// The field.
        field: &'static str,
        /// The number.
        number: u8,
    },
    /// A field that must be text is not. Its bytes are not shown, as it may be a secret.
    #[error("AMTHI reply has a {field} that is not text")]
    NotText {
        /// The field.
        field: &'static str,
    },
}

impl AmthiError {
    /// Whether the reply as a whole cannot be trusted, so that the connection must be closed before another command
    /// is sent.
    pub fn is_framing(&self) -> bool {
        match self {
            Self::ShortReply { .. } | Self::Version { .. } | Self::Command { .. } | Self::Length { .. } => {
                true
            }
            Self::AmtDisabled
            | Self::Status(_)
            | Self::Truncated { .. }
            | Self::StringLength { .. }
            | Self::UnknownNumber { .. }
            | Self::NotText { .. } => false,
        }
    }
}
