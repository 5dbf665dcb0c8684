//! What the daemon holds while the soak goes on, and whether that grows.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Field;
use crate::lab::pause_until;
use crate::report::Unit;
use crate::sizes::MEGABYTE;

const PERIOD: Duration = Duration::from_secs(1);
/// The beginning in which buffers and pools are filled for the first time does not count: one part in so many.
const WARM_UP: usize = 10;
/// Resident memory may differ between the thirds by so many megabytes and a tenth: one job more in the books, one buffer more in use.
const MEMORY: f64 = 2.0;
/// Files and threads come and go with the clients: so many and a quarter.
const OTHERS: f64 = 6.0;

/// The daemon at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// Megabytes.
    pub(super) resident: f64,
    pub(super) descriptors: f64,
    pub(super) threads: f64,
    /// Firmware's channels that are taken.
    pub(super) slots: f64,
    /// Clients, each with a task of its own.
    pub(super) connections: f64,
}

impl Sample {
    pub(super) fn of(field: &Field) -> Result<Self> {
        let (usage, status) = (field.daemon.usage()?, field.daemon.status()?);
        let number = |pointer: &str| {
            status
                .pointer(pointer)
                .and_then(Value::as_f64)
                .with_context(|| format!("no {pointer} in the status"))
        };
        Ok(Self {
            resident: usage.resident as f64 / MEGABYTE as f64,
            descriptors: usage.descriptors as f64,
            threads: usage.threads as f64,
            slots: number("/slots/opening")? + number("/slots/open")? + number("/slots/closing")?,
            connections: number("/connections/current")?,
        })
    }
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Watch {
    samples: Vec<Sample>,
    /// Agents that firmware took for dead although the link was there.
    pub(super) missed: u64,
}

/// One figure over time.
#[derive(Debug)]
pub(super) struct Flatness {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    /// Mean of the first third.
    pub(super) first: f64,
    /// Mean of the last third.
    pub(super) last: f64,
    /// What the last may be, judged by the first.
    pub(super) bound: f64,
}

impl Watch {
    /// Looks every second until `end`.
    pub(super) fn until(field: &Field, end: Instant) -> Result<Self> {
        let (mut watch, mut next, mut expired) = (Self::default(), Instant::now(), 0);
        while next < end {
            pause_until(next);
            watch.samples.push(Sample::of(field)?);
            let now = expirations(field)?;
            let silence = super::clients::AGENT_TIMEOUT + PERIOD;
            let since = Instant::now().checked_sub(silence).unwrap_or(next);
            if now > expired && !field.tally.is_excused(since, Instant::now()) {
                watch.missed += now - expired;
            }
            expired = now;
            next += PERIOD;
        }
        Ok(watch)
    }

    pub(super) fn flatness(&self) -> Vec<Flatness> {
        let samples = self.samples.get(self.samples.len() / WARM_UP..).unwrap_or_default();
        let third = samples.len() / 3;
        let (first, last) = (&samples[..third], &samples[samples.len() - third..]);
        let flat = |id, name, unit, pick: fn(&Sample) -> f64, share: f64, more: f64| {
            let (first, last) = (mean(first, pick), mean(last, pick));
            Flatness { id, name, unit, first, last, bound: (first * share + more).ceil() }
        };
        vec![
            flat("memory", "memory", Unit::Megabytes, |sample| sample.resident, 1.1, MEMORY),
            flat("descriptors", "open files", Unit::Count, |sample| sample.descriptors, 1.25, OTHERS),
            flat("threads", "threads", Unit::Count, |sample| sample.threads, 1.25, OTHERS),
            flat(
                "connections",
                "clients and their tasks",
                Unit::Count,
                |sample| sample.connections,
                1.25,
                OTHERS,
            ),
            flat("slots", "channels", Unit::Count, |sample| sample.slots, 1.25, 1.0),
        ]
    }
}

fn mean(samples: &[Sample], pick: fn(&Sample) -> f64) -> f64 {
    samples.iter().map(pick).sum::<f64>() / samples.len().max(1) as f64
}

/// How often each agent's watchdog expired, as firmware knows it.
fn expirations(field: &Field) -> Result<u64> {
    let state = field.sim.control(&json!({ "do": "state" }))?;
    let watchdogs = state["watchdogs"].as_array().context("no watchdogs in the state")?;
    let counts = watchdogs.iter().map(|watchdog| watchdog["expirations"].as_u64());
    counts.sum::<Option<u64>>().context("no expirations in the state")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(resident: impl Fn(usize) -> f64) -> Watch {
        let sample = |place| Sample {
            resident: resident(place),
            descriptors: 40.0,
            threads: 2.0,
            slots: 5.0,
            connections: 30.0,
        };
        Watch { samples: (0..100).map(sample).collect(), missed: 0 }
    }

    #[test]
    fn memory_that_grows_without_end_is_noticed_and_a_warm_up_is_not() {
        let grows = watch(|place| 10.0 + place as f64 * 0.2).flatness();
        assert!(grows[0].last > grows[0].bound, "{grows:?}");
        let warms_up = watch(|place| if place < 10 { 5.0 } else { 10.0 }).flatness();
        assert!(warms_up.iter().all(|flat| flat.last <= flat.bound), "{warms_up:?}");
    }
}
