//! What the firmware says, as it is shown. JSON keys are those of `rpc amtinfo --json`, so that scripts can switch.

use std::collections::BTreeMap;

use amtd_proto::v1;
use serde::Serialize;
use serde_json::Value;

use super::{SWITCH_ON, Wanted};
use crate::{
    command::info::document::address::system_address,
    output::{Document, page::Page},
};

mod address;

/// AMT is switched off.
const DISABLED: &str = "disabled";
/// A hardware address that stands for "none".
const NO_MAC: &str = "00:00:00:00:00:00";

/// Everything that the firmware says about itself. Absent is what was not asked for or not answered.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct InfoDocument {
    /// Version of AMT.
    #[serde(skip_serializing_if = "Option::is_none")]
    amt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    build_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sku: Option<String>,
    /// What the SKU stands for, such as `AMT Pro Corporate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    features: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uuid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upid: Option<String>,
    /// `not activated`, `client control mode`, `admin control mode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    control_mode: Option<String>,
    /// `pre-provisioning`, `in provisioning`, `post-provisioning`.
    #[serde(skip_serializing_if = "Option::is_none")]
    provisioning_state: Option<String>,
    /// `enabled` or `disabled`, in the BIOS.
    #[serde(skip_serializing_if = "Option::is_none")]
    operational_state: Option<&'static str>,
    /// Whether the local ports speak TLS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_enforced: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns_suffix: Option<String>,
    #[serde(rename = "dnsSuffixOS", skip_serializing_if = "Option::is_none")]
    dns_suffix_os: Option<String>,
    #[serde(rename = "hostnameOS", skip_serializing_if = "Option::is_none")]
    hostname_os: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ras: Option<RemoteAccess>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wired_adapter: Option<Adapter>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wireless_adapter: Option<Adapter>,
    /// By the name of the certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate_hashes: Option<BTreeMap<String, Hash>>,
    /// By the name that the firmware gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    user_certs: Option<BTreeMap<String, UserCertificate>>,
    /// As the firmware describes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_access_points: Option<Vec<Value>>,
    /// Versions of the parts of the firmware, by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    code_versions: Option<BTreeMap<String, String>>,
    /// Why the firmware did not tell everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct RemoteAccess {
    /// `direct`, `vpn`, `outside enterprise`.
    network_status: String,
    /// `not connected`, `connecting`, `connected`.
    remote_status: String,
    /// `user initiated`, `alert`, `periodic`, `provisioning`.
    remote_trigger: String,
    mps_hostname: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Adapter {
    is_enable: bool,
    /// `up` or `down`.
    link_status: &'static str,
    dhcp_enabled: bool,
    /// `active` or `passive`.
    dhcp_mode: String,
    ip_address: String,
    /// The address that the system has on the same adapter.
    os_ip_address: String,
    mac_address: String,
}

// These keys begin with capitals there.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Hash {
    hash: String,
    name: String,
    algorithm: String,
    is_active: bool,
    is_default: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct UserCertificate {
    subject: String,
    issuer: String,
    trusted_root_certificate: bool,
    read_only_certificate: bool,
}

impl InfoDocument {
    /// Of what the firmware said, what is wanted.
    pub(super) fn new(info: v1::GetInfoResponse, wanted: &Wanted) -> Self {
        let v1::GetInfoResponse { firmware, certificate_hashes, code_versions, .. } = info;
        let firmware = firmware.unwrap_or_default();
        let mode = firmware.control_mode.as_deref().map(control_mode).map(String::from);
        let state = firmware.provisioning_state.as_deref().map(provisioning_state).map(String::from);
        let enabled = info.enabled_in_bios.map(|enabled| if enabled { "enabled" } else { DISABLED });
        Self {
            amt: firmware.version.filter(|_| wanted.ver),
            build_number: firmware.build.filter(|_| wanted.bld),
            sku: firmware.sku.filter(|_| wanted.sku),
            features: info.features.filter(|_| wanted.ver && wanted.sku),
            uuid: firmware.uuid.filter(|_| wanted.uuid),
            upid: info.upid.filter(|_| wanted.upid),
            control_mode: mode.filter(|_| wanted.mode),
            provisioning_state: state.filter(|_| wanted.provisioning_state),
            operational_state: enabled.filter(|_| wanted.operational_state),
            tls_enforced: info.tls_enforced.filter(|_| wanted.operational_state),
            dns_suffix: info.dns_suffix.filter(|_| wanted.dns),
            dns_suffix_os: info.dns_suffix_os.filter(|_| wanted.dns),
            hostname_os: info.host_name_os.filter(|_| wanted.hostname),
            ras: info.remote_access.filter(|_| wanted.ras).map(RemoteAccess::from),
            wired_adapter: info.wired.filter(|_| wanted.lan).map(Adapter::from),
            wireless_adapter: info.wireless.filter(|_| wanted.lan).map(Adapter::from),
            certificate_hashes: wanted.cert.then(|| hashes(certificate_hashes)),
            code_versions: wanted
                .all
                .then(|| code_versions.into_iter().map(|item| (item.name, item.version)).collect()),
            error: firmware.error,
            ..Self::default()
        }
    }

