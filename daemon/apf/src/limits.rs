//! Every limit of a session: its default, its hard bounds, and what happens when it is hit. No other part of
//! a session names a size or a time.

use std::{ops::RangeInclusive, time::Duration};

use crate::{class::Class, id::Port, wire};

/// Global requests that may wait for their reply at once, because an earlier one still waits for the host's
/// answer and replies must keep their order. Firmware sends about four. Beyond: session error
/// [`Flood`](crate::SessionError::Flood).
pub(crate) const MAX_WAITING_REQUESTS: usize = 64;

/// Messages of our own that may wait to be written. Each channel contributes at most an open, an adjust and a
/// close; the rest are answers to firmware, which reaches this number only by sending while it does not read.
/// Beyond: session error [`Flood`](crate::SessionError::Flood).
pub(crate) const MAX_CONTROL_QUEUE: usize = 256;

/// Channel numbers remembered after an exchange that firmware did not complete. Beyond: the oldest is
/// forgotten, and late messages for it are ignored like those for any unknown number.
pub(crate) const MAX_ZOMBIES: usize = 1024;

/// Separate chunks that a transmit buffer may hold. Beyond: they are copied into one, so that a client that
/// writes byte by byte costs bytes and not handles.
pub(crate) const MAX_CHUNKS: usize = 64;

/// The receive window of a channel whose owner has gone: granted before our CLOSE, so that firmware can send
/// the rest of its answer into the void without another adjust. An adjust *after* our CLOSE could cross
/// firmware's and reach the next channel that firmware gives the same number. Larger than any answer of AMT, and
/// small enough that a large download that was given up does not keep the link busy for long.
pub(crate) const FAREWELL_WINDOW: u32 = 1 << 20;

/// How long a message waits for more of the window before it is cut to what there is (RFC 1122, 4.2.3.4: at least
/// 0.1 s). A channel on which this wait was in vain does not wait again.
pub(crate) const NARROW_WAIT: Duration = Duration::from_millis(100);

/// Longest address or host name accepted from firmware, in bytes (`apf 10` row 22). Longer: the request is
/// refused.
pub(crate) const MAX_ADDRESS: usize = 255;

/// Firmware has a pool of eight channels (`apf 4.2`).
const MAX_CHANNELS: RangeInclusive<usize> = 1..=8;
const WINDOW: RangeInclusive<u32> = 1..=1 << 20;
const BUFFER: RangeInclusive<usize> = 1..=1 << 20;
const FRAME: RangeInclusive<usize> = 1..=1 << 20;
const FORWARDS: RangeInclusive<usize> = 1..=64;
const TIMEOUT: RangeInclusive<Duration> = Duration::from_millis(1)..=Duration::from_secs(3600);

/// What a session is told when it begins. Values outside their hard bounds are clamped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    /// Longest message that the device takes in one write, in bytes, from the connect reply. Default 5120
    /// (`apf 1`). Below [`wire::VERSION_LENGTH`] no session is possible, and the first message ends it.
    pub max_message_length: usize,
    /// Number of the MEI connection, part of every [`ChannelId`](crate::ChannelId). Default 0.
    pub generation: u32,
    /// Receive window announced for each channel, in bytes: also the most that a client who reads nothing
    /// can make the host hold. Default 4096, 1 to 1 MiB. A peer that exceeds it loses the channel.
    pub rx_window: u32,
    /// Channels of the host that may exist at once, opening and closing ones included. Default 6 of
    /// firmware's eight (`apf 4.2`), 1 to 8. Beyond: [`OpenError::NoSlot`](crate::OpenError::NoSlot).
    pub max_channels: usize,
    /// Opens that may be unanswered at once. Default 2, 1 to 8. Beyond:
    /// [`OpenError::TooManyOpening`](crate::OpenError::TooManyOpening).
    pub max_opening: usize,
    /// Channels that firmware may open towards the host at once. Default 2, 0 to 8. Beyond: refused with
    /// "resource shortage".
    pub max_direct: usize,
    /// Bytes that may wait for transmission per channel. Default 16384, 1 to 1 MiB. Beyond:
    /// [`SendError::Full`](crate::SendError::Full).
    pub tx_buffer: usize,
    /// Longest payload of one data message, in bytes, and the quantum of the round-robin within a class.
    /// Default 4096, 1 to 1 MiB; what the device takes is a second bound.
    pub max_frame: usize,
    /// Bytes that firmware may have been handed by the channels of each class, as in [`Class::ALL`], without having
    /// credited or answered them. Default 64 KiB for the urgent classes, 32 KiB for interactive, 16 KiB for bulk. Beyond:
    /// they wait here, where an urgent message can pass them. A channel may always have three quarters of a window with
    /// firmware, and one channel of each class a whole one.
    pub max_handed: [usize; Class::ALL.len()],
    /// Ports that firmware may ask to have forwarded. Default: the six that `apf 3.4` lists. Others are
    /// refused.
    pub allowed_ports: Vec<Port>,
    /// Forwards (pairs of port and address) that may exist at once. Default 16, 1 to 64. Beyond: the request
    /// is refused.
    pub max_forwards: usize,
    /// How long each thing may take.
    pub timeouts: Timeouts,
}

