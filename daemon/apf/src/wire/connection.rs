//! Messages about the session as a whole: version, disconnect, services, authentication, keepalive (`apf 2.1`
//! to `2.4`, `2.13`, `2.14`).

use std::fmt;

use super::{DecodeError, put_string, put_u32, reader::Reader};

/// Name of the port-forwarding service, the one that LME firmware asks for.
pub const SERVICE_PFWD: &[u8] = b"pfwd@amt.intel.com";
/// Name of the authentication service; allowed, not seen on LME (`apf 3.3`).
pub const SERVICE_AUTH: &[u8] = b"auth@amt.intel.com";
/// The trigger that marks a version message of the local interface (`apf 2.13`).
pub const TRIGGER_LME: u32 = 254;
/// Length of PROTOCOLVERSION, the longest message that every session must be able to send, in bytes.
pub const VERSION_LENGTH: usize = 93;

/// DISCONNECT (1), `apf 2.1`: ends the session at once; nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnect {
    /// Why.
    pub reason: DisconnectReason,
}

impl Disconnect {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reason = DisconnectReason(reader.u32("reason")?);
        reader.array::<2>("reserved")?;
        Ok(Self { reason })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.reason.0);
        out.extend_from_slice(&[0; 2]);
    }
}

/// Why a session ended; unknown values are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DisconnectReason(pub u32);

impl DisconnectReason {
    /// The host may not connect.
    pub const HOST_NOT_ALLOWED_TO_CONNECT: Self = Self(1);
    /// The peer broke the protocol.
    pub const PROTOCOL_ERROR: Self = Self(2);
    /// Unused in APF.
    pub const KEY_EXCHANGE_FAILED: Self = Self(3);
    /// Unused in APF.
    pub const RESERVED: Self = Self(4);
    /// Unused in APF.
    pub const MAC_ERROR: Self = Self(5);
    /// Unused in APF.
    pub const COMPRESSION_ERROR: Self = Self(6);
    /// A service was asked for that does not exist.
    pub const SERVICE_NOT_AVAILABLE: Self = Self(7);
    /// The peer's version is too old.
    pub const PROTOCOL_VERSION_NOT_SUPPORTED: Self = Self(8);
    /// Unused in APF.
    pub const HOST_KEY_NOT_VERIFIABLE: Self = Self(9);
    /// The connection was lost.
    pub const CONNECTION_LOST: Self = Self(10);
    /// An orderly stop.
    pub const BY_APPLICATION: Self = Self(11);
    /// Too many connections.
    pub const TOO_MANY_CONNECTIONS: Self = Self(12);
    /// Authentication was cancelled.
    pub const AUTH_CANCELLED_BY_USER: Self = Self(13);
    /// No authentication method is left.
    pub const NO_MORE_AUTH_METHODS_AVAILABLE: Self = Self(14);
    /// Wrong user name or password.
    pub const INVALID_CREDENTIALS: Self = Self(15);
    /// The peer was silent for too long.
    pub const CONNECTION_TIMED_OUT: Self = Self(16);
    /// A policy forbids the session.
    pub const BY_POLICY: Self = Self(17);
    /// Not now.
    pub const TEMPORARILY_UNAVAILABLE: Self = Self(18);

    /// The reason in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::HOST_NOT_ALLOWED_TO_CONNECT => "host not allowed to connect",
            Self::PROTOCOL_ERROR => "protocol error",
            Self::KEY_EXCHANGE_FAILED => "key exchange failed",
            Self::MAC_ERROR => "MAC error",
            Self::COMPRESSION_ERROR => "compression error",
            Self::SERVICE_NOT_AVAILABLE => "service not available",
            Self::PROTOCOL_VERSION_NOT_SUPPORTED => "protocol version not supported",
            Self::HOST_KEY_NOT_VERIFIABLE => "host key not verifiable",
            Self::CONNECTION_LOST => "connection lost",
            Self::BY_APPLICATION => "by application",
            Self::TOO_MANY_CONNECTIONS => "too many connections",
            Self::AUTH_CANCELLED_BY_USER => "authentication cancelled",
            Self::NO_MORE_AUTH_METHODS_AVAILABLE => "no more authentication methods",
            Self::INVALID_CREDENTIALS => "invalid credentials",
            Self::CONNECTION_TIMED_OUT => "connection timed out",
            Self::BY_POLICY => "by policy",
            Self::TEMPORARILY_UNAVAILABLE => "temporarily unavailable",
            _ => "unknown reason",
        }
    }
}

