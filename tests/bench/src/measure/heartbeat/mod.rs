//! What priorities are for, and what they cost: heartbeats beside busy clients, with the classes and without, side by side.
//!
//! Every measurement has a daemon and a simulator of its own; the null relay and the direct link have no part in this.

mod agent;
mod cost;
mod missed;
mod rig;
mod traffic;

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use self::rig::{Engine, Firmware, Profile, Rig};
use crate::lab::{Lab, Subject, pause};
use crate::report::{Bound, Latency, Report, Samples};
use crate::sizes::MEGABYTE;

pub(super) use self::agent::{Agent, Path};
pub(super) use self::cost::cost;
pub(super) use self::missed::missed;
pub(super) use self::traffic::{Traffic, Work};

/// The daemon's configuration in which every request is interactive, as many go to firmware as it has slots, and none is kept.
pub(crate) const NO_PRIORITY: &str = "\
[classes]
rule = []
[queue]
reserved_slots = 0
backlog = \"1h\"
bulk_after = 1073741824
";
/// Heartbeats of any pace are urgent: for rows that need more of them than agents send.
const ANY_PACE: &str = "[queue]\nheartbeat_burst = 100000\n";
/// Time of a WSMAN request in the realistic profile of the simulator.
const SERVICE: Duration = Duration::from_millis(70);
const LINK_RATE: usize = 2 * MEGABYTE;
/// Longer than any measurement: expirations are the business of `missed`.
const NEVER: u16 = 3600;

/// What goes on beside the heartbeats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Beside {
    Nothing,
    /// Nothing, on the link of the streams.
    NothingOnLink,
    Busy,
    NewConnections,
    Streams,
}

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cell {
    profile: Profile,
    engine: Engine,
    beside: Beside,
}

/// Samples of the two paths.
#[derive(Debug, Default)]
struct Measured {
    kept: Samples,
    new: Samples,
}

/// With the subject's configuration, and without classes.
type Sides = [Measured; 2];

/// Latency of heartbeats. A forwarder that somebody else started cannot be put in front of all this.
pub(super) fn heartbeat(lab: &mut Lab, report: &mut Report) -> Result<()> {
    if matches!(lab.subject, Subject::Attached { .. }) {
        return Ok(());
    }
    let mut rows = Vec::new();
    let cell = |profile, engine, beside| Cell { profile, engine, beside };
    for batch in [
        &[
            (Engine::Independent, Beside::Nothing),
            (Engine::Independent, Beside::Busy),
            (Engine::Independent, Beside::NewConnections),
        ][..],
        &[(Engine::Independent, Beside::Streams), (Engine::Stuck, Beside::Streams)],
    ] {
        // Firmware is what takes the time: measurements side by side do not disturb each other.
        let cells: Vec<_> =
            batch.iter().map(|&(engine, beside)| cell(Profile::Realistic, engine, beside)).collect();
        rows.extend(cells.iter().copied().zip(side_by_side(lab, &cells)?));
    }
    for (engine, beside) in [
        (Engine::Independent, Beside::Nothing),
        (Engine::Independent, Beside::NothingOnLink),
        (Engine::Independent, Beside::Busy),
        (Engine::Independent, Beside::NewConnections),
        (Engine::Independent, Beside::Streams),
        (Engine::Stuck, Beside::Streams),
    ] {
        let cell = cell(Profile::Instant, engine, beside);
        rows.push((cell, in_turns(lab, cell)?));
    }
    add_rows(report, &rows);
    Ok(())
}

/// All cells and both sides at the same time.
fn side_by_side(lab: &Lab, cells: &[Cell]) -> Result<Vec<Sides>> {
    let time = lab.sizes.heartbeats;
    thread::scope(|scope| {
        let runs: Vec<_> = cells
            .iter()
            .map(|&cell| configs(lab).map(|config| scope.spawn(move || cell.measure(&config, time))))
            .collect();
        let join = |run: thread::ScopedJoinHandle<'_, Result<Measured>>| {
            run.join().unwrap_or_else(|_| Err(anyhow!("the measurement panicked")))
        };
        let done = runs.into_iter().map(|[with, without]| Ok([join(with)?, join(without)?]));
        done.collect()
    })
}

/// One side after the other, in rounds.
fn in_turns(lab: &Lab, cell: Cell) -> Result<Sides> {
    // Starting takes longer than measuring: few rounds.
    let rounds = u32::try_from(lab.sizes.rounds.div_ceil(5)).unwrap_or(1);
    let mut sides = Sides::default();
    for _ in 0..rounds {
        for (side, config) in sides.iter_mut().zip(configs(lab)) {
            let measured = cell.measure(&config, lab.sizes.heartbeats / 6 / rounds)?;
            side.kept.extend(measured.kept);
            side.new.extend(measured.new);
        }
    }
    Ok(sides)
}

fn configs(lab: &Lab) -> [String; 2] {
    [lab.config.clone(), NO_PRIORITY.to_owned()]
}

impl Cell {
    /// Heartbeats for this long, on the kept connection and on a new one in turns.
    fn measure(self, config: &str, time: Duration) -> Result<Measured> {
        let on_link = matches!(self.beside, Beside::NothingOnLink | Beside::Streams);
        let link_rate = if on_link { LINK_RATE } else { 0 };
        let firmware = Firmware { profile: self.profile, engine: self.engine, link_rate };
        // With instant firmware there is time for more than an agent sends.
        let config = match self.profile {
            Profile::Instant => with_any_pace(config),
            Profile::Realistic => config.to_owned(),
        };
        let rig = Rig::start(firmware, &config)?;
        let mut agent = Agent::start(rig.address, 0, NEVER)?;
        let traffic = Traffic::start(rig.address, self.beside.clients())?;
        pause(self.warm_up());
        let mut measured = self.beats(&mut agent, time);
        let tally = traffic.tally();
        measured.kept.refused_beside = tally.failed;
        measured.kept.reason = measured.kept.reason.or(tally.reason);
        Ok(measured)
    }

