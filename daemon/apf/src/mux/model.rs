//! Random histories of clients, firmware, device and clock, and what must hold after every step of every one.
//!
//! The books of the multiplexer are compared with what can be derived from the flows themselves, and its decisions with
//! a plain statement of the policy: nobody who could be served waits, nobody takes what is kept for others.

use proptest::{prelude::*, sample::Index};

use super::{bench::Bench, effort::Load, *};
use crate::OpenFailureReason;

#[derive(Debug, Clone)]
enum Op {
    Connect { peer: u32 },
    Ask { client: Index, class: Class, opaque: bool, whole: bool },
    SendRest { client: Index },
    Answer { client: Index },
    Finish { client: Index, keep: bool },
    Leave { client: Index, orderly: bool },
    HalfClose { client: Index },
    FirmwareCloses { client: Index },
    Refuse { reason: Option<u32> },
    Slots(usize),
    HoldCloses(bool),
    Forward(bool),
    Restart,
    Unplug,
    Plug,
    Wait { millis: u64 },
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn op() -> impl Strategy<Value = Op> {
    let client = any::<Index>;
    prop_oneof![
        8 => (0u32..3).prop_map(|peer| Op::Connect { peer }),
        12 => (client(), class(), any::<bool>(), prop::bool::weighted(0.8)).prop_map(|(client, class, opaque, whole)| {
            Op::Ask { client, class, opaque: opaque && class >= Class::Interactive, whole }
        }),
        3 => client().prop_map(|client| Op::SendRest { client }),
        10 => client().prop_map(|client| Op::Answer { client }),
        8 => (client(), prop::bool::weighted(0.8)).prop_map(|(client, keep)| Op::Finish { client, keep }),
        2 => client().prop_map(|client| Op::HalfClose { client }),
        4 => (client(), any::<bool>()).prop_map(|(client, orderly)| Op::Leave { client, orderly }),
        3 => client().prop_map(|client| Op::FirmwareCloses { client }),
        2 => prop::option::of(1u32..6).prop_map(|reason| Op::Refuse { reason }),
        1 => (0usize..9).prop_map(Op::Slots),
        1 => any::<bool>().prop_map(Op::HoldCloses),
        1 => any::<bool>().prop_map(Op::Forward),
        1 => Just(Op::Restart),
        1 => Just(Op::Unplug),
        2 => Just(Op::Plug),
        4 => (0u64..40_000).prop_map(|millis| Op::Wait { millis }),
    ]
}

impl Bench {
    fn some_flow(&self, index: Index) -> Option<FlowInfo> {
        let mut flows: Vec<_> = self.mux.flows().collect();
        flows.sort_by_key(|flow| flow.id);
        (!flows.is_empty()).then(|| flows[index.index(flows.len())])
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Connect { peer } => drop(self.client_of(peer)),
            Op::Ask { client, class, opaque, whole } => {
                let Some(flow) = self.some_flow(client) else { return };
                self.mux.request(self.now, flow.id, Request { class, opaque });
                self.mux.send(self.now, flow.id, Bytes::from_static(b"request"), whole);
            }
            Op::SendRest { client } => {
                let Some(flow) = self.some_flow(client) else { return };
                self.mux.send(self.now, flow.id, Bytes::from_static(b" and its rest"), true);
            }
            Op::Answer { client } => self.firmware_says(client, false),
            Op::FirmwareCloses { client } => self.firmware_says(client, true),
            Op::Finish { client, keep } => {
                let Some(flow) = self.some_flow(client) else { return };
                self.mux.finish(self.now, flow.id, keep);
            }
            Op::HalfClose { client } => {
                let Some(flow) = self.some_flow(client) else { return };
                self.mux.half_close(flow.id);
            }
            Op::Leave { client, orderly } => {
                let Some(flow) = self.some_flow(client) else { return };
                self.mux.close(self.now, flow.id, orderly);
            }
            Op::Refuse { reason } => self.refusals.push_back(reason.map(OpenFailureReason)),
            Op::Slots(slots) => self.slots = slots,
            Op::HoldCloses(hold) => self.answers_closes = !hold,
            Op::Forward(on) if self.mux.ready() => self.forward(on),
            Op::Restart if self.mux.session().is_some() => self.restart(),
            Op::Unplug => {
                self.mux.link_lost(self.now);
                self.open.clear();
            }
            Op::Plug if self.mux.session().is_none() => self.link_up(),
            Op::Wait { millis } => self.wait(Duration::from_millis(millis)),
            Op::Forward(_) | Op::Restart | Op::Plug => {}
        }
        self.settle();
        // What became due by this is done at once.
        self.wait(Duration::ZERO);
    }

    fn firmware_says(&mut self, client: Index, close: bool) {
        let channel = self.some_flow(client).and_then(|flow| flow.channel).map(ChannelId::number);
        let Some(channel) = channel.filter(|channel| self.open.contains_key(channel)) else { return };
        if close { self.firmware_closes(channel) } else { self.firmware_answers(channel) }
    }

