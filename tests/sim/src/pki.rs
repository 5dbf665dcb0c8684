//! Certificate chains for provisioning, sound ones and broken ones: leaf, intermediate and root, and the leaf's key.
//!
//! For tests and demonstrations of activation in admin control mode: a device that trusts [`ProvisioningChain::root`] can be
//! activated with [`ProvisioningChain::pfx`]. The keys are fixed, lie beside this file for everybody to read, and protect nothing.
//! What the simulated firmware thinks of a chain is `device::chain`'s matter.

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SanType, SerialNumber, SignatureAlgorithm, date_time_ymd,
};
use x509_parser::error::X509Error;
use x509_parser::nom;
use x509_parser::parse_x509_certificate;
use x509_parser::pem::Pem;

/// Extended key usage of a provisioning certificate.
pub const PROVISIONING_OID: &[u64] = &[2, 16, 840, 1, 113_741, 1, 2, 3];
/// Organizational unit that a subject may have instead of the extended key usage.
pub const PROVISIONING_UNIT: &str = "Intel(R) Client Setup Certificate";

const ROOT_KEY: &[u8] = include_bytes!("pki/root-test-key.der");
const INTERMEDIATE_KEY: &[u8] = include_bytes!("pki/intermediate-test-key.der");
const LEAF_KEY: &[u8] = include_bytes!("pki/leaf-test-key.der");

/// A provisioning certificate with its chain and its key. Equal arguments make equal chains.
#[derive(Debug, Clone)]
pub struct ProvisioningChain {
    /// DER of the provisioning certificate.
    pub leaf: Vec<u8>,
    /// DER of the certificates between leaf and root, the leaf's issuer first. One, except in [`Variant::TooLong`].
    pub intermediates: Vec<Vec<u8>>,
    /// DER of the self-signed root.
    pub root: Vec<u8>,
    /// The leaf's private key (RSA 2048), PKCS#8 DER.
    pub leaf_key: Vec<u8>,
    pfx_is_sorted: bool,
}

/// What a chain is like. Firmware takes the first four and refuses the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Purpose by extended key usage, signed with SHA-256.
    Sound,
    /// Purpose by organizational unit alone.
    ByUnit,
    /// Signed with SHA-384.
    Sha384,
    /// Sound, but the PFX holds the root before the intermediate; whoever reads it has to sort them.
    WrongOrder,
    /// The leaf was valid from 2015 to 2019.
    Expired,
    /// The leaf is valid from 2060.
    NotYetValid,
    /// Neither the extended key usage nor the organizational unit.
    NoPurpose,
    /// The leaf names its issuer but another key signed it.
    BrokenLink,
    /// Five certificates, one more than firmware takes.
    TooLong,
    /// The key is not the leaf's.
    ForeignKey,
}

impl ProvisioningChain {
    /// A sound chain for devices with this DNS suffix; the leaf is for the host `provisioning` there.
    ///
    /// # Panics
    /// If the suffix is not ASCII: it would be no DNS name.
    #[must_use]
    pub fn new(suffix: &str) -> Self {
        Self::with(suffix, Variant::Sound)
    }

