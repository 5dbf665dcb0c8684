//! One open of the virtual device: CONNECT, the driver's queue, and the firmware client behind it.
//!
//! Owns the order of messages and the limits that the driver sets (message length, queue length, credit). What a message means is
//! the client's business. Driven by `world`.

use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::client::ClientKind;
use super::packet::Packet;
use super::port::Port;
use super::socket::Received;
use crate::amthi::Amthi;
use crate::apf::Session;
use crate::faults::{ConnectFault, EBUSY, EINVAL, ENOTTY, EOPNOTSUPP, Hold};
use crate::firmware::Firmware;
use crate::mkhi::Mkhi;
use crate::stats::Violation;
use crate::watchdog::Watchdog;

/// Messages taken from one connection before the others, the engine and the senders get their turn.
const READ_BATCH: usize = 64;
/// Messages sent on one connection in a row, for the same reason.
const WRITE_BATCH: usize = 64;

/// Messages that wait for a host which does not read. Firmware takes no more from it until some are gone (apf 4.5); the number
/// is above what any script makes at once in answer to one message.
const MAX_UNSENT: usize = 8192;

/// Which connection of the device; never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Why a connection is over.
#[derive(Debug)]
pub(crate) enum Departure {
    /// The host closed it.
    Closed,
    /// The socket failed.
    Failed(io::Error),
}

/// Whether a turn left something undone that needs no event to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing to do until an event.
    Idle,
    /// A batch was full.
    More,
}

/// One open of the device.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnectionId,
    port: Port,
    client: Option<Client>,
    /// Messages that the driver took from the host and firmware has not taken from the driver.
    fifo: VecDeque<Bytes>,
    /// A message that the host had no credit for yet.
    unsent: Option<Packet>,
}

/// The firmware client behind a connection.
#[derive(Debug)]
enum Client {
    Lme(Box<Session>),
    Amthi(Amthi),
    Mkhi(ClientKind, Mkhi),
    Watchdog(Watchdog),
}

impl Client {
    fn new(kind: ClientKind, id: ConnectionId, firmware: &mut Firmware) -> Self {
        match kind {
            ClientKind::Lme => Self::Lme(Box::new(Session::new(id, firmware))),
            ClientKind::Amthi => Self::Amthi(Amthi::default()),
            ClientKind::Mkhi | ClientKind::MkhiFixed => Self::Mkhi(kind, Mkhi::default()),
            ClientKind::Watchdog => Self::Watchdog(Watchdog::default()),
        }
    }

    fn kind(&self) -> ClientKind {
        match self {
            Self::Lme(_) => ClientKind::Lme,
            Self::Amthi(_) => ClientKind::Amthi,
            Self::Mkhi(kind, _) => *kind,
            Self::Watchdog(_) => ClientKind::Watchdog,
        }
    }

    fn handle(&mut self, firmware: &mut Firmware, message: &[u8]) {
        match self {
            Self::Lme(session) => session.handle(firmware, message),
            Self::Amthi(amthi) => amthi.handle(firmware, message),
            Self::Mkhi(_, mkhi) => mkhi.handle(firmware, message),
            Self::Watchdog(watchdog) => watchdog.handle(firmware, message),
        }
    }

    fn transmit(&mut self, firmware: &mut Firmware) -> Option<Packet> {
        match self {
            Self::Lme(session) => session.transmit(firmware),
            Self::Amthi(amthi) => amthi.transmit(),
            Self::Mkhi(_, mkhi) => mkhi.transmit(),
            Self::Watchdog(watchdog) => watchdog.transmit(),
        }
    }

    /// Whether firmware takes messages now.
    fn takes(&self, firmware: &Firmware) -> bool {
        let (held, unsent) = match self {
            Self::Lme(session) => (firmware.faults.reading, session.unsent()),
            Self::Amthi(amthi) => (Hold::Off, amthi.unsent()),
            Self::Mkhi(_, mkhi) => (Hold::Off, mkhi.unsent()),
            Self::Watchdog(watchdog) => (Hold::Off, watchdog.unsent()),
        };
        !held.is_on(firmware.now) && unsent < MAX_UNSENT
    }

    /// Whether firmware sends messages now.
    fn sends(&self, firmware: &Firmware) -> bool {
        !matches!(self, Self::Lme(_)) || !firmware.faults.writing.is_on(firmware.now)
    }
}

impl Connection {
    pub(crate) fn new(id: ConnectionId, port: Port) -> Self {
        Self { id, port, client: None, fifo: VecDeque::new(), unsent: None }
    }

