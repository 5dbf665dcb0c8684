//! What the device is: control mode, provisioning state, TLS, version. Read over the host interface, which answers
//! when nothing else does and needs no login; the most reliable truth there is (activation 1).

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::amthi::{ControlMode, ProvisioningState};

/// What the device is, as far as flows decide by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// The mode in which it is controlled.
    #[serde(with = "control_mode")]
    pub control_mode: ControlMode,
    /// How far it is provisioned.
    #[serde(with = "provisioning_state")]
    pub provisioning_state: ProvisioningState,
    /// Whether local ports enforce TLS.
    pub tls_enforced: bool,
}

impl DeviceState {
    /// Whether a provisioning was begun and not ended.
    pub fn is_half_provisioned(&self) -> bool {
        self.provisioning_state == ProvisioningState::In
    }

    /// Whether it is activated in this mode, and finished with that.
    pub fn is_active_in(&self, mode: ControlMode) -> bool {
        self.control_mode == mode && !self.is_half_provisioned()
    }

    /// Whether it is not activated, and nothing was begun.
    pub fn is_inactive(&self) -> bool {
        self.control_mode == ControlMode::None && !self.is_half_provisioned()
    }
}

/// In words, such as `not activated, TLS not enforced`.
impl fmt::Display for DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&control_mode_words(self.control_mode))?;
        if self.is_half_provisioned() {
            f.write_str(", provisioning not finished")?;
        }
        f.write_str(if self.tls_enforced { ", TLS enforced" } else { ", TLS not enforced" })
    }
}

/// The control mode as people call it.
pub(super) fn control_mode_words(mode: ControlMode) -> String {
    match mode {
        ControlMode::None => "not activated".into(),
        ControlMode::Client => "client control mode".into(),
        ControlMode::Admin => "admin control mode".into(),
        ControlMode::Unknown(number) => format!("unknown control mode {number}"),
    }
}

/// As firmware's number.
mod control_mode {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::ControlMode;

    pub(super) fn serialize<S: Serializer>(mode: &ControlMode, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(match mode {
            ControlMode::None => 0,
            ControlMode::Client => 1,
            ControlMode::Admin => 2,
            ControlMode::Unknown(number) => *number,
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ControlMode, D::Error> {
        Ok(match u32::deserialize(from)? {
            0 => ControlMode::None,
            1 => ControlMode::Client,
            2 => ControlMode::Admin,
            number => ControlMode::Unknown(number),
        })
    }
}

/// As firmware's number.
mod provisioning_state {
    use serde::{Deserialize, Deserializer, Serializer};

    use super::ProvisioningState;

    pub(super) fn serialize<S: Serializer>(state: &ProvisioningState, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u32(match state {
            ProvisioningState::Pre => 0,
            ProvisioningState::In => 1,
            ProvisioningState::Post => 2,
            ProvisioningState::Unknown(number) => *number,
        })
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ProvisioningState, D::Error> {
        Ok(match u32::deserialize(from)? {
            0 => ProvisioningState::Pre,
            1 => ProvisioningState::In,
            2 => ProvisioningState::Post,
            number => ProvisioningState::Unknown(number),
        })
    }
}
