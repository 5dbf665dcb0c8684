//! Commands that start, stop and undo the configuration of the device. They change it, so that none is ever sent twice
//! by itself; after a doubtful outcome the state is read back.

use super::reader::Reader;
use super::{AmthiError, Command};
use crate::certificate_digest::CertificateDigest;

/// Takes the device out of client control mode, or out of a provisioning that has not ended. Needs no password; in
/// admin control mode firmware refuses with [`super::Status::INVALID_AMT_MODE`] (amthi 3.16).
///
/// What firmware reports besides the status is not decoded: it is 0 where it refuses, too. The status tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unprovision;

impl Command for Unprovision {
    type Answer = ();

    const OPERATION: u32 = 0x10;
    const CHANGES: bool = true;

    /// The mode to go to: none.
    fn payload(&self) -> Vec<u8> {
        0_u32.to_le_bytes().to_vec()
    }

    fn parse(_: &[u8]) -> Result<(), AmthiError> {
        Ok(())
    }
}

/// Lets a provisioning server configure the device (remote configuration).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartConfiguration;

impl Command for StartConfiguration {
    type Answer = ();

    const OPERATION: u32 = 0x29;
    const CHANGES: bool = true;

    fn parse(_: &[u8]) -> Result<(), AmthiError> {
        Ok(())
    }
}

/// Ends a configuration that has been started and not committed: the device is as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopConfiguration;

impl Command for StopConfiguration {
    type Answer = ();

    const OPERATION: u32 = 0x5E;
    const CHANGES: bool = true;

    fn parse(_: &[u8]) -> Result<(), AmthiError> {
        Ok(())
    }
}

/// Starts configuration by the host over TLS: names the certificate that the host will present, and learns that of
/// the device (amthi 3.13).
///
/// Sources disagree on the layout of the request; this is that of 402 bytes in all, which the newest program uses. The
/// host's VPN is not offered and the list of DNS suffixes is empty, as all known programs send it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartHostBasedConfiguration {
    /// The leaf of the certificate chain with which the host will authenticate.
    pub server_certificate: CertificateDigest,
}

impl Command for StartHostBasedConfiguration {
    /// The certificate that the device will present.
    type Answer = CertificateDigest;

    const OPERATION: u32 = 0x8B;
    const CHANGES: bool = true;

    fn payload(&self) -> Vec<u8> {
        let mut payload = vec![match self.server_certificate {
            CertificateDigest::Sha256(_) => SHA256,
            CertificateDigest::Sha384(_) => SHA384,
        }];
        payload.extend(self.server_certificate.as_bytes());
        payload.resize(PAYLOAD_SPACE, 0);
        payload
    }

    fn parse(payload: &[u8]) -> Result<CertificateDigest, AmthiError> {
        let mut reader = Reader::new(payload);
        let number = reader.u8("certificate hash algorithm")?;
        let length = match number {
            SHA256 => 32,
            SHA384 => 48,
            other => {
                return Err(AmthiError::UnknownNumber { field: "certificate hash algorithm", number: other });
            }
        };
        let hash = raw_or_hexadecimal(&mut reader, length)?;
        CertificateDigest::from_bytes(&hash).ok_or(AmthiError::NotText { field: "certificate hash" })
    }
}

/// Some firmware writes the hash as bytes, some as hexadecimal digits (activation 5). Bytes are followed by zeros,
/// so that as many digits as a whole hash has are never bytes.
fn raw_or_hexadecimal(reader: &mut Reader<'_>, length: usize) -> Result<Vec<u8>, AmthiError> {
    let rest = *reader;
    let digits = length.saturating_mul(2);
    match reader.bytes("certificate hash", digits).ok().and_then(hexadecimal) {
        Some(hash) => Ok(hash),
        None => {
            *reader = rest;
            reader.bytes("certificate hash", length).map(Vec::from)
        }
    }
}

fn hexadecimal(digits: &[u8]) -> Option<Vec<u8>> {
    let pairs = digits.chunks_exact(2).map(|pair| str::from_utf8(pair).ok());
    pairs
        .map(|pair| {
            pair.filter(|pair| !pair.starts_with('+')).and_then(|pair| u8::from_str_radix(pair, 16).ok())
        })
        .collect()
}

/// Numbers of the algorithms; firmware takes no other (amthi 3.13).
const SHA256: u8 = 2;
const SHA384: u8 = 3;
/// Algorithm 1, hash 64, VPN 1, length of the list 4, list 320.
const PAYLOAD_SPACE: usize = 390;
