//! The chain of a provisioning certificate, as the firmware takes it and checks it: certificate by certificate, leaf first.
//!
//! What is checked is documented (activation 2): the purpose of the leaf, its DNS suffix, dates, each signature by the next
//! certificate's key, SHA-2, the root's hash in the table of trusted roots, at most four certificates. At which certificate each
//! is checked, and that a refused one leaves the chain as it was, is a guess; so is that a leaf starts a new chain. `provisioning`
//! decides when a chain may be given, and `pki` makes chains for tests.

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{
    OID_PKCS1_RSAENCRYPTION, OID_PKCS1_SHA256WITHRSA, OID_PKCS1_SHA384WITHRSA, OID_PKCS1_SHA512WITHRSA,
    OID_SIG_ECDSA_WITH_SHA256, OID_SIG_ECDSA_WITH_SHA384, Oid,
};
use x509_parser::parse_x509_certificate;
use x509_parser::time::ASN1Time;

use super::network::{HashAlgorithm, HashEntry};
use crate::pki::{PROVISIONING_OID, PROVISIONING_UNIT};

/// Most certificates of a chain.
const MAX_CERTIFICATES: usize = 4;

/// `CertChainStatus` of IPS_HostBasedSetupService.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainStatus {
    NotStarted = 0,
    InProgress = 1,
    Complete = 2,
}

/// Why a certificate was refused, by the return value of `AddNextCertInChain`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChainError {
    InvalidParameter = 1,
    InvalidState = 3,
    VerificationFailed = 4,
    TooLong = 5,
}

/// What the device compares a chain with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust<'a> {
    /// Hashes of trusted roots; those that are not active do not count.
    pub(crate) hashes: &'a [HashEntry],
    /// The DNS suffix that the leaf has to be for; `None` if the device knows none, and then no leaf fits.
    pub(crate) suffix: Option<&'a str>,
    /// The device's clock, seconds since 1970.
    pub(crate) unix_time: i64,
}

/// Place of a certificate in its chain, as its sender says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) is_leaf: bool,
    pub(crate) is_root: bool,
}

/// A chain, whole or in part.
#[derive(Debug, Clone, Default)]
pub(crate) struct CertificateChain {
    /// DER, leaf first. Every link was verified when it was added.
    certificates: Vec<Vec<u8>>,
    complete: bool,
}

impl CertificateChain {
    /// Adds the next certificate.
    pub(crate) fn add(&mut self, der: &[u8], place: Place, trust: &Trust<'_>) -> Result<(), ChainError> {
        let Ok(([], certificate)) = parse_x509_certificate(der) else {
            return Err(ChainError::InvalidParameter);
        };
        if place.is_leaf && place.is_root {
            return Err(ChainError::InvalidParameter);
        }
        if place.is_leaf {
            check_leaf(&certificate, trust)?;
            *self = Self { certificates: vec![der.to_vec()], complete: false };
            return Ok(());
        }
        let Some(previous) = self.certificates.last().filter(|_| !self.complete) else {
            return Err(ChainError::InvalidState);
        };
        if self.certificates.len() == MAX_CERTIFICATES {
            return Err(ChainError::TooLong);
        }
        check_link(previous, &certificate)?;
        check_dates(&certificate, trust)?;
        if place.is_root {
            check_root(der, &certificate, trust)?;
        }
        self.certificates.push(der.to_vec());
        self.complete = place.is_root;
        Ok(())
    }

    pub(crate) fn status(&self) -> ChainStatus {
        match (self.complete, self.certificates.is_empty()) {
            (true, _) => ChainStatus::Complete,
            (false, true) => ChainStatus::NotStarted,
            (false, false) => ChainStatus::InProgress,
        }
    }

    /// Whether the holder of the leaf's key signed `message` (RSASSA-PKCS1-v1_5 with SHA-256).
    pub(crate) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Some(Ok((_, leaf))) = self.certificates.first().map(|der| parse_x509_certificate(der)) else {
            return false;
        };
        let key = &leaf.public_key().subject_public_key.data;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signature).is_ok()
    }
}