    /// Reads what the host sent, as far as the driver's queue and a batch allow, and lets firmware take it.
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        firmware: &mut Firmware,
    ) -> Result<Turn, Departure> {
        self.drain_fifo(firmware);
        for count in 0..READ_BATCH {
            if self.is_full(firmware) {
                return if self.port.is_closed() { Err(Departure::Closed) } else { Ok(Turn::Idle) };
            }
            match self.port.poll_recv(cx, buffer) {
                Poll::Pending => return Ok(Turn::Idle),
                Poll::Ready(Err(error)) => return Err(Departure::Failed(error)),
                Poll::Ready(Ok(Received::Closed)) => return Err(Departure::Closed),
                Poll::Ready(Ok(Received::Message(length))) => self.take_in(&buffer[..length], firmware),
            }
            // What was waiting in the socket, or in the queue of a firmware that takes nothing.
            let waiting = self.fifo.len().max(count + 1);
            firmware.stats.fifo_high_water = firmware.stats.fifo_high_water.max(waiting);
            if firmware.schedule.is_count_due() {
                break;
            }
        }
        Ok(Turn::More)
    }

    /// Whether the driver's queue takes no more, because firmware takes nothing out of it.
    fn is_full(&self, firmware: &Firmware) -> bool {
        match &self.client {
            Some(client) if self.port.has_queue() => !client.takes(firmware),
            _ => self.fifo.len() >= firmware.config.mei.fifo,
        }
    }

    fn take_in(&mut self, message: &[u8], firmware: &mut Firmware) {
        let Some(client) = &mut self.client else { return self.handle_connect(message, firmware) };
        let limit = client.kind().properties(firmware.config.apf.max_message).max_message;
        if message.len() > limit {
            let name = client.kind().name();
            firmware.violation(Violation::MessageTooLong, format!("more than {limit} bytes for {name}"));
        } else if client.takes(firmware) {
            client.handle(firmware, message);
        } else {
            self.fifo.push_back(Bytes::copy_from_slice(message));
        }
    }

    /// Lets firmware take the queued messages, as far as it does.
    fn drain_fifo(&mut self, firmware: &mut Firmware) {
        while let Some(client) = &mut self.client
            && client.takes(firmware)
            && !firmware.schedule.is_count_due()
            && let Some(message) = self.fifo.pop_front()
        {
            client.handle(firmware, &message);
        }
    }

    /// Sends what firmware has to send, as far as the host's credit and a batch allow.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        firmware: &mut Firmware,
    ) -> Result<Turn, Departure> {
        for _ in 0..WRITE_BATCH {
            let Some(packet) = self.next_packet(firmware) else { return Ok(Turn::Idle) };
            match self.port.poll_send(cx, &packet) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
                    return Err(Departure::Closed);
                }
                Poll::Ready(Err(error)) => return Err(Departure::Failed(error)),
                Poll::Pending => {
                    self.unsent = Some(packet);
                    return Ok(Turn::Idle);
                }
            }
        }
        Ok(Turn::More)
    }

    /// The message that is already in the driver's hands, or the client's next one unless a script stops it.
    fn next_packet(&mut self, firmware: &mut Firmware) -> Option<Packet> {
        self.unsent.take().or_else(|| {
            let client = self.client.as_mut()?;
            client.sends(firmware).then(|| client.transmit(firmware)).flatten()
        })
    }

    fn handle_connect(&mut self, message: &[u8], firmware: &mut Firmware) {
        let mut reply = [0; 12];
        match connect(message, firmware) {
            Ok(kind) => {
                let properties = kind.properties(firmware.config.apf.max_message);
                self.port.fit(properties.max_message);
                firmware.stats.connects += 1;
                self.client = Some(Client::new(kind, self.id, firmware));
                // At most MAX_MESSAGE.
                reply[4..8].copy_from_slice(&(properties.max_message as u32).to_le_bytes());
                reply[8] = properties.version;
            }
            Err(ConnectFault::Status(errno)) => {
                firmware.stats.connects_refused += 1;
                reply[..4].copy_from_slice(&errno.to_le_bytes());
            }
            Err(ConnectFault::Silent) => {
                firmware.stats.connects_silent += 1;
                return;
            }
            Err(ConnectFault::Garbage(bytes)) => {
                firmware.stats.connects_refused += 1;
                self.unsent = Some(Packet::new(&bytes));
                return;
            }
        }
        self.unsent = Some(Packet::new(&reply));
    }

    /// The client behind the connection.
    pub(crate) fn kind(&self) -> Option<ClientKind> {
        self.client.as_ref().map(Client::kind)
    }

    /// The port forwarding session behind the connection.
    pub(crate) fn session(&mut self) -> Option<&mut Session> {
        match &mut self.client {
            Some(Client::Lme(session)) => Some(session),
            _ => None,
        }
    }

    /// Messages that firmware has not taken.
    pub(crate) fn fifo_length(&self) -> usize {
        self.fifo.len()
    }
}

/// Which client a CONNECT leads to: `u8 1`, 3 zero bytes, GUID, `u8 vtag`, 3 zero bytes. Occupies the client.
fn connect(message: &[u8], firmware: &mut Firmware) -> Result<ClientKind, ConnectFault> {
    let message: &[u8; 24] = message.try_into().map_err(|_| ConnectFault::Status(EINVAL))?;
    if message[0] != 1 {
        return Err(ConnectFault::Status(EINVAL));
    }
    let Some(kind) = ClientKind::by_guid(&message[4..20]) else { return Err(ConnectFault::Status(ENOTTY)) };
    if message[20] != 0 {
        return Err(ConnectFault::Status(EOPNOTSUPP));
    }
    if let Some(fault) = firmware.faults.connect(kind, firmware.now) {
        return Err(fault);
    }
    let limit = if kind == ClientKind::Lme { firmware.config.mei.lme_connections } else { 1 };
    if firmware.occupancy.enter(kind, limit, firmware.now) {
        Ok(kind)
    } else {
        Err(ConnectFault::Status(EBUSY))
    }
}
