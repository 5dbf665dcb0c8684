//! `amtctl health`: for scripts and service units. The answer is the exit code.

use std::time::Duration;

use amtd_proto::v1::GetStatusRequest;
use clap::Args;
use serde::Serialize;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus};

use crate::{
    client::Client,
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page},
    session::Session,
};

/// What can be asked about.
const PARTS: &str = "ask about link, front, firmware or jobs, or without --service about amtd as a whole";

/// The pause before a watch that ended is begun again.
const PAUSE: Duration = Duration::from_millis(100);

/// What `health` takes.
#[derive(Args)]
pub(crate) struct HealthArgs {
    /// Ask about one part: link, front, firmware or jobs [default: amtd as a whole]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,

    /// Wait until it is serving, at most this long [default without a time: 60s]
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "60s",
          value_parser = crate::global::duration)]
    wait: Option<Duration>,
}

/// Asks once, or waits until all is well.
pub(super) async fn run(args: HealthArgs, session: &Session) -> Result<Exit, Failure> {
    let status = match args.wait {
        None => check(&args.service, session).await?,
        Some(limit) => wait(&args.service, Instant::now() + limit, session).await?,
    };
    let serving = status == ServingStatus::Serving;
    let problems = if serving { Vec::new() } else { problems(session).await.unwrap_or_default() };
    session.output().show(&HealthDocument {
        service: args.service,
        serving,
        status: word(status),
        problems,
    })?;
    Ok(if serving { Exit::Good } else { Exit::FailedClean })
}

async fn check(service: &str, session: &Session) -> Result<ServingStatus, Failure> {
    let client = session.connect().await?;
    let request = client.request(HealthCheckRequest { service: service.into() });
    match client.call(client.health().check(request)).await {
        Err(Failure::Refused(problem)) if problem.code == Code::NotFound => {
            Err(Failure::usage(format!("amtd has no part {service:?}"), PARTS))
        }
        answer => Ok(answer?.status()),
    }
}

/// What is the matter. Health itself does not depend on it: a daemon that cannot be asked why has said enough.
async fn problems(session: &Session) -> Result<Vec<String>, Failure> {
    let client = session.connect().await?;
    let status = client.call(client.status().get_status(client.request(GetStatusRequest {}))).await?;
    Ok(status.health.unwrap_or_default().problems)
}

/// Follows the health until it is good or the time is over; the daemon may come up, and go, meanwhile.
async fn wait(service: &str, end: Instant, session: &Session) -> Result<ServingStatus, Failure> {
    let mut last = None;
    loop {
        let client = match session.connect_until(end).await {
            Ok(client) => client,
            // The daemon was there: what it said last is the better answer.
            Err(failure) => return last.ok_or(failure),
        };
        match timeout_at(end, follow(service, &client, &mut last)).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) if failure.is_gone() => {}
            Ok(Err(failure)) => return Err(failure),
            // However short the time is, it is asked once.
            Err(_) => return if let Some(last) = last { Ok(last) } else { check(service, session).await },
        }
        match last {
            Some(ServingStatus::Serving) => return Ok(ServingStatus::Serving),
            _ => sleep(PAUSE).await,
        }
    }
}

/// Until it serves, or the stream ends.
async fn follow(service: &str, client: &Client, last: &mut Option<ServingStatus>) -> Result<(), Failure> {
    let mut health = client.health();
    let mut stream = client.call(health.watch(HealthCheckRequest { service: service.into() })).await?;
    while let Some(answer) = client.next(&mut stream).await? {
        *last = Some(answer.status());
        if *last == Some(ServingStatus::Serving) {
            break;
        }
    }
    Ok(())
}

fn word(status: ServingStatus) -> &'static str {
    match status {
        ServingStatus::Unknown => "unknown",
        ServingStatus::Serving => "serving",
        ServingStatus::NotServing => "not serving",
        ServingStatus::ServiceUnknown => "no such service",
    }
}

/// Whether all is well.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct HealthDocument {
    /// The part that was asked about; empty: amtd as a whole.
    service: String,
    serving: bool,
    /// `serving`, `not serving`, `no such service`, `unknown`.
    status: &'static str,
    /// One sentence for each thing that is not as it should be, if it does not serve and can be asked why.
    problems: Vec<String>,
}

impl Document for HealthDocument {
    const KIND: &'static str = "health";

    fn render(&self, page: &mut Page) {
        page.line(self.status);
        for problem in &self.problems {
            page.hang("  ! ", problem);
        }
    }
}
