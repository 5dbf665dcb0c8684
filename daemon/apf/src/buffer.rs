//! Bytes of one channel that wait for transmission. Owns their order and their number; how many may wait and
//! when they leave is decided by the channel.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::limits::MAX_CHUNKS;

/// A queue of bytes, kept in the chunks in which they came, so that taking them in costs no copy.
#[derive(Debug, Default)]
pub(crate) struct TransmitBuffer {
    chunks: VecDeque<Bytes>,
    length: usize,
}

impl TransmitBuffer {
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.chunks.len() >= MAX_CHUNKS {
            self.merge();
        }
        self.length = self.length.saturating_add(bytes.len());
        self.chunks.push_back(bytes);
    }

    /// Moves the first `wanted` bytes, or all if there are fewer, to the end of `out`.
    pub(crate) fn take(&mut self, wanted: usize, out: &mut Vec<u8>) {
        let mut left = wanted.min(self.length);
        self.length = self.length.saturating_sub(left);
        while left > 0 {
            let Some(chunk) = self.chunks.front_mut() else { break };
            let piece = chunk.split_to(left.min(chunk.len()));
            if !chunk.has_remaining() {
                self.chunks.pop_front();
            }
            left = left.saturating_sub(piece.len());
            out.extend_from_slice(&piece);
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn merge(&mut self) {
        let mut merged = BytesMut::with_capacity(self.length);
        self.chunks.drain(..).for_each(|chunk| merged.extend_from_slice(&chunk));
        self.chunks.push_back(merged.freeze());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_order_across_chunks() {
        let mut buffer = TransmitBuffer::default();
        for chunk in [&b"ab"[..], b"", b"cde", b"f"] {
            buffer.push(Bytes::from_static(chunk));
        }
        let mut out = vec![b'>'];
        buffer.take(4, &mut out);
        assert_eq!((out.as_slice(), buffer.len()), (&b">abcd"[..], 2));
        buffer.take(100, &mut out);
        assert_eq!((out.as_slice(), buffer.is_empty()), (&b">abcdef"[..], true));
    }

    #[test]
    fn what_is_dropped_does_not_leave() {
        let mut buffer = TransmitBuffer::default();
        buffer.push(Bytes::from_static(b"abc"));
        buffer.clear();
        let mut out = Vec::new();
        buffer.take(3, &mut out);
        assert_eq!((out.len(), buffer.len(), buffer.is_empty()), (0, 0, true));
    }

    #[test]
    fn bytes_are_not_copied_while_there_are_few_chunks() {
        let mut buffer = TransmitBuffer::default();
        for _ in 0..MAX_CHUNKS {
            buffer.push(Bytes::from_static(b"x"));
        }
        assert_eq!(buffer.chunks.len(), MAX_CHUNKS);
    }

    #[test]
    fn a_client_that_writes_byte_by_byte_costs_few_handles() {
        let mut buffer = TransmitBuffer::default();
        let bytes: Vec<u8> = (0..10_000u32).map(|n| n as u8).collect();
        for byte in &bytes {
            buffer.push(Bytes::copy_from_slice(&[*byte]));
            assert!(buffer.chunks.len() <= MAX_CHUNKS);
        }
        let mut out = Vec::new();
        buffer.take(bytes.len(), &mut out);
        assert_eq!(out, bytes);
    }
}
