//! The job service: asking for jobs, looking at them, ending them.

use std::{pin::Pin, time::Duration};

use amtd_amt::job::{Failure, Reason};
use amtd_proto::{
    Problem,
    v1::{
        CancelJobRequest, CancelJobResponse, CreateJobRequest, CreateJobResponse, GetJobRequest,
        GetJobResponse, ListJobsRequest, ListJobsResponse, WatchJobRequest, WatchJobResponse,
        job_service_server::JobService,
    },
};
use futures_core::Stream;
use futures_util::stream;
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};
use tonic::{Code, Request, Response, Status, async_trait};

use super::{
    convert,
    identity::{Caller, Who},
    problems,
};
use crate::{
    config::Level,
    jobs::{CancelError, CreateError, CreateOptions, Handle, Job, JobId},
};

/// Jobs on a page if the caller does not say, and at most.
const PAGE: usize = 50;
const MAX_PAGE: usize = 1000;
/// The user of a job that was asked for over TCP: no user of this machine.
const NO_USER: u32 = u32::MAX;
/// Pause between two messages to a watcher. Otherwise watchers would slow down a quick job.
const PACE: Duration = Duration::from_millis(50);
/// When to try again what could not be queued.
const LATER: Duration = Duration::from_secs(10);

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Jobs {
    jobs: Handle,
}

impl Jobs {
    pub(super) fn new(jobs: Handle) -> Self {
        Self { jobs }
    }
}

#[async_trait]
impl JobService for Jobs {
    async fn create_job(
        &self,
        request: Request<CreateJobRequest>,
    ) -> Result<Response<CreateJobResponse>, Status> {
        let uid = user(&request);
        let CreateJobRequest { request_id, validate_only, spec, deadline } = request.into_inner();
        let spec = spec.ok_or_else(|| unusable(convert::Unusable::Nothing))?;
        let request = convert::request(spec).map_err(unusable)?;
        if validate_only {
            let plan = self.jobs.plan(&request).await.map_err(failed)?;
            return Ok(Response::new(CreateJobResponse { job: Some(convert::plan_only(&plan)) }));
        }
        let deadline = deadline.map(Duration::try_from).transpose().map_err(|_negative| {
            problems::invalid("the deadline is negative", "Give a positive deadline, or none.")
        })?;
        let request_id = Some(request_id).filter(|id| !id.is_empty());
        let options = CreateOptions { request_id, deadline, uid };
        let job = self.jobs.create(request, options).await.map_err(not_created)?;
        Ok(Response::new(CreateJobResponse { job: Some(convert::job(&job, true)) }))
    }

    async fn get_job(&self, request: Request<GetJobRequest>) -> Result<Response<GetJobResponse>, Status> {
        let with_answer = sees_answers(&request);
        let id = request.into_inner().id;
        let job = self.jobs.get(&parse(&id)?).await.ok_or_else(|| no_such_job(&id))?;
        Ok(Response::new(GetJobResponse { job: Some(convert::job(&job, with_answer)) }))
    }

    async fn list_jobs(
        &self,
        request: Request<ListJobsRequest>,
    ) -> Result<Response<ListJobsResponse>, Status> {
        let ListJobsRequest { page_size, page_token } = request.into_inner();
        let before = Some(page_token).filter(|token| !token.is_empty());
        let before = before.map(|token| parse(&token)).transpose()?;
        let size = match usize::try_from(page_size).unwrap_or(MAX_PAGE) {
            0 => PAGE,
            size => size.min(MAX_PAGE),
        };
        // One more shows whether there is another page.
        let mut jobs = self.jobs.list(size + 1, before).await;
        let more = jobs.len() > size;
        jobs.truncate(size);
        let last = jobs.last().filter(|_| more);
        Ok(Response::new(ListJobsResponse {
            next_page_token: last.map(|job| job.id.to_string()).unwrap_or_default(),
            // Answers can be long; whoever wants one asks for its job.
            jobs: jobs.iter().map(|job| convert::job(job, false)).collect(),
        }))
    }

