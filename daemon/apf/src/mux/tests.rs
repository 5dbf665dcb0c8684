//! The multiplexer against a scripted firmware, on a virtual clock.

use std::time::Duration;

use bytes::Bytes;

use super::{
    bench::{Bench, PORT, REQUEST, VERSION, bench, class, config},
    *,
};
use crate::{
    OpenFailureReason,
    wire::{ChannelClose, ChannelData, Message, SERVICE_PFWD, ServiceName},
};

#[test]
fn a_client_without_a_request_takes_no_slot() {
    let mut bench = bench();
    let flow = bench.client();
    bench.settle();
    assert_eq!(bench.stage(flow), Some("detached"));
    bench.mux.close(bench.now, flow, true);
    bench.settle();
    assert_eq!(bench.most_open, 0);
    assert_eq!(bench.mux.flows().count(), 0);
}

#[test]
fn more_clients_than_slots_are_all_served_in_order() {
    let mut bench = bench();
    let flows: Vec<_> = (0..40).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    for flow in &flows {
        bench.answer(*flow, true);
        assert!(matches!(bench.told(*flow)[..], [FlowEvent::Data(_)]));
    }
    let expected: Vec<_> = flows.iter().map(ToString::to_string).collect();
    assert_eq!(bench.order(), expected);
    assert_eq!(bench.most_open, 5, "six slots, one of them kept for urgent requests");
    assert_eq!(bench.mux.counters().refused, 0);
}

#[test]
fn reserved_slots_are_never_taken_by_bulk() {
    let mut bench = bench();
    let bulk: Vec<_> = (0..8).map(|_| bench.client()).collect();
    for flow in &bulk {
        bench.ask(*flow, class(Class::Bulk));
    }
    assert_eq!(bench.open.len(), 5);
    let urgent = bench.client();
    bench.ask(urgent, class(Class::Watchdog));
    assert_eq!(bench.stage(urgent), Some("active"));
    assert_eq!(bench.open.len(), 6);
}

#[test]
fn watchdog_pat_passes_queued_application_requests() {
    let mut bench = bench();
    let applications: Vec<_> = (0..12).map(|_| bench.client()).collect();
    for flow in &applications {
        bench.ask(*flow, REQUEST);
    }
    // The slot kept for urgent requests is in use too.
    let first = bench.client();
    bench.ask(first, class(Class::Health));
    let pat = bench.client();
    bench.ask(pat, class(Class::Watchdog));
    assert_eq!(bench.stage(pat), Some("waiting"));
    bench.answer(applications[0], true);
    assert_eq!(bench.stage(pat), Some("active"), "the next free slot is the watchdog's");
}

#[test]
fn bulk_is_not_starved_by_what_passes_it() {
    let config = MuxConfig { bulk_patience: 3, ..config() };
    let mut bench = Bench::new(MuxConfig {
        session: SessionConfig { max_channels: 1, ..SessionConfig::default() },
        reserved_slots: 0,
        ..config
    });
    let first = bench.client();
    bench.ask(first, REQUEST);
    let bulk = bench.client();
    bench.ask(bulk, class(Class::Bulk));
    let others: Vec<_> = (0..8).map(|_| bench.client()).collect();
    for flow in &others {
        bench.ask(*flow, REQUEST);
    }
    bench.answer(first, true);
    for flow in &others[..3] {
        if bench.stage(bulk) != Some("active") {
            bench.answer(*flow, true);
        }
    }
    assert_eq!(bench.stage(bulk), Some("active"), "bulk waited for more than its patience");
}

#[test]
fn one_user_with_many_clients_does_not_hold_up_another() {
    let mut bench = bench();
    let greedy: Vec<_> = (0..20).map(|_| bench.client_of(1000)).collect();
    for flow in &greedy {
        bench.ask(*flow, REQUEST);
    }
    let modest = bench.client_of(2000);
    bench.ask(modest, REQUEST);
    bench.answer(greedy[0], true);
    bench.answer(greedy[1], true);
    assert_eq!(bench.stage(modest), Some("active"));
}

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
    bench.mux.delivered(bench.now, flow, 3000);
    let window = |bench: &Bench| bench.mux.session().unwrap().channels().next().unwrap().local_window;
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
fn a_request_waits_for_the_link_and_is_refused_in_time() {
    let mut bench = bench();
    bench.mux.link_lost(bench.now);
    let early = bench.client();
    bench.ask(early, REQUEST);
    bench.wait(Duration::from_secs(9));
    let late = bench.client();
    bench.ask(late, REQUEST);
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.told(early), [FlowEvent::Refused(Refusal::LinkDown)]);
    bench.link_up();
    assert_eq!(bench.stage(late), Some("active"));
}

