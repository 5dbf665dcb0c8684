//! Judging the certificates of clients.
//!
//! While a host-based configuration is under way, the client is who shows the certificate whose hash was announced over AMTHI
//! (activation 5); what its chain is worth is judged when the configuration is committed. In a configured device, mutual
//! authentication asks for a chain to a trusted root of the store, and for one of the trusted names if there are any.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme,
};
use x509_parser::parse_x509_certificate;

use super::TlsError;
use super::identity::provider;
use super::security::ClientHash;

/// Takes the client whose certificate has this hash, whoever signed it.
#[derive(Debug)]
pub(super) struct Announced {
    hash: ClientHash,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Announced {
    pub(super) fn new(hash: ClientHash) -> Self {
        Self { hash, algorithms: provider().signature_verification_algorithms }
    }
}

impl ClientCertVerifier for Announced {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if self.hash.is_of(end_entity) { Ok(ClientCertVerified::assertion()) } else { Err(refused()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Takes clients with a chain to a trusted root and, if there are names, with one of these common names (or below it).
#[derive(Debug)]
pub(super) struct Trusted {
    chains: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl Trusted {
    /// Certificates that are no roots that can be used are passed over.
    pub(super) fn new<'a>(
        roots: impl Iterator<Item = &'a [u8]>,
        names: Vec<String>,
    ) -> Result<Self, TlsError> {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.map(|der| CertificateDer::from(der.to_vec())));
        let chains =
            WebPkiClientVerifier::builder_with_provider(Arc::new(store), Arc::new(provider())).build()?;
        Ok(Self { chains, names })
    }

    fn knows(&self, certificate: &CertificateDer<'_>) -> bool {
        if self.names.is_empty() {
            return true;
        }
        let Ok((_, certificate)) = parse_x509_certificate(certificate) else { return false };
        certificate.subject().iter_common_name().filter_map(|name| name.as_str().ok()).any(|name| {
            self.names.iter().any(|known| {
                let host = name.strip_suffix(known.as_str());
                host.is_some_and(|host| host.is_empty() || host.ends_with('.'))
            })
        })
    }
}

impl ClientCertVerifier for Trusted {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chains.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chains.verify_client_cert(end_entity, intermediates, now)?;
        if self.knows(end_entity) { Ok(verified) } else { Err(refused()) }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chains.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

fn refused() -> Error {
    Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)
}
