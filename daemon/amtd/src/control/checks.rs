//! What the diagnostics service looks at: the device, who may open it, the link, the firmware, ports, clock and disk.
//!
//! Each check says what was seen and, if that is not good, the way out. What has to be looked up in the file system is
//! looked up off the thread that moves data.

use std::{
    borrow::Cow,
    fmt::Write as _,
    fs,
    io::{self, ErrorKind},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    path::Path,
    time::{Duration, SystemTime},
};

use amtd_mei::{LinkState, SYSFS_CLASS};
use nix::sys::statvfs::statvfs;
use tokio::task::{JoinError, spawn_blocking};

use crate::{
    config::Config,
    status::{self, PortState},
};

/// Less room than this in the state directory is worth a warning, in bytes: the journal of jobs needs some.
const LITTLE_ROOM: u64 = 16 * 1024 * 1024;
/// What firmware told longer ago than this many readings is old.
const OLD_READINGS: u32 = 3;
/// A clock that stands before this moment (2025-01-01) was never set.
const EARLIEST: Duration = Duration::from_secs(1_735_689_600);

/// Looks at everything.
///
/// # Errors
/// A look into the file system panicked.
pub(super) async fn all(
    status: &status::Status,
    config: &Config,
    state_dir: &Path,
) -> Result<Vec<Check>, JoinError> {
    let (node, state_dir) = (status.link.node.clone(), state_dir.to_owned());
    let looked = spawn_blocking(move || {
        (node_check(node.as_deref()), kind(node.as_deref()), state_directory(&state_dir))
    });
    let (node, kind, state_directory) = looked.await?;
    let mut checks = vec![node, permission(status), kind, lme(status), amthi(status, config)];
    checks.extend(status.ports.iter().map(port));
    checks.extend([clock(SystemTime::now()), state_directory, journal(status)]);
    Ok(checks)
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    /// Stable name.
    pub(super) name: &'static str,
    pub(super) finding: Finding,
    /// What was seen.
    pub(super) evidence: String,
    /// What to do; empty if good.
    pub(super) way_out: Cow<'static, str>,
}

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    Good,
    Warning,
    Bad,
    Unknown,
}

impl Check {
    fn new(
        name: &'static str,
        finding: Finding,
        evidence: impl Into<String>,
        way_out: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { name, finding, evidence: evidence.into(), way_out: way_out.into() }
    }

    fn good(name: &'static str, evidence: impl Into<String>) -> Self {
        Self::new(name, Finding::Good, evidence, "")
    }
}

/// The device: is it there, is it of the right kind, and who may open it?
fn node_check(node: Option<&Path>) -> Check {
    const LOAD: &str = "load the mei_me kernel module, and check that the machine has AMT and that it is not disabled in \
                        the firmware setup";
    let Some(node) = node else {
        return Check::new("node", Finding::Bad, "no MEI device was found", LOAD);
    };
    match fs::metadata(node) {
        Ok(found) if found.file_type().is_char_device() || found.file_type().is_socket() => {
            let kind = if found.file_type().is_socket() { "a virtual device" } else { "a character device" };
            let mode = found.permissions().mode() & 0o777;
            let owner = format!("user {}, group {}", found.uid(), found.gid());
            Check::good("node", format!("{} is {kind}, mode {mode:04o}, {owner}", node.display()))
        }
        Ok(_) => {
            let evidence = format!("{} is not a device", node.display());
            Check::new(
                "node",
                Finding::Bad,
                evidence,
                "name an MEI device with --device or device.path in the configuration",
            )
        }
        Err(error) => Check::new("node", Finding::Bad, format!("{}: {error}", node.display()), LOAD),
    }
}

