//! A control API without a daemon around it: its parts, connections to it, and a log that can be read.

use std::{
    io,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use amtd_amt::{
    job::Policy,
    machine::{Burst, HostClient, Machine, ReachError},
};
use amtd_apf::mux::MuxConfig;
use amtd_mei::RecoveryConfig;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http2};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixStream, sync::watch};
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_health::server::HealthReporter;
use tower::service_fn;
use tracing_subscriber::fmt::MakeWriter;
use zeroize::Zeroizing;

use crate::{
    config::{Config, Level},
    control::{
        Parts, health,
        identity::Identity,
        server::{Service, Tasks},
    },
    driver::{Driver, DriverConfig, Heartbeat, LinkConfig, LinkStatus},
    events::Log,
    front::{Clients, FrontStatus},
    http::{Board, StatusSource},
    jobs::{self, JobsConfig},
    status::{self, Link},
    supervise::{Role, Supervisor},
};

pub(super) const SOON: Duration = Duration::from_secs(20);

/// See the [module](self).
pub(super) struct Rig {
    pub(super) parts: Parts<Source, Silent>,
    pub(super) service: Service,
    pub(super) supervisor: Supervisor,
    pub(super) stop: CancellationToken,
    pub(super) link: watch::Sender<LinkStatus>,
    pub(super) front: watch::Sender<FrontStatus>,
    pub(super) firmware: watch::Sender<status::Firmware>,
    pub(super) faults: watch::Sender<Option<String>>,
    pub(super) directory: tempfile::TempDir,
    source: Source,
}

impl Rig {
    pub(super) fn new() -> Self {
        Self::with(Config::default())
    }

    pub(super) fn with(config: Config) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (supervisor, stop) = (Supervisor::new(), CancellationToken::new());
        let (driver, handle, _forwards) = Driver::new(nowhere(), Heartbeat::new(None, || {}));
        supervisor.spawn("driver", Role::Passing, driver.run());
        let (link, link_seen) = watch::channel(LinkStatus::new());
        let log = Log::new(64);
        let machine = Silent::default();
        let job_settings = JobsConfig {
            jobs: config.jobs.clone(),
            policy: Policy::default(),
            state_dir: directory.path().into(),
        };
        let (engine, jobs) = jobs::new(job_settings, machine.clone(), link_seen.clone(), log.clone());
        supervisor.spawn("jobs", Role::Passing, engine.run(stop.clone()));
        let source = Source { link: link_seen };
        let parts = Parts {
            board: Board::new(source.clone(), Duration::from_secs(1)),
            driver: handle,
            clients: Clients::default(),
            log,
            jobs,
            machine,
            config: Arc::new(config),
            state_dir: directory.path().into(),
        };
        let reporter = HealthReporter::new();
        let service = Service::new(&parts, reporter.clone(), supervisor.clone(), stop.clone());
        let rig = Self {
            parts,
            service,
            supervisor,
            stop,
            link,
            front: watch::Sender::default(),
            firmware: watch::Sender::default(),
            faults: watch::Sender::default(),
            directory,
            source,
        };
        rig.supervisor.spawn("health", Role::Passing, health::follow(reporter, rig.health_sources()));
        rig
    }

    pub(super) fn health_sources(&self) -> health::Sources<Source> {
        health::Sources {
            link: self.source.link.clone(),
            status: self.source.clone(),
            front: self.front.subscribe(),
            firmware: self.firmware.subscribe(),
            jobs: self.faults.subscribe(),
        }
    }

    /// A connection of somebody with this level.
    pub(super) fn connect(&self, name: &str, level: Level) -> UnixStream {
        let (client, server) = UnixStream::pair().unwrap();
        self.service.welcome(server, Identity::of_certificate(name, level), None);
        client
    }

    /// A client with this level. Its first call connects.
    pub(super) fn client(&self, level: Level) -> Channel {
        self.client_of(level.name(), level)
    }

    pub(super) fn client_of(&self, name: &'static str, level: Level) -> Channel {
        let service = self.service.clone();
        let connect = service_fn(move |_| {
            let (client, server) = UnixStream::pair().unwrap();
            service.welcome(server, Identity::of_certificate(name, level), None);
            async { Ok::<_, io::Error>(TokioIo::new(client)) }
        });
        Endpoint::from_static("http://amtd").connect_with_connector_lazy(connect)
    }

    /// A client that speaks HTTP/2 itself: it sends what it is told, and cuts nothing off by itself.
    pub(super) async fn raw(&self, level: Level) -> Raw {
        Raw::over(self.connect(level.name(), level), &self.supervisor).await
    }

    pub(super) fn link_is(&self, ready: bool) {
        self.link.send_modify(|link| link.ready = ready);
    }
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

