//! Chains of `pki`, each wrong in one way, against the checks.

use std::sync::LazyLock;

use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use super::*;
use crate::pki::{ProvisioningChain, Variant};

const SUFFIX: &str = "example.net";

static CHAIN: LazyLock<ProvisioningChain> = LazyLock::new(|| ProvisioningChain::new(SUFFIX));

fn entry(chain: &ProvisioningChain, algorithm: HashAlgorithm) -> HashEntry {
    HashEntry {
        handle: 1,
        name: "root".into(),
        hash: hash(algorithm, &chain.root),
        algorithm,
        is_default: true,
        is_active: true,
    }
}

fn trust<'a>(hashes: &'a [HashEntry], suffix: &'a str) -> Trust<'a> {
    Trust { hashes, suffix: Some(suffix), unix_time: 1_750_000_000 }
}

/// Gives the whole chain. Returns how many certificates were taken, and the refusal of the next one.
fn give(chain: &ProvisioningChain, trust: &Trust<'_>) -> (CertificateChain, Vec<Result<(), ChainError>>) {
    let mut taken = CertificateChain::default();
    let certificates = chain.certificates();
    let last = certificates.len() - 1;
    let mut results = Vec::new();
    for (index, der) in certificates.into_iter().enumerate() {
        results.push(taken.add(der, Place { is_leaf: index == 0, is_root: index == last }, trust));
        if results.last().is_some_and(Result::is_err) {
            break;
        }
    }
    (taken, results)
}

fn outcome(variant: Variant) -> Vec<Result<(), ChainError>> {
    let chain = ProvisioningChain::with(SUFFIX, variant);
    let hashes = [entry(&chain, HashAlgorithm::Sha256)];
    give(&chain, &trust(&hashes, SUFFIX)).1
}

#[test]
fn sound_chains_are_taken_whole() {
    for variant in [Variant::Sound, Variant::ByUnit, Variant::Sha384] {
        assert_eq!(outcome(variant), [Ok(()); 3], "{variant:?}");
    }
}

#[test]
fn broken_chains_are_refused_at_the_certificate_that_shows_it() {
    use ChainError::{TooLong, VerificationFailed};

    for variant in [Variant::Expired, Variant::NotYetValid, Variant::NoPurpose] {
        assert_eq!(outcome(variant), [Err(VerificationFailed)], "{variant:?}");
    }
    assert_eq!(outcome(Variant::BrokenLink), [Ok(()), Err(VerificationFailed)]);
    assert_eq!(outcome(Variant::TooLong), [Ok(()), Ok(()), Ok(()), Ok(()), Err(TooLong)]);
}

#[test]
fn root_counts_only_if_its_hash_is_in_the_table_and_active() {
    let chain = ProvisioningChain::new(SUFFIX);
    for algorithm in [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
        let hashes = [entry(&chain, algorithm)];
        assert_eq!(give(&chain, &trust(&hashes, SUFFIX)).1, [Ok(()); 3], "{algorithm:?}");
    }
    let inactive = [HashEntry { is_active: false, ..entry(&chain, HashAlgorithm::Sha256) }];
    let refused = [Ok(()), Ok(()), Err(ChainError::VerificationFailed)];
    assert_eq!(give(&chain, &trust(&inactive, SUFFIX)).1, refused);
    assert_eq!(give(&chain, &trust(&[], SUFFIX)).1, refused);
}

#[test]
fn leaf_of_another_domain_is_refused() {
    let chain = ProvisioningChain::new(SUFFIX);
    let hashes = [entry(&chain, HashAlgorithm::Sha256)];
    for (suffix, fits) in
        [("EXAMPLE.net.", true), ("net", true), ("example.org", false), ("xample.net", false)]
    {
        let taken = give(&chain, &trust(&hashes, suffix)).1[0].is_ok();
        assert_eq!(taken, fits, "{suffix}");
    }
    let unknown = Trust { suffix: None, ..trust(&hashes, SUFFIX) };
    assert_eq!(give(&chain, &unknown).1, [Err(ChainError::VerificationFailed)]);
}

