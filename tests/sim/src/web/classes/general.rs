//! AMT_GeneralSettings (wsman 9.1).

use std::time::Instant;

use super::{Class, INSTANCE_ID, Invocation, resource};
use crate::device::Device;
use crate::web::fault::Fault;
use crate::web::input::{assign, required};
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

/// Properties that are left out keep their values; the others of the class are read-only and ignored.
fn put(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let input = call.input;
    let host_name = input.short_text("HostName", 63)?;
    let domain_name = input.short_text("DomainName", 191)?;
    let mut settings = call.device.settings.clone();
    settings.ping_response =
        required(input.flag("PingResponseEnabled")?).map_err(|_| Fault::InvalidRepresentation)?;
    assign(&mut settings.rmcp_ping_response, input.flag("RmcpPingResponseEnabled")?);
    assign(&mut settings.network_interface, input.flag("NetworkInterfaceEnabled")?);
    assign(&mut settings.shared_fqdn, input.flag("SharedFQDN")?);
    assign(&mut settings.ddns_update, input.flag("DDNSUpdateEnabled")?);
    assign(&mut settings.ddns_update_by_dhcp, input.flag("DDNSUpdateByDHCPServerEnabled")?);
    assign(&mut settings.ddns_interval, input.number("DDNSPeriodicUpdateInterval")?);
    assign(&mut settings.ddns_ttl, input.number("DDNSTTL")?);
    assign(&mut settings.idle_wake_timeout, input.number("IdleWakeTimeout")?);
    // Nothing fails from here on: a Put is applied as a whole or not at all.
    call.device.settings = settings;
    assign(&mut call.device.network.host_name, host_name.map(str::to_owned));
    assign(&mut call.device.network.domain_name, domain_name.map(str::to_owned));
    Ok(())
}
