//! Clients that keep their channels from others, by rest, by slowness or by number.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    mux::{
        bench::{Bench, REQUEST, bench},
        *,
    },
    wire::{ChannelData, Message},
};

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
fn stream_that_firmware_owes_something_may_rest_longer_than_one_that_was_replied_to() {
    let mut bench = bench();
    let streams: Vec<_> = (0..5).map(|_| bench.client()).collect();
    for flow in &streams {
        bench.ask(*flow, Request { opaque: true, ..REQUEST });
        let channel = bench.channel(*flow).unwrap();
        bench.firmware_answers(channel);
    }
    // All but the last ask again.
    for flow in &streams[..4] {
        bench.mux.send(bench.now, *flow, Bytes::from_static(b"again"), false);
        bench.told(*flow);
    }
    bench.told(streams[4]);
    let newcomers = [bench.client(), bench.client()];
    for flow in newcomers {
        bench.ask(flow, REQUEST);
    }
    bench.wait(Duration::from_secs(3));
    let displaced = [FlowEvent::Closed(FlowEnd::Displaced)];
    assert_eq!(bench.told(streams[4]), displaced);
    let stages =
        |bench: &Bench| streams[..4].iter().filter(|flow| bench.stage(**flow) == Some("active")).count();
    assert_eq!(stages(&bench), 4);
    bench.wait(Duration::from_secs(3));
    assert!(stages(&bench) < 4, "not for ever");
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
    let ends: Vec<_> = stalled.iter().flat_map(|flow| bench.told(*flow)).collect();
    assert_eq!(
        ends,
        [FlowEvent::Closed(FlowEnd::Displaced)],
        "one had to go, and not for firmware's silence"
    );
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

#[test]
fn users_with_one_endless_transfer_each_keep_their_channels() {
    let mut bench = bench();
    let lasting: Vec<_> = (0..5).map(|peer| bench.client_of(peer)).collect();
    for flow in &lasting {
        bench.ask(*flow, REQUEST);
    }
    let late = bench.client_of(1000);
    bench.ask(late, REQUEST);
    for _ in 0..25 {
        for flow in &lasting {
            let channel = bench.channel(*flow).expect("nobody has to make way");
            bench.say(Message::ChannelData(ChannelData { receiver: channel, payload: &[0; 2000] }));
            bench.mux.delivered(bench.now, *flow, 2000);
        }
        bench.wait(Duration::from_secs(1));
    }
    assert!(lasting.iter().all(|flow| bench.stage(*flow) == Some("active")));
}
