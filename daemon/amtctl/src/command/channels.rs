//! `amtctl channels`: who talks to the firmware, and through which channel.

use amtd_proto::v1::{self, CloseChannelRequest, ListChannelsRequest};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page, table::Table, when},
    session::Session,
};

/// What `channels` takes.
#[derive(Args)]
pub(crate) struct ChannelsArgs {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// List client connections
    List,
    /// Close a client connection, and its channel
    Close {
        /// Close the connection with this id
        id: u64,
    },
}

/// Lists or closes.
pub(super) async fn run(args: ChannelsArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.connect().await?;
    let output = session.output();
    match args.action.unwrap_or(Action::List) {
        Action::List => {
            let request = client.request(ListChannelsRequest {});
            let answer = client.call(client.channels().list_channels(request)).await?;
            let channels = answer.channels.into_iter().map(Channel::from).collect();
            output.show(&ChannelsDocument { channels })?;
        }
        Action::Close { id } => {
            let request = client.request(CloseChannelRequest { id });
            client.call(client.channels().close_channel(request)).await?;
            output.show(&ClosedDocument { id })?;
        }
    }
    Ok(Exit::Good)
}

/// The connections of clients.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ChannelsDocument {
    channels: Vec<Channel>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Channel {
    id: u64,
    port: u32,
    class: String,
    /// `detached`, `resting`, `waiting`, `opening`, `active`, `ending`.
    state: String,
    /// Whose it is; absent for the daemon's own.
    uid: Option<u32>,
    pid: Option<u32>,
    executable: Option<String>,
    /// Whether it holds a channel of the firmware now.
    attached: bool,
    bytes_to_firmware: u64,
    bytes_from_firmware: u64,
    requests: u64,
    age_seconds: Option<f64>,
    /// Since when nothing has passed.
    quiet_seconds: Option<f64>,
}

impl Document for ChannelsDocument {
    const KIND: &'static str = "channels";

    fn render(&self, page: &mut Page) {
        if self.channels.is_empty() {
            page.line("No clients are connected.");
            return;
        }
        let mut table = Table::new(["ID", "PORT", "CLASS", "STATE", "REQUESTS", "QUIET", "CLIENT"]);
        for channel in &self.channels {
            let quiet =
                channel.quiet_seconds.and_then(|quiet| std::time::Duration::try_from_secs_f64(quiet).ok());
            let state = if channel.attached { channel.state.clone() + "*" } else { channel.state.clone() };
            table.row([
                channel.id.to_string(),
                channel.port.to_string(),
                channel.class.clone(),
                state,
                channel.requests.to_string(),
                quiet.map(when::human).unwrap_or_default(),
                channel.owner(),
            ]);
        }
        page.table(&table);
        page.line("* holds a firmware channel");
    }
}

impl Channel {
    fn owner(&self) -> String {
        let program = self.executable.as_deref().map(|path| path.rsplit('/').next().unwrap_or(path));
        let parts = [
            program.map(String::from),
            self.pid.map(|pid| format!("pid {pid}")),
            self.uid.map(|uid| format!("uid {uid}")),
        ];
        let known: Vec<String> = parts.into_iter().flatten().collect();
        if known.is_empty() { "amtd itself".into() } else { known.join(", ") }
    }
}

impl From<v1::Channel> for Channel {
    fn from(channel: v1::Channel) -> Self {
        let seconds = |length: Option<&amtd_proto::Duration>| when::duration(length).map(|d| d.as_secs_f64());
        Self {
            age_seconds: seconds(channel.age.as_ref()),
            quiet_seconds: seconds(channel.quiet.as_ref()),
            id: channel.id,
            port: channel.port,
            class: channel.class,
            state: channel.state,
            uid: channel.uid,
            pid: channel.pid,
            executable: channel.executable,
            attached: channel.attached,
            bytes_to_firmware: channel.bytes_to_firmware,
            bytes_from_firmware: channel.bytes_from_firmware,
            requests: channel.requests,
        }
    }
}

/// A connection that was closed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ClosedDocument {
    id: u64,
}

impl Document for ClosedDocument {
    const KIND: &'static str = "closed";

    fn render(&self, page: &mut Page) {
        page.line(&format!("connection {} is closed", self.id));
    }
}
