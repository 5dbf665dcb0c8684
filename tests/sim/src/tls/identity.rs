//! The certificates with which the device shows itself: its identity before it is provisioned, self-signed afterwards.
//!
//! The identity is a chain as the on-die certificate authority makes it (wsman 3): leaf, two authorities, the ROM authority, and
//! above it, unless left out, an intermediate and the root. The keys are fixed, lie beside this file for everybody to read, and
//! protect nothing; names and keys being the same everywhere, a root that was written to a file once is good for every simulator.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P384_SHA384, SerialNumber, date_time_ymd,
};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use super::TlsError;

const ROOT_KEY: &[u8] = include_bytes!("keys/root-test-key.der");
/// All authorities below the root share a key.
const AUTHORITY_KEY: &[u8] = include_bytes!("keys/authority-test-key.der");
const LEAF_KEY: &[u8] = include_bytes!("keys/leaf-test-key.der");
const SELF_SIGNED_KEY: &[u8] = include_bytes!("keys/self-signed-test-key.der");

const ROOT_NAME: &str = "Simulated On Die CA Root";
/// Unit of the ROM authority's issuer; what it begins with is documented.
const ISSUER_UNIT: &str = "On Die CSME P_SIM";

/// What is wrong with the chain that is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// The leaf has another name.
    WrongName,
    /// The leaf was valid from 2015 to 2019.
    Expired,
    /// The issuer of the ROM authority has another unit.
    WrongIssuer,
    /// The ROM authority has another name.
    WrongAuthority,
    /// The root is another authority's, with the same name.
    ForeignRoot,
    /// The leaf was signed by another key.
    BrokenLink,
    /// The leaf is sound but not the one whose hash was announced.
    OtherLeaf,
    /// The chain lacks its last two certificates but one: three are left.
    Short,
}

/// How much of the identity's chain is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdentityChain {
    /// Up to the ROM authority: four certificates.
    ToRom,
    /// Up to the root: six.
    #[default]
    Whole,
}

/// The root of every simulated identity and the intermediate below it, as PEM: what a client has to trust to verify a chain
/// of either length.
///
/// # Errors
/// If a certificate cannot be made, which cannot be with the keys that are built in.
pub fn anchors_pem() -> Result<String, TlsError> {
    let chain = Ladder::climb(None)?.certificates;
    Ok(chain[..2].iter().map(|certificate| crate::pki::pem("CERTIFICATE", certificate)).collect())
}

/// The identity that is shown before provisioning.
pub(super) fn device_identity(extent: IdentityChain, flaw: Option<Flaw>) -> Result<CertifiedKey, TlsError> {
    let ladder = Ladder::climb(flaw)?;
    let issuer = if flaw == Some(Flaw::BrokenLink) {
        Issuer::new(ladder.params, key(ROOT_KEY)?)
    } else {
        Issuer::new(ladder.params, key(AUTHORITY_KEY)?)
    };
    let leaf = leaf_params(flaw).signed_by(&key(LEAF_KEY)?, &issuer)?;
    let mut chain: Vec<_> =
        std::iter::once(leaf.der().clone()).chain(ladder.certificates.into_iter().rev()).collect();
    match (flaw, extent) {
        (Some(Flaw::Short), _) => chain.truncate(3),
        (_, IdentityChain::ToRom) => chain.truncate(4),
        (_, IdentityChain::Whole) => {}
    }
    shown(chain, LEAF_KEY)
}

/// The certificate that is shown after provisioning while no other was configured.
pub(super) fn self_signed() -> Result<CertifiedKey, TlsError> {
    let mut params = named("Intel(R) AMT", 1, None);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key(SELF_SIGNED_KEY)?)?;
    shown(vec![certificate.der().clone()], SELF_SIGNED_KEY)
}

/// A chain with its key, ready for a server.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    Ok(CertifiedKey::new(chain, provider().key_provider.load_private_key(key)?))
}

/// The one implementation of cryptography.
pub(super) fn provider() -> CryptoProvider {
    rustls::crypto::ring::default_provider()
}

fn shown(chain: Vec<CertificateDer<'static>>, pkcs8: &'static [u8]) -> Result<CertifiedKey, TlsError> {
    certified(chain, PrivatePkcs8KeyDer::from(pkcs8).into())
}

/// The authorities, root first, and the parameters of the last, which signs the leaf.
struct Ladder {
    certificates: Vec<CertificateDer<'static>>,
    params: CertificateParams,
}

