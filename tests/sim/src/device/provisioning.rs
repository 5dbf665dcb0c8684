//! The provisioning state machine: pre, in and post, client and admin control, and every way between them (activation 3 to 7).
//!
//! The provisioning state is derived, never stored: a device is *in* provisioning while a configuration is under way, *post* when
//! it has a control mode and none is, *pre* otherwise. AMTHI and WSMAN translate [`StateError`] into their own numbers; what
//! survives a restart is `saved`'s. Which refusal firmware gives for which mistake is mostly unknown: the module comment of
//! `web::classes::setup` and the package's README say what is guessed.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::leaving::Leaving;
use super::accounts::{Admin, Ha1};
use super::chain::{CertificateChain, ChainError, ChainStatus, Place, Trust};
use super::random::Random;
use super::{ControlMode, Device};
use crate::config::TlsMode;

mod configuration;
mod leaving;

/// Provisioning state (AMTHI 0x11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisioningState {
    /// Not provisioned.
    Pre = 0,
    /// A configuration has started and is not committed.
    In = 1,
    /// Provisioned.
    Post = 2,
}

/// Why the device refused a change of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The device is activated, or being configured.
    #[error("the device is activated or being configured; unprovision it first")]
    AlreadyActivated,
    /// The device is not activated.
    #[error("the device is not activated")]
    NotActivated,
    /// The local command is not for this control mode.
    #[error("admin control mode is left through WSMAN only")]
    AdminControl,
    /// It is for admin control mode only.
    #[error("this takes admin control mode")]
    NotAdminControl,
    /// No configuration is under way.
    #[error("no configuration is under way")]
    NotConfiguring,
    /// The configuration that is under way lacks something.
    #[error("the configuration lacks the administrator's password or that of the MEBx")]
    DataMissing,
    /// The client of a configuration over TLS did not show a certificate that the device trusts for provisioning.
    #[error("the client has shown no certificate that the device trusts for provisioning")]
    UntrustedClient,
    /// Something keeps the device from being unprovisioned.
    #[error("a component keeps the device from being unprovisioned")]
    Blocked,
    /// AMT is switched off.
    #[error("AMT is switched off")]
    Disabled,
}

/// Why IPS_HostBasedSetupService refused, by its own return values (wsman 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetupError {
    InvalidState = 2,
    InvalidParameter = 3,
    MethodDisabled = 4,
    AuthenticationFailed = 5,
}

/// The proof of `AdminSetup` and `UpgradeClientToAdmin`: the client's nonce, and a signature over both nonces (activation 2).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proof<'a> {
    pub(crate) nonce: &'a [u8; 20],
    pub(crate) signature: &'a [u8],
}

/// A configuration that is under way and not committed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Configuration {
    /// A remote one was announced by AMTHI; nobody comes.
    Remote,
    /// Over TLS by a host that shows a provisioning certificate; with what was there before, for the case that it is stopped.
    HostBased { before: ControlMode, former: Option<Admin>, has_password: bool },
    /// `Setup` where TLS is enforced: it counts when it is committed.
    Uncommitted,
}

/// What the state machine remembers.
#[derive(Debug)]
pub(crate) struct Provisioning {
    pub(super) mode: ControlMode,
    pub(super) configuration: Option<Configuration>,
    pub(super) nonce: [u8; 20],
    pub(super) chain: CertificateChain,
    pub(super) has_mebx_password: bool,
    /// Client control mode was switched off (`DisableClientControlMode`).
    pub(super) refuses_client_control: bool,
    /// What the host's MEBx or operating system switched off.
    pub(super) is_enabled: bool,
    /// Name of what keeps the device from being unprovisioned.
    pub(super) blocking: Option<String>,
    /// How long a full unprovisioning takes after it was answered.
    delay: Duration,
    leaving: Option<Leaving>,
    /// Grows with every change of the control mode or the provisioning state.
    changes: u64,
}

