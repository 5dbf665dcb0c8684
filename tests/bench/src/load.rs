//! The load generator for several connections: one thread, one event loop, no work per byte besides checking it. A single one is
//! measured with it too where it is compared with several, so that the generator costs all the same.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use amtd_harness::http::{Decoder, Head, HttpError, request};
use anyhow::{Context, Result, anyhow, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::content::Check;

/// Longest that any of the calls below may take.
const LIMIT: Duration = Duration::from_secs(120);
/// Longest that one client of a crowd waits for an answer.
const CLIENT_LIMIT: Duration = Duration::from_secs(60);
/// Requests of each client of a crowd.
const CROWD_REQUESTS: usize = 2;
/// Body of a small answer.
pub(crate) const SMALL: usize = 128;
const READ_SIZE: usize = 16 << 10;

/// The request for `bytes` bytes of content.
pub(crate) fn download_request(bytes: usize) -> Vec<u8> {
    request("GET", &format!("/sim/bulk/{bytes}"), &[], b"")
}

/// The head of a request that uploads `bytes` bytes.
pub(crate) fn upload_head(bytes: usize) -> Vec<u8> {
    request("POST", "/sim/sink", &[], b"")
        .strip_suffix(b"Content-Length: 0\r\n\r\n")
        .map_or_else(Vec::new, |head| [head, format!("Content-Length: {bytes}\r\n\r\n").as_bytes()].concat())
}

/// What the sink says about a body.
pub(crate) fn receipt(body: &[u8]) -> String {
    format!("{} {:08x}", body.len(), crc32fast::hash(body))
}

/// How long it takes from when `clients` clients are connected until each has made its share of `requests` small requests on
/// its connection.
pub(crate) async fn requests(address: SocketAddr, clients: usize, requests: usize) -> Result<Duration> {
    let share = requests.div_ceil(clients);
    together(address, clients, move |mut client| async move {
        for _ in 0..share {
            client.download(SMALL).await?;
        }
        Ok(())
    })
    .await
}

/// How long it takes from when `streams` clients are connected until each has downloaded its share of `bytes`.
pub(crate) async fn downloads(address: SocketAddr, streams: usize, bytes: usize) -> Result<Duration> {
    let share = bytes / streams;
    together(address, streams, move |mut client| async move { client.download(share).await }).await
}

/// How long it takes from when `streams` clients are connected until each has uploaded `body` and has its receipt.
pub(crate) async fn uploads(address: SocketAddr, streams: usize, body: Arc<Vec<u8>>) -> Result<Duration> {
    let expected = Arc::new(receipt(&body));
    together(address, streams, move |mut client| {
        let (body, expected) = (Arc::clone(&body), Arc::clone(&expected));
        async move { client.upload(&body, &expected).await }
    })
    .await
}

/// The times of `exchanges` small exchanges, each on a connection of its own, made by `clients` clients side by side.
pub(crate) async fn new_connections(
    address: SocketAddr,
    clients: usize,
    exchanges: usize,
) -> Result<Vec<Duration>> {
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(exchanges / clients);
            for _ in 0..exchanges / clients {
                let start = Instant::now();
                Client::connect(address).await?.download(SMALL).await?;
                times.push(start.elapsed());
            }
            anyhow::Ok(times)
        });
    }
    let mut times = Vec::new();
    while let Some(done) = timeout(LIMIT, tasks.join_next()).await.context("new connections")? {
        times.extend(done??);
    }
    Ok(times)
}

/// Connects `clients` clients, lets all of them ask at the same moment, twice, and closes none before all are done. Returns the
/// reason of each client that failed.
pub(crate) async fn crowd(address: SocketAddr, clients: usize) -> Vec<String> {
    let barrier = Arc::new(Barrier::new(clients));
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let barrier = Arc::clone(&barrier);
        tasks.spawn(async move {
            let mut client = Client::connect(address).await;
            barrier.wait().await;
            let outcome = match &mut client {
                Ok(client) => {
                    timeout(CLIENT_LIMIT, client.visit()).await.unwrap_or_else(|_| Err(anyhow!("no answer")))
                }
                Err(error) => Err(anyhow!("{error:#}")),
            };
            barrier.wait().await;
            outcome
        });
    }
    let outcomes = tasks.join_all().await;
    outcomes.into_iter().filter_map(Result::err).map(|error| format!("{error:#}")).collect()
}

