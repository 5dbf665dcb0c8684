//! Everything at once, for as long as one likes: nothing may be lost, missed or left behind, and nothing may grow.
//!
//! One daemon in front of realistic firmware, clients of every kind, and a reset of the link now and then. A client may see an
//! exchange fail only while the link comes back; wrong content is never excused.

mod clients;
mod tally;
mod tls;
mod watch;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use amtd_harness::{Daemon, PATIENCE, Sim, SimOptions};
use anyhow::{Result, anyhow, bail};
use serde_json::json;

use self::tally::Tally;
use self::watch::{Sample, Watch};
use crate::lab::{Lab, Subject, pause, pause_until, start_daemon};
use crate::link::PORT;
use crate::report::{Bound, Report, Row, Target, Unit};

const TLS_PORT: u16 = 16_993;
/// Firmware as it is: 70 ms for a WSMAN request, one at a time, and 2 MB/s.
const FIRMWARE: [&str; 8] =
    ["--profile", "realistic", "--link-rate", "2000000", "--tls", "also", "--state", "acm"];
/// Longest time between two resets of the link; a short soak has one in each quarter.
const RESET_EVERY: Duration = Duration::from_secs(60);
/// How often it is looked at whether something is left.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Reasons that are shown of many failures.
const REASONS: usize = 10;

/// What runs. The daemon goes before its simulator.
struct Field {
    daemon: Daemon,
    web: SocketAddr,
    tls: SocketAddr,
    sim: Sim,
    tally: Tally,
    /// It is time to end.
    over: AtomicBool,
}

/// Runs it, and adds what came of it.
pub(super) fn soak(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let time = lab.sizes.soak;
    if time.is_zero() || matches!(lab.subject, Subject::Attached { .. }) {
        return Ok(());
    }
    let field = Field::start(&lab.config)?;
    let before = field.at_rest(None)?;
    let watch = field.run(time)?;
    let rest = field.at_rest(Some(&before));
    add_rows(report, &field, &watch);
    rest.map(drop)
}

impl Field {
    fn start(config: &str) -> Result<Self> {
        let sim = Sim::start_with(SimOptions { arguments: FIRMWARE.map(Into::into).into() })?;
        let daemon = start_daemon(&sim.device(), config)?;
        let (web, tls) = (daemon.address(PORT)?, daemon.address(TLS_PORT)?);
        Ok(Self { daemon, web, tls, sim, tally: Tally::default(), over: AtomicBool::new(false) })
    }

    /// Everybody at work, for this long. Returns what was seen of the daemon meanwhile.
    fn run(&self, time: Duration) -> Result<Watch> {
        let end = Instant::now() + time;
        thread::scope(|scope| {
            let clients = clients::start(scope, self);
            scope.spawn(|| self.reset_now_and_then(end, RESET_EVERY.min(time / 4)));
            let watch = Watch::until(self, end);
            self.over.store(true, Ordering::Relaxed);
            for client in clients {
                client.join().map_err(|_| anyhow!("a client panicked"))?;
            }
            watch
        })
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn reset_now_and_then(&self, end: Instant, period: Duration) {
        let mut next = Instant::now() + period;
        while next + tally::RECOVERY < end && !self.is_over() {
            pause_until(next);
            self.tally.reset_begins();
            if let Err(error) = self.sim.control(&json!({"do": "link-reset"})) {
                self.tally.defect(format!("resetting the link: {error:#}"));
            }
            next += period;
        }
    }

    /// Waits until the daemon has no clients, and no file more than `before`.
    fn at_rest(&self, before: Option<&Sample>) -> Result<Sample> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = Sample::of(self)?;
            let clean = now.connections == 0.0 && now.slots == 0.0;
            if clean && before.is_none_or(|before| now.descriptors <= before.descriptors) {
                return Ok(now);
            }
            if Instant::now() >= deadline {
                bail!("something of the clients is left: {now:?} instead of {before:?}");
            }
            pause(LOOK_AGAIN);
        }
    }
}

fn add_rows(report: &mut Report, field: &Field, watch: &Watch) {
    let counts = field.tally.counts();
    let mut row = |id: &str, title: &str, unit, figure: f64, bound: Option<Bound>| {
        let row = Row::new(format!("soak.{id}"), title, unit).rounds([vec![figure], vec![], vec![]]);
        report.rows.push(match bound {
            Some(bound) => row.target(Target::Figure(bound)),
            None => row,
        });
    };
    let none = Some(Bound::AtMost(0.0));
    for (work, done) in &counts.done {
        row(&format!("done.{work}"), &format!("soak, {work}: done"), Unit::Count, *done as f64, None);
    }
    row("resets", "  resets of the link", Unit::Count, counts.resets as f64, None);
    row("excused", "  cut or refused by a reset", Unit::Count, counts.excused as f64, None);
    row("failed", "  failed at other times", Unit::Count, counts.failed as f64, none);
    row("wrong", "  wrong or lost content", Unit::Count, counts.wrong as f64, none);
    row("missed", "  heartbeats missed", Unit::Count, watch.missed as f64, none);
    for flat in watch.flatness() {
        let title = format!("  {}, last third", flat.name);
        row(flat.id, &title, flat.unit, flat.last, Some(Bound::AtMost(flat.bound)));
        if flat.last > flat.bound {
            let (name, first, last) = (flat.name, flat.first, flat.last);
            report.failures.push(format!("soak: {name} grew from {first:.1} to {last:.1}"));
        }
    }
    let bad = counts.failed + counts.wrong + watch.missed;
    if bad > 0 {
        let reasons = counts.reasons.iter().take(REASONS).map(|reason| format!("\n  {reason}"));
        report.failures.push(format!("soak: {bad} exchanges or heartbeats{}", reasons.collect::<String>()));
    }
}
