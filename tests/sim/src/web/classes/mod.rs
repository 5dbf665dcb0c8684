//! The classes that the device serves: for each its instances, and what may be done to them.
//!
//! One file per group of classes; each class is a constant of type [`Class`], listed in [`CLASSES`]. Property names and their
//! order are those of real answers (alphabetical, as firmware writes them); values are the device's. Called by `operations`.

use std::time::Instant;

use super::fault::Fault;
use super::input::Input;
use super::value::{Instance, Reference};
use crate::device::Device;
use crate::device::accounts::Realm;

mod alarm;
mod authorization;
mod boot;
mod consent;
mod ethernet;
mod general;
mod hardware;
mod host_based;
mod keys;
mod message_log;
mod power;
mod presence;
mod proxy;
mod redirection;
mod remote_access;
mod settings;
mod setup;
mod software;
mod stored;
mod time;
mod tls;
mod wired;
mod wireless;

/// All classes. `DestinationUnreachable` is the answer for any other.
static CLASSES: &[&Class] = &[
    &alarm::OCCURRENCE,
    &alarm::SERVICE,
    &authorization::SERVICE,
    &boot::CAPABILITIES,
    &boot::CONFIG_SETTING,
    &boot::SERVICE,
    &boot::SETTING_DATA,
    &boot::SOURCE_SETTING,
    &consent::KVM_SETTINGS,
    &consent::OPT_IN,
    &ethernet::PORT_SETTINGS,
    &general::SETTINGS,
    &hardware::AUDIT_LOG,
    &hardware::BIOS,
    &hardware::BOOT_REASON,
    &hardware::CRYPTOGRAPHY,
    &hardware::ETHERNET_PORT,
    &hardware::IPV6,
    &hardware::LAN_ENDPOINT,
    &host_based::SERVICE,
    &keys::CERTIFICATE,
    &keys::CONCRETE_DEPENDENCY,
    &keys::CREDENTIAL_CONTEXT,
    &keys::KEY_PAIR,
    &keys::MANAGEMENT,
    &message_log::LOG,
    &power::ASSOCIATED_SERVICE,
    &power::AVAILABLE_TO_ELEMENT,
    &power::CAPABILITIES,
    &power::OS_SERVICE,
    &power::SCHEMES,
    &power::SERVICE,
    &presence::CAPABILITIES,
    &presence::SERVICE,
    &presence::WATCHDOG,
    &presence::WATCHDOG_ACTION,
    &proxy::ACCESS_POINT,
    &proxy::SERVICE,
    &redirection::KVM,
    &redirection::SERVICE,
    &remote_access::APPLIES,
    &remote_access::CAPABILITIES,
    &remote_access::ENVIRONMENT,
    &remote_access::RULE,
    &remote_access::SERVER,
    &remote_access::SERVER_USER,
    &remote_access::SERVICE,
    &remote_access::USER_CONNECTION,
    &settings::EVENT,
    &settings::KERBEROS,
    &settings::PROVISIONING_LOG,
    &settings::REDIRECTION,
    &settings::SCREENS,
    &settings::SECURE_OUTPUT,
    &setup::SETUP_AND_CONFIGURATION,
    &software::CHASSIS,
    &software::COMPUTER_SYSTEM,
    &software::IDENTITY,
    &software::SYSTEM_PACKAGE,
    &time::SYNCHRONIZATION,
    &tls::COLLECTION,
    &tls::CREDENTIAL_CONTEXT,
    &tls::SETTING_DATA,
    &wired::CREDENTIAL_CONTEXT,
    &wired::HOST_IP,
    &wired::OLD_CREDENTIAL_CONTEXT,
    &wired::PROFILE,
    &wired::SETTINGS,
    &wireless::CONFIGURATION,
    &wireless::ENDPOINT,
    &wireless::ENDPOINT_CAPABILITIES,
    &wireless::ENDPOINT_SETTINGS,
    &wireless::PORT,
    &wireless::PORT_ACCESS_SETTINGS,
    &wireless::PORT_CAPABILITIES,
];

/// The class with this resource URI.
pub(super) fn find(resource: &str) -> Option<&'static Class> {
    CLASSES.iter().find(|class| class.resource == resource).copied()
}

