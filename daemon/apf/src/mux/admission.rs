//! Admission: which queued request gets a channel, which connection gives one up for it, and when a request is refused.

use std::time::{Duration, Instant};

use super::{
    Event, Flow, FlowEnd, FlowEvent, FlowId, Mux, Open, OpenRefusal, Refusal, Stage, Turn, Waiting,
    effort::Load, queue::Verdict,
};
use crate::{ChannelId, Class, OpenError, OpenFailureReason};

/// Slowest transfer that may keep a channel others wait for, in bytes per second.
const SLOWEST: usize = 1024;
/// For how many times `opaque_rest` a user with several busy channels may keep one of them while another user waits: less
/// than requests wait in all, and enough for a long answer.
const GREED: u32 = 4;

/// How much shorter a stream may rest on which firmware spoke last: its client is most likely between two requests, as TLS
/// clients are most of the time, and one whose channel is gone connects again.
const REPLIED: u32 = 4;

impl Mux {
    /// Serves queued requests for as long as one can be served, then makes room for the next.
    pub(super) fn admit(&mut self, now: Instant) {
        self.next_turn = None;
        if self.queue.is_empty() {
            return;
        }
        while self.ready() && self.admit_one(now) {}
        self.give_up_resting(now);
        if self.attached_waiting > 0 {
            self.next_turn = self.at_work(now).map(|(_, until)| until).min();
        }
    }

    fn admit_one(&mut self, now: Instant) -> bool {
        for class in self.serving_order() {
            if let Some(id) = self.take(now, class) {
                self.start(now, id);
                return true;
            }
        }
        false
    }

    /// The classes by urgency; bulk first when it was passed over for long enough.
    fn serving_order(&self) -> [Class; 4] {
        let [watchdog, health, interactive, bulk] = Class::ALL;
        if self.is_bulk_due() {
            [bulk, watchdog, health, interactive]
        } else {
            [watchdog, health, interactive, bulk]
        }
    }

    /// Whether bulk was passed over for long enough: then the next slot is for bulk alone.
    fn is_bulk_due(&self) -> bool {
        self.passed_over >= self.config.bulk_patience && self.queue.depth(Class::Bulk) > 0
    }

    fn count_turn(&mut self, class: Class) {
        self.counters.admitted = self.counters.admitted.saturating_add(1);
        let bulk_waits = self.queue.depth(Class::Bulk) > 0;
        self.passed_over =
            if class == Class::Bulk || !bulk_waits { 0 } else { self.passed_over.saturating_add(1) };
    }

    /// Takes the next request of a class that can go one step further: to firmware, if it has a channel, or else to a
    /// channel of its own.
    fn take(&mut self, now: Instant, class: Class) -> Option<FlowId> {
        let session = self.session.as_ref().filter(|_| self.queue.depth(class) > 0)?;
        let slots = session.slots();
        let engaged = !class.is_urgent() && self.is_engaged(now);
        if engaged && self.attached_waiting.saturating_add(slots.opening) >= self.config.session.max_opening {
            // Enough of them have a channel already to follow at once.
            return None;
        }
        let reserved = match class {
            Class::Bulk if self.is_bulk_due() => 0,
            _ => usize::from(self.is_bulk_due()).saturating_add(if class.is_urgent() {
                0
            } else {
                self.reserved_slots()
            }),
        };
        let has_slot = self.slot_limit.saturating_sub(slots.used()) > reserved;
        let (flows, attached_waiting) = (&self.flows, self.attached_waiting);
        self.queue.take(class, |id| match flows.get(&id) {
            Some(Flow { stage: Stage::Waiting(waiting), .. }) if waiting.channel.is_some() => {
                if engaged {
                    Verdict::Skip
                } else {
                    Verdict::Take
                }
            }
            Some(Flow { stage: Stage::Waiting(waiting), spec, .. }) => {
                if waiting.not_before.is_some_and(|at| at > now) {
                    return Verdict::Skip;
                }
                match session.ready(spec.port) {
                    Ok(()) if has_slot => Verdict::Take,
                    // Only once for each request: what firmware does then says more than the next refusal could.
                    Err(OpenError::NoForward)
                        if has_slot && !waiting.knocked && session.may_knock(spec.port).is_ok() =>
                    {
                        Verdict::Take
                    }
                    Err(OpenError::NoForward | OpenError::NotReady) => Verdict::Skip,
                    // No slot for anybody: behind this one only a request that has a channel could be served.
                    _ if engaged || attached_waiting == 0 => Verdict::Stop,
                    _ => Verdict::Skip,
                }
            }
            _ => Verdict::Skip,
        })
    }

