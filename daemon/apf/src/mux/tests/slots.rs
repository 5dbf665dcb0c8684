//! Who gets one of firmware's few channels, and in which order.

use crate::mux::{
    bench::{Bench, REQUEST, bench, class, config},
    *,
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

/// One channel, for which everybody waits.
fn narrow() -> Bench {
    Bench::new(MuxConfig {
        session: SessionConfig { max_channels: 1, ..SessionConfig::default() },
        reserved_slots: 0,
        bulk_patience: 3,
        ..config()
    })
}

/// The classes of the requests that firmware is given, one after the other.
fn turns(bench: &mut Bench, count: usize) -> String {
    let mut turns = String::new();
    for _ in 0..count {
        let active = bench.mux.flows().find(|flow| flow.stage == "active").expect("somebody's turn");
        turns.push(if active.class == Class::Bulk { 'b' } else { 'i' });
        bench.answer(active.id, false);
        bench.mux.close(bench.now, active.id, true);
        bench.settle();
    }
    turns
}

#[test]
fn bulk_that_had_its_turn_waits_for_the_next_as_long_as_for_the_first() {
    let mut bench = narrow();
    for request in [REQUEST, class(Class::Bulk)] {
        for _ in 0..12 {
            let flow = bench.client();
            bench.ask(flow, request);
        }
    }
    // The first came when nobody of bulk waited.
    assert_eq!(turns(&mut bench, 13), "iiiibiiibiiib");
}

#[test]
fn bulk_that_comes_late_has_no_claim_from_the_time_before_it_came() {
    let mut bench = narrow();
    for _ in 0..8 {
        let flow = bench.client();
        bench.ask(flow, REQUEST);
    }
    assert_eq!(turns(&mut bench, 4), "iiii");
    let bulk = bench.client();
    bench.ask(bulk, class(Class::Bulk));
    assert_eq!(turns(&mut bench, 5), "iiiib");
}

#[test]
fn urgent_request_takes_one_channel_from_those_that_rest_and_no_more() {
    let mut bench = bench();
    for request in [REQUEST, REQUEST, REQUEST, REQUEST, REQUEST, class(Class::Health)] {
        let flow = bench.client();
        bench.ask(flow, request);
        bench.answer(flow, true);
    }
    assert_eq!(bench.open.len(), 6);
    let urgent = bench.client();
    bench.ask(urgent, class(Class::Watchdog));
    assert_eq!((bench.stage(urgent), bench.mux.counters().detached), (Some("active"), 1));
}

#[test]
fn bulk_that_gives_up_when_its_turn_is_due_leaves_no_slot_reserved() {
    let mut bench = narrow();
    let first = bench.client();
    bench.ask(first, REQUEST);
    let bulk = bench.client();
    bench.ask(bulk, class(Class::Bulk));
    for _ in 0..4 {
        let flow = bench.client();
        bench.ask(flow, REQUEST);
    }
    assert_eq!(turns(&mut bench, 3), "iii");
    bench.mux.close(bench.now, bulk, false);
    assert_eq!(turns(&mut bench, 2), "ii");
}
