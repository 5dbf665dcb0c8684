//! AMT_GeneralSettings (wsman 9.1): the realm of logins, and the device's names.

use super::view;
use crate::wsman::{Instance, PropertyError, Realm};

/// AMT_GeneralSettings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneralSettings(Instance);
view!(GeneralSettings, "AMT_GeneralSettings");

impl GeneralSettings {
    /// The realm of all digests, checked. Read it afresh in every job.
    ///
    /// # Errors
    ///
    /// [`PropertyError`], if it is missing or has another form: then no password may be set with it.
    pub fn digest_realm(&self) -> Result<Realm, PropertyError> {
        let text = self.0.required("DigestRealm")?;
        Realm::parse(text).map_err(|_| PropertyError::Value {
            class: "AMT_GeneralSettings".to_owned(),
            property: "DigestRealm",
        })
    }

    /// The host name; empty if there is none.
    pub fn host_name(&self) -> &str {
        self.0.text("HostName").unwrap_or_default()
    }

    /// Sets the host name, of at most 63 bytes.
    pub fn set_host_name(&mut self, name: &str) {
        self.0.set("HostName", name);
    }

    /// The domain; empty if there is none.
    pub fn domain_name(&self) -> &str {
        self.0.text("DomainName").unwrap_or_default()
    }

    /// Sets the domain, of at most 191 bytes.
    pub fn set_domain_name(&mut self, name: &str) {
        self.0.set("DomainName", name);
    }

    /// Whether device and host have the same name.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn shared_fqdn(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("SharedFQDN")
    }

    /// Sets whether device and host have the same name.
    pub fn set_shared_fqdn(&mut self, shared: bool) {
        self.0.set("SharedFQDN", shared);
    }

    /// Whether the device is on the network at all.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn network_interface_enabled(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("NetworkInterfaceEnabled")
    }

    /// Sets whether the device is on the network at all.
    pub fn set_network_interface_enabled(&mut self, enabled: bool) {
        self.0.set("NetworkInterfaceEnabled", enabled);
    }

    /// Whether the device answers pings. A Put must say it (wsman 9.1).
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn ping_response_enabled(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("PingResponseEnabled")
    }

    /// Sets whether the device answers pings.
    pub fn set_ping_response_enabled(&mut self, enabled: bool) {
        self.0.set("PingResponseEnabled", enabled);
    }
}
