//! The least that a host needs to hold the firmware's LME client on a virtual device: connect, handshake, and answers to what
//! firmware asks in passing. One thread, no queue. Used by the [null relay](crate::null_relay) and the [direct link](crate::direct).
//!
//! It has none of the defences of a product: a message that it cannot read ends it.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use amtd_apf::SessionConfig;
use amtd_apf::wire::{
    ChannelClose, ChannelKind, ChannelOpen, DATA_HEADER, Endpoints, GlobalRequest, Message, MessageType,
    ProtocolVersion, RESERVED, Request, RequestSuccess, SystemId, TRIGGER_LME, WindowAdjust,
};
use anyhow::{Context, Result, bail, ensure};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, recv, send, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

/// A firmware client's identity as the connect request carries it (mei 7).
pub(crate) type Guid = [u8; 16];

const LME: Guid =
    [0xdb, 0xa4, 0x33, 0x67, 0x76, 0x04, 0x7b, 0x4e, 0xb3, 0xaf, 0xbc, 0xfc, 0x29, 0xbe, 0xe7, 0xa7];
/// The one port that is used.
pub(crate) const PORT: u16 = 16992;
/// Longest that a blocking call may wait for firmware.
const LIMIT_MS: u16 = 20_000;

/// A session with firmware in which port 16992 is forwarded.
#[derive(Debug)]
pub(crate) struct Link {
    device: OwnedFd,
    max_message: usize,
    /// Receive window that is announced for each channel, and most payload per message: the daemon's defaults.
    pub(crate) window: u32,
    max_frame: usize,
    next_channel: u32,
    outgoing: Vec<u8>,
}

