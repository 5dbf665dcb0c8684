//! What the caller is promised: when there is something to write, what was counted, and a way to the channels of firmware's
//! own.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    DisconnectReason,
    mux::{
        bench::{Bench, PORT, REQUEST, bench},
        *,
    },
    wire::{
        ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, Disconnect, Endpoints,
        Message, RESERVED, WindowAdjust,
    },
};

/// The next message that leaves.
fn transmitted(mux: &mut Mux, now: Instant) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    mux.poll_transmit(now, &mut bytes).map(|_| bytes)
}

#[test]
fn wish_to_transmit_is_told_as_long_as_something_waits_and_no_longer() {
    let mut bench = bench();
    assert!(!bench.mux.wants_transmit());
    let flow = bench.client();
    bench.mux.request(bench.now, flow, REQUEST);
    assert!(bench.mux.wants_transmit(), "the opening of its channel");
    assert!(transmitted(&mut bench.mux, bench.now).is_some());
    assert!(!bench.mux.wants_transmit());
    bench.mux.link_lost(bench.now);
    assert!(!bench.mux.wants_transmit(), "to nobody");
}

#[test]
fn requests_and_what_became_of_them_are_counted() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.answer(flow, true);
    bench.ask(flow, REQUEST);
    let counters = bench.mux.counters();
    assert_eq!((counters.requests, counters.admitted, counters.refused), (2, 2, 0));
}

#[test]
fn device_sets_the_longest_message_of_each_session_and_sessions_are_told_apart() {
    let mut bench = bench();
    let generation = |bench: &Bench| bench.mux.session().unwrap().generation();
    let first = generation(&bench);
    bench.mux.link_up(bench.now, 93);
    assert_ne!(generation(&bench), first);
    bench.restart();
    let flow = bench.client();
    bench.mux.request(bench.now, flow, REQUEST);
    bench.mux.send(bench.now, flow, Bytes::from(vec![7; 200]), true);
    bench.settle();
    let sizes: Vec<usize> = bench.received.iter().map(|(_, bytes)| bytes.len()).collect();
    assert_eq!(sizes, [84, 84, 32], "in messages of 93 bytes, with nine before the payload");
}

#[test]
fn client_of_an_answered_request_that_asks_again_is_owed_another_answer() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.firmware_answers(bench.channel(flow).unwrap());
    // The second of two requests that follow each other without a pause.
    bench.mux.send(bench.now, flow, Bytes::from_static(b"and another"), true);
    bench.settle();
    let others: Vec<_> = (0..12).map(|peer| bench.client_of(peer)).collect();
    for other in &others {
        bench.ask(*other, REQUEST);
    }
    // Longer than a client that rests may keep its channel from others, and not as long as firmware may take.
    bench.wait(bench.mux.config.opaque_rest + Duration::from_secs(1));
    let told = bench.told(flow);
    assert!(!told.contains(&FlowEvent::Closed(FlowEnd::Displaced)), "{told:?}");
}

fn hear(bench: &mut Bench, message: Message<'_>) {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bench.mux.handle_message(bench.now, &bytes).unwrap();
}

