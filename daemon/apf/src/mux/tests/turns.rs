//! When a request that has a channel is handed to firmware, and what becomes of its class.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    mux::{
        bench::{Bench, REQUEST, bench, class, config},
        effort::Load,
        *,
    },
    wire::{ChannelData, Message},
};

#[test]
fn firmware_is_given_one_request_at_a_time() {
    let mut bench = Bench::new(MuxConfig::default());
    let flows: Vec<_> = (0..4).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    assert_eq!(bench.order(), ["1"]);
    bench.answer(flows[0], true);
    assert_eq!(bench.order(), ["1", "2"]);
    let channel = bench.channel(flows[1]).unwrap();
    bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: b"first bytes of many" }));
    assert_eq!(bench.order(), ["1", "2"], "an answer under way has the link for itself");
    bench.answer(flows[1], true);
    assert_eq!(bench.order(), ["1", "2", "3"]);
}

#[test]
fn firmware_that_proved_fast_is_given_several_requests_at_once() {
    let mut bench = Bench::new(MuxConfig::default());
    let first = bench.client();
    for _ in 0..200 {
        bench.ask(first, REQUEST);
        bench.answer(first, true);
    }
    bench.received.clear();
    let flows: Vec<_> = (0..3).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    assert_eq!(bench.order(), ["2", "3", "4"]);
}

#[test]
fn a_handshake_is_a_request_and_what_follows_it_is_not() {
    let mut bench = Bench::new(MuxConfig::default());
    let (stream, other) = (bench.client(), bench.client());
    bench.ask(stream, Request { opaque: true, ..REQUEST });
    bench.ask(other, REQUEST);
    assert_eq!(bench.order(), ["1"]);
    bench.wait(Duration::from_millis(900));
    bench.firmware_answers(bench.channel(stream).unwrap());
    assert_eq!(bench.order(), ["1", "2"]);
    bench.answer(other, true);
    // A stream that rests tells nothing about the speed of firmware.
    bench.wait(Duration::from_secs(60));
    bench.firmware_answers(bench.channel(stream).unwrap());
    assert!(bench.mux.effort.of(Load { requests: 0, answers: 1 }) < Duration::from_secs(1));
}

#[test]
fn an_answer_that_its_client_does_not_take_keeps_nobody_waiting() {
    let mut bench = Bench::new(MuxConfig::default());
    let (slow, other) = (bench.client(), bench.client());
    bench.ask(slow, REQUEST);
    bench.ask(other, REQUEST);
    let channel = bench.channel(slow).unwrap();
    bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: b"first bytes of many" }));
    assert_eq!(bench.order(), ["1"]);
    bench.wait(MuxConfig::default().answer_pause);
    assert_eq!(bench.order(), ["1", "2"]);
}

#[test]
fn an_answer_without_end_keeps_nobody_waiting_for_ever() {
    let mut bench = Bench::new(MuxConfig::default());
    let (long, other) = (bench.client(), bench.client());
    bench.ask(long, REQUEST);
    bench.ask(other, REQUEST);
    let channel = bench.channel(long).unwrap();
    let MuxConfig { answer_wait, answer_pause, .. } = MuxConfig::default();
    let mut waited = Duration::ZERO;
    while waited < answer_wait {
        assert_eq!(bench.order(), ["1"], "after {waited:?}");
        bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: b"and on and on" }));
        bench.mux.delivered(bench.now, long, 13);
        bench.wait(answer_pause / 2);
        waited += answer_pause / 2;
    }
    assert_eq!(bench.order(), ["1", "2"]);
}

#[test]
fn a_kept_connection_waits_for_its_turn_too() {
    let mut bench = Bench::new(MuxConfig::default());
    let (first, second) = (bench.client(), bench.client());
    bench.ask(first, REQUEST);
    bench.answer(first, true);
    bench.ask(second, REQUEST);
    bench.ask(first, REQUEST);
    assert_eq!(bench.stage(first), Some("waiting"));
    assert_eq!(bench.order(), ["1", "2"]);
    bench.answer(second, true);
    assert_eq!(bench.order(), ["1", "2", "1"]);
}

#[test]
fn an_urgent_request_waits_for_no_other() {
    let mut bench = Bench::new(MuxConfig::default());
    let busy = bench.client();
    bench.ask(busy, REQUEST);
    let queued = bench.client();
    bench.ask(queued, REQUEST);
    for urgent in [Class::Watchdog, Class::Health] {
        let flow = bench.client();
        bench.ask(flow, class(urgent));
        assert_eq!(bench.stage(flow), Some("active"));
        bench.answer(flow, true);
    }
    assert_eq!(bench.stage(queued), Some("waiting"));
}