/// What the kernel says the device is for: there are others than the one of AMT (mei 1.2).
fn kind(node: Option<&Path>) -> Check {
    const NAME: &str = "kind";
    let unknown = |evidence: String| Check::new(NAME, Finding::Unknown, evidence, "see check node");
    let Some((node, name)) = node.and_then(|node| Some((node, node.file_name()?))) else {
        return unknown("there is no device".into());
    };
    if fs::metadata(node).is_ok_and(|found| found.file_type().is_socket()) {
        return Check::good(NAME, "a virtual device, of which the kernel knows nothing");
    }
    let path = Path::new(SYSFS_CLASS).join(name).join("kind");
    match fs::read_to_string(&path).as_deref().map(str::trim) {
        Ok("mei") => Check::good(NAME, "mei: the management engine of the chipset"),
        Ok(other) => {
            let way_out = "name the device of the management engine with --device or device.path";
            Check::new(NAME, Finding::Bad, format!("{other}: not the management engine"), way_out)
        }
        // Kernels before 5.8 do not say (mei 1.2).
        Err(error) => unknown(format!("{}: {error}", path.display())),
    }
}

fn permission(status: &status::Status) -> Check {
    let link = &status.link;
    match link.state {
        LinkState::PermissionDenied => Check::new(
            "permission",
            Finding::Bad,
            link.detail.clone(),
            "give the daemon's user access to the device with a udev rule",
        ),
        LinkState::WaitingForNode | LinkState::Misconfigured => {
            Check::new("permission", Finding::Unknown, "there is no device to open", "see check node")
        }
        _ if link.connects > 0 => Check::good("permission", "the device was opened"),
        _ => {
            Check::new("permission", Finding::Unknown, "the device has not been opened yet", "see check lme")
        }
    }
}

/// The link and the session on it, in the words of the status.
fn lme(status: &status::Status) -> Check {
    let link = &status.link;
    let Some(trouble) = status.link_trouble() else {
        return Check::good("lme", format!("connected; {}", link.detail));
    };
    let is_ready = status.readiness() == status::Readiness::Ready;
    let finding = if is_ready { Finding::Warning } else { Finding::Bad };
    let mut evidence = format!("{}: {}", link.state.name(), trouble.text);
    // A link that comes up and fails, again and again, looks well for most of the time.
    if let Some(error) = link.last_error.as_ref().filter(|error| !link.ready && **error != trouble.text) {
        let _ = write!(evidence, "; the last attempt failed: {error}");
    }
    Check::new("lme", finding, evidence, trouble.next_step)
}

#[expect(clippy::disallowed_methods, reason = "a finding for people; the next reading corrects it")]
fn amthi(status: &status::Status, config: &Config) -> Check {
    let firmware = &status.firmware;
    let old = config.firmware.refresh.get().saturating_mul(OLD_READINGS);
    // A clock that was set back since makes it new, not unread.
    let age = firmware.read_at.map(|at| SystemTime::now().duration_since(at.0).unwrap_or_default());
    match (&firmware.error, age) {
        (Some(error), _) => {
            // What helps against this one in particular, the error says itself.
            let way_out = "if this lasts, see the log of the daemon and of the kernel (mei)";
            Check::new("amthi", Finding::Bad, error.clone(), way_out)
        }
        (None, None) => {
            let way_out = "wait for the link, or for the firmware to answer";
            Check::new("amthi", Finding::Unknown, "the firmware has not been asked yet", way_out)
        }
        (None, Some(age)) => {
            let version = firmware.version.as_deref().unwrap_or("unknown");
            let evidence = format!("AMT {version}, read {} s ago", age.as_secs());
            let way_out = "wait for the link to come back";
            if age > old {
                Check::new("amthi", Finding::Warning, evidence, way_out)
            } else {
                Check::good("amthi", evidence)
            }
        }
    }
}

