//! Requests and their responses: whose bytes go where, and what they cost.

use super::*;

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
    assert_eq!(bench.commands(), [FlowCommand::Delivered(OK.len())]);
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
fn an_answer_that_comes_before_the_request_is_whole_ends_the_turn_with_its_last_byte() {
    let mut bench = Bench::new();
    bench.client(b"POST /upload HTTP/1.1\r\nContent-Length: 4\r\n\r\nab");
    assert_eq!(bench.firmware(OK), []);
    bench.read();
    bench.commands();
    assert_eq!(bench.client(b"cd"), [send(b"cd"), FlowCommand::Finish { keep: true }]);
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
    assert_eq!(bench.relay.read_limit(), 0, "not in small pieces");
    bench.event(FlowEvent::Room(config().room / 2));
    assert_eq!(bench.relay.read_limit(), config().room / 2 + 100);
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
fn a_client_that_does_not_read_is_not_read_either() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.event(FlowEvent::Room(GET.len()));
    bench.firmware(OK);
    assert_eq!(bench.relay.read_limit(), 0, "each request would bring a window of its own");
    bench.read();
    assert_eq!(bench.relay.read_limit(), config().room);
}
