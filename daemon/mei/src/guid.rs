//! Names of firmware clients: the GUID in text and in the byte order that the device wants, and the known clients.
//! Used by whoever opens a connection; knows nothing of what a client does.

use std::fmt;

/// The GUID of a firmware client, held in the order of the ioctl: the first three groups little-endian (mei 2.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientGuid([u8; 16]);

impl ClientGuid {
    /// Local Manageability Engine: APF multiplexing of TCP connections.
    pub const LME: Self = Self::from_groups(0x6733_a4db, 0x0476, 0x4e7b, 0xb3af, 0xbcfc_29be_e7a7);
    /// AMT host interface (also PTHI): one request, one response; one connection per machine.
    pub const AMTHI: Self = Self::from_groups(0x12f8_0028, 0xb4b7, 0x4b2d, 0xaca8, 0x46e0_ff65_814c);
    /// Kernel-host interface, dynamic client.
    pub const MKHI: Self = Self::from_groups(0x8e6a_6715, 0x9abc, 0x4043, 0x88ef, 0x9e39_c6f6_3e0f);
    /// AMT watchdog and manageability state; held by the kernel's `mei_wdt` while that is bound.
    pub const WD: Self = Self::from_groups(0x05b7_9a6f, 0x4628, 0x4d7f, 0x899d, 0xa915_14cb_32ab);
    /// Unique platform id.
    pub const UPID: Self = Self::from_groups(0x9213_6c79, 0x5fea, 0x4cfd, 0x980e, 0x23be_07fa_5e9f);

    /// A GUID from bytes that are already in the order of the ioctl.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes in the order of the ioctl.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0
    }

    /// The usual short name, if this is a known client.
    pub fn name(self) -> Option<&'static str> {
        KNOWN.iter().find(|(guid, _)| *guid == self).map(|(_, name)| *name)
    }

    /// What it is called in a sentence for people: `LME client`, or `client` with its GUID if it has no name.
    pub fn words(self) -> String {
        self.name().map_or_else(|| format!("client {self}"), |name| format!("{name} client"))
    }

    /// The five groups of the text form; the last one holds 48 bits.
    const fn from_groups(first: u32, second: u16, third: u16, fourth: u16, last: u64) -> Self {
        let [a0, a1, a2, a3] = first.to_le_bytes();
        let [b0, b1] = second.to_le_bytes();
        let [c0, c1] = third.to_le_bytes();
        let [d0, d1] = fourth.to_be_bytes();
        let [_, _, e0, e1, e2, e3, e4, e5] = last.to_be_bytes();
        Self([a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, e0, e1, e2, e3, e4, e5])
    }
}

/// The text form, `6733a4db-0476-4e7b-b3af-bcfc29bee7a7`.
impl fmt::Display for ClientGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, last @ ..] = self.0;
        let first = u32::from_le_bytes([a0, a1, a2, a3]);
        let second = u16::from_le_bytes([b0, b1]);
        let third = u16::from_le_bytes([c0, c1]);
        let fourth = u16::from_be_bytes([d0, d1]);
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{fourth:04x}-")?;
        last.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ClientGuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "ClientGuid({name} {self})"),
            None => write!(f, "ClientGuid({self})"),
        }
    }
}

const KNOWN: [(ClientGuid, &str); 5] = [
    (ClientGuid::LME, "LME"),
    (ClientGuid::AMTHI, "AMTHI"),
    (ClientGuid::MKHI, "MKHI"),
    (ClientGuid::WD, "WD"),
    (ClientGuid::UPID, "UPID"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// mei 7, typed in: constant, text form, bytes for the ioctl.
    const TABLE: [(ClientGuid, &str, &str); 5] = [
        (
            ClientGuid::LME,
            "6733a4db-0476-4e7b-b3af-bcfc29bee7a7",
            "db a4 33 67 76 04 7b 4e b3 af bc fc 29 be e7 a7",
        ),
        (
            ClientGuid::AMTHI,
            "12f80028-b4b7-4b2d-aca8-46e0ff65814c",
            "28 00 f8 12 b7 b4 2d 4b ac a8 46 e0 ff 65 81 4c",
        ),
        (
            ClientGuid::MKHI,
            "8e6a6715-9abc-4043-88ef-9e39c6f63e0f",
            "15 67 6a 8e bc 9a 43 40 88 ef 9e 39 c6 f6 3e 0f",
        ),
        (
            ClientGuid::WD,
            "05b79a6f-4628-4d7f-899d-a91514cb32ab",
            "6f 9a b7 05 28 46 7f 4d 89 9d a9 15 14 cb 32 ab",
        ),
        (
            ClientGuid::UPID,
            "92136c79-5fea-4cfd-980e-23be07fa5e9f",
            "79 6c 13 92 ea 5f fd 4c 98 0e 23 be 07 fa 5e 9f",
        ),
    ];

    #[test]
    fn groups_of_every_known_client_are_swapped_as_the_ioctl_wants() {
        for (guid, text, bytes) in TABLE {
            let hex: Vec<String> = guid.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex.join(" "), bytes, "{text}");
            assert_eq!(guid.to_string(), text);
            assert_eq!(ClientGuid::from_bytes(guid.to_bytes()), guid);
            assert!(guid.name().is_some(), "{text} has no name");
        }
    }

    #[test]
    fn unknown_client_shows_its_guid_and_no_name() {
        let guid = ClientGuid::from_bytes([0; 16]);
        assert_eq!(guid.name(), None);
        assert_eq!(format!("{guid:?}"), "ClientGuid(00000000-0000-0000-0000-000000000000)");
    }
}
