//! The services together: which one a call is for.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    sync::{Arc, OnceLock},
};

use amtd_amt::machine::Machine;
use amtd_proto::v1::{
    channel_service_server::ChannelServiceServer, diagnostics_service_server::DiagnosticsServiceServer,
    event_service_server::EventServiceServer, job_service_server::JobServiceServer,
    status_service_server::StatusServiceServer,
};
use axum::http::{Request, Response};
use hyper::body::Incoming;
use tonic::{body::Body, codegen, server::NamedService};
use tonic_health::{
    pb::health_server::HealthServer,
    server::{HealthReporter, HealthService},
};
use tonic_reflection::server::Builder;
use tracing::error;

use super::{
    channels::Channels, diagnostics::Diagnostics, events::Events, jobs::Jobs, parts::Parts, problems,
    status::StatusApi,
};
use crate::http::StatusSource;

/// Largest message of a caller to services that take nothing but names and numbers, in bytes.
const SMALL: usize = 16 * 1024;

/// A call and its answer.
type Call = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
/// A service of whatever type. Boxed, because each has its own and some of them cannot be named.
type Service = Arc<dyn Fn(Request<Incoming>) -> Call + Send + Sync>;

/// Every service. Clones share them.
#[derive(Clone)]
pub(super) struct Api(Arc<Services>);

struct Services {
    by_name: Vec<(&'static str, Service)>,
    /// Made when it is asked for, because its tables are large and few ever ask.
    reflection: OnceLock<Option<Service>>,
}

impl Api {
    pub(super) fn new<S: StatusSource, M: Machine + Clone + 'static>(
        parts: &Parts<S, M>,
        health: HealthReporter,
    ) -> Self {
        let large = parts.config.control.max_message;
        macro_rules! services {
            ($($server:ident($service:expr, $limit:expr)),* $(,)?) => {
                vec![$(named($server::new($service).max_decoding_message_size($limit))),*]
            };
        }
        let by_name = services![
            StatusServiceServer(StatusApi::new(parts), SMALL),
            JobServiceServer(Jobs::new(parts.jobs.clone()), large),
            EventServiceServer(Events::new(parts.log.clone()), SMALL),
            ChannelServiceServer(Channels::new(parts.driver.clone(), parts.clients.clone()), SMALL),
            DiagnosticsServiceServer(Diagnostics::new(parts), SMALL),
            HealthServer(HealthService::from_health_reporter(health), SMALL),
        ];
        Self(Arc::new(Services { by_name, reflection: OnceLock::new() }))
    }

    /// Hands a call to its service. The gate has looked at its path.
    pub(super) async fn call(&self, request: Request<Incoming>) -> Response<Body> {
        let path = request.uri().path();
        let name = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let service = match self.0.by_name.iter().find(|(known, _)| *known == name) {
            Some((_, service)) => Some(service),
            None => self.0.reflection.get_or_init(reflection).as_ref(),
        };
        match service {
            Some(service) => service(request).await,
            None => tonic::Status::from(problems::no_such_method(path)).into_http(),
        }
    }
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.by_name.iter().map(|(name, _)| name)).finish()
    }
}

fn reflection() -> Option<Service> {
    let built = Builder::configure()
        .register_encoded_file_descriptor_set(amtd_proto::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1();
    // The descriptors are constants, which a test reads.
    built.map(erased).map_err(|error| error!(%error, "the descriptors of the API cannot be read")).ok()
}

fn named<S: NamedService + Erasable>(service: S) -> (&'static str, Service) {
    (S::NAME, erased(service))
}

fn erased<S: Erasable>(service: S) -> Service {
    Arc::new(move |request| {
        let mut service = service.clone();
        Box::pin(async move {
            match service.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        })
    })
}

/// What every generated server is.
trait Erasable:
    codegen::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Erasable for S where
    S: codegen::Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}
