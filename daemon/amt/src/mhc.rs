//! Manageability host client: whether AMT is enabled in the firmware and what its local ports enforce, and switching
//! it (amthi 4). Four bytes of header and no length to rely on. Carried by `ask`; the kernel's watchdog driver may
//! hold the client, which then answers as busy.

use std::fmt;

use crate::{machine::HostClient, question::Question};

/// Asks whether AMT can be enabled and is enabled, and what local ports enforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IsChangeToAmtEnabled;

/// The answer: a bit mask (amthi 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AmtEnablement(u8);

impl AmtEnablement {
    /// From the bits.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether AMT may be switched on or off.
    pub const fn may_change(self) -> bool {
        self.0 & 0x01 != 0
    }

    /// Whether AMT is switched on. `None` where firmware is too old to say.
    pub const fn is_enabled(self) -> Option<bool> {
        self.newer(0x02)
    }

    /// Whether local ports enforce TLS, so that only 16993 serves WSMAN. `None` where firmware is too old to say;
    /// then they do not.
    pub const fn tls_enforced(self) -> Option<bool> {
        self.newer(0x40)
    }

    /// Whether bits other than the first mean anything.
    pub const fn is_new_interface(self) -> bool {
        self.0 & 0x80 != 0
    }

    const fn newer(self, bit: u8) -> Option<bool> {
        if self.is_new_interface() { Some(self.0 & bit != 0) } else { None }
    }
}

impl Question for IsChangeToAmtEnabled {
    type Answer = AmtEnablement;
    type Error = MhcError;
    const CLIENT: HostClient = HostClient::Mhc;
    const CHANGES: bool = false;

    fn request(&self) -> Vec<u8> {
        vec![COMMAND, 2, 0x51, VERSION]
    }

    /// The mask is the first byte of the reply, without a header.
    fn decode(&self, reply: &[u8]) -> Result<AmtEnablement, MhcError> {
        let bits = reply.first().ok_or(MhcError::Short { length: reply.len() })?;
        Ok(AmtEnablement(*bits))
    }
}

/// Switches AMT on or off. On devices that are not provisioned only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetAmtOperationalState {
    /// Whether it is to be on.
    pub enabled: bool,
}

impl Question for SetAmtOperationalState {
    type Answer = ();
    type Error = MhcError;
    const CLIENT: HostClient = HostClient::Mhc;
    const CHANGES: bool = true;

    fn request(&self) -> Vec<u8> {
        vec![COMMAND, 3, 0x53, VERSION, u8::from(self.enabled)]
    }

    /// An echo of the header and a status. Its width is not known, one byte or four; all known ones fit in the first.
    fn decode(&self, reply: &[u8]) -> Result<(), MhcError> {
        let status = reply.get(HEADER).ok_or(MhcError::Short { length: reply.len() })?;
        match MhcStatus(*status) {
            MhcStatus(0) => Ok(()),
            status => Err(MhcError::Status(status)),
        }
    }
}

/// A status of this client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MhcStatus(u8);

impl MhcStatus {
    /// The number.
    pub const fn code(self) -> u8 {
        self.0
    }

    /// What it means, if it is known.
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "SUCCESS",
            0x88 => "NOT_READY",
            0x89 => "NOT_SUPPORTED",
            0x9E => "FAILURE",
            0xA0 => "WEAR_OUT_VIOLATION",
            0xA8 => "UPDATE_NOT_ALLOWED",
            _ => return None,
        })
    }
}

impl fmt::Display for MhcStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({:#x})", self.0),
            None => write!(f, "status {:#x}", self.0),
        }
    }
}

/// Why a reply gives no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MhcError {
    /// The reply ends before its answer.
    #[error("the manageability client's reply of {length} bytes has no answer in it")]
    Short {
        /// Bytes in the reply.
        length: usize,
    },
    /// Firmware refused.
    #[error("the manageability client answered {0}")]
    Status(MhcStatus),
}

impl MhcError {
    /// Whether the reply as a whole cannot be trusted, so that the connection must be closed.
    pub fn is_framing(&self) -> bool {
        !matches!(self, Self::Status(_))
    }
}

const COMMAND: u8 = 0x05;
const VERSION: u8 = 0x10;
const HEADER: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_made_byte_by_byte() {
        assert_eq!(IsChangeToAmtEnabled.request(), [0x05, 0x02, 0x51, 0x10]);
        assert_eq!(SetAmtOperationalState { enabled: true }.request(), [0x05, 0x03, 0x53, 0x10, 0x01]);
        assert_eq!(SetAmtOperationalState { enabled: false }.request(), [0x05, 0x03, 0x53, 0x10, 0x00]);
    }

    #[test]
    fn bits_of_an_old_interface_are_not_believed() {
        let new = IsChangeToAmtEnabled.decode(&[0xC3]).unwrap();
        assert_eq!((new.may_change(), new.is_enabled(), new.tls_enforced()), (true, Some(true), Some(true)));
        let fixture = IsChangeToAmtEnabled.decode(&[0x82, 0, 0, 0]).unwrap();
        assert_eq!((fixture.is_enabled(), fixture.tls_enforced()), (Some(true), Some(false)));
        let old = IsChangeToAmtEnabled.decode(&[0x43]).unwrap();
        assert_eq!((old.may_change(), old.is_enabled(), old.tls_enforced()), (true, None, None));
        assert!(IsChangeToAmtEnabled.decode(&[]).is_err());
    }

    #[test]
    fn status_is_read_in_both_of_its_widths() {
        let set = SetAmtOperationalState { enabled: true };
        assert_eq!(set.decode(&[5, 1, 0x53, 0x10, 0]), Ok(()));
        assert_eq!(set.decode(&[5, 4, 0x53, 0x10, 0, 0, 0, 0]), Ok(()));
        let refused = set.decode(&[5, 4, 0x53, 0x10, 0x88, 0, 0, 0]).unwrap_err();
        assert_eq!(refused.to_string(), "the manageability client answered NOT_READY (0x88)");
        assert!(!refused.is_framing());
        assert!(set.decode(&[5, 1, 0x53, 0x10]).unwrap_err().is_framing());
    }
}