fn port(port: &status::Port) -> Check {
    let asked = if port.requested_by_firmware {
        "the firmware asked for it"
    } else if port.withdrawn_by_firmware {
        "the firmware asked for it and has withdrawn it until a client wants it"
    } else {
        "the firmware did not ask for it"
    };
    let finding = match port.state {
        PortState::Listening => {
            let at: Vec<_> = port.addresses.iter().map(ToString::to_string).collect();
            return Check::good(
                "ports",
                format!("port {}: listening on {}; {asked}", port.port, at.join(", ")),
            );
        }
        PortState::Partial if !port.loses_clients() => Finding::Warning,
        PortState::Partial | PortState::Failed => Finding::Bad,
    };
    Check::new("ports", finding, format!("{}; {asked}", port.trouble()), port.next_step())
}

/// Without it jobs that change the device are refused.
fn journal(status: &status::Status) -> Check {
    const NAME: &str = "journal";
    match status.journal_condition() {
        None => Check::good(NAME, "jobs that change the device can be written down"),
        Some(condition) => Check::new(NAME, Finding::Bad, condition.text, condition.next_step),
    }
}

/// Certificates and the clock of firmware depend on it.
#[expect(clippy::disallowed_methods, reason = "the clock itself is what is looked at")]
fn clock(now: SystemTime) -> Check {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let evidence =
        format!("the time is {}", humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since));
    if since < EARLIEST {
        let way_out = "set the clock of this machine: certificates cannot be checked with it";
        Check::new("clock", Finding::Bad, evidence, way_out)
    } else {
        Check::good("clock", evidence)
    }
}

