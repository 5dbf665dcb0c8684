//! `cargo demo`: shows the daemon at work against simulated firmware, in a temporary directory, as an ordinary user, with
//! nothing installed. Exits 0 when everything that it shows has worked.

#![forbid(unsafe_code)]

mod screen;
mod show;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::screen::Screen;
use crate::show::Show;

/// Show amtd at work against simulated AMT firmware
#[derive(Debug, Parser)]
#[command(name = "cargo demo")]
struct Cli {
    /// Leave everything running until Ctrl-C
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(Ending::Shown) => ExitCode::SUCCESS,
        Ok(Ending::Interrupted) => {
            eprintln!("\nInterrupted.");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

enum Ending {
    Shown,
    Interrupted,
}

fn run(cli: &Cli) -> Result<Ending> {
    let interrupts = Interrupts::new()?;
    let screen = Screen::new();
    match Show::run(&screen) {
        Ok(show) if cli.keep => {
            show.how_to_use(&screen, "Try it yourself")?;
            screen.line("\nRunning until Ctrl-C.");
            interrupts.wait()?;
            screen.line("\nStopped; the temporary directories are gone.");
            Ok(Ending::Shown)
        }
        Ok(show) => {
            show.how_to_use(
                &screen,
                "To try it yourself, `cargo demo --keep` leaves all of it running. Then, as here:",
            )?;
            Ok(Ending::Shown)
        }
        // Ctrl-C reaches the children too, and the step that needed them fails.
        Err(_) if interrupts.came()? => Ok(Ending::Interrupted),
        Err(error) => Err(error),
    }
}

/// SIGINT and SIGTERM, kept back so that the children are stopped and the directories removed before the demo ends.
struct Interrupts(SignalFd);

impl Interrupts {
    fn new() -> Result<Self> {
        let signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM]);
        signals.thread_block()?;
        Ok(Self(SignalFd::with_flags(&signals, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    fn came(&self) -> Result<bool> {
        Ok(self.0.read_signal()?.is_some())
    }

    /// Waits as long as it takes: that is what it is for.
    fn wait(&self) -> Result<()> {
        use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
        use std::os::fd::AsFd;
        while !self.came()? {
            poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE)?;
        }
        Ok(())
    }
}