    /// Adds instances of `AMT_PublicKeyCertificate`.
    pub(super) fn set_user_certificates(&mut self, instances: Vec<Value>) {
        let certificates = instances.iter().enumerate().map(|(index, instance)| {
            let text = |name: &str| instance[name].as_str().unwrap_or_default().to_owned();
            let name = text("InstanceID");
            let name = if name.is_empty() { format!("certificate {}", index + 1) } else { name };
            let certificate = UserCertificate {
                subject: text("Subject"),
                issuer: text("Issuer"),
                // Firmware spells it so.
                trusted_root_certificate: is_true(&instance["TrustedRootCertficate"]),
                read_only_certificate: is_true(&instance["ReadOnlyCertificate"]),
            };
            (name, certificate)
        });
        self.user_certs = Some(certificates.collect());
    }

    /// Adds instances of `IPS_HTTPProxyAccessPoint`.
    pub(super) fn set_proxies(&mut self, instances: Vec<Value>) {
        self.proxy_access_points = Some(instances);
    }
}

/// WSMAN has text where JSON has truth.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

fn hashes(entries: Vec<v1::CertificateHash>) -> BTreeMap<String, Hash> {
    let mut hashes = BTreeMap::new();
    for entry in entries {
        let mut key = entry.name.clone();
        // Nothing keeps two certificates from having one name, and none of them may be lost.
        for number in 2.. {
            if !hashes.contains_key(&key) {
                break;
            }
            key = format!("{} ({number})", entry.name);
        }
        let v1::CertificateHash { name, algorithm, hash, is_default, is_active } = entry;
        hashes.insert(key, Hash { hash, name, algorithm, is_active, is_default });
    }
    hashes
}

/// A control mode as rpc calls it.
pub(in crate::command) fn control_mode(word: &str) -> &str {
    match word {
        "none" => "not activated",
        "client" => "client control mode",
        "admin" => "admin control mode",
        other => other,
    }
}

/// A provisioning state as rpc calls it.
pub(in crate::command) fn provisioning_state(word: &str) -> &str {
    match word {
        "pre" => "pre-provisioning",
        "in" => "in provisioning",
        "post" => "post-provisioning",
        other => other,
    }
}

impl From<v1::RemoteAccess> for RemoteAccess {
    fn from(access: v1::RemoteAccess) -> Self {
        Self {
            network_status: access.network_status,
            remote_status: access.connection_status,
            remote_trigger: access.connection_trigger,
            mps_hostname: access.server,
        }
    }
}

impl From<v1::Lan> for Adapter {
    fn from(lan: v1::Lan) -> Self {
        Self {
            is_enable: lan.enabled,
            link_status: if lan.link_up { "up" } else { "down" },
            dhcp_enabled: lan.dhcp_enabled,
            dhcp_mode: lan.dhcp_mode,
            ip_address: lan.address,
            os_ip_address: system_address(&lan.mac).unwrap_or_default(),
            mac_address: lan.mac,
        }
    }
}

impl Document for InfoDocument {
    const KIND: &'static str = "info";

    fn render(&self, page: &mut Page) {
        self.render_device(page);
        self.render_access(page);
        render_adapter("Wired adapter", self.wired_adapter.as_ref(), page);
        render_adapter("Wireless adapter", self.wireless_adapter.as_ref(), page);
        self.render_hashes(page);
        self.render_certificates(page);
        self.render_proxies(page);
        self.render_code_versions(page);
        if let Some(error) = &self.error {
            page.gap();
            page.line(&format!("Not everything could be read: {error}"));
        }
        if page.is_empty() {
            page.line("The firmware does not say.");
        }
    }
}

impl InfoDocument {
    /// With what helps, where that is known.
    fn operational_state_words(&self) -> Option<String> {
        let state = self.operational_state?;
        let may_be_activated = self.control_mode.as_deref() == Some(control_mode("none"));
        let is_off = state == DISABLED && may_be_activated;
        Some(if is_off { format!("{state}; {SWITCH_ON}") } else { state.into() })
    }

    fn render_device(&self, page: &mut Page) {
        page.field_if("version", self.amt.as_deref());
        page.field_if("build number", self.build_number.as_deref());
        page.field_if("SKU", self.sku.as_deref());
        page.field_if("features", self.features.as_deref());
        page.field_if("UUID", self.uuid.as_deref());
        page.field_if("UPID", self.upid.as_deref());
        page.field_if("control mode", self.control_mode.as_deref());
        page.field_if("provisioning state", self.provisioning_state.as_deref());
        page.field_if("state in the BIOS", self.operational_state_words().as_deref());
        page.field_if(
            "local ports",
            self.tls_enforced.map(|tls| if tls { "TLS only" } else { "without TLS" }),
        );
        page.field_if("DNS suffix", self.dns_suffix.as_deref());
        page.field_if("DNS suffix (system)", self.dns_suffix_os.as_deref());
        page.field_if("host name (system)", self.hostname_os.as_deref());
    }

