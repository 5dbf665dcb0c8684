//! TLS: whose certificate is accepted, over real handshakes and over chains of device identities made by the test.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P384_SHA384,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::super::identity::{DeviceIdentity, IdentityError};
use super::super::tls::ConnectError;
use super::super::{ClientIdentity, TlsError, TlsSettings, Trust};
use crate::CertificateDigest;
use crate::machine::ReachError;

/// A chain and the key of its leaf.
struct Chain {
    certificates: Vec<Vec<u8>>,
    key: Vec<u8>,
    root: Vec<u8>,
}

/// What is wrong with a chain that [`identity`] makes.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    LeafName,
    RomName,
    RomIssuer,
    Expired,
    NoAuthority,
}

fn names(common: &str, unit: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common);
    name.push(DnType::OrganizationalUnitName, unit);
    name
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).unwrap()
}

fn params(name: DistinguishedName, is_authority: bool) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = name;
    if is_authority {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    }
    params
}

/// Leaf, two intermediates, ROM, and the authority that has signed the ROM (wsman 3).
fn identity(flaw: Flaw) -> Chain {
    let unit = if flaw == Flaw::RomIssuer { "Other" } else { "On Die CSME P_MCC 00000210" };
    identity_issued_by(unit, flaw)
}

/// The same with this unit of whoever issued the ROM's certificate.
fn identity_issued_by(unit: &str, flaw: Flaw) -> Chain {
    let root = CertifiedIssuer::self_signed(params(names("www.intel.com", unit), true), key()).unwrap();
    let rom_name = if flaw == Flaw::RomName { "CA" } else { "CSME MCC ROM CA" };
    let rom = params(names(rom_name, "ROM"), flaw != Flaw::NoAuthority);
    let rom = CertifiedIssuer::signed_by(rom, key(), &root).unwrap();
    let kernel = CertifiedIssuer::signed_by(params(names("CSME Kernel CA", "K"), true), key(), &rom).unwrap();
    let amt = CertifiedIssuer::signed_by(params(names("CSME AMT CA", "A"), true), key(), &kernel).unwrap();
    let leaf_key = key();
    let leaf_name = if flaw == Flaw::LeafName { "localhost" } else { "iAMT CSME IDevID RCFG" };
    let mut leaf = params(names(leaf_name, "L"), false);
    if flaw == Flaw::Expired {
        leaf.not_after = rcgen::date_time_ymd(2001, 1, 1);
    }
    let leaf = leaf.signed_by(&leaf_key, &amt).unwrap();
    let certificates = [leaf.der(), amt.der(), kernel.der(), rom.der()].map(|der| der.to_vec()).to_vec();
    Chain { certificates, key: leaf_key.serialize_der(), root: root.der().to_vec() }
}

fn verified(
    chain: &Chain,
    leaf: Option<CertificateDigest>,
    serial: Option<[u8; 32]>,
) -> Result<(), IdentityError> {
    let certificates: Vec<&[u8]> = chain.certificates.iter().map(Vec::as_slice).collect();
    let identity = DeviceIdentity { authorities: vec![chain.root.clone()], leaf, serial };
    identity.verify(&certificates, NOW)
}

#[test]
fn device_identity_is_accepted_by_its_authority_only() {
    let chain = identity(Flaw::None);
    assert_eq!(verified(&chain, None, None), Ok(()));
    let foreign = Chain { root: identity(Flaw::None).root, ..chain };
    assert_eq!(verified(&foreign, None, None), Err(IdentityError::Authority));
}

#[test]
fn device_identity_of_every_known_issuer_is_accepted() {
    for unit in ["ODCA 2 CSME P_X", "ODCA 2 CSME X", "On Die CSME P_X", "On Die CSME X"] {
        assert_eq!(verified(&identity_issued_by(unit, Flaw::None), None, None), Ok(()), "{unit}");
    }
}

#[test]
fn chain_that_is_no_device_identity_says_why() {
    for (flaw, expected) in [
        (Flaw::LeafName, IdentityError::LeafName),
        (Flaw::RomName, IdentityError::Rom),
        (Flaw::RomIssuer, IdentityError::Rom),
        (Flaw::Expired, IdentityError::Time(1)),
        (Flaw::NoAuthority, IdentityError::Signature(3)),
    ] {
        assert_eq!(verified(&identity(flaw), None, None), Err(expected));
    }
    let mut chain = identity(Flaw::None);
    chain.certificates.swap(1, 2);
    assert_eq!(verified(&chain, None, None), Err(IdentityError::Signature(1)));
    chain.certificates.swap(1, 2);
    let stranger = identity(Flaw::None).certificates.swap_remove(0);
    chain.certificates[0] = stranger;
    assert_eq!(verified(&chain, None, None), Err(IdentityError::Signature(1)), "same names, another key");
    chain.certificates[2] = vec![0x30, 0x03, 1, 2, 3];
    assert_eq!(verified(&chain, None, None), Err(IdentityError::Unreadable(3)));
    chain.certificates.pop();
    assert_eq!(verified(&chain, None, None), Err(IdentityError::Length(3)));
    chain.certificates.truncate(1);
    assert_eq!(verified(&chain, None, None), Err(IdentityError::SelfSigned));
}

