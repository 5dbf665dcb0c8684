//! The messages between the kernel and a server of a character device: FUSE protocol 7, little-endian as the machine is.
//!
//! Requests are read from bytes, answers written to bytes; nothing here knows what they mean. The layouts are those of the kernel's
//! `linux/fuse.h`. Used by `channel` for the greeting and by `node` for the rest.

/// The largest read or write that the kernel may pass on in one piece: as much as fits into its 32 pages.
pub(super) const MAX_TRANSFER: u32 = 128 * 1024;
/// A buffer in which every request has room: the longest is a write, behind two headers.
pub(super) const REQUEST_ROOM: usize = MAX_TRANSFER as usize + 4096;

const MAJOR: u32 = 7;
/// Of the newest layouts that are used here, none is younger.
const MINOR: u32 = 31;

const OPEN: u32 = 14;
const READ: u32 = 15;
const WRITE: u32 = 16;
const RELEASE: u32 = 18;
const INTERRUPT: u32 = 36;
const IOCTL: u32 = 39;
const POLL: u32 = 40;
const CUSE_INIT: u32 = 4096;

/// Kind of a message that no request asked for: those who poll should look again.
const NOTIFY_POLL: i32 = 1;
/// The poll wants to be told of changes.
const SCHEDULE_NOTIFY: u32 = 1;
/// Between the greeting's fixed part and the text: numbers that mean nothing today.
const SPARE: usize = 40;

/// What the kernel asks for. Numbers are those of the open file (`handle`) unless they say otherwise.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    /// Names the request in its answer.
    pub(super) unique: u64,
    pub(super) operation: Operation<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Operation<'a> {
    /// The kernel's protocol version, first of all.
    Init {
        major: u32,
    },
    Open {
        flags: u32,
    },
    Read {
        handle: u64,
        size: usize,
        flags: u32,
    },
    Write {
        handle: u64,
        data: &'a [u8],
        flags: u32,
    },
    Ioctl {
        handle: u64,
        command: u32,
        argument: &'a [u8],
    },
    Poll {
        handle: u64,
        watch: Watch,
        events: u32,
    },
    /// The last descriptor is closed.
    Release {
        handle: u64,
    },
    /// A signal came for the caller of the request `unique`.
    Interrupt {
        unique: u64,
    },
    /// Anything else, by its number.
    Other(u32),
}

/// By what the kernel knows a polled file, and whether it wants to be woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Watch {
    pub(super) key: u64,
    pub(super) wake: bool,
}

/// The bytes are no request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the kernel sent {length} bytes that are no request")]
pub(super) struct Malformed {
    length: usize,
}

impl<'a> Request<'a> {
    /// Reads what one `read` of the channel returned.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let malformed = Malformed { length: bytes.len() };
        let (length, opcode, unique, body) = header(bytes).ok_or(malformed)?;
        if length != bytes.len() {
            return Err(malformed);
        }
        let operation = Operation::decode(opcode, Fields(body)).ok_or(malformed)?;
        Ok(Self { unique, operation })
    }
}

/// Length, opcode, unique, and what follows: the ids of node, user, group and process in between are of no use.
fn header(bytes: &[u8]) -> Option<(usize, u32, u64, &[u8])> {
    let mut fields = Fields(bytes);
    let (length, opcode, unique) = (fields.u32()?, fields.u32()?, fields.u64()?);
    fields.skip(24)?;
    Some((usize::try_from(length).ok()?, opcode, unique, fields.0))
}

impl<'a> Operation<'a> {
    fn decode(opcode: u32, mut body: Fields<'a>) -> Option<Self> {
        Some(match opcode {
            CUSE_INIT => Self::Init { major: body.u32()? },
            OPEN => Self::Open { flags: body.u32()? },
            READ => {
                let (handle, size, flags) = body.transfer()?;
                Self::Read { handle, size, flags }
            }
            WRITE => {
                let (handle, size, flags) = body.transfer()?;
                Self::Write { handle, data: body.0.get(..size)?, flags }
            }
            RELEASE => Self::Release { handle: body.u64()? },
            INTERRUPT => Self::Interrupt { unique: body.u64()? },
            IOCTL => body.ioctl()?,
            POLL => body.poll()?,
            other => Self::Other(other),
        })
    }
}

