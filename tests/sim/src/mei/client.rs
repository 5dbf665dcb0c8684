//! The firmware clients that the virtual device offers: names, GUIDs and properties (mei 7).
//!
//! Read by `mei::connection` to answer CONNECT and by the fault scripts, which name a client by its short name.

use serde::{Deserialize, Serialize};

/// One client of the firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClientKind {
    /// Port forwarding.
    Lme,
    /// Host interface commands of AMT.
    Amthi,
    /// Kernel-host interface, dynamic address.
    Mkhi,
    /// Kernel-host interface, fixed address.
    MkhiFixed,
    /// Watchdog and manageability state.
    Watchdog,
}

/// What the driver's connect call returns about a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Properties {
    /// `max_msg_length`, in bytes.
    pub(crate) max_message: usize,
    /// `protocol_version`.
    pub(crate) version: u8,
}

impl ClientKind {
    /// Every client.
    pub const ALL: [Self; 5] = [Self::Lme, Self::Amthi, Self::Mkhi, Self::MkhiFixed, Self::Watchdog];

    /// The client with this GUID, in the memory order of the connect call.
    #[must_use]
    pub fn by_guid(guid: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.guid() == guid)
    }

    /// GUID in the memory order of the connect call: the first three groups little-endian.
    #[must_use]
    pub fn guid(self) -> [u8; 16] {
        match self {
            Self::Lme => *b"\xdb\xa4\x33\x67\x76\x04\x7b\x4e\xb3\xaf\xbc\xfc\x29\xbe\xe7\xa7",
            Self::Amthi => *b"\x28\x00\xf8\x12\xb7\xb4\x2d\x4b\xac\xa8\x46\xe0\xff\x65\x81\x4c",
            Self::Mkhi => *b"\x15\x67\x6a\x8e\xbc\x9a\x43\x40\x88\xef\x9e\x39\xc6\xf6\x3e\x0f",
            Self::MkhiFixed => *b"\x84\x35\x21\x55\x29\x9a\x16\x49\xba\xdf\x0f\xb7\xed\x68\x2a\xeb",
            Self::Watchdog => *b"\x6f\x9a\xb7\x05\x28\x46\x7f\x4d\x89\x9d\xa9\x15\x14\xcb\x32\xab",
        }
    }

    /// Short name, as in fault scripts.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lme => "lme",
            Self::Amthi => "amthi",
            Self::Mkhi => "mkhi",
            Self::MkhiFixed => "mkhi-fixed",
            Self::Watchdog => "watchdog",
        }
    }

    /// Size and version. AMTHI's are captured values (mei 7); the others have no source and are guessed.
    pub(crate) fn properties(self, lme_max_message: usize) -> Properties {
        match self {
            Self::Lme => Properties { max_message: lme_max_message, version: 1 },
            Self::Amthi => Properties { max_message: 5120, version: 1 },
            Self::Mkhi | Self::MkhiFixed => Properties { max_message: 2048, version: 1 },
            // A version above 1 tells the kernel that pings are answered (mei 7).
            Self::Watchdog => Properties { max_message: 64, version: 2 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A GUID text in the connect call's memory order.
    fn memory_order(text: &str) -> Vec<u8> {
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        let bytes: Vec<u8> =
            (0..16).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].iter().map(|&i| bytes[i]).collect()
    }

    #[test]
    fn guids_are_in_memory_order_and_distinct() {
        let texts = [
            "6733a4db-0476-4e7b-b3af-bcfc29bee7a7",
            "12f80028-b4b7-4b2d-aca8-46e0ff65814c",
            "8e6a6715-9abc-4043-88ef-9e39c6f63e0f",
            "55213584-9a29-4916-badf-0fb7ed682aeb",
            "05b79a6f-4628-4d7f-899d-a91514cb32ab",
        ];
        for (kind, text) in ClientKind::ALL.into_iter().zip(texts) {
            assert_eq!(kind.guid().to_vec(), memory_order(text), "{}", kind.name());
            assert_eq!(ClientKind::by_guid(&kind.guid()), Some(kind));
        }
    }
}
