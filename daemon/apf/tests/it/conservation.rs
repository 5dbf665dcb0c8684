//! Random runs against a firmware that keeps the rules: no byte is lost, doubled or out of order, no window
//! is exceeded or leaks, no slot leaks, and every channel ends with exactly one `Released`.

use std::collections::{BTreeMap, VecDeque};

use amtd_apf::{ChannelId, ChannelInfo, Class, Event, SessionConfig, Timeouts, wire::Message};
use proptest::prelude::*;

use crate::{
    firmware::{Firmware, Remote, stream},
    support::{Host, seconds},
};

/// Something that one of the parties does. Channels are named by their place among those that exist.
#[derive(Debug, Clone, Copy)]
enum Step {
    Open(Class),
    Send(usize, usize),
    Deliver(usize, usize),
    SetClass(usize, Class),
    Close(usize),
    Abort(usize),
    FirmwareAnswers(bool),
    FirmwareSends(usize, usize),
    FirmwareCredits(usize, u32),
    FirmwareCloses(usize),
    /// Messages reach the firmware, or the host.
    ToFirmware(usize),
    ToHost(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let channel = || 0usize..8;
    let class = || prop::sample::select(Class::ALL.to_vec());
    prop_oneof![
        4 => class().prop_map(Step::Open),
        6 => (channel(), 1usize..6000).prop_map(|(channel, bytes)| Step::Send(channel, bytes)),
        6 => (channel(), 1usize..5000).prop_map(|(channel, bytes)| Step::Deliver(channel, bytes)),
        1 => (channel(), class()).prop_map(|(channel, class)| Step::SetClass(channel, class)),
        1 => channel().prop_map(Step::Close),
        1 => channel().prop_map(Step::Abort),
        4 => prop::bool::weighted(0.8).prop_map(Step::FirmwareAnswers),
        6 => (channel(), 0usize..3000).prop_map(|(channel, bytes)| Step::FirmwareSends(channel, bytes)),
        6 => (channel(), 0u32..4000).prop_map(|(channel, bytes)| Step::FirmwareCredits(channel, bytes)),
        1 => channel().prop_map(Step::FirmwareCloses),
        8 => (1usize..8).prop_map(Step::ToFirmware),
        8 => (1usize..8).prop_map(Step::ToHost),
        1 => (0u64..6).prop_map(Step::Wait),
    ]
}

/// What the owner of a channel knows.
#[derive(Debug, Default)]
struct Owner {
    queued: usize,
    received: usize,
    undelivered: usize,
    opened: bool,
    /// The owner has closed: nothing but `Released` may come.
    left: bool,
    /// All that was queued must arrive.
    orderly: bool,
    /// Firmware or time ended it.
    ended: bool,
}

struct World {
    host: Host,
    firmware: Firmware,
    to_firmware: VecDeque<Vec<u8>>,
    owners: BTreeMap<ChannelId, Owner>,
    /// Orderly closes, by number: how many bytes have to arrive.
    expected: BTreeMap<u32, usize>,
}

impl World {
    fn new(window: u32) -> Self {
        // Waiting for window is what these runs do; it must not end channels.
        let timeouts = Timeouts { drain: seconds(3600), zero_window: seconds(3600), ..Timeouts::default() };
        let config = SessionConfig { timeouts, max_frame: 1000, ..SessionConfig::default() };
        Self {
            host: Host::forwarding_with(config),
            firmware: Firmware::new(window),
            to_firmware: VecDeque::new(),
            owners: BTreeMap::new(),
            expected: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Open(class) => {
                if let Ok(id) = self.host.open_as(class) {
                    assert!(self.owners.insert(id, Owner::default()).is_none(), "a fresh id");
                }
            }
            Step::Send(nth, bytes) => self.send(nth, bytes),
            Step::Deliver(nth, bytes) => self.deliver(nth, bytes),
            Step::SetClass(nth, class) => {
                if let Some(id) = self.nth(nth) {
                    self.host.session.set_class(id, class);
                }
            }
            Step::Close(nth) => self.leave(nth, true),
            Step::Abort(nth) => self.leave(nth, false),
            Step::FirmwareAnswers(accept) => {
                self.firmware.answer_open(accept);
            }
            Step::FirmwareSends(nth, bytes) => self.firmware.send(nth, bytes),
            Step::FirmwareCredits(nth, bytes) => self.firmware.credit(nth, bytes),
            Step::FirmwareCloses(nth) => self.firmware.close(nth),
            Step::ToFirmware(count) => self.carry_to_firmware(count),
            Step::ToHost(count) => self.carry_to_host(count),
            Step::Wait(count) => self.host.wait(seconds(count)).expect("no deadline of the session"),
        }
        self.take_events();
        self.check();
    }

    fn send(&mut self, nth: usize, bytes: usize) {
        let Some(id) = self.nth(nth) else { return };
        let bytes = bytes.min(self.host.session.room(id));
        let owner = self.owners.get_mut(&id).expect("known");
        self.host.send(id, &stream(id.number(), owner.queued, bytes));
        owner.queued += bytes;
    }

    fn deliver(&mut self, nth: usize, bytes: usize) {
        let Some(id) = self.nth(nth) else { return };
        let owner = self.owners.get_mut(&id).expect("known");
        let bytes = bytes.min(owner.undelivered);
        owner.undelivered -= bytes;
        self.host.session.delivered(id, bytes);
    }