#[test]
fn identity_is_bound_to_what_was_announced_and_to_the_platform() {
    let chain = identity(Flaw::None);
    let leaf = CertificateDigest::sha384(&chain.certificates[0]);
    let rom = CertificateDigest::sha256(&chain.certificates[3]);
    let mut serial = [0; 32];
    serial[..20].copy_from_slice(&rom.as_bytes()[..20]);
    assert_eq!(verified(&chain, Some(leaf), Some(serial)), Ok(()));
    serial[19] ^= 1;
    assert_eq!(verified(&chain, None, Some(serial)), Err(IdentityError::OtherPlatform));
    let other = Some(CertificateDigest::sha256(b"other"));
    assert_eq!(verified(&chain, other, None), Err(IdentityError::NotAnnounced));
}

/// The client's side of a handshake with a server that has this chain.
async fn handshake(chain: &Chain, settings: TlsSettings) -> Result<Vec<u8>, ConnectError> {
    let (ours, theirs) = duplex(64 * 1024);
    let server = server(chain);
    let serving = async {
        if let Ok(mut stream) = server.accept(theirs).await {
            stream.write_all(b"hello").await.unwrap();
            stream.shutdown().await.unwrap();
        }
    };
    let connecting = async {
        let mut greeting = Vec::new();
        settings.connect(ours).await?.read_to_end(&mut greeting).await?;
        Ok(greeting)
    };
    let (greeting, ()) = tokio::join!(connecting, serving);
    greeting
}

fn server(chain: &Chain) -> TlsAcceptor {
    let certificates = chain.certificates.iter().cloned().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::try_from(chain.key.clone()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn refusal(chain: &Chain, trust: Trust) -> TlsError {
    match handshake(chain, TlsSettings::new(trust, None).unwrap()).await {
        Err(ConnectError::Tls(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn only_the_certificate_that_is_trusted_is_spoken_to() {
    let chain = identity(Flaw::None);
    let leaf = CertificateDigest::sha256(&chain.certificates[0]);
    let authorities = vec![chain.root.clone()];
    for trust in [
        Trust::Certificate(leaf),
        Trust::DeviceIdentity(DeviceIdentity { authorities, leaf: Some(leaf), serial: None }),
        Trust::Insecure,
    ] {
        let settings = TlsSettings::new(trust.clone(), None).unwrap();
        assert_eq!(handshake(&chain, settings).await.unwrap(), b"hello", "{trust:?}");
    }
}

#[tokio::test]
async fn certificate_that_is_not_trusted_is_refused_in_our_own_words() {
    let chain = identity(Flaw::None);
    let other = Trust::Certificate(CertificateDigest::sha256(b"other"));
    let error = refusal(&chain, other).await;
    assert!(matches!(error, TlsError::Certificate(seen) if seen.is_of(&chain.certificates[0])), "{error}");
    let identity = DeviceIdentity { authorities: Vec::new(), leaf: None, serial: None };
    let error = refusal(&chain, Trust::DeviceIdentity(identity)).await;
    assert!(matches!(error, TlsError::Identity(IdentityError::Authority)), "{error}");
}

#[tokio::test]
async fn server_that_closes_in_the_handshake_is_a_lost_connection() {
    let (ours, theirs): (DuplexStream, _) = duplex(1024);
    drop(theirs);
    let settings = TlsSettings::new(Trust::Insecure, None).unwrap();
    let error = settings.connect(ours).await.unwrap_err();
    assert!(matches!(error, ConnectError::Reach(ReachError::Lost)), "{error:?}");
}

#[test]
fn client_identity_is_checked_before_it_is_needed_and_its_key_is_not_shown() {
    let chain = identity(Flaw::None);
    let client = ClientIdentity { chain: chain.certificates.clone(), key: Zeroizing::new(chain.key.clone()) };
    assert_eq!(format!("{client:?}"), "ClientIdentity(4 certificates, key redacted)");
    assert!(TlsSettings::new(Trust::Insecure, Some(client.clone())).is_ok());
    let garbled = ClientIdentity { key: Zeroizing::new(vec![1, 2, 3]), ..client.clone() };
    assert!(matches!(TlsSettings::new(Trust::Insecure, Some(garbled)), Err(TlsError::ClientIdentity)));
    let foreign = Zeroizing::new(identity(Flaw::None).key);
    let mismatched = ClientIdentity { key: foreign, ..client };
    assert!(matches!(TlsSettings::new(Trust::Insecure, Some(mismatched)), Err(TlsError::ClientIdentity)));
    let nameless = Trust::System { name: "not a name".into() };
    assert!(matches!(TlsSettings::new(nameless, None), Err(TlsError::Name)));
}

/// A time within the validity that rcgen gives by default.
const NOW: u64 = 1_800_000_000;
