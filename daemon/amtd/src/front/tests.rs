//! The relay, one hazard at a time, on a virtual clock and without sockets.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, Port,
    mux::{FlowEnd, FlowEvent, Refusal, Request},
};
use bytes::Bytes;

use super::relay::{Ending, Relay, RelayConfig};
use crate::driver::FlowCommand;

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HTTP: FlowCommand = FlowCommand::Request(Request { class: Class::Interactive, opaque: false });
const OPAQUE: FlowCommand = FlowCommand::Request(Request { class: Class::Interactive, opaque: true });

fn config() -> RelayConfig {
    RelayConfig {
        room: 16 * 1024,
        head_wait: Duration::from_secs(30),
        idle: Duration::from_secs(3600),
        client_stall: Duration::from_secs(300),
        half_close_quiet: Duration::from_secs(1),
        half_close_limit: Duration::from_secs(10),
        drain: Duration::from_secs(3),
        retry_after: Duration::from_secs(5),
    }
}

/// A relay between a scripted client and a scripted driver.
struct Bench {
    relay: Relay,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::now();
        Self { relay: Relay::new(Arc::new(config()), now), now }
    }

    fn client(&mut self, bytes: &[u8]) -> Vec<FlowCommand> {
        assert!(bytes.len() <= self.relay.read_limit(), "read more than the relay wants");
        self.relay.client_bytes(self.now, bytes);
        self.commands()
    }

    fn client_fin(&mut self) -> Vec<FlowCommand> {
        self.relay.client_end(self.now);
        self.commands()
    }

    fn firmware(&mut self, bytes: &'static [u8]) -> Vec<FlowCommand> {
        self.event(FlowEvent::Data(Bytes::from_static(bytes)))
    }

    fn event(&mut self, event: FlowEvent) -> Vec<FlowCommand> {
        self.relay.event(self.now, event, &|| "the device sleeps".into());
        self.commands()
    }

    fn commands(&mut self) -> Vec<FlowCommand> {
        self.relay.commands().collect()
    }

    /// The client reads everything there is; then the relay may send FIN.
    fn read(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        while let Some(bytes) = self.relay.output() {
            read.extend_from_slice(bytes);
            let count = bytes.len();
            self.relay.written(self.now, count);
        }
        self.relay.flushed(self.now);
        read
    }

    /// Lets the next deadline pass.
    fn wait(&mut self) -> Duration {
        let at = self.relay.deadline().expect("nothing to wait for");
        let waited = at.duration_since(self.now);
        self.now = at;
        self.relay.timeout(at);
        waited
    }
}

/// Bytes with which a request is complete.
fn send(bytes: &[u8]) -> FlowCommand {
    FlowCommand::Send { bytes: Bytes::copy_from_slice(bytes), whole: true }
}

/// Bytes after which more are to come, or nobody knows.
fn part(bytes: &[u8]) -> FlowCommand {
    FlowCommand::Send { bytes: Bytes::copy_from_slice(bytes), whole: false }
}

#[test]
fn a_connection_without_a_byte_costs_firmware_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.client_fin(), [FlowCommand::Close { orderly: true }]);
    assert!(bench.read().is_empty());
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn an_incomplete_head_takes_no_channel_and_is_given_up() {
    let mut bench = Bench::new();
    assert_eq!(bench.client(&GET[..20]), []);
    assert_eq!(bench.wait(), Duration::from_secs(30));
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_request_in_pieces_goes_out_whole_and_unchanged() {
    let mut bench = Bench::new();
    for byte in &GET[..GET.len() - 1] {
        assert_eq!(bench.client(&[*byte]), []);
    }
    assert_eq!(bench.client(&GET[GET.len() - 1..]), [HTTP, send(GET)]);
}

#[test]
fn the_channel_is_free_as_soon_as_the_response_has_come() {
    let mut bench = Bench::new();
    assert_eq!(bench.client(GET), [HTTP, send(GET)]);
    assert_eq!(bench.firmware(&OK[..30]), []);
    assert_eq!(bench.firmware(&OK[30..]), [FlowCommand::Finish { keep: true }]);
    assert_eq!(bench.read(), OK);
    assert_eq!(bench.commands(), [FlowCommand::Delivered(30), FlowCommand::Delivered(OK.len() - 30)]);
    assert_eq!(bench.client(GET), [HTTP, send(GET)]);
}

#[test]
fn pipelined_requests_share_one_turn() {
    let mut bench = Bench::new();
    let two = [GET, GET].concat();
    assert_eq!(bench.client(&two), [HTTP, send(&two)]);
    assert_eq!(bench.firmware(OK), []);
    assert_eq!(bench.firmware(OK), [FlowCommand::Finish { keep: true }]);
}

#[test]
fn a_slow_upload_keeps_its_turn_until_it_is_answered() {
    let mut bench = Bench::new();
    let head = b"POST /wsman HTTP/1.1\r\nContent-Length: 4\r\n\r\nab";
    assert_eq!(bench.client(head), [HTTP, part(head)]);
    assert_eq!(bench.client(b"cd"), [send(b"cd")]);
    assert_eq!(bench.firmware(OK), [FlowCommand::Finish { keep: true }]);
}

#[test]
fn a_client_is_read_only_as_fast_as_firmware_takes() {
    let mut bench = Bench::new();
    let head = b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n";
    bench.client(head);
    let room = bench.relay.read_limit();
    assert_eq!(room, config().room - head.len());
    bench.client(&vec![b'x'; room]);
    assert_eq!(bench.relay.read_limit(), 0);
    bench.event(FlowEvent::Room(100));
    assert_eq!(bench.relay.read_limit(), 100);
}

#[test]
fn credit_is_given_only_for_what_the_client_took() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(OK);
    assert!(!bench.commands().iter().any(|command| matches!(command, FlowCommand::Delivered(_))));
    bench.relay.written(bench.now, 7);
    assert_eq!(bench.commands(), [FlowCommand::Delivered(7)]);
    assert_eq!(bench.relay.output().unwrap(), &OK[7..]);
}

