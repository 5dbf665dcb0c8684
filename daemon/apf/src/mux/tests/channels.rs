//! What becomes of channels between requests, and of those that firmware refuses or forgets.

use std::time::Duration;

use crate::{
    OpenFailureReason,
    mux::{
        bench::{Bench, REQUEST, bench, class},
        *,
    },
    wire::{ChannelClose, ChannelData, Message},
};

#[test]
fn a_resting_client_keeps_its_channel_while_nobody_needs_it() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    let channel = bench.channel(flow);
    bench.answer(flow, true);
    assert_eq!(bench.stage(flow), Some("resting"));
    bench.ask(flow, REQUEST);
    assert_eq!(bench.channel(flow), channel);
}

#[test]
fn a_resting_client_gives_its_channel_up_and_gets_another_unnoticed() {
    let mut bench = bench();
    let flows: Vec<_> = (0..5).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
        bench.answer(*flow, true);
        bench.told(*flow);
    }
    let newcomer = bench.client();
    bench.ask(newcomer, REQUEST);
    assert_eq!(bench.stage(flows[0]), Some("detached"), "the one that rested longest");
    assert_eq!(bench.stage(newcomer), Some("active"));
    assert_eq!(bench.told(flows[0]), []);
    bench.ask(flows[0], REQUEST);
    assert_eq!(bench.stage(flows[0]), Some("active"));
    bench.answer(flows[0], true);
    assert!(matches!(bench.told(flows[0])[..], [FlowEvent::Data(_)]));
}

#[test]
fn bytes_of_a_given_up_channel_earn_no_credit_on_the_next() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    let channel = bench.channel(flow).unwrap();
    bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: &[0; 3000] }));
    bench.mux.finish(bench.now, flow, true);
    bench.mux.link_lost(bench.now);
    bench.link_up();
    bench.ask(flow, REQUEST);
    let channel = bench.channel(flow).unwrap();
    bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: &[0; 3000] }));
    let window = |bench: &Bench| bench.mux.session().unwrap().channels().next().unwrap().local_window;
    bench.mux.delivered(bench.now, flow, 3000);
    bench.settle();
    assert_eq!(window(&bench), 1096, "those were of the first");
    bench.mux.delivered(bench.now, flow, 3000);
    bench.settle();
    assert_eq!(window(&bench), 4096);
}

#[test]
fn firmwares_close_reaches_a_resting_client() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.answer(flow, true);
    bench.told(flow);
    let channel = bench.channel(flow).unwrap();
    bench.say(Message::ChannelClose(ChannelClose { receiver: channel }));
    assert_eq!(bench.told(flow), [FlowEvent::Closed(FlowEnd::Firmware)]);
    assert_eq!(bench.mux.flows().count(), 0);
}

#[test]
fn a_close_that_firmware_announced_and_forgot_is_made_for_it() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.answer(flow, false);
    bench.told(flow);
    assert_eq!(bench.stage(flow), Some("ending"));
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.told(flow), [FlowEvent::Closed(FlowEnd::Firmware)]);
    assert_eq!(bench.open.len(), 0);
}

#[test]
fn a_refused_open_is_tried_again_and_nothing_is_lost() {
    let mut bench = bench();
    bench.refusals.extend([Some(OpenFailureReason::PROHIBITED); 3]);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    assert_eq!(bench.stage(flow), Some("waiting"));
    bench.wait(Duration::from_secs(2));
    assert_eq!(bench.stage(flow), Some("active"));
    assert_eq!(bench.order(), [flow.to_string()]);
}

#[test]
fn an_open_that_is_always_refused_ends_with_the_reason() {
    let mut bench = bench();
    bench.refusals.extend([Some(OpenFailureReason::CONNECT_FAILED); 50]);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_secs(30));
    let refused = FlowEvent::Refused(Refusal::Firmware(OpenFailureReason::CONNECT_FAILED));
    assert_eq!(bench.told(flow), [refused]);
    assert_eq!(bench.refusals.len(), 40, "ten attempts");
}

