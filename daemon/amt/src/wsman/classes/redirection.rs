//! Redirection of console, disks and screen: AMT_RedirectionService and CIM_KVMRedirectionSAP (wsman 9.6).

use super::view;
use crate::machine::Machine;
use crate::wsman::{Client, Instance, Parameters, PropertyError, WsmanError};

/// AMT_RedirectionService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RedirectionService(Instance);
view!(RedirectionService, "AMT_RedirectionService");

/// What may be redirected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RedirectionState {
    /// Disks (IDER, USB-R).
    pub ider: bool,
    /// The serial console (SOL).
    pub sol: bool,
}

impl RedirectionState {
    /// The number that WSMAN has for it.
    pub const fn number(self) -> u32 {
        match (self.ider, self.sol) {
            (false, false) => 32768,
            (true, false) => 32769,
            (false, true) => 32770,
            (true, true) => 32771,
        }
    }

    /// `None` for a number that means something else.
    const fn from_number(number: u32) -> Option<Self> {
        let (ider, sol) = match number {
            32768 => (false, false),
            32769 => (true, false),
            32770 => (false, true),
            32771 => (true, true),
            _ => return None,
        };
        Some(Self { ider, sol })
    }
}

impl RedirectionService {
    /// What may be redirected.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn state(&self) -> Result<RedirectionState, PropertyError> {
        let wrong =
            || PropertyError::Value { class: "AMT_RedirectionService".to_owned(), property: "EnabledState" };
        RedirectionState::from_number(self.0.required_number("EnabledState")?).ok_or_else(wrong)
    }

    /// Sets what a Put says about it.
    pub fn set_state(&mut self, state: RedirectionState) {
        self.0.set("EnabledState", state.number());
    }

    /// Whether the port for redirection is open.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn listener_enabled(&self) -> Result<bool, PropertyError> {
        self.0.required_boolean("ListenerEnabled")
    }

    /// Sets whether the port for redirection is open.
    pub fn set_listener_enabled(&mut self, enabled: bool) {
        self.0.set("ListenerEnabled", enabled);
        // A Put must not have it (wsman 9.6).
        self.0.remove("AccessLog");
    }

    /// Changes what may be redirected.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn request_state_change<M: Machine>(
        client: &mut Client<M>,
        state: RedirectionState,
    ) -> Result<(), WsmanError> {
        let parameters = Parameters::none().with("RequestedState", state.number());
        client.call::<Self>("RequestStateChange", parameters).await.map(drop)
    }
}

/// CIM_KVMRedirectionSAP. Absent where the platform has no KVM: then reading it is a fault
/// [`crate::wsman::Subcode::DestinationUnreachable`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvmRedirectionSap(Instance);
view!(KvmRedirectionSap, "CIM_KVMRedirectionSAP");

impl KvmRedirectionSap {
    /// Whether the screen may be redirected. Enabled but offline counts as on (wsman 9.6).
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn is_enabled(&self) -> Result<bool, PropertyError> {
        let state = self.0.required_number("EnabledState")?;
        Ok([ENABLED, ENABLED_BUT_OFFLINE].contains(&state))
    }

    /// Changes whether the screen may be redirected.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn request_state_change<M: Machine>(
        client: &mut Client<M>,
        enabled: bool,
    ) -> Result<(), WsmanError> {
        let state = if enabled { ENABLED } else { DISABLED };
        let parameters = Parameters::none().with("RequestedState", state);
        client.call::<Self>("RequestStateChange", parameters).await.map(drop)
    }
}

const ENABLED: u32 = 2;
const DISABLED: u32 = 3;
const ENABLED_BUT_OFFLINE: u32 = 6;
