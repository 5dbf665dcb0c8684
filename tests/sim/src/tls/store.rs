//! Keys, certificates and TLS settings: what survives a restart (wsman 10).
//!
//! Changes of the settings count from the next commit on (wsman 9.3); certificates and keys are there at once. Changed by
//! `web::classes`, saved by `device::saved`, read by `settings` for each connection.

use ring::rand::SystemRandom;
use ring::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use serde::{Deserialize, Serialize};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::FromDer;
use x509_parser::x509::X509Name;

/// Most certificates, and most keys, in the store (a guess).
const MAX_ENTRIES: usize = 16;

/// Keys that "generating" hands out, in turn: making one would take seconds. They protect nothing.
const GENERATED: [&[u8]; 4] = [
    include_bytes!("keys/generated-1-test-key.der"),
    include_bytes!("keys/generated-2-test-key.der"),
    include_bytes!("keys/generated-3-test-key.der"),
    include_bytes!("keys/generated-4-test-key.der"),
];

/// A certificate of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Certificate {
    /// Part of the instance's name.
    pub(crate) handle: u32,
    /// In AMT's notation: `C=..,O=..,CN=..`.
    pub(crate) subject: String,
    pub(crate) issuer: String,
    /// DER, as base64 where it is saved.
    #[serde(with = "octets")]
    pub(crate) der: Vec<u8>,
    pub(crate) trusted_root: bool,
}

/// A key pair of the store. `Debug` does not show the private key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub(crate) handle: u32,
    /// PKCS#1 `RSAPrivateKey`.
    #[serde(with = "octets")]
    pub(super) private: Vec<u8>,
    /// PKCS#1 `RSAPublicKey`.
    #[serde(with = "octets")]
    pub(crate) public: Vec<u8>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("handle", &self.handle).finish_non_exhaustive()
    }
}

/// TLS settings of one interface.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct TlsInterface {
    pub(crate) enabled: bool,
    pub(crate) mutual: bool,
    pub(crate) accepts_plain: bool,
    pub(crate) trusted_names: Vec<String>,
}

/// The two interfaces that have settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interface {
    /// From the network.
    Remote,
    /// From the host, through port forwarding.
    Local,
}

/// Certificates, keys and settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Store {
    certificates: Vec<Certificate>,
    keys: Vec<Key>,
    remote: TlsInterface,
    local: TlsInterface,
    /// Handle of the certificate that TLS uses.
    credential: Option<u32>,
    /// What was committed: the local interface and its certificate.
    pub(super) in_force: InForce,
    next_certificate: u32,
    next_key: u32,
    generated: usize,
}

/// Settings that count.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct InForce {
    pub(super) local: TlsInterface,
    pub(super) credential: Option<u32>,
}

/// Why the store refuses a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("it is in the store already")]
    Duplicate,
    #[error("the store is full")]
    Full,
    #[error("it is no certificate")]
    InvalidCertificate,
    #[error("it is no RSA key of at least 2048 bits in PKCS#1")]
    InvalidKey,
    #[error("it is no certificate request")]
    InvalidRequest,
    #[error("it is in use")]
    InUse,
    #[error("roots cannot change while mutual authentication is on")]
    MutualAuthentication,
    #[error("there is none with this handle")]
    Unknown,
}

/// What is missing for a commit of the TLS settings (wsman 9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CommitError {
    #[error("TLS needs a certificate, with its key, in the credential context")]
    Credential,
    #[error("mutual authentication needs a trusted root")]
    Root,
    #[error("mutual authentication needs the network time")]
    Time,
}

impl Default for Store {
    /// What a device has when it leaves the factory: one root, TLS off.
    fn default() -> Self {
        let root = Certificate {
            handle: 0,
            subject: "C=US,O=amt-sim,CN=Simulated MPS Root CA".into(),
            issuer: "C=US,O=amt-sim,CN=Simulated MPS Root CA".into(),
            der: include_bytes!("../device/certificate.der").into(),
            trusted_root: true,
        };
        let interface = |accepts_plain| TlsInterface { accepts_plain, ..TlsInterface::default() };
        Self {
            certificates: vec![root],
            keys: Vec::new(),
            remote: interface(false),
            local: interface(true),
            credential: None,
            in_force: InForce { local: interface(true), credential: None },
            next_certificate: 1,
            next_key: 0,
            generated: 0,
        }
    }
}

