//! Calls of the control API through the real server: HTTP/2, the gate, decoding, and each service.
//!
//! Hazard: a message that panics a service, a call that never ends, or one that leaves the server unable to take the next.
//! The firmware behind it cannot be opened, so that no job gets beyond its plan.

#![no_main]

use std::{cell::RefCell, path::PathBuf, sync::Arc, time::Duration};

use amtd::{
    config::Config,
    control::{HealthSources, Parts, Server},
    driver::{Driver, DriverConfig, Handle, Heartbeat, LinkConfig},
    events::Log,
    front::{Clients, FrontStatus},
    http::{Board, StatusSource},
    jobs::{self, JobsConfig},
    status::{Firmware, Status},
    supervise::{Role, Supervisor},
};
use amtd_amt::{
    job::Policy,
    machine::{Burst, HostClient, Machine, ReachError},
};
use amtd_apf::mux::MuxConfig;
use amtd_mei::RecoveryConfig;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use libfuzzer_sys::fuzz_target;
use tokio::{net::UnixStream, runtime::Runtime, sync::watch, time::timeout};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

thread_local! {
    static RIG: RefCell<Rig> = RefCell::new(Rig::new());
}

fuzz_target!(|data: &[u8]| {
    let Some(([method, mode], rest)) = data.split_first_chunk() else { return };
    let path = METHODS[usize::from(*method) % METHODS.len()];
    // Mostly one whole message; else whatever stands where messages should.
    let body = if mode & 7 == 7 { rest.to_vec() } else { framed(rest) };
    RIG.with_borrow_mut(|rig| rig.call(path, Bytes::from(body)));
});

fn framed(message: &[u8]) -> Vec<u8> {
    [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

/// The API without a daemon around it, on a clock that runs only when there is nothing to do.
struct Rig {
    runtime: Runtime,
    socket: PathBuf,
    connection: Option<http2::SendRequest<Full<Bytes>>>,
    _kept: (tempfile::TempDir, Supervisor, Watched, Handle),
}

/// What is watched must have somebody who could change it.
type Watched = (watch::Sender<FrontStatus>, watch::Sender<Firmware>, watch::Sender<Option<String>>);

impl Rig {
    fn new() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = builder.enable_all().start_paused(true).build().expect("a runtime");
        let directory = tempfile::tempdir().expect("a temporary directory");
        let (supervisor, watched, driver) = runtime.block_on(serve(directory.path().to_owned()));
        let socket = directory.path().join("amtd.sock");
        Self { runtime, socket, connection: None, _kept: (directory, supervisor, watched, driver) }
    }

    fn call(&mut self, path: &str, body: Bytes) {
        let (socket, connection) = (&self.socket, &mut self.connection);
        self.runtime.block_on(async {
            let mut sender = match connection.take() {
                Some(sender) if !sender.is_closed() => sender,
                _ => connect(socket).await,
            };
            let request = Request::post(format!("http://amtd{path}"))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .header("grpc-timeout", "100m");
            let request = request.body(Full::new(body)).expect("a request");
            let call = async {
                let response = sender.send_request(request).await?;
                response.into_body().collect().await
            };
            // How a call ends is the server's business, but it ends.
            let ended = timeout(Duration::from_secs(3600), call).await;
            assert!(ended.is_ok(), "{path} does not end");
            *connection = Some(sender);
        });
    }
}

async fn connect(socket: &PathBuf) -> http2::SendRequest<Full<Bytes>> {
    let stream = UnixStream::connect(socket).await.expect("the server is there");
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("a server of HTTP/2");
    tokio::spawn(connection);
    sender
}

async fn serve(directory: PathBuf) -> (Supervisor, Watched, Handle) {
    let config = Config::default();
    let (supervisor, stop) = (Supervisor::new(), CancellationToken::new());
    let (driver, handle, _forwards) = Driver::new(nowhere(), Heartbeat::new(None, || {}));
    supervisor.spawn("driver", Role::Passing, driver.run());
    let watched: Watched = (watch::Sender::default(), watch::Sender::default(), watch::Sender::default());
    let log = Log::new(64);
    let policy = Policy::default();
    let jobs = JobsConfig { jobs: config.jobs.clone(), policy, state_dir: directory.clone() };
    let (engine, jobs) = jobs::new(jobs, Closed, handle.link(), log.clone());
    supervisor.spawn("jobs", Role::Passing, engine.run(stop.clone()));
    let server = Server::bind(&directory, &config.control, None).await.expect("a socket of its own");
    let parts = Parts {
        board: Board::new(Known, Duration::from_secs(1)),
        driver: handle.clone(),
        clients: Clients::default(),
        log,
        jobs,
        machine: Closed,
        config: Arc::new(config),
        state_dir: directory,
    };
    let health = HealthSources {
        status: Known,
        link: handle.link(),
        front: watched.0.subscribe(),
        firmware: watched.1.subscribe(),
        jobs: watched.2.subscribe(),
    };
    server.start(&parts, health, &supervisor, &stop);
    (supervisor, watched, handle)
}

fn nowhere() -> DriverConfig {
    DriverConfig {
        link: LinkConfig {
            device: Some("/nonexistent".into()),
            connect_limit: Duration::from_secs(1),
            recovery: RecoveryConfig::default(),
        },
        mux: MuxConfig::default(),
        transmit_stall: Duration::from_secs(30),
    }
}

/// A status that is always the same.
#[derive(Debug, Clone)]
struct Known;

impl StatusSource for Known {
    async fn ask(&self) -> Option<Status> {
        Some(self.known())
    }

    fn known(&self) -> Status {
        Status::default()
    }
}

/// A machine whose firmware nobody may open.
#[derive(Debug, Clone)]
struct Closed;

impl Machine for Closed {
    type Burst = Never;
    type Stream = UnixStream;

    async fn open(&self, _client: HostClient) -> Result<Never, ReachError> {
        Err(ReachError::PermissionDenied)
    }

    async fn connect(&self, _port: u16) -> Result<UnixStream, ReachError> {
        Err(ReachError::PermissionDenied)
    }

    fn serves(&self, _port: u16) -> bool {
        false
    }
}

enum Never {}

impl Burst for Never {
    async fn exchange(&mut self, _request: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        match *self {}
    }

    async fn close(self) {}
}

const METHODS: [&str; 17] = [
    "/amtd.v1.StatusService/GetStatus",
    "/amtd.v1.StatusService/GetInfo",
    "/amtd.v1.JobService/CreateJob",
    "/amtd.v1.JobService/GetJob",
    "/amtd.v1.JobService/ListJobs",
    "/amtd.v1.JobService/WatchJob",
    "/amtd.v1.JobService/CancelJob",
    "/amtd.v1.EventService/WatchEvents",
    "/amtd.v1.ChannelService/ListChannels",
    "/amtd.v1.ChannelService/CloseChannel",
    "/amtd.v1.DiagnosticsService/Diagnose",
    "/amtd.v1.DiagnosticsService/GetMetrics",
    "/amtd.v1.DiagnosticsService/GetConfig",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/amtd.v1.JobService/Nonsense",
];
