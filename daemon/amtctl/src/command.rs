//! One file for each command: what it takes, what it asks of the daemon, and the document that it shows.

pub(crate) mod activate;
pub(crate) mod channels;
pub(crate) mod completion;
pub(crate) mod config;
pub(crate) mod configure;
pub(crate) mod deactivate;
mod doctor;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod info;
pub(crate) mod jobs;
mod metrics;
mod program;
mod status;
mod version;
pub(crate) mod wsman;

#[cfg(test)]
pub(crate) mod schema;

use std::process::ExitCode;

use crate::{cli::Command, failure::Failure, session::Session};

/// Carries out a command.
pub(crate) async fn run(command: Command, session: &mut Session) -> Result<ExitCode, Failure> {
    let exit = match command {
        Command::Status => status::run(session).await?,
        Command::Info(args) => info::run(args, session).await?,
        Command::Health(args) => health::run(args, session).await?,
        Command::Doctor => doctor::run(session).await?,
        Command::Activate(args) => activate::run(args, session).await?,
        Command::Deactivate(args) => deactivate::run(args, session).await?,
        Command::Configure(args) => configure::run(args, session).await?,
        Command::Jobs(args) => jobs::run(args, session).await?,
        Command::Events(args) => events::run(args, session).await?,
        Command::Channels(args) => channels::run(args, session).await?,
        Command::Wsman(args) => wsman::run(args, session).await?,
        Command::Metrics => metrics::run(session).await?,
        // The daemon's program has exit codes of its own.
        Command::Config(args) => return config::run(args, session).await,
        Command::Version => version::run(session).await?,
        Command::Completion(args) => completion::run(args, session)?,
    };
    Ok(exit.into())
}