/// As [`crowd`], with one request for each client. Returns how long each client waited that was answered with 200, in the order
/// of the requests, and the reasons of the others.
pub(crate) async fn mixed_crowd(
    address: SocketAddr,
    requests: Vec<Vec<u8>>,
) -> (Vec<Option<Duration>>, Vec<String>) {
    let barrier = Arc::new(Barrier::new(requests.len()));
    let mut tasks = Vec::new();
    for request in requests {
        let barrier = Arc::clone(&barrier);
        tasks.push(tokio::spawn(async move {
            let client = Client::connect(address).await;
            barrier.wait().await;
            let start = Instant::now();
            let outcome = timeout(CLIENT_LIMIT, async { client?.ask(&request).await }).await;
            let time = start.elapsed();
            let outcome = match outcome {
                Ok(Ok(head)) if head.status() == 200 => Ok(time),
                Ok(Ok(head)) => Err(anyhow!("answer {}", head.status())),
                Ok(Err(error)) => Err(error),
                Err(_) => Err(anyhow!("no answer")),
            };
            barrier.wait().await;
            outcome
        }));
    }
    let (mut times, mut reasons) = (Vec::new(), Vec::new());
    for task in tasks {
        let outcome = task.await.map_err(anyhow::Error::from).flatten();
        times.push(outcome.as_ref().ok().copied());
        reasons.extend(outcome.err().map(|error| format!("{error:#}")));
    }
    (times, reasons)
}

/// Connects everyone, starts `work` for all at once, and returns how long the last one took.
async fn together<W, F>(address: SocketAddr, clients: usize, work: W) -> Result<Duration>
where
    W: Fn(Client) -> F,
    F: Future<Output = Result<()>> + Send + 'static,
{
    let mut connected = Vec::with_capacity(clients);
    for _ in 0..clients {
        connected.push(Client::connect(address).await?);
    }
    let start = Instant::now();
    let mut tasks: JoinSet<Result<()>> = connected.into_iter().map(work).collect();
    while let Some(done) = timeout(LIMIT, tasks.join_next()).await.context("not done in time")? {
        done??;
    }
    Ok(start.elapsed())
}

/// One HTTP client on one connection.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let connecting = timeout(CLIENT_LIMIT, TcpStream::connect(address));
        let stream = connecting.await.context("connect")?.context("connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; READ_SIZE] })
    }

    async fn visit(&mut self) -> Result<()> {
        for _ in 0..CROWD_REQUESTS {
            self.download(SMALL).await?;
        }
        Ok(())
    }

    pub(crate) async fn download(&mut self, bytes: usize) -> Result<()> {
        self.stream.write_all(&download_request(bytes)).await?;
        let mut check = Check::default();
        let status = self.answer(|piece| check.take(piece)).await?.status();
        ensure!(status == 200, "status {status} for a download");
        ensure!(check.position() == bytes as u64, "{} bytes instead of {bytes}", check.position());
        Ok(())
    }

    async fn upload(&mut self, body: &[u8], expected: &str) -> Result<()> {
        self.stream.write_all(&upload_head(body.len())).await?;
        self.stream.write_all(body).await?;
        let mut receipt = Vec::new();
        let head = self
            .answer(|piece| {
                receipt.extend_from_slice(piece);
                Ok(())
            })
            .await?;
        let status = head.status();
        let receipt = String::from_utf8_lossy(&receipt);
        ensure!(status == 200 && receipt.trim() == expected, "upload of {expected}: {status} {receipt}");
        Ok(())
    }

    /// One request and the head of its answer, whose body nobody looks at.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Head> {
        self.stream.write_all(request).await?;
        self.answer(|_| Ok(())).await
    }

    /// Reads one answer, whose body goes to `take`.
    async fn answer(&mut self, mut take: impl FnMut(&[u8]) -> Result<(), HttpError>) -> Result<Head> {
        let mut decoder = Decoder::new();
        while !decoder.is_complete() {
            let read = self.stream.read(&mut self.buffer).await?;
            if read == 0 {
                decoder.end_of_stream()?;
                break;
            }
            let used = decoder.feed(&self.buffer[..read], &mut take)?;
            if used < read {
                bail!("{} bytes after the end of the answer", read - used);
            }
        }
        decoder.into_head().context("no answer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_head_announces_the_body_and_nothing_else() {
        let head = String::from_utf8(upload_head(7)).unwrap();
        assert!(
            head.starts_with("POST /sim/sink HTTP/1.1\r\n")
                && head.ends_with("\r\nContent-Length: 7\r\n\r\n"),
            "{head}"
        );
        assert_eq!(head.matches("Content-Length").count(), 1);
    }
}
