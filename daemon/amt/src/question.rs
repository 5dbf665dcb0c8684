//! What a question to a host client is: a message to firmware and what its answer means. The clients' modules write
//! them; `ask` carries them.

use crate::machine::HostClient;

/// One question to a host client. Every AMTHI [`Command`](crate::amthi::Command) is one.
pub trait Question: Sync {
    /// What firmware answers.
    type Answer: Send;
    /// What can be wrong with a reply.
    type Error: std::error::Error;
    /// Whom to ask.
    const CLIENT: HostClient;
    /// Whether asking changes the device: then it is never asked a second time by itself.
    const CHANGES: bool;

    /// The whole request message.
    fn request(&self) -> Vec<u8>;

    /// Validates a whole reply and decodes its answer.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the reply, or what firmware refuses.
    fn decode(&self, reply: &[u8]) -> Result<Self::Answer, Self::Error>;
}
