//! The event loop's one timer. A timerfd, because the runtime's timers are a millisecond coarse: on a slow link that is two
//! messages, and whoever waits behind them would be measured by the simulator instead of the link.

use std::io;
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use nix::sys::time::{TimeSpec, TimeValLike};
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::net::unix::pipe::Receiver;

/// See the [module](self).
pub(super) struct Timer {
    fd: TimerFd,
    /// The same, as the runtime sees it: it waits for a pipe as for any file, without unsafe code.
    expired: Receiver,
    /// When it expires, if it is set. Left alone as long as that is early enough.
    set: Option<Instant>,
}

impl Timer {
    pub(super) fn new() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let fd = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        let expired = Receiver::from_owned_fd_unchecked(fd.as_fd().try_clone_to_owned()?)?;
        Ok(Self { fd, expired, set: None })
    }

    /// Ready when `deadline` has passed.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<io::Result<()>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Poll::Ready(Ok(()));
            }
            if self.set.is_none_or(|at| at > deadline) {
                // Centuries are as good as never.
                let nanos = i64::try_from(left.as_nanos()).unwrap_or(i64::MAX);
                let expiration = Expiration::OneShot(TimeSpec::nanoseconds(nanos));
                self.fd.set(expiration, TimerSetTimeFlags::empty())?;
                self.set = Some(deadline);
            }
            ready!(self.expired.poll_read_ready(cx))?;
            match self.expired.try_read(&mut [0; size_of::<u64>()]) {
                Ok(_) => self.set = None,
                // It was set anew just when it expired.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_deadline_is_never_met_early_whether_it_moves_or_not() {
        let mut timer = Timer::new().unwrap();
        let start = Instant::now();
        for millis in [1, 5, 2, 9, 9, 0] {
            let deadline = start + Duration::from_millis(millis);
            poll_fn(|cx| timer.poll(cx, deadline)).await.unwrap();
            assert!(Instant::now() >= deadline);
        }
    }

    #[tokio::test]
    async fn a_deadline_that_comes_before_another_is_not_met_late() {
        let mut timer = Timer::new().unwrap();
        let soon = Instant::now() + Duration::from_millis(1);
        let far = soon + Duration::from_hours(1);
        let waiting = poll_fn(|cx| timer.poll(cx, far));
        assert!(tokio::time::timeout(Duration::ZERO, waiting).await.is_err());
        poll_fn(|cx| timer.poll(cx, soon)).await.unwrap();
    }
}
