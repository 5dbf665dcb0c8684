//! `amtctl completion`: the completion script of a shell, from the model of the command line.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Generator, Shell};

use crate::{cli::Cli, exit::Exit, failure::Failure, session::Session};

/// What `completion` takes.
#[derive(Args)]
pub(crate) struct CompletionArgs {
    /// Print the script for this shell
    #[arg(value_enum)]
    shell: For,
}

/// The shells that have packages to put the script into.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum For {
    /// Goes to /usr/share/bash-completion/completions/amtctl
    Bash,
    /// Goes to /usr/share/zsh/vendor-completions/_amtctl
    Zsh,
    /// Goes to /usr/share/fish/vendor_completions.d/amtctl.fish
    Fish,
}

/// Prints the script.
pub(super) fn run(args: CompletionArgs, session: &Session) -> Result<Exit, Failure> {
    session.output().show_raw(&script(args.shell))?;
    Ok(Exit::Good)
}

/// The script.
pub(crate) fn script(shell: For) -> String {
    let generator = match shell {
        For::Bash => Shell::Bash,
        For::Zsh => Shell::Zsh,
        For::Fish => Shell::Fish,
    };
    let mut command = Cli::command();
    command.set_bin_name("amtctl");
    command.build();
    let mut script = Vec::new();
    generator.generate(&command, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
