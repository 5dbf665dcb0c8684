//! Remote access (CIRA): AMT_RemoteAccessService, servers, rules and their links, user-initiated connections, environment detection
//! (wsman 12). Settings only: nothing ever connects.
//!
//! Documented: names, parameters, limits, that a server is not deleted while a rule refers to it. Guessed: what wrong parameters
//! are answered with. Passwords are checked and not kept.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stored::Constant::{Absent, Flag, Number, Text};
use super::stored::{Rule, Stored, fixed, stored_class, writable};
use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS};
use super::{refused, resource, returned, status};
use crate::device::Device;
use crate::device::features::{PolicyRule, PresenceServer, Written};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference, Value};

stored_class!(
    SERVICE,
    SERVICE_TABLE,
    SERVICE_KEYS,
    methods: &[
        Method { name: "AddMpServer", local_system: false, run: add_server },
        Method { name: "AddRemoteAccessPolicyRule", local_system: false, run: add_rule },
        Method { name: "CloseRemoteAccessConnection", local_system: false, run: close_connection },
    ],
);
stored_class!(CAPABILITIES, CAPABILITIES_TABLE, INSTANCE_ID);
stored_class!(
    USER_CONNECTION,
    USER_CONNECTION_TABLE,
    SERVICE_KEYS,
    methods: &[Method { name: "RequestStateChange", local_system: false, run: change_user_connection }],
);
stored_class!(ENVIRONMENT, ENVIRONMENT_TABLE, INSTANCE_ID, put: Some(|call| ENVIRONMENT_TABLE.put(call)));

pub(super) static SERVER: Class =
    Class { delete: Some(delete_server), ..Class::read_only(SERVER_RESOURCE, SERVICE_KEYS, list_servers) };

pub(super) static SERVER_USER: Class = Class {
    put: Some(put_user),
    ..Class::read_only(resource!(amt "AMT_MPSUsernamePassword"), INSTANCE_ID, list_users)
};

pub(super) static RULE: Class = Class {
    delete: Some(delete_rule),
    ..Class::read_only(
        RULE_RESOURCE,
        &["CreationClassName", "PolicyRuleName", "SystemCreationClassName", "SystemName"],
        list_rules,
    )
};

pub(super) static APPLIES: Class = Class {
    put: Some(put_link),
    ..Class::read_only(
        resource!(amt "AMT_RemoteAccessPolicyAppliesToMPS"),
        &["ManagedElement", "PolicySet"],
        list_links,
    )
};

const SERVICE_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_RemoteAccessService"),
    properties: &[
        fixed("CreationClassName", Text("AMT_RemoteAccessService")),
        fixed("ElementName", Text("Intel(r) AMT Remote Access Service")),
        fixed("IsRemoteTunnelConnected", Flag(false)),
        fixed("Name", Text("Intel(r) AMT Remote Access Service")),
        fixed("RemoteTunnelKeepAliveTimeout", Number(u32::MAX as u64)),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
    ],
};

const CAPABILITIES_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_RemoteAccessCapabilities"),
    properties: &[
        fixed("ElementName", Text("Intel(r) AMT:Remote Access Capabilities")),
        fixed("InstanceID", Text("Intel(r) AMT:Remote Access Capabilities")),
        fixed("MaxMpsPerPolicy", Number(2)),
        fixed("MaxTotalMpServers", Number(MAX_SERVERS as u64)),
        fixed("MaxTotalPolicies", Number(3)),
        fixed("MaxTotalProxyEntryPoints", Number(15)),
    ],
};

const USER_CONNECTION_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_UserInitiatedConnectionService"),
    properties: &[
        fixed("CreationClassName", Text("AMT_UserInitiatedConnectionService")),
        fixed("ElementName", Text("Intel(r) AMT User Initiated Connection Service")),
        fixed("EnabledState", Number(32768)),
        fixed("LastConnectionReason", Text("")),
        fixed("Name", Text("Intel(r) AMT User Initiated Connection Service")),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
    ],
};

const ENVIRONMENT_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_EnvironmentDetectionSettingData"),
    properties: &[
        writable("DetectionAlgorithm", Number(0), Rule::OneOf(&[0])),
        writable("DetectionIPv6LocalPrefixes", Absent, Rule::List(5)),
        writable("DetectionStrings", Absent, Rule::List(5)),
        fixed("ElementName", Text("Intel(r) AMT Environment Detection Settings")),
        fixed("InstanceID", Text("Intel(r) AMT Environment Detection Settings")),
    ],
};

const SERVER_RESOURCE: &str = resource!(amt "AMT_ManagementPresenceRemoteSAP");
const RULE_RESOURCE: &str = resource!(amt "AMT_RemoteAccessPolicyRule");
const USER_PREFIX: &str = "Intel(r) AMT:MPS Username Password ";
const MAX_SERVERS: usize = 6;
const MAX_SERVERS_OF_RULE: usize = 2;
/// Longest user name and password of a server.
const MAX_SECRET: usize = 16;
/// Rule names by trigger.
const TRIGGERS: [&str; 4] = ["User Initiated", "Alert", "Periodic", "Home Provisioning"];

