//! The command line, and with it the description of what is measured.

use std::ffi::OsString;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};

use crate::measure::{Group, NO_PRIORITY};
use crate::sizes::{MEGABYTE, Sizes};

/// Measure a forwarder of AMT ports beside a direct link and a null relay
#[derive(Debug, Parser)]
#[command(version, after_long_help = METHOD, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    /// Measure the forwarder on this port instead of a daemon of our own
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    pub(crate) attach: Option<SocketAddr>,
    /// Process of the attached forwarder, for its memory, threads and CPU time
    #[arg(long, requires = "attach")]
    pub(crate) pid: Option<u32>,
    /// Measure less, in about four minutes: enough to see that everything works
    #[arg(long)]
    pub(crate) quick: bool,
    /// Measure only these groups
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    pub(crate) only: Vec<Group>,
    /// Make this many rounds
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) rounds: Option<u16>,
    /// Let the slow reader take this many megabytes
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) slow_megabytes: Option<u16>,
    /// Give each simulator this argument too; may be repeated
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) sim_arg: Vec<OsString>,
    /// Run the groups missed and soak for so long each, 0 for not at all [default: 0, with --quick 10 s and 2 min]
    #[arg(long, value_name = "MINUTES")]
    pub(crate) soak: Option<u16>,
    /// Force all classes to one in the measured daemon too; the heartbeat rows then compare like with like
    #[arg(long, conflicts_with = "attach")]
    pub(crate) no_priority: bool,
    /// Give the measured daemon the lines of this file as its configuration
    #[arg(long, value_name = "FILE", conflicts_with_all = ["attach", "no_priority"])]
    pub(crate) daemon_config: Option<PathBuf>,
    /// Write the figures of every round to this file as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,
    /// Write bar plots to this directory as SVG
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) svg: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the null relay alone: print "ready ADDRESS" and serve one client after another
    NullRelay {
        /// Virtual MEI device to use
        device: PathBuf,
    },
}

impl Cli {
    /// How much is measured.
    pub(crate) fn sizes(&self) -> Sizes {
        let preset = if self.quick { Sizes::QUICK } else { Sizes::FULL };
        let long = |preset| self.soak.map_or(preset, |minutes| Duration::from_secs(60 * u64::from(minutes)));
        Sizes {
            rounds: self.rounds.map_or(preset.rounds, usize::from),
            slow: self.slow_megabytes.map_or(preset.slow, |megabytes| usize::from(megabytes) * MEGABYTE),
            missed: long(preset.missed),
            soak: long(preset.soak),
            ..preset
        }
    }

    /// Lines of configuration for the daemon that is measured.
    pub(crate) fn daemon_config(&self) -> Result<String> {
        match &self.daemon_config {
            Some(path) => std::fs::read_to_string(path).with_context(|| path.display().to_string()),
            None if self.no_priority => Ok(NO_PRIORITY.to_owned()),
            None => Ok(String::new()),
        }
    }

    /// The groups to measure, in their order.
    pub(crate) fn groups(&self) -> Vec<Group> {
        let wanted = |group: &Group| self.only.is_empty() || self.only.contains(group);
        Group::all().iter().copied().filter(wanted).collect()
    }
}

fn address(text: &str) -> std::result::Result<SocketAddr, String> {
    let mut addresses = text.to_socket_addrs().map_err(|error| format!("{error}; expected HOST:PORT"))?;
    addresses.next().ok_or_else(|| "no address".to_owned())
}

const METHOD: &str = "\
What is measured

  Three contenders do the same exchanges with firmware simulators of the same
  kind, one each (LME takes one connection at a time):

  subject      amtd, or the forwarder given with --attach, over TCP
  null relay   the least any forwarder must do: one thread, one client, one APF
               channel per accepted connection; bytes are pumped between a TCP
               socket and the device with poll(2). A process of its own. It
               announces the daemon's window and returns credit by its rule
  direct link  the exchange made on the virtual device by this program itself,
               with no forwarder and no TCP: the cost of device and firmware

  They are measured in turns, round after round, so that a disturbance of the
  machine hits all alike. A figure is the median of the rounds, except max and
  counts of failures, which are the worst of all rounds. The ratio is subject
  over null relay: the median of the ratios within each round. Where several
  connections stand beside one, the ratio is to the null relay's one.

  An attached forwarder brings its own simulator; start it with the options of
  those here (defaults, and --sim-arg), or the ratios mean nothing.