    /// Everything that must hold whenever host and firmware have fallen silent.
    fn check(&self) {
        let flows: Vec<_> = self.mux.flows().collect();
        let count = |stage| flows.iter().filter(|flow| flow.stage == stage).count();

        // The books say what the flows say.
        let queued: usize = Class::ALL.iter().map(|class| self.mux.queue_depth(*class)).sum();
        assert_eq!(queued, count("waiting"), "queue");
        assert_eq!(self.mux.timers.waiting().len(), count("waiting"), "deadlines");
        assert_eq!(self.mux.resting.len(), count("resting"), "resting");
        let attached_waiting = flows.iter().filter(|flow| flow.stage == "waiting" && flow.channel.is_some());
        assert_eq!(self.mux.attached_waiting, attached_waiting.count(), "waiting with a channel");
        let attached: Vec<_> = flows.iter().filter_map(|flow| Some((flow.channel?, flow.id))).collect();
        assert_eq!(attached.len(), self.mux.attached.len(), "attached");
        assert!(
            attached.iter().all(|(channel, id)| self.mux.attached.get(channel) == Some(id)),
            "attached to"
        );

        // Whose room is kept has bytes that will leave, or an answer that will come.
        for flow in self.mux.flows.values().filter(|flow| flow.room > 0) {
            assert!(flow.unsent > 0 || (flow.complete && flow.stage.name() == "active"), "room");
            assert!(flow.room < self.mux.config.session.tx_buffer, "room for all");
        }

        // Nobody has more than there is, or what is kept for others.
        if let Some(slots) = self.mux.session().map(Session::slots) {
            assert!(slots.used() <= slots.limit, "{slots:?}");
        }
        assert!(
            self.mux.poll_timeout().is_none_or(|at| at > self.now),
            "a deadline that passed is still waited for"
        );
        self.check_that_nobody_sleeps(&flows);
    }

    /// Whoever could be served is being served.
    fn check_that_nobody_sleeps(&self, flows: &[FlowInfo]) {
        let Some(session) = self.mux.session() else { return };
        let config = &self.mux.config;
        let at_work = |f: &&Flow| f.at_work_until(config).is_some_and(|until| until > self.now);
        let (mut load, mut idle) = (Load { requests: 1, answers: 0 }, true);
        for flow in self.mux.flows.values().filter(at_work) {
            let Stage::Active { turn, .. } = flow.stage else { unreachable!("{flow:?}") };
            *(if turn.answered.is_some() { &mut load.answers } else { &mut load.requests }) += 1;
            idle = false;
        }
        let has_room = idle || self.mux.effort.of(load) <= config.backlog;
        let free = self.mux.slot_limit.saturating_sub(session.slots().used());
        for flow in flows.iter().filter(|flow| flow.stage == "waiting") {
            let Some(Flow { stage: Stage::Waiting(waiting), .. }) = self.mux.flows.get(&flow.id) else {
                continue;
            };
            let its_turn = flow.class.is_urgent() || has_room;
            let due = self.mux.passed_over >= self.mux.config.bulk_patience
                && self.mux.queue_depth(Class::Bulk) > 0;
            let kept = match flow.class {
                Class::Bulk if due => 0,
                class => {
                    usize::from(due) + if class.is_urgent() { 0 } else { self.mux.config.reserved_slots }
                }
            };
            if waiting.channel.is_some() {
                assert!(!its_turn, "{flow:?} has a channel and its turn");
            } else if its_turn && waiting.not_before.is_none_or(|at| at <= self.now) {
                let ready = session.ready(flow.port).is_ok();
                assert!(!ready || free <= kept, "{flow:?} could have one of {free} channels");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_history_corrupts_the_books_or_lets_a_servable_request_sleep(
        backlog in prop::sample::select(vec![0u64, 1, 250, 1000, 3_600_000]),
        reserved_slots in 0usize..3,
        ops in prop::collection::vec(op(), 1..200),
    ) {
        let mut bench = Bench::new(MuxConfig {
            backlog: Duration::from_millis(backlog),
            reserved_slots,
            max_flows: 40,
            ..MuxConfig::default()
        });
        for op in ops {
            bench.run(op);
            bench.check();
        }
        // When faults stop, everything that waits is served or refused, and then nothing is left to wait for.
        bench.recover();
        for _ in 0..20 {
            bench.wait(Duration::from_secs(40));
            bench.check();
        }
        let waiting = bench.mux.flows().filter(|flow| matches!(flow.stage, "waiting" | "opening")).count();
        prop_assert_eq!(waiting, 0);
        let flows: Vec<_> = bench.mux.flows().collect();
        for flow in flows {
            bench.mux.close(bench.now, flow.id, false);
        }
        bench.settle();
        bench.wait(Duration::from_secs(60));
        prop_assert_eq!(bench.mux.slots().map(|slots| slots.used()), Some(0));
        prop_assert_eq!(bench.mux.attached.len(), 0);
    }
}
