//! Chains as authorities and tools make them, sound and broken. The key beside this file protects nothing.

use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain};
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, PKCS_RSA_SHA256, SanType, date_time_ymd,
};
use std::time::Duration;

use super::*;

const LEAF_KEY: &[u8] = include_bytes!("leaf-test-key.der");
pub(in crate::job) const PFX_PASSWORD: &str = "P@ss pfx";

/// What the tests vary about a chain.
struct Chain {
    leaf: CertificateParams,
    intermediates: usize,
    leave_out_intermediate: bool,
    forge: bool,
    key: Vec<u8>,
}

impl Chain {
    fn for_host(host: &str) -> Self {
        let mut leaf = named(host);
        leaf.is_ca = IsCa::ExplicitNoCa;
        let usage = [2, 16, 840, 1, 113_741, 1, 2, 3].to_vec();
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Other(usage)];
        Self { leaf, intermediates: 1, leave_out_intermediate: false, forge: false, key: LEAF_KEY.to_vec() }
    }

    /// PKCS#12 with the root before the others: whoever reads it has to sort.
    fn pfx(self) -> SecretBytes {
        let (mut issuer, root) = self_signed("root");
        let mut authorities = vec![root];
        for number in 0..self.intermediates {
            let (params, key) = (authority(&format!("intermediate {number}")), KeyPair::generate().unwrap());
            authorities.push(params.signed_by(&key, &issuer).unwrap().der().to_vec());
            issuer = Issuer::new(params, key);
        }
        if self.forge {
            // The right name, another key.
            let name = format!("intermediate {}", self.intermediates - 1);
            issuer = Issuer::new(authority(&name), KeyPair::generate().unwrap());
        }
        let leaf_key = KeyPair::from_pkcs8_der_and_sign_algo(&LEAF_KEY.into(), &PKCS_RSA_SHA256).unwrap();
        let leaf = self.leaf.signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
        if self.leave_out_intermediate {
            authorities.pop();
        }
        SecretBytes::new(pfx(&self.key, std::iter::once(leaf).chain(authorities)))
    }

    fn open(self) -> Result<ProvisioningCertificate, CertificateError> {
        ProvisioningCertificate::open(&self.pfx(), &password())
    }
}

/// A sound chain for a host, and the DER of its root.
pub(in crate::job) fn sound(host: &str) -> (SecretBytes, Vec<u8>) {
    let file = Chain::for_host(host).pfx();
    let root = ProvisioningCertificate::open(&file, &password()).unwrap().chain.pop().unwrap();
    (file, root)
}

fn pfx(key: &[u8], certificates: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let certificates = certificates.map(|der| Certificate::from_der(&der).unwrap());
    let mut store = KeyStore::new();
    let chain = PrivateKeyChain::new(LocalKeyId(vec![1]), PrivateKey::from_der(key).unwrap(), certificates);
    store.add_entry("provisioning", KeyStoreEntry::PrivateKeyChain(chain));
    store.writer(PFX_PASSWORD).encryption_iterations(10).mac_iterations(10).write().unwrap()
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn self_signed(name: &str) -> (Issuer<'static, KeyPair>, Vec<u8>) {
    let (params, key) = (authority(name), KeyPair::generate().unwrap());
    let der = params.self_signed(&key).unwrap().der().to_vec();
    (Issuer::new(params, key), der)
}

fn password() -> Secret {
    Secret::new(PFX_PASSWORD.into())
}

fn at(year: i32) -> SystemTime {
    SystemTime::UNIX_EPOCH
        + Duration::from_secs(date_time_ymd(year, 1, 1).unix_timestamp().try_into().unwrap())
}

#[track_caller]
fn refused(chain: Chain) -> (CertificateError, Failure) {
    let error = chain.open().map(drop).unwrap_err();
    let failure = Failure::from(error.clone());
    assert!(!format!("{failure:?}").contains(PFX_PASSWORD));
    (error, failure)
}

#[test]
fn chain_is_sorted_leaf_first_whatever_the_order_in_the_file() {
    let certificate = Chain { intermediates: 2, ..Chain::for_host("amt.example.com") }.open().unwrap();
    let names: Vec<_> =
        certificate.chain().iter().map(|der| subject(&X509Certificate::from_der(der).unwrap().1)).collect();
    assert_eq!(names, ["amt.example.com", "intermediate 1", "intermediate 0", "root"]);
    assert_eq!(certificate.name(), "amt.example.com");
}

#[test]
fn files_of_openssl_open_with_old_and_new_ciphers_and_as_base64() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let files: [&[u8]; 2] = [include_bytes!("openssl-aes.pfx"), include_bytes!("openssl-3des.pfx")];
    for file in files {
        let mut text = STANDARD.encode(file).into_bytes();
        text.insert(64, b'\n');
        for file in [file.to_vec(), text] {
            let certificate = ProvisioningCertificate::open(&SecretBytes::new(file), &password()).unwrap();
            assert_eq!(certificate.chain().len(), 3);
            assert_eq!(certificate.names, ["provisioning.example.com", "*.example.com"]);
        }
    }
}

#[test]
fn a_wrong_password_is_told_from_a_damaged_file() {
    let open = |file: &[u8], password: &str| {
        let error =
            ProvisioningCertificate::open(&SecretBytes::new(file.to_vec()), &Secret::new(password.into()))
                .map(drop);
        Failure::from(error.unwrap_err()).reason
    };
    let files: [&[u8]; 2] = [include_bytes!("openssl-aes.pfx"), include_bytes!("openssl-3des.pfx")];
    for file in files {
        assert_eq!(open(file, "wrong"), Reason::CertificatePasswordWrong);
        assert_eq!(open(&file[..file.len() / 2], PFX_PASSWORD), Reason::CertificateUnreadable);
    }
    for file in [&b""[..], b"0", b"-----BEGIN CERTIFICATE-----", b"TUlJ", &[0x30; 600]] {
        assert_eq!(open(file, PFX_PASSWORD), Reason::CertificateUnreadable, "{file:?}");
    }
}

