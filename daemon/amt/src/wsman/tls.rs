//! TLS to firmware: whom to trust (wsman 3) and who the host is (activation 5). Rustls on ring; nothing of it is set up
//! before somebody makes [`TlsSettings`], so that a daemon that needs no TLS pays nothing for it.
//!
//! Host names mean nothing on this way: the peer is the firmware of this machine, and its certificates do not say
//! `localhost`. What is verified is the certificate.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    self, CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use zeroize::Zeroizing;

use super::identity::{DeviceIdentity, IdentityError};
use crate::CertificateDigest;
use crate::machine::ReachError;

/// Whose certificate is accepted.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The one with this digest, and no other.
    Certificate(CertificateDigest),
    /// A device identity (wsman 3, case 3): a device that enforces TLS and is not activated.
    DeviceIdentity(DeviceIdentity),
    /// One for this name by an authority that the system trusts: a device with a certificate of an enterprise.
    System {
        /// The name that the certificate must be for, such as the device's FQDN.
        name: String,
    },
    /// Any. The connection is encrypted, and nobody knows to whom.
    Insecure,
}

/// The host's own certificate with its key, for firmware that wants one.
#[derive(Clone)]
pub struct ClientIdentity {
    /// The chain as DER, leaf first.
    pub chain: Vec<Vec<u8>>,
    /// The private key of the leaf as DER: PKCS#8, PKCS#1 or SEC1.
    pub key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({} certificates, key redacted)", self.chain.len())
    }
}

/// How connections to firmware's TLS port are made.
#[derive(Clone)]
pub struct TlsSettings {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsSettings {
    /// Prepares verification, reading the system's authorities if they are to be trusted.
    ///
    /// # Errors
    ///
    /// [`TlsError`], if a name, certificate or key cannot be used.
    pub fn new(trust: Trust, client: Option<ClientIdentity>) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let name = match &trust {
            Trust::System { name } => ServerName::try_from(name.clone()).map_err(|_| TlsError::Name)?,
            // Never looked at, and not sent: an address has no place in the name extension.
            _ => ServerName::from(std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST)),
        };
        let verifier = verifier(trust, &provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TlsError::Provider)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let config = match client {
            Some(client) => with_identity(client, |chain, key| builder.with_client_auth_cert(chain, key))?,
            None => builder.with_no_client_auth(),
        };
        Ok(Self { config: Arc::new(config), name })
    }

    /// Makes a TLS stream of a connection.
    pub(super) async fn connect<S>(
        &self,
        stream: S,
    ) -> Result<tokio_rustls::client::TlsStream<S>, ConnectError>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(self.config.clone());
        connector.connect(self.name.clone(), stream).await.map_err(ConnectError::from)
    }
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsSettings")
    }
}

/// Why TLS cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TlsError {
    /// The name cannot be in a certificate.
    #[error("the name that AMT's certificate is to be for is no DNS name and no address")]
    Name,
    /// There are no authorities to trust.
    #[error("the system has no certificate authorities that could be trusted: install its CA certificates")]
    NoAuthorities,
    /// The host's certificate or its key cannot be used.
    #[error("the client certificate or its private key cannot be used for TLS")]
    ClientIdentity,
    /// The library lacks what was asked of it.
    #[error("TLS 1.2 and 1.3 are not available")]
    Provider,
    /// The device's certificate is not the one that was expected.
    #[error("AMT presented a certificate that is not the expected one: {0}")]
    Certificate(CertificateDigest),
    /// The device's certificates are no device identity.
    #[error("AMT presented no valid device identity: {0}")]
    Identity(#[source] IdentityError),
    /// The handshake failed.
    #[error("the TLS handshake with AMT failed: {0}")]
    Handshake(Arc<rustls::Error>),
}

/// Why there is no TLS connection: the stream below it, or TLS itself.
#[derive(Debug)]
pub(super) enum ConnectError {
    Reach(ReachError),
    Tls(TlsError),
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        match error.downcast::<rustls::Error>() {
            Ok(error) => {
                Self::Tls(found_by_verifier(&error).unwrap_or_else(|| TlsError::Handshake(Arc::new(error))))
            }
            // Firmware restarts its server after some changes, also in the middle of a handshake.
            Err(_) => Self::Reach(ReachError::Lost),
        }
    }
}

/// What a verifier of this module found, in its own words.
fn found_by_verifier(error: &rustls::Error) -> Option<TlsError> {
    let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(found))) = error else {
        return None;
    };
    let found: &(dyn Error + 'static) = &**found;
    found.downcast_ref::<TlsError>().cloned()
}

fn verifier(trust: Trust, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, TlsError> {
    if let Trust::System { .. } = trust {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        return verifier.map(|verifier| verifier as _).map_err(|_| TlsError::NoAuthorities);
    }
    Ok(Arc::new(Verifier { trust, provider: provider.clone() }))
}

fn with_identity(
    client: ClientIdentity,
    build: impl FnOnce(
        Vec<CertificateDer<'static>>,
        PrivateKeyDer<'static>,
    ) -> Result<ClientConfig, rustls::Error>,
) -> Result<ClientConfig, TlsError> {
    let chain = client.chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::try_from(client.key.to_vec()).map_err(|_| TlsError::ClientIdentity)?;
    build(chain, key).map_err(|_| TlsError::ClientIdentity)
}

/// Verifies what `trust` says about the certificates, and always that the peer has the key of its certificate.
#[derive(Debug)]
struct Verifier {
    trust: Trust,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn check(&self, leaf: &[u8], others: &[CertificateDer<'_>], now: UnixTime) -> Result<(), TlsError> {
        match &self.trust {
            Trust::Certificate(expected) if expected.is_of(leaf) => Ok(()),
            Trust::Certificate(_) => Err(TlsError::Certificate(CertificateDigest::sha256(leaf))),
            Trust::DeviceIdentity(identity) => {
                let chain: Vec<&[u8]> =
                    std::iter::once(leaf).chain(others.iter().map(|other| &**other)).collect();
                identity.verify(&chain, now.as_secs()).map_err(TlsError::Identity)
            }
            // Verified by rustls itself, and never by this verifier.
            Trust::System { .. } => Err(TlsError::NoAuthorities),
            Trust::Insecure => Ok(()),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.check(end_entity, intermediates, now).map(|()| ServerCertVerified::assertion()).map_err(
            |error| rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(error)))),
        )
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
