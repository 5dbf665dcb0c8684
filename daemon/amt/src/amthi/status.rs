//! The status codes of AMT (amthi 8), which the host interface and the network interface share.

use std::fmt;

/// A status of AMT. Any number may come; the known ones have a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(u32);

impl Status {
    /// It worked.
    pub const SUCCESS: Self = Self(0x0);
    /// Firmware has not initialised far enough.
    pub const NOT_READY: Self = Self(0x2);
    /// Not allowed in the current mode.
    pub const INVALID_AMT_MODE: Self = Self(0x3);
    /// The length field was wrong.
    pub const INVALID_MESSAGE_LENGTH: Self = Self(0x4);
    /// The caller may not.
    pub const NOT_PERMITTED: Self = Self(0x10);
    /// A parameter was wrong.
    pub const INVALID_PARAMETER: Self = Self(0x24);
    /// Something that must come first is missing.
    pub const REQUEST_UNEXPECTED: Self = Self(0x1E);
    /// The memory in which it would be stored is protected against too many changes.
    pub const FLASH_WRITE_LIMIT_EXCEEDED: Self = Self(0x26);
    /// Random numbers are being collected.
    pub const RNG_GENERATION_IN_PROGRESS: Self = Self(0x2F);
    /// There is no self-generated certificate yet.
    pub const CERTIFICATE_NOT_READY: Self = Self(0x31);
    /// The password is too weak, or wrong.
    pub const INVALID_PASSWORD: Self = Self(0x806);
    /// Something is missing: of remote access its policy, of configuration over TLS the firmware setup's password.
    pub const DATA_MISSING: Self = Self(0x809);
    /// It is there already.
    pub const DUPLICATE: Self = Self(0x80A);
    /// The interface that was asked for does not exist.
    pub const INTERFACE_DOES_NOT_EXIST: Self = Self(0x9C5);
    /// A component of the firmware does not allow it.
    pub const BLOCKING_COMPONENT: Self = Self(0x81C);
    /// Keys are being made.
    pub const PKI_GENERATING_KEYS: Self = Self(0x80D);

    /// From the number in a reply.
    pub const fn from_code(code: u32) -> Self {
        Self(code)
    }

    /// The number.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// The name in AMT's documentation, if it is a known status.
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(code, _)| *code == self.0).map(|(_, name)| *name)
    }

    /// Whether a read-only command may be sent again after some seconds, because firmware is only not ready yet.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::NOT_READY
                | Self::PKI_GENERATING_KEYS
                | Self::RNG_GENERATION_IN_PROGRESS
                | Self::CERTIFICATE_NOT_READY
        )
    }
}

