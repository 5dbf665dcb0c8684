//! A session with a virtual clock, and short ways to say what it hears and what it is expected to say.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::OnceLock,
    time::{Duration, Instant},
};

use amtd_apf::{
    ChannelId, Class, Counters, Event, Open, OpenError, Port, Session, SessionConfig, SessionError, Transmit,
    wire::{
        ChannelClose, ChannelData, ChannelOpenConfirmation, ChannelOpenFailure, ForwardAddress,
        GlobalRequest, Message, OpenFailureReason, ProtocolVersion, RESERVED, Request, ServiceName, SystemId,
        TRIGGER_LME, WindowAdjust,
    },
};
use bytes::Bytes;

pub(crate) const PORT: Port = Port(16992);
pub(crate) const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 51234);

/// The origin of virtual time. The one reading of a real clock; no result depends on its value.
pub(crate) fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    #[allow(clippy::disallowed_methods)]
    *ORIGIN.get_or_init(Instant::now)
}

pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A session and its clock.
pub(crate) struct Host {
    pub(crate) session: Session,
    pub(crate) now: Instant,
}

impl Host {
    /// Just connected.
    pub(crate) fn connected() -> Self {
        Self::with(SessionConfig::default())
    }

    pub(crate) fn with(config: SessionConfig) -> Self {
        Self { session: Session::new(config, origin()), now: origin() }
    }

    /// Version and service are done; nothing is left to fetch.
    pub(crate) fn ready() -> Self {
        Self::connected().through_handshake()
    }

    /// Port 16992 is forwarded as well.
    pub(crate) fn forwarding() -> Self {
        Self::forwarding_with(SessionConfig::default())
    }

    pub(crate) fn forwarding_with(config: SessionConfig) -> Self {
        let mut host = Self::with(config).through_handshake();
        host.forward(PORT);
        host
    }

    pub(crate) fn through_handshake(mut self) -> Self {
        self.hear(version(1, 0));
        self.hear(service(b"pfwd@amt.intel.com"));
        self.sent();
        self.events();
        self
    }

    /// Lets firmware request a port and the host accept it.
    pub(crate) fn forward(&mut self, port: Port) {
        self.hear(tcpip_forward(b"amt-host", port.0.into()));
        self.answer_all(true);
        self.sent();
        self.events();
    }

    pub(crate) fn answer_all(&mut self, accept: bool) {
        for event in self.events() {
            if let Event::ForwardRequested { forward, .. } = event {
                self.session.answer_forward(self.now, forward, accept);
            }
        }
    }

    /// Hears a message that does not end the session.
    pub(crate) fn hear(&mut self, message: Message<'_>) {
        self.hear_bytes(&encoded(message)).unwrap_or_else(|error| panic!("{message:?}: {error}"));
    }

    pub(crate) fn hear_bytes(&mut self, bytes: &[u8]) -> Result<(), SessionError> {
        self.session.handle_message(self.now, bytes)
    }

    pub(crate) fn fails_on(&mut self, message: Message<'_>) -> SessionError {
        self.hear_bytes(&encoded(message)).expect_err("the session should end")
    }

    pub(crate) fn next(&mut self) -> Option<(Transmit, Vec<u8>)> {
        let mut out = vec![0xaa; 3];
        let transmit = self.session.poll_transmit(self.now, &mut out)?;
        Some((transmit, out))
    }

