//! Activation: IPS_HostBasedSetupService (wsman 9.2) and AMT_SetupAndConfigurationService (wsman 9.3).
//!
//! Served are the local activation in client control mode and the way back. Admin control mode, which needs certificate
//! chains and signatures, is a state that the device can start in; the methods that lead to it are not served.

use std::time::Instant;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS, resource, returned, status,
};
use crate::device::accounts::Ha1;
use crate::device::{ControlMode, Device};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Value};

pub(super) static HOST_BASED: Class = Class {
    methods: &[Method { name: "Setup", local_system: true, run: setup }],
    // Observed: the Action of this class's answers is that of the request.
    response_suffix: false,
    ..Class::read_only(resource!(ips "IPS_HostBasedSetupService"), SERVICE_KEYS, list_host_based)
};

pub(super) static SETUP_AND_CONFIGURATION: Class = Class {
    methods: &[
        Method { name: "CommitChanges", local_system: false, run: commit_changes },
        Method { name: "GetUuid", local_system: true, run: get_uuid },
        Method { name: "Unprovision", local_system: false, run: unprovision },
    ],
    ..Class::read_only(resource!(amt "AMT_SetupAndConfigurationService"), SERVICE_KEYS, list_setup)
};

/// Return values of IPS_HostBasedSetupService: its own numbers.
const INVALID_STATE: u32 = 2;
const INVALID_SETUP_PARAMETER: u32 = 3;

fn list_host_based(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Host Based Setup Service";
    let service = Instance::with_capacity(9)
        .with_list("AllowedControlModes", [2, 1])
        .with("CertChainStatus", 0)
        .with("ConfigurationNonce", Value::base64(device.configuration_nonce()))
        .with("CreationClassName", "IPS_HostBasedSetupService")
        .with("CurrentControlMode", device.control_mode() as u32)
        .with("ElementName", NAME)
        .with("Name", NAME)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

fn list_setup(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Setup and Configuration Service";
    let mode: u32 = match device.control_mode() {
        ControlMode::None => 0,
        ControlMode::Client => 4,
        ControlMode::Admin => 1,
    };
    let service = Instance::with_capacity(12)
        .with("CreationClassName", "AMT_SetupAndConfigurationService")
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
        .with("ZeroTouchConfigurationEnabled", true);
    vec![service]
}

/// Activates in client control mode. Which refusal real firmware gives for which mistake is unknown.
fn setup(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let encryption: u32 = required(call.input.number("NetAdminPassEncryptionType")?)?;
    let secret = required(call.input.text("NetworkAdminPassword"))?;
    let Some(admin) = Ha1::from_hex(secret).filter(|_| encryption == 2) else {
        return Ok(returned(INVALID_SETUP_PARAMETER));
    };
    let outcome = call.device.activate_client(admin, call.now);
    Ok(returned(if outcome.is_ok() { status::SUCCESS } else { INVALID_STATE }))
}

/// Every change is applied at once, so that there is nothing to commit.
fn commit_changes(_call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(returned(status::SUCCESS))
}

fn unprovision(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    if required(call.input.number::<u32>("ProvisioningMode")?)? != 1 {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    let outcome = call.device.unprovision(call.now);
    Ok(returned(if outcome.is_ok() { status::SUCCESS } else { status::NOT_PERMITTED }))
}

fn get_uuid(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let uuid = Value::base64(&call.device.uuid);
    Ok(Instance::default().with("UUID", uuid).with("ReturnValue", status::SUCCESS))
}
