//! The command line. Its names are fixed: service units and other programs start the daemon by them.

use std::{
    ffi::OsString,
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use clap::Parser;

use crate::{
    config::{self, Config, ConfigError},
    telemetry::{TelemetryError, parse_filter},
};

/// Exit code for a command line that makes no sense.
pub const EXIT_USAGE: u8 = 64;

/// Text for the end of the help and for the manual page.
pub const EXIT_CODES: &str = "\
Exit codes:
    0  stopped as told, or what was asked for is printed
    1  told a second time to stop: exchanges under way were cut off
   64  the command line makes no sense
   65  the file of --explain-class holds no HTTP request
   66  the file of --explain-class cannot be read
   69  a configured TCP address cannot be bound
   70  a part of the daemon ended by itself: a defect
   71  the system gives no threads, timers or signals
   72  a socket that was handed over cannot be used
   73  a directory, socket or lock cannot be made
   74  the output cannot be written
   75  another amtd is running
   78  the configuration, or a file that it names, cannot be used";

/// Serve the local ports of Intel AMT over the MEI device.
///
/// Runs in the foreground, normally as `amtd.service`; amtctl(1) is its command line. SIGTERM, SIGINT and SIGHUP stop it
/// after the exchanges under way; a second one stops it at once.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "amtd", version, after_long_help = EXIT_CODES)]
pub struct Cli {
    /// Use this MEI device: a character device, or the Unix socket of a virtual one
    #[arg(long, value_name = "PATH")]
    pub device: Option<PathBuf>,

    /// Read the configuration from this file [default: /etc/amtd/amtd.toml, if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Keep what outlives the daemon here [default: as systemd says, or /var/lib/amtd]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,

    /// Keep sockets and the lock here [default: as systemd says, or /run/amtd]
    #[arg(long, value_name = "DIR")]
    pub runtime_dir: Option<PathBuf>,

    /// Check the configuration and exit
    #[arg(long)]
    pub check_config: bool,

    /// Print the default configuration with the documentation of every key, and exit
    #[arg(long, conflicts_with = "check_config")]
    pub print_default_config: bool,

    /// Say which class a recorded HTTP request gets and why, and exit; "-" reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check_config", "print_default_config"])]
    pub explain_class: Option<PathBuf>,

    /// Log what this filter lets through, as in "debug" or "info,amtd::driver=trace"
    #[arg(long, value_name = "FILTER", value_parser = filter)]
    pub log: Option<String>,
}

impl Cli {
    /// The configuration, overridden by the command line.
    ///
    /// # Errors
    ///
    /// The file that was named, or that exists at the default place, cannot be used.
    pub fn load_config(&self) -> Result<Config, ConfigError> {
        let mut config = self.read_config(Path::new(config::DEFAULT_PATH))?;
        if let Some(device) = &self.device {
            config.device.path = Some(device.clone());
        }
        if let Some(filter) = &self.log {
            config.log.filter.clone_from(filter);
        }
        Ok(config)
    }

    fn read_config(&self, default: &Path) -> Result<Config, ConfigError> {
        match &self.config {
            Some(path) => Config::load(path),
            None => match Config::load(default) {
                // Only a missing file means the defaults; one that cannot be read must not be ignored silently.
                Err(ConfigError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    Ok(Config::default())
                }
                loaded => loaded,
            },
        }
    }

    /// Where the daemon keeps its files. `env` looks up a variable of the environment.
    pub fn directories(&self, env: impl Fn(&str) -> Option<OsString>) -> Directories {
        let choose = |given: &Option<PathBuf>, variable: &str, fallback: &str| {
            let from_systemd = || env(variable).as_deref().and_then(first_path);
            given.clone().or_else(from_systemd).unwrap_or_else(|| fallback.into())
        };
        Directories {
            runtime: choose(&self.runtime_dir, "RUNTIME_DIRECTORY", "/run/amtd"),
            state: choose(&self.state_dir, "STATE_DIRECTORY", "/var/lib/amtd"),
        }
    }
}

/// Checks the filter, so that a wrong one is an error of the command line.
fn filter(text: &str) -> Result<String, TelemetryError> {
    parse_filter(text).map(|_| text.into())
}

/// systemd separates several directories by colons; the first is the daemon's.
fn first_path(list: &std::ffi::OsStr) -> Option<PathBuf> {
    std::env::split_paths(list).next().filter(|path| !path.as_os_str().is_empty())
}

/// Where the daemon keeps its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Sockets and the lock: gone after a restart of the machine.
    pub runtime: PathBuf,
    /// What outlives the daemon.
    pub state: PathBuf,
}

