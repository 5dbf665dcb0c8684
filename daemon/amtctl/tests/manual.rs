//! The manual pages of the daemon: made from its command line and its configuration, checked in under `packaging/man`,
//! and compared.
//!
//! They are made here, beside those of `amtctl`, so that the daemon need not know how manuals are made.
//! `AMTCTL_WRITE=1 cargo test -p amtctl` writes them after a change.

use std::{fmt::Write, fs, path::Path};

use amtd::{
    cli::{Cli, EXIT_CODES},
    config,
};
use clap::CommandFactory;
use clap_mangen::{
    Man,
    roff::{Roff, bold, roman},
};

const SOURCE: &str = concat!("amtd ", env!("CARGO_PKG_VERSION"));

/// Where the daemon keeps what, unless it is told otherwise.
const FILES: [(&str, &str); 5] = [
    ("/etc/amtd/amtd.toml", "The configuration."),
    ("/run/amtd/amtd.sock", "The control API, for amtctl."),
    ("/run/amtd/http.sock", "Status, health and metrics over HTTP."),
    ("/run/amtd/amtd.lock", "Held while the daemon runs: there can be only one."),
    ("/var/lib/amtd/jobs.redb", "The journal of jobs. It holds no secrets."),
];

fn compare(name: &str, made: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/man").join(name);
    if std::env::var_os("AMTCTL_WRITE").is_some() {
        fs::write(&file, made).unwrap();
    }
    let kept = fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == made, "{name} is stale; to write it, set AMTCTL_WRITE=1 and run this test again");
}

#[test]
fn a_manual_of_the_daemon_that_is_older_than_its_command_line_is_noticed() {
    let mut page = Vec::new();
    let man = Man::new(Cli::command()).section("8").manual("AMT").source(SOURCE);
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    let mut more = Roff::new();
    more.control("SH", ["EXIT STATUS"]);
    // The first line is a heading, which the page has in its own way.
    let codes = EXIT_CODES.lines().skip(1).map(|line| line.trim().split_once("  ").unwrap());
    list(&mut more, codes);
    more.control("SH", ["FILES"]);
    list(&mut more, FILES);
    more.control("SH", ["SEE ALSO"]);
    more.text([bold("amtd.toml"), roman("(5), "), bold("amtctl"), roman("(1)")]);
    more.to_writer(&mut page).unwrap();
    compare("amtd.8", &String::from_utf8(page).unwrap());
}

#[test]
fn a_manual_of_the_configuration_that_is_older_than_its_keys_is_noticed() {
    let mut page = Roff::new();
    page.control("TH", ["amtd.toml", "5", "", SOURCE, "AMT"]);
    page.control("SH", ["NAME"]);
    page.text([roman("amtd.toml - configuration of amtd")]);
    page.control("SH", ["SYNOPSIS"]);
    page.text([bold("/etc/amtd/amtd.toml")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text([roman(
        "Without the file every key has its default. A key that is not known is an error: check a file with `amtctl \
         config check FILE`. Below is every key with its meaning and its default, ready to be edited; `amtctl config \
         defaults` prints the same.",
    )]);
    page.control("SH", ["KEYS"]);
    let mut text = page.to_roff();
    text.push_str(".EX\n");
    for line in config::reference().lines() {
        writeln!(text, "{}", literal(line)).unwrap();
    }
    text.push_str(".EE\n");
    let mut more = Roff::new();
    more.control("SH", ["SEE ALSO"]);
    more.text([bold("amtd"), roman("(8), "), bold("amtctl"), roman("(1)")]);
    text.push_str(&more.to_roff());
    compare("amtd.toml.5", &text);
}

/// Names, each with what it stands for.
fn list<'a>(page: &mut Roff, entries: impl IntoIterator<Item = (&'a str, &'a str)>) {
    for (name, meaning) in entries {
        page.control("TP", []).text([bold(name)]).text([roman(meaning)]);
    }
}

/// A line as it stands: nothing in it is an instruction to the formatter.
fn literal(line: &str) -> String {
    let escaped = line.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq");
    if escaped.starts_with('.') { format!("\\&{escaped}") } else { escaped }
}
