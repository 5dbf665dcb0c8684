//! AMT_EthernetPortSettings (wsman 9.5) and IPS_HTTPProxyAccessPoint (wsman 11).

use super::view;
use crate::wsman::{Instance, PropertyError};

/// AMT_EthernetPortSettings. One instance for the wired interface; a second one where there is a wireless one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EthernetPortSettings(Instance);
view!(EthernetPortSettings, "AMT_EthernetPortSettings", "InstanceID");

impl EthernetPortSettings {
    /// What selects the wired interface.
    pub const WIRED: &'static str = "Intel(r) AMT Ethernet Port Settings 0";
    /// What selects the wireless interface.
    pub const WIRELESS: &'static str = "Intel(r) AMT Ethernet Port Settings 1";

    /// Which one this is.
    pub fn instance_id(&self) -> &str {
        self.0.text("InstanceID").unwrap_or_default()
    }

    /// The hardware address. `None` for an interface that is not there: firmware reports such ones with none or zeros.
    pub fn mac_address(&self) -> Option<&str> {
        self.0.text("MACAddress").filter(|mac| !mac.is_empty() && *mac != "00-00-00-00-00-00")
    }

    /// Whether there is a link.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn link_is_up(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("LinkIsUp")
    }

    /// Whether the address comes by DHCP.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn dhcp_enabled(&self) -> Result<bool, PropertyError> {
        self.0.required_boolean("DHCPEnabled")
    }

    /// Whether the device takes over the host's address.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn ip_sync_enabled(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("IpSyncEnabled")
    }

    /// The address, if it has one.
    pub fn ip_address(&self) -> Option<&str> {
        self.0.text("IPAddress").filter(|address| !address.is_empty())
    }
}

/// IPS_HTTPProxyAccessPoint: a proxy through which the device can call. Newer firmware only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpProxyAccessPoint(Instance);
view!(HttpProxyAccessPoint, "IPS_HTTPProxyAccessPoint", "Name");

impl HttpProxyAccessPoint {
    /// The address or name of the proxy.
    pub fn access_info(&self) -> &str {
        self.0.text("AccessInfo").unwrap_or_default()
    }

    /// Its port.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn port(&self) -> Result<Option<u32>, PropertyError> {
        self.0.number("Port")
    }

    /// The DNS suffix of the network in which it is used.
    pub fn network_dns_suffix(&self) -> &str {
        self.0.text("NetworkDnsSuffix").unwrap_or_default()
    }
}
