//! The standard health RPC on the Unix socket, as a monitor asks it: beside nothing, and beside streams as fast as they go. The
//! streams have a thread of their own, so that none of their work is between a question and its answer.

use std::path::Path;
use std::time::{Duration, Instant};

use amtd_harness::Sim;
use anyhow::{Context, Result, ensure};
use tokio::time::timeout;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{Firmware, LIMIT, Times};
use crate::grpc;
use crate::lab::{Lab, pause, start_daemon};
use crate::link::PORT;
use crate::measure::heartbeat::{Traffic, Work};
use crate::report::{Bound, Report, Target};

const STREAMS: usize = 8;
/// Until every stream is in full flow.
const WARM_UP: Duration = Duration::from_millis(200);

/// Beside nothing and beside streams in turns, round after round.
pub(super) fn health(lab: &Lab, report: &mut Report) -> Result<()> {
    let sim = Sim::start_with(Firmware::Instant.options())?;
    let daemon = start_daemon(&sim.device(), &lab.config)?;
    let (address, socket) = (daemon.address(PORT)?, daemon.runtime_directory().join("amtd.sock"));
    let checks = lab.sizes.checks;
    let ask = |kept: &mut Times, new: &mut Times| {
        kept.round(&lab.runtime.block_on(on_kept(&socket, checks)).context("connected channel")?);
        new.round(&lab.runtime.block_on(on_new(&socket, checks / 2)).context("new connections")?);
        anyhow::Ok(())
    };
    let [mut idle, mut idle_new, mut busy, mut busy_new] = [(); 4].map(|()| Times::default());
    for _ in 0..lab.sizes.rounds {
        ask(&mut idle, &mut idle_new)?;
        let streams = Traffic::start(address, &[(STREAMS, Work::Stream)])?;
        pause(WARM_UP);
        ask(&mut busy, &mut busy_new).context("beside streams")?;
        let tally = streams.tally();
        ensure!(tally.failed == 0 && tally.done > 0, "streams beside health: {tally:?}");
    }
    report.rows.extend(idle.rows("health.idle.kept", "health RPC, connected channel"));
    report.rows.extend(idle_new.rows("health.idle.new", "health RPC, new connection"));
    for (times, path, title) in
        [(busy, "kept", "  connected, beside 8 streams"), (busy_new, "new", "  new, beside 8 streams")]
    {
        let [p50, p99, max] = times.rows(&format!("health.streams.{path}"), title);
        report.rows.extend([p50, p99.target(Target::Figure(Bound::AtMost(5.0))), max]);
    }
    Ok(())
}

/// One question after another on one connection.
async fn on_kept(socket: &Path, checks: usize) -> Result<Vec<Duration>> {
    let mut client = HealthClient::new(grpc::connect(socket).await?);
    let mut times = Vec::with_capacity(checks);
    for _ in 0..checks {
        let start = Instant::now();
        check(&mut client).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

/// Each question on a connection of its own; making it counts.
async fn on_new(socket: &Path, checks: usize) -> Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(checks);
    for _ in 0..checks {
        let start = Instant::now();
        let mut client = HealthClient::new(grpc::connect(socket).await?);
        check(&mut client).await?;
        times.push(start.elapsed());
    }
    Ok(times)
}

async fn check(client: &mut HealthClient<Channel>) -> Result<()> {
    let answer = timeout(LIMIT, client.check(HealthCheckRequest::default())).await.context("no answer")??;
    let status = answer.into_inner().status();
    ensure!(status == ServingStatus::Serving, "health is {status:?}");
    Ok(())
}
