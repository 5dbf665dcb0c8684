//! Wireless: AMT_WiFiPortConfigurationService, CIM_WiFiPort, CIM_WiFiEndpointSettings, CIM_IEEE8021xSettings and what describes
//! them (wsman 11). There are no instances on a unit without a wireless interface.
//!
//! Documented: names, parameters, numbers of methods, that names and priorities are unique. Guessed: what a wrong profile is
//! answered with, and the limits of names. Pass phrases are checked and not kept.

use std::time::Instant;

use super::keys::certificate_of;
use super::stored::Constant::{Flag, Number, Text};
use super::stored::{Rule, Stored, fixed, stored_class, writable};
use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS};
use super::{resource, returned, status};
use crate::device::Device;
use crate::device::features::{PortAccess, PortCredentials, WifiProfile};
use crate::web::fault::Fault;
use crate::web::input::{Embedded, required};
use crate::web::value::{Instance, Reference, Value};

pub(super) static CONFIGURATION: Class = Class {
    put: Some(|call| CONFIGURATION_TABLE.put(call)),
    methods: &[
        Method { name: "AddWiFiSettings", local_system: false, run: add_settings },
        Method { name: "UpdateWiFiSettings", local_system: false, run: update_settings },
    ],
    ..Class::read_only(CONFIGURATION_TABLE.resource, SERVICE_KEYS, |device, _now| {
        if_wireless(device, || CONFIGURATION_TABLE.instance(device))
    })
};

pub(super) static PORT: Class = Class {
    methods: &[Method { name: "RequestStateChange", local_system: false, run: change_port }],
    ..Class::read_only(
        resource!(cim "CIM_WiFiPort"),
        &["CreationClassName", "DeviceID", "SystemCreationClassName", "SystemName"],
        list_ports,
    )
};

pub(super) static ENDPOINT: Class =
    Class::read_only(ENDPOINT_RESOURCE, &["Name"], |device, _now| if_wireless(device, endpoint));

pub(super) static ENDPOINT_SETTINGS: Class = Class {
    delete: Some(delete_settings),
    ..Class::read_only(SETTINGS_RESOURCE, INSTANCE_ID, list_settings)
};

pub(super) static PORT_ACCESS_SETTINGS: Class =
    Class::read_only(PORT_ACCESS_RESOURCE, INSTANCE_ID, list_port_access);

stored_class!(ENDPOINT_CAPABILITIES, ENDPOINT_CAPABILITIES_TABLE, &["ElementName"]);
stored_class!(PORT_CAPABILITIES, PORT_CAPABILITIES_TABLE, &["ElementName"]);

const CONFIGURATION_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_WiFiPortConfigurationService"),
    properties: &[
        fixed("CreationClassName", Text("AMT_WiFiPortConfigurationService")),
        fixed("ElementName", Text("Intel(r) AMT WiFiPort Configuration Service")),
        fixed("EnabledState", Number(5)),
        fixed("HealthState", Number(5)),
        fixed("LastConnectedSsidUnderMeControl", Text("")),
        fixed("Name", Text("Intel(r) AMT WiFi Port Configuration Service")),
        writable("NoHostCsmeSoftwarePolicy", Number(0), Rule::UpTo(2)),
        fixed("RequestedState", Number(12)),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
        writable("UEFIWiFiProfileShareEnabled", Flag(false), Rule::Flag),
        writable("localProfileSynchronizationEnabled", Number(0), Rule::OneOf(&[0, 1, 3])),
    ],
};

const ENDPOINT_CAPABILITIES_TABLE: Stored = Stored {
    resource: resource!(cim "CIM_WiFiEndpointCapabilities"),
    properties: &[fixed("ElementName", Text("CIM_WiFiEndpointCapabilities"))],
};

const PORT_CAPABILITIES_TABLE: Stored = Stored {
    resource: resource!(cim "CIM_WiFiPortCapabilities"),
    properties: &[fixed("ElementName", Text("CIM_WiFiPortCapabilities"))],
};

