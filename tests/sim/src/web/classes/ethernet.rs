//! AMT_EthernetPortSettings: one instance for the wired interface, one for the wireless if there is one (wsman 9.5).

use std::net::Ipv4Addr;
use std::time::Instant;

use super::{Class, INSTANCE_ID, Invocation, Method, resource, returned, status};
use crate::device::Device;
use crate::device::network::{LanInterface, Network};
use crate::web::fault::Fault;
use crate::web::input::{Input, required};
use crate::web::value::{Instance, Value};

pub(super) static PORT_SETTINGS: Class = Class {
    put: Some(put),
    methods: &[Method { name: "SetLinkPreference", local_system: true, run: set_link_preference }],
    ..Class::read_only(resource!(amt "AMT_EthernetPortSettings"), INSTANCE_ID, list)
};

const NAME: &str = "Intel(r) AMT Ethernet Port Settings";
const WIRED: &str = "Intel(r) AMT Ethernet Port Settings 0";
const ADDRESSES: [&str; 5] = ["IPAddress", "SubnetMask", "DefaultGateway", "PrimaryDNS", "SecondaryDNS"];
const WIRELESS: &str = "Intel(r) AMT Ethernet Port Settings 1";

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    let wireless = device.network.wireless.as_ref().map(|interface| wireless(device, interface));
    std::iter::once(wired(&device.network.wired)).chain(wireless).collect()
}

fn wired(interface: &LanInterface) -> Instance {
    let address = |address: Option<Ipv4Addr>| address.map(|address| address.to_string());
    Instance::with_capacity(18)
        .with("DHCPEnabled", interface.dhcp)
        .with_option("DefaultGateway", address(interface.gateway))
        .with("ElementName", NAME)
        .with_option("IPAddress", address(interface.address))
        .with("InstanceID", WIRED)
        .with("IpSyncEnabled", interface.ip_sync)
        .with("LinkIsUp", interface.link_up)
        .with_list("LinkPolicy", interface.link_policy.iter().copied())
        .with("MACAddress", interface.mac_text())
        .with("PhysicalConnectionType", 0)
        .with_option("PrimaryDNS", address(interface.primary_dns))
        .with_option("SecondaryDNS", address(interface.secondary_dns))
        .with("SharedDynamicIP", true)
        .with("SharedMAC", true)
        .with("SharedStaticIp", interface.shared_static_ip)
        .with_option("SubnetMask", address(interface.subnet_mask))
}

fn wireless(device: &Device, interface: &LanInterface) -> Instance {
    Instance::with_capacity(12)
        .with("ConsoleTcpMaxRetransmissions", 5)
        .with("DHCPEnabled", interface.dhcp)
        .with("ElementName", NAME)
        .with("InstanceID", WIRELESS)
        .with("LinkControl", device.settings.link_preference)
        .with("LinkIsUp", interface.link_up)
        .with_list("LinkPolicy", interface.link_policy.iter().copied())
        .with("LinkPreference", device.settings.link_preference)
        .with("MACAddress", interface.mac_text())
        .with("PhysicalConnectionType", 3)
        .with("SharedMAC", true)
        .with("WLANLinkProtectionLevel", 1)
}

fn put(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let is_wireless = is_wireless(&call.instance);
    let factory = interface(&mut call.device.factory_network().clone(), is_wireless)?.clone();
    let interface = interface(&mut call.device.network, is_wireless)?;
    *interface = changed(interface, factory, call.input)?;
    Ok(())
}

fn interface(network: &mut Network, is_wireless: bool) -> Result<&mut LanInterface, Fault> {
    match is_wireless {
        true => network.wireless.as_mut().ok_or(Fault::DestinationUnreachable),
        false => Ok(&mut network.wired),
    }
}

/// The interface as a Put leaves it. Addresses must be left out when they come from DHCP or from the host; what else is left out
/// falls back to its default (wsman 5, 9.5).
fn changed(interface: &LanInterface, factory: LanInterface, input: Input<'_>) -> Result<LanInterface, Fault> {
    let policy = input.numbers("LinkPolicy")?;
    let mut interface = LanInterface {
        dhcp: required(input.flag("DHCPEnabled")?).map_err(|_| Fault::InvalidRepresentation)?,
        ip_sync: input.flag("IpSyncEnabled")?.unwrap_or(factory.ip_sync),
        shared_static_ip: input.flag("SharedStaticIp")?.unwrap_or(factory.shared_static_ip),
        link_policy: if policy.is_empty() { factory.link_policy } else { policy },
        ..interface.clone()
    };
    let mut addresses = [None; ADDRESSES.len()];
    for (name, address) in ADDRESSES.into_iter().zip(&mut addresses) {
        *address = input.number::<Ipv4Addr>(name)?;
    }
    let [address, subnet_mask, gateway, primary_dns, secondary_dns] = addresses;
    if interface.dhcp || interface.ip_sync {
        let given = addresses.iter().any(Option::is_some);
        return if given { Err(Fault::InvalidRepresentation) } else { Ok(interface) };
    }
    interface.address = Some(required(address).map_err(|_| Fault::InvalidRepresentation)?);
    interface.subnet_mask = Some(required(subnet_mask).map_err(|_| Fault::InvalidRepresentation)?);
    (interface.gateway, interface.primary_dns, interface.secondary_dns) =
        (gateway, primary_dns, secondary_dns);
    Ok(interface)
}

/// 1 gives the wireless link to the management engine, 2 to the host. The timeout is not simulated.
fn set_link_preference(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let preference = required(call.input.number("LinkPreference")?)?;
    if !is_wireless(&call.instance) || !matches!(preference, 1 | 2) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    call.device.settings.link_preference = preference;
    Ok(returned(status::SUCCESS))
}

fn is_wireless(instance: &Instance) -> bool {
    instance.get("InstanceID") == Some(&Value::from(WIRELESS))
}
