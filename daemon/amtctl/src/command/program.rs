//! Running other programs of the system: bounded in time, and without the secrets of the own environment.

use std::{
    io,
    path::Path,
    process::{Output, Stdio},
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::secret::VARIABLES;

/// How long a program may take.
const LIMIT: Duration = Duration::from_secs(10);

/// What a program says.
pub(super) async fn run(program: &Path, arguments: &[&str]) -> io::Result<Output> {
    match timeout(LIMIT, command(program, arguments).output()).await {
        Ok(output) => output,
        Err(_) => Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("it has not ended within {}", humantime::format_duration(LIMIT)),
        )),
    }
}

fn command(program: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    for name in VARIABLES {
        command.env_remove(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_do_not_inherit_what_may_be_a_secret() {
        let command = command(Path::new("true"), &[]);
        let removed: Vec<_> =
            command.as_std().get_envs().filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect();
        for name in VARIABLES {
            assert!(removed.contains(&name.as_ref()), "{name}");
        }
    }
}