impl fmt::Display for DisconnectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.0)
    }
}

/// The body of SERVICE_REQUEST (5) and SERVICE_ACCEPT (6), `apf 2.2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceName<'a> {
    /// [`SERVICE_PFWD`] or [`SERVICE_AUTH`]; the accept repeats the request's.
    pub name: &'a [u8],
}

impl<'a> ServiceName<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { name: reader.string("service name")? })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, self.name);
    }
}

/// USERAUTH_REQUEST (50), `apf 2.3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserauthRequest<'a> {
    /// User name, at most 64 bytes by the specification.
    pub user: &'a [u8],
    /// The service to authorise.
    pub service: &'a [u8],
    /// How.
    pub method: UserauthMethod<'a>,
}

/// How firmware authenticates itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserauthMethod<'a> {
    /// `none`: not at all.
    None,
    /// `password`: in clear text.
    Password(Secret<'a>),
    /// A method that APF does not define, by name; what follows it in the message is not understood.
    Other(&'a [u8]),
}

impl<'a> UserauthRequest<'a> {
    const NONE: &'static [u8] = b"none";
    const PASSWORD: &'static [u8] = b"password";

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let user = reader.string("user")?;
        let service = reader.string("service")?;
        let method = match reader.string("method")? {
            Self::NONE => UserauthMethod::None,
            Self::PASSWORD => {
                reader.u8("reserved")?;
                UserauthMethod::Password(Secret(reader.string("password")?))
            }
            other => UserauthMethod::Other(other),
        };
        Ok(Self { user, service, method })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, self.user);
        put_string(out, self.service);
        match self.method {
            UserauthMethod::None => put_string(out, Self::NONE),
            UserauthMethod::Password(Secret(password)) => {
                put_string(out, Self::PASSWORD);
                out.push(0);
                put_string(out, password);
            }
            UserauthMethod::Other(name) => put_string(out, name),
        }
    }
}

/// Bytes that must not appear in logs, errors or debug output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret<'a>(pub &'a [u8]);

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// USERAUTH_FAILURE (51), `apf 2.4`. Some senders write two reserved bytes instead of one; the second then
/// counts as trailing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserauthFailure<'a> {
    /// The methods that would be accepted, always `password`.
    pub methods: &'a [u8],
}

impl<'a> UserauthFailure<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let methods = reader.string("methods")?;
        reader.u8("reserved")?;
        Ok(Self { methods })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, self.methods);
        out.push(0);
    }
}

/// PROTOCOLVERSION (192), `apf 2.13`: the first message in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProtocolVersion {
    /// Major version; only 1 exists.
    pub major: u32,
    /// Minor version; only 0 exists.
    pub minor: u32,
    /// Why the session was started, [`TRIGGER_LME`] on the local interface; firmware ignores the host's.
    pub trigger: u32,
    /// The system's UUID; the host sends zeros.
    pub system_id: SystemId,
}

impl ProtocolVersion {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let version = Self {
            major: reader.u32("major")?,
            minor: reader.u32("minor")?,
            trigger: reader.u32("trigger")?,
            system_id: SystemId(reader.array("system id")?),
        };
        reader.array::<64>("reserved")?;
        Ok(version)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.major);
        put_u32(out, self.minor);
        put_u32(out, self.trigger);
        out.extend_from_slice(&self.system_id.0);
        out.extend_from_slice(&[0; 64]);
    }
}

/// A UUID in SMBIOS byte order: the first three groups are little-endian. Displays in the usual form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SystemId(pub [u8; 16]);

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, node @ ..] = self.0;
        let (a, b, c) = (
            u32::from_le_bytes([a0, a1, a2, a3]),
            u16::from_le_bytes([b0, b1]),
            u16::from_le_bytes([c0, c1]),
        );
        write!(f, "{a:08x}-{b:04x}-{c:04x}-{d0:02x}{d1:02x}-")?;
        node.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The body of KEEPALIVE_OPTIONS_REQUEST (210) and KEEPALIVE_OPTIONS_REPLY (211), `apf 2.14`. Zero switches a
/// feature off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeepaliveOptions {
    /// Seconds between probes.
    pub interval: u32,
    /// Seconds of silence after which the peer counts as lost.
    pub timeout: u32,
}

impl KeepaliveOptions {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { interval: reader.u32("interval")?, timeout: reader.u32("timeout")? })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.interval);
        put_u32(out, self.timeout);
    }
}
