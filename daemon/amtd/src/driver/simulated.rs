//! What the simulation of the whole daemon needs of the driver: how links end and what follows, without a device and
//! tasks.

use std::time::Duration;

pub(crate) use super::{End, link::pause_after};

/// See there.
pub(crate) const MAX_EMPTY: u32 = super::MAX_EMPTY;
/// See there.
pub(crate) const PROOF: Duration = super::PROOF;
