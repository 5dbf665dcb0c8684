//! What an error of the API carries: a stable reason for programs, a sentence and a next step for people, and a pause
//! after which trying again makes sense.
//!
//! On the wire these are the details that `google.rpc` defines: `ErrorInfo`, `Help` and `RetryInfo`. Both directions are
//! here, so that they cannot diverge.

use std::{borrow::Cow, collections::HashMap, fmt, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, HelpLink, StatusExt};

/// The domain of every reason.
pub const DOMAIN: &str = "amtd";

/// The reason for which a daemon that is being stopped ends calls, streams among them. The next daemon can be asked.
pub const STOPPING: &str = "STOPPING";

/// Where the next step is explained at length.
const MANUAL: &str = "man:amtctl(1)";

/// An error of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of error, as gRPC knows it.
    pub code: Code,
    /// Stable word for programs, such as `NOT_PERMITTED`.
    pub reason: Cow<'static, str>,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// What to do about it; empty if there is nothing.
    pub next_step: String,
    /// After how long trying again makes sense; `None` where it does not.
    pub retry_after: Option<Duration>,
}

impl Problem {
    /// One that does not go away by trying again.
    pub fn new(
        code: Code,
        reason: impl Into<Cow<'static, str>>,
        sentence: impl Into<String>,
        next_step: impl Into<String>,
    ) -> Self {
        let (reason, sentence, next_step) = (reason.into(), sentence.into(), next_step.into());
        Self { code, reason, sentence, next_step, retry_after: None }
    }

    /// Trying again makes sense after a pause.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        Self { retry_after: Some(pause), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Problem {}

impl From<Problem> for Status {
    fn from(problem: Problem) -> Self {
        let mut details = ErrorDetails::with_error_info(problem.reason, DOMAIN, HashMap::new());
        if !problem.next_step.is_empty() {
            details.set_help(vec![HelpLink::new(problem.next_step, MANUAL)]);
        }
        if problem.retry_after.is_some() {
            details.set_retry_info(problem.retry_after);
        }
        Self::with_error_details(problem.code, problem.sentence, details)
    }
}

impl From<&Status> for Problem {
    /// A status that the daemon itself did not send, such as one of the transport, gets the name of its code as reason.
    fn from(status: &Status) -> Self {
        // Details that cannot be read are as good as none: the code and the sentence are there in any case.
        let details = status.check_error_details().unwrap_or_default();
        let reason =
            details.error_info().filter(|info| info.domain == DOMAIN).map(|info| info.reason.clone());
        let help = details.help().and_then(|help| help.links.first());
        Self {
            code: status.code(),
            reason: reason.map_or(Cow::Borrowed(name(status.code())), Cow::Owned),
            sentence: status.message().into(),
            next_step: help.map(|link| link.description.clone()).unwrap_or_default(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }
}

/// The name of a code as the gRPC specification writes it.
fn name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_arrives_whole() {
        let problem =
            Problem::new(Code::Unavailable, "LINK_DOWN", "The link is down.", "Run `amtctl doctor`.");
        for sent in [problem.clone(), problem.retry_after(Duration::from_millis(1500))] {
            assert_eq!(Problem::from(&Status::from(sent.clone())), sent);
        }
        let bare = Problem::new(Code::NotFound, "NO_SUCH_JOB", "There is no job 7.", "");
        assert_eq!(Problem::from(&Status::from(bare.clone())), bare);
    }

    #[test]
    fn an_error_of_another_making_still_has_a_reason() {
        let problem = Problem::from(&Status::unavailable("connection refused"));
        assert_eq!(
            (problem.reason.as_ref(), problem.sentence.as_str()),
            ("UNAVAILABLE", "connection refused")
        );
    }

    #[test]
    fn details_that_are_garbage_do_not_hide_the_error() {
        let status = Status::with_details(Code::Internal, "broken", vec![0xff; 9].into());
        assert_eq!(Problem::from(&status).reason, "INTERNAL");
    }
}
