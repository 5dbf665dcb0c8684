//! The unique platform id (amthi 5). Reading it can need the feature to be switched on, which changes the platform:
//! whoever asks decides that, never this module. Carried by `ask`.

use std::fmt;

use crate::{machine::HostClient, question::Question};

/// Asks whether the feature is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetUpidState;

impl Question for GetUpidState {
    type Answer = bool;
    type Error = UpidError;
    const CLIENT: HostClient = HostClient::Upid;
    const CHANGES: bool = false;

    fn request(&self) -> Vec<u8> {
        request(FEATURE_STATE_GET, &[])
    }

    fn decode(&self, reply: &[u8]) -> Result<bool, UpidError> {
        let payload = payload(FEATURE_STATE_GET, reply)?;
        let state = payload.first().ok_or(UpidError::Short { length: reply.len() })?;
        Ok(*state != 0)
    }
}

/// Switches the feature on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetUpidState {
    /// Whether it is to be on.
    pub enabled: bool,
}

impl Question for SetUpidState {
    type Answer = ();
    type Error = UpidError;
    const CLIENT: HostClient = HostClient::Upid;
    const CHANGES: bool = true;

    fn request(&self) -> Vec<u8> {
        request(FEATURE_STATE_SET, &[u8::from(self.enabled)])
    }

    fn decode(&self, reply: &[u8]) -> Result<(), UpidError> {
        payload(FEATURE_STATE_SET, reply).map(drop)
    }
}

/// Asks for the id. `None` if the platform has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetPlatformId;

/// The id of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlatformId {
    /// How the maker's part is to be read: 0 unset, 1 binary, 2 printable.
    pub oem_kind: u32,
    /// What the maker of the platform wrote.
    pub oem: [u8; 32],
    /// The engine's own serial.
    pub csme: [u8; 32],
}

impl Question for GetPlatformId {
    type Answer = Option<PlatformId>;
    type Error = UpidError;
    const CLIENT: HostClient = HostClient::Upid;
    const CHANGES: bool = false;

    fn request(&self) -> Vec<u8> {
        request(PLATFORM_ID_GET, &[])
    }

    fn decode(&self, reply: &[u8]) -> Result<Option<PlatformId>, UpidError> {
        let payload = payload(PLATFORM_ID_GET, reply)?;
        if payload.is_empty() {
            return Ok(None);
        }
        let short = UpidError::Short { length: reply.len() };
        let (kind, rest) = payload.split_first_chunk().ok_or(short)?;
        let (oem, rest) = rest.split_first_chunk().ok_or(short)?;
        let csme = rest.first_chunk().ok_or(short)?;
        Ok(Some(PlatformId { oem_kind: u32::from_le_bytes(*kind), oem: *oem, csme: *csme }))
    }
}

fn request(command: u8, payload: &[u8]) -> Vec<u8> {
    // No payload here is longer than one byte.
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    [&[FEATURE, command], &length.to_le_bytes()[..], payload].concat()
}

/// What follows the status of a reply that is in order and successful.
fn payload(command: u8, reply: &[u8]) -> Result<&[u8], UpidError> {
    let short = UpidError::Short { length: reply.len() };
    let (&[feature, answered, low, high], rest) = reply.split_first_chunk().ok_or(short)?;
    if (feature, answered) != (FEATURE, command) {
        return Err(UpidError::Command { feature, command: answered });
    }
    if usize::from(u16::from_le_bytes([low, high])) != rest.len() {
        return Err(short);
    }
    let (status, payload) = rest.split_first_chunk().ok_or(short)?;
    match UpidStatus(u32::from_le_bytes(*status)) {
        UpidStatus(0) => Ok(payload),
        status => Err(UpidError::Status(status)),
    }
}

/// A status of this client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UpidStatus(u32);

impl UpidStatus {
    /// The number.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// What it means, if it is known.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "success",
            1 => "not supported",
            2 => "bad parameter",
            3 => "internal error",
            4 => "not allowed after end of POST",
            5 => "not allowed after manufacturing lock",
            6 => "counters exceeded",
            7 => "invalid state, or disabled",
            9 => "not allowed after the core BIOS is done",
            _ => return None,
        })
    }
}

impl fmt::Display for UpidStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "status {}", self.0),
        }
    }
}

/// Why a reply gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UpidError {
    /// The reply is cut off, or its length field does not match it.
    #[error("the platform id client's reply of {length} bytes is cut off or states another length")]
    Short {
        /// Bytes in the reply.
        length: usize,
    },
    /// The reply is to another command.
    #[error("the platform id client's reply is to another command: feature {feature}, command {command}")]
    Command {
        /// The feature in the reply.
        feature: u8,
        /// The command in the reply.
        command: u8,
    },
    /// Firmware refused.
    #[error("the platform id client answered: {0}")]
    Status(UpidStatus),
}

impl UpidError {
    /// Whether the reply as a whole cannot be trusted, so that the connection must be closed.
    pub fn is_framing(&self) -> bool {
        !matches!(self, Self::Status(_))
    }
}

const FEATURE: u8 = 0;
const FEATURE_STATE_GET: u8 = 1;
const FEATURE_STATE_SET: u8 = 2;
const PLATFORM_ID_GET: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_made_byte_by_byte() {
        assert_eq!(GetUpidState.request(), [0, 1, 0, 0]);
        assert_eq!(SetUpidState { enabled: true }.request(), [0, 2, 1, 0, 1]);
        assert_eq!(GetPlatformId.request(), [0, 5, 0, 0]);
    }

    #[test]
    fn id_is_read_and_its_absence_too() {
        let reply = [&[0, 5, 72, 0, 0, 0, 0, 0][..], &2_u32.to_le_bytes(), &[b'o'; 32], &[0xC5; 32]].concat();
        assert_eq!(reply.len(), 76);
        let id = GetPlatformId.decode(&reply).unwrap().unwrap();
        assert_eq!((id.oem_kind, id.oem, id.csme), (2, [b'o'; 32], [0xC5; 32]));
        assert_eq!(GetPlatformId.decode(&[0, 5, 4, 0, 0, 0, 0, 0]), Ok(None));
        for length in 0..reply.len() {
            assert!(GetPlatformId.decode(&reply[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn refusal_is_told_from_garbage() {
        let refused = GetUpidState.decode(&[0, 1, 4, 0, 7, 0, 0, 0]).unwrap_err();
        assert_eq!(refused.to_string(), "the platform id client answered: invalid state, or disabled (7)");
        assert!(!refused.is_framing());
        assert!(GetUpidState.decode(&[0, 5, 4, 0, 0, 0, 0, 0]).unwrap_err().is_framing());
    }
}
