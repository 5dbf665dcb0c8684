//! What happens to flows when firmware, time or their owner moves: events of the session become events of flows.

use std::time::Instant;

use bytes::Bytes;

use super::{
    ClassCounters, Event, FlowEnd, FlowEvent, FlowId, Mux, Request,
    flow::{Flow, Stage, Turn, Waiting},
    silence::Silence,
};
use crate::{ChannelId, Class, CloseCause, Event as SessionEvent, Session};

impl Mux {
    pub(super) fn take_session_events(&mut self, now: Instant) {
        while let Some(event) = self.session.as_mut().and_then(Session::poll_event) {
            self.route(now, event);
        }
    }

    pub(super) fn route(&mut self, now: Instant, event: SessionEvent) {
        match event {
            SessionEvent::Opened { channel } if self.attached.contains_key(&channel) => {
                self.opened(now, channel);
            }
            SessionEvent::Refused { channel, reason } => self.open_refused(now, channel, reason),
            SessionEvent::Sent { channel, bytes } => self.sent(now, channel, bytes),
            SessionEvent::Data { channel, bytes } if self.attached.contains_key(&channel) => {
                self.received(now, channel, bytes);
            }
            SessionEvent::Closed { channel, cause } if self.attached.contains_key(&channel) => {
                self.closed(now, channel, cause);
            }
            SessionEvent::Released { .. } => self.admit(now),
            SessionEvent::Restarted => {
                self.silence = Silence::default();
                self.reachable(now, event);
            }
            SessionEvent::Ready
            | SessionEvent::ForwardStarted { .. }
            | SessionEvent::ForwardCancelled { .. } => {
                self.reachable(now, event);
            }
            other => self.events.push_back(Event::Session(other)),
        }
    }

    /// The set of reachable ports has changed.
    fn reachable(&mut self, now: Instant, event: SessionEvent) {
        self.events.push_back(Event::Session(event));
        self.reachability_changed(now);
        self.admit(now);
    }

    /// Firmware has answered a request, or closed its channel, which counts as an answer.
    fn spoke(&mut self, now: Instant) {
        if self.silence.broken(now) {
            self.events.push_back(Event::Speaks);
        }
    }

    /// A request that firmware has had since `asked` stays without an answer.
    pub(super) fn unanswered(&mut self, asked: Instant) {
        if let Some(since) = self.silence.noticed(asked) {
            self.events.push_back(Event::Silent { since });
        }
    }

    pub(super) fn opened(&mut self, now: Instant, channel: ChannelId) {
        let Some(id) = self.attached.get(&channel).copied() else { return };
        if let Some(Flow { stage: Stage::Opening { waited, .. }, .. }) = self.flows.get(&id) {
            let waiting = Waiting { channel: Some(channel), ..*waited };
            self.attached_waiting = self.attached_waiting.saturating_add(1);
            self.wait(id, waiting);
        }
        self.admit(now);
    }

    pub(super) fn sent(&mut self, now: Instant, channel: ChannelId, bytes: usize) {
        let Some(id) = self.attached.get(&channel).copied() else { return };
        if let Some(Flow { stage: Stage::Active { turn, .. }, .. }) = self.flows.get_mut(&id) {
            turn.activity = now;
        }
        self.make_room(id, bytes);
    }

    /// So many bytes have left the host.
    pub(super) fn make_room(&mut self, id: FlowId, bytes: usize) {
        let buffer = self.config.session.tx_buffer;
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.unsent = flow.unsent.saturating_sub(bytes);
        flow.room = flow.room.saturating_add(bytes);
        if let Some(room) = flow.take_room(buffer) {
            self.tell(id, FlowEvent::Room(room));
        }
    }