    /// Whether firmware has enough work: with one more request, an urgent one would wait for longer than it should. Urgent
    /// requests are not counted, because they must never wait for one another.
    fn is_engaged(&self, now: Instant) -> bool {
        let mut load = Load::default();
        for (turn, _) in self.at_work(now) {
            let count = if turn.is_unanswered() { &mut load.requests } else { &mut load.answers };
            *count = count.saturating_add(1);
        }
        !load.is_empty() && self.effort.of(load.and_one()) > self.config.backlog
    }

    /// The work that firmware holds weighs more or less than before, so somebody's turn may have come.
    pub(super) fn load_changed(&mut self, now: Instant) {
        if !self.queue.is_empty() {
            self.admit(now);
        }
    }

    /// The requests that firmware works on, and until when each counts as such.
    fn at_work(&self, now: Instant) -> impl Iterator<Item = (Turn, Instant)> {
        self.attached.values().filter_map(move |id| {
            let flow = self.flows.get(id)?;
            let Stage::Active { turn, .. } = flow.stage else { return None };
            flow.at_work_until(&self.config).filter(|until| *until > now).map(|until| (turn, until))
        })
    }

    /// Slots kept for urgent classes: never all of them.
    fn reserved_slots(&self) -> usize {
        self.config.reserved_slots.min(self.slot_limit.saturating_sub(1))
    }

