//! Channels: opening, flow control, closing from either side, slots, channels of firmware.

use std::time::Duration;

use amtd_apf::{
    ChannelId, CloseCause, Endpoint, Event, OpenError, OpenFailureReason, Refusal, SendError, SessionConfig,
    Slots,
    wire::{ChannelKind, ChannelOpen, ChannelOpenConfirmation, Endpoints, Message, RESERVED},
};
use bytes::Bytes;

use crate::support::{Host, adjust, close, confirmation, data, failure, farewell, seconds};

fn direct_tcpip(sender: u32, target_port: u32) -> Message<'static> {
    let kind = ChannelKind::DirectTcpip(Endpoints {
        target: b"localhost",
        target_port,
        originator: b"127.0.0.1",
        originator_port: 9,
    });
    Message::ChannelOpen(ChannelOpen { sender, window: 2048, reserved: RESERVED, kind })
}

impl Host {
    fn slots(&self) -> (usize, usize, usize) {
        let Slots { opening, open, closing, .. } = self.session.slots();
        (opening, open, closing)
    }

    fn delivered(&mut self, id: ChannelId, bytes: usize) {
        self.session.delivered(id, bytes);
    }
}

#[test]
fn bytes_queued_while_opening_follow_the_confirmation() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.send(channel, b"GET / ");
    host.send(channel, b"HTTP/1.1");
    assert_eq!(host.sent().len(), 1, "the open, and no data before the confirmation");
    host.hear(confirmation(channel, 0, 10));
    assert_eq!(host.events(), [Event::Opened { channel }]);
    host.says(&[data(0, b"GET / HTTP")]);
    assert_eq!(host.events(), [Event::Sent { channel, bytes: 10 }]);
    host.hear(adjust(channel.number(), 1000));
    host.says(&[data(0, b"/1.1")]);
}

#[test]
fn third_open_in_flight_is_refused_locally() {
    let mut host = Host::forwarding();
    let first = host.open().unwrap();
    let second = host.open().unwrap();
    assert_eq!(host.open(), Err(OpenError::TooManyOpening));
    host.sent();
    assert_eq!(host.open(), Err(OpenError::TooManyOpening));
    host.hear(confirmation(first, 0, 1));
    host.hear(failure(second.number(), OpenFailureReason::RESOURCE_SHORTAGE));
    assert!(host.open().is_ok());
    assert!(host.open().is_ok());
}

#[test]
fn seventh_channel_is_refused_locally_until_one_is_closed_both_ways() {
    let mut host = Host::forwarding();
    let channels: Vec<ChannelId> = (0..6).map(|remote| host.opened(remote, 4096)).collect();
    assert_eq!(host.open(), Err(OpenError::NoSlot));
    host.close(channels[2]);
    host.says(&[farewell(2), close(2)]);
    assert_eq!(host.open(), Err(OpenError::NoSlot), "firmware has not answered");
    host.hear(close(channels[2].number()));
    assert_eq!(host.events(), [Event::Released { channel: channels[2] }]);
    assert!(host.open().is_ok());
}

#[test]
fn slot_ledger_follows_every_phase() {
    let mut host = Host::forwarding();
    let first = host.open().unwrap();
    let second = host.open().unwrap();
    host.sent();
    assert_eq!(host.slots(), (2, 0, 0));
    host.hear(confirmation(first, 0, 0));
    host.hear(confirmation(second, 1, 4096));
    assert_eq!(host.slots(), (0, 2, 0));
    host.send(first, b"no window for this");
    host.close(first);
    host.close(second);
    assert_eq!(host.slots(), (0, 0, 2));
    host.sent();
    host.hear(close(first.number()));
    host.hear(close(second.number()));
    assert_eq!((host.slots(), host.session.slots().free()), ((0, 0, 0), 6));
}

#[test]
fn close_leaves_after_the_bytes_that_were_queued_before_it() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 5);
    host.send(channel, b"hello world");
    host.close(channel);
    host.says(&[farewell(0), data(0, b"hello")]);
    host.hear(adjust(channel.number(), 100));
    host.says(&[data(0, b" world"), close(0)]);
    assert_eq!(host.events(), [], "the owner has gone and is told nothing but the end");
    host.hear(close(channel.number()));
    assert_eq!(host.events(), [Event::Released { channel }]);
}