/// `NOT_READY (0x2)`, or `status 0x999` if it has no name.
impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({:#x})", self.0),
            None => write!(f, "status {:#x}", self.0),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

const NAMES: &[(u32, &str)] = &[
    (0x0, "SUCCESS"),
    (0x1, "INTERNAL_ERROR"),
    (0x2, "NOT_READY"),
    (0x3, "INVALID_AMT_MODE"),
    (0x4, "INVALID_MESSAGE_LENGTH"),
    (0x5, "TABLE_FINGERPRINT_NOT_AVAILABLE"),
    (0x6, "INTEGRITY_CHECK_FAILED"),
    (0x7, "UNSUPPORTED_ISVS_VERSION"),
    (0x8, "APPLICATION_NOT_REGISTERED"),
    (0x9, "INVALID_REGISTRATION_DATA"),
    (0xA, "APPLICATION_DOES_NOT_EXIST"),
    (0xB, "NOT_ENOUGH_STORAGE"),
    (0xC, "INVALID_NAME"),
    (0xD, "BLOCK_DOES_NOT_EXIST"),
    (0xE, "INVALID_BYTE_OFFSET"),
    (0xF, "INVALID_BYTE_COUNT"),
    (0x10, "NOT_PERMITTED"),
    (0x11, "NOT_OWNER"),
    (0x12, "BLOCK_LOCKED_BY_OTHER"),
    (0x13, "BLOCK_NOT_LOCKED"),
    (0x14, "INVALID_GROUP_PERMISSIONS"),
    (0x15, "GROUP_DOES_NOT_EXIST"),
    (0x16, "INVALID_MEMBER_COUNT"),
    (0x17, "MAX_LIMIT_REACHED"),
    (0x18, "INVALID_AUTH_TYPE"),
    (0x19, "AUTHENTICATION_FAILED"),
    (0x1A, "INVALID_DHCP_MODE"),
    (0x1B, "INVALID_IP_ADDRESS"),
    (0x1C, "INVALID_DOMAIN_NAME"),
    (0x1D, "UNSUPPORTED_VERSION"),
    (0x1E, "REQUEST_UNEXPECTED"),
    (0x1F, "INVALID_TABLE_TYPE"),
    (0x20, "INVALID_PROVISIONING_STATE"),
    (0x21, "UNSUPPORTED_OBJECT"),
    (0x22, "INVALID_TIME"),
    (0x23, "INVALID_INDEX"),
    (0x24, "INVALID_PARAMETER"),
    (0x25, "INVALID_NETMASK"),
    (0x26, "FLASH_WRITE_LIMIT_EXCEEDED"),
    (0x27, "INVALID_IMAGE_LENGTH"),
    (0x28, "INVALID_IMAGE_SIGNATURE"),
    (0x29, "PROPOSE_ANOTHER_VERSION"),
    (0x2A, "INVALID_PID_FORMAT"),
    (0x2B, "INVALID_PPS_FORMAT"),
    (0x2C, "BIST_COMMAND_BLOCKED"),
    (0x2D, "CONNECTION_FAILED"),
    (0x2E, "CONNECTION_TOO_MANY"),
    (0x2F, "RNG_GENERATION_IN_PROGRESS"),
    (0x30, "RNG_NOT_READY"),
    (0x31, "CERTIFICATE_NOT_READY"),
    (0x200, "REMOTE_ACCESS_NOT_GRANTED"),
    (0x201, "REMOTE_ACCESS_HOST_VPN_IS_DISABLED"),
    (0x202, "REMOTE_ACCESS_GRANTED_WITHOUT_DDNS"),
    (0x203, "REMOTE_ACCESS_GRANTED_WITH_DDNS"),
    (0x400, "DISABLED_BY_POLICY"),
    (0x801, "UNSUPPORTED_OEM_NUMBER"),
    (0x802, "UNSUPPORTED_BOOT_OPTION"),
    (0x803, "INVALID_COMMAND"),
    (0x804, "INVALID_SPECIAL_COMMAND"),
    (0x805, "INVALID_HANDLE"),
    (0x806, "INVALID_PASSWORD"),
    (0x807, "INVALID_REALM"),
    (0x808, "STORAGE_ACL_ENTRY_IN_USE"),
    (0x809, "DATA_MISSING"),
    (0x80A, "DUPLICATE"),
    (0x80B, "EVENTLOG_FROZEN"),
    (0x80C, "PKI_MISSING_KEYS"),
    (0x80D, "PKI_GENERATING_KEYS"),
    (0x80E, "INVALID_KEY"),
    (0x80F, "INVALID_CERT"),
    (0x810, "CERT_KEY_NOT_MATCH"),
    (0x811, "MAX_KERB_DOMAIN_REACHED"),
    (0x812, "UNSUPPORTED"),
    (0x813, "INVALID_PRIORITY"),
    (0x814, "NOT_FOUND"),
    (0x815, "INVALID_CREDENTIALS"),
    (0x816, "INVALID_PASSPHRASE"),
    (0x818, "NO_ASSOCIATION"),
    (0x81B, "AUDIT_FAIL"),
    (0x81C, "BLOCKING_COMPONENT"),
    (0x821, "USER_CONSENT_REQUIRED"),
    (0x822, "OPERATION_IN_PROGRESS"),
    (0x9C4, "IPV6_INTERFACE_DISABLED"),
    (0x9C5, "INTERFACE_DOES_NOT_EXIST"),
];
