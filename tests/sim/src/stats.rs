//! Counters of everything that tests ask about, and the list of protocol violations by the host.
//!
//! Written by every layer as things happen, read through the control socket ("stats", "violations").

use std::collections::BTreeMap;

use serde::Serialize;

/// Violations kept with their text; later ones are only counted.
const KEPT_VIOLATIONS: usize = 100;

/// What happened since start or since the last "reset-stats".
#[derive(Debug, Default, Clone, Serialize)]
pub struct Stats {
    /// Connections to the virtual device.
    pub accepted: u64,
    /// CONNECT requests answered with success.
    pub connects: u64,
    /// CONNECT requests answered with an error.
    pub connects_refused: u64,
    /// CONNECT requests left unanswered.
    pub connects_silent: u64,
    /// Port forwarding sessions that became ready: every first forward request answered.
    pub sessions_ready: u64,
    /// Channel opens that arrived.
    pub opens: u64,
    /// Channel opens confirmed.
    pub opens_confirmed: u64,
    /// Channel opens refused.
    pub opens_refused: u64,
    /// CLOSE messages from the host.
    pub closes_in: u64,
    /// CLOSE messages to the host.
    pub closes_out: u64,
    /// Most channel slots that were in use at a time.
    pub slots_high_water: usize,
    /// Port forwarding messages from the host.
    pub messages_in: u64,
    /// Port forwarding messages to the host.
    pub messages_out: u64,
    /// Payload bytes of DATA from the host.
    pub bytes_in: u64,
    /// Payload bytes of DATA to the host.
    pub bytes_out: u64,
    /// Most messages of one connection that were found waiting at a time.
    pub fifo_high_water: usize,
    /// Requests that the engine executed.
    pub requests: u64,
    /// Those of them that were WSMAN with a login.
    pub wsman_requests: u64,
    /// AMTHI commands answered.
    pub amthi_commands: u64,
    /// Commands about manageability answered.
    pub manageability_commands: u64,
    /// Firmware's own channels (alerts and others) that the host accepted.
    pub direct_accepted: u64,
    /// Firmware's own channels that the host refused.
    pub direct_refused: u64,
    /// Keepalive replies from the host.
    pub keepalive_replies: u64,
    /// REQUEST_SUCCESS and REQUEST_FAILURE from the host.
    pub replies: Replies,
    /// DISCONNECT messages from the host.
    pub disconnects_in: u64,
    /// Number of violations, by kind.
    pub violations: BTreeMap<&'static str, u64>,
    /// Sum of `violations`.
    pub violations_total: u64,
    #[serde(skip)]
    texts: Vec<String>,
}

/// Answers to global requests.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub struct Replies {
    /// REQUEST_SUCCESS.
    pub success: u64,
    /// REQUEST_FAILURE.
    pub failure: u64,
}

impl Stats {
    /// Counts a violation.
    pub(crate) fn violation(&mut self, kind: Violation, detail: String, print: bool) {
        *self.violations.entry(kind.name()).or_default() += 1;
        self.violations_total += 1;
        let text = format!("{}: {detail}", kind.name());
        if print {
            eprintln!("amt-sim: violation by the host: {text}");
        }
        if self.texts.len() < KEPT_VIOLATIONS {
            self.texts.push(text);
        }
    }

    /// The first violations, as `kind: detail`.
    #[must_use]
    pub fn violation_texts(&self) -> &[String] {
        &self.texts
    }
}

/// Declares the kinds of violation and their names in one table.
macro_rules! violations {
    ($($variant:ident = $name:literal, $doc:literal;)*) => {
        /// What a host can do wrong (apf 12, "reject anything that violates this document").
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Violation {
            $(#[doc = $doc] $variant,)*
        }

        impl Violation {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name under which it is counted.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

violations! {
    MessageTooLong = "message-too-long", "A message longer than the client takes; the driver would have refused it with EFBIG.";
    Malformed = "malformed", "A message that ends before its fields do.";
    TrailingBytes = "trailing-bytes", "Bytes after the end of a message.";
    UnknownType = "unknown-type", "A message type that APF does not define.";
    UnexpectedType = "unexpected-type", "A message that only firmware sends, or that nothing asked for.";
    BeforeVersion = "before-version", "A message before the host's PROTOCOLVERSION.";
    BadVersion = "bad-version", "A PROTOCOLVERSION other than 1.0.";
    SecondVersion = "second-version", "A PROTOCOLVERSION too many.";
    BeforeService = "before-service", "A channel message before the service was accepted.";
    WrongService = "wrong-service", "SERVICE_ACCEPT for another service than the one asked for.";
    UnexpectedReply = "unexpected-reply", "A reply although no request is outstanding.";
    WrongReply = "wrong-reply", "A reply that does not fit the oldest outstanding request: out of order, or of the wrong form.";
    MissingReply = "missing-reply", "No reply within the limit.";
    OpenWithoutForward = "open-without-forward", "A channel open for a port whose forwarding the host never accepted.";
    DirectOpen = "direct-open", "A channel open other than forwarded-tcpip.";
    DuplicateNumber = "duplicate-number", "A channel open with a number that the host already uses.";
    ReservedWord = "reserved-word", "A reserved word that is not ff ff ff ff.";
    UnknownChannelData = "unknown-channel-data", "DATA for a firmware channel that is not open.";
    UnknownChannelAdjust = "unknown-channel-adjust", "WINDOW_ADJUST for a firmware channel that is not open.";
    UnknownChannelClose = "unknown-channel-close", "CLOSE for a firmware channel that is not open.";
    UnknownChannelReply = "unknown-channel-reply", "A confirmation or failure for a channel that firmware is not opening.";
    DataAfterClose = "data-after-close", "DATA after the host's own CLOSE.";
    SecondClose = "second-close", "A second CLOSE of one channel.";
    DataBeyondWindow = "data-beyond-window", "More DATA than firmware's window allows.";
    WindowOverflow = "window-overflow", "A WINDOW_ADJUST that lifts the window above 2^32-1.";
    AfterDisconnect = "after-disconnect", "A message after the host's own DISCONNECT.";
}
