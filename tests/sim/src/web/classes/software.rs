//! Identity of the machine: CIM_SoftwareIdentity (wsman 9.4), CIM_ComputerSystemPackage, CIM_ComputerSystem, CIM_Chassis.

use std::time::Instant;

use super::{COMPUTER_SYSTEM as SYSTEM_CLASS, Class, INSTANCE_ID, MANAGED_SYSTEM, resource};
use crate::device::Device;
use crate::web::value::{Instance, Reference};

pub(super) static IDENTITY: Class =
    Class::read_only(resource!(cim "CIM_SoftwareIdentity"), INSTANCE_ID, list_identities);
pub(super) static SYSTEM_PACKAGE: Class =
    Class::read_only(resource!(cim "CIM_ComputerSystemPackage"), &["Antecedent", "Dependent"], list_packages);
pub(super) static COMPUTER_SYSTEM: Class =
    Class::read_only(SYSTEM_RESOURCE, &["CreationClassName", "Name"], list_systems);
pub(super) static CHASSIS: Class =
    Class::read_only(CHASSIS_RESOURCE, &["CreationClassName", "Tag"], list_chassis);

const SYSTEM_RESOURCE: &str = resource!(cim "CIM_ComputerSystem");
const CHASSIS_RESOURCE: &str = resource!(cim "CIM_Chassis");

/// A reference to the host.
pub(super) fn managed_system() -> Reference {
    Reference::new(SYSTEM_RESOURCE, &[("CreationClassName", SYSTEM_CLASS), ("Name", MANAGED_SYSTEM)])
}

fn list_identities(device: &Device, _now: Instant) -> Vec<Instance> {
    let identity = |(name, version): (&'static str, String)| {
        Instance::with_capacity(3)
            .with("InstanceID", name)
            .with("IsEntity", true)
            .with("VersionString", version)
    };
    device.versions.entries().into_iter().map(identity).collect()
}

/// The GUID is written without hyphens, in upper case, in the byte order of the SMBIOS table.
fn list_packages(device: &Device, _now: Instant) -> Vec<Instance> {
    let guid = device.uuid.iter().fold(String::with_capacity(32), |text, byte| text + &format!("{byte:02X}"));
    let chassis =
        Reference::new(CHASSIS_RESOURCE, &[("CreationClassName", "CIM_Chassis"), ("Tag", "CIM_Chassis")]);
    let package = Instance::with_capacity(3)
        .with("Antecedent", chassis)
        .with("Dependent", managed_system())
        .with("PlatformGUID", guid);
    vec![package]
}

fn list_systems(device: &Device, _now: Instant) -> Vec<Instance> {
    let system = |element: &'static str, name: &'static str, state: u32| {
        Instance::with_capacity(5)
            .with("CreationClassName", SYSTEM_CLASS)
            .with("ElementName", element)
            .with("EnabledState", state)
            .with("Name", name)
            .with("RequestedState", 12)
    };
    let host = if device.power.is_running() { 2 } else { 3 };
    vec![
        system("Managed System", MANAGED_SYSTEM, host),
        system("Intel(r) AMT Subsystem", super::AMT_SYSTEM, 5),
    ]
}

fn list_chassis(_device: &Device, _now: Instant) -> Vec<Instance> {
    let chassis = Instance::with_capacity(10)
        .with("ChassisPackageType", 0)
        .with("CreationClassName", "CIM_Chassis")
        .with("ElementName", "Managed System Chassis")
        .with("Manufacturer", "amt-sim")
        .with("Model", "Simulated unit")
        .with("OperationalStatus", 0)
        .with("PackageType", 3)
        .with("SerialNumber", "SIM0000001")
        .with("Tag", "CIM_Chassis")
        .with("Version", "1.0");
    vec![chassis]
}