/// A class.
#[derive(Debug)]
pub(super) struct Class {
    /// Its resource URI, which is also the namespace of its elements.
    pub(super) resource: &'static str,
    /// Names of the selectors that it takes.
    pub(super) keys: &'static [&'static str],
    /// Its instances at present.
    pub(super) list: fn(&Device, Instant) -> Vec<Instance>,
    pub(super) put: Option<Change<()>>,
    pub(super) create: Option<Change<Reference>>,
    pub(super) delete: Option<Change<()>>,
    pub(super) methods: &'static [Method],
    /// Resource URI of the items of a Pull, where they are instances of another class.
    items: Option<&'static str>,
    /// Whether the Action of a method's answer ends in `Response`; some classes' does not.
    pub(super) response_suffix: bool,
    /// Whether the local system account may Put: the host's own service does so with this account (wsman 17).
    pub(super) local_system_put: bool,
    /// Whether the class needs a realm that the local system account does not have.
    pub(super) agent_realm: bool,
    /// The realm that an entry of the access control list needs to change something, where the class is not the agents'.
    pub(super) realm: Realm,
    /// Whether the local system account may call the methods while it configures the device over TLS (activation 5).
    pub(super) configures_over_tls: bool,
}

/// An operation on an instance.
pub(super) type Change<T> = fn(&mut Invocation<'_>) -> Result<T, Fault>;

/// A method of a class.
#[derive(Debug)]
pub(super) struct Method {
    pub(super) name: &'static str,
    /// Whether the local system account may call it.
    pub(super) local_system: bool,
    pub(super) run: Change<Instance>,
}

/// What an operation works on.
pub(super) struct Invocation<'a> {
    pub(super) device: &'a mut Device,
    pub(super) now: Instant,
    /// The selected instance; empty for Create.
    pub(super) instance: Instance,
    pub(super) input: Input<'a>,
}

impl Class {
    /// A class that can be read: the rest of the constants add to it.
    const fn read_only(
        resource: &'static str,
        keys: &'static [&'static str],
        list: fn(&Device, Instant) -> Vec<Instance>,
    ) -> Self {
        Self {
            resource,
            keys,
            list,
            put: None,
            create: None,
            delete: None,
            methods: &[],
            items: None,
            response_suffix: true,
            local_system_put: false,
            agent_realm: false,
            realm: Realm::Administration,
            configures_over_tls: false,
        }
    }

    /// The method with this name.
    pub(super) fn method(&self, name: &str) -> Option<&'static Method> {
        self.methods.iter().find(|method| method.name == name)
    }

    /// Resource URI of the items of a Pull.
    pub(super) fn item_resource(&self) -> &'static str {
        self.items.unwrap_or(self.resource)
    }
}

/// A resource URI: prefix by schema, then the class's name (wsman 4).
macro_rules! resource {
    (amt $name:literal) => {
        concat!("http://intel.com/wbem/wscim/1/amt-schema/1/", $name)
    };
    (ips $name:literal) => {
        concat!("http://intel.com/wbem/wscim/1/ips-schema/1/", $name)
    };
    (cim $name:literal) => {
        concat!("http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/", $name)
    };
}
use resource;

/// Keys of a service.
const SERVICE_KEYS: &[&str] = &["CreationClassName", "Name", "SystemCreationClassName", "SystemName"];
/// Key of settings, capabilities and identities.
const INSTANCE_ID: &[&str] = &["InstanceID"];
/// `SystemCreationClassName` everywhere.
const COMPUTER_SYSTEM: &str = "CIM_ComputerSystem";
/// `SystemName` of AMT's own objects.
const AMT_SYSTEM: &str = "Intel(r) AMT";
/// `SystemName` of the host's objects.
const MANAGED_SYSTEM: &str = "ManagedSystem";

/// Return values of methods (PT_STATUS, wsman 7).
mod status {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const NOT_REGISTERED: u32 = 8;
    pub(super) const NOT_PERMITTED: u32 = 16;
    pub(super) const MAX_LIMIT_REACHED: u32 = 23;
    pub(super) const INVALID_PROVISIONING_STATE: u32 = 32;
    pub(super) const INVALID_INDEX: u32 = 35;
    pub(super) const INVALID_PARAMETER: u32 = 36;
    pub(super) const INVALID_HANDLE: u32 = 2053;
    pub(super) const INVALID_PASSWORD: u32 = 2054;
    pub(super) const INVALID_REALM: u32 = 2055;
    pub(super) const DATA_MISSING: u32 = 2057;
    pub(super) const DUPLICATE: u32 = 2058;
    pub(super) const EVENT_LOG_FROZEN: u32 = 2059;
    pub(super) const INVALID_KEY: u32 = 2062;
    pub(super) const INVALID_CERTIFICATE: u32 = 2063;
    pub(super) const UNSUPPORTED: u32 = 2066;
    pub(super) const INVALID_CREDENTIALS: u32 = 2069;
    pub(super) const BLOCKING_COMPONENT: u32 = 2076;
}

/// The outputs of a method that has none but the return value.
pub(super) fn returned(value: u32) -> Instance {
    Instance::default().with("ReturnValue", value)
}

/// The outputs of a method that returns a reference and fails: observed is a reference to nothing.
fn refused(output: &'static str, value: u32) -> Instance {
    Instance::default().with(output, Reference::new("", &[])).with("ReturnValue", value)
}

#[cfg(test)]
mod tests;
