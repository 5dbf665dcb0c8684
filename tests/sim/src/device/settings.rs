//! Settings that WSMAN reads and writes and that change nothing else in the simulator.
//!
//! Part of [`super::Device`]; written by `web::classes`.

use serde::{Deserialize, Serialize};

/// Settings without an effect in the simulator: they are stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) ping_response: bool,
    pub(crate) rmcp_ping_response: bool,
    pub(crate) network_interface: bool,
    pub(crate) shared_fqdn: bool,
    pub(crate) ddns_update: bool,
    pub(crate) ddns_update_by_dhcp: bool,
    pub(crate) ddns_interval: u32,
    pub(crate) ddns_ttl: u32,
    pub(crate) idle_wake_timeout: u32,
    /// IDER and SOL bits of AMT_RedirectionService.EnabledState, 0 to 3.
    pub(crate) redirection: u32,
    pub(crate) redirection_listener: bool,
    /// Whether KVM redirection is on.
    pub(crate) kvm: bool,
    /// KVM over port 5900, whether it asks for consent, and its idle limit in minutes.
    pub(crate) port_5900: bool,
    pub(crate) kvm_opt_in: bool,
    pub(crate) kvm_session_timeout: u32,
    /// What needs consent in admin control mode: 0 nothing, 1 KVM, 4294967295 everything.
    pub(crate) opt_in_required: u32,
    /// Who has the wireless link: 1 the management engine, 2 the host.
    pub(crate) link_preference: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ping_response: true,
            rmcp_ping_response: true,
            network_interface: true,
            shared_fqdn: true,
            ddns_update: false,
            ddns_update_by_dhcp: true,
            ddns_interval: 1440,
            ddns_ttl: 900,
            idle_wake_timeout: 1,
            redirection: 3,
            redirection_listener: true,
            kvm: true,
            port_5900: false,
            kvm_opt_in: true,
            kvm_session_timeout: 3,
            opt_in_required: u32::MAX,
            link_preference: 2,
        }
    }
}