    /// Hands a request to its channel, or opens one for it.
    fn start(&mut self, now: Instant, id: FlowId) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let Stage::Waiting(waiting) = flow.stage else { return };
        self.timers.cancel(id, &waiting);
        let class = flow.class;
        if let Some(channel) = waiting.channel {
            self.attached_waiting = self.attached_waiting.saturating_sub(1);
            return self.follow(now, id, channel, waiting);
        }
        let open = Open { port: flow.spec.port, originator: flow.spec.originator };
        let Some(session) = self.session.as_mut() else { return };
        let knocked = waiting.knocked || session.may_knock(open.port).is_ok();
        match session.open(now, open, class).or_else(|_| session.knock(now, open, class)) {
            Ok(channel) => {
                flow.stage = Stage::Opening { channel, waited: Waiting { knocked, ..waiting } };
                self.attached.insert(channel, id);
            }
            // Not reached: `take` asked the session first. If it is, the request waits on.
            Err(_) => self.wait(id, waiting),
        }
    }

    /// Whether a request with a channel would be the next to be served if it queued now, which is the usual case.
    pub(super) fn is_next(&self, now: Instant, class: Class) -> bool {
        self.queue.is_empty() && self.ready() && (class.is_urgent() || !self.is_engaged(now))
    }

    /// Hands a request to the channel that it has.
    pub(super) fn follow(&mut self, now: Instant, id: FlowId, channel: ChannelId, waited: Waiting) {
        let (Some(flow), Some(session)) = (self.flows.get(&id), &mut self.session) else { return };
        let class = flow.class;
        session.set_class(channel, class);
        self.count_turn(class);
        self.activate(now, id, channel, waited);
    }

    /// Takes the channels of the longest resting connections for requests that wait for one.
    fn give_up_resting(&mut self, now: Instant) {
        let Some(slots) = self.slots() else { return };
        let waiting = |class: &Class| self.queue.depth(*class);
        let urgent: usize = Class::ALL.iter().filter(|class| class.is_urgent()).map(waiting).sum();
        let all: usize = Class::ALL.iter().map(waiting).sum();
        let others = all.saturating_sub(urgent).saturating_sub(self.attached_waiting);
        // The others cannot use the slots that are kept for the urgent.
        let kept = if others > 0 { self.reserved_slots() } else { 0 };
        let wanted = urgent.saturating_add(others).saturating_add(kept).min(slots.limit);
        let coming = slots.closing.saturating_add(slots.limit.saturating_sub(slots.used()));
        for _ in coming..wanted {
            let Some((_, id)) = self.resting.pop_first() else { return };
            self.detach(now, id);
        }
    }

    fn detach(&mut self, now: Instant, id: FlowId) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let Some(channel) = flow.stage.channel() else { return };
        flow.stage = Stage::Detached;
        self.take_back(id);
        self.attached.remove(&channel);
        self.counters.detached = self.counters.detached.saturating_add(1);
        if let Some(session) = &mut self.session {
            session.retire(now, channel);
        }
    }

    /// Firmware did not give a channel: the request waits for another, or has waited enough.
    pub(super) fn open_refused(&mut self, now: Instant, channel: ChannelId, refusal: OpenRefusal) {
        if refusal != OpenRefusal::NotSent {
            self.counters.open_refusals = self.counters.open_refusals.saturating_add(1);
        }
        let Some(id) = self.attached.remove(&channel) else { return };
        let Some(Flow { stage: Stage::Opening { waited, .. }, .. }) = self.flows.get(&id) else { return };
        let mut waiting = *waited;
        waiting.refusals = waiting.refusals.saturating_add(1);
        let reason = match refusal {
            OpenRefusal::NotSent => return self.open_not_sent(now, id, *waited),
            OpenRefusal::Timeout => {
                let refusal = self.reason_to_refuse(id);
                if matches!(refusal, Refusal::NotForwarded(_)) {
                    // Firmware owes no answer for a port that it does not serve.
                    return self.refuse(now, id, refusal);
                }
                let limit = self.config.session.timeouts.open;
                self.unanswered(now.checked_sub(limit).unwrap_or(now));
                return self.refuse(now, id, Refusal::Unanswered);
            }
            OpenRefusal::Firmware(reason) => reason,
            OpenRefusal::ClosedWhileOpening => OpenFailureReason::CONNECT_FAILED,
        };
        if reason == OpenFailureReason::RESOURCE_SHORTAGE {
            self.learn_slot_limit(now);
        }
        if waiting.refusals >= self.config.retry_attempts {
            return self.refuse(now, id, Refusal::Firmware(reason));
        }
        waiting.not_before = now.checked_add(self.pause(waiting.refusals));
        self.wait(id, waiting);
        self.admit(now);
    }

    /// The device took no message for so long that firmware was never asked. The request waits on until its own deadline,
    /// which is checked here because it could otherwise be given one open after the other.
    fn open_not_sent(&mut self, now: Instant, id: FlowId, waited: Waiting) {
        let Some(flow) = self.flows.get(&id) else { return };
        if self.deadline(flow, waited.since) > now {
            self.wait(id, waited);
        } else {
            self.refuse(now, id, Refusal::DeviceBlocked);
        }
    }

    /// Firmware has fewer channels than it was believed to have.
    fn learn_slot_limit(&mut self, now: Instant) {
        if let Some(session) = &self.session {
            self.slot_limit = session.slots().used().max(1);
            self.relearn_at = now.checked_add(self.config.relearn);
        }
    }

    fn pause(&self, refusals: u32) -> Duration {
        let doublings = refusals.saturating_sub(1).min(16);
        self.config.retry_first.saturating_mul(1 << doublings).min(self.config.retry_max)
    }

    /// Lets a request wait at its place, with the deadline that holds at present.
    pub(super) fn wait(&mut self, id: FlowId, mut waiting: Waiting) {
        let Some(flow) = self.flows.get(&id) else { return };
        waiting.deadline = self.deadline(flow, waiting.since);
        self.timers.file(id, &waiting);
        self.queue.push(flow.place(&waiting), id);
        if let Some(flow) = self.flows.get_mut(&id) {
            flow.stage = Stage::Waiting(waiting);
        }
    }

    /// A request waits long for a channel, and less long for a link or a port that is missing.
    fn deadline(&self, flow: &Flow, since: Instant) -> Instant {
        let [watchdog, health, interactive, bulk] = self.config.queue_wait;
        let patience = match flow.class {
            Class::Watchdog => watchdog,
            Class::Health => health,
            Class::Interactive => interactive,
            Class::Bulk => bulk,
        };
        let patient = since.checked_add(patience).unwrap_or(since);
        let limit = match self.session.as_ref().map(|session| session.ready(flow.spec.port)) {
            None | Some(Err(OpenError::NotReady)) => self.config.link_wait,
            Some(Err(OpenError::NoForward)) => self.config.forward_wait,
            Some(_) => return patient,
        };
        let from = self.reachable_since.map_or(since, |at| at.max(since));
        from.checked_add(limit).unwrap_or(from).min(patient)
    }

    /// The link or a forward came or went: every waiting request has another deadline.
    pub(super) fn reachability_changed(&mut self, now: Instant) {
        self.reachable_since = Some(now);
        for id in self.timers.waiting() {
            let Some(Flow { stage: Stage::Waiting(waiting), .. }) = self.flows.get(&id) else { continue };
            let waiting = *waiting;
            self.timers.cancel(id, &waiting);
            self.wait(id, waiting);
        }
    }

    /// Ends what has waited for too long.
    pub(super) fn expire(&mut self, now: Instant) {
        self.timers.drop_due_retries(now);
        while let Some(id) = self.timers.expired(now) {
            if let Some(class) = self.flows.get(&id).map(|flow| flow.class) {
                let counters = self.class_mut(class);
                counters.missed = counters.missed.saturating_add(1);
            }
            self.refuse(now, id, self.reason_to_refuse(id));
        }
        self.expire_attached(now);
        if self.relearn_at.is_some_and(|at| at <= now) {
            let limit = self.config.session.max_channels;
            self.slot_limit = self.slot_limit.saturating_add(1).min(limit);
            self.relearn_at =
                if self.slot_limit < limit { now.checked_add(self.config.relearn) } else { None };
        }
    }

    fn reason_to_refuse(&self, id: FlowId) -> Refusal {
        let port = self.flows.get(&id).map(|flow| flow.spec.port);
        match (self.session.as_ref(), port) {
            (Some(session), Some(port)) => match session.ready(port) {
                Err(OpenError::NotReady) => Refusal::LinkDown,
                Err(OpenError::NoForward) => Refusal::NotForwarded(port),
                _ => Refusal::QueueDeadline,
            },
            _ => Refusal::LinkDown,
        }
    }

    fn has_knocked(&self, id: FlowId) -> bool {
        let stage = self.flows.get(&id).map(|flow| flow.stage);
        matches!(stage, Some(Stage::Waiting(waiting) | Stage::Opening { waited: waiting, .. }) if waiting.knocked)
    }

    fn refuse(&mut self, now: Instant, id: FlowId, refusal: Refusal) {
        self.counters.refused = self.counters.refused.saturating_add(1);
        if let (Refusal::NotForwarded(port), true, Some(session)) =
            (refusal, self.has_knocked(id), &mut self.session)
            && session.knocked_in_vain(port)
        {
            self.events.push_back(Event::Gone { port });
        }
        let kept = self.forget(id).flatten();
        if let (Some(channel), Some(session)) = (kept, &mut self.session) {
            session.retire(now, channel);
        }
        self.tell(id, FlowEvent::Refused(refusal));
    }

    fn expire_attached(&mut self, now: Instant) {
        while let Some((channel, id)) = self.overdue(now) {
            let end = match self.flows.get(&id) {
                Some(Flow { stage: Stage::Ending { .. }, .. }) => FlowEnd::Firmware,
                Some(flow @ Flow { stage: Stage::Active { turn, .. }, .. })
                    if flow.silent_at(turn, self.config.response_wait).is_none_or(|at| at > now) =>
                {
                    FlowEnd::Displaced
                }
                _ => FlowEnd::Silent,
            };
            if end == FlowEnd::Silent {
                self.counters.silent = self.counters.silent.saturating_add(1);
                if let Some(asked) = self.asked(id) {
                    self.unanswered(asked);
                }
            }
            if let Some(session) = &mut self.session {
                session.abort(now, channel);
            }
            self.end(now, channel, end);
        }
    }

    /// Since when firmware owes an answer that it has not begun.
    fn asked(&self, id: FlowId) -> Option<Instant> {
        match self.flows.get(&id)?.stage {
            Stage::Active { turn, .. } => turn.asked.filter(|_| turn.answered.is_none()),
            _ => None,
        }
    }

    /// The connection whose deadline passed first.
    fn overdue(&self, now: Instant) -> Option<(ChannelId, FlowId)> {
        let due = self.attached.iter().filter_map(|(channel, id)| {
            let at = self.attached_deadline(*id)?;
            (at <= now).then_some((at, *channel, *id))
        });
        due.min().map(|(_, channel, id)| (channel, id))
    }

    /// When a connection must make way for those that wait for a channel. It may be idle, but not for long, and a request or
    /// a response must move at [`SLOWEST`] at least, on average. The time that firmware takes does not count against it.
    fn displaced_at(&self, flow: &Flow, turn: &Turn) -> Option<Instant> {
        let rest = self.config.opaque_rest;
        let quiet = turn.activity.checked_add(rest);
        if flow.opaque {
            let between = || turn.activity.checked_add(rest.checked_div(REPLIED).unwrap_or(rest));
            return if turn.replied { between() } else { quiet };
        }
        let seconds = flow.exchanged.checked_div(SLOWEST).unwrap_or(usize::MAX);
        let earned = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
        let slow = turn.since.checked_add(rest.saturating_add(earned));
        quiet.into_iter().chain(slow).min().filter(|_| !turn.is_unanswered())
    }

    /// When a connection must make way although it moves, because its user has several such and others have none. A user
    /// with only one keeps it for as long as it moves.
    fn yields_at(&self, flow: &Flow, turn: &Turn) -> Option<Instant> {
        let peer = flow.spec.peer;
        let closing = self.session.as_ref().map_or(0, |session| session.slots().closing);
        if turn.is_unanswered()
            || self.queue.depth_beside(peer) <= self.attached_waiting.saturating_add(closing)
        {
            return None;
        }
        let is_like_it = |id: &&FlowId| {
            let other = self.flows.get(id);
            other.is_some_and(|other| other.spec.peer == peer && matches!(other.stage, Stage::Active { .. }))
        };
        let has_several = self.attached.values().filter(is_like_it).nth(1).is_some();
        let lasting = self.config.opaque_rest.saturating_mul(GREED);
        turn.since.checked_add(lasting).filter(|_| has_several)
    }

    /// Whether requests wait for a channel that none of the resting could give them.
    fn is_short_of_channels(&self) -> bool {
        if self.queue.is_empty() {
            return false;
        }
        let waiting: usize = Class::ALL.iter().map(|class| self.queue.depth(*class)).sum();
        let without = waiting.saturating_sub(self.attached_waiting);
        let closing = || self.session.as_ref().map_or(0, |session| session.slots().closing);
        without > 0 && self.resting.is_empty() && without > closing()
    }

    /// By when firmware must have moved on a connection that holds a channel.
    pub(super) fn attached_deadline(&self, id: FlowId) -> Option<Instant> {
        let flow = self.flows.get(&id)?;
        match flow.stage {
            Stage::Active { turn, .. } => {
                let silent = flow.silent_at(&turn, self.config.response_wait);
                let short = self.is_short_of_channels();
                let slow = short.then(|| self.displaced_at(flow, &turn)).flatten();
                let greedy = short.then(|| self.yields_at(flow, &turn)).flatten();
                [silent, slow, greedy].into_iter().flatten().min()
            }
            Stage::Ending { until, .. } => Some(until),
            _ => None,
        }
    }
}
