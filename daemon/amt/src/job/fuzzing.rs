//! The intake of provisioning certificates as `tests/fuzz` calls it. Only built with `cfg(fuzzing)`; called by nobody
//! else.

use std::time::SystemTime;

use super::{Failure, SecretBytes, certificate::ProvisioningCertificate};
use crate::{Secret, amthi::CertificateHash};

/// Opens a provisioning certificate and asks it everything that a plan does. Returns the length of its chain.
///
/// # Errors
///
/// [`Failure`], whatever is wrong with the file.
pub fn open_certificate(file: Vec<u8>, password: &str, hashes: &[CertificateHash]) -> Result<usize, Failure> {
    let password = Secret::new(password.to_owned());
    let certificate = ProvisioningCertificate::open(&SecretBytes::new(file), &password)?;
    // What does not fit is an answer, too.
    let _ = (certificate.name(), certificate.fits("example.com"), certificate.trust(hashes));
    let _ = certificate.days_left(SystemTime::now());
    Ok(certificate.chain().len())
}