/// Firmware opens a channel: its id, and the window that the host gives it.
fn firmware_opens(bench: &mut Bench) -> (ChannelId, usize) {
    let target =
        Endpoints { target: b"localhost", target_port: 0, originator: b"127.0.0.1", originator_port: 1 };
    let kind = ChannelKind::DirectTcpip(target);
    hear(bench, Message::ChannelOpen(ChannelOpen { sender: 5, window: 100, reserved: RESERVED, kind }));
    let opened = std::iter::from_fn(|| bench.mux.poll_event()).find_map(|event| match event {
        Event::Session(SessionEvent::Direct { channel, .. }) => Some(channel),
        _ => None,
    });
    let confirmed = transmitted(&mut bench.mux, bench.now).unwrap();
    match Message::decode(&confirmed).unwrap().message {
        Message::ChannelOpenConfirmation(ChannelOpenConfirmation { window, .. }) => {
            (opened.expect("firmware may open a channel"), usize::try_from(window).unwrap())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn channel_of_firmwares_own_is_credited_and_closed() {
    let mut bench = bench();
    let (channel, window) = firmware_opens(&mut bench);
    let alert = vec![1; window];
    hear(&mut bench, Message::ChannelData(ChannelData { receiver: channel.number(), payload: &alert }));
    assert!(!bench.mux.wants_transmit(), "no credit for what nobody took");
    assert!(matches!(
        std::iter::from_fn(|| bench.mux.poll_event()).last(),
        Some(Event::Session(SessionEvent::Data { bytes, .. })) if bytes == alert
    ));
    bench.mux.direct_delivered(channel, alert.len());
    let credit = transmitted(&mut bench.mux, bench.now).unwrap();
    assert!(matches!(Message::decode(&credit).unwrap().message, Message::WindowAdjust(_)));
    bench.mux.direct_close(bench.now, channel);
    let last = std::iter::from_fn(|| transmitted(&mut bench.mux, bench.now)).last().expect("a close");
    assert!(matches!(Message::decode(&last).unwrap().message, Message::ChannelClose(_)));
}

#[test]
fn end_of_a_channel_of_firmwares_own_is_told() {
    let mut bench = bench();
    let (channel, _) = firmware_opens(&mut bench);
    hear(&mut bench, Message::ChannelClose(ChannelClose { receiver: channel.number() }));
    let is_its_end =
        |event| matches!(event, Event::Session(SessionEvent::Closed { channel: of, .. }) if of == channel);
    assert!(std::iter::from_fn(|| bench.mux.poll_event()).any(is_its_end));
}

#[test]
fn firmware_is_told_that_the_host_stops() {
    let mut bench = bench();
    bench.mux.disconnect(DisconnectReason::BY_APPLICATION);
    let last = transmitted(&mut bench.mux, bench.now).expect("a goodbye");
    let goodbye = Message::Disconnect(Disconnect { reason: DisconnectReason::BY_APPLICATION });
    assert_eq!(Message::decode(&last).unwrap().message, goodbye);
    assert!(bench.mux.session().unwrap().ready(PORT).is_err());
}

/// Room that the client was given for what it sent.
fn room(bench: &mut Bench) -> Vec<usize> {
    let told = std::mem::take(&mut bench.told).into_iter();
    told.filter_map(|(_, event)| if let FlowEvent::Room(bytes) = event { Some(bytes) } else { None })
        .collect()
}

#[test]
fn client_may_send_as_much_again_as_the_device_took_and_no_more() {
    let mut bench = bench();
    let flow = bench.client();
    bench.mux.request(bench.now, flow, REQUEST);
    bench.mux.send(bench.now, flow, Bytes::from(vec![7; 10_000]), false);
    bench.settle();
    assert_eq!(room(&mut bench), [], "firmware's window is less than half a buffer");
    let channel = bench.channel(flow).unwrap();
    bench.say(Message::WindowAdjust(WindowAdjust { receiver: channel, bytes: 20_000 }));
    let told = room(&mut bench);
    assert_eq!(
        (told.iter().sum::<usize>(), told.len()),
        (10_000, 2),
        "half a buffer, and the rest when all has left"
    );
}

#[test]
fn client_that_waits_for_its_answer_is_told_of_room_with_it() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, REQUEST);
    bench.settle();
    assert_eq!(room(&mut bench), []);
    bench.answer(flow, true);
    let told = std::mem::take(&mut bench.told);
    assert!(matches!(told[..], [(_, FlowEvent::Room(_)), (_, FlowEvent::Data(_)), ..]), "{told:?}");
}

#[test]
fn client_that_has_ended_its_side_is_told_when_all_has_left() {
    for early in [true, false] {
        let mut bench = bench();
        let flow = bench.client();
        let end = |bench: &mut Bench, now: bool| {
            if now {
                bench.mux.half_close(flow);
                bench.settle();
            }
        };
        end(&mut bench, early);
        bench.ask(flow, REQUEST);
        end(&mut bench, !early);
        assert_eq!(room(&mut bench).len(), 1);
    }
}

#[test]
fn client_of_a_stream_that_nobody_can_follow_is_told_of_room_as_soon_as_all_has_left() {
    let mut bench = bench();
    let flow = bench.client();
    bench.ask(flow, Request { opaque: true, ..REQUEST });
    bench.settle();
    assert_eq!(room(&mut bench).len(), 1);
}

#[test]
fn client_that_stays_gets_back_the_room_of_what_never_left() {
    let mut bench = bench();
    let flow = bench.client();
    bench.mux.request(bench.now, flow, REQUEST);
    bench.mux.send(bench.now, flow, Bytes::from(vec![7; 10_000]), true);
    bench.settle();
    // An answer before the end of the request, as a refusal is.
    bench.answer(flow, true);
    room(&mut bench);
    bench.mux.link_lost(bench.now);
    bench.settle();
    assert_eq!((room(&mut bench), bench.stage(flow)), (vec![10_000 - 4096], Some("detached")));
    bench.link_up();
    bench.ask(flow, REQUEST);
    bench.answer(flow, true);
    room(&mut bench);
    bench.mux.link_lost(bench.now);
    bench.settle();
    assert_eq!(room(&mut bench), [], "all of it had left");
}
