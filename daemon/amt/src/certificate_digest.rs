//! The digest of one certificate, in the two algorithms by which host and firmware name certificates to each other.
//! Used by the host-based start of configuration (amthi 3.13) and to pin the certificate of a TLS server (wsman 3).

use std::fmt;

use ring::digest::{SHA256, SHA384, digest};

/// The digest of a certificate's DER bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateDigest {
    /// SHA-256.
    Sha256([u8; 32]),
    /// SHA-384.
    Sha384([u8; 48]),
}

impl CertificateDigest {
    /// Computes SHA-256.
    pub fn sha256(certificate: &[u8]) -> Self {
        Self::Sha256(computed(digest(&SHA256, certificate).as_ref()))
    }

    /// Computes SHA-384.
    pub fn sha384(certificate: &[u8]) -> Self {
        Self::Sha384(computed(digest(&SHA384, certificate).as_ref()))
    }

    /// From bytes: 32 are taken for SHA-256, 48 for SHA-384, any other number for nothing.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            32 => bytes.try_into().ok().map(Self::Sha256),
            48 => bytes.try_into().ok().map(Self::Sha384),
            _ => None,
        }
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(bytes) => bytes,
            Self::Sha384(bytes) => bytes,
        }
    }

    /// Whether this is the digest of the certificate.
    pub fn is_of(&self, certificate: &[u8]) -> bool {
        *self
            == match self {
                Self::Sha256(_) => Self::sha256(certificate),
                Self::Sha384(_) => Self::sha384(certificate),
            }
    }
}

/// Copies a digest of known length.
fn computed<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

/// Lower-case hexadecimal digits.
impl fmt::Display for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CertificateDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Sha256(_) => "Sha256",
            Self::Sha384(_) => "Sha384",
        };
        write!(f, "{name}({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_the_standard() {
        // FIPS 180, the message "abc".
        let sha256 = CertificateDigest::sha256(b"abc");
        assert_eq!(sha256.to_string(), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let sha384 = CertificateDigest::sha384(b"abc");
        assert!(sha384.to_string().starts_with("cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163"));
        assert!(sha256.is_of(b"abc") && sha384.is_of(b"abc") && !sha256.is_of(b"abd"));
        assert_eq!(CertificateDigest::from_bytes(sha384.as_bytes()), Some(sha384));
        assert_eq!(CertificateDigest::from_bytes(&[0; 20]), None);
    }
}
