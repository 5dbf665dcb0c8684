//! The gate that every call passes: a known method, a caller who may, a place in the crowd, a deadline.
//!
//! A caller that goes away takes its call with it: the transport drops it, and with it everything that waited for it
//! alone. What a call has started on behalf of the daemon, such as a job, goes on.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use amtd_proto::Problem;
use axum::http::{HeaderMap, Request, Response};
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming};
use tokio::{sync::watch, time::sleep};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tracing::{debug, warn};

use super::{
    api::Api,
    auth::{self, Kind, Method},
    crowd::{Crowd, Place},
    deadline,
    identity::{Caller, Groups, Identity, Who},
    problems,
};
use crate::{complaints::Complaints, config::Level};

/// What all connections share.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) api: Api,
    pub(super) crowd: Crowd,
    pub(super) groups: Groups,
    pub(super) denials: Complaints<Denial>,
    pub(super) call_limit: Duration,
    pub(super) stop: CancellationToken,
}

/// Who was denied what. Each is logged, but not a flood of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Denial {
    /// A caller may not use a method.
    Method(Who, &'static str),
    /// Nobody could say what a caller may.
    Lookup(Who),
    /// Somebody at this address did not prove who it is.
    Handshake(Option<IpAddr>),
}

/// What the calls of one connection share.
#[derive(Debug)]
pub(super) struct Client {
    gate: Gate,
    identity: Identity,
    /// Let in beyond the limits, to ask about health.
    health_only: bool,
    /// How many calls are under way.
    calls: watch::Sender<usize>,
}

impl Client {
    pub(super) fn new(gate: Gate, identity: Identity, health_only: bool) -> Arc<Self> {
        Arc::new(Self { gate, identity, health_only, calls: watch::Sender::new(0) })
    }

    /// The number of calls under way, at each change.
    pub(super) fn calls(&self) -> watch::Receiver<usize> {
        self.calls.subscribe()
    }

    /// Answers one call.
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Answer> {
        let path = request.uri().path().to_owned();
        let under_way = UnderWay::begin(&self);
        let (place, mut end) = match self.admit(&path, request.headers()).await {
            Ok(admitted) => admitted,
            Err(problem) => return refuse(problem, under_way),
        };
        let request = match self.introduce(request).await {
            Ok(request) => request,
            Err(problem) => return refuse(problem, under_way),
        };
        let response = tokio::select! {
            response = self.gate.api.call(request) => response,
            problem = &mut end => return refuse(problem, under_way),
        };
        let hold = Some((place, under_way));
        explain(response).map(|body| Answer { state: State::Passing(body, end), hold })
    }

    /// Whether the call may be made, and what ends it.
    async fn admit(&self, path: &str, headers: &HeaderMap) -> Result<(Place, End), Problem> {
        let method = auth::lookup(path).ok_or_else(|| problems::no_such_method(path))?;
        if self.health_only && method.kind != Kind::Health {
            return Err(problems::too_many_connections());
        }
        self.permit(method).await?;
        let who = self.identity.who();
        let place = match method.kind {
            Kind::Health => self.gate.crowd.health_call(who),
            Kind::Call | Kind::Stream => self.gate.crowd.call(who),
        };
        let place = place.map_err(|_crowded| {
            debug!(caller = %who, method = path, "refused: too many calls at once");
            problems::too_many_calls()
        })?;
        let own = (method.kind == Kind::Call).then_some(self.gate.call_limit);
        let limit = deadline::limit(headers, own).map_err(|_bad| problems::bad_timeout())?;
        Ok((place, end(limit, self.gate.stop.clone())))
    }

    async fn permit(&self, method: &Method) -> Result<(), Problem> {
        if method.level <= Level::Anyone {
            return Ok(());
        }
        let (who, pid) = (self.identity.who(), self.identity.pid());
        let Some(level) = self.identity.level().await else {
            if let Some(unlogged) = self.gate.denials.due(Denial::Lookup(who.clone()), Instant::now()) {
                warn!(caller = %who, pid, unlogged, "denied: the caller's groups could not be looked up");
            }
            return Err(problems::identity_unknown());
        };
        if level >= method.level {
            return Ok(());
        }
        if let Some(unlogged) =
            self.gate.denials.due(Denial::Method(who.clone(), method.path), Instant::now())
        {
            let (level, needed) = (level.name(), method.level.name());
            warn!(caller = %who, pid, method = method.path, level, needed, unlogged, "denied");
        }
        Err(problems::not_permitted(method.path, method.level, &self.gate.groups))
    }

    /// Tells the service who calls, where that was found out already.
    async fn introduce(&self, mut request: Request<Incoming>) -> Result<Request<Incoming>, Problem> {
        let needed = auth::lookup(request.uri().path()).map(|method| method.level);
        if needed > Some(Level::Anyone) {
            let level = self.identity.level().await.ok_or_else(problems::identity_unknown)?;
            request.extensions_mut().insert(Caller { who: self.identity.who().clone(), level });
        }
        Ok(request)
    }
}

/// What ends a call early, and why.
type End = Pin<Box<dyn Future<Output = Problem> + Send>>;

fn end(limit: Option<Duration>, stop: CancellationToken) -> End {
    Box::pin(async move {
        let late = async {
            match limit {
                Some(limit) => {
                    sleep(limit).await;
                    problems::too_late(limit)
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            problem = late => problem,
            () = stop.cancelled() => problems::stopping(),
        }
    })
}

/// A call under way, counted for as long as it lasts.
#[derive(Debug)]
struct UnderWay(Arc<Client>);

impl UnderWay {
    fn begin(client: &Arc<Client>) -> Self {
        client.calls.send_modify(|calls| *calls += 1);
        Self(Arc::clone(client))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.calls.send_modify(|calls| *calls -= 1);
    }
}

fn refuse(problem: Problem, under_way: UnderWay) -> Response<Answer> {
    drop(under_way);
    Status::from(problem).into_http::<()>().map(|()| Answer { state: State::Over, hold: None })
}

/// Gives a reason to an error that the transport made: every error has one.
fn explain(response: Response<tonic::body::Body>) -> Response<tonic::body::Body> {
    match Status::from_header_map(response.headers()) {
        Some(status) if status.code() != tonic::Code::Ok && status.details().is_empty() => {
            Status::from(Problem::from(&status)).into_http()
        }
        _ => response,
    }
}

/// The body of an answer: that of the service, cut off with an error when its time is over. What the call held is given
/// back with its end.
pub(super) struct Answer {
    state: State,
    hold: Option<(Place, UnderWay)>,
}

enum State {
    Passing(tonic::body::Body, End),
    Over,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let State::Passing(body, end) = &mut self.state else { return Poll::Ready(None) };
        let polled = match Pin::new(body).poll_frame(cx) {
            Poll::Pending => match end.as_mut().poll(cx) {
                Poll::Ready(problem) => {
                    self.state = State::Over;
                    Poll::Ready(trailers(problem).map(Ok))
                }
                Poll::Pending => Poll::Pending,
            },
            ready => ready,
        };
        if matches!(polled, Poll::Ready(None)) || matches!(self.state, State::Over) {
            self.hold = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match &self.state {
            State::Passing(body, _) => body.is_end_stream(),
            State::Over => true,
        }
    }
}

/// The error as the last words of a stream. One that cannot be put into words ends it without.
fn trailers(problem: Problem) -> Option<Frame<Bytes>> {
    let mut trailers = HeaderMap::new();
    Status::from(problem).add_header(&mut trailers).ok()?;
    Some(Frame::trailers(trailers))
}