#[test]
fn an_open_that_is_refused_is_tried_again_at_growing_intervals() {
    let mut bench = bench();
    bench.refusals = [Some(OpenFailureReason::CONNECT_FAILED); 6].into();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    let mut pauses = Vec::new();
    let mut since = bench.now;
    while let Some(at) = bench.mux.poll_timeout().filter(|_| bench.stage(flow) == Some("waiting")) {
        let before = bench.mux.counters().open_refusals;
        bench.wait(at.duration_since(bench.now));
        if bench.mux.counters().open_refusals > before || bench.stage(flow) == Some("active") {
            pauses.push(bench.now.duration_since(since).as_millis());
            since = bench.now;
        }
    }
    assert_eq!(pauses, [250, 500, 1000, 2000, 2000, 2000]);
    assert_eq!(bench.stage(flow), Some("active"));
}

#[test]
fn firmware_with_fewer_slots_is_not_stormed() {
    let mut bench = bench();
    bench.slots = 3;
    let flows: Vec<_> = (0..20).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    let refusals = bench.mux.counters().open_refusals;
    assert!(refusals <= 2, "{refusals} refusals: at most what was in flight");
    assert_eq!(bench.mux.slots().unwrap().limit, 3);
    for round in 0..20 {
        bench.wait(Duration::from_secs(1));
        let active: Vec<_> =
            flows.iter().filter(|flow| bench.stage(**flow) == Some("active")).copied().collect();
        assert!(!active.is_empty() || round > 9, "round {round}");
        for flow in active {
            bench.answer(flow, true);
        }
    }
    assert_eq!(bench.received.len(), 20);
}

#[test]
fn firmware_that_has_all_its_slots_again_is_found_out_one_by_one() {
    let mut bench = bench();
    bench.slots = 2;
    let flows: Vec<_> = (0..4).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    let limit = |bench: &Bench| bench.mux.slots().unwrap().limit;
    assert_eq!(limit(&bench), 2);
    bench.slots = 8;
    for flow in flows {
        bench.mux.close(bench.now, flow, false);
    }
    bench.settle();
    let relearn = bench.mux.config.relearn;
    let limits: Vec<_> = (0..6)
        .map(|_| {
            bench.wait(relearn);
            limit(&bench)
        })
        .collect();
    assert_eq!(limits, [3, 4, 5, 6, 6, 6]);
    assert_eq!(bench.mux.poll_timeout(), None, "nothing is left to learn");
}

#[test]
fn an_unanswered_open_is_refused_and_leaks_no_slot() {
    let mut bench = bench();
    bench.refusals.extend([None; 6]);
    let flows: Vec<_> = (0..2).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    bench.wait(Duration::from_secs(15));
    for flow in &flows {
        assert_eq!(bench.told(*flow), [FlowEvent::Refused(Refusal::Unanswered)]);
    }
    bench.refusals.clear();
    bench.wait(Duration::from_secs(15));
    assert_eq!(bench.mux.slots().unwrap().used(), 0);
    let next = bench.client();
    bench.ask(next, REQUEST);
    assert_eq!(bench.stage(next), Some("active"));
}

#[test]
fn an_unanswered_close_leaks_no_slot() {
    let mut bench = bench();
    bench.answers_closes = false;
    for _ in 0..6 {
        let flow = bench.client();
        bench.ask(flow, class(Class::Health));
        bench.mux.close(bench.now, flow, true);
        bench.settle();
    }
    assert_eq!(bench.mux.slots().unwrap().free(), 0);
    bench.wait(Duration::from_secs(10));
    assert_eq!(bench.mux.slots().unwrap().used(), 0);
}

#[test]
fn a_resting_client_that_goes_costs_firmware_one_message() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.answer(flow, true);
    bench.mux.close(bench.now, flow, true);
    let mut out = Vec::new();
    assert!(bench.mux.poll_transmit(bench.now, &mut out).is_some());
    assert!(matches!(Message::decode(&out).unwrap().message, Message::ChannelClose(_)));
    assert!(bench.mux.poll_transmit(bench.now, &mut out).is_none());
}
