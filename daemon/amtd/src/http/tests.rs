//! The endpoints over a real Unix socket, with a source of status that the test controls.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use amtd_apf::Class;
use amtd_mei::LinkState;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{
    config::{Http, Period},
    status::{Channel, Link, Port, PortState, Queue, Status, Times},
    supervise::Supervisor,
};

/// Answers what it holds; holding nothing, it never answers.
#[derive(Clone, Default)]
struct Source(Arc<Mutex<Option<Status>>>);

impl StatusSource for Source {
    async fn ask(&self) -> Option<Status> {
        let held = self.0.lock().unwrap().clone();
        match held {
            Some(status) => Some(status),
            None => std::future::pending().await,
        }
    }

    fn known(&self) -> Status {
        Status::default()
    }
}

struct Fixture {
    directory: tempfile::TempDir,
    source: Source,
    supervisor: Supervisor,
    stop: CancellationToken,
    tcp: Option<SocketAddr>,
}

impl Fixture {
    async fn start(config: Http, status: Option<Status>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Source(Arc::new(Mutex::new(status)));
        let (supervisor, stop) = (Supervisor::new(), CancellationToken::new());
        let server = Server::bind(directory.path(), config).await.unwrap();
        let tcp = server.tcp.as_ref().map(|listener| listener.local_addr().unwrap());
        server.start(source.clone(), &supervisor, &stop);
        Self { directory, source, supervisor, stop, tcp }
    }

    async fn with(status: Status) -> Self {
        Self::start(Http::default(), Some(status)).await
    }

    fn path(&self) -> std::path::PathBuf {
        self.directory.path().join("http.sock")
    }

    async fn get(&self, path: &str) -> Answer {
        get(&self.path(), path).await
    }
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

async fn get(socket: &Path, path: &str) -> Answer {
    let mut connection = UnixStream::connect(socket).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, head: head.to_lowercase(), body: body.into() }
}

fn port(number: u16) -> Port {
    Port {
        port: number,
        local_port: Some(number),
        requested_by_firmware: true,
        withdrawn_by_firmware: false,
        state: PortState::Listening,
        addresses: vec![([127, 0, 0, 1], number).into()],
        error: None,
        holder: None,
    }
}

fn queue(class: Class) -> Queue {
    let none = Times::default();
    Queue {
        class,
        depth: 2,
        executing: 0,
        admitted: 0,
        demoted: 0,
        missed: 0,
        waited: none.clone(),
        executed: none,
    }
}

fn serving() -> Status {
    let channel = Channel {
        id: "1.256".into(),
        port: Some(16_992),
        class: Class::Bulk,
        state: "open",
        queued: 0,
        local_window: 4096,
        remote_window: 4096,
    };
    Status {
        link: Link { state: LinkState::Up, ready: true, ..Link::default() },
        ports: vec![port(16_992), port(16_993)],
        channels: vec![channel],
        queues: Class::ALL.map(queue).to_vec(),
        ..Status::default()
    }
}

#[tokio::test]
async fn a_serving_daemon_is_healthy_and_ready() {
    let fixture = Fixture::with(serving()).await;
    let healthz = fixture.get("/healthz").await;
    assert_eq!((healthz.status, healthz.body.as_str()), (200, "ok\n"));
    let readyz = fixture.get("/readyz").await;
    assert_eq!((readyz.status, readyz.body.as_str()), (200, "ready\n"));
}

#[tokio::test]
async fn a_dead_link_is_not_ready_but_no_reason_to_restart() {
    let link = Link { detail: "no device".into(), ..Link::default() };
    let fixture = Fixture::with(Status { link, ..serving() }).await;
    assert_eq!(fixture.get("/healthz").await.status, 200);
    let readyz = fixture.get("/readyz").await;
    assert_eq!((readyz.status, readyz.body.as_str()), (503, "no device\n"));
}

#[tokio::test]
async fn status_answers_when_the_driver_does_not() {
    let config = Http { driver_limit: Period::from_millis(10), ..Http::default() };
    let fixture = Fixture::start(config, Some(serving())).await;
    assert_eq!(fixture.get("/status").await.status, 200);
    *fixture.source.0.lock().unwrap() = None;
    let status = fixture.get("/status").await;
    let json: serde_json::Value = serde_json::from_str(&status.body).unwrap();
    assert_eq!(json["link"]["ready"], true, "what it last said");
    assert!(json["stale_seconds"].is_u64());
    assert_eq!(json["health"][0]["code"], "driver-stuck");
    let healthz = fixture.get("/healthz").await;
    assert_eq!((healthz.status, healthz.body.as_str()), (503, "the driver does not answer\n"));
    assert_eq!(fixture.get("/readyz").await.status, 503);
    assert_eq!(fixture.get("/metrics").await.status, 200);
}

#[tokio::test]
async fn status_is_readable_json_with_stable_names() {
    let fixture = Fixture::with(serving()).await;
    let answer = fixture.get("/status").await;
    assert!(answer.head.contains("content-type: application/json"), "{}", answer.head);
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["pid"], std::process::id());
    assert_eq!(json["link"]["state"], "up");
    assert_eq!(json["link"]["since"], "1970-01-01T00:00:00Z");
    assert_eq!(json["stale_seconds"], serde_json::Value::Null);
    assert_eq!(json["ports"][0]["state"], "listening");
    assert_eq!(json["ports"][0]["addresses"][0], "127.0.0.1:16992");
    assert_eq!(json["channels"][0]["class"], "bulk");
    assert_eq!(json["queues"][0]["class"], "watchdog");
    assert_eq!(json["counters"]["front"]["accepted"], 0);
    assert!(answer.body.contains("\n  \"link\": {\n"), "made for reading");
}

#[tokio::test]
async fn an_unknown_path_is_told_the_known_ones() {
    let fixture = Fixture::with(serving()).await;
    let answer = fixture.get("/").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("/status"));
}

#[tokio::test]
async fn the_same_is_served_on_a_loopback_port_if_configured() {
    let config = Http { listen: Some(([127, 0, 0, 1], 0).into()), ..Http::default() };
    let fixture = Fixture::start(config, Some(serving())).await;
    let address = fixture.tcp.unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    connection.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ready\n"), "{answer}");
}

#[tokio::test]
async fn a_caller_that_says_nothing_does_not_keep_the_place_of_others() {
    let limit = Period::from_millis(50);
    let config = Http { max_connections: 1, request_limit: limit, ..Http::default() };
    let fixture = Fixture::start(config, Some(serving())).await;
    let _silent = UnixStream::connect(fixture.path()).await.unwrap();
    assert_eq!(fixture.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn a_flood_of_silent_callers_is_bounded_and_nobody_waits_for_its_end() {
    let fixture = Fixture::with(serving()).await;
    let mut flood = Vec::new();
    for _ in 0..300 {
        flood.push(UnixStream::connect(fixture.path()).await.unwrap());
    }
    assert_eq!(fixture.get("/healthz").await.status, 200);
    // The first has made room for others.
    let mut first = flood.swap_remove(0);
    assert_eq!(first.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn stopping_ends_every_task_and_removes_the_socket() {
    let fixture = Fixture::with(serving()).await;
    let _silent = UnixStream::connect(fixture.path()).await.unwrap();
    fixture.supervisor.expect_ends();
    fixture.stop.cancel();
    assert!(fixture.supervisor.join(Duration::from_secs(5)).await.is_empty());
    assert!(!fixture.path().exists());
}