#[test]
fn a_slow_upload_does_not_keep_others_from_firmware() {
    let mut bench = Bench::new(MuxConfig::default());
    let slow = bench.client();
    bench.mux.request(bench.now, slow, REQUEST);
    bench.mux.send(bench.now, slow, Bytes::from_static(b"half of"), false);
    bench.settle();
    let quick = bench.client();
    bench.ask(quick, REQUEST);
    assert_eq!(bench.stage(quick), Some("active"));
    bench.mux.send(bench.now, slow, Bytes::from_static(b" a request"), true);
    bench.settle();
    bench.answer(quick, true);
    let next = bench.client();
    bench.ask(next, REQUEST);
    assert_eq!(bench.stage(next), Some("waiting"), "now firmware is at work for the slow one");
}

#[test]
fn a_request_that_vanishes_gives_its_turn_back() {
    let mut bench = Bench::new(MuxConfig::default());
    let (first, second) = (bench.client(), bench.client());
    bench.ask(first, REQUEST);
    bench.ask(second, REQUEST);
    bench.mux.close(bench.now, first, false);
    bench.settle();
    assert_eq!(bench.stage(second), Some("active"));
}

#[test]
fn a_heartbeat_beyond_its_pace_is_demoted_and_not_dropped() {
    let mut bench = Bench::new(MuxConfig { heartbeat_burst: 2, ..MuxConfig::default() });
    let flows: Vec<_> = (0..4).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, class(Class::Watchdog));
    }
    let classes = |bench: &Bench| -> Vec<_> {
        flows.iter().map(|flow| bench.mux.flows().find(|info| info.id == *flow).unwrap().class).collect()
    };
    let (urgent, ordinary) = (Class::Watchdog, Class::Interactive);
    assert_eq!(classes(&bench), [urgent, urgent, ordinary, ordinary]);
    assert_eq!(bench.mux.class_counters(Class::Watchdog).demoted, 2);
    for flow in flows {
        bench.answer(flow, true);
        assert!(matches!(bench.told(flow)[..], [FlowEvent::Data(_)]));
    }
}

#[test]
fn a_long_exchange_becomes_bulk_until_it_ends() {
    let mut bench = Bench::new(MuxConfig { bulk_after: 5000, ..config() });
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    let channel = bench.channel(flow).unwrap();
    let class_of = |bench: &Bench| bench.mux.flows().next().unwrap().class;
    for expected in [Class::Interactive, Class::Interactive, Class::Bulk] {
        bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: &[0; 2000] }));
        bench.mux.delivered(bench.now, flow, 2000);
        bench.settle();
        assert_eq!(class_of(&bench), expected);
    }
    bench.mux.finish(bench.now, flow, true);
    bench.ask(flow, REQUEST);
    assert_eq!(class_of(&bench), Class::Interactive);
}

#[test]
fn an_urgent_request_that_waited_too_long_is_told_of() {
    let mut bench = bench();
    let urgent: Vec<_> = (0..7).map(|_| bench.client()).collect();
    for flow in &urgent {
        bench.ask(*flow, class(Class::Health));
    }
    bench.wait(Duration::from_millis(300));
    bench.answer(urgent[0], true);
    assert_eq!(bench.late, [urgent[6]]);
    let counters = bench.mux.class_counters(Class::Health);
    assert_eq!((counters.admitted, counters.waited.count(), counters.executed.count()), (7, 7, 1));
}

#[test]
fn a_request_that_gives_up_on_a_kept_channel_gives_the_channel_up() {
    let mut bench =
        Bench::new(MuxConfig { executing_wait: Duration::from_secs(3600), ..MuxConfig::default() });
    let flows: Vec<_> = (0..5).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
        bench.answer(*flow, true);
    }
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    bench.wait(Duration::from_secs(30));
    assert_eq!(bench.mux.slots().unwrap().used(), 1, "that of the request which firmware has");
}

#[test]
fn a_request_that_firmware_takes_long_to_answer_does_not_keep_all_others_waiting() {
    let mut bench = Bench::new(MuxConfig::default());
    let (slow, other) = (bench.client(), bench.client());
    bench.ask(slow, REQUEST);
    bench.ask(other, REQUEST);
    assert_eq!(bench.stage(other), Some("waiting"));
    bench.wait(Duration::from_secs(5));
    assert_eq!(bench.stage(other), Some("active"));
    assert_eq!(bench.stage(slow), Some("active"));
}

#[test]
fn a_demoted_request_lets_the_next_one_have_its_turn() {
    let mut bench = Bench::new(MuxConfig::default());
    let (first, second) = (bench.client(), bench.client());
    bench.ask(first, REQUEST);
    bench.ask(second, REQUEST);
    bench.firmware_answers(bench.channel(first).unwrap());
    assert_eq!(bench.stage(second), Some("waiting"));
    bench.mux.reclassify(bench.now, first, Request { opaque: true, ..REQUEST });
    bench.settle();
    assert_eq!(bench.stage(second), Some("active"));
}
