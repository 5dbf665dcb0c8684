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
use proptest::prelude::*;

use super::{
    bench::{Bench, GET, HTTP, OK, OPAQUE, client, config, part, send},
    classify::{Client, Rules, samples},
    limits::RelayConfig,
    relay::{Ending, LAST_CALL, Relay},
};
use crate::{config::Config, driver::FlowCommand};

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
    assert_eq!(bench.client_fin(), [FlowCommand::HalfClose]);
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
    assert_eq!(bench.relay.deadline(), None, "it waits for its turn, and the queue has deadlines of its own");
    bench.event(FlowEvent::Room(GET.len()));
    assert_eq!(bench.wait(), config().half_close_limit);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_half_closed_client_sees_that_a_response_without_an_end_was_cut() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.client_fin();
    bench.event(FlowEvent::Room(GET.len()));
    bench.firmware(b"HTTP/1.0 200 OK\r\n\r\nuntil the");
    bench.read();
    bench.commands();
    assert_eq!(bench.wait(), config().half_close_limit, "a pause is not the end");
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
    bench.read();
    assert_eq!(bench.relay.ended(), Some(Ending::Reset));
}

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
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly), "a client that said so sends nothing to wait for");
}

#[test]
fn a_stop_lets_the_exchange_finish_and_no_other_begin() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.relay.stop(bench.now);
    assert_eq!(bench.commands(), []);
    let commands = bench.firmware(OK);
    assert_eq!(commands.last(), Some(&FlowCommand::Close { orderly: true }));
    assert_eq!(bench.read(), OK);

    let mut resting = Bench::new();
    resting.client(GET);
    resting.firmware(OK);
    resting.read();
    resting.relay.stop(resting.now);
    assert_eq!(resting.commands().last(), Some(&FlowCommand::Close { orderly: true }));
}

#[test]
fn a_stop_does_not_cut_off_who_is_about_to_ask() {
    for begun in [&b""[..], &GET[..10]] {
        let mut bench = Bench::new();
        if !begun.is_empty() {
            bench.client(begun);
        }
        bench.relay.stop(bench.now);
        let commands = bench.client(&GET[begun.len()..]);
        assert_eq!(sent(&commands), GET);
        assert_eq!(bench.firmware(OK).last(), Some(&FlowCommand::Close { orderly: true }));
        assert_eq!(bench.read(), OK);
    }
}

