//! The provisioning certificate: out of its PKCS#12 file, checked as firmware will check it, ordered as firmware wants
//! it, and the signature that only its owner can make (activation 2).
//!
//! PKCS#12 is read by `p12-keystore`: it is the pure Rust reader that knows both the old ciphers and those of today
//! (PBES2 with AES), and it bounds the work that a file can ask for. RSA is `ring`'s, whose private key operations
//! take constant time.

use std::time::SystemTime;

use p12_keystore::{Pkcs12Archive, error::Error as Pkcs12Error};
use ring::{
    digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512, digest},
    rand::SystemRandom,
    signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use x509_parser::{
    certificate::X509Certificate, error::X509Error, extensions::GeneralName,
    oid_registry::OID_PKCS1_SHA1WITHRSA, prelude::FromDer as _,
};
use zeroize::Zeroizing;

use super::{Failure, Reason, SecretBytes};
use crate::{
    Secret,
    amthi::{CertificateHash, HashAlgorithm},
};

/// A provisioning certificate with its chain and its key, ready to be sent.
pub(super) struct ProvisioningCertificate {
    /// DER, leaf first, root last.
    chain: Vec<Vec<u8>>,
    /// The names that the leaf is for, in lower case.
    names: Vec<String>,
    /// Seconds since 1970: the last start and the first end of validity in the chain.
    valid: (i64, i64),
    key: Zeroizing<Vec<u8>>,
}

impl ProvisioningCertificate {
    /// Opens the file and checks everything that does not depend on the device or on time. Deriving keys from the
    /// password takes a noticeable moment: not to be called where others wait.
    pub(super) fn open(file: &SecretBytes, password: &Secret) -> Result<Self, CertificateError> {
        let archive = read(file.expose(), password)?;
        let key = only_key(&archive)?;
        let mut certificates = Vec::new();
        for bag in &archive.certs {
            let (_, certificate) = X509Certificate::from_der(bag.cert.as_der())
                .map_err(|_| CertificateError::Unreadable("a certificate in it is damaged"))?;
            if !certificates.contains(&certificate) {
                certificates.push(certificate);
            }
        }
        let leaf = only_leaf(&certificates)?;
        check_purpose(leaf)?;
        check_key(&key, leaf)?;
        let chain = ordered(leaf, &certificates)?;
        Ok(Self {
            names: names(leaf),
            valid: validity(&chain),
            chain: chain.iter().map(|certificate| certificate.as_raw().to_vec()).collect(),
            key,
        })
    }

    /// DER of the certificates, leaf first, root last.
    pub(super) fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// The name that the certificate is known by.
    pub(super) fn name(&self) -> &str {
        self.names.first().map_or("(without a name)", String::as_str)
    }

    /// How long all of the chain is still valid, in days.
    pub(super) fn days_left(&self, now: SystemTime) -> Result<u64, CertificateError> {
        let now = seconds(now);
        let (from, until) = self.valid;
        if now < from {
            return Err(CertificateError::NotYetValid);
        }
        match u64::try_from(until.saturating_sub(now)) {
            Ok(left) => Ok(left / SECONDS_PER_DAY),
            Err(_) => Err(CertificateError::Expired),
        }
    }

    /// Whether the certificate is for machines with this DNS suffix.
    pub(super) fn fits(&self, suffix: &str) -> Fit {
        let suffix = suffix.trim_matches('.').to_ascii_lowercase();
        let fits = |name: &String| is_within(name.trim_start_matches("*."), &suffix);
        if self.names.iter().any(fits) {
            return Fit::Yes;
        }
        // `*.example.com`, or `server.example.com`, and a machine in `office.example.com`.
        let above =
            |name: &String| name.split_once('.').is_some_and(|(_, domain)| is_within(&suffix, domain));
        if self.names.iter().any(above) { Fit::Perhaps } else { Fit::No }
    }