/// Nothing of firmware's is on its way, so it needs no window to send it into the void.
#[test]
fn channel_that_rests_is_closed_without_a_farewell() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.session.retire(host.now, channel);
    host.says(&[close(0)]);
}

#[test]
fn channel_that_does_not_rest_is_not_cut_when_it_is_retired() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.send(channel, b"the rest of a request");
    host.session.retire(host.now, channel);
    host.says(&[farewell(0), data(0, b"the rest of a request"), close(0)]);
}

#[test]
fn drain_that_firmware_never_grants_ends_by_itself() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 0);
    host.send(channel, b"never");
    host.close(channel);
    host.says(&[farewell(0)]);
    for _ in 0..30 {
        host.is_quiet();
        host.wait(seconds(1)).unwrap();
    }
    host.says(&[close(0)]);
    assert_eq!(host.counters().unanswered_closes, 0, "it was not asked to answer yet");
    host.wait(seconds(10)).unwrap();
    assert_eq!(host.counters().unanswered_closes, 1);
    assert_eq!(host.events(), [Event::Released { channel }]);
    assert_eq!(host.session.poll_timeout(), None);
}

#[test]
fn abort_drops_what_is_queued() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 5);
    host.send(channel, b"hello world");
    host.abort(channel);
    host.says(&[farewell(0), close(0)]);
    assert_eq!(host.session.send(host.now, channel, Bytes::from_static(b"x")), Err(SendError::Gone));
}

#[test]
fn abort_cuts_a_drain_short() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 0);
    host.send(channel, b"hello");
    host.close(channel);
    host.says(&[farewell(0)]);
    host.abort(channel);
    host.says(&[close(0)]);
}

#[test]
fn open_that_was_given_up_before_it_left_never_leaves() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.close(channel);
    assert_eq!(host.events(), [Event::Released { channel }]);
    host.is_quiet();
    assert_eq!(host.slots(), (0, 0, 0));
}

#[test]
fn abandoned_open_is_closed_when_firmware_confirms_and_then_frees_its_slot() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.send(channel, b"request of a client that left");
    host.close(channel);
    host.is_quiet();
    assert_eq!(host.slots(), (1, 0, 0), "firmware may be reserving a slot");

    host.hear(confirmation(channel, 4, 4096));
    host.says(&[close(4)]);
    assert_eq!((host.slots(), host.events()), ((0, 0, 1), vec![]));
    host.hear(close(channel.number()));
    assert_eq!((host.slots(), host.events()), ((0, 0, 0), vec![Event::Released { channel }]));
}

#[test]
fn abandoned_open_frees_its_slot_on_failure_and_on_silence() {
    let mut host = Host::forwarding();
    let refused = host.open().unwrap();
    let silent = host.open().unwrap();
    host.sent();
    host.abort(refused);
    host.abort(silent);
    host.hear(failure(refused.number(), OpenFailureReason::RESOURCE_SHORTAGE));
    assert_eq!(host.events(), [Event::Released { channel: refused }]);
    host.wait(seconds(15)).unwrap();
    assert_eq!(host.events(), [Event::Released { channel: silent }]);
    host.is_quiet();
    assert_eq!(host.session.slots().free(), 6);
}

#[test]
fn thousand_abandoned_opens_leak_nothing() {
    let mut host = Host::forwarding();
    for round in 0..1000u32 {
        let channel = host.open().expect("a slot");
        assert_eq!(host.sent().len(), 1);
        host.close(channel);
        host.hear(confirmation(channel, round % 8, 4096));
        host.says(&[close(round % 8)]);
        host.hear(close(channel.number()));
        assert_eq!(host.events(), [Event::Released { channel }]);
    }
    assert_eq!((host.session.slots().free(), host.session.channels().count()), (6, 0));
}

