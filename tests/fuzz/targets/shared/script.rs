//! A connection whose other end has said everything already and hears nothing, and a runtime for it.

use std::{
    io,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use hyper::rt::{Read, ReadBufCursor, Write};

/// Reads what it was given, then the end. What is written to it is dropped.
pub struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub fn new(stream: &'a [u8]) -> Self {
        Self(stream)
    }
}

impl Read for Script<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(buffer.remaining().min(self.0.len()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

impl Write for Script<'_> {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls until the future is done. Nothing outside can wake it, so a few hundred polls are enough or it hangs, and then
/// there is no result.
pub fn run<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    (0..POLLS).find_map(|_| match future.as_mut().poll(&mut cx) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    })
}

/// More than any exchange here needs.
const POLLS: usize = 1000;
