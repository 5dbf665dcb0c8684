//! What the device knows of TLS: its store, and a host-based configuration under way (activation 5).
//!
//! Changed by `web::classes` and by AMTHI, read by `settings` for each connection.

use std::cell::OnceCell;

use rustls::sign::CertifiedKey;

use super::{IdentityChain, Store};
use crate::config::{TlsConfig, TlsMode};
use crate::device::network::HashAlgorithm;

/// Hash of the certificate that a client has to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHash {
    /// SHA-256 or SHA-384; no certificate has a hash of another kind.
    pub algorithm: HashAlgorithm,
    /// The hash, of the algorithm's length.
    pub hash: Vec<u8>,
}

impl ClientHash {
    /// Whether it is this certificate's.
    pub(super) fn is_of(&self, der: &[u8]) -> bool {
        hash(self.algorithm, der).is_some_and(|hash| hash == self.hash)
    }
}

/// Hash of a certificate, with the algorithms that a host-based configuration knows (amthi 3.13).
pub(super) fn hash(algorithm: HashAlgorithm, der: &[u8]) -> Option<Vec<u8>> {
    let algorithm = match algorithm {
        HashAlgorithm::Sha256 => &ring::digest::SHA256,
        HashAlgorithm::Sha384 => &ring::digest::SHA384,
        _ => return None,
    };
    Some(ring::digest::digest(algorithm, der).as_ref().to_vec())
}

/// Everything about TLS that the device remembers.
#[derive(Debug)]
pub(crate) struct Security {
    /// What survives a restart.
    pub(crate) store: Store,
    config: TlsConfig,
    /// The client that a host-based configuration waits for.
    client: Option<ClientHash>,
    /// Chain of the client whose handshake succeeded, its own certificate first.
    client_chain: Vec<Vec<u8>>,
    pub(super) identity: OnceCell<CertifiedKey>,
    pub(super) self_signed: OnceCell<CertifiedKey>,
}

impl Security {
    pub(crate) fn new(config: TlsConfig, store: Store) -> Self {
        Self {
            store,
            config,
            client: None,
            client_chain: Vec::new(),
            identity: OnceCell::new(),
            self_signed: OnceCell::new(),
        }
    }

    /// Where TLS is spoken.
    pub(crate) fn mode(&self) -> TlsMode {
        self.config.mode
    }

    /// Whether the committed settings of the local interface leave no plain access.
    pub(crate) fn refuses_plain(&self) -> bool {
        let local = &self.store.in_force.local;
        self.config.mode == TlsMode::Also && local.enabled && !local.accepts_plain
    }

    pub(super) fn extent(&self) -> IdentityChain {
        self.config.identity
    }

    /// A host-based configuration starts: from now on the client has to show this certificate.
    pub(crate) fn begin_host_based(&mut self, client: ClientHash) {
        self.client = Some(client);
        self.client_chain.clear();
    }

    /// It is over, one way or the other.
    pub(crate) fn end_host_based(&mut self) {
        self.client = None;
        self.client_chain.clear();
    }

    /// The client that a host-based configuration waits for.
    pub(crate) fn host_based(&self) -> Option<&ClientHash> {
        self.client.as_ref()
    }

    /// Chain of the client that came, its own certificate first; empty before.
    pub(crate) fn client_chain(&self) -> &[Vec<u8>] {
        &self.client_chain
    }

    /// A handshake with this client succeeded. Only the announced one counts: a connection may be older than the configuration.
    pub(crate) fn note_client(&mut self, chain: Vec<Vec<u8>>) {
        let announced = |client: &ClientHash| chain.first().is_some_and(|leaf| client.is_of(leaf));
        if self.client.as_ref().is_some_and(announced) {
            self.client_chain = chain;
        }
    }

    /// Forgets everything that a full unprovision removes.
    pub(crate) fn unprovision(&mut self) {
        self.store = Store::default();
        self.end_host_based();
    }
}
