//! `[shutdown]`: how the daemon ends.

use super::{
    Period,
    section::{minutes, seconds, section},
};

section! {
    /// The end of the daemon after a first SIGTERM, SIGINT or SIGHUP. A second one ends it at once.
    struct Shutdown {
        /// How long exchanges that are under way may go on. Then they are cut off.
        grace: Period = seconds(10), allowed seconds(0)..=minutes(10);
    }
}
