//! Priority classes. Owns their order; what a client's request belongs to is decided far above this crate.

use std::fmt;

/// How urgent the bytes of a channel are. The order of the variants is the order of service: most urgent
/// first.
///
/// APF's own messages (replies, opens, closes, window adjusts) are an implicit class above all of these: they
/// are few, tiny, and what the peer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// Agent-presence heartbeats: late is as bad as lost.
    Watchdog,
    /// Health probes.
    Health,
    /// Single requests that somebody waits for.
    Interactive,
    /// Transfers of which only the total time matters.
    Bulk,
}

impl Class {
    /// Every class, most urgent first.
    pub const ALL: [Self; 4] = [Self::Watchdog, Self::Health, Self::Interactive, Self::Bulk];

    /// Whether being late is as bad as being lost: such requests may use the slots that are kept for them.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Watchdog | Self::Health)
    }

    /// Its place in [`Self::ALL`].
    pub fn index(self) -> usize {
        match self {
            Self::Watchdog => 0,
            Self::Health => 1,
            Self::Interactive => 2,
            Self::Bulk => 3,
        }
    }

    /// The name in lower case, as in configuration, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Watchdog => "watchdog",
            Self::Health => "health",
            Self::Interactive => "interactive",
            Self::Bulk => "bulk",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_names_that_configuration_and_metrics_use() {
        let names = Class::ALL.map(|class| class.to_string());
        assert_eq!(names, ["watchdog", "health", "interactive", "bulk"]);
        assert_eq!(Class::ALL.map(Class::name), ["watchdog", "health", "interactive", "bulk"]);
    }
}