impl Store {
    pub(crate) fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(crate) fn interface(&self, interface: Interface) -> &TlsInterface {
        match interface {
            Interface::Remote => &self.remote,
            Interface::Local => &self.local,
        }
    }

    pub(crate) fn set_interface(&mut self, interface: Interface, settings: TlsInterface) {
        match interface {
            Interface::Remote => self.remote = settings,
            Interface::Local => self.local = settings,
        }
    }

    /// Handle of the certificate in the credential context.
    pub(crate) fn credential(&self) -> Option<u32> {
        self.credential
    }

    pub(crate) fn certificate(&self, handle: u32) -> Option<&Certificate> {
        self.certificates.iter().find(|certificate| certificate.handle == handle)
    }

    /// Sets or clears the credential context.
    pub(crate) fn set_credential(&mut self, handle: Option<u32>) -> Result<(), StoreError> {
        if handle.is_some_and(|handle| self.certificate(handle).is_none()) {
            return Err(StoreError::Unknown);
        }
        self.credential = handle;
        Ok(())
    }

    /// Adds a certificate; returns its handle.
    pub(crate) fn add_certificate(&mut self, der: &[u8], trusted_root: bool) -> Result<u32, StoreError> {
        let (rest, parsed) = parse_x509_certificate(der).map_err(|_| StoreError::InvalidCertificate)?;
        if !rest.is_empty() {
            return Err(StoreError::InvalidCertificate);
        }
        if self.certificates.iter().any(|known| known.der == der) {
            return Err(StoreError::Duplicate);
        }
        if self.certificates.len() == MAX_ENTRIES {
            return Err(StoreError::Full);
        }
        if trusted_root && self.is_mutual() {
            return Err(StoreError::MutualAuthentication);
        }
        let (handle, subject, issuer) =
            (self.next_certificate, name(parsed.subject()), name(parsed.issuer()));
        self.next_certificate += 1;
        self.certificates.push(Certificate { handle, subject, issuer, der: der.to_vec(), trusted_root });
        Ok(handle)
    }

    /// Removes a certificate that TLS does not use.
    pub(crate) fn delete_certificate(&mut self, handle: u32) -> Result<(), StoreError> {
        let certificate = self.certificate(handle).ok_or(StoreError::Unknown)?;
        if certificate.trusted_root && self.is_mutual() {
            return Err(StoreError::MutualAuthentication);
        }
        if self.credential == Some(handle) || self.in_force.credential == Some(handle) {
            return Err(StoreError::InUse);
        }
        self.certificates.retain(|certificate| certificate.handle != handle);
        Ok(())
    }

    /// Adds a key pair by its private key; returns its handle.
    pub(crate) fn add_key(&mut self, private: &[u8]) -> Result<u32, StoreError> {
        let pair = RsaKeyPair::from_der(private).map_err(|_| StoreError::InvalidKey)?;
        let public = pair.public_key().as_ref().to_vec();
        if self.keys.iter().any(|known| known.public == public) {
            return Err(StoreError::Duplicate);
        }
        if self.keys.len() == MAX_ENTRIES {
            return Err(StoreError::Full);
        }
        let handle = self.next_key;
        self.next_key += 1;
        self.keys.push(Key { handle, private: private.to_vec(), public });
        Ok(handle)
    }

    /// "Generates" a key pair: takes the next of the built-in ones that is not in the store.
    pub(crate) fn generate_key(&mut self) -> Result<u32, StoreError> {
        for _ in GENERATED {
            let private = GENERATED[self.generated % GENERATED.len()];
            self.generated += 1;
            match self.add_key(private) {
                Err(StoreError::Duplicate) => {}
                outcome => return outcome,
            }
        }
        Err(StoreError::Full)
    }

