//! Which certificate a new connection is shown, and what its client has to show (wsman 3, activation 5).

use std::cell::OnceCell;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs1KeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use super::client::{Announced, Trusted};
use super::identity::{self, Flaw};
use super::security::{Security, hash};
use super::{TlsConnection, TlsError};
use crate::device::network::HashAlgorithm;

/// Most plaintext of a record, and five bytes for its header (a guess: firmware's buffers are small).
const MAX_RECORD: usize = 4096;

impl Security {
    /// A connection to a client that has said nothing yet. `provisioned` is whether the device has a control mode; with a flaw
    /// the identity is shown with it, whatever the mode.
    ///
    /// # Errors
    /// If the certificate or the rules for clients cannot be used.
    pub(crate) fn accept(&self, provisioned: bool, flaw: Option<Flaw>) -> Result<TlsConnection, TlsError> {
        let shown = match flaw {
            Some(flaw) => identity::device_identity(self.extent(), Some(flaw))?,
            None => self.shown(provisioned)?,
        };
        let mut config = ServerConfig::builder_with_provider(Arc::new(identity::provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?
            .with_client_cert_verifier(self.verifier(provisioned)?)
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        config.max_fragment_size = Some(MAX_RECORD);
        // Every connection shakes hands in full.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(TlsConnection::new(Arc::new(config))?)
    }

    /// Hash of the certificate that is shown during a host-based configuration, for the answer to its start (amthi 3.13); `None`
    /// with an algorithm that it does not know.
    ///
    /// # Errors
    /// If the certificate cannot be made.
    pub(crate) fn leaf_hash(&self, algorithm: HashAlgorithm) -> Result<Option<Vec<u8>>, TlsError> {
        let identity = self.identity()?;
        Ok(identity.cert.first().and_then(|leaf| hash(algorithm, leaf)))
    }

    /// A host-based configuration shows the identity in client control mode too: its hash was announced (activation 5, 6).
    fn shown(&self, provisioned: bool) -> Result<CertifiedKey, TlsError> {
        if !provisioned || self.host_based().is_some() {
            return self.identity();
        }
        match self.configured()? {
            Some(configured) => Ok(configured),
            None => made_once(&self.self_signed, identity::self_signed),
        }
    }

    fn identity(&self) -> Result<CertifiedKey, TlsError> {
        made_once(&self.identity, || identity::device_identity(self.extent(), None))
    }

    /// The certificate that was configured and committed.
    fn configured(&self) -> Result<Option<CertifiedKey>, TlsError> {
        let in_force = &self.store.in_force;
        let Some(handle) = in_force.credential.filter(|_| in_force.local.enabled) else { return Ok(None) };
        let pair = self.store.pairs().find(|(_, certificate)| certificate.handle == handle);
        let Some((key, certificate)) = pair else { return Ok(None) };
        let chain = vec![CertificateDer::from(certificate.der.clone())];
        identity::certified(chain, PrivatePkcs1KeyDer::from(key.private.clone()).into()).map(Some)
    }

    fn verifier(&self, provisioned: bool) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let local = &self.store.in_force.local;
        Ok(match self.host_based() {
            Some(client) => Arc::new(Announced::new(client.clone())),
            None if provisioned && local.enabled && local.mutual => {
                let roots = self.store.certificates().iter().filter(|certificate| certificate.trusted_root);
                Arc::new(Trusted::new(roots.map(|root| root.der.as_slice()), local.trusted_names.clone())?)
            }
            None => WebPkiClientVerifier::no_client_auth(),
        })
    }
}

fn made_once(
    cell: &OnceCell<CertifiedKey>,
    make: impl FnOnce() -> Result<CertifiedKey, TlsError>,
) -> Result<CertifiedKey, TlsError> {
    if let Some(made) = cell.get() {
        return Ok(made.clone());
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made).clone())
}
