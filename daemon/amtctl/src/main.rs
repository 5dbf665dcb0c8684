//! `amtctl`: queries and controls `amtd`.
//!
//! The life of the program: parse, carry out one command, end with a documented exit code. Everything that is known
//! about the daemon comes over its gRPC API; only `doctor` looks at the machine itself.

#![forbid(unsafe_code)]

mod cli;
mod client;
mod command;
mod exit;
mod failure;
mod global;
mod job;
mod output;
#[cfg(test)]
mod pages;
mod secret;
mod session;
mod user;

use std::{env, io::ErrorKind, process::ExitCode};

use clap::Parser;
use tokio::runtime;

use crate::{cli::Cli, exit::Exit, failure::Failure, output::Output, session::Session};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return answered(&answer).into(),
    };
    let output = Output::new(cli.global.json, cli.global.no_color);
    match run(cli, output) {
        Ok(code) => code,
        Err(failure) => {
            output.fail(&failure);
            failure.exit().into()
        }
    }
}

/// The command line is wrong, or asks for help. What was meant by a wrong one is not known, except that whoever wrote `--json`
/// wants to read that.
fn answered(answer: &clap::Error) -> Exit {
    let printed = answer.print();
    if answer.use_stderr() {
        let is_json = env::args_os().any(|argument| argument == "--json" || argument == "-j");
        Output::new(is_json, true).report(&Failure::misread(answer));
        return Exit::Usage;
    }
    match printed {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Exit::Output,
        _ => Exit::Good,
    }
}

fn run(cli: Cli, output: Output) -> Result<ExitCode, Failure> {
    cli.refused.check()?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::System)?;
    let mut session = Session::new(cli.global, output);
    let outcome = runtime.block_on(command::run(cli.command, &mut session));
    // Whatever still waits, such as a read from a terminal, is abandoned.
    runtime.shutdown_background();
    outcome
}