#[test]
fn firmware_that_answers_nothing_cannot_use_the_slots_up() {
    let mut host = Host::forwarding();
    for _ in 0..3000 {
        let channel = host.open().expect("a slot");
        host.sent();
        host.wait(seconds(15)).unwrap();
        assert_eq!(host.events().last(), Some(&Event::Released { channel }));
    }
    assert_eq!(host.session.slots().free(), 6);
}

#[test]
fn closes_channel_when_firmware_closes_mid_window() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 3);
    host.send(channel, b"abcdef");
    host.says(&[data(0, b"abc")]);
    host.events();
    host.hear(data(channel.number(), b"the whole answer"));
    host.hear(close(channel.number()));
    host.says(&[close(0)]);
    assert_eq!(
        host.events(),
        [
            Event::Data { channel, bytes: Bytes::from_static(b"the whole answer") },
            Event::Closed { channel, cause: CloseCause::Firmware },
            Event::Released { channel },
        ]
    );
    host.delivered(channel, 16);
    host.is_quiet();
    assert_eq!(host.session.room(channel), 0);
}

#[test]
fn both_sides_closing_at_once_ends_cleanly() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.close(channel);
    host.hear(close(channel.number()));
    host.says(&[close(0)]);
    assert_eq!(host.events(), [Event::Released { channel }]);
}

#[test]
fn credit_is_for_delivered_bytes_only_and_batched() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    for _ in 0..4 {
        host.hear(data(channel.number(), &[0; 1000]));
    }
    assert_eq!(host.events().len(), 4);
    host.is_quiet();

    host.delivered(channel, 1000);
    host.delivered(channel, 1000);
    host.is_quiet();
    host.delivered(channel, 48);
    host.says(&[adjust(0, 2048)]);
    host.delivered(channel, 1951);
    host.is_quiet();
    host.delivered(channel, 1);
    host.says(&[adjust(0, 1952)]);
    host.delivered(channel, 1);
    host.is_quiet();
}

/// An adjust after the close could reach the channel to which firmware gives the number next, and make it
/// exceed its window.
#[test]
fn no_adjust_follows_the_close() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(data(channel.number(), &[0; 3000]));
    host.session.delivered(channel, 2500);
    host.close(channel);
    host.says(&[adjust(0, (1 << 20) - 1096), close(0)]);
    host.events();
    for _ in 0..100 {
        host.hear(data(channel.number(), &[0; 4096]));
    }
    host.session.delivered(channel, 500);
    host.is_quiet();
    assert_eq!(host.counters().discarded_bytes, 409_600);
}

#[test]
fn one_adjust_collects_all_credit_up_to_the_moment_when_it_leaves() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    for _ in 0..3 {
        host.hear(data(channel.number(), &[0; 700]));
        host.delivered(channel, 700);
    }
    host.says(&[adjust(0, 2100)]);
}

/// A host that collects credit until firmware has used up its window makes firmware stop and go with each window.
#[test]
fn firmware_is_not_kept_waiting_for_credit_of_half_a_window() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(data(channel.number(), &[0; 2047]));
    host.session.delivered(channel, 2047);
    assert!(host.session.wants_transmit() && !host.session.is_pressed());
    host.hear(data(channel.number(), &[0; 1]));
    host.session.delivered(channel, 1);
    assert!(host.session.is_pressed());
    host.says(&[adjust(0, 2048)]);
    assert!(!host.session.is_pressed());
}

#[test]
fn client_that_reads_nothing_costs_one_window() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    let mut held = 0;
    while host.session.channels().next().unwrap().local_window >= 512 {
        host.hear(data(channel.number(), &[0; 512]));
        held += 512;
    }
    assert_eq!(held, 4096);
    host.says(&[]);
}

#[test]
fn client_that_writes_without_limit_is_stopped_by_room() {
    let mut host = Host::forwarding_with(SessionConfig { tx_buffer: 1000, ..SessionConfig::default() });
    let channel = host.opened(0, 300);
    assert_eq!(host.session.room(channel), 1000);
    host.send(channel, &[0; 999]);
    assert_eq!(host.session.send(host.now, channel, Bytes::from_static(b"ab")), Err(SendError::Full));
    host.send(channel, b"a");
    assert_eq!(host.session.room(channel), 0);
    host.says(&[data(0, &[0; 300])]);
    assert_eq!(host.events(), [Event::Sent { channel, bytes: 300 }]);
    assert_eq!(host.session.room(channel), 300);
}

