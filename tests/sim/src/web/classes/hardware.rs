//! What describes the machine and its ports and cannot be changed: CIM_BIOSElement, CIM_EthernetPort, IPS_LANEndpoint,
//! IPS_IPv6PortSettings, IPS_HostBootReason, AMT_CryptographicCapabilities; and AMT_AuditLog, which is empty.

use std::time::Instant;

use super::stored::Constant::{Number, Text};
use super::stored::{Rule, Stored, fixed, stored_class, writable};
use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method};
use super::{resource, status};
use crate::device::Device;
use crate::device::network::LanInterface;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Value};

stored_class!(IPV6, IPV6_TABLE, INSTANCE_ID, put: Some(|call| IPV6_TABLE.put(call)));
stored_class!(BOOT_REASON, BOOT_REASON_TABLE, INSTANCE_ID);
stored_class!(CRYPTOGRAPHY, CRYPTOGRAPHY_TABLE, INSTANCE_ID);

pub(super) static BIOS: Class = Class::read_only(
    resource!(cim "CIM_BIOSElement"),
    &["Name", "SoftwareElementID", "SoftwareElementState", "TargetOperatingSystem", "Version"],
    list_bios,
);
pub(super) static ETHERNET_PORT: Class = Class::read_only(
    resource!(cim "CIM_EthernetPort"),
    &["CreationClassName", "DeviceID", "SystemCreationClassName", "SystemName"],
    list_ports,
);
pub(super) static LAN_ENDPOINT: Class = Class::read_only(
    resource!(ips "IPS_LANEndpoint"),
    &["CreationClassName", "Name", "SystemCreationClassName", "SystemName"],
    list_endpoints,
);
pub(super) static AUDIT_LOG: Class = Class {
    methods: &[Method { name: "ReadRecords", local_system: false, run: read_records }],
    ..Class::read_only(resource!(amt "AMT_AuditLog"), &["Name"], list_audit_logs)
};

const IPV6_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_IPv6PortSettings"),
    properties: &[
        fixed("CurrentDefaultRouter", Text("::")),
        fixed("CurrentPrimaryDNS", Text("::")),
        fixed("CurrentSecondaryDNS", Text("::")),
        writable("DefaultRouter", Text("::"), Rule::Text(45)),
        fixed("ElementName", Text("Intel(r) IPS IPv6 Settings 0")),
        writable("IPv6Address", Text("::"), Rule::Text(45)),
        fixed("InstanceID", Text("Intel(r) IPS IPv6 Settings 0")),
        writable("InterfaceIDType", Number(0), Rule::UpTo(2)),
        writable("ManualInterfaceID", Text("0000000000000000"), Rule::Text(16)),
        writable("PrimaryDNS", Text("::"), Rule::Text(45)),
        writable("SecondaryDNS", Text("::"), Rule::Text(45)),
    ],
};

const BOOT_REASON_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_HostBootReason"),
    properties: &[
        fixed("ElementName", Text("Intel(r) AMT:Host Boot Reason")),
        fixed("InstanceID", Text("Intel(r) AMT:Host Boot Reason")),
        fixed("PreviousSxState", Number(5)),
        fixed("Reason", Number(1)),
        fixed("ReasonDetails", Text("")),
    ],
};

const CRYPTOGRAPHY_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_CryptographicCapabilities"),
    properties: &[
        fixed("ElementName", Text("Intel(r) AMT: Cryptographic Capabilities")),
        fixed("HardwareAcceleration", Number(1)),
        fixed("InstanceID", Text("Intel(r) AMT: Cryptographic Capabilities 0")),
    ],
};

fn list_bios(device: &Device, _now: Instant) -> Vec<Instance> {
    /// 15 August 2024.
    const RELEASED: u64 = 1_723_680_000;
    let version = device.versions.bios.trim().to_owned();
    let element = Instance::with_capacity(10)
        .with("ElementName", "Primary BIOS")
        .with("Manufacturer", "amt-sim")
        .with("Name", "Primary BIOS")
        .with("OperationalStatus", 0)
        .with("PrimaryBIOS", true)
        .with("ReleaseDate", Value::Time(RELEASED))
        .with("SoftwareElementID", version.clone())
        .with("SoftwareElementState", 2)
        .with("TargetOperatingSystem", 66)
        .with("Version", version);
    vec![element]
}

fn plain_mac(interface: &LanInterface) -> String {
    interface.mac_text().replace('-', "")
}

fn list_ports(device: &Device, _now: Instant) -> Vec<Instance> {
    let wired = &device.network.wired;
    let port = Instance::with_capacity(15)
        .with("CreationClassName", "CIM_EthernetPort")
        .with("Description", "Wired0")
        .with("DeviceID", "Intel(r) AMT Ethernet Port 0")
        .with("ElementName", "Intel(r) AMT Ethernet Port")
        .with("EnabledDefault", 5)
        .with("EnabledState", 2)
        .with("LinkTechnology", 2)
        .with("MaxSpeed", Value::Number(2_500_000_000))
        .with("NetworkAddresses", plain_mac(wired))
        .with("OperationalStatus", 0)
        .with("PortType", 53)
        .with("RequestedState", 12)
        .with("Speed", Value::Number(if wired.link_up { 1_000_000_000 } else { 0 }))
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![port]
}

fn list_endpoints(device: &Device, _now: Instant) -> Vec<Instance> {
    let endpoint = Instance::with_capacity(9)
        .with("CreationClassName", "IPS_LANEndpoint")
        .with("EnabledState", 2)
        .with("LANType", 2)
        .with("MACAddress", plain_mac(&device.network.wired))
        .with("Name", "Intel(r) AMT LAN Endpoint")
        .with("ProtocolType", 0)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![endpoint]
}

/// Nothing is audited here: the log has room and no records.
fn list_audit_logs(_device: &Device, _now: Instant) -> Vec<Instance> {
    let log = Instance::with_capacity(11)
        .with("AuditState", 16)
        .with("CurrentNumberOfRecords", 0)
        .with("ElementName", "Intel(r) AMT Audit Log")
        .with("EnabledState", 2)
        .with("MaxAllowedAuditors", 1)
        .with("MaxNumberOfRecords", 0)
        .with("Name", "Intel(r) AMT:Audit Log")
        .with("OverwritePolicy", 2)
        .with("PercentageFree", 100)
        .with("RequestedState", 2)
        .with("StoragePolicy", 1);
    vec![log]
}

fn read_records(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let start: u32 = required(call.input.number("StartIndex")?)?;
    let outcome = if start == 0 { status::INVALID_INDEX } else { status::SUCCESS };
    let outputs = Instance::default().with("TotalRecordCount", 0).with("RecordsReturned", 0);
    Ok(outputs.with("ReturnValue", outcome))
}