#[test]
fn a_client_that_asks_nothing_holds_up_a_stop_for_a_moment_only() {
    for begun in [&b""[..], &GET[..10]] {
        let mut bench = Bench::new();
        if !begun.is_empty() {
            bench.client(begun);
        }
        bench.relay.stop(bench.now);
        assert_eq!(bench.commands(), []);
        assert_eq!(bench.wait(), LAST_CALL);
        assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
    }
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

// ---- classes ----

fn request(class: Class) -> FlowCommand {
    FlowCommand::Request(Request { class, opaque: false })
}

fn reclassify(class: Class) -> FlowCommand {
    FlowCommand::Reclassify(Request { class, opaque: false })
}

fn heartbeat() -> Vec<u8> {
    samples::post(&samples::invoke("AMT_AgentPresenceWatchdog", "AssertPresence")[0])
}

fn pull() -> Vec<u8> {
    samples::post(&samples::pull("AMT_AuditLog")[0])
}

fn body_at(request: &[u8]) -> usize {
    request.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4
}

/// What went out, in order.
fn sent(commands: &[FlowCommand]) -> Vec<u8> {
    let bytes = commands.iter().filter_map(|command| match command {
        FlowCommand::Send { bytes, .. } => Some(&bytes[..]),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat()
}

/// Requests with the class that they must get.
fn classed() -> Vec<(Class, Vec<u8>)> {
    let envelopes = [
        (Class::Watchdog, samples::invoke("AMT_AgentPresenceWatchdog", "AssertPresence")),
        (Class::Health, samples::identify()),
        (Class::Interactive, samples::get("AMT_GeneralSettings")),
        (Class::Bulk, samples::pull("AMT_AuditLog")),
    ];
    let both = |envelope: String| [samples::post(&envelope), samples::post_chunked(&envelope, 100)];
    let requests = envelopes.into_iter().map(|(class, all)| (class, all.into_iter().flat_map(both)));
    requests.flat_map(|(class, all)| all.map(move |request| (class, request))).collect()
}

#[test]
fn a_request_cut_anywhere_gets_its_class_before_its_first_byte_goes_out() {
    for (class, whole) in classed() {
        for cut in 1..whole.len() {
            let mut bench = Bench::new();
            let mut commands = bench.client(&whole[..cut]);
            commands.extend(bench.client(&whole[cut..]));
            assert_eq!(commands[0], request(class), "cut at {cut}: {}", whole.escape_ascii());
            assert!(commands[1..].iter().all(|command| matches!(command, FlowCommand::Send { .. })));
            assert_eq!(sent(&commands), whole, "cut at {cut}");
        }
    }
}

#[test]
fn a_request_that_comes_byte_by_byte_goes_out_as_soon_as_its_class_is_known() {
    for (class, whole) in classed() {
        let mut bench = Bench::new();
        let mut commands = Vec::new();
        for byte in &whole {
            let new = bench.client(&[*byte]);
            let began = commands.is_empty() && !new.is_empty();
            assert!(began || new.len() <= 1, "more than a byte at once");
            commands.extend(new);
        }
        assert_eq!(commands[0], request(class), "{}", whole.escape_ascii());
        assert_eq!(sent(&commands), whole);
        let last =
            FlowCommand::Send { bytes: Bytes::copy_from_slice(&whole[whole.len() - 1..]), whole: true };
        assert_eq!(commands.last(), Some(&last), "the rest was held back as well");
    }
}

#[test]
fn a_request_whose_class_stays_unknown_is_held_for_a_limited_time() {
    let mut bench = Bench::new();
    let whole = pull();
    let (first, rest) = whole.split_at(body_at(&whole) + 50);
    assert_eq!(bench.client(first), []);
    bench.now += Duration::from_millis(400);
    assert_eq!(bench.client(&rest[..1]), []);
    assert_eq!(bench.wait(), Duration::from_millis(600));
    let held = whole[..first.len() + 1].to_vec();
    assert_eq!(bench.commands(), [request(Class::Interactive), part(&held)]);
    assert_eq!(bench.relay.deadline(), None, "the rest of the body is the driver's to wait for");
    assert_eq!(bench.client(&rest[1..]), [reclassify(Class::Bulk), send(&rest[1..])]);
}

#[test]
fn a_late_heartbeat_does_not_jump_the_queue_in_which_it_waits_already() {
    let mut bench = Bench::new();
    let whole = heartbeat();
    let (first, rest) = whole.split_at(body_at(&whole) + 50);
    bench.client(first);
    bench.wait();
    assert_eq!(bench.commands()[0], request(Class::Interactive));
    assert_eq!(bench.client(rest), [send(rest)]);
}

#[test]
fn no_more_of_a_request_is_held_than_the_limit() {
    let mut bench = Bench::with(RelayConfig { classify_limit: 300, ..config() }, client());
    let whole = pull();
    assert_eq!(bench.client(&whole[..299]), []);
    assert_eq!(bench.client(&whole[299..301]), [request(Class::Interactive), part(&whole[..301])]);
}

#[test]
fn a_request_that_fills_the_room_is_not_held_for_ever() {
    let mut bench = Bench::with(RelayConfig { room: 300, ..config() }, client());
    let whole = pull();
    assert_eq!(bench.client(&whole[..299]), []);
    assert_eq!(bench.client(&whole[299..300]), [request(Class::Interactive), part(&whole[..300])]);
    let mut commands = Vec::new();
    for piece in whole[300..].chunks(300) {
        bench.event(FlowEvent::Room(300));
        commands.extend(bench.client(piece));
    }
    assert_eq!(sent(&commands), whole[300..]);
    assert!(commands.contains(&reclassify(Class::Bulk)));
}

#[test]
fn nothing_is_held_where_that_is_switched_off() {
    let mut bench = Bench::with(RelayConfig { classify_limit: 0, ..config() }, client());
    let whole = heartbeat();
    let (head, body) = whole.split_at(body_at(&whole));
    assert_eq!(bench.client(head), [request(Class::Interactive), part(head)]);
    assert_eq!(bench.client(body), [send(body)]);
}

#[test]
fn a_head_that_decides_is_not_held_for_its_body() {
    let upload = b"POST /index.htm HTTP/1.1\r\nContent-Length: 9\r\n\r\n";
    assert_eq!(Bench::new().client(upload), [HTTP, part(upload)]);
    let rows = "[[classes.rule]]\nclass = \"bulk\"\nuser = [\"1000\"]\n[[classes.rule]]\nclass = \"health\"\naction = [\"Get\"]\n";
    let rules = Rules::new(&Config::parse("rules".as_ref(), rows).unwrap().classes);
    let whole = heartbeat();
    let head = &whole[..body_at(&whole)];
    let mut bench = Bench::with(RelayConfig { rules, ..config() }, client());
    assert_eq!(bench.client(head), [request(Class::Bulk), part(head)]);
}

#[test]
fn a_client_that_waits_for_leave_is_not_waited_for() {
    let whole =
        String::from_utf8(pull()).unwrap().replacen("Host:", "Expect: 100-continue\r\nHost:", 1).into_bytes();
    let (head, body) = whole.split_at(body_at(&whole));
    let mut bench = Bench::new();
    assert_eq!(bench.client(head), [request(Class::Interactive), part(head)]);
    bench.firmware(b"HTTP/1.1 100 Continue\r\n\r\n");
    bench.read();
    bench.commands();
    assert_eq!(bench.client(body), [reclassify(Class::Bulk), send(body)]);
}

#[test]
fn a_request_behind_another_can_only_make_their_turn_less_urgent() {
    let (beat, pull) = (heartbeat(), pull());
    let mut bench = Bench::new();
    assert_eq!(bench.client(&beat), [request(Class::Watchdog), send(&beat)]);
    assert_eq!(bench.client(&beat), [send(&beat)], "more of the same changes nothing");
    let (head, body) = pull.split_at(body_at(&pull));
    assert_eq!(bench.client(head), [part(head)], "held behind a request that firmware has");
    assert_eq!(bench.client(body), [reclassify(Class::Bulk), send(body)]);
    assert_eq!(bench.client(&beat), [send(&beat)]);
    for _ in 0..3 {
        assert_eq!(bench.firmware(OK), []);
    }
    assert_eq!(bench.firmware(OK), [FlowCommand::Finish { keep: true }]);
    bench.read();
    bench.commands();
    assert_eq!(bench.client(&beat), [request(Class::Watchdog), send(&beat)], "the next turn is its own");
}

#[test]
fn a_client_that_sends_no_more_of_a_held_request_gets_its_bytes_out() {
    let whole = pull();
    let cut = &whole[..body_at(&whole) + 50];
    let mut bench = Bench::new();
    assert_eq!(bench.client(cut), []);
    let close = FlowCommand::Close { orderly: true };
    assert_eq!(bench.client_fin(), [request(Class::Interactive), part(cut), close]);
}

#[test]
fn a_held_request_that_breaks_off_into_something_else_goes_out_whole() {
    let head = b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<a xm";
    let mut bench = Bench::new();
    assert_eq!(bench.client(head), []);
    assert_eq!(bench.client(b"no chunk"), [OPAQUE, part(&[&head[..], b"no chunk"].concat())]);
}

#[test]
fn bytes_that_firmware_sends_unasked_let_a_held_request_go() {
    let mut bench = Bench::new();
    let whole = pull();
    let cut = &whole[..body_at(&whole) + 50];
    assert_eq!(bench.client(cut), []);
    assert_eq!(bench.firmware(b"no response"), [OPAQUE, part(cut)]);
}

#[test]
fn a_stop_does_not_lose_a_request_that_is_held() {
    let mut bench = Bench::new();
    let whole = heartbeat();
    let (first, rest) = whole.split_at(body_at(&whole) + 50);
    assert_eq!(bench.client(first), []);
    bench.relay.stop(bench.now);
    let mut commands = bench.commands();
    commands.extend(bench.client(rest));
    assert_eq!(sent(&commands), whole);
    assert_eq!(bench.firmware(OK).last(), Some(&FlowCommand::Close { orderly: true }));
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

#[test]
fn a_client_that_ends_within_a_request_frees_its_channel_at_once() {
    let mut bench = Bench::new();
    bench.client(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf");
    assert_eq!(bench.client_fin(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_connection_that_never_says_anything_is_closed_soon() {
    let mut bench = Bench::new();
    assert_eq!(bench.wait(), config().head_wait);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
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

/// What a client may send in a row: requests of each kind, parts of them, and what is none.
fn input() -> impl Strategy<Value = Vec<u8>> {
    let mut parts: Vec<_> = classed().into_iter().map(|(_, request)| request).collect();
    parts.extend([
        GET.to_vec(),
        b"POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<a x".to_vec(),
    ]);
    parts.extend([b"POST /wsman HTTP/1.1\r\nContent-Length: 500\r\n\r\n<a".to_vec(), b"\x16\x03".to_vec()]);
    prop::collection::vec(prop::sample::select(parts), 1..4).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn every_byte_goes_out_once_and_in_order_however_it_comes(
        input in input(),
        cuts in prop::collection::vec((1_usize..2000, any::<bool>()), 1..20),
    ) {
        let mut bench = Bench::new();
        let mut commands = Vec::new();
        let mut rest = &input[..];
        // Not so many pauses that a head takes too long.
        for (length, pause) in cuts.into_iter().chain(std::iter::repeat((500, false))) {
            if rest.is_empty() {
                break;
            }
            let (piece, behind) = rest.split_at(rest.len().min(length));
            rest = behind;
            let mut new = bench.client(piece);
            if pause {
                bench.now += config().classify_wait;
                bench.relay.timeout(bench.now);
                new.extend(bench.commands());
            }
            bench.event(FlowEvent::Room(sent(&new).len()));
            commands.extend(new);
        }
        let announced = commands.iter().position(|command| matches!(command, FlowCommand::Request(_)));
        let first = commands.iter().position(|command| matches!(command, FlowCommand::Send { .. }));
        prop_assert!(first.is_none() || announced < first, "bytes went out before their request was announced");
        let requests = commands.iter().filter(|command| matches!(command, FlowCommand::Request(_))).count();
        prop_assert!(requests <= 1, "one turn was announced twice");
        commands.extend(bench.client_fin());
        let out = sent(&commands);
        prop_assert!(input.starts_with(&out), "bytes were changed");
        let left = &input[out.len()..];
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let head = httparse::Request::new(&mut headers).parse(left);
        prop_assert_eq!(head, Ok(httparse::Status::Partial), "more was left than the beginning of a head");
    }
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