    /// Whether firmware with these hashes trusts the root.
    pub(super) fn trust(&self, hashes: &[CertificateHash]) -> Trust {
        let root = self.chain.last().map(Vec::as_slice).unwrap_or_default();
        let known: Vec<_> = hashes.iter().filter(|hash| is_hash_of(hash, root)).collect();
        let active: Vec<_> = known.iter().filter(|hash| hash.is_active).collect();
        if active.is_empty() {
            return if known.is_empty() { Trust::Unknown } else { Trust::Inactive };
        }
        Trust::Active { built_in: active.iter().any(|hash| hash.is_default) }
    }

    /// The signature over both nonces, firmware's first.
    pub(super) fn sign(&self, firmware_nonce: &[u8], own_nonce: &[u8]) -> Result<Vec<u8>, CertificateError> {
        let key = RsaKeyPair::from_pkcs8(&self.key).map_err(|_| CertificateError::KeyUnsupported)?;
        let mut signature = vec![0; key.public().modulus_len()];
        let message = [firmware_nonce, own_nonce].concat();
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature)
            .map_err(|_| CertificateError::Signing)?;
        Ok(signature)
    }
}

/// Whether a certificate is for machines with a DNS suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// Its domain is that suffix.
    Yes,
    /// The suffix is below its domain: some firmware takes that, some does not.
    Perhaps,
    /// It is for another domain.
    No,
}

/// Whether firmware trusts a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// Its hash is in the table and in use.
    Active {
        /// It came with the firmware, so that no unprovision removes it.
        built_in: bool,
    },
    /// Its hash is in the table but switched off.
    Inactive,
    /// Its hash is not in the table.
    Unknown,
}

/// What is wrong with a provisioning certificate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CertificateError {
    #[error("The provisioning certificate file cannot be read: {0}.")]
    Unreadable(&'static str),
    #[error("The password does not open the provisioning certificate file.")]
    WrongPassword,
    #[error("There is no certificate in the file that is neither an authority's nor signed by itself.")]
    NoLeaf,
    #[error("There are {0} certificates in the file that could be the provisioning certificate.")]
    ManyLeaves(usize),
    #[error("There must be one private key in the file; there are {0}.")]
    Keys(usize),
    #[error("The private key is not an RSA key of 2048 to 4096 bits.")]
    KeyUnsupported,
    #[error("The private key in the file does not belong to the certificate of `{0}`.")]
    KeyMismatch(String),
    #[error("The issuer of `{0}` is not in the file.")]
    Incomplete(String),
    #[error("`{0}` is not signed by the certificate that is named as its issuer.")]
    BrokenLink(String),
    #[error("`{0}` is signed with SHA-1, which firmware does not take.")]
    WeakSignature(String),
    #[error("The chain has {0} certificates; firmware takes at most {MAX_CHAIN}.")]
    TooLong(usize),
    #[error("The certificate of `{0}` is not for provisioning AMT.")]
    NotForAmt(String),
    #[error("A certificate of the chain has expired.")]
    Expired,
    #[error("A certificate of the chain is not valid yet.")]
    NotYetValid,
    #[error("The signature with the private key could not be made.")]
    Signing,
}

impl From<CertificateError> for Failure {
    fn from(error: CertificateError) -> Self {
        let reason = match &error {
            CertificateError::Unreadable(_) => Reason::CertificateUnreadable,
            CertificateError::WrongPassword => Reason::CertificatePasswordWrong,
            CertificateError::NoLeaf => Reason::CertificateMissing,
            CertificateError::Keys(_) => Reason::KeyMissing,
            CertificateError::KeyUnsupported => Reason::KeyUnsupported,
            CertificateError::KeyMismatch(_) => Reason::KeyMismatch,
            CertificateError::Incomplete(_) => Reason::ChainIncomplete,
            CertificateError::ManyLeaves(_)
            | CertificateError::BrokenLink(_)
            | CertificateError::WeakSignature(_)
            | CertificateError::TooLong(_) => Reason::ChainInvalid,
            CertificateError::NotForAmt(_) => Reason::CertificateNotForAmt,
            CertificateError::Expired | CertificateError::NotYetValid => Reason::CertificateExpired,
            CertificateError::Signing => Reason::SigningFailed,
        };
        Self::new(reason, error.to_string())
    }
}

