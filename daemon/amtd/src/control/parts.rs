//! What the control API is made of.

use std::{path::PathBuf, sync::Arc};

use crate::{config::Config, driver::Handle, events::Log, front::Clients, http::Board, jobs};

/// What the services speak for.
#[derive(Debug, Clone)]
pub struct Parts<S, M> {
    /// How things stand.
    pub board: Board<S>,
    /// The owner of the link.
    pub driver: Handle,
    /// Who is connected.
    pub clients: Clients,
    /// What happened.
    pub log: Log,
    /// Work on firmware.
    pub jobs: jobs::Handle,
    /// This machine's firmware.
    pub machine: M,
    /// The configuration in force.
    pub config: Arc<Config>,
    /// What outlives the daemon.
    pub state_dir: PathBuf,
}
