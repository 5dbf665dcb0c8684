//! The file with the provisioning certificate, as a caller hands it in.
//!
//! Hazard: a file that panics one of the parsers below, or that asks for work or memory without bound. A file is
//! protected by its password, so that bytes at random end at its check; hence half of the inputs are certificates that
//! are put into a sound file.

#![no_main]

use amtd_amt::{
    amthi::{CertificateHash, HashAlgorithm},
    job::fuzzing::open_certificate,
};
use libfuzzer_sys::fuzz_target;
use p12_keystore::{Certificate, KeyStore, KeyStoreEntry, LocalKeyId, PrivateKey, PrivateKeyChain};

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    match mode & 1 {
        0 => open(rest.to_vec()),
        _ => packed(rest).into_iter().for_each(open),
    }
});

fn open(file: Vec<u8>) {
    let hash = |algorithm, length| CertificateHash {
        name: "root".into(),
        is_default: true,
        is_active: true,
        algorithm,
        hash: vec![0; length],
    };
    let hashes = [hash(HashAlgorithm::Sha1, 20), hash(HashAlgorithm::Sha256, 32)];
    if let Err(failure) = open_certificate(file, PASSWORD, &hashes) {
        assert!(!format!("{failure:?}").contains(PASSWORD));
    }
}

/// A file with these certificates, one after the other in DER, and a key of its own. `None` if one is no certificate.
fn packed(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut certificates = Vec::new();
    while let Some((der, after)) = first_der(rest).filter(|_| certificates.len() < 6) {
        certificates.push(Certificate::from_der(der).ok()?);
        rest = after;
    }
    let key = PrivateKey::from_der(KEY).ok()?;
    let chain = PrivateKeyChain::new(LocalKeyId(vec![1]), key, certificates);
    let mut store = KeyStore::new();
    store.add_entry("provisioning", KeyStoreEntry::PrivateKeyChain(chain));
    store.writer(PASSWORD).encryption_iterations(1).mac_iterations(1).write().ok()
}

/// The first value with a length of two bytes, as every certificate has it, and the rest.
fn first_der(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [0x30, 0x82, high, low, ..] = *bytes else { return None };
    bytes.split_at_checked(4 + usize::from(u16::from_be_bytes([high, low])))
}

const PASSWORD: &str = "P@ss pfx";
/// The key of the leaf in the corpus.
const KEY: &[u8] = include_bytes!("../../../daemon/amt/src/job/certificate/leaf-test-key.der");
