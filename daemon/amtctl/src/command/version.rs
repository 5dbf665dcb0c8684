//! `amtctl version`: which versions talk to each other.

use amtd_proto::v1::GetStatusRequest;
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page},
    session::Session,
};

/// The version of this program.
pub(super) const CLIENT: &str = env!("CARGO_PKG_VERSION");

/// Shows the versions. A daemon that cannot be asked is no failure: the own version is known.
pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let (daemon, problem) = match ask(session).await {
        Ok(version) => (Some(version), None),
        Err(failure) => (None, Some(failure.to_string())),
    };
    let skew = daemon.as_deref().map(|daemon| daemon != CLIENT);
    session.output().show(&VersionDocument { client: CLIENT, daemon, skew, problem })?;
    Ok(Exit::Good)
}

async fn ask(session: &Session) -> Result<String, Failure> {
    let client = session.connect().await?;
    let status = client.call(client.status().get_status(client.request(GetStatusRequest {}))).await?;
    Ok(status.daemon_version)
}

/// The versions.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct VersionDocument {
    client: &'static str,
    /// Absent if the daemon cannot be asked.
    daemon: Option<String>,
    /// Whether they differ; absent if that is not known.
    skew: Option<bool>,
    /// Why the daemon could not be asked.
    problem: Option<String>,
}

impl Document for VersionDocument {
    const KIND: &'static str = "version";

    fn render(&self, page: &mut Page) {
        page.field("amtctl", self.client);
        match (&self.daemon, &self.problem) {
            (Some(daemon), _) => page.field("amtd", daemon),
            (None, problem) => page.field("amtd", problem.as_deref().unwrap_or("unknown")),
        }
        if self.skew == Some(true) {
            page.line("They differ: after an upgrade, `sudo systemctl restart amtd` starts the new version.");
        }
    }
}