#[test]
fn sessions_that_fail_again_and_again_do_not_prolong_the_wait() {
    let mut bench = bench();
    bench.mux.link_lost(bench.now);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    for _ in 0..5 {
        bench.mux.link_up(bench.now, 5120);
        bench.wait(Duration::from_secs(2));
        assert_eq!(bench.told(flow).len(), usize::from(bench.stage(flow).is_none()));
        bench.mux.link_lost(bench.now);
    }
    assert_eq!(bench.stage(flow), None, "ten seconds without a session");
}

#[test]
fn a_port_that_firmware_does_not_forward_is_refused_sooner() {
    let mut bench = bench();
    bench.forward(false);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_secs(3));
    assert_eq!(bench.told(flow), [FlowEvent::Refused(Refusal::NotForwarded(PORT))]);
}

#[test]
fn a_withdrawn_and_re_announced_port_hurts_nobody() {
    let mut bench = bench();
    bench.forward(false);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_secs(1));
    bench.forward(true);
    assert_eq!(bench.stage(flow), Some("active"));
    bench.answer(flow, true);
}

#[test]
fn a_full_queue_refuses_when_the_deadline_comes() {
    let mut bench = bench();
    let flows: Vec<_> = (0..6).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    bench.wait(Duration::from_secs(30));
    assert_eq!(bench.told(flows[5]), [FlowEvent::Refused(Refusal::QueueDeadline)]);
    assert_eq!(bench.mux.queue_depth(Class::Interactive), 0);
}

#[test]
fn a_lost_link_ends_only_what_was_under_way() {
    let mut bench = bench();
    let (resting, active, waiting) = (bench.client(), bench.client(), bench.client());
    bench.ask(resting, REQUEST);
    bench.answer(resting, true);
    bench.told(resting);
    bench.ask(active, REQUEST);
    bench.refusals.push_back(None);
    bench.ask(waiting, REQUEST);
    assert_eq!(bench.stage(waiting), Some("opening"));
    bench.mux.link_lost(bench.now);
    bench.settle();
    assert_eq!(bench.told(active), [FlowEvent::Closed(FlowEnd::LinkLost)]);
    assert_eq!(bench.told(resting), []);
    assert_eq!(bench.told(waiting), []);
    bench.link_up();
    assert_eq!(bench.stage(waiting), Some("active"), "its request goes out on the new link");
    bench.ask(resting, REQUEST);
    assert_eq!(bench.stage(resting), Some("active"));
}

#[test]
fn a_restarted_session_ends_only_what_was_under_way() {
    let mut bench = bench();
    let (resting, active) = (bench.client(), bench.client());
    bench.ask(resting, REQUEST);
    bench.answer(resting, true);
    bench.told(resting);
    bench.ask(active, REQUEST);
    bench.open.clear();
    bench.say(VERSION);
    assert_eq!(bench.told(active), [FlowEvent::Closed(FlowEnd::LinkLost)]);
    assert_eq!(bench.stage(resting), Some("detached"));
    bench.say(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
    bench.forward(true);
    bench.ask(resting, REQUEST);
    assert_eq!(bench.stage(resting), Some("active"));
}

#[test]
fn a_silent_firmware_ends_a_request_but_not_an_opaque_stream() {
    let mut bench = bench();
    let (request, stream) = (bench.client(), bench.client());
    bench.ask(request, REQUEST);
    bench.ask(stream, Request { opaque: true, ..REQUEST });
    let channel = bench.channel(stream).unwrap();
    bench.firmware_answers(channel);
    bench.told(stream);
    bench.wait(Duration::from_secs(120));
    assert_eq!(bench.told(request), [FlowEvent::Closed(FlowEnd::Silent)]);
    assert_eq!(bench.stage(stream), Some("active"));
}

#[test]
fn an_opaque_stream_that_firmware_never_speaks_on_ends() {
    let mut bench = bench();
    let stream = bench.client();
    bench.ask(stream, Request { opaque: true, ..REQUEST });
    bench.wait(Duration::from_secs(119));
    assert_eq!(bench.stage(stream), Some("active"));
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.told(stream), [FlowEvent::Closed(FlowEnd::Silent)]);
}

#[test]
fn a_client_that_gives_up_in_the_queue_is_forgotten() {
    let mut bench = bench();
    let flows: Vec<_> = (0..8).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    for flow in &flows {
        bench.mux.close(bench.now, *flow, false);
        bench.settle();
    }
    assert_eq!(bench.mux.flows().count(), 0);
    assert_eq!(bench.mux.queue_depth(Class::Interactive), 0);
    assert_eq!(bench.open.len(), 0);
    assert_eq!(bench.mux.poll_timeout(), None, "nothing is left to wait for");
}