#[test]
fn window_of_one_byte_at_a_time_still_moves_everything() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 0);
    host.send(channel, b"slow");
    let mut arrived = Vec::new();
    while arrived.len() < 4 {
        host.is_quiet();
        host.hear(adjust(channel.number(), 1));
        let sent = host.sent();
        assert_eq!(sent.len(), 1);
        arrived.extend_from_slice(&sent[0][9..]);
        host.events();
    }
    assert_eq!(arrived, b"slow");
}

/// A tail of 100 bytes is left over; in a window of 1000 it would come back as credit of 100, and be sent as such again.
#[test]
fn stream_does_not_stay_in_the_small_pieces_that_it_once_fell_into() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 1000);
    host.send(channel, &[1; 100]);
    host.send(channel, &[2; 200]);
    host.send(channel, &[3; 700]);
    let mut handed: Vec<_> = host.sent().iter().map(|message| message.len() - 9).collect();
    host.send(channel, &[4; 10_000]);
    let mut sizes = Vec::new();
    while !handed.is_empty() {
        let credit = handed.remove(0);
        host.hear(adjust(channel.number(), u32::try_from(credit).unwrap()));
        let sent: Vec<_> = host.sent().iter().map(|message| message.len() - 9).collect();
        handed.extend(&sent);
        sizes.extend(sent);
    }
    assert_eq!(sizes.iter().sum::<usize>(), 10_000);
    assert!(sizes.len() <= 20, "{sizes:?}");
}

#[test]
fn close_sends_what_waited_for_a_wider_window() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 100);
    host.send(channel, &[1; 70]);
    host.sent();
    host.send(channel, &[2; 70]);
    assert_eq!(host.sent(), [] as [Vec<u8>; 0]);
    host.close(channel);
    let sent = host.sent();
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [9, 9 + 30], "the farewell, and what fits");
    host.hear(adjust(channel.number(), 70));
    let sent = host.sent();
    assert_eq!(sent.iter().map(Vec::len).collect::<Vec<_>>(), [9 + 40, 5], "the rest, and CLOSE");
}

#[test]
fn firmware_that_saves_up_its_credit_gets_a_short_message_after_a_moment() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 100);
    host.send(channel, &[1; 70]);
    host.sent();
    host.events();
    host.send(channel, &[2; 70]);
    host.is_quiet();
    host.wait(Duration::from_millis(100)).unwrap();
    assert_eq!(host.sent().iter().map(Vec::len).collect::<Vec<_>>(), [9 + 30]);
}

#[test]
fn zombie_numbers_are_not_given_out_again() {
    let mut host = Host::forwarding();
    let zombie = host.opened(0, 4096);
    host.close(zombie);
    host.sent();
    host.wait(seconds(10)).unwrap();
    host.events();
    let next = host.opened(0, 4096);
    assert!(next.number() > zombie.number());
    host.hear(data(zombie.number(), b"for the dead"));
    host.is_quiet();
    host.hear(close(zombie.number()));
    host.is_quiet();
    assert_eq!(host.state_of(next), Some("open"));
}

#[test]
fn refused_open_tells_the_reason_and_frees_the_slot() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.hear(failure(channel.number(), OpenFailureReason::RESOURCE_SHORTAGE));
    let reason = Refusal::Firmware(OpenFailureReason::RESOURCE_SHORTAGE);
    assert_eq!(host.events(), [Event::Refused { channel, reason }, Event::Released { channel }]);
    assert_eq!(reason.to_string(), "refused by firmware: resource shortage (4)");
}

#[test]
fn open_that_cannot_even_leave_times_out_without_a_trace() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.wait(seconds(15)).unwrap();
    assert_eq!(
        host.events(),
        [Event::Refused { channel, reason: Refusal::NotSent }, Event::Released { channel }]
    );
    host.is_quiet();
    assert_eq!(host.counters().unanswered_opens, 0, "firmware was never asked");
}