/// Whether a text is an address of this format: 3 IPv4, 4 IPv6, 201 a name.
pub(super) fn is_address(text: &str, format: u32) -> bool {
    match format {
        3 => text.parse::<Ipv4Addr>().is_ok(),
        4 => text.parse::<Ipv6Addr>().is_ok(),
        201 => {
            !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        }
        _ => false,
    }
}

fn server_name(number: u32) -> String {
    format!("Intel(r) AMT:Management Presence Server {number}")
}

fn server_reference(number: u32) -> Reference {
    let mut reference = Reference::new(
        SERVER_RESOURCE,
        &[
            ("CreationClassName", "AMT_ManagementPresenceRemoteSAP"),
            ("SystemCreationClassName", COMPUTER_SYSTEM),
            ("SystemName", AMT_SYSTEM),
        ],
    );
    reference.selectors.insert(1, ("Name".into(), server_name(number).into()));
    reference
}

fn rule_name(rule: &PolicyRule) -> &'static str {
    TRIGGERS.get(rule.trigger as usize).copied().unwrap_or_default()
}

fn rule_reference(rule: &PolicyRule) -> Reference {
    Reference::new(
        RULE_RESOURCE,
        &[
            ("CreationClassName", "AMT_RemoteAccessPolicyRule"),
            ("PolicyRuleName", rule_name(rule)),
            ("SystemCreationClassName", COMPUTER_SYSTEM),
            ("SystemName", AMT_SYSTEM),
        ],
    )
}

fn list_servers(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |server: &PresenceServer| {
        Instance::with_capacity(9)
            .with("AccessInfo", server.address.clone())
            .with_option("CN", server.common_name.clone())
            .with("CreationClassName", "AMT_ManagementPresenceRemoteSAP")
            .with("ElementName", "Intel(r) AMT:Management Presence Server")
            .with("InfoFormat", server.format)
            .with("Name", server_name(server.number))
            .with("Port", server.port)
            .with("SystemCreationClassName", COMPUTER_SYSTEM)
            .with("SystemName", AMT_SYSTEM)
    };
    device.features.servers.iter().map(instance).collect()
}

fn list_users(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |server: &PresenceServer| {
        Instance::with_capacity(2)
            .with("InstanceID", format!("{USER_PREFIX}{}", server.number))
            .with("RemoteID", server.user.clone().unwrap_or_default())
    };
    device.features.servers.iter().filter(|server| server.user.is_some()).map(instance).collect()
}

fn list_rules(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |rule: &PolicyRule| {
        Instance::with_capacity(8)
            .with("CreationClassName", "AMT_RemoteAccessPolicyRule")
            // Observed, with this spelling.
            .with("ElementName", "Inte(r) AMT:Remote Access Policy")
            .with_option("ExtendedData", rule.extended_data.clone())
            .with("PolicyRuleName", rule_name(rule))
            .with("SystemCreationClassName", COMPUTER_SYSTEM)
            .with("SystemName", AMT_SYSTEM)
            .with("Trigger", rule.trigger)
            .with("TunnelLifeTime", rule.life_time)
    };
    device.features.rules.iter().map(instance).collect()
}

fn list_links(device: &Device, _now: Instant) -> Vec<Instance> {
    let links = device.features.rules.iter().flat_map(|rule| {
        (0_u32..).zip(&rule.servers).map(move |(order, (server, kind))| {
            Instance::with_capacity(4)
                .with("ManagedElement", server_reference(*server))
                .with("MpsType", *kind)
                .with("OrderOfAccess", order)
                .with("PolicySet", rule_reference(rule))
        })
    });
    links.collect()
}

fn add_server(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    const OUTPUT: &str = "MpServer";
    let input = call.input;
    let mut server = PresenceServer {
        number: 0,
        address: required(input.short_text("AccessInfo", 256)?)?.to_owned(),
        format: required(input.number("InfoFormat")?)?,
        port: required(input.number("Port")?)?,
        common_name: input.text("CN").map(str::to_owned),
        user: input.text("Username").map(str::to_owned),
    };
    let method: u32 = required(input.number("AuthMethod")?)?;
    let short = |name| input.text(name).is_some_and(|text| (1..=MAX_SECRET).contains(&text.len()));
    let authenticated = match method {
        1 => input.reference("Certificate")?.is_some(),
        2 => short("Username") && short("Password"),
        _ => false,
    };
    let sound = authenticated && is_address(&server.address, server.format);
    if !sound || !(1..=65535).contains(&server.port) {
        return Ok(refused(OUTPUT, status::INVALID_PARAMETER));
    }
    let servers = &mut call.device.features.servers;
    let same = |known: &PresenceServer| (&known.address, known.port) == (&server.address, server.port);
    if servers.iter().any(same) {
        return Ok(refused(OUTPUT, status::DUPLICATE));
    }
    if servers.len() == MAX_SERVERS {
        return Ok(refused(OUTPUT, status::MAX_LIMIT_REACHED));
    }
    // The lowest number that is free: the limit above keeps it small.
    let taken = |number: u32| servers.iter().any(|known| known.number == number);
    server.number = (0..).find(|number| !taken(*number)).unwrap_or_default();
    let reference = server_reference(server.number);
    servers.push(server);
    Ok(Instance::default().with(OUTPUT, reference).with("ReturnValue", status::SUCCESS))
}