impl Provisioning {
    pub(super) fn new(mode: ControlMode, delay: Duration, random: &mut Random) -> Self {
        Self {
            mode,
            configuration: None,
            nonce: random.bytes(),
            chain: CertificateChain::default(),
            has_mebx_password: false,
            refuses_client_control: false,
            is_enabled: true,
            blocking: None,
            delay,
            leaving: None,
            changes: 0,
        }
    }

    /// Half-way if so configured, and switched off.
    pub(super) fn start(&mut self, in_provisioning: bool, enabled: bool) {
        self.is_enabled = enabled;
        self.configuration = match self.mode {
            ControlMode::None if in_provisioning => Some(Configuration::Remote),
            ControlMode::Client if in_provisioning => Some(Configuration::Uncommitted),
            _ => None,
        };
    }

    pub(super) fn state(&self) -> ProvisioningState {
        match (&self.configuration, self.mode) {
            (Some(_), _) => ProvisioningState::In,
            (None, ControlMode::None) => ProvisioningState::Pre,
            (None, ControlMode::Client | ControlMode::Admin) => ProvisioningState::Post,
        }
    }

    /// When an unprovisioning is done.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.leaving.map(|leaving| leaving.due)
    }

    /// Whether there is neither a control mode nor anything under way that leads to one.
    fn is_untouched(&self) -> bool {
        self.state() == ProvisioningState::Pre && self.leaving.is_none()
    }

    fn change(&mut self, mode: ControlMode, configuration: Option<Configuration>) {
        self.mode = mode;
        self.configuration = configuration;
        self.changes += 1;
    }
}

/// Activation.
impl Device {
    /// `Setup`: client control mode with the administrator's digest secret. Where TLS is enforced it has to be committed.
    pub(crate) fn setup(&mut self, admin: Ha1, now: Instant) -> Result<(), SetupError> {
        if self.provisioning.refuses_client_control {
            return Err(SetupError::MethodDisabled);
        }
        if !self.may_be_set_up() {
            return Err(SetupError::InvalidState);
        }
        let commit = self.security.mode() == TlsMode::Enforced;
        self.activate(ControlMode::Client, commit.then_some(Configuration::Uncommitted), now);
        self.accounts.set_admin(Some(Admin::new(admin)));
        Ok(())
    }

    /// `AddNextCertInChain`: before activation, or in client control mode on the way out of it.
    pub(crate) fn add_certificate(
        &mut self,
        der: &[u8],
        place: Place,
        now: Instant,
    ) -> Result<(), ChainError> {
        if !self.may_be_set_up() && !self.may_be_upgraded() {
            return Err(ChainError::InvalidState);
        }
        let mut chain = std::mem::take(&mut self.provisioning.chain);
        let outcome = chain.add(der, place, &self.trust(now));
        self.provisioning.chain = chain;
        outcome
    }

    /// `AdminSetup`: admin control mode, for the holder of the provisioning certificate whose chain was given before.
    pub(crate) fn admin_setup(
        &mut self,
        admin: Ha1,
        proof: Proof<'_>,
        now: Instant,
    ) -> Result<(), SetupError> {
        if !self.may_be_set_up() {
            return Err(SetupError::InvalidState);
        }
        self.check_proof(proof)?;
        self.activate(ControlMode::Admin, None, now);
        self.accounts.set_admin(Some(Admin::new(admin)));
        Ok(())
    }

    /// `UpgradeClientToAdmin`: from client to admin control mode, by the same proof; the password stays.
    pub(crate) fn upgrade(&mut self, proof: Proof<'_>, now: Instant) -> Result<(), SetupError> {
        if !self.may_be_upgraded() {
            return Err(SetupError::InvalidState);
        }
        self.check_proof(proof)?;
        self.activate(ControlMode::Admin, None, now);
        Ok(())
    }