    type WatchJobStream = Pin<Box<dyn Stream<Item = Result<WatchJobResponse, Status>> + Send>>;

    async fn watch_job(
        &self,
        request: Request<WatchJobRequest>,
    ) -> Result<Response<Self::WatchJobStream>, Status> {
        let with_answer = sees_answers(&request);
        let id = request.into_inner().id;
        // This waits until the journal is read at the start; only then is the job there to be watched.
        let parsed = parse(&id)?;
        self.jobs.get(&parsed).await.ok_or_else(|| no_such_job(&id))?;
        let mut job = self.jobs.watch(&parsed).ok_or_else(|| no_such_job(&id))?;
        job.mark_changed();
        let watched = Watched { job, told_at: None };
        let changes = stream::unfold(Some(watched), move |watched| async move {
            let (job, rest) = watched?.next().await?;
            Some((Ok(WatchJobResponse { job: Some(convert::job(&job, with_answer)) }), rest))
        });
        Ok(Response::new(Box::pin(changes)))
    }

    async fn cancel_job(
        &self,
        request: Request<CancelJobRequest>,
    ) -> Result<Response<CancelJobResponse>, Status> {
        let id = request.into_inner().id;
        let job = self.jobs.cancel(&parse(&id)?).await.map_err(|error| not_cancelled(&id, error))?;
        Ok(Response::new(CancelJobResponse { job: Some(convert::job(&job, true)) }))
    }
}

/// A job that somebody watches.
struct Watched {
    job: watch::Receiver<Job>,
    told_at: Option<Instant>,
}

impl Watched {
    /// The job at its next change, and what is left to watch: nothing once it has ended. The end is told at once, and other
    /// changes that follow each other fast are told together.
    async fn next(mut self) -> Option<(Job, Option<Self>)> {
        self.job.changed().await.ok()?;
        if let Some(next) = self.told_at.and_then(|told_at| told_at.checked_add(PACE)) {
            // A job that cannot change any more is told as it is.
            let _ = timeout_at(next, self.job.wait_for(Job::is_ended)).await;
        }
        let job = self.job.borrow_and_update().clone();
        self.told_at = Some(Instant::now());
        let rest = (!job.is_ended()).then_some(self);
        Some((job, rest))
    }
}

fn user<T>(request: &Request<T>) -> u32 {
    match request.extensions().get::<Caller>().map(|caller| &caller.who) {
        Some(Who::User(user)) => *user,
        Some(Who::Certificate(_)) | None => NO_USER,
    }
}

/// Whether the caller could have made the call whose answer a job holds.
fn sees_answers<T>(request: &Request<T>) -> bool {
    request.extensions().get::<Caller>().is_some_and(|caller| caller.level == Level::Admin)
}

fn parse(id: &str) -> Result<JobId, Problem> {
    id.parse().map_err(|_| no_such_job(id))
}

fn no_such_job(id: &str) -> Problem {
    let id: String = id.chars().take(64).collect();
    let next = "Old jobs are forgotten; `amtctl jobs list` lists those that are kept.";
    Problem::new(Code::NotFound, "NO_SUCH_JOB", format!("There is no job {id:?}."), next)
}

fn unusable(error: convert::Unusable) -> Problem {
    problems::invalid(format!("The request cannot be used: {error}."), "Correct the request and try again.")
}

/// Reasons and words are those of the flow, which made them for people.
fn failed(Failure { reason, sentence, next_step }: Failure) -> Problem {
    let problem = |code| Problem::new(code, reason.as_str(), sentence, next_step);
    match reason {
        Reason::PasswordMissing | Reason::PasswordWeak | Reason::RequestInvalid | Reason::HostNameInvalid => {
            problem(Code::InvalidArgument)
        }
        Reason::FirmwareUnreachable | Reason::WsmanUnreachable | Reason::ShuttingDown => {
            problem(Code::Unavailable).retry_after(LATER)
        }
        _ => problem(Code::FailedPrecondition),
    }
}

