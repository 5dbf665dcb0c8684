//! The table of invalid input (`apf 10`): one test per row, named by its number, with that row's reaction; a
//! file for each kind of row.
//!
//! Elsewhere: the second half of row 1 (ten empty reads in a row mean that the device is gone) and row 54
//! (firmware stops reading) need the device and belong to the driver. "Slow retry" and "reconnect with
//! back-off" are the driver's as well; what it decides by, [`SessionError::fault`], is tested here.

mod closing;
mod data;
mod framing;
mod opening;
mod requests;
mod session;

use amtd_apf::{
    DisconnectReason, SessionError, State,
    wire::{ChannelKind, ChannelOpen, Disconnect, Endpoints, Message, RESERVED, RequestSuccess},
};

use crate::support::Host;

const PROTOCOL_ERROR: Message<'static> =
    Message::Disconnect(Disconnect { reason: DisconnectReason::PROTOCOL_ERROR });
const LOCALHOST: Endpoints<'static> =
    Endpoints { target: b"localhost", target_port: 0, originator: b"127.0.0.1", originator_port: 0 };

fn success(port: u32) -> Message<'static> {
    Message::RequestSuccess(RequestSuccess { port: Some(port) })
}

fn firmware_opens(sender: u32, kind: ChannelKind<'_>) -> Message<'_> {
    Message::ChannelOpen(ChannelOpen { sender, window: 2048, reserved: RESERVED, kind })
}

/// The session ends: firmware is told that it broke the protocol.
#[track_caller]
fn is_session_error(mut host: Host, bytes: &[u8]) -> SessionError {
    let error = host.hear_bytes(bytes).expect_err("a session error");
    assert_eq!(host.session.state(), State::Over);
    host.says(&[PROTOCOL_ERROR]);
    error
}
