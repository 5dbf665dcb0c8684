//! What the device says about its network: names, the wired and the wireless interface, certificate hashes.
//!
//! Plain data, shown by AMTHI and WSMAN alike and changed by WSMAN's Put. Nothing here opens a socket.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// Names and interfaces of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// First label of the host's name (`HostName`, at most 63 characters).
    pub host_name: String,
    /// What the host says that its whole name is (AMTHI 0x5B); empty before it has said so.
    #[serde(default)]
    pub host_fqdn: String,
    /// Domain of the host (`DomainName`, at most 191 characters).
    pub domain_name: String,
    /// The suffix that provisioning certificates must match ("PKI FQDN suffix"); empty if none is set.
    pub dns_suffix: String,
    /// Wired interface, AMTHI interface 0.
    pub wired: LanInterface,
    /// Wireless interface, AMTHI interface 1; `None` models a LAN-only unit.
    pub wireless: Option<LanInterface>,
}

impl Network {
    /// The host's whole name: what the host said, else what follows from the device's own.
    #[must_use]
    pub fn host_fqdn(&self) -> String {
        match self.host_fqdn.as_str() {
            "" => format!("{}.{}", self.host_name, self.domain_name),
            told => told.to_owned(),
        }
    }
}

/// One LAN interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LanInterface {
    /// Hardware address in transmission order.
    pub mac: [u8; 6],
    /// Whether the link is up.
    pub link_up: bool,
    /// `DHCPEnabled`.
    pub dhcp: bool,
    /// `IpSyncEnabled`: the address follows the host's.
    pub ip_sync: bool,
    /// `SharedStaticIp`: the static address is the host's own.
    pub shared_static_ip: bool,
    /// IPv4 address, if there is one.
    pub address: Option<Ipv4Addr>,
    /// Net mask, if there is an address.
    pub subnet_mask: Option<Ipv4Addr>,
    /// Default gateway.
    pub gateway: Option<Ipv4Addr>,
    /// First name server.
    pub primary_dns: Option<Ipv4Addr>,
    /// Second name server.
    pub secondary_dns: Option<Ipv4Addr>,
    /// `LinkPolicy`: 1 S0/AC, 14 Sx/AC, 16 S0/DC, 224 Sx/DC.
    pub link_policy: Vec<u32>,
}

impl LanInterface {
    /// The hardware address as AMT writes it: lower-case pairs joined by `-`.
    #[must_use]
    pub fn mac_text(&self) -> String {
        let [a, b, c, d, e, f] = self.mac;
        format!("{a:02x}-{b:02x}-{c:02x}-{d:02x}-{e:02x}-{f:02x}")
    }
}

impl Default for Network {
    fn default() -> Self {
        Self {
            host_name: "amt-sim".into(),
            host_fqdn: String::new(),
            domain_name: "example.net".into(),
            dns_suffix: "example.net".into(),
            wired: LanInterface {
                mac: [0x02, 0x00, 0x5E, 0x10, 0x00, 0x01],
                link_up: true,
                dhcp: true,
                ip_sync: true,
                shared_static_ip: false,
                address: Some(Ipv4Addr::new(192, 0, 2, 24)),
                subnet_mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
                gateway: Some(Ipv4Addr::new(192, 0, 2, 1)),
                primary_dns: Some(Ipv4Addr::new(192, 0, 2, 53)),
                secondary_dns: Some(Ipv4Addr::new(192, 0, 2, 54)),
                link_policy: vec![1, 14],
            },
            wireless: Some(LanInterface {
                mac: [0x02, 0x00, 0x5E, 0x10, 0x00, 0x02],
                link_up: false,
                dhcp: true,
                ip_sync: true,
                shared_static_ip: false,
                address: None,
                subnet_mask: None,
                gateway: None,
                primary_dns: None,
                secondary_dns: None,
                link_policy: vec![1, 14],
            }),
        }
    }
}

/// Hash algorithm of a certificate hash entry, by its AMTHI number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HashAlgorithm {
    /// SHA-1, 20 bytes.
    Sha1 = 1,
    /// SHA-256, 32 bytes.
    Sha256 = 2,
    /// SHA-384, 48 bytes.
    Sha384 = 3,
}

impl HashAlgorithm {
    /// Length of a hash in bytes.
    #[must_use]
    pub fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// One trusted root for provisioning certificates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashEntry {
    /// Opaque handle; unique in the device.
    pub handle: u32,
    /// Display name.
    pub name: String,
    /// The hash, as long as its algorithm says.
    pub hash: Vec<u8>,
    /// Algorithm of `hash`.
    pub algorithm: HashAlgorithm,
    /// Whether it came with the firmware.
    pub is_default: bool,
    /// Whether the device trusts it at present.
    pub is_active: bool,
}
