//! Keys and certificates: AMT_PublicKeyManagementService, AMT_PublicKeyCertificate, AMT_PublicPrivateKeyPair, and what says which
//! belong together and which are used (wsman 10). The store is `tls::Store`.
//!
//! Documented: names, parameters, 2058 for what is there already, that a certificate in use is not deleted and that roots do not
//! change while mutual authentication is on. Guessed: the other refusals. Keys are not generated but taken from a few that are
//! built in.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::stored::Constant::{Number, Text};
use super::stored::{Stored, fixed, stored_class};
use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS};
use super::{refused, resource, returned, status, wired, wireless};
use crate::device::Device;
use crate::tls::{Certificate, Key, StoreError};
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference, Value};

stored_class!(MANAGEMENT, MANAGEMENT_TABLE, SERVICE_KEYS, methods: &[
    Method { name: "AddCertificate", local_system: false, run: add_certificate },
    Method { name: "AddKey", local_system: false, run: add_key },
    Method { name: "AddTrustedRootCertificate", local_system: false, run: add_root },
    Method { name: "GenerateKeyPair", local_system: false, run: generate_key_pair },
    Method { name: "GeneratePKCS10RequestEx", local_system: false, run: sign_request },
]);

pub(super) static CERTIFICATE: Class = Class {
    put: Some(put_certificate),
    delete: Some(delete_certificate),
    ..Class::read_only(CERTIFICATE_RESOURCE, INSTANCE_ID, list_certificates)
};

pub(super) static KEY_PAIR: Class =
    Class { delete: Some(delete_key), ..Class::read_only(KEY_RESOURCE, INSTANCE_ID, list_keys) };

pub(super) static CONCRETE_DEPENDENCY: Class = Class::read_only(
    resource!(cim "CIM_ConcreteDependency"),
    &["Antecedent", "Dependent"],
    list_dependencies,
);

pub(super) static CREDENTIAL_CONTEXT: Class = Class::read_only(
    resource!(cim "CIM_CredentialContext"),
    &["ElementInContext", "ElementProvidingContext"],
    list_contexts,
);

const MANAGEMENT_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_PublicKeyManagementService"),
    properties: &[
        fixed("CreationClassName", Text("AMT_PublicKeyManagementService")),
        fixed("ElementName", Text("Intel(r) AMT Certificate Store Service")),
        fixed("EnabledDefault", Number(5)),
        fixed("EnabledState", Number(5)),
        fixed("Name", Text("Intel(r) AMT Public Key Management Service")),
        fixed("RequestedState", Number(12)),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
    ],
};

const CERTIFICATE_RESOURCE: &str = resource!(amt "AMT_PublicKeyCertificate");
const CERTIFICATE_PREFIX: &str = "Intel(r) AMT Certificate: Handle: ";
const KEY_RESOURCE: &str = resource!(amt "AMT_PublicPrivateKeyPair");
const KEY_PREFIX: &str = "Intel(r) AMT Key: Handle: ";

/// A reference to a certificate.
pub(super) fn certificate_reference(handle: u32) -> Reference {
    Reference::by_key(CERTIFICATE_RESOURCE, "InstanceID", format!("{CERTIFICATE_PREFIX}{handle}"))
}

/// The handle of the certificate that a client refers to, if it is one that the store has.
pub(super) fn certificate_of(device: &Device, reference: &Reference) -> Option<u32> {
    let handle = handle_of(reference, CERTIFICATE_RESOURCE, CERTIFICATE_PREFIX)?;
    device.security.store.certificate(handle).map(|certificate| certificate.handle)
}

fn key_reference(handle: u32) -> Reference {
    Reference::by_key(KEY_RESOURCE, "InstanceID", format!("{KEY_PREFIX}{handle}"))
}

fn handle_of(reference: &Reference, resource: &str, prefix: &str) -> Option<u32> {
    let name = reference.selector("InstanceID").filter(|_| reference.resource == resource)?;
    name.strip_prefix(prefix)?.parse().ok()
}

/// `TrustedRootCertficate` is spelt so by the schema.
fn list_certificates(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |certificate: &Certificate| {
        Instance::with_capacity(6)
            .with("ElementName", "Intel(r) AMT Certificate")
            .with("InstanceID", format!("{CERTIFICATE_PREFIX}{}", certificate.handle))
            .with("Issuer", certificate.issuer.clone())
            .with("Subject", certificate.subject.clone())
            .with("TrustedRootCertficate", certificate.trusted_root)
            .with("X509Certificate", Value::base64(&certificate.der))
    };
    device.security.store.certificates().iter().map(instance).collect()
}

fn list_keys(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |key: &Key| {
        Instance::with_capacity(3)
            .with("DERKey", Value::base64(&key.public))
            .with("ElementName", "Intel(r) AMT Key")
            .with("InstanceID", format!("{KEY_PREFIX}{}", key.handle))
    };
    device.security.store.keys().iter().map(instance).collect()
}

/// The local system account and its role, then each key with its certificate.
fn list_dependencies(device: &Device, _now: Instant) -> Vec<Instance> {
    const USER: &str = "Intel(r) AMT:$$OsAdmin";
    let link = |antecedent: Reference, dependent: Reference| {
        Instance::with_capacity(2).with("Antecedent", antecedent).with("Dependent", dependent)
    };
    let user = Reference::by_key(resource!(cim "CIM_Identity"), "InstanceID", USER);
    let role =
        Reference::new(resource!(cim "CIM_Role"), &[("CreationClassName", "CIM_Role"), ("Name", USER)]);
    let pairs = device.security.store.pairs();
    let pairs = pairs
        .map(|(key, certificate)| link(certificate_reference(certificate.handle), key_reference(key.handle)));
    std::iter::once(link(user, role)).chain(pairs).collect()
}

