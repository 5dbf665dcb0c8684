//! The diagnostics service: a look at the daemon and its surroundings, the metrics and the configuration.
//!
//! What is looked at is the business of [`checks`](super::checks).

use std::{path::PathBuf, sync::Arc};

use amtd_amt::machine::Machine;
use amtd_proto::v1::{
    DiagnoseRequest, DiagnoseResponse, GetConfigRequest, GetConfigResponse, GetMetricsRequest,
    GetMetricsResponse, diagnostics_service_server::DiagnosticsService,
};
use tonic::{Request, Response, Status, async_trait};

use super::{checks, convert, parts::Parts, problems};
use crate::{
    config::Config,
    http::{Board, StatusSource, encode_metrics},
};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Diagnostics<S> {
    board: Board<S>,
    config: Arc<Config>,
    state_dir: PathBuf,
}

impl<S: StatusSource> Diagnostics<S> {
    pub(super) fn new<M: Machine>(parts: &Parts<S, M>) -> Self {
        Self {
            board: parts.board.clone(),
            config: Arc::clone(&parts.config),
            state_dir: parts.state_dir.clone(),
        }
    }
}

#[async_trait]
impl<S: StatusSource> DiagnosticsService for Diagnostics<S> {
    async fn diagnose(
        &self,
        _request: Request<DiagnoseRequest>,
    ) -> Result<Response<DiagnoseResponse>, Status> {
        let status = self.board.look().await;
        let checks = checks::all(&status, &self.config, &self.state_dir).await;
        let checks = checks.map_err(|error| problems::defect(&error))?;
        Ok(Response::new(DiagnoseResponse { checks: checks.into_iter().map(convert::check).collect() }))
    }

    async fn get_metrics(
        &self,
        _request: Request<GetMetricsRequest>,
    ) -> Result<Response<GetMetricsResponse>, Status> {
        let text = encode_metrics(self.board.look().await).map_err(|error| problems::defect(&error))?;
        Ok(Response::new(GetMetricsResponse { open_metrics: text }))
    }

    async fn get_config(
        &self,
        _request: Request<GetConfigRequest>,
    ) -> Result<Response<GetConfigResponse>, Status> {
        // There are no secrets in the configuration: it names files.
        let toml = toml::to_string(&*self.config).map_err(|error| problems::defect(&error))?;
        let path = self.config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        Ok(Response::new(GetConfigResponse { toml, path }))
    }
}