fn check_leaf(leaf: &X509Certificate<'_>, trust: &Trust<'_>) -> Result<(), ChainError> {
    check_dates(leaf, trust)?;
    let is_rsa = leaf.public_key().algorithm.algorithm == OID_PKCS1_RSAENCRYPTION;
    let suffix = trust.suffix.ok_or(ChainError::VerificationFailed)?;
    verified(
        is_rsa && !leaf.is_ca() && is_for_provisioning(leaf) && names(leaf).any(|name| fits(&name, suffix)),
    )
}

fn check_dates(certificate: &X509Certificate<'_>, trust: &Trust<'_>) -> Result<(), ChainError> {
    let now = ASN1Time::from_timestamp(trust.unix_time).map_err(|_| ChainError::VerificationFailed)?;
    verified(certificate.validity().is_valid_at(now))
}

/// `issuer` has to be an authority that signed `subject` with SHA-2.
fn check_link(subject: &[u8], issuer: &X509Certificate<'_>) -> Result<(), ChainError> {
    // It was parsed when it was added.
    let Ok((_, subject)) = parse_x509_certificate(subject) else {
        return Err(ChainError::VerificationFailed);
    };
    verified(issuer.is_ca() && subject.issuer() == issuer.subject() && is_signed_by(&subject, issuer))
}

fn check_root(der: &[u8], root: &X509Certificate<'_>, trust: &Trust<'_>) -> Result<(), ChainError> {
    let is_trusted = |entry: &HashEntry| entry.is_active && entry.hash == hash(entry.algorithm, der);
    let self_signed = root.issuer() == root.subject() && is_signed_by(root, root);
    verified(self_signed && trust.hashes.iter().any(is_trusted))
}

fn is_signed_by(subject: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let sha2: [Oid<'_>; 5] = [
        OID_PKCS1_SHA256WITHRSA,
        OID_PKCS1_SHA384WITHRSA,
        OID_PKCS1_SHA512WITHRSA,
        OID_SIG_ECDSA_WITH_SHA256,
        OID_SIG_ECDSA_WITH_SHA384,
    ];
    // The algorithm stands outside of what is signed, and again inside.
    let algorithm = &subject.signature_algorithm;
    *algorithm == subject.tbs_certificate.signature
        && sha2.contains(&algorithm.algorithm)
        && subject.verify_signature(Some(issuer.public_key())).is_ok()
}

/// By extended key usage or, as older certificates have it, by organizational unit.
fn is_for_provisioning(leaf: &X509Certificate<'_>) -> bool {
    let usage = leaf.extended_key_usage().ok().flatten();
    let by_usage = usage.is_some_and(|usage| {
        let is_purpose =
            |oid: &Oid<'_>| oid.iter().is_some_and(|arcs| arcs.eq(PROVISIONING_OID.iter().copied()));
        usage.value.other.iter().any(is_purpose)
    });
    let mut units = leaf.subject().iter_organizational_unit();
    by_usage || units.any(|unit| unit.as_str() == Ok(PROVISIONING_UNIT))
}

/// The names of the host that the leaf is for.
fn names<'a>(leaf: &'a X509Certificate<'_>) -> impl Iterator<Item = String> + 'a {
    let common = leaf.subject().iter_common_name().filter_map(|name| name.as_str().ok().map(str::to_owned));
    let alternative = leaf.subject_alternative_name().ok().flatten();
    let alternative = alternative.into_iter().flat_map(|names| &names.value.general_names);
    let alternative = alternative.filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        _ => None,
    });
    common.chain(alternative)
}

/// Whether `name` is the suffix itself or a name below it.
fn fits(name: &str, suffix: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let suffix = suffix.trim_matches('.').to_ascii_lowercase();
    name.strip_suffix(&suffix).is_some_and(|host| host.is_empty() || host.ends_with('.'))
}

/// Hash of a certificate.
pub(crate) fn hash(algorithm: HashAlgorithm, der: &[u8]) -> Vec<u8> {
    let algorithm = match algorithm {
        HashAlgorithm::Sha1 => &SHA1_FOR_LEGACY_USE_ONLY,
        HashAlgorithm::Sha256 => &SHA256,
        HashAlgorithm::Sha384 => &SHA384,
    };
    digest(algorithm, der).as_ref().to_vec()
}

fn verified(holds: bool) -> Result<(), ChainError> {
    if holds { Ok(()) } else { Err(ChainError::VerificationFailed) }
}

#[cfg(test)]
mod tests;