#[test]
fn alert_sink_channel_is_accepted_and_its_bytes_are_credited() {
    let mut host = Host::forwarding();
    host.hear(direct_tcpip(7, 0));
    let events = host.events();
    let [Event::Direct { channel, .. }] = events[..] else { panic!("{events:?}") };
    let originator = Endpoint { host: "127.0.0.1".into(), port: 9 };
    assert_eq!(events, [Event::Direct { channel, host: "localhost".into(), port: 0, originator }]);
    host.says(&[Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
        receiver: 7,
        sender: channel.number(),
        window: 4096,
        reserved: RESERVED,
    })]);
    assert_eq!(host.session.slots().free(), 6, "firmware's channels have slots of their own");

    for byte in b"POST" {
        host.hear(data(channel.number(), &[*byte]));
        host.delivered(channel, 1);
    }
    assert_eq!(host.events().len(), 4);
    host.says(&[adjust(7, 4)]);
    host.close(channel);
    host.says(&[farewell(7), close(7)]);
    host.hear(close(channel.number()));
    assert_eq!(host.events(), [Event::Released { channel }]);
}

#[test]
fn direct_channel_is_confirmed_even_if_it_is_closed_at_once() {
    let mut host = Host::forwarding();
    host.hear(direct_tcpip(7, 0));
    let Some(Event::Direct { channel, .. }) = host.events().pop() else { panic!("not accepted") };
    host.close(channel);
    let sent = host.sent();
    assert_eq!(sent.iter().map(|bytes| bytes[0]).collect::<Vec<_>>(), [0x5b, 0x5d, 0x61]);
}

#[test]
fn firmware_does_not_make_the_host_connect_anywhere() {
    let mut host = Host::forwarding();
    host.hear(direct_tcpip(7, 443));
    host.says(&[failure(7, OpenFailureReason::PROHIBITED)]);
    let reason = OpenFailureReason::PROHIBITED;
    assert_eq!(host.events(), [Event::DirectRefused { host: "localhost".into(), port: 443, reason }]);
}

#[test]
fn channels_of_firmware_are_limited() {
    let mut host = Host::forwarding();
    for number in 0..3 {
        host.hear(direct_tcpip(number, 0));
    }
    let sent = host.sent();
    assert_eq!(sent.iter().map(|bytes| bytes[0]).collect::<Vec<_>>(), [0x5b, 0x5b, 0x5c]);
    let reason = OpenFailureReason::RESOURCE_SHORTAGE;
    assert_eq!(
        host.events().last(),
        Some(&Event::DirectRefused { host: "localhost".into(), port: 0, reason })
    );
}

#[test]
fn firmware_number_zero_is_a_number() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.send(channel, b"x");
    host.says(&[data(0, b"x")]);
    host.close(channel);
    host.says(&[farewell(0), close(0)]);
}

#[test]
fn number_given_out_again_before_the_close_was_answered_counts_as_the_answer() {
    let mut host = Host::forwarding();
    let first = host.opened(0, 4096);
    host.close(first);
    host.sent();
    let second = host.open().unwrap();
    host.sent();
    host.hear(confirmation(second, 0, 4096));
    let events = host.events();
    assert!(events.contains(&Event::Released { channel: first }), "{events:?}");
    assert!(events.contains(&Event::Opened { channel: second }), "{events:?}");
}

#[test]
fn what_leaves_names_its_channel_and_is_counted() {
    let mut host = Host::forwarding();
    let before = host.counters().messages_out;
    let channel = host.open().unwrap();
    let (transmit, _) = host.next().unwrap();
    assert_eq!((transmit.channel, transmit.payload), (Some(channel), 0));
    host.hear(confirmation(channel, 0, 4096));
    host.send(channel, b"ten  bytes");
    let (transmit, _) = host.next().unwrap();
    assert_eq!((transmit.channel, transmit.payload), (Some(channel), 10));
    assert_eq!((host.counters().messages_out - before, host.counters().bytes_out), (2, 10));
}
