//! The file in which a device's lasting state is kept, so that a restart of the simulator is a restart of firmware and no reset
//! to the factory.
//!
//! JSON, replaced as a whole by renaming, so that it is never half written; it holds the secrets of a device that does not exist
//! and is readable by its owner alone. `device::saved` says what is in it. Read by `firmware` at the start, written before anything
//! that depends on a change leaves the device.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::device::{Device, Saved};

/// Why the state cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub enum StateFileError {
    /// The file cannot be read.
    #[error("cannot read the state file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write the state file {}: {source}; its directory has to be writable", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what this program writes.
    #[error(
        "the state file {} is damaged or of another version: {message}; remove it to start with a new device",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

/// The file and what it holds.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    written: Option<Saved>,
}

impl StateFile {
    /// Reads the file; one that does not exist is made by the first [`Self::keep`].
    pub(crate) fn open(path: &Path) -> Result<Self, StateFileError> {
        let damaged = |message| StateFileError::Damaged { path: path.into(), message };
        let written = match fs::read(path) {
            Ok(bytes) => {
                let saved: Saved =
                    serde_json::from_slice(&bytes).map_err(|error| damaged(error.to_string()))?;
                saved.check().map_err(|error| damaged(error.to_string()))?;
                Some(saved)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(StateFileError::Read { path: path.into(), source }),
        };
        Ok(Self { path: path.into(), written })
    }

    /// What the file held when it was opened, or what was written last.
    pub(crate) fn held(&self) -> Option<&Saved> {
        self.written.as_ref()
    }

    /// Writes the device's lasting state if it has changed.
    pub(crate) fn keep(&mut self, device: &Device) -> Result<(), StateFileError> {
        let saved = device.save();
        if self.written.as_ref() == Some(&saved) {
            return Ok(());
        }
        self.write(&saved).map_err(|source| StateFileError::Write { path: self.path.clone(), source })?;
        self.written = Some(saved);
        Ok(())
    }

    fn write(&self, saved: &Saved) -> io::Result<()> {
        let mut beside = self.path.clone().into_os_string();
        beside.push(".new");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
        serde_json::to_writer_pretty(&mut file, saved)?;
        file.write_all(b"\n")?;
        fs::rename(beside, &self.path)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::device::accounts::{Ha1, Password};
    use crate::device::{ControlMode, DeviceConfig};

    fn device() -> Device {
        Device::new(
            DeviceConfig { control_mode: ControlMode::None, ..DeviceConfig::default() },
            Instant::now(),
        )
    }

    #[test]
    fn device_that_was_activated_is_activated_after_a_restart_with_its_password_and_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let (path, now) = (directory.path().join("state"), Instant::now());
        let mut file = StateFile::open(&path).unwrap();
        let mut before = device();
        before.setup(Ha1::new("admin", before.realm(), &Password::new("P@ssw0rd")), now).unwrap();
        before.network.host_name = "kept".into();
        before.adjust_clock(-3600);
        file.keep(&before).unwrap();
        let mut after = device();
        let file = StateFile::open(&path).unwrap();
        after.restore(file.held().unwrap().clone(), now);
        assert_eq!(after.control_mode(), ControlMode::Client);
        assert_eq!(after.accounts(), before.accounts());
        assert_eq!((after.realm(), after.network.host_name.as_str()), (before.realm(), "kept"));
        assert_eq!(after.unix_time(now), before.unix_time(now));
        assert_ne!(
            after.configuration_nonce(),
            before.configuration_nonce(),
            "nonces do not outlive a restart"
        );
    }

    #[test]
    fn damaged_or_foreign_file_is_refused_and_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        StateFile::open(&path).unwrap().keep(&device()).unwrap();
        let sound = fs::read_to_string(&path).unwrap();
        for damaged in [&sound[..sound.len() / 2], "", &sound.replacen("\"format\": 1", "\"format\": 7", 1)] {
            fs::write(&path, damaged).unwrap();
            let error = StateFile::open(&path).unwrap_err().to_string();
            assert!(error.contains("remove it"), "{error}");
        }
    }

    #[test]
    fn file_is_written_only_when_something_lasting_changes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("state");
        let (mut file, device) = (StateFile::open(&path).unwrap(), device());
        file.keep(&device).unwrap();
        fs::remove_file(&path).unwrap();
        file.keep(&device).unwrap();
        assert!(!path.exists());
    }
}