    fn render_access(&self, page: &mut Page) {
        let Some(access) = &self.ras else { return };
        page.heading("Remote access");
        page.field("network", &access.network_status);
        page.field("connection", &access.remote_status);
        page.field_if("trigger", Some(&access.remote_trigger));
        page.field_if("server", Some(&access.mps_hostname));
    }

    fn render_hashes(&self, page: &mut Page) {
        let Some(hashes) = &self.certificate_hashes else { return };
        page.heading("Hashes of trusted root certificates");
        for (name, hash) in hashes {
            let active = if hash.is_active { "active" } else { "not active" };
            let default = if hash.is_default { ", default" } else { "" };
            page.line(&format!("{name} ({active}{default})"));
            page.hang("  ", &format!("{}: {}", hash.algorithm, hash.hash));
        }
    }

    fn render_certificates(&self, page: &mut Page) {
        let Some(certificates) = &self.user_certs else { return };
        page.heading("User certificates");
        if certificates.is_empty() {
            page.line("none");
        }
        for (name, certificate) in certificates {
            page.line(name);
            page.hang("  ", &format!("subject: {}", certificate.subject));
            page.hang("  ", &format!("issuer: {}", certificate.issuer));
            if certificate.trusted_root_certificate {
                page.hang("  ", "trusted root");
            }
            if certificate.read_only_certificate {
                page.hang("  ", "read-only");
            }
        }
    }

    fn render_proxies(&self, page: &mut Page) {
        let Some(proxies) = &self.proxy_access_points else { return };
        page.heading("HTTP proxies");
        if proxies.is_empty() {
            page.line("none");
        }
        for proxy in proxies {
            page.values(proxy);
        }
    }

    fn render_code_versions(&self, page: &mut Page) {
        let Some(versions) = &self.code_versions else { return };
        page.heading("Code versions");
        for (name, version) in versions {
            page.field(name, version);
        }
    }
}

fn render_adapter(title: &str, adapter: Option<&Adapter>, page: &mut Page) {
    let Some(adapter) = adapter.filter(|adapter| adapter.mac_address != NO_MAC) else { return };
    page.heading(title);
    page.field("enabled", if adapter.is_enable { "yes" } else { "no" });
    page.field("link", adapter.link_status);
    page.field("DHCP", if adapter.dhcp_enabled { "enabled" } else { "disabled" });
    page.field_if("DHCP mode", Some(&adapter.dhcp_mode));
    page.field_if("address", Some(&adapter.ip_address));
    page.field_if("address (system)", Some(&adapter.os_ip_address));
    page.field("MAC", &adapter.mac_address);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_certificates_of_one_name_are_both_shown() {
        let entry = |hash: &str| v1::CertificateHash {
            name: "Root".into(),
            hash: hash.into(),
            ..v1::CertificateHash::default()
        };
        let hashes = hashes(vec![entry("a"), entry("b"), entry("c")]);
        assert_eq!(hashes.keys().collect::<Vec<_>>(), ["Root", "Root (2)", "Root (3)"]);
    }

    #[test]
    fn a_flag_shows_one_fact_only() {
        let firmware = v1::Firmware {
            version: Some("16.1.25".into()),
            control_mode: Some("none".into()),
            ..v1::Firmware::default()
        };
        let info = v1::GetInfoResponse { firmware: Some(firmware), ..v1::GetInfoResponse::default() };
        let wanted = Wanted { mode: true, ..Wanted::default() };
        let json = serde_json::to_value(InfoDocument::new(info, &wanted)).unwrap();
        assert_eq!(json, serde_json::json!({ "controlMode": "not activated" }));
    }

    #[test]
    fn a_fact_that_the_firmware_does_not_tell_is_not_answered_with_nothing() {
        let wanted = Wanted { upid: true, ..Wanted::default() };
        let document = InfoDocument::new(v1::GetInfoResponse::default(), &wanted);
        let mut page = Page::new(crate::output::style::Style::new(false));
        document.render(&mut page);
        assert_eq!(page.to_string(), "The firmware does not say.\n");
    }

    #[test]
    fn truth_is_understood_as_text_and_as_json() {
        let instances = vec![serde_json::json!({
            "InstanceID": "Handle: 0", "Subject": "CN=a", "TrustedRootCertficate": "true",
            "ReadOnlyCertificate": false,
        })];
        let mut document = InfoDocument::default();
        document.set_user_certificates(instances);
        let certificate = &document.user_certs.unwrap()["Handle: 0"];
        assert!(certificate.trusted_root_certificate && !certificate.read_only_certificate);
    }
}