/// Decodes the file, binary or base64. The library reports a wrong password in several ways, depending on where it
/// shows first.
fn read(file: &[u8], password: &Secret) -> Result<Pkcs12Archive, CertificateError> {
    let decoded;
    let der = if file.first() == Some(&DER_SEQUENCE) {
        file
    } else {
        decoded = from_base64(file)
            .ok_or(CertificateError::Unreadable("it is neither PKCS#12 nor base64 of it"))?;
        decoded.as_slice()
    };
    Pkcs12Archive::from_pkcs12(der, password.expose()).map_err(|error| match error {
        Pkcs12Error::MacError(_) | Pkcs12Error::Pkcs5Error(_) | Pkcs12Error::UnpadError => {
            CertificateError::WrongPassword
        }
        Pkcs12Error::UnsupportedEncryptionScheme | Pkcs12Error::UnsupportedMacAlgorithm => {
            CertificateError::Unreadable("it is encrypted in a way that is not supported")
        }
        Pkcs12Error::InvalidParameters => {
            CertificateError::Unreadable("opening it would take more work or memory than is sensible")
        }
        _ => CertificateError::Unreadable("it is not PKCS#12 in DER encoding"),
    })
}

fn from_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let dense: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    STANDARD.decode(&*dense).ok().filter(|der| !der.is_empty()).map(Zeroizing::new)
}

fn only_key(archive: &Pkcs12Archive) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    match archive.keys.as_slice() {
        [bag] => Ok(Zeroizing::new(bag.key.as_der().to_vec())),
        keys => Err(CertificateError::Keys(keys.len())),
    }
}

/// The one certificate that is neither an authority's nor its own issuer.
fn only_leaf<'a, 'b>(
    certificates: &'b [X509Certificate<'a>],
) -> Result<&'b X509Certificate<'a>, CertificateError> {
    let leaves: Vec<_> = certificates
        .iter()
        .filter(|certificate| !certificate.is_ca() && !is_self_signed(certificate))
        .collect();
    match leaves.as_slice() {
        [leaf] => Ok(leaf),
        [] => Err(CertificateError::NoLeaf),
        many => Err(CertificateError::ManyLeaves(many.len())),
    }
}

/// By key usage or by organizational unit, as the firmware looks for it.
fn check_purpose(leaf: &X509Certificate<'_>) -> Result<(), CertificateError> {
    let usages = leaf.extended_key_usage().ok().flatten();
    let by_usage = usages
        .is_some_and(|usages| usages.value.other.iter().any(|oid| oid.to_id_string() == PROVISIONING_USAGE));
    let by_unit =
        leaf.subject().iter_organizational_unit().any(|unit| unit.as_str() == Ok(PROVISIONING_UNIT));
    if by_usage || by_unit { Ok(()) } else { Err(CertificateError::NotForAmt(subject(leaf))) }
}

fn check_key(key: &[u8], leaf: &X509Certificate<'_>) -> Result<(), CertificateError> {
    let pair = RsaKeyPair::from_pkcs8(key).map_err(|_| CertificateError::KeyUnsupported)?;
    // Both are RSAPublicKey of PKCS#1.
    if pair.public_key().as_ref() == leaf.public_key().subject_public_key.data.as_ref() {
        Ok(())
    } else {
        Err(CertificateError::KeyMismatch(subject(leaf)))
    }
}

