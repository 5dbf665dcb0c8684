//! Names of firmware clients: the GUID in text and in the byte order that the device wants, and the known clients.
//! Used by whoever opens a connection; knows nothing of what a client does.

use std::fmt;
use std::str::FromStr;

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
    /// Kernel-host interface, fixed client; the kernel reads the firmware version from it.
    pub const MKHI_FIXED: Self = Self::from_groups(0x5521_3584, 0x9a29, 0x4916, 0xbadf, 0x0fb7_ed68_2aeb);
    /// AMT watchdog and manageability state; held by the kernel's `mei_wdt` while that is bound.
    pub const WD: Self = Self::from_groups(0x05b7_9a6f, 0x4628, 0x4d7f, 0x899d, 0xa915_14cb_32ab);
    /// Unique platform id.
    pub const UPID: Self = Self::from_groups(0x9213_6c79, 0x5fea, 0x4cfd, 0x980e, 0x23be_07fa_5e9f);
    /// Flash log.
    pub const HOTHAM: Self = Self::from_groups(0x082e_e5a7, 0x7c25, 0x470a, 0x9643, 0x0c06_f046_6ea1);
    /// Firmware update.
    pub const FWUPDATE: Self = Self::from_groups(0x309d_cde8, 0xccb1, 0x4062, 0x8f78, 0x6001_15a3_4327);
    /// Platform service record.
    pub const PSR: Self = Self::from_groups(0xed67_03fa, 0xd312, 0x4e8b, 0x9ddd, 0x2155_bb2d_ee65);
    /// Host interface for reading firmware files.
    pub const MCHI: Self = Self::from_groups(0xdd17_041c, 0x09ea, 0x4b17, 0xa271, 0x5b98_9867_ec65);
    /// Content protection; used by the kernel.
    pub const HDCP: Self = Self::from_groups(0xb638_ab7e, 0x94e2, 0x4ea2, 0xa552, 0xd1c5_4b62_7f04);
    /// Protected media path; used by the kernel.
    pub const PXP: Self = Self::from_groups(0xfbf6_fcf1, 0x96cf, 0x4e2e, 0xa6a6, 0x1bab_8cbe_36b1);
    /// Wireless sharing; used by the kernel.
    pub const WLAN: Self = Self::from_groups(0x1328_0904, 0x7792, 0x4fcb, 0xa1aa, 0x5e70_cbb1_e865);
    /// Proxy between firmware and graphics firmware; used by the kernel.
    pub const GSC_PROXY: Self = Self::from_groups(0x0f73_db04, 0x97ab, 0x4125, 0xb893, 0xe904_ad0d_5464);
    /// Near-field communication, information; used by the kernel.
    pub const NFC_INFO: Self = Self::from_groups(0xd2de_1625, 0x382d, 0x417d, 0x48a4, 0xefab_ba8a_1206);
    /// Near-field communication, host controller interface; used by the kernel.
    pub const NFC_HCI: Self = Self::from_groups(0x0bb1_7a78, 0x2a8e, 0x4c50, 0x94d4, 0x5026_6723_775c);

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

impl FromStr for ClientGuid {
    type Err = ParseGuidError;

    fn from_str(text: &str) -> Result<Self, ParseGuidError> {
        let mut groups = text.split('-');
        let mut next = |digits| hex_group(groups.next(), digits);
        let (first, second, third, fourth, last) = (next(8)?, next(4)?, next(4)?, next(4)?, next(12)?);
        if groups.next().is_some() {
            return Err(ParseGuidError);
        }
        // `hex_group` has bounded the digits, so each value fits its group.
        Ok(Self::from_groups(first as u32, second as u16, third as u16, fourth as u16, last))
    }
}

/// The text is not a GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a GUID: expected five groups of 8, 4, 4, 4 and 12 hexadecimal digits, joined by '-'")]
pub struct ParseGuidError;

