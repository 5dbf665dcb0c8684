//! Activation and deactivation in client control mode, as jobs of the daemon and as their bare requests.
//!
//! A job is measured from before CreateJob, on a channel that is connected, until WatchJob says that it has ended: with all that
//! is its own (planning, the journal on the disk, steps, reading back). No program is started. What either side has asked of
//! firmware is counted by the simulators, and a job that asks less than its bare requests is a failure of the measurement: the
//! ratio would be that of different work. A job may ask more: the daemon reads the device anew after one.

use std::time::{Duration, Instant};

use amtd_harness::{Daemon, PATIENCE, Sim, sim};
use amtd_proto::v1::job::State;
use amtd_proto::v1::job_service_client::JobServiceClient;
use amtd_proto::v1::job_spec::Kind;
use amtd_proto::v1::{
    ActivateCcm, CreateJobRequest, Deactivate, Job, JobSpec, Secret, Verdict, WatchJobRequest,
};
use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use tokio::time::timeout;
use tonic::transport::Channel;

use super::replay::Replay;
use super::{Firmware, LIMIT, milliseconds};
use crate::grpc;
use crate::lab::{Lab, pause, start_daemon};
use crate::report::{Bound, Reference, Report, Row, Target, Unit};

/// How often the daemon is asked whether it has read the device anew.
const LOOK: Duration = Duration::from_millis(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Activate,
    Deactivate,
}

/// One after the other in turns.
const WORKS: [Work; 2] = [Work::Activate, Work::Deactivate];

/// The daemon with its firmware, and the firmware that this program has for itself. The daemon goes before its simulator.
struct Duel<'a> {
    lab: &'a Lab,
    daemon: Daemon,
    sim: Sim,
    channel: Channel,
    replay: Replay,
}

