//! Jobs from the user's side: ask, create so that repeating it is safe, watch to the verdict.
//!
//! Commands say what is to be done; what it takes on the device is the daemon's business.

mod document;
mod watch;

use std::{fs::File, io::Read, time::Duration};

use amtd_proto::v1::{self, CreateJobRequest, JobSpec, Verdict, job_spec::Kind};
use clap::Args;
use tokio::time::Instant;

pub(crate) use self::{
    document::{JobDocument, JobListDocument, PlanDocument},
    watch::{Audience, watch},
};
use crate::{
    client::Client, exit::Exit, failure::Failure, output::progress::Progress, secret::Terminal,
    session::Session,
};

/// How a job is made.
#[derive(Default, Args)]
pub(crate) struct JobArgs {
    /// Only show what would be done
    #[arg(long, help_heading = "Job options")]
    plan: bool,

    /// Do not wait for the job to end
    #[arg(long, conflicts_with = "plan", help_heading = "Job options")]
    no_wait: bool,

    /// Fail the job if it takes longer than this [default: as configured]
    #[arg(long, value_name = "TIME", value_parser = crate::global::duration, help_heading = "Job options")]
    deadline: Option<Duration>,

    /// Name the request, so that repeating the command creates no second job [default: a random name]
    #[arg(long, value_name = "NAME", help_heading = "Job options")]
    request_id: Option<String>,
}

impl JobArgs {
    /// Whether the command ends with the job, and not before.
    pub(crate) fn is_to_the_end(&self) -> bool {
        !self.plan && !self.no_wait
    }
}

/// A job that is wanted.
pub(crate) struct Order<'a> {
    pub(crate) kind: Kind,
    pub(crate) args: &'a JobArgs,
    /// What a user at a terminal is asked first.
    pub(crate) question: Option<&'a str>,
}

impl Order<'_> {
    fn request(&self, request_id: &str, validate_only: bool) -> CreateJobRequest {
        CreateJobRequest {
            request_id: request_id.into(),
            validate_only,
            spec: Some(JobSpec { kind: Some(self.kind.clone()) }),
            deadline: self.args.deadline.and_then(|deadline| deadline.try_into().ok()),
        }
    }
}

/// Has a job done and shows its verdict.
pub(crate) async fn run(order: Order<'_>, session: &mut Session) -> Result<Exit, Failure> {
    match execute(order, session).await? {
        None => Ok(Exit::Good),
        Some(job) => {
            let exit = exit_of(&job);
            session.output().show(&JobDocument::from(job))?;
            Ok(exit)
        }
    }
}

/// Has a job done, up to its end. `None`: only the plan, or only the beginning, was wanted, and has been shown.
pub(crate) async fn execute(order: Order<'_>, session: &mut Session) -> Result<Option<v1::Job>, Failure> {
    let output = session.output();
    session.secrets().take_warnings().iter().for_each(|warning| output.warn(warning));
    let client = session.connect().await?;
    if order.args.plan {
        let planned = plan(&order, &client, session).await?;
        output.show(&planned)?;
        return Ok(None);
    }
    if let Some(question) = order.question {
        confirm(&order, &client, question, session).await?;
    }
    let request_id = order.args.request_id.clone().map_or_else(random_name, Ok)?;
    let (client, job) = create(client, &order.request(&request_id, false), session).await?;
    if order.args.no_wait {
        output.show(&JobDocument::from(job))?;
        return Ok(None);
    }
    watch(session, client, job, Audience::Terminal).await.map(Some)
}

/// How the program ends after a job.
pub(crate) fn exit_of(job: &v1::Job) -> Exit {
    let verdict = job.outcome.as_ref().map_or(Verdict::Unspecified, v1::Outcome::verdict);
    match verdict {
        Verdict::Succeeded | Verdict::Unchanged => Exit::Good,
        Verdict::FailedClean => Exit::FailedClean,
        Verdict::FailedPartial => Exit::FailedPartial,
        Verdict::Unspecified => Exit::Unfinished,
    }
}

/// Asks the user at a terminal, after showing the plan. Without a terminal nobody is asked: whoever wrote the script
/// has decided.
async fn confirm(
    order: &Order<'_>,
    client: &Client,
    question: &str,
    session: &Session,
) -> Result<(), Failure> {
    let Some(mut terminal) = Terminal::open() else { return Ok(()) };
    let planned = plan(order, client, session).await?;
    session.output().tell(&planned);
    if planned.is_unchanged() || terminal.confirm(question)? { Ok(()) } else { Err(Failure::Declined) }
}

async fn plan(order: &Order<'_>, client: &Client, session: &Session) -> Result<PlanDocument, Failure> {
    let client = client.with_limit(session.firmware_limit());
    let _waiting = checking();
    let request = client.request(order.request("", true));
    let answer = client.call(client.jobs().create_job(request)).await?;
    let job = answer.job.ok_or(Failure::Answer("it plans no job"))?;
    PlanDocument::new(job).ok_or(Failure::Answer("it has no plan"))
}

/// Creates the job. If the connection breaks before the answer, the same request goes out again: the daemon knows it by
/// its name and makes no second job.
async fn create(
    mut client: Client,
    request: &CreateJobRequest,
    session: &Session,
) -> Result<(Client, v1::Job), Failure> {
    let end = Instant::now() + session.firmware_limit();
    loop {
        let patient = client.with_limit(session.firmware_limit());
        let waiting = checking();
        let answer = patient.call(patient.jobs().create_job(patient.request(request.clone()))).await;
        drop(waiting);
        match answer {
            Ok(answer) => return Ok((client, answer.job.ok_or(Failure::Answer("it has no job"))?)),
            Err(Failure::Unreachable(gone)) if gone.may_pass() && Instant::now() < end => {
                session.output().say(&format!("{gone}; repeating the request for the same job"));
                client = session.connect_until(end).await?;
            }
            Err(failure) => {
                if matches!(failure, Failure::Silent(_) | Failure::Unreachable(_)) {
                    session.output().say(&format!(
                        "it is not known whether the job was created; repeating the command with --request-id {} \
                         creates no second one",
                        request.request_id
                    ));
                }
                return Err(failure);
            }
        }
    }
}

/// Says what amtd does before there is a job, for as long as this is kept.
fn checking() -> Progress {
    let mut progress = Progress::new();
    progress.show("checking the request against the firmware");
    progress
}

/// A name that nobody else chooses.
fn random_name() -> Result<String, Failure> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).map_err(Failure::System)?;
    Ok(bytes.iter().fold(String::from("amtctl-"), |name, byte| format!("{name}{byte:02x}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_verdict() {
        let exit = |verdict: Verdict| {
            let outcome = v1::Outcome { verdict: verdict.into(), ..v1::Outcome::default() };
            exit_of(&v1::Job { outcome: Some(outcome), ..v1::Job::default() })
        };
        assert_eq!(exit(Verdict::Unchanged), Exit::Good);
        assert_eq!(exit(Verdict::FailedClean), Exit::FailedClean);
        assert_eq!(exit(Verdict::FailedPartial), Exit::FailedPartial);
        assert_eq!(exit_of(&v1::Job::default()), Exit::Unfinished);
    }

    #[test]
    fn two_runs_do_not_share_a_request() {
        let [one, two] = [random_name().unwrap(), random_name().unwrap()];
        assert!(one != two && one.len() < 128, "{one} {two}");
    }
}
