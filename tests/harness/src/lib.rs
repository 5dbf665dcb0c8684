//! Starts the firmware simulator and the daemon in temporary directories, and speaks to them as their users do.
//!
//! For end-to-end tests, the benchmark and the demo. It owns processes, their directories, sockets and logs, and a small
//! blocking HTTP client with full control over what goes out when. It knows nothing of what is inside the daemon: everything goes
//! through the interfaces that a user or systemd has.
//!
//! Nothing here sleeps or polls: readiness is the daemon's own `READY=1`, the end of a process is waited for in the kernel, and
//! every wait has a limit. Dropping a [`Sim`] or a [`Daemon`] kills the process and removes its directory; when a test is
//! failing at that moment, the log of the process is printed first.
//!
//! ```no_run
//! use amtd_harness::{Daemon, Sim, WsmanClient};
//!
//! let sim = Sim::start()?;
//! let daemon = Daemon::start(sim.device())?;
//! let mut client = WsmanClient::new(daemon.address(16992)?, "admin", amtd_harness::sim::PASSWORD);
//! let answer = client.get("AMT_GeneralSettings")?;
//! assert_eq!(answer.status(), 200);
//! # Ok::<(), amtd_harness::Error>(())
//! ```

#![forbid(unsafe_code)]

mod amtctl;
pub mod binaries;
pub mod daemon;
mod error;
pub mod http;
pub mod journal;
mod notify;
pub mod process;
pub mod sim;
pub mod unix_http;
pub mod wsman;

pub use amtctl::{Amtctl, Said};
pub use daemon::{Daemon, DaemonOptions};
pub use error::Error;
pub use journal::Journal;
pub use process::{Process, Usage};
pub use sim::{Sim, SimOptions};
pub use wsman::WsmanClient;

use std::time::Duration;

/// How long anything that should happen at once may take on a loaded machine before the harness calls it a failure.
pub const PATIENCE: Duration = Duration::from_secs(20);