#[test]
fn what_firmware_would_refuse_is_refused_before_anything_is_sent() {
    let chain = || Chain::for_host("amt.example.com");
    let reason = |chain| refused(chain).1.reason;

    assert_eq!(reason(Chain { leave_out_intermediate: true, ..chain() }), Reason::ChainIncomplete);
    assert_eq!(reason(Chain { forge: true, ..chain() }), Reason::ChainInvalid);
    assert_eq!(refused(Chain { intermediates: 3, ..chain() }).0, CertificateError::TooLong(5));
    let mut purposeless = chain();
    purposeless.leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(reason(purposeless), Reason::CertificateNotForAmt);
    let mut authority = chain();
    authority.leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(reason(authority), Reason::CertificateMissing);
    let elliptic = KeyPair::generate().unwrap().serialize_der();
    assert_eq!(reason(Chain { key: elliptic, ..chain() }), Reason::KeyUnsupported);
}

#[test]
fn purpose_by_organizational_unit_is_enough() {
    let mut chain = Chain::for_host("amt.example.com");
    chain.leaf.extended_key_usages = Vec::new();
    chain.leaf.distinguished_name.push(DnType::OrganizationalUnitName, "Intel(R) Client Setup Certificate");
    assert!(chain.open().is_ok());
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (_, certificate) = X509Certificate::from_der(include_bytes!("foreign-test-certificate.der")).unwrap();
    assert_eq!(check_key(LEAF_KEY, &certificate), Err(CertificateError::KeyMismatch("foreign".into())));
}

#[test]
fn a_file_with_two_possible_leaves_is_refused_instead_of_guessed_at() {
    let (issuer, root) = self_signed("root");
    let leaf_key = KeyPair::from_pkcs8_der_and_sign_algo(&LEAF_KEY.into(), &PKCS_RSA_SHA256).unwrap();
    let leaf = |host| Chain::for_host(host).leaf.signed_by(&leaf_key, &issuer).unwrap().der().to_vec();
    let file = pfx(LEAF_KEY, [leaf("a.example.com"), leaf("b.example.com"), root].into_iter());
    let error = ProvisioningCertificate::open(&SecretBytes::new(file), &password()).map(drop).unwrap_err();
    assert_eq!(error, CertificateError::ManyLeaves(2));
}

#[test]
fn validity_is_that_of_the_whole_chain() {
    let mut chain = Chain::for_host("amt.example.com");
    chain.leaf.not_before = date_time_ymd(2025, 1, 1);
    chain.leaf.not_after = date_time_ymd(2027, 1, 1);
    let certificate = chain.open().unwrap();
    assert_eq!(certificate.days_left(at(2024)), Err(CertificateError::NotYetValid));
    assert_eq!(certificate.days_left(at(2026)), Ok(365));
    assert_eq!(certificate.days_left(at(2028)), Err(CertificateError::Expired));
}

#[test]
fn suffix_must_be_the_domain_of_the_certificate() {
    let mut chain = Chain::for_host("AMT.Example.com");
    chain.leaf.subject_alt_names = vec![SanType::DnsName("*.corp.example.net".try_into().unwrap())];
    let certificate = chain.open().unwrap();
    for (suffix, fit) in [
        ("example.com", Fit::Yes),
        ("EXAMPLE.com.", Fit::Yes),
        ("com", Fit::Yes),
        ("corp.example.net", Fit::Yes),
        ("office.example.com", Fit::Perhaps),
        ("xample.com", Fit::No),
        ("example.org", Fit::No),
        ("notexample.com", Fit::No),
        ("", Fit::No),
    ] {
        assert_eq!(certificate.fits(suffix), fit, "{suffix}");
    }
}

#[test]
fn a_root_hash_that_is_switched_off_is_no_trust() {
    let certificate = Chain::for_host("amt.example.com").open().unwrap();
    let root = certificate.chain.last().unwrap();
    let hash = |algorithm, bytes: &[u8], is_active| CertificateHash {
        name: "root".into(),
        is_default: true,
        is_active,
        algorithm,
        hash: bytes.to_vec(),
    };
    let (sha256, sha384) = (digest(&SHA256, root), digest(&SHA384, root));
    let other = hash(HashAlgorithm::Sha256, &[7; 32], true);
    let off = hash(HashAlgorithm::Sha256, sha256.as_ref(), false);
    let on = hash(HashAlgorithm::Sha384, sha384.as_ref(), true);
    let mistaken = hash(HashAlgorithm::Sha384, sha256.as_ref(), true);

    assert_eq!(certificate.trust(&[]), Trust::Unknown);
    assert_eq!(certificate.trust(&[other.clone(), mistaken]), Trust::Unknown);
    assert_eq!(certificate.trust(&[other.clone(), off.clone()]), Trust::Inactive);
    assert_eq!(certificate.trust(&[off, other, on]), Trust::Active { built_in: true });
}

#[test]
fn signature_is_over_both_nonces_and_nothing_else() {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    let certificate = Chain::for_host("amt.example.com").open().unwrap();
    let signature = certificate.sign(&[1; 20], &[2; 20]).unwrap();
    let public = RsaKeyPair::from_pkcs8(LEAF_KEY).unwrap();
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public.public_key());
    let message = [[1; 20], [2; 20]].concat();
    assert!(public.verify(&message, &signature).is_ok());
    assert!(public.verify(&message[..39], &signature).is_err());
}
