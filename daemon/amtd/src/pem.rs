//! Reads PEM files that the configuration names. Errors say which key, which file, and what it must contain. Used by
//! `control` and `app`.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use zeroize::Zeroizing;

/// A file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It cannot be read.
    #[error("{key}: {}: cannot be read: {source}", path.display())]
    Read {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its content is not what the key needs.
    #[error("{key}: {}: {why}; needed: {needed} in PEM", path.display())]
    Content {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
        /// What should be in it.
        needed: &'static str,
    },
}

const CERTIFICATES: &str = "one or more certificates";

/// The certificates in the file that `key` names, at least one.
pub(crate) fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let text = read(key, path)?;
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let read = read.map_err(|error| unusable(key, path, &error))?;
    if read.is_empty() { Err(unusable(key, path, &"there is none")) } else { Ok(read) }
}

/// The certificates in a file are not what `key` needs.
pub(crate) fn unusable(key: &'static str, path: &Path, why: &dyn fmt::Display) -> PemError {
    content(key, path, why, CERTIFICATES)
}

/// The private key in the file that `key` names.
pub(crate) fn private_key(key: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    let text = Zeroizing::new(read(key, path)?);
    // The error describes the format and never contains a part of the key.
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| content(key, path, &error, "a private key"))
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, PemError> {
    fs::read(path).map_err(|source| PemError::Read { key, path: path.into(), source })
}

fn content(key: &'static str, path: &Path, why: &dyn fmt::Display, needed: &'static str) -> PemError {
    PemError::Content { key, path: path.into(), why: why.to_string(), needed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_missing_empty_or_something_else_is_named_with_its_key() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ca.pem");
        let error = || certificates("flows.authorities", &path).unwrap_err().to_string();
        let named = format!("flows.authorities: {}: ", path.display());
        assert!(error().starts_with(&format!("{named}cannot be read: ")), "{}", error());
        for text in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            fs::write(&path, text).unwrap();
            let needed = "there is none; needed: one or more certificates in PEM";
            assert_eq!(error(), format!("{named}{needed}"));
        }
    }
}
