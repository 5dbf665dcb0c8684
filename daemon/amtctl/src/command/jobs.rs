//! `amtctl jobs`: what was asked for and what came of it.

use amtd_proto::v1::{self, CancelJobRequest, GetJobRequest, ListJobsRequest};
use clap::{Args, Subcommand};

use crate::{
    client::Client,
    exit::Exit,
    failure::Failure,
    job::{self, Audience, JobDocument, JobListDocument},
    session::Session,
};

/// The most that the daemon lists at once.
const LARGEST_PAGE: u32 = 1000;

/// What `jobs` takes.
#[derive(Args)]
pub(crate) struct JobsArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List jobs, the newest first
    List {
        /// List at most this many
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        limit: u32,
    },
    /// Show a job
    Show {
        /// Show the job with this id
        id: String,
    },
    /// Watch a job until it ends, and exit with the code of its verdict
    Watch {
        /// Watch the job with this id
        id: String,
    },
    /// Cancel a job at its next safe point
    Cancel {
        /// Cancel the job with this id
        id: String,
    },
}

/// Lists, shows, watches or cancels.
pub(super) async fn run(args: JobsArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.connect().await?;
    match args.action.unwrap_or(Action::List { limit: 20 }) {
        Action::List { limit } => list(limit, &client, session).await,
        Action::Show { id } => {
            let job = get(&client, id).await?;
            session.output().show(&JobDocument::from(job))?;
            Ok(Exit::Good)
        }
        Action::Watch { id } => watch(client, id, session).await,
        Action::Cancel { id } => cancel(&client, id, session).await,
    }
}

async fn get(client: &Client, id: String) -> Result<v1::Job, Failure> {
    let answer = client.call(client.jobs().get_job(client.request(GetJobRequest { id }))).await?;
    answer.job.ok_or(Failure::Answer("it has no job"))
}

async fn list(limit: u32, client: &Client, session: &Session) -> Result<Exit, Failure> {
    let wanted = limit.max(1) as usize;
    let mut jobs = Vec::new();
    let mut page_token = String::new();
    loop {
        let missing = u32::try_from(wanted - jobs.len()).unwrap_or(LARGEST_PAGE);
        let request = ListJobsRequest { page_size: missing.min(LARGEST_PAGE), page_token };
        let answer = client.call(client.jobs().list_jobs(client.request(request))).await?;
        let empty = answer.jobs.is_empty();
        jobs.extend(answer.jobs);
        page_token = answer.next_page_token;
        if page_token.is_empty() || empty || jobs.len() >= wanted {
            break;
        }
    }
    let more = !page_token.is_empty() || jobs.len() > wanted;
    jobs.truncate(wanted);
    session.output().show(&JobListDocument::new(jobs, more))?;
    Ok(Exit::Good)
}

async fn watch(client: Client, id: String, session: &Session) -> Result<Exit, Failure> {
    let job = get(&client, id).await?;
    let output = session.output();
    let audience = if output.is_json() { Audience::Program } else { Audience::Terminal };
    let job = job::watch(session, client, job, audience).await?;
    let exit = job::exit_of(&job);
    if audience == Audience::Terminal {
        output.show(&JobDocument::from(job))?;
    }
    Ok(exit)
}

async fn cancel(client: &Client, id: String, session: &Session) -> Result<Exit, Failure> {
    let answer = client.call(client.jobs().cancel_job(client.request(CancelJobRequest { id }))).await?;
    let job = answer.job.ok_or(Failure::Answer("it has no job"))?;
    session.output().show(&JobDocument::from(job))?;
    Ok(Exit::Good)
}
