//! Finding the controller that has a given client: lists the nodes and tries them. The number of a node says nothing;
//! the order changes between boots (mei 1.1). Called by the driver when no device is configured.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;

use crate::{ClientGuid, ConnectError, Connection, DevState, Node};

/// Where the kernel lists the nodes.
pub const SYSFS_CLASS: &str = "/sys/class/mei";
/// Where the nodes themselves are.
pub const DEV: &str = "/dev";

/// A node that may have the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The device path.
    pub path: PathBuf,
    /// The kind that sysfs gives, `mei`; none if the kernel is older than the attribute or there is no sysfs.
    pub kind: Option<String>,
    /// The state of the link at the time of listing.
    pub dev_state: Option<DevState>,
    /// The version of the firmware's main part; none while it is not known.
    pub fw_ver: Option<FirmwareVersion>,
}

/// Version of one part of the firmware, as in the `fw_ver` attribute (mei 1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FirmwareVersion {
    /// Major number, for example 16.
    pub major: u16,
    /// Minor number.
    pub minor: u16,
    /// Hotfix number.
    pub hotfix: u16,
    /// Build number.
    pub build: u16,
}

impl FirmwareVersion {
    /// From one line, `platform:major.minor.hotfix.build`; none if it is all zeros, which means unknown.
    fn parse(line: &str) -> Option<Self> {
        let (_platform, version) = line.trim().split_once(':')?;
        let mut numbers = version.split('.').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        let version = Self { major: next()?, minor: next()?, hotfix: next()?, build: next()? };
        (version.major != 0 && numbers.next().is_none()).then_some(version)
    }
}

/// `16.1.32.2473`.
impl fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.major, self.minor, self.hotfix, self.build)
    }
}

/// The nodes could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot list the MEI devices in {path}: {errno}")]
pub struct DiscoveryError {
    /// The directory that was read.
    pub path: PathBuf,
    /// The error of the system call.
    pub errno: Errno,
}

impl From<DiscoveryError> for ConnectError {
    fn from(DiscoveryError { path, errno }: DiscoveryError) -> Self {
        match errno {
            Errno::EACCES | Errno::EPERM => Self::PermissionDenied { path },
            errno => Self::Io { path, errno },
        }
    }
}

/// Lists the nodes that may have an AMT client, in numeric order. `sysfs` is normally [`SYSFS_CLASS`] and `dev`
/// [`DEV`]. Controllers of another kind (graphics, touch, vision) are left out. Where sysfs lists no MEI node at all,
/// the names in `dev` are taken.
///
/// An empty list is no error: there is no device now, and one may come.
///
/// # Errors
///
/// [`DiscoveryError`] if a directory exists and cannot be read.
pub fn candidates(sysfs: &Path, dev: &Path) -> Result<Vec<Candidate>, DiscoveryError> {
    let listed = numbered_nodes(sysfs)?;
    if listed.is_empty() {
        let plain =
            |name: String| Candidate { path: dev.join(name), kind: None, dev_state: None, fw_ver: None };
        return Ok(numbered_nodes(dev)?.into_iter().map(plain).collect());
    }
    let described = listed.into_iter().map(|name| describe(&sysfs.join(&name), dev.join(&name)));
    Ok(described.filter(|candidate| candidate.kind.as_deref().is_none_or(|kind| kind == "mei")).collect())
}

/// Connects `client` on the first candidate that has it; each attempt takes at most `limit`.
///
/// # Errors
///
/// [`ConnectError::Busy`] at once if a candidate has the client and someone else holds it. Otherwise, when all have been
/// tried, the error that explains most; [`ConnectError::NoNode`] if there is no candidate.
pub async fn select(
    candidates: &[Candidate],
    client: ClientGuid,
    limit: Duration,
) -> Result<(Node, Connection), ConnectError> {
    let mut telling = ConnectError::NoNode { path: PathBuf::from(DEV).join("meiN") };
    for candidate in candidates {
        match probe(&candidate.path, client, limit).await {
            Ok(found) => return Ok(found),
            Err(busy @ ConnectError::Busy { .. }) => return Err(busy),
            Err(error) if weight(&error) > weight(&telling) => telling = error,
            Err(_) => {}
        }
    }
    Err(telling)
}

async fn probe(path: &Path, client: ClientGuid, limit: Duration) -> Result<(Node, Connection), ConnectError> {
    let node = Node::at(path)?;
    let connection = Connection::open(&node, client, limit).await?;
    Ok((node, connection))
}

/// How much an error of one node explains when no node works. A node that might have had the client says more than
/// one that certainly has not.
fn weight(error: &ConnectError) -> u8 {
    match error {
        ConnectError::NoNode { .. } => 0,
        ConnectError::NotADevice { .. } => 1,
        ConnectError::NoClient { .. } => 2,
        ConnectError::Io { .. } => 3,
        ConnectError::Invalid { .. } => 4,
        ConnectError::DeviceDown { .. } => 5,
        ConnectError::BadReply { .. } | ConnectError::TimedOut { .. } | ConnectError::NoAnswer { .. } => 6,
        ConnectError::PermissionDenied { .. } => 7,
        ConnectError::Busy { .. } => 8,
    }
}