    /// Everything that leaves, as bytes.
    pub(crate) fn sent(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.next()).map(|(_, bytes)| bytes).collect()
    }

    /// Exactly these messages leave.
    #[track_caller]
    pub(crate) fn says(&mut self, expected: &[Message<'_>]) {
        let sent = self.sent();
        let decoded: Vec<_> =
            sent.iter().map(|bytes| Message::decode(bytes).expect("valid").message).collect();
        assert_eq!(decoded, expected);
        assert!(!self.session.wants_transmit(), "nothing is left to say");
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// Nothing leaves and nothing has happened.
    #[track_caller]
    pub(crate) fn is_quiet(&mut self) {
        self.says(&[]);
        assert_eq!(self.events(), []);
    }

    pub(crate) fn counters(&self) -> &Counters {
        self.session.counters()
    }

    /// Lets time pass, with the wake-ups that the session asks for.
    pub(crate) fn wait(&mut self, duration: Duration) -> Result<(), SessionError> {
        let end = self.now + duration;
        while let Some(deadline) = self.session.poll_timeout().filter(|deadline| *deadline <= end) {
            self.now = self.now.max(deadline);
            self.session.handle_timeout(self.now)?;
        }
        self.now = end;
        Ok(())
    }

    pub(crate) fn open(&mut self) -> Result<ChannelId, OpenError> {
        self.open_as(Class::Interactive)
    }

    pub(crate) fn knock(&mut self) -> Result<ChannelId, OpenError> {
        let open = Open { port: PORT, originator: CLIENT };
        self.session.knock(self.now, open, Class::Interactive)
    }

    pub(crate) fn open_as(&mut self, class: Class) -> Result<ChannelId, OpenError> {
        self.session.open(self.now, Open { port: PORT, originator: CLIENT }, class)
    }

    /// A channel that firmware has confirmed with this number and window; nothing is left to fetch.
    pub(crate) fn opened(&mut self, remote: u32, window: u32) -> ChannelId {
        self.opened_as(Class::Interactive, remote, window)
    }

    pub(crate) fn opened_as(&mut self, class: Class, remote: u32, window: u32) -> ChannelId {
        let id = self.open_as(class).expect("a slot");
        self.sent();
        self.hear(confirmation(id, remote, window));
        assert_eq!(self.events(), [Event::Opened { channel: id }]);
        id
    }

    pub(crate) fn send(&mut self, id: ChannelId, bytes: &[u8]) {
        self.session.send(self.now, id, Bytes::copy_from_slice(bytes)).expect("room");
    }

    pub(crate) fn close(&mut self, id: ChannelId) {
        self.session.close(self.now, id);
    }

    pub(crate) fn abort(&mut self, id: ChannelId) {
        self.session.abort(self.now, id);
    }

    pub(crate) fn state_of(&self, id: ChannelId) -> Option<&'static str> {
        self.session.channels().find(|info| info.id == id).map(|info| info.state)
    }
}

pub(crate) fn encoded(message: Message<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// Bytes from a dump: pairs of hexadecimal digits.
pub(crate) fn hex(dump: &str) -> Vec<u8> {
    dump.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two digits")).collect()
}

pub(crate) fn version(major: u32, minor: u32) -> Message<'static> {
    let system_id = SystemId(*b"0123456789abcdef");
    Message::ProtocolVersion(ProtocolVersion { major, minor, trigger: TRIGGER_LME, system_id })
}

/// The host's version, as it goes out.
pub(crate) fn our_version() -> Message<'static> {
    let system_id = SystemId([0; 16]);
    Message::ProtocolVersion(ProtocolVersion { major: 1, minor: 0, trigger: TRIGGER_LME, system_id })
}

pub(crate) fn service(name: &[u8]) -> Message<'_> {
    Message::ServiceRequest(ServiceName { name })
}

pub(crate) fn request(request: Request<'_>) -> Message<'_> {
    Message::GlobalRequest(GlobalRequest { want_reply: true, request })
}

pub(crate) fn tcpip_forward(address: &[u8], port: u32) -> Message<'_> {
    request(Request::TcpipForward(ForwardAddress { address, port }))
}

pub(crate) fn cancel_forward(address: &[u8], port: u32) -> Message<'_> {
    request(Request::CancelTcpipForward(ForwardAddress { address, port }))
}

pub(crate) fn confirmation(id: ChannelId, remote: u32, window: u32) -> Message<'static> {
    Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
        receiver: id.number(),
        sender: remote,
        window,
        reserved: RESERVED,
    })
}

pub(crate) fn failure(receiver: u32, reason: OpenFailureReason) -> Message<'static> {
    Message::ChannelOpenFailure(ChannelOpenFailure { receiver, reason })
}

pub(crate) fn data(receiver: u32, payload: &[u8]) -> Message<'_> {
    Message::ChannelData(ChannelData { receiver, payload })
}

pub(crate) fn adjust(receiver: u32, bytes: u32) -> Message<'static> {
    Message::WindowAdjust(WindowAdjust { receiver, bytes })
}

/// The adjust with which a channel is left: everything that a full window of 4096 lacks.
pub(crate) fn farewell(receiver: u32) -> Message<'static> {
    adjust(receiver, (1 << 20) - 4096)
}

pub(crate) fn close(receiver: u32) -> Message<'static> {
    Message::ChannelClose(ChannelClose { receiver })
}
