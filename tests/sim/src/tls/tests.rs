//! Tests of connections in memory: who is let in, which certificate is shown when, how records look.

use std::io::Read;
use std::sync::Arc;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion,
};

use super::*;
use crate::config::{TlsConfig, TlsMode};
use crate::device::network::HashAlgorithm;
use crate::pki::ProvisioningChain;

/// Believes the server whatever it shows.
#[derive(Debug)]
struct Anyone;

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = identity::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, dss, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = identity::provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, dss, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        identity::provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A chain, leaf first, and the leaf's key.
type Credentials = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

const VERSIONS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

fn client(version: &'static SupportedProtocolVersion, credentials: Option<Credentials>) -> ClientConnection {
    let builder = ClientConfig::builder_with_provider(Arc::new(identity::provider()))
        .with_protocol_versions(&[version])
        .expect("the version")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone));
    let config = match credentials {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).expect("a key that fits"),
        None => builder.with_no_client_auth(),
    };
    let name = ServerName::try_from("localhost").expect("a name");
    ClientConnection::new(Arc::new(config), name).expect("a client")
}

/// Everything that the server sends now.
fn sent(server: &mut TlsConnection) -> Vec<u8> {
    let mut records = Vec::new();
    while let Some(piece) = server.take(1400) {
        records.extend_from_slice(&piece);
    }
    records
}

/// Moves bytes between the two until nothing is left to move. Fails with the client's error.
fn talk(client: &mut ClientConnection, server: &mut TlsConnection) -> Result<(), Error> {
    loop {
        let mut records = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut records).expect("memory");
        }
        let idle = records.is_empty();
        server.open(&records);
        if server.takes_work() {
            server.release();
        }
        let answer = sent(server);
        if idle && answer.is_empty() {
            return Ok(());
        }
        let mut unread = answer.as_slice();
        while !unread.is_empty() {
            client.read_tls(&mut unread).expect("memory");
            client.process_new_packets()?;
        }
    }
}

/// Shakes hands. Returns whether it succeeded, and with it the server.
fn shake(
    security: &Security,
    provisioned: bool,
    version: &'static SupportedProtocolVersion,
    credentials: Option<Credentials>,
) -> (ClientConnection, TlsConnection, bool) {
    let mut server = security.accept(provisioned, None).expect("a server");
    let mut client = client(version, credentials);
    let outcome = talk(&mut client, &mut server);
    let done = outcome.is_ok() && !client.is_handshaking() && !server.has_ended();
    (client, server, done)
}

fn security() -> Security {
    let config = TlsConfig { mode: TlsMode::Enforced, identity: IdentityChain::Whole };
    Security::new(config, Store::default())
}

fn provisioning_credentials() -> Credentials {
    let chain = ProvisioningChain::new("example.net");
    let certificates = chain.certificates().into_iter().map(|der| der.to_vec().into()).collect();
    (certificates, PrivatePkcs8KeyDer::from(chain.leaf_key).into())
}

fn announced(algorithm: HashAlgorithm) -> ClientHash {
    let leaf = ProvisioningChain::new("example.net").leaf;
    ClientHash { algorithm, hash: security::hash(algorithm, &leaf).expect("a known algorithm") }
}

#[test]
fn host_based_configuration_takes_the_announced_client_and_nobody_else() {
    for (version, algorithm) in VERSIONS.into_iter().zip([HashAlgorithm::Sha256, HashAlgorithm::Sha384]) {
        let mut security = security();
        assert!(shake(&security, false, version, None).2, "nothing is asked for before");
        security.begin_host_based(announced(algorithm));
        let (_, server, done) = shake(&security, false, version, Some(provisioning_credentials()));
        assert!(done);
        let chain = server.client_chain().expect("the client's chain");
        assert_eq!(chain.len(), 3);
        security.note_client(chain.clone());
        assert_eq!(security.client_chain(), chain);
        assert!(!shake(&security, false, version, None).2, "no certificate");
        let other = KeyPair::generate().expect("a key");
        let certificate = CertificateParams::default().self_signed(&other).expect("a certificate");
        let key = PrivatePkcs8KeyDer::from(other.serialize_der()).into();
        let other = (vec![certificate.der().clone()], key);
        assert!(!shake(&security, false, version, Some(other)).2, "another certificate");
        security.end_host_based();
        assert!(security.client_chain().is_empty());
        assert!(shake(&security, false, version, None).2);
    }
}

