//! The whole life of the daemon, on one screen.

#![forbid(unsafe_code)]

use std::{
    io::{self, ErrorKind, Write},
    process::ExitCode,
    time::Duration,
};

use amtd::{
    app::{Daemon, check_files},
    cli::{Cli, Directories, EXIT_USAGE},
    config::{self, Config},
    descriptors,
    failure::Failure,
    front,
    lock::InstanceLock,
    telemetry,
};
use clap::Parser;
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
};
use tracing::info;

/// How long the process waits at its end for threads that still close a device.
const LAST_THREADS: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // If it cannot be printed, the exit code must do.
            let _ = answer.print();
            return if answer.use_stderr() { EXIT_USAGE.into() } else { ExitCode::SUCCESS };
        }
    };
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The exit code says why even where nobody reads the sentence, which `eprintln` would answer with a panic.
            let _ = writeln!(io::stderr(), "amtd: {failure}");
            failure.code().into()
        }
    }
}

fn run(cli: &Cli) -> Result<(), Failure> {
    if cli.print_default_config {
        return say(&config::reference());
    }
    let mut config = cli.load_config()?;
    if cli.check_config {
        check_files(&config)?;
        return say("amtd: the configuration is valid\n");
    }
    if let Some(file) = &cli.explain_class {
        return say(&front::explain_class(file, &config)?);
    }
    telemetry::init(&config.log.filter)?;
    let directories = cli.directories(|variable| std::env::var_os(variable));
    directories.create()?;
    let others = config.control.max_connections + 2 * config.http.max_connections;
    config.front.max_connections = descriptors::make_room(config.front.max_connections, others);
    let _lock = InstanceLock::acquire(&directories.runtime)?;

    // One thread moves all data; a few others come and go for calls that block.
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let outcome = runtime.block_on(live(&config, &directories));
    runtime.shutdown_timeout(LAST_THREADS);
    outcome
}

/// Prints an answer. It is no failure if the reader has seen enough and closes, as `head` does.
fn say(answer: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(answer.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}

/// Runs the daemon, from opening its sockets to closing them.
async fn live(config: &Config, directories: &Directories) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    info!(version = env!("CARGO_PKG_VERSION"), pid = std::process::id(), "starting");
    let daemon = Daemon::start(config, directories).await?;
    tokio::select! {
        name = signals.next() => info!(signal = name, "stopping; a second signal stops at once"),
        ended = daemon.failed() => return Err(ended.into()),
    }
    tokio::select! {
        () = daemon.stop() => Ok(()),
        _ = signals.next() => Err(Failure::CutShort),
    }
}

/// The signals that stop the daemon, and one that must not end it.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// The terminal is gone: the daemon stops, because it has no configuration to reload.
    hangup: Signal,
    /// A file has reached the size that the system allows. The write fails as on a full disk. The signal would end the
    /// daemon if nothing handled it.
    _file_size: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(nix::sys::signal::Signal::SIGXFSZ as i32))?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.hangup.recv() => "SIGHUP",
        }
    }
}
