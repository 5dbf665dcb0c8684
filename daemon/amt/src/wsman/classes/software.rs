//! CIM_SoftwareIdentity (wsman 9.4): versions of the firmware's parts.

use super::view;
use crate::wsman::Instance;

/// CIM_SoftwareIdentity: one part of the firmware.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareIdentity(Instance);
view!(SoftwareIdentity, "CIM_SoftwareIdentity", "InstanceID");

impl SoftwareIdentity {
    /// What it is, such as `AMT` or `Build Number`.
    pub fn instance_id(&self) -> &str {
        self.0.text("InstanceID").unwrap_or_default()
    }

    /// Its version, or its value.
    pub fn version(&self) -> &str {
        self.0.text("VersionString").unwrap_or_default()
    }
}
