//! Allows one daemon for each runtime directory, by a lock that ends with the process, however that ends.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    fcntl::{Flock, FlockArg},
};

/// Held for as long as the daemon runs.
#[derive(Debug)]
pub struct InstanceLock {
    /// The file itself is never removed: that would race with the next daemon, which may have opened it already.
    _file: Flock<File>,
}

/// The lock cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another daemon has it.
    #[error("another amtd{} uses this runtime directory (lock {}); stop it, or name another with --runtime-dir",
        holder(*pid), path.display())]
    Held {
        /// The lock.
        path: PathBuf,
        /// The other process, if it has written its number yet.
        pid: Option<u32>,
    },
    /// The file cannot be used.
    #[error("{}: cannot be used as lock: {source}; name another directory with --runtime-dir", path.display())]
    Io {
        /// The lock.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl InstanceLock {
    /// Takes the lock of a runtime directory.
    ///
    /// # Errors
    ///
    /// Another process has it, or the file cannot be used.
    pub fn acquire(runtime_dir: &Path) -> Result<Self, LockError> {
        let path = runtime_dir.join("amtd.lock");
        let failed = |source| LockError::Io { path: path.clone(), source };
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        let mut file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((mut file, Errno::EWOULDBLOCK)) => {
                let pid = read_pid(&mut file);
                return Err(LockError::Held { path, pid });
            }
            Err((_, errno)) => return Err(failed(errno.into())),
        };
        write_pid(&mut file).map_err(failed)?;
        Ok(Self { _file: file })
    }
}

fn read_pid(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    // The file may contain anything; only a short number is accepted.
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_refused_and_told_who_is_first() {
        let directory = tempfile::tempdir().unwrap();
        let first = InstanceLock::acquire(directory.path()).unwrap();
        let error = InstanceLock::acquire(directory.path()).unwrap_err();
        assert!(
            matches!(error, LockError::Held { pid: Some(pid), .. } if pid == std::process::id()),
            "{error}"
        );
        assert!(error.to_string().starts_with(&format!("another amtd (process {})", std::process::id())));
        drop(first);
        InstanceLock::acquire(directory.path()).unwrap();
    }

    #[test]
    fn a_lock_file_left_by_a_crash_does_not_hold() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("amtd.lock"), "999999999999\n").unwrap();
        InstanceLock::acquire(directory.path()).unwrap();
        let text = std::fs::read_to_string(directory.path().join("amtd.lock")).unwrap();
        assert_eq!(text, format!("{}\n", std::process::id()));
    }

    #[test]
    fn a_holder_that_has_not_written_its_number_is_still_a_holder() {
        let directory = tempfile::tempdir().unwrap();
        let _first = InstanceLock::acquire(directory.path()).unwrap();
        std::fs::write(directory.path().join("amtd.lock"), "").unwrap();
        let error = InstanceLock::acquire(directory.path()).unwrap_err();
        assert!(matches!(error, LockError::Held { pid: None, .. }), "{error}");
    }

    #[test]
    fn a_directory_that_does_not_exist_is_named() {
        let error = InstanceLock::acquire(Path::new("/nonexistent")).unwrap_err();
        assert!(error.to_string().starts_with("/nonexistent/amtd.lock: "), "{error}");
    }
}
