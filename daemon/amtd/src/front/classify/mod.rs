//! Finds the class of a request: how urgent it is.
//!
//! Owns which parts of a request are examined, and up to where. The rules come from the configuration. The
//! [`relay`](super::relay) feeds requests in here, and decides what happens to them meanwhile.

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

/// How often the beginning of one body is parsed while it comes in pieces; after that only once more, when it is complete
/// or long enough. Without this limit, a client that sends one tag at a time would cost a parse for each.
const MAX_LOOKS: u32 = 64;

/// A request whose class depends on its body.
#[derive(Debug)]
pub(super) struct Watch {
    candidates: Candidates,
    /// Position in the chunks, if the body is chunked.
    chunks: Option<Chunked>,
    /// The beginning of the body, without chunk framing.
    body: Vec<u8>,
    looks: u32,
}

impl Watch {
    /// Examines the head of a request, which has a body unless `whole`. Returns the class, or a watch for the body if the
    /// class depends on it.
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

    /// Takes the next bytes of the body, as they came; it is complete with them if `whole`. At most `limit` bytes of it
    /// are examined. Once this returns a class, no more bytes are needed.
    pub(super) fn feed(&mut self, rules: &Rules, bytes: &[u8], whole: bool, limit: usize) -> Option<Verdict> {
        let before = self.body.len();
        self.take(bytes, limit);
        let last = whole || self.body.len() >= limit;
        // Only the end of a tag brings news, except at the very beginning, which may be no markup at all.
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

    /// The class as far as is known now.
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
            // The parser of the request detects malformed chunks; the class of such a request does not matter.
            Some(chunks) => drop(chunks.feed(bytes, take)),
            None => take(bytes),
        }
    }
}

/// WSMAN requests are posted to one path (wsman 1); the bodies of others are not read.
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