/// The chain from the leaf to a certificate that issued itself. What else is in the file is left out.
fn ordered<'a, 'b>(
    leaf: &'b X509Certificate<'a>,
    certificates: &'b [X509Certificate<'a>],
) -> Result<Vec<&'b X509Certificate<'a>>, CertificateError> {
    let mut chain = vec![leaf];
    let mut last = leaf;
    while !is_self_signed(last) {
        if is_weakly_signed(last) {
            return Err(CertificateError::WeakSignature(subject(last)));
        }
        last = issuer(last, certificates)?;
        if chain.contains(&last) {
            // They issued each other.
            return Err(CertificateError::Incomplete(subject(last)));
        }
        chain.push(last);
    }
    if chain.len() > MAX_CHAIN { Err(CertificateError::TooLong(chain.len())) } else { Ok(chain) }
}

/// The certificate by whose key another one is signed. Several may have the name.
fn issuer<'a, 'b>(
    of: &X509Certificate<'a>,
    among: &'b [X509Certificate<'a>],
) -> Result<&'b X509Certificate<'a>, CertificateError> {
    let mut named = among.iter().filter(|other| other.subject().as_raw() == of.issuer().as_raw()).peekable();
    if named.peek().is_none() {
        return Err(CertificateError::Incomplete(subject(of)));
    }
    named.find(|issuer| is_signed_by(of, issuer)).ok_or_else(|| CertificateError::BrokenLink(subject(of)))
}

/// A signature of a kind that cannot be checked here is left for firmware to judge.
fn is_signed_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    match certificate.verify_signature(Some(issuer.public_key())) {
        Ok(()) | Err(X509Error::SignatureUnsupportedAlgorithm) => true,
        Err(_) => false,
    }
}

fn is_self_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.subject().as_raw() == certificate.issuer().as_raw()
}

fn is_weakly_signed(certificate: &X509Certificate<'_>) -> bool {
    certificate.signature_algorithm.algorithm == OID_PKCS1_SHA1WITHRSA
}

/// Host names in the leaf: common name and alternative names.
fn names(leaf: &X509Certificate<'_>) -> Vec<String> {
    let common = leaf.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let alternative = leaf.subject_alternative_name().ok().flatten();
    let alternative =
        alternative.iter().flat_map(|names| &names.value.general_names).filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(*name),
            _ => None,
        });
    common.chain(alternative).map(str::to_ascii_lowercase).collect()
}

/// The common name, for people.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let common = certificate.subject().iter_common_name().find_map(|name| name.as_str().ok());
    common.map_or_else(|| certificate.subject().to_string(), String::from)
}

fn validity(chain: &[&X509Certificate<'_>]) -> (i64, i64) {
    let from = chain.iter().map(|certificate| certificate.validity().not_before.timestamp()).max();
    let until = chain.iter().map(|certificate| certificate.validity().not_after.timestamp()).min();
    (from.unwrap_or(i64::MAX), until.unwrap_or(i64::MIN))
}

/// Whether a name is a domain or lies in it.
fn is_within(name: &str, domain: &str) -> bool {
    let below = name.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    !domain.is_empty() && below
}

fn is_hash_of(hash: &CertificateHash, certificate: &[u8]) -> bool {
    let algorithm: &Algorithm = match hash.algorithm {
        HashAlgorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha256 => &SHA256,
        HashAlgorithm::Sha384 => &SHA384,
        HashAlgorithm::Sha512 => &SHA512,
        // Firmware names no root by one of these.
        HashAlgorithm::Md5 | HashAlgorithm::Sha224 | HashAlgorithm::Unknown(_) => return false,
    };
    digest(algorithm, certificate).as_ref() == hash.hash
}

#[expect(clippy::disallowed_methods, reason = "certificates are valid by the time of day")]
fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// First byte of a PKCS#12 file in DER. Its base64 begins with another letter.
const DER_SEQUENCE: u8 = 0x30;
/// Key usage that allows to provision AMT.
const PROVISIONING_USAGE: &str = "2.16.840.1.113741.1.2.3";
/// Organizational unit that allows the same.
const PROVISIONING_UNIT: &str = "Intel(R) Client Setup Certificate";
/// More certificates firmware does not take.
const MAX_CHAIN: usize = 4;
const SECONDS_PER_DAY: u64 = 86_400;

#[cfg(test)]
pub(super) mod tests;
