//! Deactivation: by AMTHI, by WSMAN, whole or in part, at once or after a while (activation 7).
//!
//! Part of `provisioning`, which has the states; called by `amthi` and `web::classes`.

use std::time::Instant;

use super::StateError;
use crate::device::chain::CertificateChain;
use crate::device::features::Features;
use crate::device::presence::AgentPresence;
use crate::device::settings::Settings;
use crate::device::{ControlMode, Device, new_realm};

/// An unprovisioning that was answered and is not done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaving {
    pub(super) due: Instant,
    extent: Extent,
}

/// How much an unprovisioning removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    Full,
    /// The administrator, the realm and the names stay.
    Partial,
}

impl Device {
    /// AMTHI Unprovision (amthi 3.16): client control mode only, committed or not.
    ///
    /// # Errors
    /// [`StateError::AdminControl`] in admin control mode, [`StateError::NotActivated`] if there is nothing to undo,
    /// [`StateError::Blocked`] while a component refuses.
    pub fn unprovision_locally(&mut self, now: Instant) -> Result<(), StateError> {
        if self.control_mode() == ControlMode::Admin {
            return Err(StateError::AdminControl);
        }
        self.unprovision(now)
    }

    /// WSMAN's Unprovision: any control mode. Accounts, realm, nonces, settings, names, certificates, watchdogs and the hashes
    /// that did not come with the firmware are gone when it is done, which may be later.
    ///
    /// # Errors
    /// [`StateError::NotActivated`] if there is nothing to undo, [`StateError::Blocked`] while a component refuses.
    pub fn unprovision(&mut self, now: Instant) -> Result<(), StateError> {
        self.leave(Extent::Full, now)
    }

    /// `PartialUnprovision`: admin control mode only; the administrator, the realm and the names stay.
    pub(crate) fn unprovision_partially(&mut self, now: Instant) -> Result<(), StateError> {
        if self.control_mode() != ControlMode::Admin {
            return Err(StateError::NotAdminControl);
        }
        self.leave(Extent::Partial, now)
    }

    /// Has `component` keep the device from being unprovisioned, or nothing.
    pub(crate) fn block_unprovisioning(&mut self, component: Option<String>) {
        self.provisioning.blocking = component;
    }

    /// What keeps the device from being unprovisioned.
    pub(crate) fn blocking_component(&self) -> Option<&str> {
        self.provisioning.blocking.as_deref()
    }

    /// Switches AMT on or off; an activated device stays on.
    pub(crate) fn enable(&mut self, enabled: bool) -> Result<(), StateError> {
        if !enabled && !self.provisioning.is_untouched() {
            return Err(StateError::AlreadyActivated);
        }
        self.provisioning.is_enabled = enabled;
        Ok(())
    }

    fn leave(&mut self, extent: Extent, now: Instant) -> Result<(), StateError> {
        let provisioning = &mut self.provisioning;
        if provisioning.mode == ControlMode::None || provisioning.leaving.is_some() {
            return Err(StateError::NotActivated);
        }
        if provisioning.blocking.is_some() {
            return Err(StateError::Blocked);
        }
        provisioning.leaving = Some(Leaving { due: now + provisioning.delay, extent });
        self.finish_leaving(now);
        Ok(())
    }

    /// Carries out an unprovisioning whose time has come.
    pub(in crate::device) fn finish_leaving(&mut self, now: Instant) {
        let Some(leaving) = self.provisioning.leaving.take_if(|leaving| leaving.due <= now) else { return };
        if leaving.extent == Extent::Full {
            self.forget_owner();
        }
        self.accounts.remove_users();
        self.web.forget_logins();
        self.presence = AgentPresence::default();
        self.settings = Settings::default();
        self.features = Features::default();
        self.security.unprovision();
        self.provisioning.change(ControlMode::None, None);
        self.provisioning.nonce = self.random.bytes();
        self.provisioning.chain = CertificateChain::default();
        self.log_event(4, now);
    }

    /// What a full unprovisioning removes and a partial one does not. Whether the realm changes is unknown; here it does, so that
    /// a client cannot rely on the old one.
    fn forget_owner(&mut self) {
        self.accounts.set_admin(None);
        self.realm = new_realm(&mut self.random);
        let password = self.accounts.local_password().clone();
        self.accounts.set_local_password(&self.realm, password);
        self.hashes.retain(|entry| entry.is_default);
        self.network.clone_from(&self.factory_network);
        self.provisioning.refuses_client_control = false;
    }
}
