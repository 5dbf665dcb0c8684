//! AMT_RedirectionService and CIM_KVMRedirectionSAP (wsman 9.6): settings only, there are no sessions.

use std::time::Instant;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, MANAGED_SYSTEM, Method, SERVICE_KEYS, resource, returned,
    status,
};
use crate::device::Device;
use crate::device::settings::Settings;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::Instance;

pub(super) static SERVICE: Class = Class {
    put: Some(put),
    methods: &[
        Method { name: "RequestStateChange", local_system: false, run: change_state },
        Method { name: "TerminateSession", local_system: true, run: terminate_session },
    ],
    ..Class::read_only(resource!(amt "AMT_RedirectionService"), SERVICE_KEYS, list)
};

pub(super) static KVM: Class = Class {
    methods: &[Method { name: "RequestStateChange", local_system: false, run: change_kvm_state }],
    ..Class::read_only(resource!(cim "CIM_KVMRedirectionSAP"), SERVICE_KEYS, list_kvm)
};

/// `EnabledState` with neither IDER nor SOL; bit 0 adds IDER, bit 1 SOL.
const DISABLED: u32 = 32768;
/// CIM's RequestStateChange: a parameter is wrong.
const INVALID_STATE: u32 = 5;

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Redirection Service";
    let service = Instance::with_capacity(7)
        .with("CreationClassName", "AMT_RedirectionService")
        .with("ElementName", NAME)
        .with("EnabledState", DISABLED + device.settings.redirection)
        .with("ListenerEnabled", device.settings.redirection_listener)
        .with("Name", NAME)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

fn list_kvm(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "KVM Redirection Service Access Point";
    let (enabled, requested): (u32, u32) = if device.settings.kvm { (6, 2) } else { (3, 3) };
    let access_point = Instance::with_capacity(8)
        .with("CreationClassName", "CIM_KVMRedirectionSAP")
        .with("ElementName", NAME)
        .with("EnabledState", enabled)
        .with("KVMProtocol", 4)
        .with("Name", NAME)
        .with("RequestedState", requested)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", MANAGED_SYSTEM);
    vec![access_point]
}

/// Clients put EnabledState as 32768 to 32771 or as CIM's 2 and 3; both are taken, the latter mean all and nothing. What is left
/// out falls back to its default (wsman 5).
fn put(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let redirection = match call.input.number::<u32>("EnabledState")? {
        Some(state @ DISABLED..=32771) => Some(state - DISABLED),
        Some(2) => Some(3),
        Some(3) => Some(0),
        Some(_) => return Err(Fault::InvalidRepresentation),
        None => None,
    };
    let listener = call.input.flag("ListenerEnabled")?;
    let default = Settings::default();
    let settings = &mut call.device.settings;
    settings.redirection = redirection.unwrap_or(default.redirection);
    settings.redirection_listener = listener.unwrap_or(default.redirection_listener);
    Ok(())
}

fn change_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let state: u32 = required(call.input.number("RequestedState")?)?;
    if !(DISABLED..=32771).contains(&state) {
        return Ok(returned(INVALID_STATE));
    }
    call.device.settings.redirection = state - DISABLED;
    Ok(returned(status::SUCCESS))
}

/// There is never a session to end; real firmware's answer to that is unknown.
fn terminate_session(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let session: u32 = required(call.input.number("SessionType")?)?;
    Ok(returned(if session <= 1 { status::SUCCESS } else { status::INVALID_PARAMETER }))
}

fn change_kvm_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let state: u32 = required(call.input.number("RequestedState")?)?;
    if !matches!(state, 2 | 3) {
        return Ok(returned(INVALID_STATE));
    }
    call.device.settings.kvm = state == 2;
    Ok(returned(status::SUCCESS))
}