#[test]
fn shown_leaf_is_the_one_whose_hash_is_announced_unless_a_script_says_otherwise() {
    let security = security();
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
        let announced = security.leaf_hash(algorithm).expect("an identity").expect("a hash");
        let (informed, ..) = shake(&security, false, &rustls::version::TLS13, None);
        let leaf = &informed.peer_certificates().expect("a chain")[0];
        assert_eq!(security::hash(algorithm, leaf), Some(announced.clone()));
        let mut server = security.accept(false, Some(Flaw::OtherLeaf)).expect("a server");
        let mut misled = client(&rustls::version::TLS13, None);
        talk(&mut misled, &mut server).expect("a handshake");
        let leaf = &misled.peer_certificates().expect("a chain")[0];
        assert_ne!(security::hash(algorithm, leaf), Some(announced));
    }
    assert_eq!(security.leaf_hash(HashAlgorithm::Sha1).expect("an identity"), None);
}

/// A public key without its private one.
struct Foreign<'a>(&'a [u8]);

impl PublicKeyData for Foreign<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// A certificate authority, a certificate of its for the device's own key, and credentials of a client.
struct Site {
    root: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Site {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).expect("a certificate").der().to_vec();
        Self { root, issuer: Issuer::new(params, key) }
    }

    fn server(&self, public_key: &[u8]) -> Vec<u8> {
        let certificate = CertificateParams::default().signed_by(&Foreign(public_key), &self.issuer);
        certificate.expect("a certificate").der().to_vec()
    }

    fn client(&self, name: &str) -> Credentials {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }
}

/// A device with a certificate of the site's, bound and committed with these settings.
fn configured(site: &Site, local: TlsInterface) -> Security {
    let mut security = security();
    let store = &mut security.store;
    store.generate_key().expect("a key");
    let certificate = site.server(&store.keys()[0].public.clone());
    let handle = store.add_certificate(&certificate, false).expect("a certificate");
    store.add_certificate(&site.root, true).expect("a root");
    store.set_credential(Some(handle)).expect("the handle");
    store.set_interface(Interface::Local, local);
    store.commit(true).expect("everything is there");
    security
}

#[test]
fn configured_certificate_is_shown_from_the_commit_on() {
    let site = Site::new();
    let security = configured(&site, TlsInterface { enabled: true, ..TlsInterface::default() });
    for version in VERSIONS {
        let (client, _, done) = shake(&security, true, version, None);
        assert!(done);
        let shown = &client.peer_certificates().expect("a chain")[0];
        assert_eq!(security.store.certificates()[1].der, shown.as_ref());
        let (client, ..) = shake(&security, false, version, None);
        assert_eq!(client.peer_certificates().map(<[_]>::len), Some(6), "the identity before provisioning");
    }
    let mut changed = security.store.clone();
    changed.set_interface(Interface::Local, TlsInterface::default());
    let uncommitted = Security::new(TlsConfig::default(), changed.clone());
    assert_eq!(
        shake(&uncommitted, true, VERSIONS[1], None).0.peer_certificates(),
        shake(&security, true, VERSIONS[1], None).0.peer_certificates()
    );
    changed.commit(false).expect("nothing is needed");
    let off = Security::new(TlsConfig::default(), changed);
    let (client, ..) = shake(&off, true, VERSIONS[1], None);
    assert_ne!(
        client.peer_certificates().expect("self-signed")[0].as_ref(),
        security.store.certificates()[1].der
    );
}

