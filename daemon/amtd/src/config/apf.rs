//! `[apf]`: one session of the port-forwarding protocol with firmware.

use super::{
    Period,
    section::{Problem, hours, milliseconds, minutes, seconds, section},
};

section! {
    /// The session with firmware: what it may use, and how long each of its steps may take.
    struct Apf {
        /// Receive window announced for each channel, in bytes: also the most that a client who reads nothing makes
        /// the daemon hold for it.
        rx_window: u32 = 4096, allowed 1..=1 << 20;
        /// Channels that may exist at once, those that open or close included. Firmware has eight and begins to
        /// refuse with six or seven in use. More clients than that wait in the queue.
        max_channels: usize = 6, allowed 1..=8;
        /// Openings of channels that firmware may leave unanswered at once. More wait.
        max_opening: usize = 2, allowed 1..=8;
        /// Channels that firmware may open towards the host at once, to deliver alerts. More are refused.
        max_direct: usize = 2, allowed 0..=8;
        /// Bytes of one client's requests that may wait for firmware to take them. Beyond, the client is not read.
        tx_buffer: usize = 16_384, allowed 16_384..=1 << 20;
        /// Longest payload of one data message, in bytes; also what each channel may send in one round of its class. No
        /// message exceeds what the device takes.
        max_frame: usize = 4096, allowed 1..=1 << 20;
        /// Bytes of watchdog, and as many of health requests, that firmware may hold without having credited or answered
        /// them. More wait where they can be overtaken; a channel may always have most of a window with firmware.
        max_handed_urgent: usize = 65_536, allowed 1..=1 << 30;
        /// The same for interactive requests.
        max_handed_interactive: usize = 32_768, allowed 1..=1 << 30;
        /// The same for bulk.
        max_handed_bulk: usize = 16_384, allowed 1..=1 << 30;
        /// Ports that firmware may ask the host to serve. Others are refused.
        allowed_ports: Vec<u16> = vec![16_992, 16_993, 16_994, 16_995, 623, 664];
        /// Pairs of port and address that firmware may ask for at once. More are refused.
        max_forwards: usize = 16, allowed 1..=64;
        /// Silence of firmware after connecting until the host speaks first.
        version_timeout: Period = seconds(2), allowed milliseconds(1)..=hours(1);
        /// From connecting until firmware has asked for the forwarding service. Then the link is made anew.
        handshake_timeout: Period = seconds(10), allowed milliseconds(1)..=hours(1);
        /// For the answer to a port that firmware asks for. Then it is refused.
        forward_answer_timeout: Period = seconds(2), allowed milliseconds(1)..=minutes(1);
        /// For firmware to answer the opening of a channel. Then its request is refused.
        open_timeout: Period = seconds(15), allowed milliseconds(1)..=hours(1);
        /// For bytes that a client left behind when it closed. Then they are dropped.
        drain_timeout: Period = seconds(30), allowed milliseconds(1)..=hours(1);
        /// For firmware to answer the close of a channel. Then its slot counts as free.
        close_timeout: Period = seconds(10), allowed milliseconds(1)..=hours(1);
        /// For firmware to take more of a request that it stopped reading. Then the channel is closed.
        zero_window_timeout: Period = seconds(30), allowed milliseconds(1)..=hours(1);
    }
    check ports;
}

fn ports(section: &Apf) -> Option<Problem> {
    super::front::port_zero("allowed_ports", &section.allowed_ports)
}
