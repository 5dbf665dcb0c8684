//! What classes cost those who have no use for them: throughput without urgent requests, and the share of bulk beside a flood of them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::agent::Agent;
use super::rig::{Engine, Firmware, Profile, Rig};
use super::traffic::{Traffic, Work};
use super::{NEVER, configs, with_any_pace};
use crate::lab::{Lab, Subject, pause};
use crate::load;
use crate::report::{Bound, Comparison, Report, Unit};
use crate::sizes::MEGABYTE;

const STREAMS: usize = 8;

/// Throughput lost, and share kept.
pub(crate) fn cost(lab: &mut Lab, report: &mut Report) -> Result<()> {
    if matches!(lab.subject, Subject::Attached { .. }) {
        return Ok(());
    }
    throughput(lab, report).context("throughput")?;
    for profile in [Profile::Realistic, Profile::Instant] {
        for flood in [Work::Flood, Work::Get] {
            share(lab, report, profile, flood).context("share of bulk")?;
        }
    }
    Ok(())
}

/// Eight streams, and small requests on eight connections; both sides in turns.
fn throughput(lab: &Lab, report: &mut Report) -> Result<()> {
    let firmware = Firmware { profile: Profile::Instant, engine: Engine::Independent, link_rate: 0 };
    let rigs = configs(lab).map(|config| Rig::start(firmware, &config));
    let (mut streams, mut requests) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for round in 0..2 * lab.sizes.rounds {
        for turn in 0..2 {
            let side = (round + turn) % 2;
            let address = match &rigs[side] {
                Ok(rig) => rig.address,
                Err(error) => anyhow::bail!("{error:#}"),
            };
            let time = lab.runtime.block_on(load::downloads(address, STREAMS, lab.sizes.transfer))?;
            streams[side].push(lab.sizes.transfer as f64 / MEGABYTE as f64 / time.as_secs_f64());
            let count = lab.sizes.requests;
            let time = lab.runtime.block_on(load::requests(address, STREAMS, count))?;
            requests[side].push(count as f64 / time.as_secs_f64());
        }
    }
    let kept = Some(Bound::AtLeast(0.97));
    report.comparisons.extend([
        Comparison::new("cost.streams", "8 streams, nothing urgent", Unit::MegabytesPerSecond, streams)
            .ratio(kept),
        Comparison::new("cost.requests", "8 connections, small requests", Unit::PerSecond, requests)
            .ratio(None),
    ]);
    Ok(())
}

/// The share of bulk in all requests that firmware gets, while others of a higher class always wait.
fn share(lab: &Lab, report: &mut Report, profile: Profile, flood: Work) -> Result<()> {
    let firmware = Firmware { profile, engine: Engine::Independent, link_rate: 0 };
    let rig = Rig::start(firmware, &with_any_pace(&lab.config))?;
    // The flood needs a watchdog to go to.
    let _agent = Agent::start(rig.address, 0, NEVER)?;
    let traffic = Traffic::start(rig.address, &[(16, flood), (4, Work::Enumerate)])?;
    let (warm_up, time, name) = match profile {
        Profile::Realistic => (Duration::from_secs(2), lab.sizes.heartbeats / 2, "70 ms"),
        Profile::Instant => (Duration::from_millis(500), lab.sizes.heartbeats / 8, "0 ms"),
    };
    pause(warm_up);
    let before = rig.admitted()?;
    pause(time);
    let after = rig.admitted()?;
    let tally = traffic.tally();
    ensure!(tally.failed == 0, "{} requests failed, the first: {:?}", tally.failed, tally.reason);
    let grown = |class: &str| {
        let count = |counts: &[(String, u64)]| {
            counts
                .iter()
                .filter(|(name, _)| class.is_empty() || name == class)
                .map(|(_, count)| count)
                .sum::<u64>()
        };
        count(&after).saturating_sub(count(&before)) as f64
    };
    let (bulk, all) = (grown("bulk"), grown(""));
    let (flood_id, flood) =
        if flood == Work::Flood { ("heartbeats", "heartbeats") } else { ("gets", "Gets") };
    let title = format!("{name}: bulk of {all}, flood of {flood}");
    let profile = if profile == Profile::Instant { "instant" } else { "realistic" };
    let id = format!("cost.share.{profile}.{flood_id}");
    let comparison = Comparison::new(id, title, Unit::Percent, [vec![100.0 * bulk / all], Vec::new()]);
    report.comparisons.push(comparison.figure(Some(Bound::AtLeast(10.0))));
    Ok(())
}
