//! The state of a controller as sysfs shows it, and waiting for it to become usable. Called between attempts to
//! connect; it changes nothing.

use std::fmt;
use std::fs::File;
use std::future;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::uio::pread;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::descriptor::Descriptor;

/// State of the link between host and firmware, from the `dev_state` attribute (mei 1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DevState {
    /// Known to the kernel, hardware not started (Linux 6.18 and later).
    Uninitialized,
    /// The link is being set up.
    Initializing,
    /// The list of firmware clients is being read.
    InitClients,
    /// Usable.
    Enabled,
    /// The link is being reset.
    Resetting,
    /// Given up after repeated failed resets; stays so until the driver is reloaded or the system resumes.
    Disabled,
    /// About to be powered down.
    PoweringDown,
    /// Powered down, for instance suspended.
    PowerDown,
    /// Being powered up.
    PowerUp,
    /// A name that this program does not know.
    Unknown(String),
}

impl DevState {
    /// From the content of the attribute, with or without a newline.
    pub(crate) fn parse(text: &str) -> Self {
        match text.trim() {
            "UNINITIALIZED" => Self::Uninitialized,
            "INITIALIZING" => Self::Initializing,
            "INIT_CLIENTS" => Self::InitClients,
            "ENABLED" => Self::Enabled,
            "RESETTING" => Self::Resetting,
            "DISABLED" => Self::Disabled,
            "POWERING_DOWN" => Self::PoweringDown,
            "POWER_DOWN" => Self::PowerDown,
            "POWER_UP" => Self::PowerUp,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// The name as the kernel prints it.
impl fmt::Display for DevState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uninitialized => "UNINITIALIZED",
            Self::Initializing => "INITIALIZING",
            Self::InitClients => "INIT_CLIENTS",
            Self::Enabled => "ENABLED",
            Self::Resetting => "RESETTING",
            Self::Disabled => "DISABLED",
            Self::PoweringDown => "POWERING_DOWN",
            Self::PowerDown => "POWER_DOWN",
            Self::PowerUp => "POWER_UP",
            Self::Unknown(name) => name,
        })
    }
}

/// Where the state of `device` (`/dev/meiN`) is found below `sysfs` (normally [`crate::SYSFS_CLASS`]). A symbolic link
/// to the node is followed.
pub fn dev_state_path(sysfs: &Path, device: &Path) -> PathBuf {
    let node = device.canonicalize().unwrap_or_else(|_| device.to_owned());
    sysfs.join(node.file_name().unwrap_or_default()).join("dev_state")
}

/// Waits for `limit`, but returns as soon as the controller becomes usable. `dev_state` is the attribute's path, from
/// [`dev_state_path`]; if there is none, or it cannot be watched, only the limit counts.
///
/// The kernel announces a change of state in this attribute and nowhere else (mei 1.2).
pub async fn wait_enabled(dev_state: &Path, limit: Duration) {
    // Running into the limit is the ordinary fallback, not an error: the caller tries again in either case.
    let _ = tokio::time::timeout(limit, enabled(dev_state)).await;
}

/// Ends when the state is ENABLED; never, if the state cannot be watched.
async fn enabled(dev_state: &Path) {
    let watching = async {
        let watch = Watch::open(dev_state)?;
        if watch.state()? == DevState::Enabled {
            // It came up after the attempt that failed, or that attempt failed for another reason. The pause keeps the second
            // case from becoming a busy loop.
            tokio::time::sleep(SETTLE).await;
            return Ok::<_, io::Error>(());
        }
        while watch.state()? != DevState::Enabled {
            changed(&watch.attribute).await?;
        }
        Ok(())
    };
    if watching.await.is_err() {
        future::pending::<()>().await;
    }
}

/// An attribute that is watched. Each change makes it "urgent" until it is read again.
struct Watch {
    attribute: AsyncFd<Descriptor>,
}

impl Watch {
    fn open(path: &Path) -> io::Result<Self> {
        let fd = OwnedFd::from(File::open(path)?);
        let attribute = Descriptor::new(fd, false).register(Interest::PRIORITY | Interest::ERROR)?;
        Ok(Self { attribute })
    }

    fn state(&self) -> Result<DevState, Errno> {
        let mut buffer = [0; 64];
        let length = pread(self.attribute.get_ref().as_fd()?, &mut buffer, 0)?;
        let content = buffer.get(..length).unwrap_or_default();
        Ok(DevState::parse(&String::from_utf8_lossy(content)))
    }
}

/// Waits for the next announcement. The readiness is cleared before the caller reads, so that a change in between
/// shows as a new one.
async fn changed(attribute: &AsyncFd<Descriptor>) -> io::Result<()> {
    attribute.ready(Interest::PRIORITY | Interest::ERROR).await?.clear_ready();
    Ok(())
}

/// Pause if the state is ENABLED from the start: the first step of the back-off for a device that is down.
const SETTLE: Duration = Duration::from_millis(250);

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsRawFd;
    use std::{fs, os::unix::fs::symlink};

    use nix::sys::socket::{MsgFlags, send};

    use super::*;

    #[test]
    fn state_is_read_without_newline_and_unknown_names_are_kept() {
        for name in [
            "UNINITIALIZED",
            "INITIALIZING",
            "INIT_CLIENTS",
            "ENABLED",
            "RESETTING",
            "DISABLED",
            "POWERING_DOWN",
            "POWER_DOWN",
            "POWER_UP",
        ] {
            let state = DevState::parse(name);
            assert!(!matches!(state, DevState::Unknown(_)), "{name}");
            assert_eq!(state.to_string(), name);
            assert_eq!(DevState::parse(&format!("{name}\n")), state);
        }
        assert_eq!(DevState::parse("unknown").to_string(), "unknown");
    }

    #[test]
    fn state_of_a_linked_node_is_that_of_its_target() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("mei3"), b"").unwrap();
        symlink(dir.path().join("mei3"), dir.path().join("mei")).unwrap();
        let path = dev_state_path(Path::new("/sys/class/mei"), &dir.path().join("mei"));
        assert_eq!(path, Path::new("/sys/class/mei/mei3/dev_state"));
        let gone = dev_state_path(Path::new("/sys/class/mei"), Path::new("/nowhere/mei1"));
        assert_eq!(gone, Path::new("/sys/class/mei/mei1/dev_state"));
    }

    #[tokio::test(start_paused = true)]
    async fn state_that_cannot_be_watched_leaves_only_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let plain = dir.path().join("dev_state");
        fs::write(&plain, "RESETTING").unwrap();
        for path in [plain, dir.path().join("missing")] {
            let start = tokio::time::Instant::now();
            wait_enabled(&path, Duration::from_secs(5)).await;
            assert_eq!(start.elapsed(), Duration::from_secs(5), "{}", path.display());
        }
    }

    #[tokio::test]
    async fn announced_change_ends_the_wait() {
        // Urgent data on a TCP socket raises the same readiness as a changed attribute.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (receiver, _) = listener.accept().unwrap();
        receiver.set_nonblocking(true).unwrap();
        let descriptor = Descriptor::new(receiver.into(), false);
        let attribute = descriptor.register(Interest::PRIORITY | Interest::ERROR).unwrap();

        send(sender.as_raw_fd(), b"!", MsgFlags::MSG_OOB).unwrap();
        let notice = tokio::time::timeout(Duration::from_secs(20), changed(&attribute)).await;
        assert!(matches!(notice, Ok(Ok(()))), "{notice:?}");
    }
}
