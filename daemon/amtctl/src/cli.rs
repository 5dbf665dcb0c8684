//! The command line: one model, from which parsing, help, manual pages and completions are made.
//!
//! Names are those of rpc-go v3 where it has them. What each command takes stands beside what it does, in `command`.

use std::convert::Infallible;

use clap::{Args, Parser, Subcommand};

use crate::{
    command::{
        activate, channels, completion, config, configure, deactivate, events, health, info, jobs, wsman,
    },
    exit,
    failure::Failure,
    global::Global,
    secret::{self, Wanted},
};

/// Query and control amtd, the daemon that owns the AMT firmware of this machine
#[derive(Parser)]
#[command(name = "amtctl", version, after_long_help = exit::TABLE, max_term_width = 80)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(flatten)]
    pub(crate) refused: Refused,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that take a secret in other tools. They exist so that people who are used to them are told why not.
#[derive(Args)]
pub(crate) struct Refused {
    #[arg(long, global = true, hide = true, num_args = 0..=1, value_parser = discard)]
    password: Option<Option<Discarded>>,

    #[arg(long, global = true, hide = true, num_args = 0..=1, value_parser = discard, alias = "newPassword")]
    newamtpassword: Option<Option<Discarded>>,

    #[arg(long, global = true, hide = true, num_args = 0..=1, value_parser = discard)]
    mebxpassword: Option<Option<Discarded>>,

    #[arg(long = "provisioningCertPwd", global = true, hide = true, num_args = 0..=1, value_parser = discard)]
    provisioning_cert_pwd: Option<Option<Discarded>>,
}

impl Refused {
    /// Refuses a secret on the command line, and says how it is given instead.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let given: [(bool, &'static Wanted); 4] = [
            (self.password.is_some(), &secret::PASSWORD),
            (self.newamtpassword.is_some(), &secret::NEW_PASSWORD),
            (self.mebxpassword.is_some(), &secret::MEBX_PASSWORD),
            (self.provisioning_cert_pwd.is_some(), &secret::CERTIFICATE_PASSWORD),
        ];
        match given.into_iter().find(|(given, _)| *given) {
            None => Ok(()),
            Some((_, wanted)) => Err(Failure::usage(
                format!(
                    "the {} is not accepted on the command line, which every local user can read while the program \
                     runs and which shells remember; if it was there, consider it known to others",
                    wanted.name
                ),
                secret::ways(wanted),
            )),
        }
    }
}

/// Stands in for a secret that is not kept.
#[derive(Clone)]
struct Discarded;

fn discard(_: &str) -> Result<Discarded, Infallible> {
    Ok(Discarded)
}

/// What is to be done.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Show the state of amtd, of its link to the firmware and of its ports
    Status,
    /// Show what the firmware reports about itself
    #[command(visible_alias = "amtinfo")]
    Info(info::InfoArgs),
    /// Tell by the exit code whether amtd is serving
    Health(health::HealthArgs),
    /// Find out what is wrong, even when amtd is not running
    Doctor,
    /// Activate AMT in client or admin control mode
    Activate(activate::ActivateArgs),
    /// Deactivate AMT, wholly or in part
    Deactivate(deactivate::DeactivateArgs),
    /// Change the settings of activated AMT
    Configure(configure::ConfigureArgs),
    /// List, show, watch and cancel jobs
    Jobs(jobs::JobsArgs),
    /// Follow what happens to the link, ports, channels, jobs and firmware
    Events(events::EventsArgs),
    /// List and close client connections
    Channels(channels::ChannelsArgs),
    /// Send one WSMAN request
    Wsman(wsman::WsmanArgs),
    /// Print the metrics as OpenMetrics text
    Metrics,
    /// Show, check and explain the configuration of amtd
    Config(config::ConfigArgs),
    /// Show the versions of amtctl and amtd
    Version,
    /// Print the completion script of a shell
    Completion(completion::CompletionArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_model_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn names_that_people_know_from_rpc_are_understood() {
        for line in [
            "amtctl amtinfo -r -b -s -u -m -p -d -l -a -c -A --upid --hostname --operationalState",
            "amtctl amtinfo --ver --bld --sku --uuid --mode --dns --cert --userCert --ras --lan --all --json",
            "amtctl activate --ccm",
            "amtctl activate --acm --provisioningCert cert.pfx --dns example.com",
            "amtctl deactivate --partial",
            "amtctl configure amtfeatures --userConsent none --kvm --sol --ider",
            "amtctl configure setamtfeatures --kvm=false",
            "amtctl configure syncclock",
            "amtctl configure synctime",
            "amtctl configure synchostname",
            "amtctl configure sethostname",
            "amtctl configure amtpassword",
            "amtctl configure changeamtpassword",
            "amtctl configure mebx",
            "amtctl configure setmebx",
        ] {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        for line in [
            "amtctl activate --ccm --password c4n4ry",
            "amtctl --password=c4n4ry status",
            "amtctl configure amtpassword --newamtpassword c4n4ry",
            "amtctl configure mebx --mebxpassword c4n4ry",
            "amtctl activate --acm --provisioningCert x --provisioningCertPwd c4n4ry",
        ] {
            let cli = parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            let failure = cli.refused.check().unwrap_err();
            assert_eq!(failure.exit(), exit::Exit::Usage);
            let said = format!("{failure} {failure:?} {}", failure.next_step());
            assert!(said.contains("-file") && !said.contains("c4n4ry"), "{said}");
        }
    }

    #[test]
    fn a_mistyped_flag_does_not_show_its_value() {
        for line in ["amtctl status --pasword=c4n4ry", "amtctl activate --ccm --mebxPassword=c4n4ry"] {
            let Err(error) = parse(line) else { panic!("{line}: accepted") };
            assert!(!error.to_string().contains("c4n4ry"), "{error}");
        }
    }

    #[test]
    fn help_keeps_to_the_grammar_of_the_house() {
        let mut commands = vec![Cli::command()];
        while let Some(mut command) = commands.pop() {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(!about.is_empty() && !about.ends_with('.'), "{}: {about:?}", command.get_name());
            for argument in command.get_arguments().filter(|argument| !argument.is_hide_set()) {
                let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!help.is_empty() && !help.ends_with('.'), "{}: {help:?}", argument.get_id());
            }
            commands.extend(command.get_subcommands_mut().map(|sub| sub.clone()));
        }
    }
}
