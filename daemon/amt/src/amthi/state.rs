//! Who the device is and how far it is set up: UUID, provisioning state, control mode.

use std::fmt;

use super::reader::Reader;
use super::{AmthiError, Command};

/// Asks how far the device is provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetProvisioningState;

/// How far the device is provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProvisioningState {
    /// Not provisioned.
    Pre,
    /// Provisioning is under way.
    In,
    /// Provisioned.
    Post,
    /// A value that is not known.
    Unknown(u32),
}

impl Command for GetProvisioningState {
    type Answer = ProvisioningState;

    const OPERATION: u32 = 0x11;

    fn parse(payload: &[u8]) -> Result<ProvisioningState, AmthiError> {
        Ok(match Reader::new(payload).u32("provisioning state")? {
            0 => ProvisioningState::Pre,
            1 => ProvisioningState::In,
            2 => ProvisioningState::Post,
            other => ProvisioningState::Unknown(other),
        })
    }
}

/// Asks in which mode the device is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetControlMode;

/// The mode in which the device is controlled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlMode {
    /// Not activated.
    None,
    /// Client control mode (CCM): activated from the host, user consent needed for some features.
    Client,
    /// Admin control mode (ACM).
    Admin,
    /// A value that is not known.
    Unknown(u32),
}

impl Command for GetControlMode {
    type Answer = ControlMode;

    const OPERATION: u32 = 0x6B;

    fn parse(payload: &[u8]) -> Result<ControlMode, AmthiError> {
        Ok(match Reader::new(payload).u32("control mode")? {
            0 => ControlMode::None,
            1 => ControlMode::Client,
            2 => ControlMode::Admin,
            other => ControlMode::Unknown(other),
        })
    }
}

/// Asks whether the maker of the platform allows admin control mode without a certificate (embedded host based
/// configuration).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetEhbcState;

impl Command for GetEhbcState {
    type Answer = bool;

    const OPERATION: u32 = 0x84;

    fn parse(payload: &[u8]) -> Result<bool, AmthiError> {
        Ok(Reader::new(payload).u32("EHBC state")? != 0)
    }
}

/// Asks for the UUID of the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetUuid;

/// The UUID of the device, the same as the system's in SMBIOS.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Uuid([u8; 16]);

impl Uuid {
    /// From the order of firmware and SMBIOS: the first three groups little-endian.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes in that order.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// The usual text, in lower case.
impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, last @ ..] = self.0;
        let first = u32::from_le_bytes([a0, a1, a2, a3]);
        let second = u16::from_le_bytes([b0, b1]);
        let third = u16::from_le_bytes([c0, c1]);
        let fourth = u16::from_be_bytes([d0, d1]);
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-")?;
        last.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uuid({self})")
    }
}

impl Command for GetUuid {
    type Answer = Uuid;

    const OPERATION: u32 = 0x5C;

    fn parse(payload: &[u8]) -> Result<Uuid, AmthiError> {
        Reader::new(payload).array("UUID").map(Uuid)
    }
}
