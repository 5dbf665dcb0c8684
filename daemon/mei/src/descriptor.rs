//! A connected descriptor: owned, registered with the reactor, and closed where closing may block.
//! Used by `connection` only; knows nothing of messages.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};

use nix::errno::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Handle;

/// An open descriptor whose `close` does not run on the reactor: on the character device it waits for firmware, up
/// to 15 s (mei 3).
#[derive(Debug)]
pub(crate) struct Descriptor {
    /// `None` only while the value is being dropped or taken apart.
    fd: Option<OwnedFd>,
    /// Whether `close` may block.
    slow_close: bool,
}

impl Descriptor {
    pub(crate) fn new(fd: OwnedFd, slow_close: bool) -> Self {
        Self { fd: Some(fd), slow_close }
    }

    /// Registers with the reactor, once and for every event that will ever be waited for: on this device a later
    /// change of interest does not reach the driver's wait queues, and a descriptor that is registered before it is
    /// connected never wakes (mei 5.3).
    #[expect(unsafe_code, reason = "tokio leaves it to the caller that the descriptor stays the same")]
    pub(crate) fn register(self, interest: Interest) -> Result<AsyncFd<Self>, Errno> {
        // SAFETY: `as_raw_fd` returns the descriptor owned by `self.fd`, which changes only in `drop` and in
        // `close`; both need the value itself, which they get from the `AsyncFd` only after it has deregistered.
        // Nobody here calls `AsyncFd::get_mut`.
        unsafe { AsyncFd::register_with_interest(self, interest) }.map_err(|error| {
            let (_descriptor, cause) = error.into_parts();
            cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
        })
    }

    pub(crate) fn as_fd(&self) -> Result<BorrowedFd<'_>, Errno> {
        self.fd.as_ref().map(AsFd::as_fd).ok_or(Errno::EBADF)
    }

    /// A second descriptor of the same open file, whose close does not end the connection.
    pub(crate) fn duplicate(&self) -> Result<Self, Errno> {
        let fd = self.as_fd()?.try_clone_to_owned();
        fd.map(|fd| Self::new(fd, false))
            .map_err(|error| error.raw_os_error().map_or(Errno::EIO, Errno::from_raw))
    }

    /// Closes and waits until that is done; if closing may block, on another thread. If the caller stops waiting, the close
    /// goes on.
    pub(crate) async fn close(mut self) {
        if let Some(fd) = self.fd.take_if(|_| self.slow_close) {
            // The task cannot fail: dropping a descriptor does not panic, and a runtime that is shutting down drops
            // the closure, which closes as well.
            let _ = tokio::task::spawn_blocking(move || drop(fd)).await;
        }
    }
}

impl AsRawFd for Descriptor {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_ref().map_or(-1, AsRawFd::as_raw_fd)
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        let Some(fd) = self.fd.take() else { return };
        match Handle::try_current() {
            Ok(runtime) if self.slow_close => drop(runtime.spawn_blocking(move || drop(fd))),
            // Either closing is quick, or there is no reactor on this thread to hold up.
            _ => drop(fd),
        }
    }
}
