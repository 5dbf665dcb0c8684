//! The API over TCP: certificates decide who is let in and what they may do.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    },
};
use tonic::Code;

use super::rig::{Raw, Rig};
use crate::{
    config::{Config, Control, Level, Tcp},
    control::{ControlError, Server},
};

const JOBS: &str = "/amtd.v1.JobService/ListJobs";
const STATUS: &str = "/amtd.v1.StatusService/GetStatus";

/// An authority.
struct Authority(CertifiedIssuer<'static, KeyPair>);

struct Certificate {
    pem: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn sign(&self, name: &str) -> Certificate {
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Certificate { pem: certificate.pem(), der: certificate.der().clone(), key }
    }
}

struct Fixture {
    rig: Rig,
    authority: Authority,
    address: SocketAddr,
}

impl Fixture {
    async fn start() -> Self {
        let authority = Authority::new();
        let directory = tempfile::tempdir().unwrap();
        let tcp = files(directory.path(), &authority);
        let levels = [("agent".to_owned(), Level::Operator)].into();
        let control = Control { tcp: Some(tcp), certificate_levels: levels, ..Control::default() };
        let rig = Rig::with(Config { control, ..Config::default() });
        let server = Server::bind(rig.directory.path(), &rig.parts.config.control, None).await.unwrap();
        let address = server.tcp.as_ref().unwrap().0.local_addr().unwrap();
        server.start(&rig.parts, rig.health_sources(), &rig.supervisor, &rig.stop);
        Self { rig, authority, address }
    }

    async fn connect(&self, certificate: Option<Certificate>) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.0.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match certificate {
            Some(Certificate { der, key, .. }) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                config.with_client_auth_cert(vec![der], key).unwrap()
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    async fn client(&self, certificate: Certificate) -> Raw {
        Raw::over(self.connect(Some(certificate)).await.unwrap(), &self.rig.supervisor).await
    }
}

fn files(directory: &Path, authority: &Authority) -> Tcp {
    let own = authority.sign("the daemon");
    let write = |name: &str, text: String| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    Tcp {
        listen: ([127, 0, 0, 1], 0).into(),
        certificate: write("own.pem", own.pem),
        key: write("own.key", own.key.serialize_pem()),
        client_ca: write("clients.pem", authority.0.pem()),
    }
}

#[tokio::test]
async fn a_certificate_gives_the_level_of_its_name_and_no_more() {
    let fixture = Fixture::start().await;
    let mut agent = fixture.client(fixture.authority.sign("agent")).await;
    assert_eq!(agent.begins(JOBS).await, Code::Ok);
    assert_eq!(agent.begins("/amtd.v1.JobService/CreateJob").await, Code::PermissionDenied);
    let mut stranger = fixture.client(fixture.authority.sign("stranger")).await;
    assert_eq!(stranger.begins(STATUS).await, Code::Ok);
    assert_eq!(stranger.begins(JOBS).await, Code::PermissionDenied);
}

#[tokio::test]
async fn nobody_gets_in_without_a_certificate_of_the_authority() {
    let fixture = Fixture::start().await;
    for certificate in [None, Some(Authority::new().sign("agent"))] {
        // The client may finish its handshake before the daemon has refused it.
        let Ok(stream) = fixture.connect(certificate).await else { continue };
        let mut stream = stream;
        let read = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 64]).await;
        assert!(matches!(read, Err(_) | Ok(0)), "{read:?}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named_with_their_key() {
    let directory = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let good = files(directory.path(), &authority);
    let garbage = directory.path().join("garbage");
    fs::write(&garbage, "not a certificate").unwrap();
    let other = directory.path().join("other.key");
    fs::write(&other, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    let bad = [
        (Tcp { key: "/nonexistent".into(), ..good.clone() }, "control.tcp.key: /nonexistent"),
        (Tcp { client_ca: garbage.clone(), ..good.clone() }, "control.tcp.client_ca"),
        (Tcp { key: other, ..good.clone() }, "control.tcp: the private key in `key` is not that"),
        (Tcp { certificate: garbage, ..good.clone() }, "control.tcp.certificate"),
    ];
    for (tcp, expected) in bad {
        let control = Control { tcp: Some(tcp), ..Control::default() };
        let error = Server::bind(directory.path(), &control, None).await.unwrap_err();
        assert!(matches!(error, ControlError::Tls(_)) && error.to_string().contains(expected), "{error}");
    }
}