/// What firmware was asked, as it counts.
struct Asked([(&'static str, u64); 4]);

/// Rows of both works with one kind of firmware.
pub(super) fn jobs(lab: &Lab, firmware: Firmware, report: &mut Report) -> Result<()> {
    let mut duel = Duel::start(lab, firmware)?;
    let (rounds, bound) = match firmware {
        Firmware::Realistic => (lab.sizes.jobs, 1.05),
        Firmware::Instant => (lab.sizes.rounds, 1.5),
    };
    // The first jobs make the journal, and are not counted.
    duel.round(0)?;
    let mut figures = [const { [Vec::new(), Vec::new()] }; 2];
    for round in 0..rounds {
        for (figures, times) in figures.iter_mut().zip(duel.round(round)?) {
            for (figures, time) in figures.iter_mut().zip(times) {
                figures.push(milliseconds(time));
            }
        }
    }
    for (work, [subject, direct]) in WORKS.into_iter().zip(figures) {
        let [(id, title), (profile, suffix)] = [work.names(), firmware.names()];
        let row =
            Row::new(format!("job.{profile}.{id}"), format!("CCM {title}, {suffix}"), Unit::Milliseconds);
        let row = row.over(Reference::DirectLink).target(Target::Ratio(Bound::AtMost(bound)));
        report.rows.push(row.rounds([subject, Vec::new(), direct]));
    }
    Ok(())
}

impl<'a> Duel<'a> {
    fn start(lab: &'a Lab, firmware: Firmware) -> Result<Self> {
        let sim = Sim::start_with(firmware.options())?;
        let daemon = start_daemon(&sim.device(), &lab.config)?;
        let channel = lab.runtime.block_on(grpc::connect(&daemon.runtime_directory().join("amtd.sock")))?;
        let duel = Self { lab, daemon, sim, channel, replay: Replay::start(firmware)? };
        duel.await_facts("none")?;
        Ok(duel)
    }

    /// Each work on both sides: the times of the job and of its bare requests. Which side is first changes from round to round.
    fn round(&mut self, round: usize) -> Result<[[Duration; 2]; 2]> {
        let mut times = [[Duration::ZERO; 2]; 2];
        for (times, work) in times.iter_mut().zip(WORKS) {
            let (job, bare) = if round.is_multiple_of(2) {
                let job = self.job(work)?;
                (job, self.bare(work)?)
            } else {
                let bare = self.bare(work)?;
                (self.job(work)?, bare)
            };
            job.1.covers(&bare.1).with_context(|| format!("{work:?}"))?;
            *times = [job.0, bare.0];
        }
        Ok(times)
    }

    fn job(&self, work: Work) -> Result<(Duration, Asked)> {
        let before = Asked::of(&self.sim)?;
        let job = async { timeout(LIMIT, run(&self.channel, work.kind())).await };
        let time = self.lab.runtime.block_on(job);
        let time = time.context("the job does not end")?.with_context(|| format!("job {work:?}"))?;
        let asked = Asked::of(&self.sim)?.since(&before);
        self.await_facts(work.leads_to())?;
        Ok((time, asked))
    }

    fn bare(&mut self, work: Work) -> Result<(Duration, Asked)> {
        let before = Asked::of(self.replay.sim())?;
        let start = Instant::now();
        let done = match work {
            Work::Activate => self.replay.activate(),
            Work::Deactivate => self.replay.deactivate(),
        };
        let time = start.elapsed();
        done.with_context(|| format!("bare requests of {work:?}"))?;
        Ok((time, Asked::of(self.replay.sim())?.since(&before)))
    }

    /// After a job the daemon reads the device anew, and the next measurement begins when it has.
    fn await_facts(&self, control_mode: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.daemon.status()?["firmware"]["control_mode"] != control_mode {
            ensure!(
                Instant::now() < end,
                "the daemon does not find out that the control mode is {control_mode}"
            );
            pause(LOOK);
        }
        Ok(())
    }
}

/// Creates the job and waits for its end, which must be a success.
async fn run(channel: &Channel, kind: Kind) -> Result<Duration> {
    let mut jobs = JobServiceClient::new(channel.clone());
    let spec = Some(JobSpec { kind: Some(kind) });
    let start = Instant::now();
    let created = jobs.create_job(CreateJobRequest { spec, ..CreateJobRequest::default() }).await?;
    let mut job = created.into_inner().job.context("no job")?;
    let mut changes = jobs.watch_job(WatchJobRequest { id: job.id.clone() }).await?.into_inner();
    while job.state() != State::Ended {
        let change = changes.message().await?.context("the job is watched no longer")?;
        job = change.job.context("no job")?;
    }
    let time = start.elapsed();
    succeeded(&job)?;
    Ok(time)
}

fn succeeded(job: &Job) -> Result<()> {
    let outcome = job.outcome.as_ref().context("no outcome")?;
    ensure!(outcome.verdict() == Verdict::Succeeded, "{:?}: {:?}", outcome.verdict(), outcome.failure);
    Ok(())
}

impl Work {
    fn kind(self) -> Kind {
        match self {
            Self::Activate => Kind::ActivateCcm(ActivateCcm { password: Some(Secret::new(sim::PASSWORD)) }),
            Self::Deactivate => Kind::Deactivate(Deactivate::default()),
        }
    }

    /// As the status of the daemon says it.
    fn leads_to(self) -> &'static str {
        match self {
            Self::Activate => "client",
            Self::Deactivate => "none",
        }
    }

    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Activate => ("activate", "activation"),
            Self::Deactivate => ("deactivate", "deactivation"),
        }
    }
}

impl Firmware {
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Realistic => ("realistic", "70 ms"),
            Self::Instant => ("instant", "0 ms"),
        }
    }
}

impl Asked {
    fn of(sim: &Sim) -> Result<Self> {
        let stats = sim.control(&json!({ "do": "stats" }))?;
        let mut counts = ["connects", "amthi_commands", "opens_confirmed", "requests"].map(|name| (name, 0));
        for (name, count) in &mut counts {
            *count = stats[*name].as_u64().with_context(|| format!("no {name} in the counts"))?;
        }
        Ok(Self(counts))
    }

    fn since(mut self, before: &Self) -> Self {
        for ((_, count), (_, before)) in self.0.iter_mut().zip(before.0) {
            *count -= before;
        }
        self
    }

    /// No count is below the other's.
    fn covers(&self, other: &Self) -> Result<()> {
        for ((name, count), (_, least)) in self.0.iter().zip(other.0) {
            if *count < least {
                bail!(
                    "the job made {count} {name}, and its bare requests {least}: they are not the same work"
                );
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_asks_less_than_its_bare_requests_is_found_out() {
        let asked = |requests| Asked([("connects", 3), ("requests", requests)].repeat(2).try_into().unwrap());
        assert!(asked(5).covers(&asked(5)).is_ok() && asked(6).covers(&asked(5)).is_ok());
        assert!(asked(4).covers(&asked(5)).unwrap_err().to_string().contains("4 requests"));
    }
}
