//! Global requests and their replies (`apf 2.5`, `2.6`): forwards and datagrams. Replies carry no
//! identification; order is all there is.

use super::{DecodeError, DecodeErrorKind, Scope, put_string, put_u32, reader::Reader};

/// The most payload that a datagram request may carry, in bytes (`apf 2.5`: below 65536).
pub const MAX_DATAGRAM: u32 = 65_535;

/// GLOBAL_REQUEST (80).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GlobalRequest<'a> {
    /// Whether the sender waits for a reply. Any byte but 0 means yes (`apf 10` row 19).
    pub want_reply: bool,
    /// What is asked for.
    pub request: Request<'a>,
}

/// What a global request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request<'a> {
    /// `tcpip-forward`: listen, and open a channel for each connection.
    TcpipForward(ForwardAddress<'a>),
    /// `cancel-tcpip-forward`: stop listening; open channels stay.
    CancelTcpipForward(ForwardAddress<'a>),
    /// `udp-send-to@amt.intel.com`: send one datagram; never answered.
    UdpSendTo(Datagram<'a>),
    /// A request that APF does not define.
    Unknown {
        /// Its name, as it was on the wire.
        name: &'a [u8],
        /// Everything after the want-reply byte.
        body: &'a [u8],
    },
}

impl<'a> GlobalRequest<'a> {
    const FORWARD: &'static [u8] = b"tcpip-forward";
    const CANCEL: &'static [u8] = b"cancel-tcpip-forward";
    const UDP: &'static [u8] = b"udp-send-to@amt.intel.com";

    /// Names are compared whole and case-sensitively: the offsets of the body depend on the exact length.
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let name = reader.string("request name")?;
        let want_reply = reader.u8("want reply")? != 0;
        let request = match name {
            Self::FORWARD => Request::TcpipForward(ForwardAddress::decode(reader)?),
            Self::CANCEL => Request::CancelTcpipForward(ForwardAddress::decode(reader)?),
            Self::UDP => Request::UdpSendTo(Datagram::decode(reader)?),
            name => Request::Unknown { name, body: reader.rest() },
        };
        Ok(Self { want_reply, request })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let name = match self.request {
            Request::TcpipForward(_) => Self::FORWARD,
            Request::CancelTcpipForward(_) => Self::CANCEL,
            Request::UdpSendTo(_) => Self::UDP,
            Request::Unknown { name, .. } => name,
        };
        put_string(out, name);
        out.push(u8::from(self.want_reply));
        match self.request {
            Request::TcpipForward(body) | Request::CancelTcpipForward(body) => body.encode(out),
            Request::UdpSendTo(body) => body.encode(out),
            Request::Unknown { body, .. } => out.extend_from_slice(body),
        }
    }
}

/// Where to listen: the body of both forward requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ForwardAddress<'a> {
    /// Address or host name, may be empty; `apf 3.4` says what each value means.
    pub address: &'a [u8],
    /// TCP port, in a field that is wider than a port.
    pub port: u32,
}

impl<'a> ForwardAddress<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { address: reader.string("address")?, port: reader.u32("port")? })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, self.address);
        put_u32(out, self.port);
    }
}

/// A datagram to send: the body of the UDP request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Destination, an address or a name.
    pub host: &'a [u8],
    /// Destination port.
    pub port: u32,
    /// Originator's address as it should appear in the packet.
    pub originator: &'a [u8],
    /// Originator's port, 0 for any.
    pub originator_port: u32,
    /// The payload, at most [`MAX_DATAGRAM`] bytes.
    pub data: &'a [u8],
}

impl<'a> Datagram<'a> {
    /// A datagram may be dropped silently, so an inconsistent one costs only itself (`apf 10` row 26).
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Self::decode_fields(reader).map_err(|error| DecodeError { scope: Scope::Message, ..error })
    }

    fn decode_fields(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let datagram = Self {
            host: reader.string("host")?,
            port: reader.u32("port")?,
            originator: reader.string("originator")?,
            originator_port: reader.u32("originator port")?,
            data: reader.string("data")?,
        };
        match u32::try_from(datagram.data.len()) {
            Ok(..=MAX_DATAGRAM) => Ok(datagram),
            length => {
                let announced = length.unwrap_or(u32::MAX);
                Err(reader.error("data", DecodeErrorKind::DatagramTooLong { announced }))
            }
        }
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, self.host);
        put_u32(out, self.port);
        put_string(out, self.originator);
        put_u32(out, self.originator_port);
        put_string(out, self.data);
    }
}

/// REQUEST_SUCCESS (81), `apf 2.6`: with the port for a forward, without for a cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestSuccess {
    /// The port that is now forwarded.
    pub port: Option<u32>,
}

impl RequestSuccess {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = if reader.remaining() == 0 { None } else { Some(reader.u32("port")?) };
        Ok(Self { port })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        if let Some(port) = self.port {
            put_u32(out, port);
        }
    }
}
