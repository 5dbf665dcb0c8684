//! The names of things: channels on either side, ports, forward requests. Newtypes, so that a number of one
//! side is never taken for one of the other.

use std::fmt;

/// A channel as this host names it: its APF number, and the session that the number belongs to.
///
/// Numbers are never 0 and not reused within a session, and neighbouring sessions begin at different numbers, at
/// [`ChannelId::FIRST_NUMBER`] or above: firmware sends stray closes for channel 0 and for channels of an earlier
/// connection (`apf 4.1`). The generation keeps an id of an earlier session from meaning anything in a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId {
    generation: u32,
    number: u32,
}

impl ChannelId {
    /// The lowest number of all, far above the 0 to 7 that firmware itself hands out, so that a log line
    /// cannot confuse the sides.
    pub const FIRST_NUMBER: u32 = 256;

    pub(crate) fn new(generation: u32, number: u32) -> Self {
        Self { generation, number }
    }

    /// The session that the channel belongs to,
    /// [`SessionConfig::generation`](crate::SessionConfig::generation).
    pub fn generation(self) -> u32 {
        self.generation
    }

    /// The number on the wire.
    pub fn number(self) -> u32 {
        self.number
    }
}

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.generation, self.number)
    }
}

/// A channel as firmware names it. 0 is valid; "not known yet" is `Option::None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RemoteChannelId(pub u32);

impl fmt::Display for RemoteChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A TCP port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(pub u16);

impl Port {
    /// The port in a field that is wider than a port; `None` for 0 and above 65535.
    pub(crate) fn from_wire(port: u32) -> Option<Self> {
        u16::try_from(port).ok().filter(|&port| port != 0).map(Self)
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One forward request of firmware that waits for the host's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ForwardId {
    generation: u32,
    serial: u32,
}

impl ForwardId {
    pub(crate) fn new(generation: u32, serial: u32) -> Self {
        Self { generation, serial }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_things_are_told_as_numbers_and_channels_with_their_session() {
        let channel = ChannelId::new(7, 300);
        assert_eq!((channel.generation(), channel.number()), (7, 300));
        let shown = [channel.to_string(), RemoteChannelId(0).to_string(), Port(623).to_string()];
        assert_eq!(shown, ["7.300", "0", "623"]);
    }
}
