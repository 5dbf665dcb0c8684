//! Names: what firmware knows of the host's, and what it calls itself.

use super::reader::Reader;
use super::{AmthiError, Command};

/// Tells firmware the fully qualified name of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetHostFqdn {
    name: String,
}

impl SetHostFqdn {
    /// The command for this name. `None` if no DNS name has such a length, or if it has a NUL in it.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=MAX_NAME).contains(&name.len()) && !name.contains('\0');
        fits.then(|| Self { name: name.to_owned() })
    }
}

impl Command for SetHostFqdn {
    type Answer = ();

    const OPERATION: u32 = 0x5B;
    const CHANGES: bool = true;

    /// An ANSI string with a final NUL, which its length counts (amthi 1.3).
    fn payload(&self) -> Vec<u8> {
        // The constructor has seen to the length.
        let length = u16::try_from(self.name.len().saturating_add(1)).unwrap_or(u16::MAX);
        [&length.to_le_bytes()[..], self.name.as_bytes(), &[0]].concat()
    }

    fn parse(_: &[u8]) -> Result<(), AmthiError> {
        Ok(())
    }
}

/// Asks for the name of the device in DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetFqdn;

/// The name of the device in DNS (amthi 3.11).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fqdn {
    /// Whether the device and its host have the same name.
    pub shared: bool,
    /// Whether the device registers itself (dynamic DNS).
    pub dynamic_dns: bool,
    /// How often it does, in minutes.
    pub update_interval: u32,
    /// How long the entry is valid, in seconds.
    pub time_to_live: u32,
    /// The name of the host in it: the first so many bytes of `name`.
    pub host_name_length: u32,
    /// The whole name; empty if there is none.
    pub name: String,
}

impl Command for GetFqdn {
    type Answer = Fqdn;

    const OPERATION: u32 = 0x56;

    fn parse(payload: &[u8]) -> Result<Fqdn, AmthiError> {
        let mut reader = Reader::new(payload);
        Ok(Fqdn {
            shared: reader.bool("FQDN is shared")?,
            dynamic_dns: reader.bool("dynamic DNS enabled")?,
            update_interval: reader.u32("DNS update interval")?,
            time_to_live: reader.u32("DNS time to live")?,
            host_name_length: reader.u32("length of the host name")?,
            name: reader.string("FQDN")?,
        })
    }
}

/// Asks for the DNS suffixes that the device knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetDnsSuffixes;

impl Command for GetDnsSuffixes {
    type Answer = Vec<String>;

    const OPERATION: u32 = 0x3E;

    /// Names with a NUL between them.
    fn parse(payload: &[u8]) -> Result<Vec<String>, AmthiError> {
        let mut reader = Reader::new(payload);
        let length = reader.u16("length of the DNS suffixes")?;
        let bytes = reader.bytes("DNS suffixes", length.into())?;
        let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }
}

/// The longest DNS name, as text.
const MAX_NAME: usize = 253;
