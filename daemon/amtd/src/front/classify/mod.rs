//! Which class a request belongs to: how urgent it is.
//!
//! Owns what is looked at, and until when. What the rules say is the configuration's; what happens to a request
//! meanwhile is the business of the [`relay`](super::relay), which feeds it here.

mod explain;
mod rules;
#[cfg(test)]
pub(super) mod samples;
mod soap;
#[cfg(test)]
mod tests;

pub(super) use self::rules::{Client, Verdict};
pub use self::{
    explain::{ExplainError, explain_class},
    rules::Rules,
};
use self::{
    rules::{Candidates, Content, path_of},
    soap::Outcome,
};
use super::http::{Chunked, Head};

/// Times that the beginning of one body is looked at while it comes in pieces. After that only once more, when it is
/// complete or long enough: a client that sends one tag at a time would cost a look for each.
const MAX_LOOKS: u32 = 64;

/// A request whose class depends on its body.
#[derive(Debug)]
pub(super) struct Watch {
    candidates: Candidates,
    /// Where the body comes in chunks.
    chunks: Option<Chunked>,
    /// Its beginning, without their frames.
    body: Vec<u8>,
    looks: u32,
}

impl Watch {
    /// Looks at the head of a request, which has a body unless `whole`. The class, or what has to be watched.
    pub(super) fn begin(
        rules: &Rules,
        client: &Client,
        head: &Head<'_>,
        whole: bool,
    ) -> Result<Verdict, Self> {
        let candidates = rules.candidates(client, head);
        let content = if whole || !may_be_wsman(head) { Content::Other } else { Content::Pending };
        let chunks = || head.chunked.then(Chunked::new);
        let watch = || Self { candidates, chunks: chunks(), body: Vec::new(), looks: 0 };
        rules.decide(candidates, content).ok_or_else(watch)
    }

    /// The next bytes of the body, as they came; it is complete with them if `whole`. Of the body, `limit` bytes are
    /// looked at. Once there is a class, no more bytes are needed.
    pub(super) fn feed(&mut self, rules: &Rules, bytes: &[u8], whole: bool, limit: usize) -> Option<Verdict> {
        let before = self.body.len();
        self.take(bytes, limit);
        let last = whole || self.body.len() >= limit;
        // Nothing is known before the end of a tag, but for what is no markup at all.
        let news = self.body.get(before..).unwrap_or_default();
        let is_worth_it = before == 0 || (news.contains(&b'>') && self.looks < MAX_LOOKS);
        if !last && !is_worth_it {
            return None;
        }
        self.looks += 1;
        match rules.decide(self.candidates, content(&soap::look(&self.body))) {
            None if last => Some(self.give_up(rules)),
            verdict => verdict,
        }
    }

    /// The class, if nothing more becomes known.
    pub(super) fn give_up(&self, rules: &Rules) -> Verdict {
        rules.settle(self.candidates)
    }

    fn take(&mut self, bytes: &[u8], limit: usize) {
        let body = &mut self.body;
        let mut take = |data: &[u8]| {
            let room = limit.saturating_sub(body.len()).min(data.len());
            body.extend_from_slice(data.get(..room).unwrap_or_default());
        };
        match &mut self.chunks {
            // What is no chunk is found out by whoever follows the request; the class of it does not matter.
            Some(chunks) => drop(chunks.feed(bytes, take)),
            None => take(bytes),
        }
    }
}

/// WSMAN requests are posted to one place (wsman 1); nobody else's body is read.
fn may_be_wsman(head: &Head<'_>) -> bool {
    head.method == "POST" && path_of(head.target) == "/wsman"
}

/// What an envelope says, in the terms of the rules.
fn content<'a>(outcome: &'a Outcome<'_>) -> Content<'a> {
    match outcome {
        Outcome::Known { action, resource } => Content::Wsman {
            action: action.as_deref().map(last_segment),
            resource: resource.as_deref().map(last_segment),
        },
        Outcome::Identify => Content::Wsman { action: Some("Identify"), resource: None },
        Outcome::NeedMore => Content::Pending,
        Outcome::NotSoap => Content::Other,
    }
}

/// The name at the end of a URI.
fn last_segment(uri: &str) -> &str {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let path = uri.get(..end).unwrap_or_default().trim_ascii();
    path.rsplit('/').next().unwrap_or_default()
}
