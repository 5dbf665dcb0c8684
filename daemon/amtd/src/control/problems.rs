//! The errors of the API that are the daemon's own: one function for each, so that reasons and words are in one place.

use std::time::Duration;

use amtd_proto::{Problem, STOPPING};
use tonic::Code;

use super::identity::Groups;
use crate::config::Level;

/// When to try again what failed because there were too many.
const CROWDED: Duration = Duration::from_secs(1);
/// When to try again what failed because the daemon is being restarted.
const RESTART: Duration = Duration::from_secs(5);

pub(super) fn no_such_method(path: &str) -> Problem {
    // The path is the caller's own text; more of it than this is not worth repeating.
    let path: String = path.chars().take(128).collect();
    let sentence = format!("This daemon knows no method {path}.");
    let next = "Use an amtctl of the daemon's own version.";
    Problem::new(Code::Unimplemented, "NO_SUCH_METHOD", sentence, next)
}

pub(super) fn not_permitted(path: &str, needed: Level, groups: &Groups) -> Problem {
    let method = path.rsplit('/').next().unwrap_or(path);
    let (group, admins) = (groups.name(needed), groups.name(Level::Admin));
    let who = match needed {
        Level::Admin => format!("the group {admins}"),
        Level::Operator | Level::Anyone => format!("the groups {group} and {admins}"),
    };
    let sentence = format!("{method} is allowed only to root and to members of {who}.");
    let next = format!("Run it as root, or join the group {group}.");
    Problem::new(Code::PermissionDenied, "NOT_PERMITTED", sentence, next)
}

pub(super) fn identity_unknown() -> Problem {
    let sentence = "The groups of the caller could not be looked up in time.";
    let next = "Check the machine's user database (nsswitch.conf), or run it as root.";
    Problem::new(Code::Unavailable, "IDENTITY_UNKNOWN", sentence, next).retry_after(CROWDED)
}

pub(super) fn too_many_connections() -> Problem {
    let sentence = "Too many connections to the daemon are open; this one may only ask about health.";
    let next = "Close other connections, or raise max_connections or max_connections_per_user in [control].";
    Problem::new(Code::ResourceExhausted, "TOO_MANY_CONNECTIONS", sentence, next).retry_after(CROWDED)
}

pub(super) fn too_many_calls() -> Problem {
    let sentence = "Too many calls to the daemon are under way.";
    let next = "Wait for others to end, or raise max_calls or max_calls_per_user in [control].";
    Problem::new(Code::ResourceExhausted, "TOO_MANY_CALLS", sentence, next).retry_after(CROWDED)
}

pub(super) fn bad_timeout() -> Problem {
    let sentence = "The header grpc-timeout is not a number of at most eight digits followed by a unit.";
    Problem::new(Code::InvalidArgument, "BAD_TIMEOUT", sentence, "Write it as in 250m or 5S.")
}

pub(super) fn too_late(limit: Duration) -> Problem {
    let sentence = format!("The call was not answered within {}.", humantime::format_duration(limit));
    let next = "See what is holding things up with `amtctl status`, or allow more time.";
    Problem::new(Code::DeadlineExceeded, "TOO_LATE", sentence, next)
}

pub(super) fn stopping() -> Problem {
    let next = "Try again when the daemon is running again.";
    Problem::new(Code::Unavailable, STOPPING, "The daemon is being stopped.", next).retry_after(RESTART)
}

pub(super) fn invalid(what: impl Into<String>, next: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidArgument, "INVALID_REQUEST", what, next)
}

pub(super) fn no_such_channel(id: u64) -> Problem {
    let sentence = format!("There is no client connection {id}.");
    let next = "It may have ended by itself; `amtctl channels` lists those that are open.";
    Problem::new(Code::NotFound, "NO_SUCH_CHANNEL", sentence, next)
}

/// Plain data could not be written as text: nothing that the caller did.
pub(super) fn defect(error: &dyn std::error::Error) -> Problem {
    let sentence = format!("The daemon cannot write its answer: {error}.");
    Problem::new(Code::Internal, "DEFECT", sentence, "Report this as a defect, with the log of the daemon.")
}
