//! A daemon that answers by script, on a Unix socket, in a thread of its own.

use std::{
    collections::VecDeque,
    io::Read,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Condvar, Mutex},
    thread,
    time::Duration,
};

use amtd_proto::{Problem, STOPPING, v1::*};
use tempfile::TempDir;
use tokio::{net::UnixListener, runtime};
use tokio_stream::{Stream, StreamExt, wrappers::UnixListenerStream};
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_health::{ServingStatus, server::HealthReporter};

use self::{
    channel_service_server::{ChannelService, ChannelServiceServer},
    diagnostics_service_server::{DiagnosticsService, DiagnosticsServiceServer},
    event_service_server::{EventService, EventServiceServer},
    job_service_server::{JobService, JobServiceServer},
    status_service_server::{StatusService, StatusServiceServer},
};
use crate::answers;

/// Longest wait for anything. A test that gets there fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the daemon says.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) status: GetStatusResponse,
    pub(crate) info: GetInfoResponse,
    /// Instead of any answer.
    pub(crate) refuse: Option<Problem>,
    /// What one watcher after the other sees; who comes later sees nothing and is kept waiting.
    pub(crate) watches: VecDeque<Vec<Job>>,
    /// The same for events.
    pub(crate) events: VecDeque<Vec<WatchEventsResponse>>,
    /// So many connections are closed as soon as something was said on them.
    pub(crate) broken: usize,
    pub(crate) serving: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            status: answers::status(),
            info: answers::info(),
            refuse: None,
            watches: VecDeque::from([vec![answers::job()]]),
            events: VecDeque::from([answers::events()]),
            broken: 0,
            serving: true,
        }
    }
}

/// What was asked of the daemon.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) created: Vec<CreateJobRequest>,
    pub(crate) watched: Vec<String>,
    /// Where watchers of events began: after this one, or with the oldest.
    pub(crate) cursors: Vec<(String, bool)>,
    pub(crate) closed: Vec<u64>,
    pub(crate) cancelled: Vec<String>,
}

impl Asked {
    /// What the only job is to do.
    pub(crate) fn only_kind(&self) -> &job_spec::Kind {
        let [created] = self.created.as_slice() else { panic!("{:?}", self.created) };
        created.spec.as_ref().unwrap().kind.as_ref().unwrap()
    }
}

/// A daemon; it ends with the test process.
pub(crate) struct Daemon {
    directory: TempDir,
    shared: Arc<Shared>,
    health: HealthReporter,
}

#[derive(Debug)]
struct Shared {
    script: Mutex<Script>,
    asked: Mutex<Asked>,
    news: Condvar,
}

impl Daemon {
    pub(crate) fn start(script: Script) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = std::os::unix::net::UnixListener::bind(directory.path().join("amtd.sock")).unwrap();
        let serving = script.serving;
        let shared =
            Arc::new(Shared { script: Mutex::new(script), asked: Mutex::default(), news: Condvar::new() });
        let daemon = Self { directory, shared: shared.clone(), health: HealthReporter::new() };
        // Before anything is served: what a test says of health later is not taken back.
        daemon.be(if serving { ServingStatus::Serving } else { ServingStatus::NotServing });
        let (served, reporter) = (Scripted(shared), daemon.health.clone());
        thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, served, reporter));
        });
        daemon
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("amtd.sock")
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Looks at what was asked.
    pub(crate) fn asked<T>(&self, look: impl FnOnce(&Asked) -> T) -> T {
        look(&self.shared.asked.lock().unwrap())
    }

    /// Waits until something was asked.
    pub(crate) fn wait_for(&self, mut done: impl FnMut(&Asked) -> bool) {
        let asked = self.shared.asked.lock().unwrap();
        let (asked, late) =
            self.shared.news.wait_timeout_while(asked, PATIENCE, |asked| !done(asked)).unwrap();
        assert!(!late.timed_out(), "{asked:?}");
    }

    /// From now on all is well.
    pub(crate) fn recover(&self) {
        self.be(ServingStatus::Serving);
    }

    fn be(&self, status: ServingStatus) {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.health.set_service_status("", status));
    }
}

async fn serve(listener: std::os::unix::net::UnixListener, scripted: Scripted, health: HealthReporter) {
    let broken = scripted.0.script.lock().unwrap().broken;
    for _ in 0..broken {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
    }
    listener.set_nonblocking(true).unwrap();
    let incoming = UnixListenerStream::new(UnixListener::from_std(listener).unwrap());
    Server::builder()
        .add_service(tonic_health::pb::health_server::HealthServer::new(
            tonic_health::server::HealthService::from_health_reporter(health),
        ))
        .add_service(StatusServiceServer::new(scripted.clone()))
        .add_service(JobServiceServer::new(scripted.clone()))
        .add_service(EventServiceServer::new(scripted.clone()))
        .add_service(ChannelServiceServer::new(scripted.clone()))
        .add_service(DiagnosticsServiceServer::new(scripted))
        .serve_with_incoming(incoming)
        .await
        .unwrap();
}

