//! What the service manager says about the daemon.

use std::{collections::HashMap, path::Path};

use super::Check;
use crate::command::program;

const NAME: &str = "service";

/// `reachable`: a daemon answers, whoever started it.
pub(super) async fn check(reachable: bool) -> Check {
    let arguments =
        ["show", "amtd.service", "--property=LoadState,ActiveState,SubState,Result,NRestarts,ExecMainStatus"];
    match program::run(Path::new("systemctl"), &arguments).await {
        Ok(said) if said.status.success() => judge(&String::from_utf8_lossy(&said.stdout), reachable),
        Ok(said) => {
            let reason = String::from_utf8_lossy(&said.stderr);
            let reason = reason.lines().next().unwrap_or("it does not say why").to_owned();
            Check::unknown(NAME, format!("systemctl fails: {reason}"), "")
        }
        Err(error) => Check::unknown(NAME, format!("systemctl cannot be run: {error}"), ""),
    }
}

fn judge(properties: &str, reachable: bool) -> Check {
    let properties: HashMap<&str, &str> =
        properties.lines().filter_map(|line| line.split_once('=')).collect();
    let property = |name: &str| properties.get(name).copied().unwrap_or("unknown");
    let (load, active) = (property("LoadState"), property("ActiveState"));
    let evidence = format!("amtd.service is {active} ({})", property("SubState"));
    let restarts = match property("NRestarts") {
        "0" | "unknown" => String::new(),
        number => format!(", restarted {number} times"),
    };
    match (load, active) {
        ("not-found", _) if reachable => Check::warning(
            NAME,
            "amtd is running, but not as a service",
            "install the package amtd to start it at every boot",
        ),
        ("not-found", _) => Check::bad(NAME, "there is no amtd.service", "install the package amtd"),
        ("masked", _) => Check::bad(NAME, "amtd.service is masked", "sudo systemctl unmask amtd"),
        (_, "active") if restarts.is_empty() => Check::good(NAME, evidence),
        (_, "active") => {
            Check::warning(NAME, format!("{evidence}{restarts}"), "see why with `journalctl -u amtd`")
        }
        (_, "failed") => Check::bad(
            NAME,
            format!(
                "{evidence}: {}, exit status {}{restarts}",
                property("Result"),
                property("ExecMainStatus")
            ),
            "see why with `journalctl -u amtd -e`, then `sudo systemctl restart amtd`",
        ),
        // Started by its socket at the first connection, or by hand.
        (_, _) if reachable => Check::good(NAME, evidence),
        _ => Check::bad(NAME, format!("{evidence}{restarts}"), "sudo systemctl start amtd"),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Verdict, *};

    fn properties(load: &str, active: &str, restarts: u32) -> String {
        format!(
            "LoadState={load}\nActiveState={active}\nSubState=x\nResult=exit-code\nNRestarts={restarts}\n\
             ExecMainStatus=78\n"
        )
    }

    #[test]
    fn a_failed_service_says_where_to_look() {
        let check = judge(&properties("loaded", "failed", 5), false);
        assert_eq!(check.result, Verdict::Bad);
        assert!(check.evidence.contains("exit status 78, restarted 5 times"), "{}", check.evidence);
        assert!(check.way_out.contains("journalctl -u amtd"));
    }

    #[test]
    fn a_daemon_that_runs_by_hand_is_not_called_dead() {
        assert_eq!(judge(&properties("not-found", "inactive", 0), true).result, Verdict::Warning);
        assert_eq!(judge(&properties("loaded", "inactive", 0), true).result, Verdict::Good);
        assert_eq!(judge(&properties("loaded", "inactive", 0), false).result, Verdict::Bad);
        assert_eq!(judge("", false).result, Verdict::Bad);
    }

    #[test]
    fn a_service_that_keeps_restarting_is_not_called_good() {
        assert_eq!(judge(&properties("loaded", "active", 0), true).result, Verdict::Good);
        assert_eq!(judge(&properties("loaded", "active", 9), true).result, Verdict::Warning);
    }
}