impl Link {
    /// Connects to LME on the virtual device at `path` and waits until firmware has its port.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let (device, max_message) = open(path, LME).context("connect to LME")?;
        let SessionConfig { rx_window: window, max_frame, .. } = SessionConfig::default();
        let mut link = Self { device, max_message, window, max_frame, next_channel: 0, outgoing: Vec::new() };
        link.handshake().context("handshake with firmware")?;
        Ok(link)
    }

    /// Room that a buffer for [`Self::receive`] needs.
    pub(crate) fn max_message(&self) -> usize {
        self.max_message
    }

    /// Most payload of one data message.
    pub(crate) fn max_payload(&self) -> usize {
        self.max_frame.min(self.max_message - DATA_HEADER)
    }

    /// Waits for a message.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        received(recv(self.device.as_raw_fd(), buffer, MsgFlags::empty()))
    }

    /// Takes a message if there is one.
    pub(crate) fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match recv(self.device.as_raw_fd(), buffer, MsgFlags::MSG_DONTWAIT) {
            Err(Errno::EAGAIN) => Ok(None),
            result => received(result).map(Some),
        }
    }

    /// Sends a message, waiting if need be.
    pub(crate) fn send(&mut self, message: &Message<'_>) -> io::Result<()> {
        self.outgoing.clear();
        message.encode(&mut self.outgoing);
        send(self.device.as_raw_fd(), &self.outgoing, MsgFlags::MSG_NOSIGNAL)?;
        Ok(())
    }

    /// Sends encoded bytes if the device takes them now; returns whether it did.
    pub(crate) fn try_send(&self, message: &[u8]) -> io::Result<bool> {
        match send(self.device.as_raw_fd(), message, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
            Ok(_) => Ok(true),
            Err(Errno::EAGAIN) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Waits until the device is ready for one of `interests`, and returns which.
    pub(crate) fn wait(&self, interests: PollFlags) -> io::Result<PollFlags> {
        let mut device = [PollFd::new(self.device.as_fd(), interests)];
        match poll(&mut device, LIMIT_MS)? {
            0 => Err(io::ErrorKind::TimedOut.into()),
            _ => Ok(device[0].revents().unwrap_or(interests)),
        }
    }

    /// Gives firmware window back on its channel `remote`, if the device takes the message now; returns whether it did.
    pub(crate) fn try_credit(&mut self, remote: u32, bytes: u32) -> io::Result<bool> {
        self.outgoing.clear();
        Message::WindowAdjust(WindowAdjust { receiver: remote, bytes }).encode(&mut self.outgoing);
        self.try_send(&self.outgoing)
    }

    /// Asks for a channel, as for a client on `originator_port`, and returns its local number.
    pub(crate) fn open_channel(&mut self, originator_port: u16) -> io::Result<u32> {
        self.next_channel += 1;
        let endpoints = Endpoints {
            target: b"127.0.0.1",
            target_port: u32::from(PORT),
            originator: b"127.0.0.1",
            originator_port: u32::from(originator_port),
        };
        let kind = ChannelKind::ForwardedTcpip(endpoints);
        let open = ChannelOpen { sender: self.next_channel, window: self.window, reserved: RESERVED, kind };
        self.send(&Message::ChannelOpen(open))?;
        Ok(self.next_channel)
    }

    /// Closes firmware's channel `remote`.
    pub(crate) fn close_channel(&mut self, remote: u32) -> io::Result<()> {
        self.send(&Message::ChannelClose(ChannelClose { receiver: remote }))
    }

    /// Answers what firmware asks besides the business of a channel. Messages that need no answer are passed over.
    pub(crate) fn answer(&mut self, message: &Message<'_>) -> Result<()> {
        let reply = match message {
            Message::ProtocolVersion(_) => Message::ProtocolVersion(ProtocolVersion {
                major: 1,
                minor: 0,
                trigger: TRIGGER_LME,
                system_id: SystemId::default(),
            }),
            Message::ServiceRequest(service) => Message::ServiceAccept(*service),
            Message::UserauthRequest(_) => Message::UserauthSuccess,
            Message::GlobalRequest(GlobalRequest { want_reply: true, request }) => match request {
                Request::TcpipForward(forward) => {
                    Message::RequestSuccess(RequestSuccess { port: Some(forward.port) })
                }
                Request::CancelTcpipForward(_) => Message::RequestSuccess(RequestSuccess { port: None }),
                _ => Message::RequestFailure,
            },
            Message::KeepaliveRequest(cookie) => Message::KeepaliveReply(*cookie),
            Message::Disconnect(disconnect) => bail!("firmware disconnected ({})", disconnect.reason),
            _ => return Ok(()),
        };
        Ok(self.send(&reply)?)
    }

    fn handshake(&mut self) -> Result<()> {
        let mut buffer = vec![0; self.max_message];
        loop {
            let length = self.receive(&mut buffer)?;
            let message = Message::decode(&buffer[..length])?.message;
            self.answer(&message)?;
            if let Message::GlobalRequest(GlobalRequest { request: Request::TcpipForward(forward), .. }) =
                message
                && forward.port == u32::from(PORT)
            {
                return Ok(());
            }
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }
}

/// The first bytes of a data message for firmware's channel `remote`, to be followed by `length` bytes (apf 2.11).
pub(crate) fn data_header(remote: u32, length: usize) -> [u8; DATA_HEADER] {
    let [a, b, c, d] = remote.to_be_bytes();
    // A message is far shorter than 4 GiB.
    let [e, f, g, h] = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [MessageType::CHANNEL_DATA.0, a, b, c, d, e, f, g, h]
}

/// Questions to a client of firmware other than LME, one after the other on a connection of their own. The answers; some are
/// empty.
pub(crate) fn ask(path: &Path, client: Guid, questions: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
    let (device, max_message) = open(path, client)?;
    let answer = |question: &&[u8]| {
        send(device.as_raw_fd(), question, MsgFlags::MSG_NOSIGNAL)?;
        let mut answer = vec![0; max_message];
        let length = recv(device.as_raw_fd(), &mut answer, MsgFlags::empty())?;
        answer.truncate(length);
        Ok(answer)
    };
    questions.iter().map(answer).collect()
}

/// Opens the virtual device and connects to a client. Returns also the longest message that it takes.
fn open(path: &Path, client: Guid) -> Result<(OwnedFd, usize)> {
    let device = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    let limit = TimeVal::milliseconds(LIMIT_MS.into());
    setsockopt(&device, sockopt::ReceiveTimeout, &limit)?;
    setsockopt(&device, sockopt::SendTimeout, &limit)?;
    connect(device.as_raw_fd(), &UnixAddr::new(path)?).with_context(|| path.display().to_string())?;
    let max_message = connect_client(&device, client)?;
    Ok((device, max_message))
}

/// The connect exchange of the virtual device: 24 bytes out, 12 bytes back. Returns the longest message that it takes.
fn connect_client(device: &OwnedFd, client: Guid) -> Result<usize> {
    let mut request = [0; 24];
    request[0] = 1;
    request[4..20].copy_from_slice(&client);
    send(device.as_raw_fd(), &request, MsgFlags::MSG_NOSIGNAL)?;
    let mut reply = [0; 12];
    let length = received(recv(device.as_raw_fd(), &mut reply, MsgFlags::empty())).context("connect")?;
    ensure!(
        length == reply.len(),
        "the device answers a connect with {length} bytes instead of {}",
        reply.len()
    );
    let [s0, s1, s2, s3, m0, m1, m2, m3, ..] = reply;
    match i32::from_le_bytes([s0, s1, s2, s3]) {
        0 => {}
        status => bail!("the device refuses a connection: {}", Errno::from_raw(status)),
    }
    let max_message = u32::from_le_bytes([m0, m1, m2, m3]) as usize;
    ensure!(max_message > DATA_HEADER, "the device takes messages of {max_message} bytes at most");
    Ok(max_message)
}

/// The end of the stream is the device going away.
fn received(result: nix::Result<usize>) -> io::Result<usize> {
    match result {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(length) => Ok(length),
        Err(errno) => Err(errno.into()),
    }
}