    /// A connection loses its channel but stays: bytes that had not left on that channel never will.
    pub(super) fn take_back(&mut self, id: FlowId) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.detach();
        let pending = flow.pending.iter().fold(0usize, |sum, bytes| sum.saturating_add(bytes.len()));
        let lost = flow.unsent.saturating_sub(pending);
        if lost > 0 {
            self.make_room(id, lost);
        }
    }

    pub(super) fn received(&mut self, now: Instant, channel: ChannelId, bytes: Bytes) {
        let Some(id) = self.attached.get(&channel).copied() else { return };
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let (class, count) = (flow.class, bytes.len());
        flow.owed = flow.owed.saturating_add(count);
        flow.heard = true;
        let room = std::mem::take(&mut flow.room);
        let mut began = None;
        if let Stage::Active { turn, .. } = &mut flow.stage {
            match turn.asked {
                Some(asked) if turn.answered.is_none() => {
                    turn.answered = Some(now);
                    began = Some(asked);
                }
                _ => {}
            }
            // On an opaque stream it is not known what firmware was working on.
            match began {
                _ if flow.opaque => {}
                Some(asked) => self.effort.begins(now, asked),
                None => self.effort.goes_on(now, turn.activity.max(turn.credited)),
            }
            turn.activity = now;
            turn.replied = true;
        }
        self.spoke(now);
        if room > 0 {
            self.tell(id, FlowEvent::Room(room));
        }
        self.tell(id, FlowEvent::Data(bytes));
        self.count_bytes(now, id, count);
        if let Some(asked) = began {
            self.class_mut(class).executed.record(now.saturating_duration_since(asked));
        }
        self.load_changed(now);
    }

    pub(super) fn closed(&mut self, now: Instant, channel: ChannelId, cause: CloseCause) {
        match cause {
            CloseCause::Restarted => self.lose(now, channel, FlowEnd::Restarted),
            CloseCause::SessionOver => self.lose(now, channel, FlowEnd::LinkLost),
            CloseCause::Firmware => {
                self.spoke(now);
                self.end(now, channel, FlowEnd::Firmware);
            }
            CloseCause::ZeroWindow => self.end(now, channel, FlowEnd::Silent),
            CloseCause::ExcessData => self.end(now, channel, FlowEnd::Protocol),
        }
    }

    /// The channel is closed. Its connection ends, unless its request can use another channel.
    pub(super) fn end(&mut self, now: Instant, channel: ChannelId, end: FlowEnd) {
        let Some(id) = self.attached.remove(&channel) else { return };
        let Some(flow) = self.flows.get_mut(&id) else { return };
        if let Stage::Waiting(waiting) = &mut flow.stage {
            // No byte of the queued request has left: it can use another channel.
            waiting.channel = None;
            self.attached_waiting = self.attached_waiting.saturating_sub(1);
            self.take_back(id);
        } else {
            self.forget(id);
            self.tell(id, FlowEvent::Closed(end));
        }
        self.admit(now);
    }

    /// The channel is lost with its session. Only a connection with a request under way ends.
    pub(super) fn lose(&mut self, now: Instant, channel: ChannelId, end: FlowEnd) {
        let Some(id) = self.attached.get(&channel).copied() else { return };
        let Some(flow) = self.flows.get_mut(&id) else { return };
        match flow.stage {
            Stage::Active { .. } => return self.end(now, channel, end),
            Stage::Ending { .. } => return self.end(now, channel, FlowEnd::Firmware),
            Stage::Opening { waited, .. } => self.wait(id, waited),
            Stage::Waiting(ref mut waiting) => {
                waiting.channel = None;
                self.attached_waiting = self.attached_waiting.saturating_sub(1);
            }
            Stage::Resting { order, .. } => {
                self.resting.remove(&order);
                flow.stage = Stage::Detached;
            }
            Stage::Detached => {}
        }
        self.take_back(id);
        self.attached.remove(&channel);
    }

    /// The request's turn has come, and it has a channel.
    pub(super) fn activate(&mut self, now: Instant, id: FlowId, channel: ChannelId, waited: Waiting) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        let class = flow.class;
        flow.stage = Stage::Active {
            channel,
            turn: Turn {
                since: now,
                activity: now,
                replied: false,
                asked: flow.complete.then_some(now),
                answered: None,
                credited: now,
            },
        };
        let time = now.saturating_duration_since(waited.since);
        let counters = self.class_mut(class);
        counters.admitted = counters.admitted.saturating_add(1);
        counters.waited.record(time);
        if class.is_urgent() && time > self.config.urgent_target {
            self.events.push_back(Event::Late { flow: id, class, waited: time });
        }
        self.hand_over_pending(now, id, channel);
    }

    /// The class in which a request is served: a heartbeat beyond its user's pace is not urgent.
    pub(super) fn pass(&mut self, now: Instant, class: Class, peer: u32) -> Class {
        if class != Class::Watchdog || self.pace.take(now, peer) {
            return class;
        }
        let counters = self.class_mut(class);
        counters.demoted = counters.demoted.saturating_add(1);
        Class::Interactive
    }

    /// Counts bytes of an exchange, which becomes bulk when there are many.
    pub(super) fn count_bytes(&mut self, now: Instant, id: FlowId, bytes: usize) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.exchanged = flow.exchanged.saturating_add(bytes);
        if flow.class == Class::Interactive && flow.exchanged > self.config.bulk_after {
            let request = Request { class: Class::Bulk, opaque: flow.opaque };
            let counters = self.class_mut(Class::Interactive);
            counters.demoted = counters.demoted.saturating_add(1);
            self.reclassify(now, id, request);
        }
    }

    pub(super) fn class_mut(&mut self, class: Class) -> &mut ClassCounters {
        // A class's index is below the number of classes by construction.
        #[allow(clippy::indexing_slicing)]
        &mut self.classes[class.index()]
    }

    pub(super) fn hand_over_pending(&mut self, now: Instant, id: FlowId, channel: ChannelId) {
        let pending = self.flows.get_mut(&id).map(|flow| std::mem::take(&mut flow.pending));
        for bytes in pending.into_iter().flatten() {
            self.count_bytes(now, id, bytes.len());
            self.hand_over(now, channel, bytes);
        }
    }

    pub(super) fn hand_over(&mut self, now: Instant, channel: ChannelId, bytes: Bytes) {
        if let Some(session) = &mut self.session {
            // Refused only if the channel is closing, which an event reports, or if the caller exceeded its room. The stream
            // would then lack bytes, so it is cut.
            if session.send(now, channel, bytes).is_err() {
                session.abort(now, channel);
                self.end(now, channel, FlowEnd::Protocol);
            }
        }
    }

    pub(super) fn tell(&mut self, flow: FlowId, event: FlowEvent) {
        self.events.push_back(Event::Flow { flow, event });
    }

    /// Removes a flow from all lists. Returns its channel, if it has one; `None` if the flow is unknown.
    pub(super) fn forget(&mut self, id: FlowId) -> Option<Option<ChannelId>> {
        let flow = self.flows.remove(&id)?;
        let channel = flow.stage.channel();
        match flow.stage {
            Stage::Waiting(waiting) => {
                self.timers.cancel(id, &waiting);
                self.queue.remove(flow.place(&waiting));
                if waiting.channel.is_some() {
                    self.attached_waiting = self.attached_waiting.saturating_sub(1);
                }
            }
            Stage::Resting { order, .. } => {
                self.resting.remove(&order);
            }
            _ => {}
        }
        if let Some(channel) = channel {
            self.attached.remove(&channel);
        }
        Some(channel)
    }
}