#[test]
fn garbage_is_relayed_as_it_is() {
    let mut bench = Bench::new();
    assert_eq!(bench.client(b"\x16\x03\x01\x00"), [OPAQUE, part(b"\x16\x03\x01\x00")]);
    assert_eq!(bench.client(b"more"), [part(b"more")]);
    assert_eq!(bench.firmware(b"\x15\x03"), []);
    assert_eq!(bench.read(), b"\x15\x03");
    assert_eq!(bench.relay.deadline(), None, "an opaque stream may rest");
}

#[test]
fn a_half_close_after_the_response_ends_at_once() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(OK);
    bench.read();
    bench.commands();
    assert_eq!(bench.client_fin(), [FlowCommand::Close { orderly: true }]);
    bench.read();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_half_close_before_the_response_does_not_lose_it() {
    let mut bench = Bench::new();
    bench.client(GET);
    assert_eq!(bench.client_fin(), []);
    assert_eq!(
        bench.firmware(OK),
        [FlowCommand::Finish { keep: true }, FlowCommand::Close { orderly: true }]
    );
    assert_eq!(bench.read(), OK);
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_half_closed_client_of_a_silent_firmware_does_not_hang() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.client_fin();
    assert_eq!(bench.wait(), config().half_close_limit);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_half_closed_opaque_stream_ends_when_firmware_is_quiet() {
    let mut bench = Bench::new();
    bench.client(b"\x00\x01");
    bench.client_fin();
    bench.now += Duration::from_secs(2);
    bench.firmware(b"reply");
    assert_eq!(bench.read(), b"reply");
    bench.commands();
    assert_eq!(bench.wait(), config().half_close_quiet);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn an_opaque_client_that_leaves_after_its_answer_frees_its_slot() {
    let mut bench = Bench::new();
    bench.client(b"\x00\x01");
    bench.firmware(b"reply");
    bench.read();
    bench.commands();
    assert_eq!(bench.client_fin(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn firmwares_close_reaches_the_client_behind_its_last_byte() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(b"HTTP/1.0 200 OK\r\n\r\nuntil the end");
    bench.event(FlowEvent::Closed(FlowEnd::Firmware));
    assert!(bench.read().ends_with(b"until the end"));
    assert_eq!(bench.relay.ended(), None, "closing over unread input would destroy it");
    bench.relay.client_bytes(bench.now, b"late input");
    bench.client_fin();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_client_that_never_closes_is_drained_for_a_limited_time() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(OK);
    bench.event(FlowEvent::Closed(FlowEnd::Firmware));
    bench.read();
    assert_eq!(bench.wait(), config().drain);
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_request_that_firmware_never_got_is_answered_with_the_cause() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.event(FlowEvent::Refused(Refusal::LinkDown));
    let answer = String::from_utf8(bench.read()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 5\r\n"));
    assert!(answer.ends_with("the AMT firmware cannot be reached: the device sleeps\n"));
}

#[test]
fn an_opaque_client_of_an_unreachable_firmware_is_cut_off() {
    let mut bench = Bench::new();
    bench.client(b"\x16\x03");
    bench.event(FlowEvent::Refused(Refusal::NotForwarded(Port(16993))));
    assert!(bench.read().is_empty());
    assert_eq!(bench.relay.ended(), Some(Ending::Reset));
}

#[test]
fn a_lost_link_before_the_response_is_said() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.event(FlowEvent::Closed(FlowEnd::LinkLost));
    assert!(bench.read().starts_with(b"HTTP/1.1 502 "));
}

#[test]
fn a_lost_link_within_a_counted_response_is_seen_by_its_length() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(&OK[..OK.len() - 1]);
    bench.event(FlowEvent::Closed(FlowEnd::LinkLost));
    assert_eq!(bench.read(), &OK[..OK.len() - 1]);
    assert!(bench.relay.summary().cut);
    bench.client_fin();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_lost_link_within_an_uncounted_response_does_not_look_like_its_end() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(b"HTTP/1.0 200 OK\r\n\r\nhalf");
    bench.event(FlowEvent::Closed(FlowEnd::LinkLost));
    assert!(bench.read().ends_with(b"half"));
    assert_eq!(bench.relay.ended(), Some(Ending::Reset));
}

#[test]
fn a_client_that_takes_nothing_is_given_up_in_the_end() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(&OK[..20]);
    assert_eq!(bench.wait(), config().client_stall);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: false }]);
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn an_announced_close_gives_firmware_the_last_word() {
    let mut bench = Bench::new();
    bench.client(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(bench.firmware(OK), [FlowCommand::Finish { keep: false }]);
    bench.read();
    bench.event(FlowEvent::Closed(FlowEnd::Firmware));
    bench.read();
    bench.client_fin();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_stop_lets_the_exchange_finish_and_no_other_begin() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.relay.stop();
    assert_eq!(bench.commands(), []);
    let commands = bench.firmware(OK);
    assert_eq!(commands.last(), Some(&FlowCommand::Close { orderly: true }));
    assert_eq!(bench.read(), OK);

    let mut resting = Bench::new();
    resting.relay.stop();
    assert_eq!(resting.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_vanished_client_frees_its_channel_at_once() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(&OK[..20]);
    bench.relay.client_gone();
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: false }]);
    assert!(bench.relay.output().is_none());
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}
