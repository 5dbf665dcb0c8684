//! `amtctl config`: the configuration of the daemon.
//!
//! What is in force is asked of the daemon that runs. Checking a file and showing the defaults is done by the program
//! `amtd` itself: it works while no daemon runs, and it is the version that will read the file.

use std::{
    env,
    path::{Path, PathBuf},
    process::{ExitCode, Output},
};

use amtd_proto::v1::GetConfigRequest;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::program;
use crate::{
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page},
    session::Session,
};

/// The daemon's exit code for a configuration that cannot be used, should it not say one.
const BAD_CONFIG: u8 = 78;

/// What `config` takes.
#[derive(Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show the configuration that the running amtd uses
    Show,
    /// Check a configuration file with the installed amtd, which need not be running
    Check {
        /// Check this file [default: /etc/amtd/amtd.toml, or the defaults if there is none]
        file: Option<PathBuf>,
    },
    /// Show every key with its meaning and default
    Defaults,
}

/// Shows or checks.
pub(super) async fn run(args: ConfigArgs, session: &Session) -> Result<ExitCode, Failure> {
    match args.action {
        Action::Show => show(session).await.map(ExitCode::from),
        Action::Check { file } => check(file, session).await,
        Action::Defaults => defaults(session).await,
    }
}

async fn show(session: &Session) -> Result<Exit, Failure> {
    let client = session.connect().await?;
    let request = client.request(GetConfigRequest {});
    let answer = client.call(client.diagnostics().get_config(request)).await?;
    let output = session.output();
    if output.is_json() {
        output.show(&ConfigDocument {
            path: Some(answer.path).filter(|path| !path.is_empty()),
            toml: answer.toml,
        })?;
    } else {
        output.say(&match answer.path.as_str() {
            "" => "amtd runs with the defaults".into(),
            path => format!("amtd runs with {path}"),
        });
        output.show_raw(&answer.toml)?;
    }
    Ok(Exit::Good)
}

async fn check(file: Option<PathBuf>, session: &Session) -> Result<ExitCode, Failure> {
    let file = file.map(|file| file.display().to_string());
    let mut arguments = vec!["--check-config"];
    if let Some(file) = &file {
        arguments.extend(["--config", file]);
    }
    let said = amtd(&arguments).await?;
    let valid = said.status.success();
    let message = if valid { &said.stdout } else { &said.stderr };
    let message = String::from_utf8_lossy(message).trim().to_owned();
    session.output().show(&ConfigCheckDocument { file, valid, message })?;
    Ok(code_of(&said))
}

async fn defaults(session: &Session) -> Result<ExitCode, Failure> {
    let said = amtd(&["--print-default-config"]).await?;
    let toml = String::from_utf8_lossy(&said.stdout).into_owned();
    let output = session.output();
    if output.is_json() {
        output.show(&ConfigDocument { path: None, toml })?;
    } else {
        output.show_raw(&toml)?;
    }
    Ok(code_of(&said))
}

/// Runs the daemon's program for what it answers at once.
async fn amtd(arguments: &[&str]) -> Result<Output, Failure> {
    let program = beside_own().unwrap_or_else(|| "amtd".into());
    program::run(&program, arguments)
        .await
        .map_err(|source| Failure::Program { program: program.display().to_string(), source })
}

/// The program that was installed, or built, together with this one.
fn beside_own() -> Option<PathBuf> {
    let own = env::current_exe().ok()?;
    ["amtd", "../sbin/amtd"]
        .map(|name| own.parent().unwrap_or(Path::new("/")).join(name))
        .into_iter()
        .find(|path| path.is_file())
}

fn code_of(said: &Output) -> ExitCode {
    let code = said.status.code().and_then(|code| u8::try_from(code).ok());
    code.unwrap_or(BAD_CONFIG).into()
}

/// A configuration.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConfigDocument {
    /// Where it was read from; absent: these are defaults.
    path: Option<String>,
    toml: String,
}

impl Document for ConfigDocument {
    const KIND: &'static str = "config";

    fn render(&self, page: &mut Page) {
        page.line(&self.toml);
    }
}

/// Whether a configuration can be used.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ConfigCheckDocument {
    /// Absent: that at the default place, or the defaults.
    file: Option<String>,
    valid: bool,
    /// What amtd says about it.
    message: String,
}

impl Document for ConfigCheckDocument {
    const KIND: &'static str = "config-check";

    fn render(&self, page: &mut Page) {
        page.line(&self.message);
    }
}