    /// A chain of this kind.
    ///
    /// # Panics
    /// As [`Self::new`].
    #[must_use]
    pub fn with(suffix: &str, variant: Variant) -> Self {
        let algorithm =
            if variant == Variant::Sha384 { &rcgen::PKCS_RSA_SHA384 } else { &rcgen::PKCS_RSA_SHA256 };
        let root_key = key(ROOT_KEY, algorithm);
        let root_params = authority("amt-sim Test Root CA", 1);
        // The keys above are sound and every name is ASCII, so that nothing that is signed here can fail.
        let root = root_params.self_signed(&root_key).expect("a sound key").der().to_vec();
        let mut issuer = Issuer::new(root_params, root_key);
        let mut intermediates = Vec::new();
        for number in 1..=if variant == Variant::TooLong { 3 } else { 1 } {
            let params = authority(&format!("amt-sim Test Intermediate CA {number}"), 1 + number);
            let own_key = key(INTERMEDIATE_KEY, algorithm);
            let certificate = params.signed_by(&own_key, &issuer).expect("a sound key");
            intermediates.insert(0, certificate.der().to_vec());
            issuer = Issuer::new(params, own_key);
        }
        if variant == Variant::BrokenLink {
            issuer = Issuer::new(authority("amt-sim Test Intermediate CA 1", 2), key(ROOT_KEY, algorithm));
        }
        let leaf = leaf_params(suffix, variant).signed_by(&key(LEAF_KEY, algorithm), &issuer);
        Self {
            leaf: leaf.expect("a sound key").der().to_vec(),
            intermediates,
            root,
            leaf_key: if variant == Variant::ForeignKey { INTERMEDIATE_KEY } else { LEAF_KEY }.to_vec(),
            pfx_is_sorted: variant != Variant::WrongOrder,
        }
    }

    /// All certificates, leaf first, root last: the order in which firmware wants them.
    #[must_use]
    pub fn certificates(&self) -> Vec<&[u8]> {
        let middle = self.intermediates.iter().map(Vec::as_slice);
        std::iter::once(self.leaf.as_slice()).chain(middle).chain([self.root.as_slice()]).collect()
    }

    /// The chain and its key as PKCS#12, encrypted with `password` (AES-256, few iterations: it is for tests).
    ///
    /// # Panics
    /// Never with a password that PKCS#12 can carry: text without characters beyond the basic plane.
    #[must_use]
    pub fn pfx(&self, password: &str) -> Vec<u8> {
        // This module made the parts, so that they can be read.
        let key = PrivateKey::from_der(&self.leaf_key).expect("a PKCS#8 key");
        let mut certificates: Vec<_> = self
            .certificates()
            .into_iter()
            .map(|der| Certificate::from_der(der).expect("a certificate"))
            .collect();
        let id = LocalKeyId(vec![1]);
        let mut store = KeyStore::new();
        if !self.pfx_is_sorted {
            certificates[1..].reverse();
        }
        let chain = PrivateKeyChain::new(id, key, certificates);
        store.add_entry("provisioning", KeyStoreEntry::PrivateKeyChain(chain));
        let writer = store.writer(password).encryption_iterations(2048).mac_iterations(2048);
        writer.write().expect("a password that PKCS#12 can carry")
    }

    /// The root as PEM, for a device that is to trust it.
    #[must_use]
    pub fn root_pem(&self) -> String {
        pem("CERTIFICATE", &self.root)
    }

    /// The leaf's key as PEM.
    #[must_use]
    pub fn leaf_key_pem(&self) -> String {
        pem("PRIVATE KEY", &self.leaf_key)
    }
}

/// The certificates in a file's bytes, as DER: all that PEM has, or the one that DER is.
///
/// # Errors
/// If there is none, or one that cannot be read.
pub fn read_certificates(bytes: &[u8]) -> Result<Vec<Vec<u8>>, X509Error> {
    let text = Pem::iter_from_buffer(bytes).collect::<Result<Vec<_>, _>>().unwrap_or_default();
    let mut found: Vec<_> =
        text.into_iter().filter(|pem| pem.label == "CERTIFICATE").map(|pem| pem.contents).collect();
    if found.is_empty() {
        found.push(bytes.to_vec());
    }
    for der in &found {
        parse_x509_certificate(der).map_err(|error| match error {
            nom::Err::Error(error) | nom::Err::Failure(error) => error,
            nom::Err::Incomplete(_) => X509Error::InvalidCertificate,
        })?;
    }
    Ok(found)
}

fn key(der: &[u8], algorithm: &'static SignatureAlgorithm) -> KeyPair {
    // The files are PKCS#8 keys of RSA 2048, which the tests below read.
    KeyPair::from_pkcs8_der_and_sign_algo(&der.into(), algorithm).expect("a PKCS#8 key")
}

