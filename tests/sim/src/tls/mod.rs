//! TLS on the ports 16993 and 664 (wsman 3), sans-IO: bytes of an APF channel in, plaintext out, and back.
//!
//! `identity` makes the certificates by which the device identifies itself, `store` keeps keys, certificates and TLS settings,
//! `security` adds what a host-based configuration needs, `settings` makes a server's configuration out of both, `client` judges the
//! certificates of clients, and `connection` is one connection. Knows nothing of channels and windows: `apf::channel` moves the bytes.
//!
//! ## Documented, observed, guessed
//!
//! Documented (wsman 3, activation 5): which certificate is shown when, names, number and order in the chain before
//! provisioning, ECDSA P-384, a leaf without the purpose "server", the client's certificate while a host-based configuration is
//! under way, TLS 1.2 as the least version. Guessed: names of the certificates between leaf and ROM CA, the self-signed
//! certificate's key, the size of records, that a session is never resumed, that a handshake occupies the engine (its second is
//! observed).

mod client;
mod connection;
mod identity;
mod security;
mod settings;
mod store;

pub use self::identity::{Flaw, IdentityChain, anchors_pem};
pub use self::security::ClientHash;

pub(crate) use self::connection::{BATCH, TlsConnection};
pub(crate) use self::security::Security;
pub(crate) use self::store::{Certificate, Interface, Key, Store, StoreError, TlsInterface};

/// Why a connection cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A certificate cannot be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The key, the certificate or the rules for clients cannot be used.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
    /// The rules for clients cannot be used.
    #[error("cannot verify clients: {0}")]
    Clients(#[from] rustls::server::VerifierBuilderError),
}

#[cfg(test)]
mod tests;
