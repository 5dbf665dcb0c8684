//! Agent presence: AMT_AgentPresenceWatchdog and the classes around it (wsman 14.1). The behaviour is `device::presence`'s.
//!
//! No recorded answers of these classes exist. Names of properties and parameters are documented; which properties a Get
//! returns, their order and the return values are guessed.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS, resource};
use super::{returned, status};
use crate::device::Device;
use crate::device::presence::{Action, MAX_ACTIONS, MAX_AGENTS, PresenceError, Watchdog, WatchdogSpec};
use crate::web::fault::Fault;
use crate::web::input::{Input, required};
use crate::web::value::{Instance, Reference, Value};

pub(super) static WATCHDOG: Class = Class {
    create: Some(create),
    delete: Some(delete),
    methods: &[
        Method { name: "AddAction", local_system: false, run: add_action },
        Method { name: "AssertPresence", local_system: false, run: assert_presence },
        Method { name: "AssertShutdown", local_system: false, run: assert_shutdown },
        Method { name: "DeleteAllActions", local_system: false, run: delete_all_actions },
        Method { name: "RegisterAgent", local_system: false, run: register_agent },
    ],
    agent_realm: true,
    ..Class::read_only(
        WATCHDOG_RESOURCE,
        &["CreationClassName", "DeviceID", "SystemCreationClassName", "SystemName"],
        list_watchdogs,
    )
};

pub(super) static WATCHDOG_ACTION: Class = Class {
    agent_realm: true,
    ..Class::read_only(resource!(amt "AMT_AgentPresenceWatchdogAction"), INSTANCE_ID, list_actions)
};

pub(super) static CAPABILITIES: Class = Class {
    agent_realm: true,
    ..Class::read_only(resource!(amt "AMT_AgentPresenceCapabilities"), INSTANCE_ID, list_capabilities)
};

pub(super) static SERVICE: Class = Class {
    agent_realm: true,
    ..Class::read_only(resource!(amt "AMT_AgentPresenceService"), SERVICE_KEYS, list_services)
};

const WATCHDOG_RESOURCE: &str = resource!(amt "AMT_AgentPresenceWatchdog");
const WATCHDOG_CLASS: &str = "AMT_AgentPresenceWatchdog";
/// Most characters of a description.
const MAX_DESCRIPTION: usize = 16;

fn list_watchdogs(device: &Device, _now: Instant) -> Vec<Instance> {
    device.presence.watchdogs().iter().map(watchdog).collect()
}

fn watchdog(watchdog: &Watchdog) -> Instance {
    let spec = watchdog.spec();
    Instance::with_capacity(12)
        .with("CreationClassName", WATCHDOG_CLASS)
        .with("CurrentState", watchdog.state() as u32)
        .with("DeviceID", Value::base64(&spec.device_id))
        .with("ElementName", "Intel(r) AMT Agent Presence Watchdog")
        .with("EnabledState", 5)
        .with("MonitoredEntityDescription", spec.description.clone())
        .with("RequestedState", 12)
        .with("StartupInterval", Value::Number(spec.startup.as_secs()))
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM)
        .with("TimeoutInterval", Value::Number(spec.timeout.as_secs()))
        .with("TimerResolution", 1_000_000_000)
}

fn list_actions(device: &Device, _now: Instant) -> Vec<Instance> {
    let of_watchdog = |(index, watchdog): (usize, &Watchdog)| {
        let instance = move |(number, action): (usize, &Action)| {
            Instance::with_capacity(4)
                .with_option("ActionSd", action.system_defence)
                .with("ElementName", "Intel(r) AMT Agent Presence Watchdog Action")
                .with("EventOnTransition", action.event)
                .with("InstanceID", format!("Intel(r) AMT:Agent Presence Watchdog Action {index} {number}"))
        };
        watchdog.actions().iter().enumerate().map(instance).collect::<Vec<_>>()
    };
    device.presence.watchdogs().iter().enumerate().flat_map(of_watchdog).collect()
}

fn list_capabilities(_device: &Device, _now: Instant) -> Vec<Instance> {
    let capabilities = Instance::with_capacity(6)
        .with("ElementName", "Intel(r) AMT Agent Presence Capabilities")
        .with("InstanceID", "Intel(r) AMT:Agent Presence Capabilities 0")
        .with("MaxEacAgents", 1)
        .with("MaxTotalActions", Value::Number((MAX_AGENTS * MAX_ACTIONS) as u64))
        .with("MaxTotalAgents", Value::Number(MAX_AGENTS as u64))
        .with("MinGuaranteedActionListSize", Value::Number(MAX_ACTIONS as u64));
    vec![capabilities]
}

