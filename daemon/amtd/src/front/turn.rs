//! How urgent a connection's turn at firmware is: watches its requests until their class is known, and issues the
//! commands by which the driver learns it.
//!
//! A turn covers the requests that a client sends without waiting for answers in between, from the first of them to the
//! last answer. Its first request is held back until its class is known, because its place in the queue depends on it;
//! but only for a short while and up to a few kilobytes. What becomes known later can only make the turn less urgent:
//! firmware answers in order, so a small request behind a large one is as slow as that one, and a large request behind a
//! small one must not use the small one's place.
//!
//! Driven by the [`relay`](super::relay), which holds the bytes and follows the requests in them.

use std::{sync::Arc, time::Instant};

use amtd_apf::{Class, mux::Request};

use super::{
    classify::{Client, Verdict, Watch},
    http::Head,
    limits::RelayConfig,
};
use crate::driver::FlowCommand;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Turn {
    config: Arc<RelayConfig>,
    client: Client,
    /// The class that was announced to the driver, while a turn lasts.
    announced: Option<Class>,
    /// The latest request, if its class is not known.
    undecided: Option<Undecided>,
}

/// A request whose class is not known yet.
#[derive(Debug)]
struct Undecided {
    watch: Watch,
    /// How many bytes of its body are examined.
    limit: usize,
    /// Until when it is held back; `None` once it is forwarded as it comes in.
    held_until: Option<Instant>,
}

impl Turn {
    pub(super) fn new(config: Arc<RelayConfig>, client: Client) -> Self {
        Self { config, client, announced: None, undecided: None }
    }

    /// The client whose turn it is.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Until when the latest request is held back, if it is.
    pub(super) fn held_until(&self) -> Option<Instant> {
        self.undecided.as_ref()?.held_until
    }

    /// Whether a request was announced to the driver and its turn has not ended.
    pub(super) fn is_under_way(&self) -> bool {
        self.announced.is_some()
    }

    /// A request begins, with a head of `length` bytes; it has a body unless `whole`.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        head: &Head<'_>,
        length: usize,
        whole: bool,
    ) -> Option<FlowCommand> {
        let watch = match Watch::begin(&self.config.rules, &self.client, head, whole) {
            Ok(verdict) => return self.classify(verdict),
            Err(watch) => watch,
        };
        let settled = watch.give_up(&self.config.rules);
        let limit = self.config.classify_limit.saturating_sub(length);
        let begins = self.announced.is_none();
        // Holding back would be in vain if the client sends the body only after an answer to the head.
        let is_held = begins && !head.expects;
        let held_until = is_held.then(|| now.checked_add(self.config.classify_wait).unwrap_or(now));
        self.undecided = Some(Undecided { watch, limit, held_until });
        if begins && !is_held { self.classify(settled) } else { None }
    }

    /// Looks for the class of a request in the next bytes of its body, which is complete with them if `whole`.
    pub(super) fn look(&mut self, bytes: &[u8], whole: bool) -> Option<FlowCommand> {
        let Undecided { watch, limit, .. } = self.undecided.as_mut()?;
        let verdict = watch.feed(&self.config.rules, bytes, whole, *limit)?;
        self.undecided = None;
        self.classify(verdict)
    }

    /// The request is no longer held back: it gets the class that is known so far, and is only watched from here on.
    pub(super) fn stop_holding(&mut self) -> Option<FlowCommand> {
        let Undecided { watch, held_until, .. } = self.undecided.as_mut()?;
        held_until.take()?;
        let verdict = watch.give_up(&self.config.rules);
        self.classify(verdict)
    }

    /// The requests cannot be parsed any more: the turn lasts as long as the connection.
    pub(super) fn turn_opaque(&mut self) -> FlowCommand {
        self.undecided = None;
        let Verdict { class, .. } = self.config.rules.opaque(&self.client);
        match self.announced {
            Some(announced) => FlowCommand::Reclassify(self.say(announced.max(class), true)),
            None => FlowCommand::Request(self.say(class, true)),
        }
    }

    /// Every request is answered.
    pub(super) fn finish(&mut self) {
        self.announced = None;
    }

    fn classify(&mut self, Verdict { class, .. }: Verdict) -> Option<FlowCommand> {
        match self.announced {
            None => Some(FlowCommand::Request(self.say(class, false))),
            Some(announced) if class > announced => Some(FlowCommand::Reclassify(self.say(class, false))),
            Some(_) => None,
        }
    }

    fn say(&mut self, class: Class, opaque: bool) -> Request {
        self.announced = Some(class);
        Request { class, opaque }
    }
}
