//! The status service: how things stand, and everything that firmware tells about itself.

use std::sync::Arc;

use amtd_amt::machine::Machine;
use amtd_proto::v1::{
    GetInfoRequest, GetInfoResponse, GetStatusRequest, GetStatusResponse,
    status_service_server::StatusService,
};
use tonic::{Code, Request, Response, Status, async_trait};

use super::{convert, parts::Parts, problems};
use crate::{
    front::Clients,
    http::{Board, StatusSource},
    info::Informant,
    jobs,
};

/// See the [module](self).
pub(super) struct StatusApi<S, M> {
    board: Board<S>,
    clients: Clients,
    informant: Arc<Informant<M>>,
    jobs: jobs::Handle,
}

impl<S: StatusSource, M: Machine + Clone + 'static> StatusApi<S, M> {
    pub(super) fn new(parts: &Parts<S, M>) -> Self {
        let informant = Informant::new(parts.machine.clone(), &parts.config.firmware);
        Self {
            board: parts.board.clone(),
            clients: parts.clients.clone(),
            informant: Arc::new(informant),
            jobs: parts.jobs.clone(),
        }
    }
}

#[async_trait]
impl<S: StatusSource, M: Machine + Clone + 'static> StatusService for StatusApi<S, M> {
    async fn get_status(
        &self,
        _request: Request<GetStatusRequest>,
    ) -> Result<Response<GetStatusResponse>, Status> {
        let status = self.board.look().await;
        let json = serde_json::to_string(&status).map_err(|error| problems::defect(&error))?;
        Ok(Response::new(convert::status(&status, &self.clients.list(), json)))
    }

    async fn get_info(&self, _request: Request<GetInfoRequest>) -> Result<Response<GetInfoResponse>, Status> {
        let info = self.informant.ask(self.jobs.ended()).await.map_err(|error| {
            let next = "Run `amtctl doctor` to see why.";
            amtd_proto::Problem::new(
                Code::Unavailable,
                "FIRMWARE_SILENT",
                format!("The firmware cannot be asked about itself: {error}."),
                next,
            )
            .retry_after(std::time::Duration::from_secs(5))
        })?;
        Ok(Response::new(convert::info(&info)))
    }
}
