//! The certificate hashes that firmware trusts for provisioning (amthi 3.4): first the handles, then one question for
//! each.

use super::reader::Reader;
use super::{AmthiError, Command};

/// Asks for the handles of all certificate hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnumerateHashHandles;

/// Firmware's name for a certificate hash; it has no meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HashHandle(u32);

impl HashHandle {
    /// The number that firmware gave.
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl Command for EnumerateHashHandles {
    type Answer = Vec<HashHandle>;

    const OPERATION: u32 = 0x2C;

    fn parse(payload: &[u8]) -> Result<Vec<HashHandle>, AmthiError> {
        let mut reader = Reader::new(payload);
        // The count is not believed: nothing is allocated for a handle before its bytes are there.
        let count = reader.u32("number of hash handles")?;
        (0..count).map(|_| reader.u32("hash handle").map(HashHandle)).collect()
    }
}

/// Asks for one certificate hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetCertificateHash {
    /// Which one.
    pub handle: HashHandle,
}

/// A certificate hash that firmware trusts for provisioning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateHash {
    /// Its name, usually that of the authority.
    pub name: String,
    /// Whether it came with the firmware.
    pub is_default: bool,
    /// Whether it is in use.
    pub is_active: bool,
    /// How it was made.
    pub algorithm: HashAlgorithm,
    /// The hash, as long as the algorithm says; 64 bytes if that is not known.
    pub hash: Vec<u8>,
}

/// How a certificate hash was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384. Sources disagree on its number, 3: some take it for SHA-512.
    Sha384,
    /// SHA-224.
    Sha224,
    /// SHA-512.
    Sha512,
    /// A number that is not known.
    Unknown(u8),
}

impl HashAlgorithm {
    /// Bytes in a hash; 64, the whole space, if the algorithm is not known.
    pub const fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 | Self::Unknown(_) => HASH_SPACE,
        }
    }

    const fn from_number(number: u8) -> Self {
        match number {
            0 => Self::Md5,
            1 => Self::Sha1,
            2 => Self::Sha256,
            3 => Self::Sha384,
            4 => Self::Sha224,
            5 => Self::Sha512,
            other => Self::Unknown(other),
        }
    }
}

impl Command for GetCertificateHash {
    type Answer = CertificateHash;

    const OPERATION: u32 = 0x2D;

    fn payload(&self) -> Vec<u8> {
        self.handle.0.to_le_bytes().to_vec()
    }

    fn parse(payload: &[u8]) -> Result<CertificateHash, AmthiError> {
        let mut reader = Reader::new(payload);
        let is_default = reader.bool("hash is default")?;
        let is_active = reader.bool("hash is active")?;
        let space: [u8; HASH_SPACE] = reader.array("certificate hash")?;
        let algorithm = HashAlgorithm::from_number(reader.u8("hash algorithm")?);
        let name = reader.string("hash name")?;
        let hash = space.into_iter().take(algorithm.length()).collect();
        Ok(CertificateHash { name, is_default, is_active, algorithm, hash })
    }
}

const HASH_SPACE: usize = 64;