/// A directory cannot be created.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot be used as directory: {source}; name another with --runtime-dir or --state-dir", path.display())]
pub struct DirectoryError {
    path: PathBuf,
    source: io::Error,
}

impl Directories {
    /// Creates the directories that do not exist. Clients of every user must reach the sockets in the first; only the daemon
    /// may look into the second.
    ///
    /// # Errors
    ///
    /// A directory cannot be created, or its path is something else.
    pub fn create(&self) -> Result<(), DirectoryError> {
        [(&self.runtime, 0o755), (&self.state, 0o700)].into_iter().try_for_each(|(path, mode)| {
            let made = DirBuilder::new().recursive(true).mode(mode).create(path);
            let checked = made.and_then(|()| fs::read_dir(path));
            checked.map(drop).map_err(|source| DirectoryError { path: path.clone(), source })
        })
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["amtd"].iter().chain(arguments))
    }

    #[test]
    fn the_names_that_other_programs_use_are_all_there() {
        let cli = parse(&[
            "--device=/dev/mei0",
            "--config=/etc/x.toml",
            "--state-dir=/s",
            "--runtime-dir=/r",
            "--check-config",
            "--log=debug",
        ])
        .unwrap();
        assert_eq!(cli.device.unwrap(), Path::new("/dev/mei0"));
        assert_eq!(cli.config.unwrap(), Path::new("/etc/x.toml"));
        assert!(cli.check_config);
        assert!(parse(&["--print-default-config"]).unwrap().print_default_config);
        assert_eq!(parse(&["--explain-class", "-"]).unwrap().explain_class.unwrap(), Path::new("-"));
        assert_eq!(parse(&["--version"]).unwrap_err().kind(), clap::error::ErrorKind::DisplayVersion);
        Cli::command().debug_assert();
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("amtd.toml");
        fs::write(
            &file,
            "[device]\npath = \"/dev/mei7\"\nconnect_limit = \"1s\"\n[log]\nfilter = \"warn\"\n",
        )
        .unwrap();
        let cli = Cli {
            config: Some(file),
            device: Some("here.sock".into()),
            log: Some("debug".into()),
            ..Cli::default()
        };
        let config = cli.load_config().unwrap();
        assert_eq!(config.device.path.unwrap(), Path::new("here.sock"));
        assert_eq!(config.device.connect_limit, "1s".parse().unwrap());
        assert_eq!(config.log.filter, "debug");
    }

    #[test]
    fn a_file_at_the_default_place_may_be_absent_but_not_wrong() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("amtd.toml");
        assert_eq!(Cli::default().read_config(&file).unwrap(), Config::default());
        fs::write(&file, "[nonsense]\n").unwrap();
        assert!(matches!(Cli::default().read_config(&file), Err(ConfigError::Invalid { .. })));
        let named = Cli { config: Some(directory.path().join("absent.toml")), ..Cli::default() };
        assert!(matches!(named.read_config(&file), Err(ConfigError::Read { .. })));
    }

    #[test]
    fn directories_come_from_the_command_line_then_systemd_then_the_standard() {
        let none = Cli::default().directories(|_| None);
        assert_eq!(none, Directories { runtime: "/run/amtd".into(), state: "/var/lib/amtd".into() });
        let systemd = |name: &str| (name == "RUNTIME_DIRECTORY").then(|| OsString::from("/run/a:/run/b"));
        assert_eq!(Cli::default().directories(systemd).runtime, Path::new("/run/a"));
        let given = Cli { runtime_dir: Some("/tmp/x".into()), ..Cli::default() };
        assert_eq!(given.directories(systemd).runtime, Path::new("/tmp/x"));
        assert_eq!(Cli::default().directories(|_| Some(OsString::new())).state, Path::new("/var/lib/amtd"));
    }

    #[test]
    fn a_directory_that_is_a_file_is_named_in_the_error() {
        let place = tempfile::tempdir().unwrap();
        let directories =
            Directories { runtime: place.path().join("a/b"), state: place.path().join("state") };
        directories.create().unwrap();
        directories.create().unwrap();
        assert!(directories.runtime.is_dir() && directories.state.is_dir());
        let file = place.path().join("file");
        fs::write(&file, "").unwrap();
        let error = Directories { state: file.clone(), ..directories }.create().unwrap_err().to_string();
        assert!(error.starts_with(file.to_str().unwrap()), "{error}");
    }
}
