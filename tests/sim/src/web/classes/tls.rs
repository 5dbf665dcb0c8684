//! AMT_TLSSettingData, AMT_TLSCredentialContext, AMT_TLSProtocolEndpointCollection (wsman 10). What they say counts from the next
//! CommitChanges on.

use std::time::Instant;

use super::keys::{certificate_of, certificate_reference};
use super::stored::Constant::Text;
use super::stored::{Stored, fixed, stored_class};
use super::{Class, INSTANCE_ID, Invocation, resource};
use crate::config::TlsMode;
use crate::device::Device;
use crate::tls::{Interface, TlsInterface};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference, Value};

stored_class!(COLLECTION, COLLECTION_TABLE, &["ElementName"]);

pub(super) static SETTING_DATA: Class = Class {
    put: Some(put_settings),
    ..Class::read_only(resource!(amt "AMT_TLSSettingData"), INSTANCE_ID, list_settings)
};

pub(super) static CREDENTIAL_CONTEXT: Class = Class {
    put: Some(put_context),
    create: Some(create_context),
    delete: Some(delete_context),
    ..Class::read_only(CONTEXT_RESOURCE, &["ElementInContext", "ElementProvidingContext"], list_contexts)
};

const COLLECTION_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_TLSProtocolEndpointCollection"),
    properties: &[fixed("ElementName", Text(COLLECTION_NAME))],
};

const COLLECTION_NAME: &str = "TLSProtocolEndpoint Instances Collection";
/// A client's spelling, which firmware takes.
const COLLECTION_MISSPELT: &str = "TLSProtocolEndpointInstances Collection";
const CONTEXT_RESOURCE: &str = resource!(amt "AMT_TLSCredentialContext");

const INTERFACES: [(Interface, &str); 2] = [
    (Interface::Remote, "Intel(r) AMT 802.3 TLS Settings"),
    (Interface::Local, "Intel(r) AMT LMS TLS Settings"),
];

/// A reference to the collection of everything that speaks TLS.
pub(super) fn collection() -> Reference {
    Reference::new(COLLECTION_TABLE.resource, &[("ElementName", COLLECTION_NAME)])
}

/// `NonSecureConnectionsSupported` is shown by units that enforce TLS; the others have not got it.
fn list_settings(device: &Device, _now: Instant) -> Vec<Instance> {
    let enforced = device.security.mode() == TlsMode::Enforced;
    let settings = |(interface, name): (Interface, &'static str)| {
        let settings = device.security.store.interface(interface);
        Instance::with_capacity(7)
            .with("AcceptNonSecureConnections", settings.accepts_plain && !enforced)
            .with("ElementName", name)
            .with("Enabled", settings.enabled)
            .with("InstanceID", name)
            .with("MutualAuthentication", settings.mutual)
            .with_option("NonSecureConnectionsSupported", enforced.then_some(false))
            .with_list("TrustedCN", settings.trusted_names.iter().cloned())
    };
    INTERFACES.map(settings).into()
}

/// `NonSecureConnectionsSupported` is read-only, and a Put that carries it is refused. Where it is false, plain access is refused,
/// and so is a remote interface without TLS (wsman 10). Which faults these are is a guess.
fn put_settings(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let input = call.input;
    let enforced = call.device.security.mode() == TlsMode::Enforced;
    if input.text("NonSecureConnectionsSupported").is_some() {
        return Err(Fault::InvalidRepresentation);
    }
    let flag = |name| required(input.flag(name)?).map_err(|_| Fault::InvalidRepresentation);
    let settings = TlsInterface {
        enabled: flag("Enabled")?,
        mutual: flag("MutualAuthentication")?,
        accepts_plain: input.flag("AcceptNonSecureConnections")?.unwrap_or(false),
        trusted_names: input.numbers("TrustedCN")?,
    };
    let name = call.instance.get("InstanceID");
    let (interface, _) = INTERFACES
        .into_iter()
        .find(|(_, known)| name == Some(&Value::from(*known)))
        .ok_or(Fault::InvalidSelectors)?;
    if enforced && (settings.accepts_plain || interface == Interface::Remote && !settings.enabled) {
        return Err(Fault::AccessDenied);
    }
    call.device.security.store.set_interface(interface, settings);
    Ok(())
}

fn list_contexts(device: &Device, _now: Instant) -> Vec<Instance> {
    let context = |handle| {
        Instance::with_capacity(2)
            .with("ElementInContext", certificate_reference(handle))
            .with("ElementProvidingContext", collection())
    };
    device.security.store.credential().map(context).into_iter().collect()
}

fn create_context(call: &mut Invocation<'_>) -> Result<Reference, Fault> {
    if call.device.security.store.credential().is_some() {
        return Err(Fault::AlreadyExists);
    }
    let handle = bind(call)?;
    let ends =
        [("ElementInContext", certificate_reference(handle)), ("ElementProvidingContext", collection())];
    Ok(Reference::association(CONTEXT_RESOURCE, ends))
}

fn put_context(call: &mut Invocation<'_>) -> Result<(), Fault> {
    bind(call).map(drop)
}

/// Puts the certificate that the client names into the context.
fn bind(call: &mut Invocation<'_>) -> Result<u32, Fault> {
    let certificate = required(call.input.reference("ElementInContext")?)?;
    let collection = required(call.input.reference("ElementProvidingContext")?)?;
    let named = collection.selector("ElementName");
    if !matches!(named, Some(COLLECTION_NAME | COLLECTION_MISSPELT)) {
        return Err(Fault::InvalidRepresentation);
    }
    let handle = certificate_of(call.device, &certificate).ok_or(Fault::InvalidRepresentation)?;
    call.device.security.store.set_credential(Some(handle)).map_err(|_| Fault::InvalidRepresentation)?;
    Ok(handle)
}

fn delete_context(call: &mut Invocation<'_>) -> Result<(), Fault> {
    call.device.security.store.set_credential(None).map_err(|_| Fault::DestinationUnreachable)
}
