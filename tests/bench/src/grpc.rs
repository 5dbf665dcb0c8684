//! A connection to the daemon's control API on its Unix socket, as `amtctl` makes one.

use std::io::{Error, ErrorKind};
use std::path::Path;

use anyhow::{Context, Result};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

/// Connects. The channel does not connect again: when the daemon closes it, calls fail.
pub(crate) async fn connect(socket: &Path) -> Result<Channel> {
    let stream = UnixStream::connect(socket).await.with_context(|| socket.display().to_string())?;
    let mut stream = Some(TokioIo::new(stream));
    // The name is never looked up: there is a connection already.
    let connector = tower::service_fn(move |_| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| Error::from(ErrorKind::NotConnected)) }
    });
    Ok(Endpoint::from_static("http://amtd.localhost").connect_with_connector(connector).await?)
}
