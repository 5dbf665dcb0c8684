//! 802.1x of the wired port and what the host says of its address: IPS_IEEE8021xSettings, AMT_8021XProfile, IPS_HostIPSettings and
//! the credential contexts (wsman 11).

use std::time::Instant;

use super::keys::{certificate_of, certificate_reference};
use super::stored::Constant::{Absent, Flag, Number, Text};
use super::stored::{Rule, Stored, fixed, required as needed, stored_class, writable};
use super::{Class, INSTANCE_ID, Invocation, Method, resource, returned, status};
use crate::device::Device;
use crate::device::features::{PortCredentials, Written};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference};

stored_class!(
    SETTINGS,
    SETTINGS_TABLE,
    INSTANCE_ID,
    put: Some(|call| SETTINGS_TABLE.put(call)),
    methods: &[Method { name: "SetCertificates", local_system: false, run: set_certificates }],
);
stored_class!(PROFILE, PROFILE_TABLE, INSTANCE_ID, put: Some(|call| PROFILE_TABLE.put(call)));
stored_class!(
    HOST_IP,
    HOST_IP_TABLE,
    INSTANCE_ID,
    put: Some(put_host_ip),
    local_system_put: true,
);

pub(super) static CREDENTIAL_CONTEXT: Class = Class::read_only(
    resource!(ips "IPS_8021xCredentialContext"),
    &["ElementInContext", "ElementProvidingContext"],
    list_contexts,
);
/// A class of older firmware; newer firmware has no instances of it.
pub(super) static OLD_CREDENTIAL_CONTEXT: Class = Class::read_only(
    resource!(amt "AMT_8021xCredentialContext"),
    &["ElementInContext", "ElementProvidingContext"],
    |_device, _now| Vec::new(),
);

const SETTINGS_NAME: &str = "Intel(r) AMT: 8021X Settings";

const SETTINGS_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_IEEE8021xSettings"),
    properties: &[
        writable("AuthenticationProtocol", Absent, Rule::UpTo(10)),
        writable("AvailableInS0", Flag(false), Rule::Flag),
        writable("Domain", Absent, Rule::Text(255)),
        fixed("ElementName", Text(SETTINGS_NAME)),
        needed("Enabled", Number(3), Rule::OneOf(&[2, 3, 6])),
        fixed("InstanceID", Text(SETTINGS_NAME)),
        writable("Password", Absent, Rule::Secret(256)),
        writable("PxeTimeout", Number(120), Rule::UpTo(86_400)),
        writable("RoamingIdentity", Absent, Rule::Text(80)),
        writable("Username", Absent, Rule::Text(128)),
    ],
};

const PROFILE_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_8021XProfile"),
    properties: &[
        writable("ActiveInS0", Flag(true), Rule::Flag),
        fixed("ElementName", Text("Intel(r) AMT 802.1x Profile")),
        needed("Enabled", Flag(false), Rule::Flag),
        fixed("InstanceID", Text("Intel(r) AMT 802.1x Profile 0")),
        writable("PxeTimeout", Number(0), Rule::UpTo(86_400)),
    ],
};

const HOST_IP_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_HostIPSettings"),
    properties: &[
        needed("DHCPEnabled", Flag(false), Rule::Flag),
        writable("DefaultGateway", Absent, Rule::Text(15)),
        fixed("ElementName", Text("Intel(r) AMT: Host IP Settings")),
        fixed("InstanceID", Text("Intel(r) AMT: Host IP Settings")),
        writable("IpAddress", Absent, Rule::Text(15)),
        writable("PrimaryDNS", Absent, Rule::Text(15)),
        writable("SecondaryDNS", Absent, Rule::Text(15)),
        writable("SubnetMask", Absent, Rule::Text(15)),
    ],
};

/// A reference to the wired port's settings.
pub(super) fn settings_reference() -> Reference {
    Reference::by_key(SETTINGS_TABLE.resource, "InstanceID", SETTINGS_NAME)
}

fn list_contexts(device: &Device, _now: Instant) -> Vec<Instance> {
    let PortCredentials { client, root } = device.features.wired;
    let context = |handle| {
        Instance::with_capacity(2)
            .with("ElementInContext", certificate_reference(handle))
            .with("ElementProvidingContext", settings_reference())
    };
    [root, client].into_iter().flatten().map(context).collect()
}

fn set_certificates(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let mut credentials = PortCredentials::default();
    let ends =
        [("ServerCertificateIssuer", &mut credentials.root), ("ClientCertificate", &mut credentials.client)];
    for (name, handle) in ends {
        let Some(reference) = call.input.reference(name)? else { continue };
        *handle = certificate_of(call.device, &reference);
        if handle.is_none() {
            return Ok(returned(status::INVALID_HANDLE));
        }
    }
    call.device.features.wired = credentials;
    Ok(returned(status::SUCCESS))
}

/// With DHCP there are no addresses, and a Put that has some is refused; without it there are those of the Put.
fn put_host_ip(call: &mut Invocation<'_>) -> Result<(), Fault> {
    const ADDRESSES: [&str; 5] = ["IpAddress", "SubnetMask", "DefaultGateway", "PrimaryDNS", "SecondaryDNS"];
    let dhcp = required(call.input.flag("DHCPEnabled")?).map_err(|_| Fault::InvalidRepresentation)?;
    let mut given = Vec::new();
    for name in ADDRESSES {
        let address = call.input.number::<std::net::Ipv4Addr>(name)?;
        given.extend(address.map(|address| (name, Written::Text(address.to_string()))));
    }
    if dhcp && !given.is_empty() {
        return Err(Fault::InvalidRepresentation);
    }
    let features = &mut call.device.features;
    features.clear(HOST_IP_TABLE.resource, &ADDRESSES);
    features.write(HOST_IP_TABLE.resource, "DHCPEnabled", Written::Flag(dhcp));
    given.into_iter().for_each(|(name, address)| features.write(HOST_IP_TABLE.resource, name, address));
    Ok(())
}
