//! The event service: the log of events as a stream.

use std::pin::Pin;

use amtd_proto::v1::{WatchEventsRequest, WatchEventsResponse, event_service_server::EventService};
use futures_core::Stream;
use futures_util::stream;
use tonic::{Request, Response, Status, async_trait};

use super::{convert, problems};
use crate::events::{Log, Start};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Events {
    log: Log,
}

impl Events {
    pub(super) fn new(log: Log) -> Self {
        Self { log }
    }
}

#[async_trait]
impl EventService for Events {
    type WatchEventsStream = Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;

    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<Self::WatchEventsStream>, Status> {
        let WatchEventsRequest { cursor, from_oldest } = request.into_inner();
        let start = match (cursor.is_empty(), from_oldest) {
            (false, _) => Start::After(cursor),
            (true, true) => Start::Oldest,
            (true, false) => Start::Now,
        };
        let reader = self.log.read(&start).map_err(|error| {
            problems::invalid(
                error.to_string(),
                "Give the cursor of an event, or none to begin with the next.",
            )
        })?;
        let events = stream::unfold(reader, async |mut reader| {
            let told = reader.next().await;
            Some((Ok(convert::told(told)), reader))
        });
        Ok(Response::new(Box::pin(events)))
    }
}
