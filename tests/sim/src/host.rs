//! The least host that can speak to the simulator: blocking, one thread, one connection, correct by the book.
//!
//! For the simulator's own tests and measurements. [`Host`] is one open of the virtual device and moves single messages;
//! [`ApfHost`] answers what firmware asks and keeps the books of channels. Not a model for a daemon: it waits wherever it likes.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, DATA_HEADER, Endpoints,
    Message, OpenFailureReason, ProtocolVersion, RESERVED, Request, RequestSuccess, SystemId, TRIGGER_LME,
    WindowAdjust,
};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::MAX_MESSAGE;
use crate::mei::ClientKind;

/// How long a read waits unless told otherwise.
const READ_LIMIT: Duration = Duration::from_secs(10);

/// One open of the virtual device.
#[derive(Debug)]
pub struct Host {
    socket: Socket,
    buffer: Vec<u8>,
}

/// The answer to CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectReply {
    /// 0 or an errno.
    pub status: i32,
    /// Largest message of the client in bytes.
    pub max_message: u32,
    /// The client's version.
    pub version: u8,
}

impl Host {
    /// Opens the device at `path`. Reads wait at most 10 s.
    ///
    /// # Errors
    /// As `connect(2)`.
    pub fn open(path: &Path) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
        socket.connect(&SockAddr::unix(path)?)?;
        socket.set_read_timeout(Some(READ_LIMIT))?;
        Ok(Self { socket, buffer: vec![0; MAX_MESSAGE] })
    }

    /// Connects to a client.
    ///
    /// # Errors
    /// If the device closes, or answers in another form.
    pub fn connect(&mut self, client: ClientKind) -> io::Result<ConnectReply> {
        let mut request = [0; 24];
        request[0] = 1;
        request[4..20].copy_from_slice(&client.guid());
        self.send(&request)?;
        match *self.receive()? {
            [s0, s1, s2, s3, m0, m1, m2, m3, version, 0, 0, 0] => Ok(ConnectReply {
                status: i32::from_le_bytes([s0, s1, s2, s3]),
                max_message: u32::from_le_bytes([m0, m1, m2, m3]),
                version,
            }),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the reply to CONNECT is not one")),
        }
    }

    /// The socket, for its options.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Sends one message.
    ///
    /// # Errors
    /// As `send(2)`; `WouldBlock` if the socket does not block and the device takes nothing.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.socket.write(message).map(drop)
    }

    /// The next message.
    ///
    /// # Errors
    /// As `recv(2)`, `WouldBlock` after the read limit; `UnexpectedEof` if the device is gone, or for a message of no bytes, which
    /// looks the same.
    pub fn receive(&mut self) -> io::Result<&[u8]> {
        match self.socket.read(&mut self.buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => Ok(&self.buffer[..length]),
        }
    }
}

/// What the host knows of one channel.
#[derive(Debug, Default)]
pub struct Book {
    /// Firmware's number, once it is known.
    pub remote: Option<u32>,
    /// Bytes that the host may send.
    pub may_send: u64,
    /// Bytes received and not taken.
    pub input: Vec<u8>,
    /// Payload bytes received in all.
    pub received: u64,
    /// Why firmware refused the channel.
    pub refused: Option<OpenFailureReason>,
    /// Whether firmware closed it.
    pub closed: bool,
    /// Whether this host closed it.
    pub close_sent: bool,
    window: u32,
    uncredited: u32,
}

/// A host that speaks port forwarding.
#[derive(Debug)]
pub struct ApfHost {
    host: Host,
    scratch: Vec<u8>,
    /// Ports that firmware asked to forward and has not cancelled, in order.
    pub ports: Vec<u32>,
    /// Channels by the host's number.
    pub channels: BTreeMap<u32, Book>,
    /// Messages that need no answer and belong to no channel, as `Debug` text.
    pub notes: Vec<String>,
    /// Whether received bytes are kept in [`Book::input`]; they are only counted otherwise.
    pub keep_input: bool,
    next: u32,
    max_payload: usize,
}