const ENDPOINT_RESOURCE: &str = resource!(cim "CIM_WiFiEndpoint");
const ENDPOINT_NAME: &str = "WiFi Endpoint 0";
const SETTINGS_RESOURCE: &str = resource!(cim "CIM_WiFiEndpointSettings");
const PORT_ACCESS_RESOURCE: &str = resource!(cim "CIM_IEEE8021xSettings");
const PORT_ACCESS_PREFIX: &str = "Intel(r) AMT:IEEE 802.1x Settings ";

/// Most profiles (a guess).
const MAX_PROFILES: usize = 16;
/// States of the port: off, on in S0, on in S0 and Sx with mains.
const PORT_STATES: [u32; 3] = [3, 32768, 32769];
/// Return values of the configuration service: its own numbers.
const INVALID_PARAMETER: u32 = 3;
const INVALID_REFERENCE: u32 = 4;

/// A reference to the 802.1x settings of a profile.
pub(super) fn settings_reference(name: &str) -> Reference {
    Reference::by_key(PORT_ACCESS_RESOURCE, "InstanceID", format!("{PORT_ACCESS_PREFIX}{name}"))
}

fn if_wireless(device: &Device, instance: impl FnOnce() -> Instance) -> Vec<Instance> {
    device.network.wireless.as_ref().map(|_| instance()).into_iter().collect()
}

fn endpoint() -> Instance {
    Instance::with_capacity(2).with("ElementName", "CIM_WiFiEndpoint").with("Name", ENDPOINT_NAME)
}

fn list_ports(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "WiFi Port 0";
    let Some(interface) = &device.network.wireless else { return Vec::new() };
    let state = device.features.wifi_port.unwrap_or(PORT_STATES[0]);
    let port = Instance::with_capacity(11)
        .with("CreationClassName", "CIM_WiFiPort")
        .with("DeviceID", NAME)
        .with("ElementName", NAME)
        .with("EnabledState", state)
        .with("HealthState", 5)
        .with("LinkTechnology", 11)
        .with("PermanentAddress", interface.mac_text().replace('-', ""))
        .with("PortType", 0)
        .with("RequestedState", state)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![port]
}

fn change_port(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    /// CIM's RequestStateChange: a parameter is wrong.
    const INVALID_STATE: u32 = 5;
    let state: u32 = required(call.input.number("RequestedState")?)?;
    if !PORT_STATES.contains(&state) {
        return Ok(returned(INVALID_STATE));
    }
    call.device.features.wifi_port = Some(state);
    Ok(returned(status::SUCCESS))
}

fn list_settings(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |profile: &WifiProfile| {
        Instance::with_capacity(7)
            .with("AuthenticationMethod", profile.authentication)
            .with("BSSType", 3)
            .with("ElementName", profile.name.clone())
            .with("EncryptionMethod", profile.encryption)
            .with("InstanceID", profile.instance_id.clone())
            .with("Priority", profile.priority)
            .with("SSID", profile.ssid.clone())
    };
    device.features.wifi.iter().map(instance).collect()
}

fn list_port_access(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |access: &PortAccess| {
        Instance::with_capacity(4)
            .with("AuthenticationProtocol", access.protocol)
            .with("ElementName", access.name.clone())
            .with("InstanceID", format!("{PORT_ACCESS_PREFIX}{}", access.name))
            .with_option("Username", access.user.clone())
    };
    device.features.wifi.iter().filter_map(|profile| profile.port_access.as_ref()).map(instance).collect()
}

fn delete_settings(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let id = call.instance.get("InstanceID");
    call.device.features.wifi.retain(|profile| id != Some(&Value::from(profile.instance_id.clone())));
    Ok(())
}

fn add_settings(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let endpoint = required(call.input.reference("WiFiEndpoint")?)?;
    if endpoint.resource != ENDPOINT_RESOURCE || endpoint.selector("Name") != Some(ENDPOINT_NAME) {
        return Ok(returned(INVALID_REFERENCE));
    }
    let profile = match read_profile(call)? {
        Ok(profile) => profile,
        Err(refusal) => return Ok(returned(refusal)),
    };
    let known = &mut call.device.features.wifi;
    if known.len() == MAX_PROFILES {
        return Ok(returned(status::MAX_LIMIT_REACHED));
    }
    if known.iter().any(|other| clash(other, &profile)) {
        return Ok(returned(status::DUPLICATE));
    }
    known.push(profile);
    Ok(returned(status::SUCCESS))
}

