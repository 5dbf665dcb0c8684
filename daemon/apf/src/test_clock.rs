//! Where virtual time begins in the unit tests. An `Instant` can only be had from a clock; this is the one
//! reading, and no result depends on its value.

use std::{sync::OnceLock, time::Instant};

/// The origin: the same for every call of a run.
pub(crate) fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    #[allow(clippy::disallowed_methods)]
    *ORIGIN.get_or_init(Instant::now)
}
