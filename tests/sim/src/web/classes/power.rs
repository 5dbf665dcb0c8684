//! Power: CIM_PowerManagementService, CIM_AssociatedPowerManagementService, CIM_ServiceAvailableToElement (wsman 15).

use std::time::Instant;

use super::software::managed_system;
use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS, resource, returned, status,
};
use crate::device::Device;
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
