//! IPS_KVMRedirectionSettingData and IPS_OptInService (wsman 9.6).
//!
//! Nobody sits at the device: the code that its screen would show is part of the answer to the control socket's question for the
//! state. Documented: names, times, states, that consent cannot be changed in client control mode; observed: 2 from a method that
//! the state does not allow. Guessed: what a wrong code is answered with, and that it ends nothing.

use std::time::Instant;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS, resource, returned,
    status,
};
use crate::device::features::Consent;
use crate::device::settings::Settings;
use crate::device::{ControlMode, Device};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::Instance;

pub(super) static KVM_SETTINGS: Class = Class {
    put: Some(put_kvm_settings),
    methods: &[Method { name: "TerminateSession", local_system: true, run: terminate_session }],
    ..Class::read_only(resource!(ips "IPS_KVMRedirectionSettingData"), INSTANCE_ID, list_kvm_settings)
};

pub(super) static OPT_IN: Class = Class {
    put: Some(put_opt_in),
    methods: &[
        Method { name: "CancelOptIn", local_system: true, run: cancel },
        Method { name: "SendOptInCode", local_system: false, run: send_code },
        Method { name: "StartOptIn", local_system: false, run: start },
    ],
    ..Class::read_only(resource!(ips "IPS_OptInService"), SERVICE_KEYS, list_opt_in)
};

/// Seconds for which the code is shown, and for which a session may begin after it was sent.
const DISPLAY_TIME: u32 = 300;
const CODE_TIME: u32 = 120;
/// Return value of a method that the state does not allow.
const INVALID_STATE: u32 = 2;

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

/// What is left out falls back to its default (wsman 5).
fn put_kvm_settings(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let port_5900 = call.input.flag("Is5900PortEnabled")?;
    let opt_in = call.input.flag("OptInPolicy")?;
    let session_timeout = call.input.number::<u16>("SessionTimeout")?.map(u32::from);
    let default = Settings::default();
    let settings = &mut call.device.settings;
    settings.port_5900 = port_5900.unwrap_or(default.port_5900);
    settings.kvm_opt_in = opt_in.unwrap_or(default.kvm_opt_in);
    settings.kvm_session_timeout = session_timeout.unwrap_or(default.kvm_session_timeout);
    Ok(())
}

/// There is never a session to end; real firmware's answer to that is unknown.
fn terminate_session(_call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(returned(status::SUCCESS))
}

fn list_opt_in(device: &Device, now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT OptIn Service";
    let free = may_modify(device);
    let state = match device.features.consent.at(device.unix_time(now)) {
        Consent::NotAsked => 0,
        Consent::Shown { .. } => 2,
        Consent::Given { .. } => 3,
    };
    let service = Instance::with_capacity(10)
        .with("CanModifyOptInPolicy", u32::from(free))
        .with("CreationClassName", "IPS_OptInService")
        .with("ElementName", NAME)
        .with("Name", NAME)
        .with("OptInCodeTimeout", CODE_TIME)
        .with("OptInDisplayTimeout", DISPLAY_TIME)
        .with("OptInRequired", if free { device.settings.opt_in_required } else { ALL })
        .with("OptInState", state)
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

/// Shows a code on the device's screen.
fn start(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let time = call.device.unix_time(call.now);
    let needed = !may_modify(call.device) || call.device.settings.opt_in_required != 0;
    if !needed || call.device.features.consent.at(time) != Consent::NotAsked {
        return Ok(returned(INVALID_STATE));
    }
    call.device.features.consent =
        Consent::Shown { code: code_at(time), until: time + u64::from(DISPLAY_TIME) };
    Ok(returned(status::SUCCESS))
}

/// Six digits or less, different from one request to the next.
fn code_at(time: u64) -> u32 {
    // Below a million.
    ((time.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) % 1_000_000) as u32
}

fn cancel(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let time = call.device.unix_time(call.now);
    let asked = call.device.features.consent.at(time) != Consent::NotAsked;
    call.device.features.consent = Consent::NotAsked;
    Ok(returned(if asked { status::SUCCESS } else { INVALID_STATE }))
}

fn send_code(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let given: u32 = required(call.input.number("OptInCode")?)?;
    let time = call.device.unix_time(call.now);
    let Consent::Shown { code, .. } = call.device.features.consent.at(time) else {
        return Ok(returned(INVALID_STATE));
    };
    if given != code {
        return Ok(returned(status::INVALID_CREDENTIALS));
    }
    call.device.features.consent = Consent::Given { until: time + u64::from(CODE_TIME) };
    Ok(returned(status::SUCCESS))
}

fn may_modify(device: &Device) -> bool {
    device.control_mode() == ControlMode::Admin
}
