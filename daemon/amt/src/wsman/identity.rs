//! The device identity: the certificates with which firmware that enforces TLS proves to be the firmware of an Intel
//! platform, before anybody has configured it (wsman 3). Called by `tls`.
//!
//! The chain is verified here and not by the TLS library, which demands a purpose that these certificates do not have.

use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::CertificateDigest;

/// What a device identity must be.
#[derive(Debug, Clone)]
pub struct DeviceIdentity {
    /// Authorities by which the chain must be signed, as DER.
    pub authorities: Vec<Vec<u8>>,
    /// The certificate that firmware announced over the host interface, if it did (amthi 3.13).
    pub leaf: Option<CertificateDigest>,
    /// The engine's serial from the unique platform id, to which the ROM's certificate is bound, if it was read.
    pub serial: Option<[u8; 32]>,
}

/// Why certificates are no device identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// One certificate that signed itself.
    #[error("its certificate is self-signed, as that of a device that is configured already")]
    SelfSigned,
    /// Neither 4 nor 6 certificates.
    #[error("its chain has {0} certificates instead of 4 or 6")]
    Length(usize),
    /// A certificate that cannot be read.
    #[error("certificate {0} of its chain cannot be read")]
    Unreadable(usize),
    /// The name of the leaf.
    #[error("its certificate has another name than that of a device identity")]
    LeafName,
    /// The ROM's certificate, or who issued it.
    #[error("the fourth certificate of its chain is not that of an Intel ROM")]
    Rom,
    /// A certificate is not valid now. The clock of the host may be wrong, too.
    #[error("certificate {0} of its chain is not valid at this time: check the system clock")]
    Time(usize),
    /// A certificate is not signed by the next.
    #[error("certificate {0} of its chain is not signed by the next")]
    Signature(usize),
    /// No authority that is known has signed it.
    #[error("its chain is not signed by a known authority")]
    Authority,
    /// Not the leaf that was announced.
    #[error("its certificate is not the one that was announced over the host interface")]
    NotAnnounced,
    /// Not the ROM of this platform.
    #[error("its chain belongs to another platform")]
    OtherPlatform,
}

impl DeviceIdentity {
    /// Verifies a chain of DER certificates, leaf first, at a time in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`IdentityError`]: the first thing that is wrong.
    pub fn verify(&self, chain: &[&[u8]], now: u64) -> Result<(), IdentityError> {
        match chain.len() {
            1 => return Err(IdentityError::SelfSigned),
            4 | 6 => {}
            other => return Err(IdentityError::Length(other)),
        }
        let certificates = chain
            .iter()
            .zip(1..)
            .map(|(der, number)| parsed(der).ok_or(IdentityError::Unreadable(number)))
            .collect::<Result<Vec<_>, _>>()?;
        check_names(&certificates)?;
        check_times(&certificates, now)?;
        check_signatures(&certificates)?;
        self.check_authority(chain, &certificates)?;
        self.check_binding(chain)
    }

    /// The last certificate is an authority, or signed by one.
    fn check_authority(
        &self,
        chain: &[&[u8]],
        certificates: &[X509Certificate<'_>],
    ) -> Result<(), IdentityError> {
        let (Some(der), Some(last)) = (chain.last(), certificates.last()) else {
            return Err(IdentityError::Authority);
        };
        let trusted = self.authorities.iter().any(|authority| {
            authority == der || parsed(authority).is_some_and(|authority| is_signed_by(last, &authority))
        });
        if trusted { Ok(()) } else { Err(IdentityError::Authority) }
    }

    fn check_binding(&self, chain: &[&[u8]]) -> Result<(), IdentityError> {
        let of = |index: usize| chain.get(index).copied().unwrap_or_default();
        if self.leaf.is_some_and(|leaf| !leaf.is_of(of(0))) {
            return Err(IdentityError::NotAnnounced);
        }
        let rom = CertificateDigest::sha256(of(ROM));
        let bound = |serial: [u8; 32]| serial.get(..BOUND) == rom.as_bytes().get(..BOUND);
        if self.serial.is_none_or(bound) { Ok(()) } else { Err(IdentityError::OtherPlatform) }
    }
}

fn parsed(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der)
        .ok()
        .filter(|(rest, _)| rest.is_empty())
        .map(|(_, certificate)| certificate)
}

fn check_names(certificates: &[X509Certificate<'_>]) -> Result<(), IdentityError> {
    let [leaf, _, _, rom, ..] = certificates else { return Err(IdentityError::Length(certificates.len())) };
    let is_leaf = leaf.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    if !is_leaf.into_iter().any(|name| LEAF_NAMES.contains(&name)) {
        return Err(IdentityError::LeafName);
    }
    let mut names = rom.subject().iter_common_name().filter_map(|name| name.as_str().ok());
    let mut units = rom.issuer().iter_organizational_unit().filter_map(|unit| unit.as_str().ok());
    let is_rom = names.any(|name| ROM_NAMES.iter().any(|part| name.contains(part)));
    let is_issued = units.any(|unit| ROM_ISSUERS.iter().any(|start| unit.starts_with(start)));
    if is_rom && is_issued { Ok(()) } else { Err(IdentityError::Rom) }
}

fn check_times(certificates: &[X509Certificate<'_>], now: u64) -> Result<(), IdentityError> {
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let is_valid = |certificate: &X509Certificate<'_>| {
        let validity = certificate.validity();
        (validity.not_before.timestamp()..=validity.not_after.timestamp()).contains(&now)
    };
    match certificates.iter().zip(1..).find(|(certificate, _)| !is_valid(certificate)) {
        Some((_, number)) => Err(IdentityError::Time(number)),
        None => Ok(()),
    }
}

fn check_signatures(certificates: &[X509Certificate<'_>]) -> Result<(), IdentityError> {
    let pairs = certificates.iter().zip(certificates.iter().skip(1)).zip(1..);
    for ((certificate, issuer), number) in pairs {
        if !is_signed_by(certificate, issuer) {
            return Err(IdentityError::Signature(number));
        }
    }
    Ok(())
}

/// Also that the issuer may sign certificates.
fn is_signed_by(certificate: &X509Certificate<'_>, issuer: &X509Certificate<'_>) -> bool {
    let may_sign =
        issuer.key_usage().ok().is_some_and(|usage| usage.is_none_or(|usage| usage.value.key_cert_sign()));
    issuer.is_ca()
        && may_sign
        && certificate.issuer() == issuer.subject()
        && certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

const LEAF_NAMES: [&str; 2] = ["iAMT CSME IDevID RCFG", "AMT RCFG"];
const ROM_NAMES: [&str; 2] = ["ROM CA", "ROM DE"];
/// How the unit of whoever issued the ROM's certificate begins. More follows, such as `P_MCC 00000210`.
const ROM_ISSUERS: [&str; 2] = ["ODCA 2 CSME", "On Die CSME"];
/// Place of the ROM's certificate in the chain.
const ROM: usize = 3;
/// Bytes of the serial that are bound.
const BOUND: usize = 20;