impl ApfHost {
    /// Opens the device, connects to LME and goes through the start-up until `ports` ports are forwarded.
    ///
    /// # Errors
    /// If the device refuses, closes or falls silent.
    pub fn start(path: &Path, ports: usize) -> io::Result<Self> {
        let mut host = Host::open(path)?;
        let reply = host.connect(ClientKind::Lme)?;
        if reply.status != 0 {
            return Err(io::Error::from_raw_os_error(reply.status));
        }
        let mut apf = Self::over(host, reply.max_message as usize);
        while apf.ports.len() < ports {
            apf.pump()?;
        }
        Ok(apf)
    }

    /// Speaks over a connection to LME, of which nothing was read yet.
    #[must_use]
    pub fn over(host: Host, max_message: usize) -> Self {
        Self {
            host,
            scratch: Vec::new(),
            ports: Vec::new(),
            channels: BTreeMap::new(),
            notes: Vec::new(),
            keep_input: true,
            next: 256,
            max_payload: max_message - DATA_HEADER,
        }
    }

    /// The connection underneath.
    pub fn host(&mut self) -> &mut Host {
        &mut self.host
    }

    /// Opens a channel and waits for the answer. Returns the host's number; `refused` in its book says whether it is open.
    ///
    /// # Errors
    /// If the device closes or falls silent.
    pub fn open(&mut self, port: u16, window: u32) -> io::Result<u32> {
        let number = self.request_open(port, window)?;
        while self.channels[&number].remote.is_none() && self.channels[&number].refused.is_none() {
            self.pump()?;
        }
        Ok(number)
    }

    /// Asks for a channel. Returns the host's number.
    ///
    /// # Errors
    /// As `send(2)`.
    pub fn request_open(&mut self, port: u16, window: u32) -> io::Result<u32> {
        let number = self.next;
        self.next += 1;
        let endpoints = Endpoints {
            target: b"127.0.0.1",
            target_port: port.into(),
            originator: b"127.0.0.1",
            originator_port: 50_000,
        };
        let kind = ChannelKind::ForwardedTcpip(endpoints);
        self.channels.insert(number, Book { window, ..Book::default() });
        self.send(Message::ChannelOpen(ChannelOpen { sender: number, window, reserved: RESERVED, kind }))?;
        Ok(number)
    }

