//! GET on an HTTP server behind a Unix socket: the daemon's health, status and metrics.

use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::http::{Connection, HttpError, Response, request};
use crate::{Error, PATIENCE};

/// Gets `path` from the server on `socket`.
///
/// # Errors
/// Nobody answers there, or not with HTTP, or not in time.
pub fn get(socket: &Path, path: &str) -> Result<Response, Error> {
    exchange(socket, path).map_err(Error::http(format!("GET {path} on {}", socket.display())))
}

fn exchange(socket: &Path, path: &str) -> Result<Response, HttpError> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Connection::over(stream).exchange(&request("GET", path, &["Connection: close"], b""))
}