/// A status that follows the link.
#[derive(Debug, Clone)]
pub(super) struct Source {
    link: watch::Receiver<LinkStatus>,
}

impl StatusSource for Source {
    async fn ask(&self) -> Option<status::Status> {
        Some(self.known())
    }

    fn known(&self) -> status::Status {
        let ready = self.link.borrow().ready;
        let link = Link { ready, detail: "as the test says".into(), ..Link::default() };
        let port = status::Port {
            port: 16_992,
            local_port: Some(16_992),
            requested_by_firmware: true,
            withdrawn_by_firmware: false,
            state: status::PortState::Listening,
            addresses: vec!["127.0.0.1:16992".parse().unwrap()],
            error: None,
            holder: None,
        };
        let started_at = status::Timestamp(SystemTime::now());
        status::Status { link, started_at, ports: vec![port], ..status::Status::default() }
    }
}

/// A machine whose firmware never says a word, and that counts who waits for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Silent(pub(super) Arc<watch::Sender<usize>>);

impl Silent {
    /// Waits until so many wait for firmware.
    pub(super) async fn waiting(&self, count: usize) {
        let mut waiting = self.0.subscribe();
        let reached = waiting.wait_for(|waiting| *waiting == count);
        tokio::time::timeout(SOON, reached).await.expect("the number of those who wait").unwrap();
    }
}

impl Machine for Silent {
    type Burst = Nothing;
    type Stream = UnixStream;

    async fn open(&self, _client: HostClient) -> Result<Nothing, ReachError> {
        let _waiting = Waiting::begin(&self.0);
        std::future::pending().await
    }

    async fn connect(&self, _port: u16) -> Result<UnixStream, ReachError> {
        Err(ReachError::Refused)
    }

    fn serves(&self, _port: u16) -> bool {
        false
    }
}

struct Waiting(Arc<watch::Sender<usize>>);

impl Waiting {
    fn begin(count: &Arc<watch::Sender<usize>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(Arc::clone(count))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

/// Never made.
#[derive(Debug)]
pub(super) enum Nothing {}

impl Burst for Nothing {
    async fn exchange(&mut self, _request: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        Err(ReachError::Lost)
    }

    async fn close(self) {}
}

/// See [`Rig::raw`].
pub(super) struct Raw(http2::SendRequest<Full<Bytes>>);

impl Raw {
    pub(super) async fn over(
        stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        supervisor: &Supervisor,
    ) -> Self {
        let tasks = Tasks(supervisor.clone());
        let (sender, connection) = http2::handshake(tasks, TokioIo::new(stream)).await.unwrap();
        supervisor.spawn("client", Role::Passing, async move {
            // The end of the connection shows in the calls.
            let _ = connection.await;
        });
        Self(sender)
    }

    /// Calls with an empty message. Returns the answer when it begins.
    pub(super) async fn call(
        &mut self,
        path: &str,
        timeout: Option<&str>,
    ) -> hyper::Result<Response<Incoming>> {
        let request = Request::post(format!("http://amtd{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers");
        let request =
            timeout.into_iter().fold(request, |request, value| request.header("grpc-timeout", value));
        self.0.send_request(request.body(Full::from(vec![0; 5])).unwrap()).await
    }

    /// The status with which a call ends.
    pub(super) async fn status(&mut self, path: &str, timeout: Option<&str>) -> Status {
        end(self.call(path, timeout).await.unwrap()).await
    }

    /// Waits until the daemon has closed the connection.
    pub(super) async fn closed(&mut self) {
        while self.0.ready().await.is_ok() {
            tokio::task::yield_now().await;
        }
    }

    /// The status that an answer begins with: OK if it begins with a message.
    pub(super) async fn begins(&mut self, path: &str) -> Code {
        let response = self.call(path, None).await.unwrap();
        Status::from_header_map(response.headers()).map_or(Code::Ok, |status| status.code())
    }
}

/// The status at the end of an answer.
pub(super) async fn end(response: Response<Incoming>) -> Status {
    if let Some(status) = Status::from_header_map(response.headers()) {
        return status;
    }
    let body = response.into_body().collect().await.unwrap();
    Status::from_header_map(body.trailers().expect("trailers")).expect("a status")
}

/// Everything that is logged on this thread, at the finest level, while this lives.
pub(super) struct Logged {
    text: Written,
    _guard: tracing::subscriber::DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Logged {
    pub(super) fn begin() -> Self {
        let text = Written::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(text.clone())
            .finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