fn add_rule(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    const OUTPUT: &str = "PolicyRule";
    let input = call.input;
    let mut rule = PolicyRule {
        trigger: required(input.number("Trigger")?)?,
        life_time: required(input.number("TunnelLifeTime")?)?,
        extended_data: input.text("ExtendedData").map(str::to_owned),
        servers: Vec::new(),
    };
    for reference in input.references("MpServer")? {
        let Some(server) = server_of(call.device, &reference) else {
            return Ok(refused(OUTPUT, status::INVALID_HANDLE));
        };
        rule.servers.push((server, 0));
    }
    let periodic = rule.trigger == 2;
    let timed = rule.extended_data.as_deref().is_some_and(is_timing);
    let linked = (1..=MAX_SERVERS_OF_RULE).contains(&rule.servers.len());
    if rule_name(&rule).is_empty() || !linked || (periodic && !timed) {
        return Ok(refused(OUTPUT, status::INVALID_PARAMETER));
    }
    let rules = &mut call.device.features.rules;
    if rules.iter().any(|known| known.trigger == rule.trigger) {
        return Ok(refused(OUTPUT, status::DUPLICATE));
    }
    let reference = rule_reference(&rule);
    rules.push(rule);
    Ok(Instance::default().with(OUTPUT, reference).with("ReturnValue", status::SUCCESS))
}

/// Type 0 with an interval in seconds, or type 1 with an hour and a minute; each number has four bytes.
fn is_timing(text: &str) -> bool {
    let Ok(bytes) = STANDARD.decode(text) else { return false };
    matches!((bytes.as_slice(), bytes.len()), ([0, 0, 0, 0, ..], 8) | ([0, 0, 0, 1, ..], 12))
}

fn server_of(device: &Device, reference: &Reference) -> Option<u32> {
    let known = device.features.servers.iter().map(|server| server.number);
    known.into_iter().find(|number| server_reference(*number).is_meant_by(reference))
}

fn close_connection(_call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(returned(status::SUCCESS))
}

fn delete_server(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let name = call.instance.get("Name");
    let features = &mut call.device.features;
    let selected = |number: u32| name == Some(&Value::from(server_name(number)));
    if features.rules.iter().flat_map(|rule| &rule.servers).any(|(number, _)| selected(*number)) {
        return Err(Fault::AccessDenied);
    }
    features.servers.retain(|server| !selected(server.number));
    Ok(())
}

fn delete_rule(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let name = call.instance.get("PolicyRuleName");
    call.device.features.rules.retain(|rule| name != Some(&Value::from(rule_name(rule))));
    Ok(())
}

/// User and password are replaced together; `Secret` carries the password.
fn put_user(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let user =
        required(call.input.short_text("RemoteID", MAX_SECRET)?).map_err(|_| Fault::InvalidRepresentation)?;
    required(call.input.short_text("Secret", MAX_SECRET)?).map_err(|_| Fault::InvalidRepresentation)?;
    let id = call.instance.get("InstanceID");
    let servers = &mut call.device.features.servers;
    let server =
        servers.iter_mut().find(|server| id == Some(&Value::from(format!("{USER_PREFIX}{}", server.number))));
    server.ok_or(Fault::DestinationUnreachable)?.user = Some(user.to_owned());
    Ok(())
}

/// 0 external, 1 internal, 2 both. The order of access is that of the rule's servers.
fn put_link(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let kind = required(call.input.number("MpsType")?).map_err(|_| Fault::InvalidRepresentation)?;
    if kind > 2 {
        return Err(Fault::InvalidRepresentation);
    }
    let (element, set) = (call.instance.get("ManagedElement"), call.instance.get("PolicySet"));
    for rule in &mut call.device.features.rules {
        if set != Some(&rule_reference(rule).into()) {
            continue;
        }
        for (server, known) in &mut rule.servers {
            if element == Some(&server_reference(*server).into()) {
                *known = kind;
            }
        }
    }
    Ok(())
}

/// 32768 off, 32769 BIOS, 32770 OS, 32771 both.
fn change_user_connection(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    /// CIM's RequestStateChange: a parameter is wrong.
    const INVALID_STATE: u32 = 5;
    let state: u32 = required(call.input.number("RequestedState")?)?;
    if !(32768..=32771).contains(&state) {
        return Ok(returned(INVALID_STATE));
    }
    USER_CONNECTION_TABLE.set(call.device, "EnabledState", Written::Number(state.into()));
    Ok(returned(status::SUCCESS))
}