#[derive(Debug, Clone)]
struct Scripted(Arc<Shared>);

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Scripted {
    fn answer<T>(&self, answer: impl FnOnce(&Script) -> T) -> Result<Response<T>, Status> {
        let script = self.0.script.lock().unwrap();
        match &script.refuse {
            Some(problem) => Err(problem.clone().into()),
            None => Ok(Response::new(answer(&script))),
        }
    }

    fn note(&self, note: impl FnOnce(&mut Asked)) {
        note(&mut self.0.asked.lock().unwrap());
        self.0.news.notify_all();
    }
}

/// The messages, and then the end of a daemon that is being stopped; or nothing for ever if nothing more is scripted.
fn stream<T: Send + 'static>(messages: Option<Vec<T>>) -> Response<Answers<T>> {
    let stopping = || Problem::new(Code::Unavailable, STOPPING, "The daemon is being stopped.", "");
    match messages {
        Some(messages) => {
            let end = tokio_stream::once(Err(stopping().into()));
            Response::new(Box::pin(tokio_stream::iter(messages).map(Ok).chain(end)))
        }
        None => Response::new(Box::pin(tokio_stream::pending())),
    }
}

#[tonic::async_trait]
impl StatusService for Scripted {
    async fn get_status(&self, _: Request<GetStatusRequest>) -> Result<Response<GetStatusResponse>, Status> {
        self.answer(|script| script.status.clone())
    }

    async fn get_info(&self, _: Request<GetInfoRequest>) -> Result<Response<GetInfoResponse>, Status> {
        self.answer(|script| script.info.clone())
    }
}

#[tonic::async_trait]
impl JobService for Scripted {
    async fn create_job(
        &self,
        request: Request<CreateJobRequest>,
    ) -> Result<Response<CreateJobResponse>, Status> {
        let request = request.into_inner();
        let job = if request.validate_only {
            let Job { kind, plan, .. } = answers::job();
            Job { kind, plan, ..Job::default() }
        } else {
            answers::queued()
        };
        self.note(|asked| asked.created.push(request));
        self.answer(|_| CreateJobResponse { job: Some(job) })
    }

    async fn get_job(&self, _: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        self.answer(|_| GetJobResponse { job: Some(answers::running()) })
    }

    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        let request = request.into_inner();
        // Two pages of two jobs.
        let (ids, next) = if request.page_token.is_empty() { (["4", "3"], "3") } else { (["2", "1"], "") };
        let jobs = ids.map(|id| Job { id: id.into(), ..answers::job() });
        let wanted = jobs.into_iter().take(request.page_size as usize).collect();
        self.answer(|_| ListJobsResponse { jobs: wanted, next_page_token: next.into() })
    }

    type WatchJobStream = Answers<WatchJobResponse>;

    async fn watch_job(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        self.note(|asked| asked.watched.push(request.into_inner().id));
        let jobs = self.0.script.lock().unwrap().watches.pop_front();
        let messages =
            jobs.map(|jobs| jobs.into_iter().map(|job| WatchJobResponse { job: Some(job) }).collect());
        Ok(stream(messages))
    }

    async fn cancel_job(
        &self,
        request: Request<CancelJobRequest>,
    ) -> Result<Response<CancelJobResponse>, Status> {
        self.note(|asked| asked.cancelled.push(request.into_inner().id));
        self.answer(|_| CancelJobResponse { job: Some(answers::running()) })
    }
}

#[tonic::async_trait]
impl EventService for Scripted {
    type WatchEventsStream = Answers<WatchEventsResponse>;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let WatchEventsRequest { cursor, from_oldest } = request.into_inner();
        self.note(|asked| asked.cursors.push((cursor, from_oldest)));
        let events = self.0.script.lock().unwrap().events.pop_front();
        Ok(stream(events))
    }
}

#[tonic::async_trait]
impl ChannelService for Scripted {
    async fn list_channels(
        &self,
        _: Request<ListChannelsRequest>,
    ) -> Result<Response<ListChannelsResponse>, Status> {
        self.answer(|_| ListChannelsResponse { channels: answers::channels() })
    }

    async fn close_channel(
        &self,
        request: Request<CloseChannelRequest>,
    ) -> Result<Response<CloseChannelResponse>, Status> {
        self.note(|asked| asked.closed.push(request.into_inner().id));
        self.answer(|_| CloseChannelResponse {})
    }
}

#[tonic::async_trait]
impl DiagnosticsService for Scripted {
    async fn diagnose(&self, _: Request<DiagnoseRequest>) -> Result<Response<DiagnoseResponse>, Status> {
        self.answer(|_| DiagnoseResponse { checks: answers::checks() })
    }

    async fn get_metrics(
        &self,
        _: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        let open_metrics = format!("# HELP {}\n# EOF\n", "very long line ".repeat(20));
        self.answer(|_| GetMetricsResponse { open_metrics })
    }

    async fn get_config(&self, _: Request<GetConfigRequest>) -> Result<Response<GetConfigResponse>, Status> {
        self.answer(|_| GetConfigResponse { toml: "[queue]\n".into(), path: "/etc/amtd/amtd.toml".into() })
    }
}
