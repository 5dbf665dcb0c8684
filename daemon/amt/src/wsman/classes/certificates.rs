//! AMT_PublicKeyCertificate and AMT_TLSSettingData (wsman 10): certificates in the device, and what of TLS is on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::view;
use crate::wsman::{Instance, PropertyError};

/// AMT_PublicKeyCertificate: a certificate that is stored in the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKeyCertificate(Instance);
view!(PublicKeyCertificate, "AMT_PublicKeyCertificate", "InstanceID");

impl PublicKeyCertificate {
    /// Its name in the device, with the handle in it.
    pub fn instance_id(&self) -> &str {
        self.0.text("InstanceID").unwrap_or_default()
    }

    /// Whom it is for, as firmware writes names.
    pub fn subject(&self) -> &str {
        self.0.text("Subject").unwrap_or_default()
    }

    /// Who signed it.
    pub fn issuer(&self) -> &str {
        self.0.text("Issuer").unwrap_or_default()
    }

    /// Whether the device trusts those that it has signed.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn is_trusted_root(&self) -> Result<Option<bool>, PropertyError> {
        // The schema itself spells it so.
        self.0.boolean("TrustedRootCertficate")
    }

    /// The certificate as DER.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn certificate(&self) -> Result<Vec<u8>, PropertyError> {
        let wrong = |_| PropertyError::Value {
            class: "AMT_PublicKeyCertificate".to_owned(),
            property: "X509Certificate",
        };
        STANDARD.decode(self.0.required("X509Certificate")?).map_err(wrong)
    }
}

/// AMT_TLSSettingData: what of TLS is on, for one of the two interfaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettingData(Instance);
view!(TlsSettingData, "AMT_TLSSettingData", "InstanceID");

/// An interface with TLS settings of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TlsInterface {
    /// The network.
    Network,
    /// The host.
    Local,
}

impl TlsSettingData {
    /// Which interface this is about, if it is one of the known.
    pub fn interface(&self) -> Option<TlsInterface> {
        match self.0.text("InstanceID")? {
            "Intel(r) AMT 802.3 TLS Settings" => Some(TlsInterface::Network),
            "Intel(r) AMT LMS TLS Settings" => Some(TlsInterface::Local),
            _ => None,
        }
    }

    /// Whether TLS is on.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn is_enabled(&self) -> Result<bool, PropertyError> {
        self.0.required_boolean("Enabled")
    }

    /// Whether clients must have a certificate.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn is_mutual(&self) -> Result<bool, PropertyError> {
        self.0.required_boolean("MutualAuthentication")
    }

    /// Whether connections in the clear are accepted, too.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn accepts_plain(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("AcceptNonSecureConnections")
    }
}