fn state_directory(path: &Path) -> Check {
    const NAME: &str = "state-directory";
    const MAKE_ROOM: &str = "make room there: jobs are refused without a journal";
    let bad = |what: &str, error: io::Error| {
        let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        let way_out = if is_full { MAKE_ROOM } else { "repair it, or name another with --state-dir" };
        Check::new(NAME, Finding::Bad, format!("{}{what}: {error}", path.display()), way_out)
    };
    let probe = path.join(format!(".probe-{}", std::process::id()));
    let written = fs::write(&probe, b"probe");
    // What cannot be removed was not made, or is overwritten the next time.
    let _ = fs::remove_file(&probe);
    if let Err(error) = written {
        return bad(" is not writable", error);
    }
    let free = match statvfs(path) {
        Ok(room) => room.blocks_available() * room.fragment_size(),
        Err(error) => return bad("", error.into()),
    };
    let evidence = format!("{} is writable, {} MiB are free", path.display(), free / (1024 * 1024));
    if free < LITTLE_ROOM {
        Check::new(NAME, Finding::Warning, evidence, MAKE_ROOM)
    } else {
        Check::good(NAME, evidence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::{Firmware, Link, Timestamp};

    fn dead(state: LinkState) -> status::Status {
        let link = Link { state, detail: "why not".into(), ..Link::default() };
        status::Status { link, ..status::Status::default() }.with_health()
    }

    #[test]
    fn no_trouble_is_without_a_way_out_and_no_good_news_with_one() {
        for state in LinkState::ALL {
            for check in [permission(&dead(state)), lme(&dead(state))] {
                assert_eq!(check.finding == Finding::Good, check.way_out.is_empty(), "{check:?}");
                assert!(!check.evidence.is_empty());
            }
        }
        assert_eq!(permission(&dead(LinkState::PermissionDenied)).finding, Finding::Bad);
    }

    #[test]
    fn the_way_out_of_a_dead_link_is_not_that_of_another_trouble() {
        let failed = status::Port { error: Some("in use".into()), ..port_of(PortState::Failed) };
        let status = status::Status { ports: vec![failed], ..dead(LinkState::Lost) }.with_health();
        assert_eq!(status.health[0].code, "port-failed", "what is worse comes first");
        assert!(lme(&status).way_out.contains("tried again"), "{}", lme(&status).way_out);
    }

    #[test]
    fn nobody_is_told_to_stop_a_program_that_holds_no_port() {
        let denied = status::Port { error: Some("Permission denied".into()), ..port_of(PortState::Failed) };
        let held = status::Port { holder: Some("lms (pid 7)".into()), ..denied.clone() };
        assert!(port(&held).way_out.contains("stop the other program"));
        let check = port(&denied);
        assert!(!check.evidence.contains("held") && check.way_out.contains("right to the port"), "{check:?}");
    }

    #[test]
    fn a_journal_for_which_jobs_are_refused_is_not_called_good() {
        let mut status = status::Status::default();
        assert_eq!(journal(&status).finding, Finding::Good);
        status.jobs.journal_error = Some("/var/lib/amtd/jobs.redb: damaged".into());
        let check = journal(&status);
        assert_eq!(check.finding, Finding::Bad);
        assert!(check.evidence.contains("jobs.redb") && check.way_out.contains("move it away"), "{check:?}");
    }

    fn port_of(state: PortState) -> status::Port {
        status::Port {
            port: 623,
            local_port: Some(623),
            requested_by_firmware: true,
            withdrawn_by_firmware: false,
            state,
            addresses: Vec::new(),
            error: None,
            holder: None,
        }
    }

    #[test]
    fn a_session_that_serves_nobody_is_not_called_good() {
        let up = Link { state: LinkState::Up, ready: true, ..Link::default() };
        let silent = Link { unanswered_since: Some(Timestamp(SystemTime::now())), ..up.clone() };
        for link in [silent, up] {
            let check = lme(&status::Status { link, ..status::Status::default() });
            assert!(check.finding == Finding::Bad && !check.way_out.is_empty(), "{check:?}");
        }
    }

    #[test]
    fn a_link_that_fails_again_and_again_is_said_to_while_it_looks_well() {
        let link = Link {
            state: LinkState::Up,
            detail: "connected".into(),
            last_error: Some("the handshake took too long".into()),
            ..Link::default()
        };
        let check = lme(&status::Status { link, ..status::Status::default() });
        assert_eq!(check.evidence, "up: connected; the last attempt failed: the handshake took too long");
    }

    #[test]
    fn a_device_that_is_not_one_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let check = node_check(Some(file.path()));
        assert!(check.finding == Finding::Bad && check.evidence.ends_with("is not a device"), "{check:?}");
        assert_eq!(node_check(Some(Path::new("/nonexistent"))).finding, Finding::Bad);
        assert_eq!(node_check(None).finding, Finding::Bad);
    }

    #[test]
    fn a_state_directory_that_cannot_be_written_to_is_found_before_a_job_needs_it() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(state_directory(directory.path()).finding, Finding::Good);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0, "nothing is left behind");
        assert_eq!(state_directory(Path::new("/nonexistent")).finding, Finding::Bad);
    }

    #[test]
    fn a_clock_that_was_never_set_is_noticed() {
        assert_eq!(clock(SystemTime::UNIX_EPOCH).finding, Finding::Bad);
        assert_eq!(clock(SystemTime::now()).finding, Finding::Good);
    }

    #[test]
    fn firmware_that_fell_silent_is_told_from_one_that_answers() {
        let firmware = |error: Option<&str>, read_at| status::Status {
            firmware: Firmware { error: error.map(String::from), read_at, ..Firmware::default() },
            ..status::Status::default()
        };
        let now = Some(Timestamp(SystemTime::now()));
        let long_ago = Some(Timestamp(SystemTime::UNIX_EPOCH));
        let finding = |status| amthi(&status, &Config::default()).finding;
        assert_eq!(finding(firmware(None, now)), Finding::Good);
        assert_eq!(finding(firmware(None, long_ago)), Finding::Warning);
        let set_back_since = Some(Timestamp(SystemTime::now() + Duration::from_secs(86_400)));
        assert_eq!(finding(firmware(None, set_back_since)), Finding::Good);
        assert_eq!(finding(firmware(None, None)), Finding::Unknown);
        assert_eq!(finding(firmware(Some("busy"), now)), Finding::Bad);
    }
}
