//! TLS for the TCP listener: the daemon shows its certificate, and lets nobody in who does not show one that the
//! configured authority has signed.

use std::{collections::BTreeMap, io, sync::Arc};

use tokio::net::TcpStream;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, RootCertStore, ServerConfig,
        crypto::ring::default_provider,
        pki_types::CertificateDer,
        server::{VerifierBuilderError, WebPkiClientVerifier},
    },
    server::TlsStream,
};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::identity::Identity;
use crate::{
    config::{self, Level},
    pem::{PemError, certificates, private_key, unusable},
};

/// The protocol of gRPC, for clients that insist on agreeing about it.
const ALPN: &[u8] = b"h2";

/// The files for TLS cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error("control.tcp.{0}")]
    File(#[from] PemError),
    /// The certificate and the key do not belong together.
    #[error("control.tcp: the private key in `key` is not that of the certificate in `certificate`")]
    Mismatch,
    /// The certificate and the key do not serve together.
    #[error("control.tcp: the certificate and the key cannot be used: {0}")]
    Pair(#[source] rustls::Error),
    /// The authority of the callers cannot be used.
    #[error("control.tcp.client_ca: cannot be used: {0}")]
    Authority(#[source] VerifierBuilderError),
}

/// Sees whether the files of the TCP listener can be used, if there is one.
pub(crate) fn check_files(config: &config::Control) -> Result<(), TlsError> {
    config.tcp.as_ref().map_or(Ok(()), |tcp| Tls::load(tcp, &config.certificate_levels).map(drop))
}

/// Accepts callers over TLS. Clones share what was read.
#[derive(Clone)]
pub(super) struct Tls {
    acceptor: TlsAcceptor,
    levels: Arc<BTreeMap<String, Level>>,
}

impl Tls {
    /// Reads the files.
    pub(super) fn load(tcp: &config::Tcp, levels: &BTreeMap<String, Level>) -> Result<Self, TlsError> {
        let chain = certificates("certificate", &tcp.certificate)?;
        let key = private_key("key", &tcp.key)?;
        let mut roots = RootCertStore::empty();
        for root in certificates("client_ca", &tcp.client_ca)? {
            roots.add(root).map_err(|error| unusable("client_ca", &tcp.client_ca, &error))?;
        }
        let provider = Arc::new(default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .map_err(TlsError::Authority)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Pair)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
                error => TlsError::Pair(error),
            })?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(config)), levels: Arc::new(levels.clone()) })
    }

    /// Shakes hands, and knows then who calls.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TlsStream<TcpStream>, Identity)> {
        let stream = self.acceptor.accept(stream).await?;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let name = certificate.and_then(|certificate| common_name(certificate)).unwrap_or_default();
        let level = self.levels.get(&name).copied().unwrap_or(Level::Anyone);
        Ok((stream, Identity::of_certificate(&name, level)))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("levels", &self.levels).finish_non_exhaustive()
    }
}

/// The name under which the authority knows the caller. Verified with the chain before.
fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let name = certificate.subject().iter_common_name().next()?;
    name.as_str().ok().map(String::from)
}
