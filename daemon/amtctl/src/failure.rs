//! Why a command could not be carried out: what is said, what is to be done about it, and the exit code.
//!
//! A job that ran and failed is no failure in this sense: its verdict is a result, and is shown as one.

use std::{io, time::Duration};

use amtd_proto::{Problem, STOPPING};
use tonic::Code;

use crate::{client::Unreachable, exit::Exit, secret::SecretError};

/// Why a command could not be carried out. Never contains a secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that makes no sense.
    #[error("{sentence}")]
    Usage {
        /// What is wrong.
        sentence: String,
        /// What would be right.
        next_step: String,
    },
    /// The daemon cannot be reached.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The daemon has gone, and has not come back in time.
    #[error("job {id} continues, or will be resumed, but it cannot be watched: {why}")]
    Unwatched {
        /// The job.
        id: String,
        /// Why not.
        why: Unreachable,
    },
    /// The daemon says no.
    #[error("{}", sentence_of(.0))]
    Refused(Problem),
    /// The daemon has not answered.
    #[error("amtd did not answer within {}", humantime::format_duration(*.0))]
    Silent(Duration),
    /// The daemon's answer lacks what it must contain.
    #[error("amtd sent an answer that cannot be used: {0}")]
    Answer(&'static str),
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// A file cannot be used.
    #[error("{path}: {why}")]
    File {
        /// Which one.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The program of the daemon cannot be run.
    #[error("{program} cannot be run: {source}")]
    Program {
        /// What was to be run.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// What was found cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// The reader of the output has gone, as `head` does: nobody is left who could be told.
    #[error("the reader of the output has gone")]
    ReaderGone,
    /// The user does not want it.
    #[error("nothing was done")]
    Declined,
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
    /// The system gives no threads, timers or signals.
    #[error("the system refused something that every program needs: {0}")]
    System(io::Error),
}

impl Failure {
    /// Bad usage, with what would be right.
    pub(crate) fn usage(sentence: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self::Usage { sentence: sentence.into(), next_step: next_step.into() }
    }

    /// A command line that was not understood: the first paragraph of the complaint.
    pub(crate) fn misread(error: &clap::Error) -> Self {
        let said = error.to_string();
        let lines = said.lines().take_while(|line| !line.is_empty()).map(str::trim);
        let sentence = lines.collect::<Vec<_>>().join(" ");
        Self::usage(sentence.trim_start_matches("error: "), "see `amtctl --help`")
    }

    /// Whether the daemon has gone, or is going, and may come back: whoever watches need not give up.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Unreachable(gone) => gone.may_pass(),
            Self::Refused(problem) => problem.reason == STOPPING,
            _ => false,
        }
    }

    /// How the program ends because of this.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Unreachable(Unreachable::Denied { .. }) => Exit::Denied,
            Self::Unreachable(_) => Exit::Unreachable,
            Self::Unwatched { .. } => Exit::Unfinished,
            Self::Refused(problem) => exit_of(problem.code),
            Self::Silent(_) => Exit::TryAgain,
            Self::Answer(_) | Self::System(_) => Exit::Defect,
            Self::Secret(SecretError::Interrupted) | Self::Interrupted => Exit::Interrupted,
            Self::Secret(_) | Self::File { .. } => Exit::BadInput,
            Self::Program { .. } => Exit::Unreachable,
            Self::Output(_) => Exit::Output,
            Self::ReaderGone => Exit::Good,
            Self::Declined => Exit::FailedClean,
        }
    }

    /// A stable word for programs.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Usage { .. } => "USAGE",
            Self::Unreachable(unreachable) => unreachable.reason(),
            Self::Unwatched { .. } => "UNWATCHED",
            Self::Refused(problem) => &problem.reason,
            Self::Silent(_) => "NO_ANSWER",
            Self::Answer(_) => "BAD_ANSWER",
            Self::Secret(error) => error.reason(),
            Self::File { .. } => "BAD_FILE",
            Self::Program { .. } => "NO_PROGRAM",
            Self::Output(_) | Self::ReaderGone => "OUTPUT",
            Self::Declined => "DECLINED",
            Self::Interrupted => "INTERRUPTED",
            Self::System(_) => "SYSTEM",
        }
    }

    /// What to do about it; empty if there is nothing to say.
    pub(crate) fn next_step(&self) -> String {
        match self {
            Self::Usage { next_step, .. } => next_step.clone(),
            Self::Unreachable(unreachable) => unreachable.next_step(),
            Self::Unwatched { id, why } => {
                format!("{}; then watch the job again with `amtctl jobs watch {id}`", why.next_step())
            }
            Self::Refused(problem) => next_step_of(problem),
            Self::Silent(_) => "allow more time with --timeout, or run `amtctl doctor`".into(),
            Self::Answer(_) => "compare the versions with `amtctl version`".into(),
            Self::Secret(error) => error.next_step(),
            Self::Program { .. } => "install amtd, or put it on the PATH".into(),
            _ => String::new(),
        }
    }

    /// After how many seconds trying again makes sense, where the daemon has said so.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }
}

fn exit_of(code: Code) -> Exit {
    match code {
        Code::PermissionDenied | Code::Unauthenticated => Exit::Denied,
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::Cancelled => Exit::TryAgain,
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::OutOfRange => Exit::Refused,
        Code::Ok | Code::Unknown | Code::Unimplemented | Code::Internal | Code::DataLoss => Exit::Defect,
    }
}

fn sentence_of(problem: &Problem) -> String {
    match problem.code {
        Code::Unimplemented => "this amtd does not support the request".into(),
        _ if problem.sentence.is_empty() => format!("amtd refuses: {}", problem.reason),
        _ => problem.sentence.clone(),
    }
}

fn next_step_of(problem: &Problem) -> String {
    let own = &problem.next_step;
    match (problem.code, problem.retry_after) {
        (Code::Unimplemented, _) => "compare the versions with `amtctl version`".into(),
        (_, Some(pause)) if own.is_empty() => {
            format!("try again in {}", humantime::format_duration(pause))
        }
        _ => own.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_by_its_exit_code_whether_trying_again_makes_sense() {
        let exit = |code| Failure::Refused(Problem::new(code, "X", "x", "")).exit();
        assert_eq!(exit(Code::Unavailable), Exit::TryAgain);
        assert_eq!(exit(Code::FailedPrecondition), Exit::Refused);
        assert_eq!(exit(Code::PermissionDenied), Exit::Denied);
        assert_eq!(exit(Code::Internal), Exit::Defect);
    }

    #[test]
    fn a_job_whose_daemon_has_gone_is_not_called_failed() {
        let why = Unreachable::Missing { socket: "/run/amtd/amtd.sock".into() };
        let failure = Failure::Unwatched { id: "7".into(), why };
        assert_eq!(failure.exit(), Exit::Unfinished);
        assert!(failure.next_step().ends_with("`amtctl jobs watch 7`"), "{}", failure.next_step());
    }

    #[test]
    fn a_pause_that_the_daemon_names_reaches_the_user() {
        let problem = Problem::new(Code::Unavailable, "X", "x", "").retry_after(Duration::from_secs(3));
        assert_eq!(Failure::Refused(problem).next_step(), "try again in 3s");
    }
}
