//! Watching a job to its end, whatever happens to the watcher: the daemon may be restarted in the middle, and Ctrl-C
//! ends the watching, not the job.

use std::time::Duration;

use amtd_proto::v1::{self, Job, WatchJobRequest, job, step};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep},
};

use super::JobDocument;
use crate::{
    client::Client,
    failure::Failure,
    output::{Output, progress::Progress},
    session::Session,
};

/// How long a daemon that has gone may take to come back. The job itself goes on, or is resumed.
const ABSENCE: Duration = Duration::from_secs(120);

/// The pause before a stream that ended is opened again.
const PAUSE: Duration = Duration::from_millis(100);

/// Who wants to see what is going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A person, if there is a terminal: one line that is overwritten.
    Terminal,
    /// A program: each change is one line of JSON.
    Program,
}

/// Watches a job, from what is known of it, to its end.
pub(crate) async fn watch(
    session: &Session,
    client: Client,
    job: Job,
    audience: Audience,
) -> Result<Job, Failure> {
    let interrupts = signal(SignalKind::interrupt()).map_err(Failure::System)?;
    let output = session.output();
    let mut watcher = Watcher { job, audience, output, progress: Progress::new(), interrupts, warned: false };
    watcher.show()?;
    let mut client = Some(client);
    while watcher.job.state() != job::State::Ended {
        let reached = match client.take() {
            Some(client) => client,
            None => {
                let connected = watcher.heed(session.connect_until(Instant::now() + ABSENCE)).await?;
                connected.map_err(|failure| unwatched(failure, &watcher.job))?
            }
        };
        match watcher.follow(&reached).await {
            // The stream ended before the job: the daemon is going away.
            Ok(()) => {}
            Err(failure) if failure.is_gone() => {}
            Err(failure) => return Err(failure),
        }
        if watcher.job.state() != job::State::Ended {
            watcher.heed(sleep(PAUSE)).await?;
        }
    }
    Ok(watcher.job)
}

/// What it means for the job that the daemon cannot be reached.
fn unwatched(failure: Failure, job: &Job) -> Failure {
    match failure {
        Failure::Unreachable(why) => Failure::Unwatched { id: job.id.clone(), why },
        other => other,
    }
}

struct Watcher {
    job: Job,
    audience: Audience,
    output: Output,
    progress: Progress,
    interrupts: Signal,
    /// The user has been told what Ctrl-C does and what not.
    warned: bool,
}

impl Watcher {
    /// Follows the job as long as the stream lasts.
    async fn follow(&mut self, client: &Client) -> Result<(), Failure> {
        let request = WatchJobRequest { id: self.job.id.clone() };
        let mut jobs = client.jobs();
        let mut stream = self.heed(client.call(jobs.watch_job(request))).await??;
        while self.job.state() != job::State::Ended {
            let Some(message) = self.heed(client.next(&mut stream)).await?? else { return Ok(()) };
            self.job = message.job.ok_or(Failure::Answer("it has no job"))?;
            self.show()?;
        }
        Ok(())
    }

    /// Waits, and listens to the user meanwhile: the first Ctrl-C is answered, the second ends the waiting.
    async fn heed<T>(&mut self, wait: impl Future<Output = T>) -> Result<T, Failure> {
        let mut wait = std::pin::pin!(wait);
        loop {
            tokio::select! {
                biased;
                done = &mut wait => return Ok(done),
                _ = self.interrupts.recv() => {}
            }
            self.progress.clear();
            if std::mem::replace(&mut self.warned, true) {
                return Err(Failure::Interrupted);
            }
            let id = &self.job.id;
            self.output.say(&format!(
                "the job continues. Ctrl-C again stops watching it, `amtctl jobs watch {id}` watches it again, and \
                 `amtctl jobs cancel {id}` cancels it"
            ));
        }
    }

    fn show(&mut self) -> Result<(), Failure> {
        match self.audience {
            Audience::Terminal if self.job.state() == job::State::Ended => self.progress.clear(),
            Audience::Terminal => self.progress.show(&summary(&self.job)),
            Audience::Program => self.output.show_line(&JobDocument::from(self.job.clone()))?,
        }
        Ok(())
    }
}

/// The job in one line.
fn summary(job: &Job) -> String {
    match job.state() {
        job::State::Queued => match job.queue_position {
            0 | 1 => format!("{}: next in the queue", job.kind),
            position => format!("{}: number {position} in the queue", job.kind),
        },
        job::State::Verifying => format!("{}: reading the firmware back", job.kind),
        _ => step_summary(job),
    }
}

fn step_summary(job: &Job) -> String {
    let running = job.steps.iter().position(|step| step.state() == step::State::Running);
    match running.map(|index| (index, &job.steps[index])) {
        None => format!("{}: running", job.kind),
        Some((index, v1::Step { name, description, detail, .. })) => {
            let what = if detail.is_empty() { description } else { detail };
            format!("{} [{}/{}] {name}: {what}", job.kind, index + 1, job.steps.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_waits_says_for_what() {
        let step = |state: step::State, detail: &str| v1::Step {
            name: "setup".into(),
            description: "Set the password".into(),
            state: state.into(),
            detail: detail.into(),
            ..v1::Step::default()
        };
        let job = Job {
            kind: "activate-ccm".into(),
            state: job::State::Running.into(),
            steps: vec![step(step::State::Done, ""), step(step::State::Running, "firmware restarts")],
            ..Job::default()
        };
        assert_eq!(summary(&job), "activate-ccm [2/2] setup: firmware restarts");
    }

    #[test]
    fn a_job_that_waits_shows_its_place_in_the_queue() {
        let queued = |queue_position| Job {
            kind: "deactivate".into(),
            state: job::State::Queued.into(),
            queue_position,
            ..Job::default()
        };
        assert_eq!(summary(&queued(1)), "deactivate: next in the queue");
        assert_eq!(summary(&queued(3)), "deactivate: number 3 in the queue");
    }
}