    /// `DisableClientControlMode`, before activation. It lasts until a full unprovisioning.
    pub(crate) fn refuse_client_control(&mut self) -> Result<(), SetupError> {
        if !self.may_be_set_up() {
            return Err(SetupError::InvalidState);
        }
        self.provisioning.refuses_client_control = true;
        Ok(())
    }

    fn may_be_set_up(&self) -> bool {
        self.provisioning.is_enabled && self.provisioning.is_untouched()
    }

    fn may_be_upgraded(&self) -> bool {
        let provisioning = &self.provisioning;
        provisioning.mode == ControlMode::Client
            && provisioning.configuration.is_none()
            && provisioning.leaving.is_none()
    }

    /// A nonce is good for one proof, whatever becomes of it.
    fn check_proof(&mut self, proof: Proof<'_>) -> Result<(), SetupError> {
        if self.provisioning.chain.status() != ChainStatus::Complete {
            return Err(SetupError::InvalidState);
        }
        let message = [self.provisioning.nonce, *proof.nonce].concat();
        let verified = self.provisioning.chain.verifies(&message, proof.signature);
        self.provisioning.nonce = self.random.bytes();
        if verified { Ok(()) } else { Err(SetupError::AuthenticationFailed) }
    }

    fn activate(&mut self, mode: ControlMode, configuration: Option<Configuration>, now: Instant) {
        self.provisioning.change(mode, configuration);
        self.provisioning.nonce = self.random.bytes();
        self.provisioning.chain = CertificateChain::default();
        self.log_event(3, now);
    }

    /// What a provisioning certificate is compared with: the suffix of the MEBx or, while the wired link is up, of DHCP.
    fn trust(&self, now: Instant) -> Trust<'_> {
        let network = &self.network;
        let of_dhcp = network.wired.link_up.then_some(network.domain_name.as_str());
        let suffix = [Some(network.dns_suffix.as_str()), of_dhcp].into_iter().flatten();
        Trust {
            hashes: &self.hashes,
            suffix: suffix.into_iter().find(|suffix| !suffix.trim_matches('.').is_empty()),
            unix_time: self.unix_time(now).try_into().unwrap_or(i64::MAX),
        }
    }
}

/// Restarts, and what is shown.
impl Device {
    /// The firmware restarts: what it had only in memory is gone, an unprovisioning under way is done.
    pub(crate) fn restart(&mut self, now: Instant) {
        if let Some(leaving) = &mut self.provisioning.leaving {
            leaving.due = now;
        }
        self.finish_leaving(now);
        self.provisioning.chain = CertificateChain::default();
        self.provisioning.nonce = self.random.bytes();
        self.web.forget_logins();
    }

    /// Gives the local system account a new password, as a restart of the host does (wsman 2).
    pub(crate) fn renew_local_password(&mut self) {
        let password = super::new_local_password(&mut self.random);
        self.accounts.set_local_password(&self.realm, password);
    }

    /// Provisioning state.
    #[must_use]
    pub fn provisioning_state(&self) -> ProvisioningState {
        self.provisioning.state()
    }

    /// `ConfigurationNonce` of IPS_HostBasedSetupService.
    #[must_use]
    pub fn configuration_nonce(&self) -> &[u8; 20] {
        &self.provisioning.nonce
    }

    /// `CertChainStatus`.
    pub(crate) fn chain_status(&self) -> ChainStatus {
        self.provisioning.chain.status()
    }

    /// `AllowedControlModes`: firmware lists both whatever the present mode is, unless client control was switched off.
    pub(crate) fn allowed_control_modes(&self) -> &'static [u32] {
        if self.provisioning.refuses_client_control { &[2] } else { &[2, 1] }
    }

    /// Whether AMT is switched on.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.provisioning.is_enabled
    }

    /// Whether the MEBx has a password of its own.
    pub(crate) fn has_mebx_password(&self) -> bool {
        self.provisioning.has_mebx_password
    }

    /// Number of changes of the control mode or the provisioning state so far.
    pub(crate) fn state_changes(&self) -> u64 {
        self.provisioning.changes
    }
}