/// The names `mei0`, `mei1`, ... in a directory, in numeric order; none if there is no such directory.
fn numbered_nodes(directory: &Path) -> Result<Vec<String>, DiscoveryError> {
    let failed = |error: io::Error| DiscoveryError {
        path: directory.to_owned(),
        errno: error.raw_os_error().map_or(Errno::EIO, Errno::from_raw),
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut nodes = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if let Some(name) = name.to_str()
            && let Some(number) = node_number(name)
        {
            nodes.push((number, name.to_owned()));
        }
    }
    nodes.sort();
    Ok(nodes.into_iter().map(|(_number, name)| name).collect())
}

/// The number in `mei7`; none for `mei_me`, `mei` and the like.
fn node_number(name: &str) -> Option<u32> {
    let digits = name.strip_prefix("mei")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// An attribute that is missing or unreadable counts as unknown: it serves only to choose and to explain.
fn describe(attributes: &Path, path: PathBuf) -> Candidate {
    let read = |name: &str| fs::read_to_string(attributes.join(name)).ok();
    Candidate {
        path,
        kind: read("kind").map(|kind| kind.trim().to_owned()),
        dev_state: read("dev_state").map(|state| DevState::parse(&state)),
        fw_ver: read("fw_ver").and_then(|versions| FirmwareVersion::parse(versions.lines().next()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(sysfs: &Path, node: &str, files: &[(&str, &str)]) {
        let directory = sysfs.join(node);
        fs::create_dir_all(&directory).unwrap();
        for (name, content) in files {
            fs::write(directory.join(name), content).unwrap();
        }
    }

    fn names(candidates: &[Candidate]) -> Vec<&str> {
        candidates.iter().map(|candidate| candidate.path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn amt_controller_is_not_taken_by_number_and_graphics_is_skipped() {
        let sysfs = tempfile::tempdir().unwrap();
        attributes(sysfs.path(), "mei10", &[("kind", "mei\n"), ("dev_state", "RESETTING")]);
        attributes(sysfs.path(), "mei0", &[("kind", "gsc\n"), ("dev_state", "ENABLED")]);
        attributes(sysfs.path(), "mei3", &[("kind", "gscfi\n")]);
        attributes(sysfs.path(), "mei2", &[("dev_state", "ENABLED")]);
        let versions = "0:16.1.32.2473\n0:16.1.32.2473\n0:16.1.25.2035\n";
        attributes(
            sysfs.path(),
            "mei1",
            &[("kind", "mei\n"), ("dev_state", "ENABLED"), ("fw_ver", versions)],
        );

        let found = candidates(sysfs.path(), Path::new("/dev")).unwrap();
        assert_eq!(names(&found), ["mei1", "mei2", "mei10"]);
        assert_eq!(found[0].path, Path::new("/dev/mei1"));
        assert_eq!(found[0].kind.as_deref(), Some("mei"));
        assert_eq!(found[0].fw_ver.unwrap().to_string(), "16.1.32.2473");
        assert_eq!(found[0].dev_state, Some(DevState::Enabled));
        assert_eq!(found[1].kind, None, "kernels before 5.8 do not say the kind");
        assert_eq!(found[2].dev_state, Some(DevState::Resetting));
    }

    #[test]
    fn dev_is_searched_only_where_sysfs_lists_nothing() {
        let (sysfs, dev) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["mei10", "mei2", "mei", "mei_me", "mei-1", "null"] {
            fs::write(dev.path().join(name), b"").unwrap();
        }
        let absent = sysfs.path().join("absent");
        assert_eq!(names(&candidates(&absent, dev.path()).unwrap()), ["mei2", "mei10"]);
        assert_eq!(names(&candidates(sysfs.path(), dev.path()).unwrap()), ["mei2", "mei10"]);

        attributes(sysfs.path(), "mei10", &[("kind", "gsc\n")]);
        let found = candidates(sysfs.path(), dev.path()).unwrap();
        assert!(found.is_empty(), "a graphics controller must not be probed: {found:?}");
    }

    #[test]
    fn machine_without_any_device_gives_an_empty_list_and_a_bad_directory_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let absent = dir.path().join("absent");
        assert_eq!(candidates(&absent, &absent), Ok(Vec::new()));

        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = candidates(&file, &absent).unwrap_err();
        assert_eq!(error, DiscoveryError { path: file, errno: Errno::ENOTDIR });
    }

    #[test]
    fn unknown_firmware_version_is_not_shown_as_zero() {
        assert_eq!(FirmwareVersion::parse("0:0.0.0.0"), None);
        for line in ["", "16.1.32.2473", "0:16.1.32", "0:16.1.32.2473.1", "0:16.1.32.99999"] {
            assert_eq!(FirmwareVersion::parse(line), None, "{line:?}");
        }
        let version = FirmwareVersion { major: 18, minor: 0, hotfix: 5, build: 2028 };
        assert_eq!(FirmwareVersion::parse("0:18.0.5.2028\n"), Some(version));
    }
}