/// What is left of a message's body.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn skip(&mut self, bytes: usize) -> Option<()> {
        self.0 = self.0.get(bytes..)?;
        Some(())
    }

    /// Handle, size and the file's flags. A device has no use for the offset and the lock owner between them.
    fn transfer(&mut self) -> Option<(u64, usize, u32)> {
        let handle = self.u64()?;
        self.skip(8)?;
        let size = usize::try_from(self.u32()?).ok()?;
        self.skip(4 + 8)?;
        let flags = self.u32()?;
        self.skip(4)?;
        Some((handle, size, flags))
    }

    /// The kernel has copied the argument by the size that the command's number says.
    fn ioctl(mut self) -> Option<Operation<'a>> {
        let handle = self.u64()?;
        self.skip(4)?;
        let command = self.u32()?;
        self.skip(8)?;
        let size = usize::try_from(self.u32()?).ok()?;
        self.skip(4)?;
        Some(Operation::Ioctl { handle, command, argument: self.0.get(..size)? })
    }

    fn poll(mut self) -> Option<Operation<'a>> {
        let (handle, key, flags, events) = (self.u64()?, self.u64()?, self.u32()?, self.u32()?);
        let watch = Watch { key, wake: flags & SCHEDULE_NOTIFY != 0 };
        Some(Operation::Poll { handle, watch, events })
    }
}

/// A message to the kernel, complete.
pub(super) type Answer = Vec<u8>;

/// The answer to [`Operation::Init`]: this version, these sizes, and the name of the node. Ioctls stay restricted: the kernel copies
/// arguments by the commands' numbers, and every command of the MEI driver has a true one.
pub(super) fn greeting(unique: u64, name: &str) -> Answer {
    let [unused, flags, dev_major, dev_minor] = [0; 4];
    let numbers = [MAJOR, MINOR, unused, flags, MAX_TRANSFER, MAX_TRANSFER, dev_major, dev_minor];
    let mut body: Vec<u8> = numbers.iter().flat_map(|number: &u32| number.to_le_bytes()).collect();
    body.resize(body.len() + SPARE, 0);
    body.extend_from_slice(b"DEVNAME=");
    body.extend_from_slice(name.as_bytes());
    body.push(0);
    message(unique, 0, &[&body])
}

/// The answer that says nothing but that it is done.
pub(super) fn done(unique: u64) -> Answer {
    message(unique, 0, &[])
}

/// The answer that something failed with this (positive) errno.
pub(super) fn failed(unique: u64, errno: i32) -> Answer {
    message(unique, -errno, &[])
}

/// The node is open, and this is its handle.
pub(super) fn opened(unique: u64, handle: u64) -> Answer {
    message(unique, 0, &[&handle.to_le_bytes(), &[0; 8]])
}

/// These bytes were read.
pub(super) fn data(unique: u64, bytes: &[u8]) -> Answer {
    message(unique, 0, &[bytes])
}

/// So many bytes were written.
pub(super) fn written(unique: u64, bytes: usize) -> Answer {
    // No longer than MAX_TRANSFER, from where it came.
    message(unique, 0, &[&(bytes as u32).to_le_bytes(), &[0; 4]])
}

/// The ioctl succeeded, and these bytes are copied back to the caller.
pub(super) fn controlled(unique: u64, argument: &[u8]) -> Answer {
    message(unique, 0, &[&[0; 16], argument])
}

/// The file is ready for these events.
pub(super) fn polled(unique: u64, events: u32) -> Answer {
    message(unique, 0, &[&events.to_le_bytes(), &[0; 4]])
}

/// Those who poll this file should look again.
pub(super) fn wake(key: u64) -> Answer {
    message(0, NOTIFY_POLL, &[&key.to_le_bytes()])
}