Groups

  kept       GET of 128 bytes without login, one after another on a connection,
             from before the request is sent until its answer is complete (a
             request that firmware refuses, 401, would end the connection)
  wsman      Get of AMT_GeneralSettings with digest (one nonce, rising count);
             the answer has more than 1 KB. Computing the digest is not counted
  new        connect, GET of 128 bytes, answer; closing is not counted. Then by
             8 clients side by side: the longest of all
  rate       GETs of 128 bytes by 1, 8 and 64 clients on kept connections
  download   16 MB of checked content in all, over 1, 8 and 32 connections; and
             the forwarder's CPU time per megabyte with one
  upload     the same the other way; firmware returns count and CRC-32
  slow       32 MB, read at 2 MB/s, checked; all contenders at the same time
  clients    1 to 1000 clients connect, then ask at once, twice, then close; a
             client fails on any error, wrong byte, or 60 s without an answer.
             Then 1000 that ask once, a quarter each for a heartbeat, Identify,
             Get and Enumerate, and the longest wait of each class until its
             answer is complete, beside the deadline that its queue has
  heartbeat  time of a heartbeat of an agent (AssertPresence with digest), on a
             kept connection and on one of its own in turns, beside: nothing; 7
             clients with a Get after the other on kept connections; 64 with a
             Get each on a new connection; 8 with 1 MB responses on a link of 2
             MB/s. Firmware takes 70 ms for a request, one at a time, or none;
             after a response that has not left it goes on, or is stuck. Each
             time with the daemon as it is, and without priority: all requests
             of one class, no slot reserved, 8 requests given to firmware at
             once. Where firmware takes no time, heartbeats are more frequent
             than agents send them, and any pace is allowed. Daemons and
             simulators of its own, without --sim-arg; not with --attach
  cost       throughput of 8 streams and of small requests on 8 connections with
             nothing urgent, over the same without priority; the share of bulk
             in all admitted requests (4 clients with Enumerate) beside 16 that
             send heartbeats, or Gets, without a pause
  missed     4 agents, a heartbeat each second, missing after 2 s; beside 7 and
             64 clients with Gets, 4 with Enumerate and 8 streams, all at once.
             Firmware's own count of expirations. Needs --soak or --quick
  soak       everything at once, realistic firmware with TLS: clients that keep
             their connection or do not, transfers both ways with their content
             checked, a slow reader, clients that vanish, TLS, agents, amtctl
             status, health and info, jobs; the link is reset once a minute.
             Within 5 s of a reset an exchange may be cut visibly; else none may
             fail, no byte may be wrong, no heartbeat missed. Memory, files,
             threads, clients and channels must be flat (the mean of the last
             third at most a tenth, and 2 MB, above that of the first for
             memory; a quarter, and 6, for the others), and nothing may be left
             at the end. For half an hour: --only soak --soak 30. Needs --soak
             or --quick
  control    CCM activation and deactivation as jobs: from before CreateJob on a
             connected gRPC channel until WatchJob says that the job has ended;
             no program is started. Beside it the same AMTHI commands and WSMAN
             requests, each on a connection of its own where the job has one,
             made on the virtual device by this program; where firmware takes a
             while to leave its mode, the simulator tells when it has. What
             either has asked is counted by firmware: a job that asks less is a
             failure. With firmware that takes time (70 ms, Setup 1 s, leaving 2
             s) and none. amtctl status from exec to exit, in turns with
             /bin/true. The health RPC (grpc.health.v1 Check) on the Unix
             socket, on a connected channel and with a connection each, beside
             nothing and beside 8 streams of 1 MB responses as fast as they go.
             Daemons and simulators of its own, without --sim-arg; not with
             --attach
  start      start of the process until READY=1 (null relay: its first line;
             direct link: connect and handshake), logs and files included
  footprint  resident memory, threads, and voluntary context switches of all
             threads per second, 5 s after everything else has ended

  MB is 10^6 bytes. Build with --release: a debug build measures the absence of
  the optimiser.

Exit status

  0  everything was measured and no content was wrong, whatever the times
  1  wrong content, failed clients, a soak that is not flat, or a measurement
     that could not be made";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn command_line_is_consistent_and_every_group_is_described() {
        Cli::command().debug_assert();
        for group in Group::all() {
            let name = clap::ValueEnum::to_possible_value(group).unwrap();
            assert!(METHOD.contains(&format!("\n  {} ", name.get_name())), "{group:?}");
        }
        assert!(METHOD.lines().all(|line| line.chars().count() <= 80));
    }
}