fn list_services(_device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Agent Presence Service";
    let service = Instance::with_capacity(7)
        .with("CreationClassName", "AMT_AgentPresenceService")
        .with("ElementName", NAME)
        .with("EnabledState", 5)
        .with("Name", NAME)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

fn create(call: &mut Invocation<'_>) -> Result<Reference, Fault> {
    let input = call.input;
    let spec = WatchdogSpec {
        device_id: parse_device_id(required(input.text("DeviceID"))?)?,
        description: required(input.short_text("MonitoredEntityDescription", MAX_DESCRIPTION)?)?.to_owned(),
        startup: interval(input, "StartupInterval")?,
        timeout: interval(input, "TimeoutInterval")?,
    };
    let reference = reference(&spec.device_id);
    call.device.presence.create(spec, call.now).map_err(fault_of)?;
    Ok(reference)
}

fn reference(device_id: &[u8; 16]) -> Reference {
    Reference {
        resource: WATCHDOG_RESOURCE.into(),
        selectors: vec![
            ("CreationClassName".into(), WATCHDOG_CLASS.into()),
            ("DeviceID".into(), STANDARD.encode(device_id).into()),
            ("SystemCreationClassName".into(), COMPUTER_SYSTEM.into()),
            ("SystemName".into(), AMT_SYSTEM.into()),
        ],
        nested: Vec::new(),
    }
}

/// Base64 of exactly 16 bytes, not all zero.
fn parse_device_id(text: &str) -> Result<[u8; 16], Fault> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
    bytes.filter(|bytes| *bytes != [0; 16]).ok_or(Fault::InvalidParameter)
}

/// Whole seconds, 16 bits, at least one.
fn interval(input: Input<'_>, name: &'static str) -> Result<Duration, Fault> {
    match required(input.number::<u16>(name)?)? {
        0 => Err(Fault::InvalidParameter),
        seconds => Ok(Duration::from_secs(seconds.into())),
    }
}

fn delete(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let id = selected(call)?;
    call.device.presence.delete(&id).map_err(fault_of)
}

fn register_agent(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let id = selected(call)?;
    let session = call.device.presence.register(&id, call.now).map_err(fault_of)?;
    let timeout =
        call.device.presence.find(&id).map(|watchdog| Value::Number(watchdog.spec().timeout.as_secs()));
    let outputs = Instance::default()
        .with("SessionSequenceNumber", session)
        .with_option("TimeoutInterval", timeout)
        .with("ReturnValue", status::SUCCESS);
    Ok(outputs)
}

fn assert_presence(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let (id, sequence) = (selected(call)?, required(call.input.number("SequenceNumber")?)?);
    result(call.device.presence.assert_presence(&id, sequence, call.now))
}

fn assert_shutdown(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let (id, sequence) = (selected(call)?, required(call.input.number("SequenceNumber")?)?);
    result(call.device.presence.assert_shutdown(&id, sequence, call.now))
}

fn add_action(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let id = selected(call)?;
    let input = call.input;
    let action = Action {
        old_state: required(input.number("OldState")?)?,
        new_state: required(input.number("NewState")?)?,
        event: required(input.flag("EventOnTransition")?)?,
        system_defence: input.number("ActionSd")?,
        access_control: input.flag("ActionEac")?.unwrap_or(false),
    };
    let valid = |mask: u32| (1..=31).contains(&mask);
    if !valid(action.old_state)
        || !valid(action.new_state)
        || action.system_defence.is_some_and(|action| action > 1)
    {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    result(call.device.presence.add_action(&id, action))
}

fn delete_all_actions(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let id = selected(call)?;
    result(call.device.presence.delete_all_actions(&id))
}

/// The selected watchdog's identifier.
fn selected(call: &Invocation<'_>) -> Result<[u8; 16], Fault> {
    match call.instance.get("DeviceID") {
        Some(Value::Text(text)) => parse_device_id(text),
        _ => Err(Fault::InvalidSelectors),
    }
}

/// A refusal of an agent's call as its return value; a watchdog that is gone is a fault.
fn result(outcome: Result<(), PresenceError>) -> Result<Instance, Fault> {
    Ok(returned(match outcome {
        Ok(()) => status::SUCCESS,
        Err(PresenceError::NotRegistered) => status::NOT_REGISTERED,
        Err(PresenceError::WrongSequence) => status::INVALID_PARAMETER,
        Err(PresenceError::Full) => status::MAX_LIMIT_REACHED,
        Err(other) => return Err(fault_of(other)),
    }))
}

fn fault_of(error: PresenceError) -> Fault {
    match error {
        PresenceError::Unknown => Fault::DestinationUnreachable,
        PresenceError::Duplicate => Fault::AlreadyExists,
        PresenceError::Full => Fault::QuotaLimit,
        PresenceError::NotRegistered | PresenceError::WrongSequence => Fault::InvalidParameter,
    }
}