/// One group of exactly `digits` hexadecimal digits. `from_str_radix` alone would also take a sign.
fn hex_group(group: Option<&str>, digits: usize) -> Result<u64, ParseGuidError> {
    group
        .filter(|text| text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .and_then(|text| u64::from_str_radix(text, 16).ok())
        .ok_or(ParseGuidError)
}

const KNOWN: [(ClientGuid, &str); 16] = [
    (ClientGuid::LME, "LME"),
    (ClientGuid::AMTHI, "AMTHI"),
    (ClientGuid::MKHI, "MKHI"),
    (ClientGuid::MKHI_FIXED, "MKHI-fixed"),
    (ClientGuid::WD, "WD"),
    (ClientGuid::UPID, "UPID"),
    (ClientGuid::HOTHAM, "HOTHAM"),
    (ClientGuid::FWUPDATE, "FWUpdate"),
    (ClientGuid::PSR, "PSR"),
    (ClientGuid::MCHI, "MCHI"),
    (ClientGuid::HDCP, "HDCP"),
    (ClientGuid::PXP, "PXP"),
    (ClientGuid::WLAN, "WLAN"),
    (ClientGuid::GSC_PROXY, "GSC-proxy"),
    (ClientGuid::NFC_INFO, "NFC-info"),
    (ClientGuid::NFC_HCI, "NFC-HCI"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// mei 7, typed in: constant, text form, bytes for the ioctl.
    const TABLE: [(ClientGuid, &str, &str); 16] = [
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
            ClientGuid::MKHI_FIXED,
            "55213584-9a29-4916-badf-0fb7ed682aeb",
            "84 35 21 55 29 9a 16 49 ba df 0f b7 ed 68 2a eb",
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
        (
            ClientGuid::HOTHAM,
            "082ee5a7-7c25-470a-9643-0c06f0466ea1",
            "a7 e5 2e 08 25 7c 0a 47 96 43 0c 06 f0 46 6e a1",
        ),
        (
            ClientGuid::FWUPDATE,
            "309dcde8-ccb1-4062-8f78-600115a34327",
            "e8 cd 9d 30 b1 cc 62 40 8f 78 60 01 15 a3 43 27",
        ),
        (
            ClientGuid::PSR,
            "ed6703fa-d312-4e8b-9ddd-2155bb2dee65",
            "fa 03 67 ed 12 d3 8b 4e 9d dd 21 55 bb 2d ee 65",
        ),
        (
            ClientGuid::MCHI,
            "dd17041c-09ea-4b17-a271-5b989867ec65",
            "1c 04 17 dd ea 09 17 4b a2 71 5b 98 98 67 ec 65",
        ),
        (
            ClientGuid::HDCP,
            "b638ab7e-94e2-4ea2-a552-d1c54b627f04",
            "7e ab 38 b6 e2 94 a2 4e a5 52 d1 c5 4b 62 7f 04",
        ),
        (
            ClientGuid::PXP,
            "fbf6fcf1-96cf-4e2e-a6a6-1bab8cbe36b1",
            "f1 fc f6 fb cf 96 2e 4e a6 a6 1b ab 8c be 36 b1",
        ),
        (
            ClientGuid::WLAN,
            "13280904-7792-4fcb-a1aa-5e70cbb1e865",
            "04 09 28 13 92 77 cb 4f a1 aa 5e 70 cb b1 e8 65",
        ),
        (
            ClientGuid::GSC_PROXY,
            "0f73db04-97ab-4125-b893-e904ad0d5464",
            "04 db 73 0f ab 97 25 41 b8 93 e9 04 ad 0d 54 64",
        ),
        (
            ClientGuid::NFC_INFO,
            "d2de1625-382d-417d-48a4-efabba8a1206",
            "25 16 de d2 2d 38 7d 41 48 a4 ef ab ba 8a 12 06",
        ),
        (
            ClientGuid::NFC_HCI,
            "0bb17a78-2a8e-4c50-94d4-50266723775c",
            "78 7a b1 0b 8e 2a 50 4c 94 d4 50 26 67 23 77 5c",
        ),
    ];

    #[test]
    fn groups_of_every_known_client_are_swapped_as_the_ioctl_wants() {
        for (guid, text, bytes) in TABLE {
            let hex: Vec<String> = guid.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(hex.join(" "), bytes, "{text}");
            assert_eq!(guid.to_string(), text);
            assert_eq!(text.parse(), Ok(guid));
            assert_eq!(text.to_uppercase().parse(), Ok(guid));
            assert_eq!(ClientGuid::from_bytes(guid.to_bytes()), guid);
            assert!(guid.name().is_some(), "{text} has no name");
        }
    }

    #[test]
    fn text_that_is_almost_a_guid_is_refused() {
        for text in [
            "",
            "6733a4db",
            "6733a4db-0476-4e7b-b3af-bcfc29bee7a",
            "6733a4db-0476-4e7b-b3af-bcfc29bee7a70",
            "6733a4db-0476-4e7b-b3af-bcfc29bee7a7-",
            "+733a4db-0476-4e7b-b3af-bcfc29bee7a7",
            "6733a4dg-0476-4e7b-b3af-bcfc29bee7a7",
            "6733a4db04764e7bb3afbcfc29bee7a7",
        ] {
            assert_eq!(text.parse::<ClientGuid>(), Err(ParseGuidError), "{text:?}");
        }
    }

    #[test]
    fn unknown_client_shows_its_guid_and_no_name() {
        let guid = ClientGuid::from_bytes([0; 16]);
        assert_eq!(guid.name(), None);
        assert_eq!(format!("{guid:?}"), "ClientGuid(00000000-0000-0000-0000-000000000000)");
    }
}