/// What uses which certificate: TLS, and 802.1x of the wired port and of wireless profiles.
fn list_contexts(device: &Device, _now: Instant) -> Vec<Instance> {
    let context = |handle: u32, user: Reference| {
        Instance::with_capacity(2)
            .with("ElementInContext", certificate_reference(handle))
            .with("ElementProvidingContext", user)
    };
    let tls = device.security.store.credential().map(|handle| context(handle, super::tls::collection()));
    let port_access = device.features.port_credentials().flat_map(|(profile, credentials)| {
        let user = profile.map_or_else(wired::settings_reference, wireless::settings_reference);
        [credentials.root, credentials.client]
            .into_iter()
            .flatten()
            .map(move |handle| context(handle, user.clone()))
    });
    tls.into_iter().chain(port_access).collect()
}

fn add_certificate(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    add(call, false)
}

fn add_root(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    add(call, true)
}

fn add(call: &mut Invocation<'_>, trusted_root: bool) -> Result<Instance, Fault> {
    let Some(der) = blob(call, "CertificateBlob")? else { return Ok(returned(status::INVALID_CERTIFICATE)) };
    let added = call.device.security.store.add_certificate(&der, trusted_root);
    Ok(created("CreatedCertificate", added.map(certificate_reference)))
}

fn add_key(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let Some(der) = blob(call, "KeyBlob")? else { return Ok(returned(status::INVALID_KEY)) };
    Ok(created("CreatedKey", call.device.security.store.add_key(&der).map(key_reference)))
}

/// RSA (0) with 2048 bits.
fn generate_key_pair(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let algorithm: u32 = required(call.input.number("KeyAlgorithm")?)?;
    let length: u32 = required(call.input.number("KeyLength")?)?;
    if (algorithm, length) != (0, 2048) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    Ok(created("KeyPair", call.device.security.store.generate_key().map(key_reference)))
}

/// SHA-256 (1); SHA-1 is refused, as by newer firmware.
fn sign_request(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let key = required(call.input.reference("KeyPair")?)?;
    let algorithm: u32 = required(call.input.number("SigningAlgorithm")?)?;
    let Some(request) = blob(call, "NullSignedCertificateRequest")?.filter(|_| algorithm == 1) else {
        return Ok(returned(status::INVALID_PARAMETER));
    };
    let Some(handle) = handle_of(&key, KEY_RESOURCE, KEY_PREFIX) else {
        return Ok(returned(status::INVALID_HANDLE));
    };
    Ok(match call.device.security.store.sign_request(handle, &request) {
        Ok(signed) => Instance::default()
            .with("SignedCertificateRequest", Value::base64(&signed))
            .with("ReturnValue", status::SUCCESS),
        Err(error) => returned(status_of(error)),
    })
}

fn created(name: &'static str, outcome: Result<Reference, StoreError>) -> Instance {
    match outcome {
        Ok(reference) => Instance::default().with(name, reference).with("ReturnValue", status::SUCCESS),
        Err(error) => refused(name, status_of(error)),
    }
}

/// Bytes that a client sends as base64; `None` if they are not.
fn blob(call: &Invocation<'_>, name: &'static str) -> Result<Option<Vec<u8>>, Fault> {
    Ok(STANDARD.decode(required(call.input.text(name))?).ok())
}

/// A Put may only repeat what the certificate is. Real firmware was seen to answer one; what it may change is unknown.
fn put_certificate(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let same = |name: &'static str| match (call.input.text(name), call.instance.get(name)) {
        (Some(given), Some(Value::Text(known))) => given == known,
        _ => true,
    };
    let root = call.input.flag("TrustedRootCertficate")?.map(Value::Bool);
    let same_root = root.is_none_or(|root| call.instance.get("TrustedRootCertficate") == Some(&root));
    if same("X509Certificate") && same_root { Ok(()) } else { Err(Fault::AccessDenied) }
}

fn delete_certificate(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let handle = selected(call, CERTIFICATE_PREFIX)?;
    if call.device.features.uses_certificate(handle) {
        return Err(Fault::AccessDenied);
    }
    call.device.security.store.delete_certificate(handle).map_err(fault_of)
}

fn delete_key(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let handle = selected(call, KEY_PREFIX)?;
    call.device.security.store.delete_key(handle).map_err(fault_of)
}

fn selected(call: &Invocation<'_>, prefix: &str) -> Result<u32, Fault> {
    let name = match call.instance.get("InstanceID") {
        Some(Value::Text(name)) => name.strip_prefix(prefix),
        _ => None,
    };
    name.and_then(|handle| handle.parse().ok()).ok_or(Fault::InvalidSelectors)
}

fn status_of(error: StoreError) -> u32 {
    match error {
        StoreError::Duplicate => status::DUPLICATE,
        StoreError::Full => status::MAX_LIMIT_REACHED,
        StoreError::InvalidCertificate => status::INVALID_CERTIFICATE,
        StoreError::InvalidKey => status::INVALID_KEY,
        StoreError::InvalidRequest => status::INVALID_PARAMETER,
        StoreError::Unknown => status::INVALID_HANDLE,
        StoreError::InUse | StoreError::MutualAuthentication => status::NOT_PERMITTED,
    }
}

fn fault_of(error: StoreError) -> Fault {
    match error {
        StoreError::InUse | StoreError::MutualAuthentication => Fault::AccessDenied,
        _ => Fault::DestinationUnreachable,
    }
}
