//! The control socket: a Unix stream on which each line is a step as JSON, answered by one line of JSON.
//!
//! Owns the socket and the lines; what a step does is `world`'s business. Requests of one connection are answered in order.

use std::io;
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use crate::faults::Step;

/// Longest line, in bytes; enough for a raw message of the largest size in hexadecimal.
const MAX_LINE: u64 = 512 * 1024;
/// Requests that wait for the event loop.
pub(crate) const QUEUE: usize = 64;

/// A step with the way back for its answer.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) step: Step,
    pub(crate) reply: oneshot::Sender<Value>,
}

/// The listening control socket. Dropping it removes its path.
#[derive(Debug)]
pub(crate) struct ControlListener {
    listener: StdListener,
    path: PathBuf,
}

impl ControlListener {
    /// Listens at `path`; a socket there that nobody listens on is replaced.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let listener = match StdListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
                std::fs::remove_file(path)?;
                StdListener::bind(path)?
            }
            other => other?,
        };
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Serves connections for ever.
    pub(crate) async fn serve(self, requests: mpsc::Sender<Request>) -> io::Result<()> {
        let listener = UnixListener::from_std(self.listener.try_clone()?)?;
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    connections.spawn(serve_connection(accepted?.0, requests.clone()));
                }
                Some(_) = connections.join_next() => {}
            }
        }
    }
}

impl Drop for ControlListener {
    fn drop(&mut self) {
        // Nothing to do about a failure: the next `bind` replaces the abandoned socket.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn is_abandoned(path: &Path) -> bool {
    StdStream::connect(path).is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

async fn serve_connection(stream: UnixStream, requests: mpsc::Sender<Request>) {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut line = String::new();
    loop {
        line.clear();
        match (&mut reader).take(MAX_LINE).read_line(&mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let mut answer = answer(&line, &requests).await.to_string();
        answer.push('\n');
        if writer.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn answer(line: &str, requests: &mpsc::Sender<Request>) -> Value {
    match serde_json::from_str(line) {
        Ok(step) => ask(step, requests).await,
        Err(error) => refusal(&format!("the line is not a step: {error}")),
    }
}

/// Has the event loop take a step.
pub(crate) async fn ask(step: Step, requests: &mpsc::Sender<Request>) -> Value {
    let (reply, answer) = oneshot::channel();
    if requests.send(Request { step, reply }).await.is_ok()
        && let Ok(answer) = answer.await
    {
        return answer;
    }
    refusal("the simulator has stopped")
}

pub(crate) fn refusal(error: &str) -> Value {
    json!({ "ok": false, "error": error })
}
