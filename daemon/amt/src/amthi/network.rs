//! How the device is on the network: LAN interfaces, remote access (CIRA), DNS suffix for provisioning.

use std::fmt;
use std::net::Ipv4Addr;

use super::reader::Reader;
use super::{AmthiError, Command};

/// Asks for the settings of one LAN interface. For an interface that does not exist firmware answers
/// [`super::Status::INTERFACE_DOES_NOT_EXIST`] or zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetLanSettings {
    /// Which one.
    pub interface: LanInterface,
}

/// A LAN interface of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LanInterface {
    /// The wired one.
    Wired,
    /// The wireless one.
    Wireless,
}

/// The settings of one LAN interface as AMT has them (amthi 3.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LanSettings {
    /// Whether AMT uses the interface.
    pub enabled: bool,
    /// The address of AMT, if it has one.
    pub ipv4: Option<Ipv4Addr>,
    /// Whether the address comes by DHCP.
    pub dhcp_enabled: bool,
    /// How AMT takes part in DHCP.
    pub dhcp_mode: DhcpMode,
    /// Whether there is a link.
    pub link_up: bool,
    /// The hardware address.
    pub mac: MacAddress,
}

impl LanSettings {
    /// Whether the interface exists: an absent one may be reported as zeros instead of an error.
    pub fn exists(&self) -> bool {
        self.mac != MacAddress([0; 6])
    }
}

/// How AMT takes part in DHCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DhcpMode {
    /// AMT asks for an address itself.
    Active,
    /// AMT listens to what the host gets.
    Passive,
    /// A value that is not known; 0 where DHCP is off.
    Unknown(u8),
}

/// A hardware address.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MacAddress(pub [u8; 6]);

/// Six groups of two hexadecimal digits, joined by ':'.
impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, last] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{last:02x}")
    }
}

impl fmt::Debug for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacAddress({self})")
    }
}

impl Command for GetLanSettings {
    type Answer = LanSettings;

    const OPERATION: u32 = 0x48;

    fn payload(&self) -> Vec<u8> {
        let interface: u32 = match self.interface {
            LanInterface::Wired => 0,
            LanInterface::Wireless => 1,
        };
        interface.to_le_bytes().to_vec()
    }

    fn parse(payload: &[u8]) -> Result<LanSettings, AmthiError> {
        let mut reader = Reader::new(payload);
        Ok(LanSettings {
            enabled: reader.bool("interface enabled")?,
            ipv4: Some(reader.u32("IPv4 address")?).filter(|address| *address != 0).map(Ipv4Addr::from),
            dhcp_enabled: reader.bool("DHCP enabled")?,
            dhcp_mode: match reader.u8("DHCP mode")? {
                1 => DhcpMode::Active,
                2 => DhcpMode::Passive,
                other => DhcpMode::Unknown(other),
            },
            link_up: reader.u8("link status")? == 1,
            mac: MacAddress(reader.array("MAC address")?),
        })
    }
}

/// Asks for the state of client-initiated remote access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetCiraStatus;

/// The state of client-initiated remote access (amthi 3.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiraStatus {
    /// Where AMT believes to be.
    pub network: CiraNetwork,
    /// The state of the tunnel.
    pub connection: CiraConnection,
    /// What opened it.
    pub trigger: CiraTrigger,
    /// The management server at its other end; empty if there is none.
    pub server: String,
}

/// Where AMT believes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CiraNetwork {
    /// Directly in the enterprise network.
    Direct,
    /// In the enterprise network through a VPN of the host.
    Vpn,
    /// Outside the enterprise network.
    Outside,
    /// AMT does not know, or the value is not known.
    Unknown(u32),
}

/// The state of the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CiraConnection {
    /// None.
    NotConnected,
    /// Being opened.
    Connecting,
    /// Open.
    Connected,
    /// A value that is not known.
    Unknown(u32),
}

/// What opened the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CiraTrigger {
    /// A user.
    User,
    /// An alert.
    Alert,
    /// Anything else. Values 2 and 3 are provisioning and the periodic call, but sources disagree on which is which.
    Other(u32),
}

impl Command for GetCiraStatus {
    type Answer = CiraStatus;

    const OPERATION: u32 = 0x46;

    fn parse(payload: &[u8]) -> Result<CiraStatus, AmthiError> {
        let mut reader = Reader::new(payload);
        Ok(CiraStatus {
            network: match reader.u32("network status")? {
                0 => CiraNetwork::Direct,
                1 => CiraNetwork::Vpn,
                2 => CiraNetwork::Outside,
                other => CiraNetwork::Unknown(other),
            },
            connection: match reader.u32("connection status")? {
                0 => CiraConnection::NotConnected,
                1 => CiraConnection::Connecting,
                2 => CiraConnection::Connected,
                other => CiraConnection::Unknown(other),
            },
            trigger: match reader.u32("connection trigger")? {
                0 => CiraTrigger::User,
                1 => CiraTrigger::Alert,
                other => CiraTrigger::Other(other),
            },
            server: reader.string("management server")?,
        })
    }
}

/// Asks for the DNS suffix that certificate-based provisioning compares with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetPkiFqdnSuffix;

impl Command for GetPkiFqdnSuffix {
    /// The suffix without white space around it and without a final dot, which stands for an empty one because the
    /// firmware setup cannot store that (amthi 3.16).
    type Answer = String;

    const OPERATION: u32 = 0x36;

    fn parse(payload: &[u8]) -> Result<String, AmthiError> {
        let suffix = Reader::new(payload).string("PKI FQDN suffix")?;
        let trimmed = suffix.trim();
        Ok(trimmed.strip_suffix('.').unwrap_or(trimmed).to_owned())
    }
}
