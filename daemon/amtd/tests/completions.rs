//! The shell completions of `amtd`: made from the model that reads its command line, kept under `packaging/completions`, and
//! compared.
//!
//! `AMTD_WRITE=1 cargo test -p amtd --test completions` writes them after a change.

use std::{fs, path::Path};

use amtd::cli::Cli;
use clap::CommandFactory;
use clap_complete::{Shell, generate};

#[test]
fn completions_that_are_older_than_the_command_line_are_noticed() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/completions");
    for (shell, name) in [(Shell::Bash, "amtd.bash"), (Shell::Zsh, "_amtd"), (Shell::Fish, "amtd.fish")] {
        let mut made = Vec::new();
        generate(shell, &mut Cli::command(), "amtd", &mut made);
        let file = directory.join(name);
        if std::env::var_os("AMTD_WRITE").is_some() {
            fs::write(&file, &made).unwrap();
        }
        let kept = fs::read(&file).unwrap_or_default();
        assert!(kept == made, "{name} is stale; to write it, set AMTD_WRITE=1 and run this test again");
    }
}
