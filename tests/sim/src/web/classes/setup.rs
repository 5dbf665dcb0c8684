//! AMT_SetupAndConfigurationService (wsman 9.3): commit, deactivation, the MEBx password.
//!
//! What may be done when is `device::provisioning`'s matter. Guessed: which of the documented return values stands for which
//! refusal, and that a commit with nothing to commit succeeds.

use std::time::Instant;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS, resource, returned, status,
};
use crate::device::accounts::Password;
use crate::device::{ControlMode, Device, ProvisioningState, StateError};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Value};

pub(super) static SETUP_AND_CONFIGURATION: Class = Class {
    methods: &[
        Method { name: "CommitChanges", local_system: false, run: commit_changes },
        Method { name: "ExtendProvisioningPeriod", local_system: false, run: extend_period },
        Method { name: "GetUnprovisionBlockingComponents", local_system: false, run: blocking_components },
        Method { name: "GetUuid", local_system: true, run: get_uuid },
        Method { name: "PartialUnprovision", local_system: false, run: partial_unprovision },
        Method { name: "SetMEBxPassword", local_system: false, run: set_mebx_password },
        Method { name: "Unprovision", local_system: false, run: unprovision },
    ],
    configures_over_tls: true,
    ..Class::read_only(resource!(amt "AMT_SetupAndConfigurationService"), SERVICE_KEYS, list)
};

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Setup and Configuration Service";
    let mode: u32 = match device.control_mode() {
        ControlMode::None => 0,
        ControlMode::Client => 4,
        ControlMode::Admin => 1,
    };
    let service = Instance::with_capacity(14)
        .with("CreationClassName", "AMT_SetupAndConfigurationService")
        .with("DhcpDNSSuffix", device.network.domain_name.clone())
        .with("ElementName", NAME)
        .with("EnabledState", 5)
        .with("Name", NAME)
        .with("PasswordModel", 1)
        .with("ProvisioningMode", mode)
        .with("ProvisioningServerOTP", Value::base64(&[0; 32]))
        .with("ProvisioningState", device.provisioning_state() as u32)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM)
        .with("TrustedDNSSuffix", device.network.dns_suffix.clone())
        .with("ZeroTouchConfigurationEnabled", true);
    vec![service]
}

/// Makes the TLS settings count and ends a configuration that is under way. With DHCP the device has to have a host name, and TLS
/// what it needs.
fn commit_changes(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let clock_is_set = call.device.clock_is_set();
    let network = &call.device.network;
    if network.wired.dhcp && network.host_name.is_empty() {
        return Ok(returned(status::DATA_MISSING));
    }
    if call.device.security.store.commit(clock_is_set).is_err() {
        return Ok(returned(status::DATA_MISSING));
    }
    Ok(answer(call.device.commit_configuration(call.now)))
}

/// A provisioning period runs only while a remote configuration is under way; nothing happens at its end here.
fn extend_period(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let hours: u32 = required(call.input.number("Duration")?)?;
    Ok(returned(match (call.device.provisioning_state(), hours) {
        (ProvisioningState::Pre | ProvisioningState::Post, _) => status::INVALID_PROVISIONING_STATE,
        (ProvisioningState::In, 1..=24) => status::SUCCESS,
        (ProvisioningState::In, _) => status::INVALID_PARAMETER,
    }))
}

fn blocking_components(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let component = call.device.blocking_component().map(str::to_owned);
    Ok(Instance::default().with_option("BlockingComponents", component).with("ReturnValue", status::SUCCESS))
}

fn get_uuid(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let uuid = Value::base64(&call.device.uuid);
    Ok(Instance::default().with("UUID", uuid).with("ReturnValue", status::SUCCESS))
}

fn partial_unprovision(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(answer(call.device.unprovision_partially(call.now)))
}

fn set_mebx_password(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let password = Password::new(required(call.input.text("Password"))?);
    if !password.is_strong() {
        return Ok(returned(status::INVALID_PASSWORD));
    }
    Ok(answer(call.device.set_mebx_password()))
}

fn unprovision(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    if required(call.input.number::<u32>("ProvisioningMode")?)? != 1 {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    Ok(answer(call.device.unprovision(call.now)))
}

fn answer(outcome: Result<(), StateError>) -> Instance {
    returned(match outcome {
        Ok(()) => status::SUCCESS,
        Err(StateError::DataMissing) => status::DATA_MISSING,
        Err(StateError::Blocked) => status::BLOCKING_COMPONENT,
        Err(_) => status::NOT_PERMITTED,
    })
}