fn update_settings(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let target = required(call.input.reference("WiFiEndpointSettings")?)?;
    let known = &call.device.features.wifi;
    let index = known.iter().position(|profile| target.selector("InstanceID") == Some(&profile.instance_id));
    let Some(index) = index.filter(|_| target.resource == SETTINGS_RESOURCE) else {
        return Ok(returned(INVALID_REFERENCE));
    };
    let profile = match read_profile(call)? {
        Ok(profile) => profile,
        Err(refusal) => return Ok(returned(refusal)),
    };
    let known = &mut call.device.features.wifi;
    if known.iter().enumerate().any(|(other, taken)| other != index && clash(taken, &profile)) {
        return Ok(returned(status::DUPLICATE));
    }
    known[index] = profile;
    Ok(returned(status::SUCCESS))
}

fn clash(one: &WifiProfile, other: &WifiProfile) -> bool {
    one.instance_id == other.instance_id || one.priority == other.priority
}

/// The profile that a request describes, or the return value that refuses it.
fn read_profile(call: &Invocation<'_>) -> Result<Result<WifiProfile, u32>, Fault> {
    /// Authentication with a pass phrase, and by 802.1x; then all others.
    const WITH_PHRASE: [u32; 3] = [4, 6, 32768];
    const WITH_PORT_ACCESS: [u32; 2] = [5, 7];
    const OTHER: [u32; 4] = [1, 2, 3, 32769];
    let Some(settings) = call.input.holder("WiFiEndpointSettingsInput") else {
        return Ok(Err(INVALID_PARAMETER));
    };
    let profile = WifiProfile {
        name: required(settings.text("ElementName"))?.to_owned(),
        instance_id: required(settings.text("InstanceID"))?.to_owned(),
        ssid: required(settings.text("SSID"))?.to_owned(),
        authentication: required(settings.number("AuthenticationMethod")?)?,
        encryption: required(settings.number("EncryptionMethod")?)?,
        priority: required(settings.number("Priority")?)?,
        port_access: match read_port_access(call)? {
            Ok(access) => access,
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let phrase = settings.text("PSKPassPhrase").is_some_and(|phrase| (8..=64).contains(&phrase.len()));
    let authenticated = match profile.authentication {
        method if WITH_PHRASE.contains(&method) => phrase && profile.port_access.is_none(),
        method if WITH_PORT_ACCESS.contains(&method) => profile.port_access.is_some(),
        method => OTHER.contains(&method),
    };
    let named = (1..=32).contains(&profile.name.len()) && !profile.instance_id.is_empty();
    let sound = named
        && authenticated
        && (1..=32).contains(&profile.ssid.len())
        && (1..=5).contains(&profile.encryption)
        && (1..=255).contains(&profile.priority);
    Ok(if sound { Ok(profile) } else { Err(INVALID_PARAMETER) })
}

fn read_port_access(call: &Invocation<'_>) -> Result<Result<Option<PortAccess>, u32>, Fault> {
    let Some(settings) = call.input.holder("IEEE8021xSettingsInput") else { return Ok(Ok(None)) };
    let mut credentials = PortCredentials::default();
    for (name, handle) in
        [("ClientCredential", &mut credentials.client), ("CACredential", &mut credentials.root)]
    {
        let Some(reference) = call.input.reference(name)? else { continue };
        *handle = certificate_of(call.device, &reference);
        if handle.is_none() {
            return Ok(Err(INVALID_REFERENCE));
        }
    }
    let access = PortAccess {
        name: required(settings.text("ElementName"))?.to_owned(),
        protocol: required(settings.number("AuthenticationProtocol")?)?,
        user: settings.text("Username").map(str::to_owned),
        credentials,
    };
    Ok(if is_sound(&access, settings) { Ok(Some(access)) } else { Err(INVALID_PARAMETER) })
}

/// EAP-TLS needs a certificate of its own, the methods with a password need that.
fn is_sound(access: &PortAccess, settings: Embedded<'_>) -> bool {
    let authenticated = match access.protocol {
        0 => access.credentials.client.is_some(),
        1..=6 => settings.text("Password").is_some(),
        protocol => protocol <= 10,
    };
    authenticated && (1..=32).contains(&access.name.len()) && access.user.is_some()
}