#[test]
fn too_many_clients_are_told_so() {
    let mut bench = Bench::new(MuxConfig { max_flows: 2, ..config() });
    let flows: Vec<_> = (0..3).map(|_| bench.client()).collect();
    bench.settle();
    assert_eq!(bench.told(flows[2]), [FlowEvent::Refused(Refusal::TooManyClients)]);
    assert_eq!(bench.mux.flows().count(), 2);
}

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
fn quiet_opaque_streams_do_not_keep_everybody_out() {
    let mut bench = bench();
    let streams: Vec<_> = (0..5).map(|_| bench.client()).collect();
    for flow in &streams {
        bench.ask(*flow, Request { opaque: true, ..REQUEST });
        let channel = bench.channel(*flow).unwrap();
        bench.firmware_answers(channel);
        bench.told(*flow);
        bench.wait(Duration::from_secs(1));
    }
    bench.wait(Duration::from_secs(600));
    assert!(
        streams.iter().all(|flow| bench.stage(*flow) == Some("active")),
        "while nobody else needs a channel"
    );
    let newcomer = bench.client();
    bench.ask(newcomer, REQUEST);
    bench.wait(Duration::from_secs(1));
    assert_eq!(bench.stage(newcomer), Some("active"));
    assert_eq!(
        bench.told(streams[0]),
        [FlowEvent::Closed(FlowEnd::Displaced)],
        "the one that was quiet longest"
    );
    assert!(streams[1..].iter().all(|flow| bench.stage(*flow) == Some("active")));
}

#[test]
fn a_demoted_request_lets_the_next_one_have_its_turn() {
    let mut bench = Bench::new(MuxConfig::default());
    let (first, second) = (bench.client(), bench.client());
    bench.ask(first, REQUEST);
    bench.ask(second, REQUEST);
    assert_eq!(bench.stage(second), Some("waiting"));
    bench.mux.reclassify(bench.now, first, Request { opaque: true, ..REQUEST });
    bench.settle();
    assert_eq!(bench.stage(second), Some("active"));
}

#[test]
fn clients_that_send_half_a_request_do_not_keep_everybody_out() {
    let mut bench = Bench::new(MuxConfig::default());
    let stalled: Vec<_> = (0..5).map(|_| bench.client()).collect();
    for flow in &stalled {
        bench.mux.request(bench.now, *flow, REQUEST);
        bench.mux.send(bench.now, *flow, Bytes::from_static(b"half a request"), false);
        bench.settle();
    }
    let newcomer = bench.client();
    bench.ask(newcomer, REQUEST);
    for _ in 0..5 {
        // A byte now and then earns nothing.
        bench.wait(Duration::from_secs(4));
        for flow in &stalled {
            bench.mux.send(bench.now, *flow, Bytes::from_static(b"."), false);
        }
        bench.settle();
    }
    assert_eq!(bench.stage(newcomer), Some("active"));
}

#[test]
fn a_long_transfer_that_moves_keeps_its_channel_whoever_waits() {
    let mut bench = bench();
    let busy: Vec<_> = (0..5).map(|_| bench.client()).collect();
    for flow in &busy {
        bench.ask(*flow, REQUEST);
    }
    let waiting = bench.client();
    bench.ask(waiting, REQUEST);
    for _ in 0..29 {
        for flow in &busy {
            let channel = bench.channel(*flow).expect("a channel");
            bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: &[0; 2000] }));
            bench.mux.delivered(bench.now, *flow, 2000);
        }
        bench.wait(Duration::from_secs(1));
    }
    assert!(busy.iter().all(|flow| bench.stage(*flow) == Some("active")));
}

#[test]
fn bulk_gets_a_slot_however_many_urgent_requests_there_are() {
    let mut bench = Bench::new(MuxConfig { heartbeat_burst: 100_000, bulk_patience: 9, ..config() });
    let urgent: Vec<_> = (0..16).map(|_| bench.client()).collect();
    for flow in &urgent {
        bench.ask(*flow, class(Class::Watchdog));
    }
    let bulk = bench.client();
    bench.ask(bulk, class(Class::Bulk));
    for _ in 0..20 {
        if bench.stage(bulk) == Some("active") {
            return;
        }
        let active = urgent.iter().copied().find(|flow| bench.stage(*flow) == Some("active")).unwrap();
        bench.answer(active, true);
        bench.ask(active, class(Class::Watchdog));
    }
    panic!("bulk is starved");
}

#[test]
fn a_user_with_endless_transfers_on_every_channel_leaves_one_to_another_user() {
    let mut bench = bench();
    let greedy: Vec<_> = (0..5).map(|_| bench.client_of(666)).collect();
    for flow in &greedy {
        bench.ask(*flow, REQUEST);
    }
    let honest = bench.client_of(1000);
    bench.ask(honest, REQUEST);
    for _ in 0..21 {
        for flow in &greedy {
            // Endless, and never slow.
            if let Some(channel) = bench.channel(*flow) {
                bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: &[0; 2000] }));
                bench.mux.delivered(bench.now, *flow, 2000);
            }
        }
        bench.wait(Duration::from_secs(1));
    }
    assert_eq!(bench.stage(honest), Some("active"));
    let left = greedy.iter().filter(|flow| bench.stage(**flow) == Some("active")).count();
    assert_eq!(left, 4, "no more than one was needed");
}
