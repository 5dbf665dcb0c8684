//! IPS_KVMRedirectionSettingData and IPS_OptInService (wsman 9.6): settings only, nobody is ever asked for consent.

use std::time::Instant;

use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, SERVICE_KEYS, resource};
use crate::device::{ControlMode, Device};
use crate::web::fault::Fault;
use crate::web::input::{assign, required};
use crate::web::value::Instance;

pub(super) static KVM_SETTINGS: Class = Class {
    put: Some(put_kvm_settings),
    ..Class::read_only(resource!(ips "IPS_KVMRedirectionSettingData"), INSTANCE_ID, list_kvm_settings)
};

pub(super) static OPT_IN: Class = Class {
    put: Some(put_opt_in),
    ..Class::read_only(resource!(ips "IPS_OptInService"), SERVICE_KEYS, list_opt_in)
};

/// `OptInRequired`: consent for every kind of redirection.
const ALL: u32 = u32::MAX;

/// The password of port 5900 is never shown, and not even stored: nothing listens there.
fn list_kvm_settings(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) KVM Redirection Settings";
    let settings = &device.settings;
    let instance = Instance::with_capacity(10)
        .with("BackToBackFbMode", false)
        .with("DefaultScreen", 0)
        .with("ElementName", NAME)
        .with("EnabledByMEBx", true)
        .with("InstanceID", NAME)
        .with("Is5900PortEnabled", settings.port_5900)
        .with("OptInPolicy", settings.kvm_opt_in)
        .with("OptInPolicyTimeout", 300)
        .with("RFBPassword", "")
        .with("SessionTimeout", settings.kvm_session_timeout);
    vec![instance]
}

fn put_kvm_settings(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let port_5900 = call.input.flag("Is5900PortEnabled")?;
    let opt_in = call.input.flag("OptInPolicy")?;
    let session_timeout = call.input.number::<u16>("SessionTimeout")?.map(u32::from);
    let settings = &mut call.device.settings;
    assign(&mut settings.port_5900, port_5900);
    assign(&mut settings.kvm_opt_in, opt_in);
    assign(&mut settings.kvm_session_timeout, session_timeout);
    Ok(())
}

fn list_opt_in(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT OptIn Service";
    let free = may_modify(device);
    let service = Instance::with_capacity(10)
        .with("CanModifyOptInPolicy", u32::from(free))
        .with("CreationClassName", "IPS_OptInService")
        .with("ElementName", NAME)
        .with("Name", NAME)
        .with("OptInCodeTimeout", 120)
        .with("OptInDisplayTimeout", 300)
        .with("OptInRequired", if free { device.settings.opt_in_required } else { ALL })
        .with("OptInState", 0)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

/// In client control mode consent is always needed. That a Put is then refused by this fault is a guess.
fn put_opt_in(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let wanted: u32 =
        required(call.input.number("OptInRequired")?).map_err(|_| Fault::InvalidRepresentation)?;
    if !matches!(wanted, 0 | 1 | ALL) {
        return Err(Fault::InvalidRepresentation);
    }
    if !may_modify(call.device) {
        return Err(Fault::AccessDenied);
    }
    call.device.settings.opt_in_required = wanted;
    Ok(())
}

fn may_modify(device: &Device) -> bool {
    device.control_mode() == ControlMode::Admin
}
