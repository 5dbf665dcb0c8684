//! `/dev/cuse`: the system calls, and nothing else.
//!
//! The runtime has no type for such a file. Its reading end of a pipe makes exactly the calls that are needed here and registers any
//! file without unsafe code; so it carries this one. Used by `node`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::task::{Context, Poll, ready};

use tokio::net::unix::pipe;

use super::wire::{self, Operation, REQUEST_ROOM, Request};

/// `O_NONBLOCK`.
const NONBLOCK: i32 = 0o4000;
/// The request was given up before it was read.
const ENOENT: i32 = 2;

/// A device node, which is there as long as this value is.
#[derive(Debug)]
pub(crate) struct Channel {
    file: File,
}

impl Channel {
    /// Makes the node `/dev/NAME`.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a name has letters and digits only"));
        }
        let mut file = OpenOptions::new().read(true).write(true).custom_flags(NONBLOCK).open("/dev/cuse")?;
        let mut buffer = vec![0; REQUEST_ROOM];
        // The kernel's greeting is there as soon as the file is open, and the node as soon as it is answered.
        let length = file.read(&mut buffer)?;
        match Request::decode(&buffer[..length]) {
            Ok(Request { unique, operation: Operation::Init { major: 7 } }) => {
                file.write_all(&wire::greeting(unique, name))?;
                Ok(Self { file })
            }
            other => Err(io::Error::new(io::ErrorKind::Unsupported, format!("unknown greeting {other:?}"))),
        }
    }

    /// Hands the file to the runtime of the calling thread.
    pub(super) fn register(self) -> io::Result<Requests> {
        let source = pipe::Receiver::from_file_unchecked(self.file.try_clone()?)?;
        Ok(Requests { source, sink: self.file })
    }
}

/// The channel, registered with the runtime.
#[derive(Debug)]
pub(super) struct Requests {
    source: pipe::Receiver,
    sink: File,
}

impl Requests {
    /// Reads the next request into `buffer`, which has [`REQUEST_ROOM`].
    pub(super) fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.source.poll_read_ready(cx))?;
            match self.source.try_read(buffer) {
                Ok(length) => return Poll::Ready(Ok(length)),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                    _ if error.raw_os_error() == Some(ENOENT) => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    /// Sends one answer. The kernel takes it at once.
    pub(super) fn write(&self, answer: &[u8]) -> io::Result<()> {
        match (&self.sink).write(answer) {
            Ok(_) => Ok(()),
            // Whoever asked has been killed.
            Err(error) if error.raw_os_error() == Some(ENOENT) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