fn message(unique: u64, error: i32, body: &[&[u8]]) -> Answer {
    let length = 16 + body.iter().map(|part| part.len()).sum::<usize>();
    let mut message = Vec::with_capacity(length);
    // No longer than a transfer and its headers.
    message.extend_from_slice(&(length as u32).to_le_bytes());
    message.extend_from_slice(&error.to_le_bytes());
    message.extend_from_slice(&unique.to_le_bytes());
    body.iter().for_each(|part| message.extend_from_slice(part));
    message
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A request as the kernel sends it.
    pub(in crate::cuse) fn request(opcode: u32, unique: u64, body: &[u8]) -> Vec<u8> {
        let mut bytes = (40 + body.len() as u32).to_le_bytes().to_vec();
        bytes.extend_from_slice(&opcode.to_le_bytes());
        bytes.extend_from_slice(&unique.to_le_bytes());
        bytes.extend_from_slice(&[0xEE; 24]);
        bytes.extend_from_slice(body);
        bytes
    }

    fn bytes(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }

    fn decoded(opcode: u32, body: &[u8]) -> String {
        format!("{:?}", Request::decode(&request(opcode, 9, body)).unwrap().operation)
    }

    #[test]
    fn fields_are_read_from_where_the_kernel_puts_them() {
        let (handle, size, flags) = (7_u64.to_le_bytes(), 3_u32.to_le_bytes(), 0x802_u32.to_le_bytes());
        let transfer = bytes(&[&handle, &[0xAA; 8], &size, &[0xAA; 12], &flags, &[0xAA; 4]]);
        assert_eq!(decoded(15, &transfer), "Read { handle: 7, size: 3, flags: 2050 }");
        let write = bytes(&[&transfer, b"abc"]);
        assert_eq!(decoded(16, &write), "Write { handle: 7, data: [97, 98, 99], flags: 2050 }");
        let ioctl =
            bytes(&[&handle, &[0xAA; 4], &0xC010_4801_u32.to_le_bytes(), &[0xAA; 8], &size, &size, b"xyz"]);
        assert_eq!(
            decoded(39, &ioctl),
            "Ioctl { handle: 7, command: 3222292481, argument: [120, 121, 122] }"
        );
        let poll = bytes(&[&handle, &5_u64.to_le_bytes(), &1_u32.to_le_bytes(), &0x41_u32.to_le_bytes()]);
        let text = "Poll { handle: 7, watch: Watch { key: 5, wake: true }, events: 65 }";
        assert_eq!(decoded(40, &poll), text);
        assert_eq!(decoded(18, &bytes(&[&handle, &[0; 16]])), "Release { handle: 7 }");
        assert_eq!(decoded(36, &handle), "Interrupt { unique: 7 }");
        assert_eq!(decoded(14, &bytes(&[&flags, &[0; 4]])), "Open { flags: 2050 }");
        assert_eq!(decoded(20, &[]), "Other(20)");
    }

    #[test]
    fn request_that_is_cut_or_lies_about_its_length_is_refused() {
        let whole = request(15, 1, &[0; 40]);
        for length in 0..whole.len() {
            assert!(Request::decode(&whole[..length]).is_err(), "{length}");
        }
        let mut write = request(16, 1, &[0; 40]);
        write[40 + 16] = 1;
        assert!(Request::decode(&write).is_err(), "a write that claims more data than it has");
    }

    #[test]
    fn answers_have_the_kernels_layout() {
        assert_eq!(failed(0x0102, 16), [16, 0, 0, 0, 0xF0, 0xFF, 0xFF, 0xFF, 2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(done(1).len(), 16);
        assert_eq!(opened(1, 5)[16..], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(written(1, 258)[16..], [2, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(polled(1, 8)[16..], [8, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(data(1, b"ab")[16..], *b"ab");
        assert_eq!(controlled(1, b"out")[32..], *b"out");
        let wake = wake(3);
        assert_eq!(wake[..16], [24, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "no request, kind 1");
        assert_eq!(wake[16..], [3, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn greeting_names_the_node_behind_seventy_two_bytes() {
        let greeting = greeting(1, "mei0");
        assert_eq!(greeting[16..24], [7, 0, 0, 0, 31, 0, 0, 0]);
        assert_eq!(greeting[24..32], [0; 8], "no unrestricted ioctls");
        assert_eq!(greeting[32..40], [0, 0, 2, 0, 0, 0, 2, 0]);
        assert_eq!(greeting[40..16 + 72], [0; 48]);
        assert_eq!(greeting[16 + 72..], *b"DEVNAME=mei0\0");
        assert_eq!(greeting[0], greeting.len() as u8);
    }
}
