//! Whether Intel LMS runs, which wants the same firmware client as the daemon.

use super::{Check, processes};

const NAME: &str = "lms";

pub(super) fn check() -> Check {
    match processes::named("lms").as_slice() {
        [] => Check::good(NAME, "Intel LMS is not running"),
        found => Check::bad(
            NAME,
            format!("Intel LMS is running: {}; the firmware serves only one of the two", found.join(", ")),
            "sudo systemctl disable --now lms, then sudo systemctl restart amtd",
        ),
    }
}
