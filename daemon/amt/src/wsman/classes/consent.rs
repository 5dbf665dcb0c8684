//! IPS_OptInService (wsman 9.6): whether a user at the machine must consent to redirection.

use super::view;
use crate::wsman::{Instance, PropertyError};

/// IPS_OptInService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptInService(Instance);
view!(OptInService, "IPS_OptInService");

/// For what a user must consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OptInRequired {
    /// For nothing.
    None,
    /// For the screen.
    Kvm,
    /// For all redirection. Always so in client control mode.
    All,
    /// A value that is not known.
    Unknown(u32),
}

impl OptInRequired {
    const fn number(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Kvm => 1,
            Self::All => u32::MAX,
            Self::Unknown(number) => number,
        }
    }

    const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::None,
            1 => Self::Kvm,
            u32::MAX => Self::All,
            other => Self::Unknown(other),
        }
    }
}

impl OptInService {
    /// For what a user must consent.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn required(&self) -> Result<OptInRequired, PropertyError> {
        self.0.required_number("OptInRequired").map(OptInRequired::from_number)
    }

    /// Sets for what a user must consent.
    pub fn set_required(&mut self, required: OptInRequired) {
        self.0.set("OptInRequired", required.number());
    }

    /// Whether it may be changed. `None` where firmware does not say.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn can_modify(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("CanModifyOptInPolicy")
    }

    /// How far a consent has come, as firmware numbers it (wsman 9.6).
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn state(&self) -> Result<u32, PropertyError> {
        self.0.required_number("OptInState")
    }
}