    /// Removes a key pair to which no certificate belongs.
    pub(crate) fn delete_key(&mut self, handle: u32) -> Result<(), StoreError> {
        let key = self.keys.iter().find(|key| key.handle == handle).ok_or(StoreError::Unknown)?;
        if self.certificates.iter().any(|certificate| public_key(&certificate.der) == key.public) {
            return Err(StoreError::InUse);
        }
        self.keys.retain(|key| key.handle != handle);
        Ok(())
    }

    /// Key pairs with their certificates, by handles.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&Key, &Certificate)> {
        self.certificates.iter().filter_map(|certificate| {
            let public = public_key(&certificate.der);
            self.keys.iter().find(|key| key.public == public).map(|key| (key, certificate))
        })
    }

    /// Signs a certificate request that comes without a signature, with SHA-256.
    pub(crate) fn sign_request(&self, handle: u32, request: &[u8]) -> Result<Vec<u8>, StoreError> {
        /// `sha256WithRSAEncryption` with its NULL parameters.
        const SHA256_WITH_RSA: &[u8] = &[0x30, 13, 6, 9, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 1, 11, 5, 0];
        let key = self.keys.iter().find(|key| key.handle == handle).ok_or(StoreError::Unknown)?;
        let (_, parsed) =
            X509CertificationRequest::from_der(request).map_err(|_| StoreError::InvalidRequest)?;
        let info = parsed.certification_request_info.raw;
        let pair = RsaKeyPair::from_der(&key.private).map_err(|_| StoreError::InvalidKey)?;
        // An unused-bits byte, then the signature.
        let mut bits = vec![0; 1 + pair.public().modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), info, &mut bits[1..])
            .map_err(|_| StoreError::InvalidKey)?;
        Ok(der(0x30, &[info, SHA256_WITH_RSA, &der(3, &[&bits])]))
    }

    /// Puts the settings into force.
    pub(crate) fn commit(&mut self, clock_is_set: bool) -> Result<(), CommitError> {
        if self.remote.enabled || self.local.enabled {
            let usable = self.pairs().any(|(_, certificate)| Some(certificate.handle) == self.credential);
            if !usable {
                return Err(CommitError::Credential);
            }
        }
        if self.is_mutual() {
            if !self.certificates.iter().any(|certificate| certificate.trusted_root) {
                return Err(CommitError::Root);
            }
            if !clock_is_set {
                return Err(CommitError::Time);
            }
        }
        self.in_force = InForce { local: self.local.clone(), credential: self.credential };
        Ok(())
    }

    fn is_mutual(&self) -> bool {
        [&self.remote, &self.local].iter().any(|interface| interface.enabled && interface.mutual)
    }
}

/// The contents of a certificate's public key: PKCS#1 `RSAPublicKey` if it is an RSA key.
fn public_key(certificate: &[u8]) -> Vec<u8> {
    let key = parse_x509_certificate(certificate).ok();
    key.map(|(_, parsed)| parsed.public_key().subject_public_key.data.to_vec()).unwrap_or_default()
}

/// A name in AMT's notation and order, whatever the order in the certificate.
fn name(name: &X509Name<'_>) -> String {
    let text =
        |value: &x509_parser::x509::AttributeTypeAndValue<'_>| value.as_str().unwrap_or_default().to_owned();
    let mut parts = Vec::new();
    let mut push =
        |key: &str, value: Option<String>| parts.extend(value.map(|value| format!("{key}={value}")));
    push("C", name.iter_country().next().map(text));
    push("ST", name.iter_state_or_province().next().map(text));
    push("L", name.iter_locality().next().map(text));
    push("O", name.iter_organization().next().map(text));
    push("OU", name.iter_organizational_unit().next().map(text));
    push("CN", name.iter_common_name().next().map(text));
    parts.join(",")
}

/// A DER value of these parts.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = vec![tag];
    let bytes = length.to_be_bytes();
    let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    match length {
        // At most eight bytes of length.
        128.. => {
            out.push(0x80 | significant.len() as u8);
            out.extend_from_slice(significant);
        }
        _ => out.push(length as u8),
    }
    parts.iter().for_each(|part| out.extend_from_slice(part));
    out
}

/// Bytes as base64, where they are saved.
mod octets {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::Deserialize as _;

    pub(super) fn serialize<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
