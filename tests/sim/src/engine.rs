//! Firmware's single-threaded engine: executes one request at a time, over all channels and connections.
//!
//! Channels hand a web connection over together with its requests and get both back one response at a time; connections that wait
//! take turns, one request each. Time is an argument. Knows nothing of windows or links: the event loop tells it when a response has
//! left, which matters for `EngineModel::Stuck` alone. Driven by `world`.

use std::collections::VecDeque;
use std::time::Instant;

use crate::config::{EngineModel, TimeProfile};
use crate::device::Device;
use crate::mei::ConnectionId;
use crate::web::{self, Request, RequestKind, Response, WebConnection};

/// Jobs that wait. More come only from a host that closes its channels faster than their requests are executed.
const MAX_WAITING: usize = 1024;

/// The channel that a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) connection: ConnectionId,
    /// Firmware's number of the channel.
    pub(crate) slot: usize,
    /// Which of the channels that had this number.
    pub(crate) serial: u64,
}

/// A web connection with requests to execute, at least one.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) owner: Owner,
    pub(crate) web: Box<WebConnection>,
    pub(crate) requests: VecDeque<Request>,
}

/// An executed request.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) owner: Owner,
    pub(crate) kind: RequestKind,
    pub(crate) response: Response,
    /// The web connection, back unless it has more requests here.
    pub(crate) web: Option<Box<WebConnection>>,
}

/// The engine.
#[derive(Debug)]
pub(crate) struct Engine {
    model: EngineModel,
    profile: TimeProfile,
    waiting: VecDeque<Job>,
    running: Option<Running>,
    /// Whose response keeps the engine busy (`EngineModel::Stuck`).
    draining: Option<Owner>,
}

#[derive(Debug)]
struct Running {
    job: Job,
    request: Request,
    ends: Instant,
}

impl Engine {
    pub(crate) fn new(model: EngineModel, profile: TimeProfile) -> Self {
        Self { model, profile, waiting: VecDeque::new(), running: None, draining: None }
    }

    /// Takes a job in. One too many costs the oldest, whose channel has most probably closed.
    pub(crate) fn submit(&mut self, job: Job) {
        if self.waiting.len() == MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(job);
    }

    /// Executes the next request if its time has come. Call until it returns `None`.
    pub(crate) fn step(&mut self, device: &mut Device, now: Instant) -> Option<Done> {
        if self.draining.is_some() {
            return None;
        }
        if self.running.is_none() {
            self.start(now);
        }
        let Running { mut job, request, .. } = self.running.take_if(|running| running.ends <= now)?;
        let kind = request.kind();
        let response = web::execute(device, &mut job.web, request, now);
        let owner = job.owner;
        if self.model == EngineModel::Stuck {
            self.draining = Some(owner);
        }
        let web = if job.requests.is_empty() {
            Some(job.web)
        } else {
            self.waiting.push_back(job);
            None
        };
        Some(Done { owner, kind, response, web })
    }

    fn start(&mut self, now: Instant) {
        let Some(mut job) = self.waiting.pop_front() else { return };
        let Some(request) = job.requests.pop_front() else { return };
        let ends = now + web::service_time(self.profile, &request);
        self.running = Some(Running { job, request, ends });
    }

    /// Drops every request that is not executed yet, as if it had never come. What was delivered stays.
    pub(crate) fn forget(&mut self) {
        self.waiting.clear();
        self.running = None;
    }

    /// Whose response the engine waits for to leave.
    pub(crate) fn draining(&self) -> Option<Owner> {
        self.draining
    }

    /// That response has left, or its channel is gone.
    pub(crate) fn drained(&mut self) {
        self.draining = None;
    }

    /// When `step` has something to do next; `None` if only a new job or `drained` can change that.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.running.as_ref().map(|running| running.ends)
    }

    /// Jobs that wait for their turn.
    pub(crate) fn queue_length(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a request is being executed, or its response still occupies the engine.
    pub(crate) fn is_busy(&self) -> bool {
        self.running.is_some() || self.draining.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::device::DeviceConfig;

    fn job(slot: usize, requests: &[u8]) -> Job {
        let mut web = Box::new(WebConnection::new(false));
        let requests: VecDeque<_> = web.feed(requests).into();
        assert!(!requests.is_empty());
        Job { owner: Owner { connection: ConnectionId::default(), slot, serial: 0 }, web, requests }
    }

    const PAGE: &[u8] = b"GET / HTTP/1.1\r\nHost: amt\r\n\r\n";

    fn engine(model: EngineModel, profile: TimeProfile) -> (Engine, Device, Instant) {
        let now = Instant::now();
        (Engine::new(model, profile), Device::new(DeviceConfig::default(), now), now)
    }

    #[test]
    fn connections_take_turns() {
        let (mut engine, mut device, now) = engine(EngineModel::Independent, TimeProfile::Instant);
        engine.submit(job(1, &PAGE.repeat(2)));
        engine.submit(job(2, PAGE));
        let order: Vec<usize> =
            std::iter::from_fn(|| engine.step(&mut device, now)).map(|done| done.owner.slot).collect();
        assert_eq!(order, [1, 2, 1]);
    }

    #[test]
    fn requests_of_channels_that_have_closed_do_not_pile_up_for_ever() {
        let (mut engine, mut device, now) = engine(EngineModel::Independent, TimeProfile::Instant);
        (0..MAX_WAITING + 2).for_each(|slot| engine.submit(job(slot, PAGE)));
        assert_eq!(engine.queue_length(), MAX_WAITING);
        assert_eq!(engine.step(&mut device, now).unwrap().owner.slot, 2, "the oldest are lost");
    }

    #[test]
    fn one_request_is_executed_at_a_time() {
        let (mut engine, mut device, now) = engine(EngineModel::Independent, TimeProfile::Realistic);
        engine.submit(job(1, PAGE));
        engine.submit(job(2, PAGE));
        assert!(engine.step(&mut device, now).is_none());
        let first = engine.deadline().unwrap();
        assert_eq!(engine.step(&mut device, first).unwrap().owner.slot, 1);
        assert!(
            engine.step(&mut device, first).is_none(),
            "the second request starts when the first is done"
        );
        let second = engine.deadline().unwrap();
        assert!(second >= first + Duration::from_millis(1));
        assert_eq!(engine.step(&mut device, second).unwrap().owner.slot, 2);
    }

    #[test]
    fn forgotten_requests_are_never_executed() {
        let (mut engine, mut device, now) = engine(EngineModel::Independent, TimeProfile::Realistic);
        engine.submit(job(1, &PAGE.repeat(2)));
        assert!(engine.step(&mut device, now).is_none() && engine.is_busy());
        engine.submit(job(2, PAGE));
        engine.forget();
        assert_eq!((engine.is_busy(), engine.queue_length(), engine.deadline()), (false, 0, None));
    }

    #[test]
    fn stuck_engine_waits_for_the_response_to_leave() {
        let (mut engine, mut device, now) = engine(EngineModel::Stuck, TimeProfile::Instant);
        engine.submit(job(1, PAGE));
        engine.submit(job(2, PAGE));
        assert_eq!(engine.step(&mut device, now).unwrap().owner.slot, 1);
        assert!(engine.step(&mut device, now).is_none());
        assert_eq!(engine.draining().map(|owner| owner.slot), Some(1));
        engine.drained();
        assert_eq!(engine.step(&mut device, now).unwrap().owner.slot, 2);
    }
}
