//! A request is held until its class is known, and no longer.

use super::*;

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
