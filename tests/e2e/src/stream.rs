//! Plain TCP for clients that do what no HTTP client does.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use amtd_harness::PATIENCE;

/// A connection of which every wait is bounded.
///
/// # Panics
/// It is refused.
#[must_use]
pub fn open(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// A connection that has sent `bytes` and ended its side.
#[must_use]
pub fn half_closed(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = open(address);
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream
}

/// Reads to the end.
///
/// # Errors
/// The connection ends by a reset, or does not end.
pub fn read_to_end(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).map(|_| bytes)
}

/// Reads exactly `length` bytes.
#[must_use]
pub fn read_exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

/// Reads up to and with `end`, byte by byte, so that nothing behind it is taken.
#[must_use]
pub fn read_until(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        bytes.push(read_exactly(stream, 1)[0]);
    }
    bytes
}