    fn leave(&mut self, nth: usize, orderly: bool) {
        let Some(id) = self.nth(nth) else { return };
        let owner = self.owners.get_mut(&id).expect("known");
        owner.left = true;
        owner.orderly = orderly && owner.opened;
        if owner.orderly {
            self.expected.insert(id.number(), owner.queued);
            self.host.close(id);
        } else {
            self.host.abort(id);
        }
    }

    fn carry_to_firmware(&mut self, count: usize) {
        for _ in 0..count {
            let Some((_, message)) = self.host.next() else { break };
            self.to_firmware.push_back(message);
            self.take_events();
        }
        for _ in 0..count {
            let Some(message) = self.to_firmware.pop_front() else { return };
            self.firmware.hear(&message);
        }
    }

    fn carry_to_host(&mut self, count: usize) {
        for _ in 0..count {
            let Some(message) = self.firmware.next() else { return };
            self.host.hear_bytes(&message).expect("firmware keeps the rules");
            self.take_events();
        }
    }

    fn take_events(&mut self) {
        for event in self.host.events() {
            match event {
                Event::Opened { channel } => {
                    let owner = self.attentive(channel);
                    assert!(!std::mem::replace(&mut owner.opened, true), "opened once");
                }
                Event::Sent { channel, bytes } => assert!(bytes <= self.attentive(channel).queued),
                Event::Data { channel, bytes } => {
                    let owner = self.attentive(channel);
                    assert_eq!(
                        bytes,
                        stream(channel.number(), owner.received, bytes.len()),
                        "in order and intact"
                    );
                    owner.received += bytes.len();
                    owner.undelivered += bytes.len();
                }
                Event::Refused { channel, .. } | Event::Closed { channel, .. } => {
                    self.attentive(channel).ended = true;
                }
                Event::Released { channel } => {
                    self.owners.remove(&channel).expect("released once");
                }
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    /// The owner of a channel about which it may still be told something.
    fn attentive(&mut self, id: ChannelId) -> &mut Owner {
        let owner = self.owners.get_mut(&id).expect("not released");
        assert!(!owner.left && !owner.ended, "an owner that has left, or was told the end, hears no more");
        owner
    }

    fn nth(&self, nth: usize) -> Option<ChannelId> {
        let present: Vec<_> = self.owners.iter().filter(|(_, owner)| !owner.left && !owner.ended).collect();
        present.get(nth % present.len().max(1)).map(|(id, _)| **id)
    }

    /// The books of both sides, and what is under way between them, agree.
    fn check(&self) {
        let slots = self.host.session.slots();
        assert!(slots.used() <= slots.limit && slots.opening <= 2, "{slots:?}");
        for info in self.host.session.channels() {
            let Some((number, remote)) = self.firmware.by_host(info.id.number()) else { continue };
            if matches!(info.state, "open" | "draining") {
                self.check_windows(&info, number, remote);
            }
        }
    }

    fn check_windows(&self, info: &ChannelInfo, number: u32, remote: &Remote) {
        let (data, credit) = under_way(self.to_firmware.iter(), number);
        let (answers, grants) = under_way(self.firmware.outbox(), info.id.number());
        assert_eq!(info.remote_window + data + remote.uncredited + grants, remote.announced, "{info:?}");
        assert_eq!(remote.window + answers + credit, info.local_window, "{info:?}");
        let undelivered = self.owners.get(&info.id).map_or(0, |owner| owner.undelivered);
        assert!(info.state != "open" || undelivered + info.local_window as usize <= 4096, "{info:?}");
    }

    /// Firmware answers everything and grants plenty, owners take everything, all channels are closed, all
    /// messages arrive.
    fn settle(&mut self) {
        self.carry_all();
        (0..8).for_each(|nth| self.firmware.grant_more(nth));
        self.carry_all();
        for _ in 0..8 {
            self.take(Step::Deliver(0, usize::MAX));
            self.take(Step::Close(0));
        }
        self.carry_all();
    }

    fn carry_all(&mut self) {
        for _ in 0..4 {
            self.take(Step::ToHost(usize::MAX));
            self.take(Step::ToFirmware(1000));
            while self.firmware.answer_open(true) {}
        }
    }
}

/// Data and credit on the way to a channel.
fn under_way<'a>(messages: impl Iterator<Item = &'a Vec<u8>>, channel: u32) -> (u32, u32) {
    messages.fold((0, 0), |(data, credit), bytes| match Message::decode(bytes).expect("valid").message {
        Message::ChannelData(message) if message.receiver == channel => {
            (data + message.payload.len() as u32, credit)
        }
        Message::WindowAdjust(message) if message.receiver == channel => (data, credit + message.bytes),
        _ => (data, credit),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_slots_and_bytes_are_conserved(
        window in prop::sample::select(vec![1u32, 100, 4096, 100_000]),
        steps in prop::collection::vec(step(), 0..200),
    ) {
        let mut world = World::new(window);
        steps.into_iter().for_each(|step| world.take(step));
        world.settle();

        prop_assert_eq!(world.host.session.channels().count(), 0);
        prop_assert_eq!(world.host.session.slots().free(), 6);
        prop_assert!(world.owners.is_empty(), "every channel was released");
        prop_assert!(world.firmware.channels.is_empty(), "firmware has every slot back");
        prop_assert!(!world.host.session.wants_transmit());
        prop_assert_eq!(world.host.session.poll_timeout(), None);
        for (number, arrived) in &world.firmware.closed_by_host {
            if let Some(expected) = world.expected.get(number) {
                prop_assert_eq!(arrived, expected, "everything queued before the close arrived before it");
            }
        }
    }
}
