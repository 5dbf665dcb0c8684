//! What the web server remembers between requests: logins, open enumerations, the number of the next message.
//!
//! Part of [`crate::device::Device`], because it is shared by all connections. Everything in it is bounded.

use super::digest::{LoginPolicy, Logins};
use super::operations::Enumerations;

/// State of the web server.
#[derive(Debug)]
pub(crate) struct ServerState {
    pub(crate) logins: Logins,
    pub(super) enumerations: Enumerations,
    messages: u64,
    /// Grows when accounts change: logins that connections remember from before do not count any more.
    generation: u64,
}

impl ServerState {
    /// The state of a server that has just started; nonces come from `seed`.
    pub(crate) fn new(policy: LoginPolicy, seed: u64) -> Self {
        let logins = Logins::new(policy, seed);
        Self { logins, enumerations: Enumerations::default(), messages: 0, generation: 0 }
    }

    /// Forgets nonces, failed logins and remembered logins, after accounts have changed.
    pub(crate) fn forget_logins(&mut self) {
        self.logins.forget();
        self.generation += 1;
    }

    /// Which state of the accounts a login is remembered for.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The number for the next answer's MessageID.
    pub(super) fn next_message(&mut self) -> u64 {
        self.messages += 1;
        self.messages
    }
}