fn not_created(error: CreateError) -> Problem {
    let sentence = sentence(&error);
    match error {
        CreateError::Refused(failure) => failed(failure),
        CreateError::RequestIdReused(_) => {
            let next = "Use a new request id, or look at that job.";
            Problem::new(Code::AlreadyExists, "REQUEST_ID_REUSED", sentence, next)
        }
        CreateError::RequestIdLength(_) | CreateError::Deadline { .. } => {
            problems::invalid(sentence, "Correct the request and try again.")
        }
        CreateError::QueueFull(_) => {
            let next = "Wait for other jobs to end; `amtctl jobs list` shows them.";
            Problem::new(Code::ResourceExhausted, "QUEUE_FULL", sentence, next).retry_after(LATER)
        }
        CreateError::Journal(_) => {
            let next = "Run `amtctl doctor`: it names the journal, and what to do about it.";
            Problem::new(Code::Unavailable, "JOURNAL_UNUSABLE", sentence, next).retry_after(LATER)
        }
        CreateError::Stopping => problems::stopping(),
    }
}

fn not_cancelled(id: &str, error: CancelError) -> Problem {
    let (reason, next) = match error {
        CancelError::Unknown => return no_such_job(id),
        CancelError::Ended => ("JOB_ENDED", format!("See its verdict with `amtctl jobs show {id}`.")),
        CancelError::TooLate => {
            ("TOO_LATE_TO_CANCEL", format!("See how it ends with `amtctl jobs watch {id}`."))
        }
    };
    Problem::new(Code::FailedPrecondition, reason, sentence(&error), next)
}

/// The text of an error as a sentence.
fn sentence(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

#[cfg(test)]
mod tests {
    use amtd_amt::{
        amthi::{ControlMode, ProvisioningState},
        job::{DeviceState, Kind, Plan},
    };

    use super::*;
    use crate::jobs::State;

    fn job() -> Job {
        let state = DeviceState {
            control_mode: ControlMode::None,
            provisioning_state: ProvisioningState::Pre,
            tls_enforced: false,
        };
        let plan = Plan {
            kind: Kind::ActivateCcm,
            before: String::new(),
            after: String::new(),
            steps: Vec::new(),
            warnings: Vec::new(),
            unchanged: false,
            state,
            clock_ahead: None,
        };
        Job {
            id: "1".parse().unwrap(),
            kind: plan.kind,
            request_id: None,
            state: State::Queued,
            queue_position: Some(9),
            plan,
            steps: Vec::new(),
            outcome: None,
            created_at: std::time::UNIX_EPOCH,
            started_at: None,
            ended_at: None,
            deadline_at: None,
            uid: 0,
            cancellable: true,
            cancel_requested: false,
            resumed: false,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_watches_a_quick_job_is_told_now_then_seldom_and_of_its_end_at_once() {
        let (sender, mut receiver) = watch::channel(job());
        receiver.mark_changed();
        let watched = Watched { job: receiver, told_at: None };
        let start = Instant::now();
        let (told, rest) = watched.next().await.unwrap();
        assert_eq!((told.queue_position, start.elapsed()), (Some(9), Duration::ZERO));

        for place in (1..9).rev() {
            sender.send_modify(|job| job.queue_position = Some(place));
        }
        let (told, rest) = rest.unwrap().next().await.unwrap();
        assert_eq!((told.queue_position, start.elapsed()), (Some(1), PACE), "together");

        sender.send_modify(|job| job.state = State::Running);
        let next = tokio::spawn(rest.unwrap().next());
        tokio::task::yield_now().await;
        sender.send_modify(|job| job.state = State::Ended);
        let (told, rest) = next.await.unwrap().unwrap();
        assert_eq!((told.state, start.elapsed()), (State::Ended, PACE), "at once");
        assert!(rest.is_none());
    }
}