#[test]
fn mutual_authentication_asks_for_a_trusted_chain_and_a_trusted_name() {
    let site = Site::new();
    let local = |names: &[&str]| TlsInterface {
        enabled: true,
        mutual: true,
        trusted_names: names.iter().map(|name| (*name).to_owned()).collect(),
        ..TlsInterface::default()
    };
    let security = configured(&site, local(&["example.net"]));
    for version in VERSIONS {
        let let_in = |credentials| shake(&security, true, version, credentials).2;
        assert!(let_in(Some(site.client("console.example.net"))));
        assert!(!let_in(None));
        assert!(!let_in(Some(site.client("console.badexample.net"))));
        assert!(!let_in(Some(Site::new().client("console.example.net"))), "another authority");
    }
    let security = configured(&site, local(&[]));
    assert!(shake(&security, true, VERSIONS[1], Some(site.client("anybody"))).2);
}

#[test]
fn store_survives_being_saved_and_shows_no_private_key() {
    let security = configured(&Site::new(), TlsInterface { enabled: true, ..TlsInterface::default() });
    let saved = serde_json::to_string(&security.store).expect("JSON");
    let restored: Store = serde_json::from_str(&saved).expect("a store");
    assert_eq!(restored, security.store);
    let shown = format!("{:?}", security.store.keys());
    assert!(!shown.contains("private"), "{shown}");
    let restored = Security::new(TlsConfig::default(), restored);
    assert!(shake(&restored, true, VERSIONS[1], None).2);
}

#[test]
fn records_stay_small_and_the_end_is_announced_once() {
    let (mut client, mut server, done) = shake(&security(), true, VERSIONS[1], None);
    assert!(done);
    server.seal(&[7; 20_000]);
    server.close();
    server.close();
    let stream = sent(&mut server);
    let mut rest = stream.as_slice();
    let mut count = 0;
    while let [_, _, _, high, low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([high, low]));
        // What encryption adds is about twenty bytes.
        assert!(length <= 4096 + 32, "{length}");
        rest = &rest[5 + length..];
        count += 1;
    }
    assert!(count >= 6, "{count}");
    let mut received = Vec::new();
    let mut unread = stream.as_slice();
    while !unread.is_empty() {
        client.read_tls(&mut unread).expect("memory");
        client.process_new_packets().expect("sound records");
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = client.reader().read(&mut piece) {
            received.extend_from_slice(&piece[..length]);
        }
    }
    assert_eq!(received, [7; 20_000]);
    assert_eq!(client.reader().read(&mut [0]).expect("the end"), 0);
}

proptest::proptest! {
    /// A damaged hello is understood all the same, waits for more, or ends the connection, and nothing panics.
    #[test]
    fn damaged_hellos_get_an_answer_or_an_alert(
        edits in proptest::collection::vec((0..250_usize, proptest::prelude::any::<u8>()), 0..6),
        cut in proptest::option::of(0..250_usize),
    ) {
        let mut hello = Vec::new();
        client(VERSIONS[1], None).write_tls(&mut hello).expect("memory");
        for (at, byte) in edits {
            hello.get_mut(at).into_iter().for_each(|old| *old = byte);
        }
        hello.truncate(cut.unwrap_or(hello.len()));
        let mut server = security().accept(true, None).expect("a server");
        proptest::prop_assert!(server.open(&hello).is_empty());
        let worked = server.takes_work();
        if worked {
            server.release();
        }
        let answered = !sent(&mut server).is_empty();
        proptest::prop_assert!(answered == worked || server.has_ended());
    }
}

#[test]
fn whatever_comes_instead_of_a_hello_is_answered_with_an_alert_at_most() {
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0; 100], &[0x16, 3, 1, 0xFF, 0xFF, 1], &[0x80, 0x2E, 1, 3]]
    {
        let mut server = security().accept(true, None).expect("a server");
        assert!(server.open(bytes).is_empty());
        assert!(!server.takes_work());
        let answer = sent(&mut server);
        assert_eq!(server.has_ended(), !answer.is_empty(), "{bytes:02x?}");
        assert!(answer.is_empty() || answer[0] == 21, "{answer:02x?}");
    }
}
