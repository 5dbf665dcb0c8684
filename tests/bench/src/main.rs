//! `amt-bench`: measures a forwarder of AMT ports beside a direct link and a null relay. `amt-bench --help` says what is measured
//! and how; this file is the order of work.

#![forbid(unsafe_code)]

mod cli;
mod content;
mod direct;
mod grpc;
mod lab;
mod link;
mod load;
mod measure;
mod null_relay;
mod report;
mod sizes;
mod statistics;
mod wsman;

use std::fs;
use std::io::{IsTerminal, stderr};
use std::process::ExitCode;
use std::thread;

use amtd_harness::SimOptions;
use anyhow::{Context, Result};
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::cli::{Cli, Command};
use crate::lab::Lab;
use crate::report::Report;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("amt-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<ExitCode> {
    if let Some(Command::NullRelay { device }) = &cli.command {
        null_relay::run(device)?;
        return Ok(ExitCode::SUCCESS);
    }
    println!("{}", conditions(cli));
    let report = measure(cli)?;
    print!("{}", report::table(&report));
    if let Some(path) = &cli.json {
        fs::write(path, format!("{:#}\n", report::json(&report)))
            .with_context(|| path.display().to_string())?;
    }
    if let Some(directory) = &cli.svg {
        fs::create_dir_all(directory).with_context(|| directory.display().to_string())?;
        for (name, svg) in report::plots(&report) {
            let path = directory.join(name);
            fs::write(&path, svg).with_context(|| path.display().to_string())?;
        }
    }
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn measure(cli: &Cli) -> Result<Report> {
    progress("building and starting");
    let sim_options = SimOptions { arguments: cli.sim_arg.clone() };
    let attached = cli.attach.map(|address| (address, cli.pid));
    let mut lab = Lab::start(attached, sim_options, cli.daemon_config()?, cli.sizes())?;
    // After the others were started: they get what the system gives them.
    raise_descriptor_limit()?;
    let mut report = Report { subject: lab.subject.name(), ..Report::default() };
    for group in cli.groups() {
        let name = format!("{group:?}").to_lowercase();
        progress(&name);
        if let Err(error) = group.measure(&mut lab, &mut report) {
            report.failures.push(format!("{name}: {error:#}"));
        }
    }
    progress("");
    Ok(report)
}

/// A thousand clients need more descriptors than the usual soft limit of 1024.
fn raise_descriptor_limit() -> Result<()> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("raising the limit of open files")
}

/// What the figures depend on besides the program.
fn conditions(cli: &Cli) -> String {
    let processors = thread::available_parallelism().map_or(0, usize::from);
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (kernel, load) = (read("/proc/sys/kernel/osrelease"), read("/proc/loadavg"));
    let load = load.split(' ').next().unwrap_or_default();
    let build = if cfg!(debug_assertions) { "DEBUG BUILD: figures mean nothing" } else { "release build" };
    let rounds = cli.sizes().rounds;
    let kernel = kernel.trim();
    format!(
        "amt-bench: {rounds} rounds, {processors} processors, load {load} before, Linux {kernel}, {build}\n"
    )
}

/// One line on a terminal that the next one replaces; nothing elsewhere.
fn progress(what: &str) {
    if stderr().is_terminal() {
        eprint!("\r\x1b[K{what}");
    }
}
