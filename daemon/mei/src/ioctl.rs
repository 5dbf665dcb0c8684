//! The one ioctl of the MEI device that the daemon uses. Called by `char_device` on a blocking thread, because the
//! call may wait for firmware for many seconds and cannot be interrupted.

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::errno::Errno;

use crate::ClientGuid;

/// What the firmware said about a client when the connection came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientProperties {
    /// The longest message in either direction, in bytes, as claimed; not yet checked.
    pub(crate) max_message_length: u32,
    /// The client's own version number.
    pub(crate) protocol_version: u8,
}

impl ClientProperties {
    /// The driver copies the whole union back, so that from the sixth byte on it still holds the GUID (mei 2.2).
    fn from_union([a, b, c, d, version, ..]: ConnectUnion) -> Self {
        Self { max_message_length: u32::from_le_bytes([a, b, c, d]), protocol_version: version }
    }
}

/// `IOCTL_MEI_CONNECT_CLIENT`: binds the descriptor to a firmware client. May block for about 15 s, 30 s on slow
/// firmware.
pub(crate) fn connect_client(fd: BorrowedFd<'_>, client: ClientGuid) -> Result<ClientProperties, Errno> {
    let mut union = client.to_bytes();
    raw::connect(fd.as_raw_fd(), &mut union)?;
    Ok(ClientProperties::from_union(union))
}

/// The argument: the GUID on the way in, the client's properties on the way out, 16 bytes without alignment.
type ConnectUnion = [u8; 16];

#[expect(unsafe_code, reason = "an ioctl is a raw system call")]
mod raw {
    use std::os::fd::RawFd;

    use nix::errno::Errno;

    use super::ConnectUnion;

    mod sys {
        nix::ioctl_readwrite!(
            /// `_IOWR('H', 0x01, 16 bytes)`.
            connect_client, b'H', 0x01, super::ConnectUnion
        );
    }

    pub(super) fn connect(fd: RawFd, union: &mut ConnectUnion) -> Result<(), Errno> {
        // SAFETY: the pointer is to 16 bytes that live through the call and are borrowed by nobody else. The driver
        // reads and writes exactly the 16 bytes that are encoded in the ioctl's number, and every bit pattern is a
        // valid array. A descriptor of another device answers ENOTTY; the number is not used by any other driver
        // with an argument that holds a pointer.
        unsafe { sys::connect_client(fd, union) }.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn ioctl_number_and_size_are_those_of_the_kernel() {
        assert_eq!(size_of::<ConnectUnion>(), 16);
        assert_eq!(nix::request_code_readwrite!(b'H', 0x01, size_of::<ConnectUnion>()), 0xC010_4801);
    }

    #[test]
    fn guid_leftovers_in_the_reply_are_not_taken_for_properties() {
        // A captured reply of AMTHI (mei 2.2).
        let reply =
            [0x00, 0x14, 0x00, 0x00, 0x01, 0xb4, 0x2d, 0x4b, 0xac, 0xa8, 0x46, 0xe0, 0xff, 0x65, 0x81, 0x4c];
        let properties = ClientProperties::from_union(reply);
        assert_eq!(properties, ClientProperties { max_message_length: 5120, protocol_version: 1 });
    }

    #[test]
    fn device_that_is_not_mei_answers_enotty() {
        let null = File::open("/dev/null").unwrap();
        assert_eq!(connect_client(null.as_fd(), ClientGuid::LME), Err(Errno::ENOTTY));
    }
}
