//! The engine's kernel interface: which features the platform can have and has (amthi 7). Carried by `ask`.

use std::fmt;

use crate::{machine::HostClient, question::Question};

/// Asks for one set of features.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetFeatures {
    /// Which set.
    pub set: FeatureSet,
}

/// A set of features, as firmware numbers its rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FeatureSet {
    /// What the platform is able to.
    Capable,
    /// What is switched on.
    Enabled,
}

/// Features of the platform: a bit mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Features(u32);

impl Features {
    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether AMT is among them.
    pub const fn has_amt(self) -> bool {
        self.0 & (1 << 2) != 0
    }

    /// Whether KVM is among them.
    pub const fn has_kvm(self) -> bool {
        self.0 & (1 << 18) != 0
    }
}

impl Question for GetFeatures {
    type Answer = Features;
    type Error = MkhiError;
    const CLIENT: HostClient = HostClient::Mkhi;
    const CHANGES: bool = false;

    fn request(&self) -> Vec<u8> {
        let rule: u32 = match self.set {
            FeatureSet::Capable => 0,
            FeatureSet::Enabled => 32,
        };
        [[GROUP, GET_RULE, 0, 0], rule.to_le_bytes()].concat()
    }

    fn decode(&self, reply: &[u8]) -> Result<Features, MkhiError> {
        let short = MkhiError::Short { length: reply.len() };
        let (&[group, command, _, result], rest) = reply.split_first_chunk().ok_or(short)?;
        if (group, command) != (GROUP, GET_RULE | REPLY) {
            return Err(MkhiError::Command { group, command });
        }
        if result != 0 {
            return Err(MkhiError::Result(MkhiResult(result)));
        }
        // Rule number, length of the data, data.
        let (_, rest) = rest.split_first_chunk::<4>().ok_or(short)?;
        let (_, rest) = rest.split_first().ok_or(short)?;
        let bits = rest.first_chunk().ok_or(short)?;
        Ok(Features(u32::from_le_bytes(*bits)))
    }
}

/// A result of this client other than success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MkhiResult(u8);

impl MkhiResult {
    /// The number.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// What it means, if it is known.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x01 => "INVALID_STATE",
            0x02 => "SKIPPED",
            0x05 => "SIZE",
            0x16 => "INVALID",
            0x81 => "NOT_FOUND",
            0x84 => "ACCESS",
            0x85 => "PARAMETERS",
            0x88 => "NOT_READY",
            0x89 => "NOT_SUPPORTED",
            0x8C => "ADDRESS",
            0x8D => "COMMAND",
            0x99 => "GENERIC",
            0x9E => "FAILURE",
            0xE4 => "RESOURCE",
            0xE5 => "IN_USE",
            0xFE => "RETRY",
            0xFF => "GENERAL",
            _ => return None,
        })
    }
}

impl fmt::Display for MkhiResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({:#x})", self.0),
            None => write!(f, "result {:#x}", self.0),
        }
    }
}

/// Why a reply gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MkhiError {
    /// The reply ends before its answer.
    #[error("the MKHI reply of {length} bytes is cut off")]
    Short {
        /// Bytes in the reply.
        length: usize,
    },
    /// The reply is to another command.
    #[error("the MKHI reply is to another command: group {group:#x}, command {command:#x}")]
    Command {
        /// The group in the reply.
        group: u8,
        /// The command in the reply, with the bit that marks a reply.
        command: u8,
    },
    /// Firmware refused.
    #[error("MKHI answered {0}")]
    Result(MkhiResult),
}

impl MkhiError {
    /// Whether the reply as a whole cannot be trusted, so that the connection must be closed.
    pub fn is_framing(&self) -> bool {
        !matches!(self, Self::Result(_))
    }
}

const GROUP: u8 = 0x03;
const GET_RULE: u8 = 0x02;
const REPLY: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_is_asked_for_and_read_byte_by_byte() {
        let enabled = GetFeatures { set: FeatureSet::Enabled };
        assert_eq!(enabled.request(), [0x03, 0x02, 0, 0, 32, 0, 0, 0]);
        let features = enabled.decode(&[0x03, 0x82, 0, 0, 32, 0, 0, 0, 4, 0x04, 0x00, 0x04, 0x00]).unwrap();
        assert!(features.has_amt() && features.has_kvm());
        assert_eq!(features.bits(), 0x0004_0004);
    }

    #[test]
    fn reply_that_is_cut_foreign_or_a_refusal_is_no_answer() {
        let question = GetFeatures { set: FeatureSet::Capable };
        let reply = [0x03, 0x82, 0, 0, 0, 0, 0, 0, 4, 0x04, 0, 0, 0];
        for length in 0..reply.len() {
            let error = question.decode(&reply[..length]).unwrap_err();
            assert_eq!(error, MkhiError::Short { length });
        }
        assert!(question.decode(&[0x03, 0x02, 0, 0]).unwrap_err().is_framing(), "an echo");
        let refused = question.decode(&[0x03, 0x82, 0, 0x89]).unwrap_err();
        assert_eq!(refused.to_string(), "MKHI answered NOT_SUPPORTED (0x89)");
    }
}
