//! The exit codes. Scripts rely on them: a number keeps its meaning for ever.
//!
//! From 64 on they are those of `sysexits.h`, as the daemon's own.

use std::process::ExitCode;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done as asked, or nothing needed to be done.
    Good = 0,
    /// It failed, and the device is as it was; or what was looked at is not well.
    FailedClean = 1,
    /// It failed in the middle: part of it is in force on the device.
    FailedPartial = 2,
    /// Nobody knows yet: the job goes on without a watcher.
    Unfinished = 3,
    /// The daemon refuses what was asked for, before anything was done.
    Refused = 4,
    /// The command line makes no sense.
    Usage = 64,
    /// A file or a secret cannot be used.
    BadInput = 65,
    /// The daemon cannot be reached.
    Unreachable = 69,
    /// A defect, of this program or of the daemon.
    Defect = 70,
    /// What was found cannot be written.
    Output = 74,
    /// Not now; the same may work later.
    TryAgain = 75,
    /// The caller may not do this.
    Denied = 77,
    /// Ended by Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

/// For the end of the help and for the manual page.
pub(crate) const TABLE: &str = "\
Exit codes:
    0  done, or nothing needed to be done
    1  failed, and the device is as it was; for health and doctor: trouble
    2  failed in the middle: part of it is in force on the device
    3  not known yet: the job continues, and nobody watches it
    4  refused by the daemon before anything was done
   64  the command line is wrong
   65  a file or a secret cannot be used
   69  the daemon cannot be reached
   70  a defect of amtctl or of the daemon
   74  the output cannot be written
   75  not now; the same may work later
   77  not permitted
  130  ended by Ctrl-C
config check and config defaults end with the exit code of amtd.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_scripts_rely_on_is_documented() {
        let all = [
            Exit::Good,
            Exit::FailedClean,
            Exit::FailedPartial,
            Exit::Unfinished,
            Exit::Refused,
            Exit::Usage,
            Exit::BadInput,
            Exit::Unreachable,
            Exit::Defect,
            Exit::Output,
            Exit::TryAgain,
            Exit::Denied,
            Exit::Interrupted,
        ];
        let documented: Vec<u8> = TABLE
            .lines()
            .filter_map(|line| line.trim_start().split_once("  ").and_then(|(number, _)| number.parse().ok()))
            .collect();
        assert_eq!(all.map(Exit::code).as_slice(), documented);
    }
}
