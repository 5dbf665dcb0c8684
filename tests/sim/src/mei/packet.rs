//! One message on its way to the host: a few bytes inline and a shared body, so that bulk data is never copied.

use bytes::Bytes;

/// Inline bytes: every short APF message (the longest are the 17 bytes of a channel confirmation) fits.
const INLINE: usize = 20;

/// One message to the host.
#[derive(Debug, Clone)]
pub(crate) struct Packet {
    inline: [u8; INLINE],
    inline_length: u8,
    body: Bytes,
}

impl Packet {
    /// A message made of these bytes.
    pub(crate) fn new(message: &[u8]) -> Self {
        if message.len() <= INLINE {
            Self::with_body(message, Bytes::new())
        } else {
            Self::with_body(&[], Bytes::copy_from_slice(message))
        }
    }

    /// A message made of `head`, at most 20 bytes, and `body`.
    pub(crate) fn with_body(head: &[u8], body: Bytes) -> Self {
        let mut inline = [0; INLINE];
        inline[..head.len()].copy_from_slice(head);
        // At most INLINE, or the copy above had panicked.
        Self { inline, inline_length: head.len() as u8, body }
    }

    /// The first part of the message.
    pub(crate) fn head(&self) -> &[u8] {
        &self.inline[..usize::from(self.inline_length)]
    }

    /// The rest of the message.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}
