//! Round trips: the time from the first byte of a request, or of the connection, to the last byte of its answer.

use std::time::{Duration, Instant};

use amtd_harness::http::{Credentials, Login};
use amtd_harness::{sim, wsman};
use anyhow::{Context, Result, ensure};

use crate::content::Check;
use crate::lab::{Contender, Lab, Stream, rounds};
use crate::load::{self, SMALL, download_request};
use crate::report::{Bound, Report, Row, Target, Unit};
use crate::statistics::{maximum, median, percentile};

/// Exchanges on each connection before the ones that count.
const WARM_UP: usize = 20;
/// The class of the WSMAN row: its answer has more than [`LARGE`] bytes.
const CLASS: &str = "AMT_GeneralSettings";
const LARGE: usize = 1024;

type Connection<'a> = amtd_harness::http::Connection<Box<dyn Stream + 'a>>;

/// A small request on a kept connection.
pub(super) fn kept(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let exchanges = lab.sizes.kept;
    let figures = samples(lab, |lab, contender| {
        let mut connection = lab.connect(contender)?;
        (0..WARM_UP).try_for_each(|_| small(&mut connection).map(drop))?;
        (0..exchanges).map(|_| small(&mut connection)).collect()
    })?;
    report.rows.extend(rows(
        "kept",
        "small request, kept connection",
        figures,
        Target::Ratio(Bound::AtMost(1.2)),
    ));
    Ok(())
}

/// A WSMAN Get on a kept connection, with digest: one nonce, its count rising. Making the request is not in the time.
pub(super) fn wsman(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let exchanges = lab.sizes.kept / 2;
    let figures = samples(lab, |lab, contender| {
        let mut login = log_in(&mut lab.connect(contender)?)?;
        let mut connection = lab.connect(contender)?;
        (0..WARM_UP).try_for_each(|_| get(&mut connection, &mut login).map(drop))?;
        (0..exchanges).map(|_| get(&mut connection, &mut login)).collect()
    })?;
    report.rows.extend(rows(
        "wsman",
        "WSMAN Get, kept connection",
        figures,
        Target::Ratio(Bound::AtMost(1.2)),
    ));
    Ok(())
}

/// A small request on a connection of its own; then the same by eight clients side by side, where the worst counts.
pub(super) fn new(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let exchanges = lab.sizes.new;
    let figures = samples(lab, |lab, contender| {
        (0..exchanges)
            .map(|_| {
                let start = Instant::now();
                let mut connection = lab.connect(contender)?;
                small(&mut connection)?;
                Ok(start.elapsed())
            })
            .collect()
    })?;
    report.rows.extend(rows(
        "new",
        "small request, new connection",
        figures,
        Target::Ratio(Bound::AtMost(1.3)),
    ));
    let mut worst = Vec::new();
    for _ in 0..lab.sizes.rounds {
        let times = lab.runtime.block_on(load::new_connections(lab.subject.address(), 8, exchanges))?;
        worst.push(maximum(&milliseconds(&times)));
    }
    let row = Row::new("new.max-of-8", "  the same, 8 side by side, max", Unit::Milliseconds).worst();
    report.rows.push(row.target(Target::Figure(Bound::AtMost(20.0))).rounds([worst, Vec::new(), Vec::new()]));
    Ok(())
}

/// The samples of each round of each contender, in microseconds, folded to p50, p99 and maximum: by figure, then contender.
fn samples(
    lab: &mut Lab,
    mut measure: impl FnMut(&mut Lab, Contender) -> Result<Vec<Duration>>,
) -> Result<[[Vec<f64>; 3]; 3]> {
    let (mut p99, mut worst) = ([const { Vec::new() }; 3], [const { Vec::new() }; 3]);
    let p50 = rounds(lab.sizes.rounds, |contender| {
        let times = measure(lab, contender).with_context(|| format!("{contender:?}"))?;
        let times: Vec<f64> = times.iter().map(|time| time.as_secs_f64() * 1e6).collect();
        p99[contender as usize].push(percentile(&times, 0.99));
        worst[contender as usize].push(maximum(&times));
        Ok(Some(median(&times)))
    })?;
    Ok([p50, p99, worst])
}

fn rows(id: &str, title: &str, [p50, p99, worst]: [[Vec<f64>; 3]; 3], target: Target) -> [Row; 3] {
    let row = |figure: &str, title: String| Row::new(format!("{id}.{figure}"), title, Unit::Microseconds);
    [
        row("p50", format!("{title}, p50")).target(target).rounds(p50),
        row("p99", "  p99".to_owned()).rounds(p99),
        row("max", "  max".to_owned()).worst().rounds(worst),
    ]
}

/// One small exchange, with its answer checked.
fn small(connection: &mut Connection<'_>) -> Result<Duration> {
    let request = download_request(SMALL);
    let mut check = Check::default();
    let start = Instant::now();
    connection.send(&request)?;
    let head = connection.receive_into(|piece| check.take(piece))?;
    let time = start.elapsed();
    ensure!(
        head.status() == 200 && check.position() == SMALL as u64,
        "answer {} to a small request",
        head.status()
    );
    Ok(time)
}

/// Gets a challenge, as a client without one does.
fn log_in(connection: &mut Connection<'_>) -> Result<Login> {
    let credentials = Credentials { user: sim::USER.to_owned(), password: sim::PASSWORD.to_owned() };
    let mut login = Login::new(credentials);
    let answer = connection.exchange(&wsman::post(&wsman::get(CLASS), &[]))?;
    login.challenged(answer.head())?;
    Ok(login)
}

/// One Get, with its answer checked.
fn get(connection: &mut Connection<'_>, login: &mut Login) -> Result<Duration> {
    let authorization = login.authorize(wsman::PATH)?.unwrap_or_default();
    let request = wsman::post(&wsman::get(CLASS), &[&authorization]);
    let start = Instant::now();
    let answer = connection.exchange(&request)?;
    let time = start.elapsed();
    let whole = answer.text().trim_end().ends_with("Envelope>") && answer.body().len() > LARGE;
    ensure!(
        answer.status() == 200 && whole,
        "answer {} of {} bytes to a Get",
        answer.status(),
        answer.body().len()
    );
    Ok(time)
}

fn milliseconds(times: &[Duration]) -> Vec<f64> {
    times.iter().map(|time| time.as_secs_f64() * 1e3).collect()
}
