//! What firmware tells about itself, as a message.

use std::fmt::{Display, Write};

use amtd_amt::amthi::{
    CertificateHash, CiraConnection, CiraNetwork, CiraStatus, CiraTrigger, ControlMode, DhcpMode,
    HashAlgorithm, LanSettings, ProvisioningState,
};
use amtd_proto::v1;

use crate::info::Info;

/// See the [module](self).
pub(crate) fn info(info: &Info) -> v1::GetInfoResponse {
    let versions = &info.versions;
    let firmware = v1::Firmware {
        version: versions.part("AMT").map(String::from),
        build: versions.build().map(String::from),
        sku: versions.part("Sku").map(String::from),
        uuid: info.uuid.map(|uuid| uuid.to_string()),
        control_mode: info.control_mode.map(control_mode),
        provisioning_state: info.provisioning_state.map(provisioning_state),
        read_at: Some(info.read_at.into()),
        error: None,
    };
    let part = |part: &amtd_amt::amthi::CodeVersion| v1::CodeVersion {
        name: part.description.clone(),
        version: part.version.clone(),
    };
    let (host_name_os, dns_suffix_os) = crate::control::convert::jobs::host_name();
    v1::GetInfoResponse {
        firmware: Some(firmware),
        code_versions: versions.parts.iter().map(part).collect(),
        dns_suffix: info.dns_suffix.clone(),
        dns_suffix_os: some(dns_suffix_os),
        host_name_os: some(host_name_os),
        wired: info.wired.as_ref().map(lan),
        wireless: info.wireless.as_ref().map(lan),
        certificate_hashes: info.hashes.iter().map(hash).collect(),
        remote_access: info.remote_access.as_ref().map(remote_access),
        tls_enforced: info.enablement.and_then(|enablement| enablement.tls_enforced()),
        enabled_in_bios: info.enablement.and_then(|enablement| enablement.is_enabled()),
        ehbc: info.ehbc,
        features: versions.sku().map(|sku| sku.names().collect::<Vec<_>>().join(", ")),
        upid: info.platform_id.map(|id| format!("{}{}", hex(&id.oem), hex(&id.csme))),
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// A value that is not among the known ones.
fn unknown(code: impl Display) -> String {
    format!("unknown ({code})")
}

fn control_mode(mode: ControlMode) -> String {
    match mode {
        ControlMode::None => "none".into(),
        ControlMode::Client => "client".into(),
        ControlMode::Admin => "admin".into(),
        ControlMode::Unknown(code) => unknown(code),
    }
}

fn provisioning_state(state: ProvisioningState) -> String {
    match state {
        ProvisioningState::Pre => "pre".into(),
        ProvisioningState::In => "in".into(),
        ProvisioningState::Post => "post".into(),
        ProvisioningState::Unknown(code) => unknown(code),
    }
}

fn lan(lan: &LanSettings) -> v1::Lan {
    v1::Lan {
        enabled: lan.enabled,
        link_up: lan.link_up,
        dhcp_mode: match lan.dhcp_mode {
            DhcpMode::Active => "active".into(),
            DhcpMode::Passive => "passive".into(),
            DhcpMode::Unknown(code) => unknown(code),
        },
        dhcp_enabled: lan.dhcp_enabled,
        address: lan.ipv4.map(|address| address.to_string()).unwrap_or_default(),
        mac: lan.mac.to_string(),
    }
}

fn hash(hash: &CertificateHash) -> v1::CertificateHash {
    v1::CertificateHash {
        name: hash.name.clone(),
        algorithm: match hash.algorithm {
            HashAlgorithm::Md5 => "md5".into(),
            HashAlgorithm::Sha1 => "sha1".into(),
            HashAlgorithm::Sha224 => "sha224".into(),
            HashAlgorithm::Sha256 => "sha256".into(),
            HashAlgorithm::Sha384 => "sha384".into(),
            HashAlgorithm::Sha512 => "sha512".into(),
            HashAlgorithm::Unknown(code) => unknown(code),
        },
        hash: hex(&hash.hash),
        is_default: hash.is_default,
        is_active: hash.is_active,
    }
}

fn remote_access(status: &CiraStatus) -> v1::RemoteAccess {
    v1::RemoteAccess {
        network_status: match status.network {
            CiraNetwork::Direct => "direct".into(),
            CiraNetwork::Vpn => "vpn".into(),
            CiraNetwork::Outside => "outside enterprise".into(),
            CiraNetwork::Unknown(code) => unknown(code),
        },
        connection_status: match status.connection {
            CiraConnection::NotConnected => "not connected".into(),
            CiraConnection::Connecting => "connecting".into(),
            CiraConnection::Connected => "connected".into(),
            CiraConnection::Unknown(code) => unknown(code),
        },
        connection_trigger: match status.trigger {
            CiraTrigger::User => "user initiated".into(),
            CiraTrigger::Alert => "alert".into(),
            CiraTrigger::Other(code) => unknown(code),
        },
        server: status.server.clone(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
