//! AMT_PublicKeyCertificate and AMT_TLSSettingData (wsman 10), read-only.

use std::time::Instant;

use super::{Class, INSTANCE_ID, resource};
use crate::device::Device;
use crate::web::value::{Instance, Value};

pub(super) static PUBLIC_KEY_CERTIFICATE: Class =
    Class::read_only(resource!(amt "AMT_PublicKeyCertificate"), INSTANCE_ID, list_certificates);
pub(super) static TLS_SETTING_DATA: Class =
    Class::read_only(resource!(amt "AMT_TLSSettingData"), INSTANCE_ID, list_tls_settings);

/// `TrustedRootCertficate` is spelt so by the schema.
fn list_certificates(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |certificate: &crate::device::Certificate| {
        Instance::with_capacity(6)
            .with("ElementName", "Intel(r) AMT Certificate")
            .with("InstanceID", format!("Intel(r) AMT Certificate: Handle: {}", certificate.handle))
            .with("Issuer", certificate.subject.clone())
            .with("Subject", certificate.subject.clone())
            .with("TrustedRootCertficate", true)
            .with("X509Certificate", Value::base64(&certificate.der))
    };
    device.certificates.iter().map(instance).collect()
}

/// TLS is off on both interfaces.
fn list_tls_settings(_device: &Device, _now: Instant) -> Vec<Instance> {
    let settings = |name: &'static str, accepts_plain: bool| {
        Instance::with_capacity(5)
            .with("AcceptNonSecureConnections", accepts_plain)
            .with("ElementName", name)
            .with("Enabled", false)
            .with("InstanceID", name)
            .with("MutualAuthentication", false)
    };
    vec![settings("Intel(r) AMT 802.3 TLS Settings", false), settings("Intel(r) AMT LMS TLS Settings", true)]
}
