//! Missed heartbeats: agents with short timeouts beside everything at once, counted by firmware's own watchdogs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use super::agent::{Agent, Path};
use super::rig::{Engine, Firmware, Profile, Rig};
use super::traffic::{Traffic, Work};
use super::{LINK_RATE, configs};
use crate::lab::{Lab, Subject, pause_until};
use crate::report::{Comparison, Report, Unit};

const AGENTS: u8 = 4;
/// Seconds of silence after which an agent counts as missing.
const TIMEOUT: u16 = 2;
/// Half of it, as agents do.
const PERIOD: Duration = Duration::from_secs(1);

/// What one side comes to.
struct Outcome {
    expirations: u64,
    /// Heartbeats that were refused or cut.
    failed: u64,
}

/// Realistic firmware of both kinds, both sides, all at the same time.
pub(crate) fn missed(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let time = lab.sizes.missed;
    if time.is_zero() || matches!(lab.subject, Subject::Attached { .. }) {
        return Ok(());
    }
    let kinds = [(Engine::Independent, "independent"), (Engine::Stuck, "stuck")];
    let configs = configs(lab);
    let outcomes: Vec<Result<Outcome>> = thread::scope(|scope| {
        let start = |engine| configs.each_ref().map(|config| scope.spawn(move || run(engine, config, time)));
        let runs: Vec<_> = kinds.iter().flat_map(|&(engine, _)| start(engine)).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| Err(anyhow!("a run panicked")))).collect()
    });
    let outcomes = outcomes.into_iter().collect::<Result<Vec<_>>>()?;
    for ((_, name), sides) in kinds.into_iter().zip(outcomes.as_chunks::<2>().0) {
        let expected = u64::from(AGENTS) * time.as_secs() / PERIOD.as_secs();
        let title = format!("{name}, {expected} heartbeats due: expired");
        let of = |pick: fn(&Outcome) -> u64| sides.each_ref().map(|side| vec![pick(side) as f64]);
        let row = |figure: &str, title, sides| {
            Comparison::new(format!("missed.{name}.{figure}"), title, Unit::Count, sides)
        };
        report.comparisons.extend([
            row("expired", title, of(|side| side.expirations)),
            row("failed", "  refused or cut".to_owned(), of(|side| side.failed)),
        ]);
    }
    Ok(())
}

fn run(engine: Engine, config: &str, time: Duration) -> Result<Outcome> {
    let firmware = Firmware { profile: Profile::Realistic, engine, link_rate: LINK_RATE };
    let rig = Rig::start(firmware, config)?;
    let agents: Vec<Agent> =
        (0..AGENTS).map(|number| Agent::start(rig.address, number, TIMEOUT)).collect::<Result<_>>()?;
    let everyone = [(7, Work::Get), (64, Work::GetOnNew), (4, Work::Enumerate), (8, Work::Stream)];
    let end = Instant::now() + time;
    let over = AtomicBool::new(false);
    let (failed, expirations) = thread::scope(|scope| {
        let runs: Vec<_> = agents
            .into_iter()
            .map(|agent| {
                let over = &over;
                scope.spawn(move || keep_alive(agent, over))
            })
            .collect();
        let traffic = Traffic::start(rig.address, &everyone);
        pause_until(end);
        // Before the agents stop, which would be taken for silence.
        let expirations = rig.expirations();
        over.store(true, Ordering::Relaxed);
        drop(traffic);
        let failed: u64 = runs.into_iter().map(|run| run.join().unwrap_or(u64::MAX)).sum();
        (failed, expirations)
    });
    Ok(Outcome { expirations: expirations?, failed })
}

/// Returns how many heartbeats failed.
fn keep_alive(mut agent: Agent, over: &AtomicBool) -> u64 {
    let (mut failed, mut next) = (0, Instant::now());
    for turn in 0_u32.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let path = if turn % 2 == 0 { Path::Kept } else { Path::New };
        failed += u64::from(agent.beat(path).is_err());
        // One that came late is not followed by a burst.
        next = Instant::now().max(next + PERIOD);
        pause_until(next);
    }
    failed
}