impl Ladder {
    fn climb(flaw: Option<Flaw>) -> Result<Self, TlsError> {
        let root_key = key(if flaw == Some(Flaw::ForeignRoot) { SELF_SIGNED_KEY } else { ROOT_KEY })?;
        let mut params = authority(ROOT_NAME, 1, None);
        let mut certificates = vec![params.self_signed(&root_key)?.der().clone()];
        let mut issuer = Issuer::new(params.clone(), root_key);
        let unit = if flaw == Some(Flaw::WrongIssuer) { "Another unit" } else { ISSUER_UNIT };
        let rom = if flaw == Some(Flaw::WrongAuthority) { "CSME SIM Boot CA" } else { "CSME SIM ROM CA" };
        let steps = [
            ("Simulated On Die CSME CA", Some(unit)),
            (rom, None),
            ("CSME SIM Kernel CA", None),
            ("CSME SIM AMT CA", None),
        ];
        for (serial, (name, unit)) in (2..).zip(steps) {
            params = authority(name, serial, unit);
            let own_key = key(AUTHORITY_KEY)?;
            certificates.push(params.signed_by(&own_key, &issuer)?.der().clone());
            issuer = Issuer::new(params.clone(), own_key);
        }
        Ok(Self { certificates, params })
    }
}

fn leaf_params(flaw: Option<Flaw>) -> CertificateParams {
    let name = if flaw == Some(Flaw::WrongName) { "Another Device" } else { "AMT RCFG" };
    let serial = if flaw == Some(Flaw::OtherLeaf) { 101 } else { 100 };
    let mut params = named(name, serial, None);
    // Not that of a server: ordinary verifiers complain about the purpose, as with real units.
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    if flaw == Some(Flaw::Expired) {
        params.not_before = date_time_ymd(2015, 1, 1);
        params.not_after = date_time_ymd(2019, 1, 1);
    }
    params
}

fn authority(name: &str, serial: u64, unit: Option<&str>) -> CertificateParams {
    let mut params = named(name, serial, unit);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn named(name: &str, serial: u64, unit: Option<&str>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "amt-sim");
    if let Some(unit) = unit {
        params.distinguished_name.push(DnType::OrganizationalUnitName, unit);
    }
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

fn key(pkcs8: &[u8]) -> Result<KeyPair, rcgen::Error> {
    KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.into(), &PKCS_ECDSA_P384_SHA384)
}

#[cfg(test)]
mod tests {
    use x509_parser::certificate::X509Certificate;
    use x509_parser::parse_x509_certificate;

    use super::*;

    fn parsed<'a>(chain: &'a [CertificateDer<'static>]) -> Vec<X509Certificate<'a>> {
        chain.iter().map(|der| parse_x509_certificate(der).expect("sound").1).collect()
    }

    fn linked(chain: &[X509Certificate<'_>]) -> Vec<bool> {
        chain.windows(2).map(|pair| pair[0].verify_signature(Some(pair[1].public_key())).is_ok()).collect()
    }

    #[test]
    fn identity_has_the_documented_names_at_the_documented_places() {
        let identity = device_identity(IdentityChain::Whole, None).expect("a chain");
        let chain = parsed(&identity.cert);
        assert_eq!((chain.len(), linked(&chain)), (6, vec![true; 5]));
        assert_eq!(chain[0].subject().to_string(), "O=amt-sim, CN=AMT RCFG");
        assert!(chain[3].subject().to_string().contains("ROM CA"));
        assert!(chain[3].issuer().to_string().contains("OU=On Die CSME P"));
        let usage = chain[0].extended_key_usage().expect("readable").expect("there").value;
        assert!(!usage.server_auth && !usage.any);
        assert_eq!(device_identity(IdentityChain::ToRom, None).expect("a chain").cert.len(), 4);
    }

    #[test]
    fn each_flaw_spoils_what_it_says_and_nothing_else_of_the_chain() {
        let with = |flaw| device_identity(IdentityChain::Whole, Some(flaw)).expect("a chain").cert;
        let root = device_identity(IdentityChain::Whole, None).expect("a chain").cert[5].clone();
        for flaw in [Flaw::WrongName, Flaw::Expired, Flaw::WrongIssuer, Flaw::WrongAuthority, Flaw::OtherLeaf]
        {
            assert_eq!(linked(&parsed(&with(flaw))), [true; 5], "{flaw:?}");
        }
        assert_eq!(linked(&parsed(&with(Flaw::BrokenLink))), [false, true, true, true, true]);
        assert_eq!(with(Flaw::Short).len(), 3);
        let (foreign, known) = (
            with(Flaw::ForeignRoot),
            parsed(std::slice::from_ref(&root)).remove(0).public_key().raw.to_vec(),
        );
        assert_ne!(parsed(&foreign)[5].public_key().raw, known);
        assert_eq!(linked(&parsed(&foreign)), [true; 5]);
    }

    #[test]
    fn anchors_verify_the_shorter_chain_too() {
        let pem = anchors_pem().expect("anchors");
        let anchors: Vec<_> =
            x509_parser::pem::Pem::iter_from_buffer(pem.as_bytes()).map(|pem| pem.expect("PEM")).collect();
        assert_eq!(anchors.len(), 2);
        let issuer = anchors[1].parse_x509().expect("a certificate");
        let identity = device_identity(IdentityChain::ToRom, None).expect("a chain");
        let chain = parsed(&identity.cert);
        assert!(chain[3].verify_signature(Some(issuer.public_key())).is_ok());
    }
}
