//! `amtctl metrics`: the metrics, as a collector would read them.

use amtd_proto::v1::GetMetricsRequest;
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page},
    session::Session,
};

/// Shows the metrics.
pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let client = session.connect().await?;
    let request = client.request(GetMetricsRequest {});
    let answer = client.call(client.diagnostics().get_metrics(request)).await?;
    let output = session.output();
    if output.is_json() {
        output.show(&MetricsDocument { open_metrics: answer.open_metrics })?;
    } else {
        // Not broken into lines of a page: a collector reads it.
        output.show_raw(&answer.open_metrics)?;
    }
    Ok(Exit::Good)
}

/// The metrics.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MetricsDocument {
    /// In the text format of OpenMetrics.
    open_metrics: String,
}

impl Document for MetricsDocument {
    const KIND: &'static str = "metrics";

    fn render(&self, page: &mut Page) {
        page.line(&self.open_metrics);
    }
}