/// A certificate authority that is valid for the whole life of this program.
fn authority(common_name: &str, serial: u64) -> CertificateParams {
    let mut params = named(common_name, serial);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn leaf_params(suffix: &str, variant: Variant) -> CertificateParams {
    let host = format!("provisioning.{suffix}");
    let mut params = named(&host, 10);
    params.is_ca = IsCa::ExplicitNoCa;
    params.subject_alt_names = vec![SanType::DnsName(host.try_into().expect("an ASCII suffix"))];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    match variant {
        Variant::ByUnit => params.distinguished_name.push(DnType::OrganizationalUnitName, PROVISIONING_UNIT),
        Variant::NoPurpose => {}
        _ => params.extended_key_usages.push(ExtendedKeyUsagePurpose::Other(PROVISIONING_OID.to_vec())),
    }
    match variant {
        Variant::Expired => {
            params.not_before = date_time_ymd(2015, 1, 1);
            params.not_after = date_time_ymd(2019, 1, 1);
        }
        Variant::NotYetValid => params.not_before = date_time_ymd(2060, 1, 1),
        _ => {}
    }
    params
}

fn named(common_name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "amt-sim");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params.use_authority_key_identifier_extension = true;
    params
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    // Base64 is ASCII.
    let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use p12_keystore::Pkcs12ImportPolicy;

    use super::*;

    #[test]
    fn every_variant_can_be_made_and_written() {
        for variant in [
            Variant::Sound,
            Variant::ByUnit,
            Variant::Sha384,
            Variant::WrongOrder,
            Variant::Expired,
            Variant::NotYetValid,
            Variant::NoPurpose,
            Variant::BrokenLink,
            Variant::TooLong,
            Variant::ForeignKey,
        ] {
            let chain = ProvisioningChain::with("example.net", variant);
            for der in chain.certificates() {
                assert!(parse_x509_certificate(der).is_ok(), "{variant:?}");
            }
            let store = KeyStore::from_pkcs12(&chain.pfx("secret"), "secret", Pkcs12ImportPolicy::Relaxed);
            assert!(store.is_ok(), "{variant:?}: {:?}", store.err());
        }
    }

    #[test]
    fn each_certificate_is_signed_by_the_next_unless_a_link_is_broken() {
        let links = |variant| {
            let chain = ProvisioningChain::with("example.net", variant);
            let parsed: Vec<_> = chain.certificates();
            let parsed: Vec<_> =
                parsed.into_iter().map(|der| parse_x509_certificate(der).expect("sound").1).collect();
            parsed
                .windows(2)
                .map(|pair| pair[0].verify_signature(Some(pair[1].public_key())).is_ok())
                .collect::<Vec<_>>()
        };
        assert_eq!(links(Variant::Sound), [true, true]);
        assert_eq!(links(Variant::Sha384), [true, true]);
        assert_eq!(links(Variant::BrokenLink), [false, true]);
        assert_eq!(links(Variant::TooLong), [true; 4]);
    }

    #[test]
    fn root_is_the_same_for_every_suffix_and_its_pem_reads_back() {
        let (one, other) = (ProvisioningChain::new("a.example"), ProvisioningChain::new("b.example"));
        assert_eq!(one.root, other.root);
        assert_ne!(one.leaf, other.leaf);
        let (_, pem) = x509_parser::pem::parse_x509_pem(one.root_pem().as_bytes()).expect("PEM");
        assert_eq!((pem.label.as_str(), &pem.contents), ("CERTIFICATE", &one.root));
        assert_eq!(read_certificates(one.root_pem().as_bytes()), Ok(vec![one.root.clone()]));
        assert_eq!(read_certificates(&one.root), Ok(vec![one.root]));
        assert!(read_certificates(b"nothing of the kind").is_err());
    }
}