    fn beats(self, agent: &mut Agent, time: Duration) -> Measured {
        let mut measured = Measured::default();
        let end = Instant::now() + time;
        for turn in 0_u32.. {
            if Instant::now() >= end {
                break;
            }
            let (path, samples) = match turn % 2 {
                0 => (Path::Kept, &mut measured.kept),
                _ => (Path::New, &mut measured.new),
            };
            match agent.beat(path) {
                Ok(time) => samples.times.push(time.as_secs_f64() * 1e3),
                Err(error) => samples.fail(format!("{error:#}")),
            }
            pause(self.pause(turn));
        }
        measured
    }

    /// From the answer of a heartbeat to the next one. Heartbeats must meet what goes on beside them at any point of it: the pauses
    /// are spread over whole turns of firmware, as evenly as can be, by multiples of the golden ratio modulo 1. Their least is what
    /// the pace of one user allows.
    fn pause(self, turn: u32) -> Duration {
        let (least, spread) = match (self.engine, self.profile) {
            // The turn of a stuck engine is a response of 1 MB.
            (Engine::Stuck, _) => (60, 1000 * MEGABYTE / LINK_RATE),
            (Engine::Independent, Profile::Realistic) => (60, 140),
            (Engine::Independent, Profile::Instant) => (2, 4),
        };
        let share = (f64::from(turn) * 0.618_034).fract();
        Duration::from_millis(least) + Duration::from_millis(spread as u64).mul_f64(share)
    }

    fn warm_up(self) -> Duration {
        match self.profile {
            Profile::Realistic => Duration::from_secs(1),
            Profile::Instant => Duration::from_millis(200),
        }
    }
}

/// The configuration with [`ANY_PACE`] in its section, which it has at most once.
fn with_any_pace(config: &str) -> String {
    match config.contains("[queue]\n") {
        true => config.replace("[queue]\n", ANY_PACE),
        false => format!("{config}{ANY_PACE}"),
    }
}

impl Beside {
    fn clients(self) -> &'static [(usize, Work)] {
        match self {
            Self::Nothing | Self::NothingOnLink => &[],
            Self::Busy => &[(7, Work::Get)],
            Self::NewConnections => &[(64, Work::GetOnNew)],
            Self::Streams => &[(8, Work::Stream)],
        }
    }

    fn names(self) -> [&'static str; 2] {
        match self {
            Self::Nothing => ["idle", "idle"],
            Self::NothingOnLink => ["idle-link", "idle, 2 MB/s link"],
            Self::Busy => ["busy", "7 busy"],
            Self::NewConnections => ["new-connections", "64 new"],
            Self::Streams => ["streams", "8 streams"],
        }
    }
}

fn add_rows(report: &mut Report, rows: &[(Cell, Sides)]) {
    for (cell, sides) in rows {
        for path in [Path::Kept, Path::New] {
            let pick = |measured: &Measured| match path {
                Path::Kept => measured.kept.clone(),
                Path::New => measured.new.clone(),
            };
            let idle = |side: usize| {
                let found = rows.iter().find(|(cell, _)| {
                    cell.profile == Profile::Instant && cell.beside == Beside::NothingOnLink
                });
                found.map(|(_, sides)| pick(&sides[side]).percentile(0.99))
            };
            let base = match cell.profile {
                Profile::Realistic => [Some(SERVICE.as_secs_f64() * 1e3); 2],
                Profile::Instant => [idle(0), idle(1)],
            };
            report.latencies.push(cell.row(path, [pick(&sides[0]), pick(&sides[1])], base));
        }
    }
}

impl Cell {
    fn row(self, path: Path, samples: [Samples; 2], base: [Option<f64>; 2]) -> Latency {
        let (profile, profile_title) = match self.profile {
            Profile::Realistic => ("realistic", "70 ms"),
            Profile::Instant => ("instant", "0 ms"),
        };
        let (engine, engine_title) = match self.engine {
            Engine::Independent => ("independent", ""),
            Engine::Stuck => ("stuck", ", stuck"),
        };
        let (path_id, path_title) = match path {
            Path::Kept => ("kept", "kept"),
            Path::New => ("new", "new"),
        };
        let [beside, beside_title] = self.beside.names();
        let service = SERVICE.as_secs_f64() * 1e3;
        let crowd = matches!(self.beside, Beside::Busy | Beside::NewConnections);
        let (p50, p99, ratio) = match self.profile {
            Profile::Realistic if crowd => (
                (self.beside == Beside::Busy).then_some(Bound::AtMost(1.6 * service)),
                Some(Bound::AtMost(2.0 * service + 10.0)),
                None,
            ),
            Profile::Instant if self.beside == Beside::Streams => (None, None, Some(Bound::AtMost(3.0))),
            _ => (None, None, None),
        };
        Latency {
            id: format!("heartbeat.{profile}.{engine}.{beside}.{path_id}"),
            title: format!("{profile_title}{engine_title}, {beside_title}: {path_title}"),
            sides: samples,
            base,
            p50,
            p99,
            ratio,
        }
    }
}
