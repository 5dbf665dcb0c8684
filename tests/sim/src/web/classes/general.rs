//! AMT_GeneralSettings (wsman 9.1).

use std::time::Instant;

use super::{Class, INSTANCE_ID, Invocation, resource};
use crate::device::Device;
use crate::device::settings::Settings;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::Instance;

pub(super) static SETTINGS: Class =
    Class { put: Some(put), ..Class::read_only(resource!(amt "AMT_GeneralSettings"), INSTANCE_ID, list) };

const NAME: &str = "Intel(r) AMT: General Settings";

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    let settings = &device.settings;
    let network = &device.network;
    let instance = Instance::with_capacity(24)
        .with("AMTNetworkEnabled", 1)
        .with("DDNSPeriodicUpdateInterval", settings.ddns_interval)
        .with("DDNSTTL", settings.ddns_ttl)
        .with("DDNSUpdateByDHCPServerEnabled", settings.ddns_update_by_dhcp)
        .with("DDNSUpdateEnabled", settings.ddns_update)
        .with("DHCPSyncRequiresHostname", 1)
        .with("DHCPv6ConfigurationTimeout", 0)
        .with("DigestRealm", device.realm().to_owned())
        .with("DomainName", network.domain_name.clone())
        .with("ElementName", NAME)
        .with("HostName", network.host_name.clone())
        .with("HostOSFQDN", network.host_fqdn())
        .with("IdleWakeTimeout", settings.idle_wake_timeout)
        .with("InstanceID", NAME)
        .with("NetworkInterfaceEnabled", settings.network_interface)
        .with("PingResponseEnabled", settings.ping_response)
        .with("PowerSource", 0)
        .with("PreferredAddressFamily", 0)
        .with("PresenceNotificationInterval", 0)
        .with("PrivacyLevel", 0)
        .with("RmcpPingResponseEnabled", settings.rmcp_ping_response)
        .with("SharedFQDN", settings.shared_fqdn)
        .with("ThunderboltDockEnabled", 0)
        .with("WsmanOnlyMode", false);
    vec![instance]
}

/// Properties that are left out fall back to their defaults (wsman 5); the others of the class are read-only and ignored.
fn put(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let input = call.input;
    let host_name = input.short_text("HostName", 63)?;
    let domain_name = input.short_text("DomainName", 191)?;
    let default = Settings::default();
    let settings = Settings {
        ping_response: required(input.flag("PingResponseEnabled")?)
            .map_err(|_| Fault::InvalidRepresentation)?,
        rmcp_ping_response: input.flag("RmcpPingResponseEnabled")?.unwrap_or(default.rmcp_ping_response),
        network_interface: input.flag("NetworkInterfaceEnabled")?.unwrap_or(default.network_interface),
        shared_fqdn: input.flag("SharedFQDN")?.unwrap_or(default.shared_fqdn),
        ddns_update: input.flag("DDNSUpdateEnabled")?.unwrap_or(default.ddns_update),
        ddns_update_by_dhcp: input
            .flag("DDNSUpdateByDHCPServerEnabled")?
            .unwrap_or(default.ddns_update_by_dhcp),
        ddns_interval: input.number("DDNSPeriodicUpdateInterval")?.unwrap_or(default.ddns_interval),
        ddns_ttl: input.number("DDNSTTL")?.unwrap_or(default.ddns_ttl),
        idle_wake_timeout: input.number("IdleWakeTimeout")?.unwrap_or(default.idle_wake_timeout),
        ..call.device.settings.clone()
    };
    // Nothing fails from here on: a Put is applied as a whole or not at all.
    call.device.settings = settings;
    let factory = call.device.factory_network();
    let host_name = host_name.unwrap_or(&factory.host_name).to_owned();
    let domain_name = domain_name.unwrap_or(&factory.domain_name).to_owned();
    let network = &mut call.device.network;
    (network.host_name, network.domain_name) = (host_name, domain_name);
    Ok(())
}
