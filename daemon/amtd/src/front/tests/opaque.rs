//! Streams that cannot be followed: TLS, redirection, and what is no HTTP.

use super::*;

#[test]
fn a_half_closed_opaque_stream_ends_when_firmware_is_quiet() {
    let mut bench = Bench::new();
    bench.client(b"\x00\x01");
    bench.client_fin();
    bench.event(FlowEvent::Room(2));
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
    bench.event(FlowEvent::Room(2));
    bench.firmware(b"reply");
    bench.read();
    bench.commands();
    assert_eq!(bench.client_fin(), [FlowCommand::HalfClose]);
    assert_eq!(bench.wait(), config().half_close_quiet, "more of the answer may be on its way");
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
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
fn a_stream_on_a_redirection_port_is_bulk_and_what_turns_opaque_keeps_no_urgency() {
    let redirection = Client { port: Port(16_994), ..client() };
    let mut bench = Bench::with(config(), redirection);
    let start = b"\x10\x01\x00\x00SOL ";
    let opaque = |class| Request { class, opaque: true };
    assert_eq!(bench.client(start), [FlowCommand::Request(opaque(Class::Bulk)), part(start)]);

    let mut bench = Bench::new();
    bench.client(&heartbeat());
    assert_eq!(bench.firmware(b"no response"), [FlowCommand::Reclassify(opaque(Class::Interactive))]);
    let mut bench = Bench::new();
    bench.client(&pull());
    assert_eq!(bench.firmware(b"no response"), [FlowCommand::Reclassify(opaque(Class::Bulk))]);
}

#[test]
fn the_first_record_of_a_tls_stream_is_whole_and_nothing_after_it() {
    let secure = Client { port: Port(16_993), ..client() };
    let mut bench = Bench::with(config(), secure);
    let whole = |commands: &[FlowCommand]| match commands.last() {
        Some(FlowCommand::Send { whole, .. }) => *whole,
        other => panic!("{other:?}"),
    };
    assert!(!whole(&bench.client(b"\x16\x03\x01\x00\x04\x01\x02")));
    assert!(whole(&bench.client(b"\x03\x04")));
    bench.firmware(b"\x16\x03\x03\x00\x01\x02");
    assert!(!whole(&bench.client(b"\x14\x03\x03\x00\x01\x01")));
}

#[test]
fn text_on_a_redirection_port_is_not_taken_for_the_beginning_of_a_request() {
    let now = Instant::now();
    let client = Client { port: Port(16994), ..client() };
    let mut bench = Bench { relay: Relay::new(Arc::new(config()), client, now), now };
    let commands = bench.client(b"echo");
    assert!(matches!(
        commands[..],
        [FlowCommand::Request(Request { opaque: true, .. }), FlowCommand::Send { .. }]
    ));
}
