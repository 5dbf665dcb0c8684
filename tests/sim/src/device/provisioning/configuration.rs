//! Configurations: started by AMTHI or by `Setup`, committed or stopped (activation 3, 5; amthi 3.13).
//!
//! A remote one waits for a server that never comes. One over TLS waits for the client whose certificate was announced; that its
//! chain is judged at the commit is a guess. Part of `provisioning`, which has the states; called by `amthi` and `web::classes`.

use std::time::Instant;

use super::{Configuration, StateError};
use crate::device::accounts::Admin;
use crate::device::chain::{CertificateChain, Place};
use crate::device::network::HashAlgorithm;
use crate::device::{ControlMode, Device};
use crate::tls::ClientHash;

impl Device {
    /// AMTHI StartConfiguration: lets a remote provisioning server come, before activation.
    pub(crate) fn start_configuration(&mut self) -> Result<(), StateError> {
        if !self.provisioning.is_enabled {
            return Err(StateError::Disabled);
        }
        if !self.provisioning.is_untouched() {
            return Err(StateError::AlreadyActivated);
        }
        self.provisioning.change(ControlMode::None, Some(Configuration::Remote));
        Ok(())
    }

    /// AMTHI StartConfigurationHBased: waits for the client with this certificate on the secure port. Returns the hash of the
    /// device's own certificate, `None` if the algorithm does not exist there.
    pub(crate) fn start_host_based(&mut self, client: ClientHash) -> Result<Option<Vec<u8>>, StateError> {
        if !self.provisioning.is_enabled {
            return Err(StateError::Disabled);
        }
        if !self.provisioning.is_untouched() && !self.may_be_upgraded() {
            return Err(StateError::AlreadyActivated);
        }
        let before = self.provisioning.mode;
        let Ok(Some(own)) = self.security.leaf_hash(client.algorithm) else { return Ok(None) };
        let former = self.accounts.admin().cloned();
        let configuration = Configuration::HostBased { before, former, has_password: false };
        self.security.begin_host_based(client);
        self.provisioning.change(before, Some(configuration));
        Ok(Some(own))
    }

    /// AMTHI StopConfiguration: back to the state before it.
    pub(crate) fn stop_configuration(&mut self) -> Result<(), StateError> {
        let configuration = self.provisioning.configuration.clone().ok_or(StateError::NotConfiguring)?;
        let mode = match configuration {
            Configuration::HostBased { before, former, .. } => {
                self.accounts.set_admin(former);
                before
            }
            Configuration::Remote => ControlMode::None,
            Configuration::Uncommitted => {
                self.accounts.set_admin(None);
                ControlMode::None
            }
        };
        self.security.end_host_based();
        self.web.forget_logins();
        self.provisioning.change(mode, None);
        Ok(())
    }

    /// `CommitChanges`, as far as provisioning is concerned: ends the configuration that is under way.
    pub(crate) fn commit_configuration(&mut self, now: Instant) -> Result<(), StateError> {
        match &self.provisioning.configuration {
            None => return Ok(()),
            Some(Configuration::Remote) => return Err(StateError::NotActivated),
            Some(Configuration::Uncommitted) => {
                let mode = self.provisioning.mode;
                self.provisioning.change(mode, None);
                return Ok(());
            }
            Some(Configuration::HostBased { has_password, .. }) => {
                if !self.client_is_trusted(now) {
                    return Err(StateError::UntrustedClient);
                }
                if !has_password || !self.provisioning.has_mebx_password {
                    return Err(StateError::DataMissing);
                }
            }
        }
        self.security.end_host_based();
        self.activate(ControlMode::Admin, None, now);
        Ok(())
    }

    /// Whether a configuration over TLS is under way, during which the local system account may do what it takes.
    pub(crate) fn is_configured_by_host(&self) -> bool {
        matches!(self.provisioning.configuration, Some(Configuration::HostBased { .. }))
    }

    /// Makes an administrator of this name and secret. Logins that are remembered do not count any more.
    pub(crate) fn set_admin(&mut self, admin: Admin) {
        if let Some(Configuration::HostBased { has_password, .. }) = &mut self.provisioning.configuration {
            *has_password = true;
        }
        self.accounts.set_admin(Some(admin));
        self.web.forget_logins();
    }

    /// Notes that the MEBx has a password; its text is not kept, because nothing asks for it.
    pub(crate) fn set_mebx_password(&mut self) -> Result<(), StateError> {
        if self.control_mode() != ControlMode::Admin && !self.is_configured_by_host() {
            return Err(StateError::NotAdminControl);
        }
        self.provisioning.has_mebx_password = true;
        Ok(())
    }

    /// The chain of the client whose handshake succeeded has to be one that `AddNextCertInChain` would take.
    fn client_is_trusted(&self, now: Instant) -> bool {
        let (given, trust) = (self.security.client_chain(), self.trust(now));
        let mut chain = CertificateChain::default();
        let add = |(index, der): (usize, &Vec<u8>)| {
            let place = Place { is_leaf: index == 0, is_root: index + 1 == given.len() };
            chain.add(der, place, &trust).is_ok()
        };
        !given.is_empty() && given.iter().enumerate().all(add)
    }

    /// The hash algorithm with this number, if a host-based configuration knows it (amthi 3.13).
    pub(crate) fn host_based_algorithm(number: u8) -> Option<HashAlgorithm> {
        [HashAlgorithm::Sha256, HashAlgorithm::Sha384].into_iter().find(|known| *known as u8 == number)
    }
}