    /// Sends bytes on a channel, waiting for window as needed.
    ///
    /// # Errors
    /// If the device closes or falls silent.
    pub fn write(&mut self, number: u32, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let Some(book) = self.channels.get_mut(&number) else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            let Some(receiver) = book.remote else { return Err(io::ErrorKind::NotConnected.into()) };
            let length =
                bytes.len().min(self.max_payload).min(usize::try_from(book.may_send).unwrap_or(usize::MAX));
            if length == 0 {
                self.pump()?;
                continue;
            }
            book.may_send -= length as u64;
            let (payload, rest) = bytes.split_at(length);
            self.send(Message::ChannelData(ChannelData { receiver, payload }))?;
            bytes = rest;
        }
        Ok(())
    }

    /// Closes a channel from this side.
    ///
    /// # Errors
    /// As `send(2)`.
    pub fn close(&mut self, number: u32) -> io::Result<()> {
        match self.channels.get_mut(&number) {
            Some(Book { remote: Some(receiver), close_sent: sent @ false, .. }) => {
                *sent = true;
                let receiver = *receiver;
                self.send(Message::ChannelClose(ChannelClose { receiver }))
            }
            _ => Ok(()),
        }
    }

    /// Reads one message and does what it asks for.
    ///
    /// # Errors
    /// If the device closes or falls silent, or sends what cannot be decoded.
    pub fn pump(&mut self) -> io::Result<()> {
        let length = self.host.receive()?.len();
        // The buffer is lent out for the time of the reaction; nothing is read meanwhile.
        let buffer = std::mem::take(&mut self.host.buffer);
        let outcome = match Message::decode(&buffer[..length]) {
            Ok(decoded) => self.react(decoded.message),
            Err(error) => Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
        };
        self.host.buffer = buffer;
        outcome
    }

    fn react(&mut self, message: Message<'_>) -> io::Result<()> {
        match message {
            Message::ChannelData(data) => self.take_data(data),
            Message::WindowAdjust(adjust) => {
                if let Some(book) = self.channels.get_mut(&adjust.receiver) {
                    book.may_send += u64::from(adjust.bytes);
                }
                Ok(())
            }
            Message::ChannelClose(close) => {
                if let Some(book) = self.channels.get_mut(&close.receiver) {
                    book.closed = true;
                }
                self.close(close.receiver)
            }
            Message::ChannelOpenConfirmation(confirmation) => {
                if let Some(book) = self.channels.get_mut(&confirmation.receiver) {
                    book.remote = Some(confirmation.sender);
                    book.may_send = confirmation.window.into();
                }
                Ok(())
            }
            Message::ChannelOpenFailure(failure) => {
                if let Some(book) = self.channels.get_mut(&failure.receiver) {
                    book.refused = Some(failure.reason);
                }
                Ok(())
            }
            other => self.react_to_session(other),
        }
    }

    fn react_to_session(&mut self, message: Message<'_>) -> io::Result<()> {
        match message {
            Message::ProtocolVersion(_) => {
                self.channels.clear();
                self.ports.clear();
                let system_id = SystemId::default();
                let version = ProtocolVersion { major: 1, minor: 0, trigger: TRIGGER_LME, system_id };
                self.send(Message::ProtocolVersion(version))
            }
            Message::ServiceRequest(service) => self.send(Message::ServiceAccept(service)),
            Message::UserauthRequest(_) => self.send(Message::UserauthSuccess),
            Message::KeepaliveRequest(cookie) => self.send(Message::KeepaliveReply(cookie)),
            Message::KeepaliveOptionsRequest(_) => {
                self.send(Message::KeepaliveOptionsReply(Default::default()))
            }
            Message::GlobalRequest(request) => match request.request {
                Request::TcpipForward(forward) => {
                    self.ports.push(forward.port);
                    self.send(Message::RequestSuccess(RequestSuccess { port: Some(forward.port) }))
                }
                Request::CancelTcpipForward(forward) => {
                    self.ports.retain(|port| *port != forward.port);
                    self.send(Message::RequestSuccess(RequestSuccess { port: None }))
                }
                Request::Unknown { .. } if request.want_reply => self.send(Message::RequestFailure),
                other => {
                    self.notes.push(format!("{other:?}"));
                    Ok(())
                }
            },
            Message::ChannelOpen(open) => self.accept(open),
            other => {
                self.notes.push(format!("{other:?}"));
                Ok(())
            }
        }
    }

    /// Accepts a channel of firmware's.
    fn accept(&mut self, open: ChannelOpen<'_>) -> io::Result<()> {
        const WINDOW: u32 = 4096;
        let number = self.next;
        self.next += 1;
        let may_send = open.window.into();
        self.channels
            .insert(number, Book { remote: Some(open.sender), may_send, window: WINDOW, ..Book::default() });
        self.send(Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: open.sender,
            sender: number,
            window: WINDOW,
            reserved: RESERVED,
        }))
    }

    /// Counts and credits: half a window at a time, or a whole small one.
    fn take_data(&mut self, data: ChannelData<'_>) -> io::Result<()> {
        let Some(book) = self.channels.get_mut(&data.receiver) else { return Ok(()) };
        book.received += data.payload.len() as u64;
        if self.keep_input {
            book.input.extend_from_slice(data.payload);
        }
        // A payload is shorter than a message.
        book.uncredited += data.payload.len() as u32;
        if let Some(receiver) = book.remote
            && book.uncredited >= book.window.div_ceil(2)
            && !book.close_sent
        {
            let bytes = std::mem::take(&mut book.uncredited);
            self.send(Message::WindowAdjust(WindowAdjust { receiver, bytes }))?;
        }
        Ok(())
    }

    /// Sends one message.
    ///
    /// # Errors
    /// As `send(2)`.
    pub fn send(&mut self, message: Message<'_>) -> io::Result<()> {
        self.scratch.clear();
        message.encode(&mut self.scratch);
        self.host.send(&self.scratch)
    }
}