#[test]
fn chain_out_of_order_is_refused_and_a_leaf_starts_it_again() {
    let chain = ProvisioningChain::new(SUFFIX);
    let hashes = [entry(&chain, HashAlgorithm::Sha256)];
    let trust = trust(&hashes, SUFFIX);
    let mut taken = CertificateChain::default();
    let leaf = Place { is_leaf: true, is_root: false };
    let middle = Place { is_leaf: false, is_root: false };
    let root = Place { is_leaf: false, is_root: true };
    assert_eq!(taken.add(&chain.intermediates[0], middle, &trust), Err(ChainError::InvalidState));
    assert_eq!(taken.add(&chain.root, leaf, &trust), Err(ChainError::VerificationFailed), "no leaf");
    assert_eq!(taken.status(), ChainStatus::NotStarted);
    assert_eq!(taken.add(&chain.leaf, leaf, &trust), Ok(()));
    assert_eq!(
        taken.add(&chain.root, root, &trust),
        Err(ChainError::VerificationFailed),
        "a link is missing"
    );
    assert_eq!(taken.status(), ChainStatus::InProgress);
    assert_eq!(taken.add(&chain.intermediates[0], root, &trust), Err(ChainError::VerificationFailed));
    assert_eq!(taken.add(b"x", middle, &trust), Err(ChainError::InvalidParameter));
    let both = Place { is_leaf: true, is_root: true };
    assert_eq!(taken.add(&chain.leaf, both, &trust), Err(ChainError::InvalidParameter));
    assert_eq!(taken.add(&chain.leaf, leaf, &trust), Ok(()), "again from the start");
    assert_eq!(taken.add(&chain.intermediates[0], middle, &trust), Ok(()));
    assert_eq!(taken.add(&chain.root, root, &trust), Ok(()));
    assert_eq!(taken.status(), ChainStatus::Complete);
    assert_eq!(taken.add(&chain.root, root, &trust), Err(ChainError::InvalidState), "it is complete");
}

proptest! {
    /// Whatever is changed in what is signed or in a signature, the chain is not complete with it, and nothing panics.
    #[test]
    fn chain_with_a_changed_byte_is_never_complete(
        which in 0..3_usize,
        at in any::<prop::sample::Index>(),
        flip in 1..=255_u8,
    ) {
        let hashes = [entry(&CHAIN, HashAlgorithm::Sha256)];
        let mut changed = CHAIN.clone();
        let der = match which {
            0 => &mut changed.leaf,
            1 => &mut changed.intermediates[0],
            _ => &mut changed.root,
        };
        // Between the two are the algorithm, which is inside as well, and the header of the signature.
        const BETWEEN: usize = 15 + 5;
        const SIGNATURE: usize = 256;
        let (end, at) = (der.len() - SIGNATURE, at.index(der.len() - BETWEEN));
        let at = if at >= end - BETWEEN { at + BETWEEN } else { at };
        der[at] ^= flip;
        prop_assert_ne!(give(&changed, &trust(&hashes, SUFFIX)).0.status(), ChainStatus::Complete);
    }
}

#[test]
fn signature_is_verified_with_the_leafs_key_over_exactly_the_message() {
    let sign = |variant| {
        let chain = ProvisioningChain::with(SUFFIX, variant);
        let hashes = [entry(&chain, HashAlgorithm::Sha256)];
        let taken = give(&chain, &trust(&hashes, SUFFIX)).0;
        let key = RsaKeyPair::from_pkcs8(&chain.leaf_key).unwrap();
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"message", &mut signature).unwrap();
        (taken, signature)
    };
    let (taken, signature) = sign(Variant::Sound);
    assert!(taken.verifies(b"message", &signature));
    assert!(!taken.verifies(b"messagf", &signature));
    assert!(!taken.verifies(b"message", &signature[1..]));
    assert!(!CertificateChain::default().verifies(b"message", &signature));
    let (taken, signature) = sign(Variant::ForeignKey);
    assert!(!taken.verifies(b"message", &signature));
}
