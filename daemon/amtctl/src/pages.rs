//! Manual pages and completions: made from the model of the command line, checked in under `packaging`, and compared.
//!
//! `AMTCTL_WRITE=1 cargo test -p amtctl` writes them after a change.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::{
    cli::Cli,
    command::completion::{For, script},
    exit,
};

/// Compares a generated file with that which is checked in, or writes it if that is wanted.
pub(crate) fn compare(path: &str, made: &str) {
    let file = root().join(path);
    if is_write() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, made).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == made, "{path} is stale; to write it, set AMTCTL_WRITE=1 and run this test again");
}

fn is_write() -> bool {
    std::env::var_os("AMTCTL_WRITE").is_some()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The model, with the full names that each page begins with.
fn model() -> Command {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    command
}

/// The page of a command and of all below it: file name and text.
fn pages(command: &Command, name: &str) -> Vec<(String, String)> {
    let display = name.replace('-', " ");
    let page = command.clone().name(name.to_owned()).bin_name(display).display_name(name.to_owned());
    let mut text = Vec::new();
    Man::new(page)
        .manual("AMT")
        .source(format!("amtctl {}", env!("CARGO_PKG_VERSION")))
        .render(&mut text)
        .unwrap();
    let mut all = vec![(format!("{name}.1"), String::from_utf8(text).unwrap())];
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        all.extend(pages(below, &format!("{name}-{}", below.get_name())));
    }
    all
}

#[test]
fn manual_pages_that_are_older_than_the_command_line_are_noticed() {
    let pages = pages(&model(), "amtctl");
    for (name, text) in &pages {
        compare(&format!("packaging/man/{name}"), text);
    }
    let made: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
    for entry in fs::read_dir(root().join("packaging/man")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let ours = name.starts_with("amtctl");
        assert!(
            !ours || made.contains(name.as_str()),
            "packaging/man/{name} is of a command that is no more"
        );
    }
}

#[test]
fn the_manual_has_every_exit_code() {
    let pages = pages(&model(), "amtctl");
    let page = pages[0].1.replace("\\-", "-");
    // The first line is a heading, which the page has in its own way.
    for line in exit::TABLE.lines().skip(1) {
        assert!(page.contains(line.trim()), "{line}");
    }
}

#[test]
fn completions_that_are_older_than_the_command_line_are_noticed() {
    compare("packaging/completions/amtctl.bash", &script(For::Bash));
    compare("packaging/completions/_amtctl", &script(For::Zsh));
    compare("packaging/completions/amtctl.fish", &script(For::Fish));
}
