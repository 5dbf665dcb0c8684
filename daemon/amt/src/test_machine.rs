//! A machine for tests, whose firmware does what the test has written down, connection by connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use zeroize::Zeroizing;

use crate::machine::{Burst, HostClient, Machine, ReachError};

/// What becomes of one attempt to open a host client.
#[derive(Debug, Clone)]
pub(crate) enum Opening {
    Refused(ReachError),
    /// Opens and gives these replies, one to each request; then it is silent.
    Replies(Vec<Result<Vec<u8>, ReachError>>),
    /// Never opens.
    Hangs,
}

/// What becomes of one connection to a port.
#[derive(Debug, Clone)]
pub(crate) enum Connecting {
    Refused(ReachError),
    /// Does these things, each after one more whole request has come; then closes.
    Serves(Vec<Serving>),
    /// Never connects.
    Hangs,
}

/// What is done when a request has come.
#[derive(Debug, Clone)]
pub(crate) enum Serving {
    /// These bytes are sent, one piece after the other.
    Sends(Vec<Vec<u8>>),
    /// These bytes are sent and the connection is closed.
    SendsAndCloses(Vec<u8>),
    /// Nothing; the connection stays open.
    Hangs,
}

/// The machine. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub(crate) struct TestMachine(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    openings: Mutex<VecDeque<Opening>>,
    connectings: Mutex<VecDeque<Connecting>>,
    seen: Mutex<Vec<String>>,
    requests: Mutex<Vec<Vec<u8>>>,
    closed: Mutex<usize>,
}

impl TestMachine {
    pub(crate) fn with_openings(openings: Vec<Opening>) -> Self {
        let machine = Self::default();
        *machine.0.openings.lock().unwrap() = openings.into();
        machine
    }

    pub(crate) fn with_connections(connectings: Vec<Connecting>) -> Self {
        let machine = Self::default();
        *machine.0.connectings.lock().unwrap() = connectings.into();
        machine
    }

    /// Attempts to open and to connect so far, as text.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.0.seen.lock().unwrap().clone()
    }

    /// Messages and HTTP requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<Vec<u8>> {
        self.0.requests.lock().unwrap().clone()
    }

    /// The same as text.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.requests().iter().map(|request| String::from_utf8_lossy(request).into_owned()).collect()
    }

    /// Bursts that were closed in good order.
    pub(crate) fn closed(&self) -> usize {
        *self.0.closed.lock().unwrap()
    }

    /// Whether everything that was written down has happened.
    pub(crate) fn is_done(&self) -> bool {
        self.0.openings.lock().unwrap().is_empty() && self.0.connectings.lock().unwrap().is_empty()
    }
}

impl Machine for TestMachine {
    type Burst = TestBurst;
    type Stream = DuplexStream;

    async fn open(&self, client: HostClient) -> Result<TestBurst, ReachError> {
        self.0.seen.lock().unwrap().push(format!("{client:?}"));
        let next = self.0.openings.lock().unwrap().pop_front();
        match next.expect("an attempt to open that was not written down") {
            Opening::Refused(error) => Err(error),
            Opening::Replies(replies) => Ok(TestBurst { machine: self.clone(), replies: replies.into() }),
            Opening::Hangs => std::future::pending().await,
        }
    }

    async fn connect(&self, port: u16) -> Result<DuplexStream, ReachError> {
        self.0.seen.lock().unwrap().push(port.to_string());
        let next = self.0.connectings.lock().unwrap().pop_front();
        match next.expect("an attempt to connect that was not written down") {
            Connecting::Refused(error) => Err(error),
            Connecting::Hangs => std::future::pending().await,
            Connecting::Serves(servings) => {
                let (ours, theirs) = duplex(PIPE);
                // Ends when the client goes, or when everything is done.
                tokio::spawn(serve(self.clone(), theirs, servings));
                Ok(ours)
            }
        }
    }

    fn serves(&self, _port: u16) -> bool {
        false
    }
}

/// An open connection to a host client of the test's.
pub(crate) struct TestBurst {
    machine: TestMachine,
    replies: VecDeque<Result<Vec<u8>, ReachError>>,
}

impl Burst for TestBurst {
    async fn exchange(&mut self, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        self.machine.0.requests.lock().unwrap().push(request.to_vec());
        match self.replies.pop_front() {
            Some(reply) => reply.map(Zeroizing::new),
            None => std::future::pending().await,
        }
    }

    async fn close(self) {
        *self.machine.0.closed.lock().unwrap() += 1;
    }
}

async fn serve(machine: TestMachine, mut stream: DuplexStream, servings: Vec<Serving>) {
    for serving in servings {
        let Some(request) = request(&mut stream).await else { return };
        machine.0.requests.lock().unwrap().push(request);
        match serving {
            Serving::Sends(pieces) => {
                for piece in pieces {
                    // A client that has gone ends the test's interest.
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
            Serving::SendsAndCloses(bytes) => {
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Serving::Hangs => {
                // Until the client gives up.
                let _ = stream.read(&mut [0]).await;
                return;
            }
        }
    }
}

/// One whole request with its `Content-Length`. `None` if the client closes before.
async fn request(stream: &mut DuplexStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    let head = loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        request.push(stream.read_u8().await.ok()?);
    };
    let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
    let length: Option<usize> =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    request.resize(head + length.expect("a request with a length"), 0);
    stream.read_exact(&mut request[head..]).await.ok()?;
    Some(request)
}

/// One command takes longer than this in no test.
pub(crate) const AMPLE: Duration = Duration::from_secs(600);
const PIPE: usize = 64 * 1024;
