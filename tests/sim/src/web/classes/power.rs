//! Power: CIM_PowerManagementService and what is associated with it, its capabilities, IPS_PowerManagementService,
//! AMT_SystemPowerScheme (wsman 15).

use std::time::Instant;

use super::software::managed_system;
use super::stored::Constant::{List, Number, Text};
use super::stored::{Rule, Stored, fixed, stored_class, writable};
use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS, resource, returned,
    status,
};
use crate::device::Device;
use crate::device::features::Written;
use crate::device::power::Power;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference};

pub(super) static SERVICE: Class = Class {
    methods: &[Method { name: "RequestPowerStateChange", local_system: false, run: request_state }],
    ..Class::read_only(SERVICE_RESOURCE, SERVICE_KEYS, list_services)
};

pub(super) static ASSOCIATED_SERVICE: Class =
    Class::read_only(ASSOCIATED_RESOURCE, &["ServiceProvided", "UserOfService"], list_associated);

/// Its only instances are of a class derived from it.
pub(super) static AVAILABLE_TO_ELEMENT: Class = Class {
    items: Some(ASSOCIATED_RESOURCE),
    ..Class::read_only(
        resource!(cim "CIM_ServiceAvailableToElement"),
        &["ServiceProvided", "UserOfService"],
        list_associated,
    )
};

stored_class!(
    CAPABILITIES,
    CAPABILITIES_TABLE,
    INSTANCE_ID,
    put: Some(|call| CAPABILITIES_TABLE.put(call)),
    local_system_put: true,
);
stored_class!(
    OS_SERVICE,
    OS_SERVICE_TABLE,
    SERVICE_KEYS,
    methods: &[
        Method { name: "RequestOSPowerSavingStateChange", local_system: true, run: request_os_state },
    ],
);
pub(super) static SCHEMES: Class =
    Class::read_only(resource!(amt "AMT_SystemPowerScheme"), INSTANCE_ID, list_schemes);

/// The host puts the graceful changes that it can carry out (wsman 15).
const CAPABILITIES_TABLE: Stored = Stored {
    resource: resource!(cim "CIM_PowerManagementCapabilities"),
    properties: &[
        fixed("ElementName", Text("Power Management Capabilities")),
        fixed("InstanceID", Text("Intel(r) AMT:PowerManagementCapabilities 0")),
        fixed("OtherPowerChangeCapabilities", Text("")),
        fixed("PowerChangeCapabilities", List(&["2", "3", "4", "7", "8"])),
        fixed("PowerStatesSupported", List(&["5", "8", "2", "10", "11", "12", "14"])),
        writable(
            "RequestedPowerStatesSupported",
            List(&["5", "8", "2", "10", "11", "12", "14"]),
            Rule::List(16),
        ),
    ],
};

/// Firmware was seen to write `OSPowerSavingState` last; here it is in alphabetical order like the rest.
const OS_SERVICE_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_PowerManagementService"),
    properties: &[
        fixed("CreationClassName", Text("IPS_PowerManagementService")),
        fixed("ElementName", Text(NAME)),
        fixed("EnabledState", Number(5)),
        fixed("Name", Text(NAME)),
        fixed("OSPowerSavingState", Number(2)),
        fixed("RequestedState", Number(12)),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
    ],
};

const SERVICE_RESOURCE: &str = resource!(cim "CIM_PowerManagementService");
const ASSOCIATED_RESOURCE: &str = resource!(cim "CIM_AssociatedPowerManagementService");
const NAME: &str = "Intel(r) AMT Power Management Service";

fn list_services(_device: &Device, _now: Instant) -> Vec<Instance> {
    let service = Instance::with_capacity(7)
        .with("CreationClassName", "CIM_PowerManagementService")
        .with("ElementName", NAME)
        .with("EnabledState", 5)
        .with("Name", NAME)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

fn list_schemes(_device: &Device, _now: Instant) -> Vec<Instance> {
    let scheme = |id: &'static str, description: &'static str, guid: &'static str| {
        Instance::with_capacity(4)
            .with("Description", description)
            .with("ElementName", "Intel(r) AMT Power Scheme")
            .with("InstanceID", id)
            .with("SchemeGUID", guid)
    };
    vec![
        scheme("SCHEME 0", "Mobile: ON in S0", "djmXEQtWUEOIcJgS85G1YA=="),
        scheme("SCHEME 1", "Mobile: ON in S0, ME Wake in S3, S4-5 (AC only)", "MIAN7gnAeEOvKHhootu+Og=="),
    ]
}

fn list_associated(device: &Device, _now: Instant) -> Vec<Instance> {
    let service = Reference::new(
        SERVICE_RESOURCE,
        &[
            ("CreationClassName", "CIM_PowerManagementService"),
            ("Name", NAME),
            ("SystemCreationClassName", COMPUTER_SYSTEM),
            ("SystemName", AMT_SYSTEM),
        ],
    );
    // A host that runs can be taken anywhere but on; one that does not can only be switched on.
    let available: &[u32] = if device.power.is_running() { &[10, 8, 5, 11, 4, 7, 14, 12] } else { &[2] };
    let association = Instance::with_capacity(4)
        .with_list("AvailableRequestedPowerStates", available.iter().copied())
        .with("PowerState", device.power.state())
        .with("ServiceProvided", service)
        .with("UserOfService", managed_system());
    vec![association]
}

/// 2 full power, 3 OS power saving.
fn request_os_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let state: u64 = required(call.input.number("OSPowerSavingState")?)?;
    let target = required(call.input.reference("ManagedElement")?)?;
    if !managed_system().is_meant_by(&target) || !matches!(state, 2 | 3) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    OS_SERVICE_TABLE.set(call.device, "OSPowerSavingState", Written::Number(state));
    Ok(returned(status::SUCCESS))
}

fn request_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let state: u32 = required(call.input.number("PowerState")?)?;
    let target = required(call.input.reference("ManagedElement")?)?;
    if !managed_system().is_meant_by(&target) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    if !Power::REQUESTABLE.contains(&state) {
        return Ok(returned(status::UNSUPPORTED));
    }
    call.device.set_power_state(state, call.now);
    Ok(returned(status::SUCCESS))
}
