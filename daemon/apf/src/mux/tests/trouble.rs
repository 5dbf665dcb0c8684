//! What clients are told when the link, a port or firmware fails, and when they give up themselves.

use std::time::Duration;

use crate::{
    Port,
    mux::{
        bench::{Bench, PORT, REQUEST, VERSION, Withdrawn, bench, class, config},
        *,
    },
    wire::{Message, OpenFailureReason, SERVICE_PFWD, ServiceName},
};

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

/// AMT 16 (`apf 4.4`): what it withdrew while nobody used it, it asks for again when somebody does.
#[test]
fn firmware_that_withdraws_its_ports_while_idle_is_woken_by_the_next_request() {
    let mut bench = bench();
    bench.withdrawn = Withdrawn::AsksAgain;
    bench.forward(false);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_millis(250));
    assert_eq!(bench.stage(flow), Some("active"));
    bench.answer(flow, true);
    assert_eq!(bench.gone, []);
}

/// The request and the withdrawal cross.
#[test]
fn a_request_that_was_refused_before_is_not_too_late_to_wake_firmware() {
    let mut bench = bench();
    bench.withdrawn = Withdrawn::AsksAgain;
    bench.refusals.push_back(Some(OpenFailureReason::PROHIBITED));
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.forward(false);
    bench.wait(Duration::from_millis(250));
    bench.wait(Duration::from_millis(500));
    assert_eq!(bench.stage(flow), Some("active"));
}

#[test]
fn a_port_that_was_withdrawn_for_good_is_tried_once_and_refused_in_time() {
    let mut bench = bench();
    bench.forward(false);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_secs(3));
    assert_eq!(bench.told(flow), [FlowEvent::Refused(Refusal::NotForwarded(PORT))]);
    assert_eq!(bench.mux.counters().open_refusals, 1);
    assert_eq!(bench.gone, [PORT]);
}

#[test]
fn firmware_that_ignores_an_opening_for_a_withdrawn_port_is_not_taken_for_silent() {
    let mut bench = bench();
    bench.withdrawn = Withdrawn::Ignores;
    bench.forward(false);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_secs(15));
    assert_eq!(bench.told(flow), [FlowEvent::Refused(Refusal::NotForwarded(PORT))]);
    assert_eq!(bench.silent, None);
}

#[test]
fn a_port_that_is_not_served_keeps_nobody_else_waiting() {
    let mut bench = bench();
    let originator = "127.0.0.1:51234".parse().unwrap();
    let (lost, other) = (FlowId(77), bench.client());
    bench.mux.open(lost, FlowSpec { port: Port(623), originator, peer: 1000 });
    bench.ask(lost, REQUEST);
    bench.ask(other, REQUEST);
    assert_eq!((bench.stage(lost), bench.stage(other)), (Some("waiting"), Some("active")));
}

#[test]
fn a_request_that_no_session_came_for_is_told_that_the_link_is_down() {
    let mut bench = bench();
    bench.mux.link_lost(bench.now);
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    // Connected, and then not a word of firmware's.
    bench.mux.link_up(bench.now, 5120);
    while bench.stage(flow).is_some() {
        let at = bench.mux.poll_timeout().expect("a deadline");
        bench.now = at;
        // Whether the session ends before the request does not matter.
        let _ = bench.mux.handle_timeout(at);
        bench.settle();
    }
    assert_eq!(bench.told(flow), [FlowEvent::Refused(Refusal::LinkDown)]);
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
fn a_request_that_waits_for_a_channel_is_told_soon_when_the_link_is_lost() {
    let mut bench = bench();
    let flows: Vec<_> = (0..6).map(|_| bench.client()).collect();
    for flow in &flows {
        bench.ask(*flow, REQUEST);
    }
    let waits = flows[5];
    assert_eq!(bench.stage(waits), Some("waiting"));
    bench.mux.link_lost(bench.now);
    bench.wait(bench.mux.config.link_wait);
    assert_eq!(bench.told(waits), [FlowEvent::Refused(Refusal::LinkDown)]);
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
    assert_eq!(bench.told(active), [FlowEvent::Closed(FlowEnd::Restarted)]);
    assert_eq!(bench.stage(resting), Some("detached"));
    bench.say(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
    bench.forward(true);
    bench.ask(resting, REQUEST);
    assert_eq!(bench.stage(resting), Some("active"));
}

#[test]
fn firmware_that_answers_nobody_is_told_from_one_that_forgot_a_request() {
    let mut bench = bench();
    let (forgotten, other) = (bench.client(), bench.client());
    bench.ask(forgotten, REQUEST);
    bench.wait(Duration::from_secs(60));
    bench.ask(other, REQUEST);
    bench.answer(other, true);
    bench.wait(Duration::from_secs(60));
    assert_eq!(bench.told(forgotten), [FlowEvent::Closed(FlowEnd::Silent)]);
    assert_eq!(bench.silent, None);

    let since = bench.now;
    bench.ask(other, REQUEST);
    bench.wait(Duration::from_secs(120));
    assert_eq!(bench.silent, Some(since));
    let another = bench.client();
    bench.ask(another, REQUEST);
    assert_eq!(bench.silent, Some(since), "a channel is no answer");
    bench.answer(another, true);
    assert_eq!(bench.silent, None);
}

#[test]
fn firmware_that_opens_no_channel_is_silent_until_it_is_reset() {
    let mut bench = bench();
    bench.refusals = [None].into();
    let since = bench.now;
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.wait(Duration::from_secs(30));
    assert_eq!(bench.told(flow), [FlowEvent::Refused(Refusal::Unanswered)]);
    assert_eq!(bench.silent.take(), Some(since));
    bench.recover();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.answer(flow, true);
}

#[test]
fn firmware_is_not_blamed_for_an_open_that_the_device_never_took() {
    let mut bench = bench();
    let (patient, urgent) = (bench.client(), bench.client());
    bench.mux.request(bench.now, patient, REQUEST);
    bench.mux.request(bench.now, urgent, class(Class::Health));
    // The device takes nothing: time passes, and no message leaves.
    let mut told = Vec::new();
    for _ in 0..2 {
        bench.now += bench.mux.config.session.timeouts.open;
        bench.mux.handle_timeout(bench.now).unwrap();
        told.extend(std::iter::from_fn(|| bench.mux.poll_event()));
        told.retain(|event| matches!(event, Event::Flow { .. } | Event::Silent { .. }));
    }
    let event = FlowEvent::Refused(Refusal::DeviceBlocked);
    let refused = |flow| Event::Flow { flow, event: event.clone() };
    assert_eq!(told, [refused(urgent), refused(patient)], "each at its own deadline");
    assert_eq!(bench.mux.counters().open_refusals, 0);
}

#[test]
fn a_request_goes_on_when_the_device_takes_messages_again() {
    let mut bench = bench();
    let flow = bench.client();
    bench.mux.request(bench.now, flow, REQUEST);
    bench.now += bench.mux.config.session.timeouts.open;
    bench.mux.handle_timeout(bench.now).unwrap();
    bench.settle();
    assert_eq!(bench.stage(flow), Some("active"));
    assert_eq!(bench.told(flow), []);
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
