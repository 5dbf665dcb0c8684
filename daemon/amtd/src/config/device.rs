//! `[device]`: which MEI device, and how long an attempt to connect to it may take.

use std::path::PathBuf;

use super::{
    Period,
    section::{Problem, milliseconds, minutes, seconds, section},
};

section! {
    /// The MEI device.
    struct Device {
        /// The device: a character device, or the Unix socket of a virtual MEI device. If it is not set, the machine's nodes
        /// are probed for the firmware's LME client. The command line wins.
        path: Option<PathBuf> = None, example "\"/dev/mei0\"";
        /// How long one attempt to open and connect may take. The kernel itself gives firmware 15 s.
        connect_limit: Period = seconds(20), allowed milliseconds(100)..=minutes(5);
    }
    check paths;
}

fn paths(section: &Device) -> Option<Problem> {
    let path = section.path.as_ref()?;
    (!path.is_absolute())
        .then(|| Problem::new("path", format!("{path:?} is not allowed; allowed: an absolute path")))
}