impl SessionConfig {
    /// The same with every value within its hard bounds.
    pub(crate) fn clamped(self) -> Self {
        Self {
            rx_window: clamp(self.rx_window, WINDOW),
            max_channels: clamp(self.max_channels, MAX_CHANNELS),
            max_opening: clamp(self.max_opening, MAX_CHANNELS),
            max_direct: self.max_direct.min(*MAX_CHANNELS.end()),
            tx_buffer: clamp(self.tx_buffer, BUFFER),
            max_frame: clamp(self.max_frame, FRAME),
            max_forwards: clamp(self.max_forwards, FORWARDS),
            timeouts: self.timeouts.clamped(),
            ..self
        }
    }

    /// The share of a class in what firmware has not credited.
    pub(crate) fn max_handed(&self, class: Class) -> usize {
        self.max_handed.get(class.index()).copied().unwrap_or(usize::MAX)
    }

    /// The most payload that one data message may carry.
    pub(crate) fn frame_limit(&self) -> usize {
        self.max_frame.min(self.max_message_length.saturating_sub(wire::DATA_HEADER)).max(1)
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            max_message_length: 5120,
            generation: 0,
            rx_window: 4096,
            max_channels: 6,
            max_opening: 2,
            max_direct: 2,
            tx_buffer: 16_384,
            max_frame: 4096,
            max_handed: [64 << 10, 64 << 10, 32 << 10, 16 << 10],
            allowed_ports: [16_992, 16_993, 16_994, 16_995, 623, 664].map(Port).to_vec(),
            max_forwards: 16,
            timeouts: Timeouts::default(),
        }
    }
}

/// Every wait of a session. Each is clamped to between 1 ms and one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Silence of firmware after connecting until the host speaks first. Default 2 s (`apf 3.1`).
    pub version: Duration,
    /// From connecting, or from a restart by firmware, until the forwarding service is granted. Default 10
    /// s, then a session error.
    pub handshake: Duration,
    /// For the host to answer a forward request. Default 2 s, then the request is refused: firmware does not
    /// wait for ever (`apf 3.5`).
    pub forward_answer: Duration,
    /// For firmware to answer an open. Default 15 s, then the open counts as refused and the slot as free.
    pub open: Duration,
    /// For bytes that were queued before `close` to leave. Default 30 s, then they are dropped and the close
    /// goes out.
    pub drain: Duration,
    /// For firmware to answer a close. Default 10 s, then the slot counts as free and the number is
    /// remembered.
    pub close: Duration,
    /// For an exhausted window to be replenished while data waits. Default 30 s, then the channel is closed
    /// (`apf 10` row 36).
    pub zero_window: Duration,
}

impl Timeouts {
    fn clamped(self) -> Self {
        Self {
            version: clamp(self.version, TIMEOUT),
            handshake: clamp(self.handshake, TIMEOUT),
            forward_answer: clamp(self.forward_answer, TIMEOUT),
            open: clamp(self.open, TIMEOUT),
            drain: clamp(self.drain, TIMEOUT),
            close: clamp(self.close, TIMEOUT),
            zero_window: clamp(self.zero_window, TIMEOUT),
        }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            version: Duration::from_secs(2),
            handshake: Duration::from_secs(10),
            forward_answer: Duration::from_secs(2),
            open: Duration::from_secs(15),
            drain: Duration::from_secs(30),
            close: Duration::from_secs(10),
            zero_window: Duration::from_secs(30),
        }
    }
}

fn clamp<T: Ord + Copy>(value: T, bounds: RangeInclusive<T>) -> T {
    value.clamp(*bounds.start(), *bounds.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every setting that has bounds, at one value.
    fn all(size: usize, time: Duration) -> SessionConfig {
        let timeouts = Timeouts {
            version: time,
            handshake: time,
            forward_answer: time,
            open: time,
            drain: time,
            close: time,
            zero_window: time,
        };
        SessionConfig {
            rx_window: u32::try_from(size).unwrap_or(u32::MAX),
            max_channels: size,
            max_opening: size,
            max_direct: size,
            tx_buffer: size,
            max_frame: size,
            max_forwards: size,
            timeouts,
            ..SessionConfig::default()
        }
    }

    #[test]
    fn no_setting_can_do_away_with_a_limit_or_with_what_it_limits() {
        let least = all(1, Duration::from_millis(1));
        assert_eq!(all(0, Duration::ZERO).clamped(), SessionConfig { max_direct: 0, ..least });
        let most = all(1 << 20, Duration::from_secs(3600));
        let most = SessionConfig { max_channels: 8, max_opening: 8, max_direct: 8, max_forwards: 64, ..most };
        assert_eq!(all(usize::MAX, Duration::MAX).clamped(), most);
        assert_eq!(SessionConfig::default().clamped(), SessionConfig::default());
    }

    #[test]
    fn frame_holds_its_header_within_the_longest_message_and_is_never_empty() {
        let frame = |max_message_length, max_frame| {
            SessionConfig { max_message_length, max_frame, ..SessionConfig::default() }.frame_limit()
        };
        assert_eq!([frame(5120, 4096), frame(2048, 4096), frame(9, 4096)], [4096, 2039, 1]);
    }
}
