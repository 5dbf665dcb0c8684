//! What a device keeps over a restart of its firmware: everything that real firmware has in flash.
//!
//! Not kept: nonces, logins and open enumerations; a certificate chain that was given; watchdogs; the event log. Reading and
//! writing the file is `state_file`'s work.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::accounts::Accounts;
use super::features::Features;
use super::network::{HashEntry, Network};
use super::provisioning::Configuration;
use super::random::Random;
use super::settings::Settings;
use super::{ControlMode, Device};
use crate::tls::Store;

/// Layout of [`Saved`]; another one is not read.
const FORMAT: u32 = 1;

/// The lasting part of a device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    format: u32,
    /// State of the generator of random numbers, so that a restart does not repeat them.
    random: Random,
    realm: String,
    accounts: Accounts,
    control_mode: ControlMode,
    configuration: Option<Configuration>,
    has_mebx_password: bool,
    refuses_client_control: bool,
    enabled: bool,
    hashes: Vec<HashEntry>,
    network: Network,
    settings: Settings,
    features: Features,
    security: Store,
    clock_correction: i64,
    clock_is_set: bool,
}

/// The saved state is of another layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it has format {0}; this program knows format {FORMAT}")]
pub(crate) struct UnknownFormat(u32);

impl Saved {
    /// Whether this program knows its layout.
    pub(crate) fn check(&self) -> Result<(), UnknownFormat> {
        if self.format == FORMAT { Ok(()) } else { Err(UnknownFormat(self.format)) }
    }
}

impl Device {
    /// The lasting part as it is now.
    pub(crate) fn save(&self) -> Saved {
        let provisioning = &self.provisioning;
        Saved {
            format: FORMAT,
            random: self.random.clone(),
            realm: self.realm.clone(),
            accounts: self.accounts.clone(),
            control_mode: provisioning.mode,
            configuration: provisioning.configuration.clone(),
            has_mebx_password: provisioning.has_mebx_password,
            refuses_client_control: provisioning.refuses_client_control,
            enabled: provisioning.is_enabled,
            hashes: self.hashes.clone(),
            network: self.network.clone(),
            settings: self.settings.clone(),
            features: self.features.clone(),
            security: self.security.store.clone(),
            clock_correction: self.clock_correction,
            clock_is_set: self.clock_is_set,
        }
    }

    /// Takes a lasting part over: the device has restarted with it. Roots that the configuration trusts stay trusted.
    pub(crate) fn restore(&mut self, saved: Saved, now: Instant) {
        let configured = std::mem::replace(&mut self.hashes, saved.hashes);
        let known = |entry: &HashEntry| self.hashes.iter().any(|known| known.hash == entry.hash);
        let added: Vec<_> =
            configured.into_iter().filter(|entry| entry.is_default && !known(entry)).collect();
        for entry in added {
            let handle = self.hashes.iter().map(|known| known.handle).max().unwrap_or(0) + 1;
            self.hashes.push(HashEntry { handle, ..entry });
        }
        self.random = saved.random;
        self.realm = saved.realm;
        self.accounts = saved.accounts;
        self.network = saved.network;
        self.settings = saved.settings;
        self.features = saved.features;
        self.security.store = saved.security;
        self.clock = self.clock.saturating_add(saved.clock_correction);
        self.clock_correction = saved.clock_correction;
        self.clock_is_set = saved.clock_is_set;
        let provisioning = &mut self.provisioning;
        provisioning.mode = saved.control_mode;
        provisioning.configuration = saved.configuration;
        provisioning.has_mebx_password = saved.has_mebx_password;
        provisioning.refuses_client_control = saved.refuses_client_control;
        provisioning.is_enabled = saved.enabled;
        self.restart(now);
    }
}
