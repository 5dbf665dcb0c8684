//! The channel service: the client connections, and ending one.

use amtd_proto::v1::{
    CloseChannelRequest, CloseChannelResponse, ListChannelsRequest, ListChannelsResponse,
    channel_service_server::ChannelService,
};
use tokio::task::spawn_blocking;
use tonic::{Request, Response, Status, async_trait};
use tracing::info;

use super::{convert, identity::Caller, problems};
use crate::{
    driver::Handle,
    front::{ClientReport, Clients, Program, programs},
};

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Channels {
    driver: Handle,
    clients: Clients,
}

impl Channels {
    pub(super) fn new(driver: Handle, clients: Clients) -> Self {
        Self { driver, clients }
    }
}

#[async_trait]
impl ChannelService for Channels {
    async fn list_channels(
        &self,
        _request: Request<ListChannelsRequest>,
    ) -> Result<Response<ListChannelsResponse>, Status> {
        let clients = self.clients.list();
        // Searching for the programs takes milliseconds, which nobody else should wait.
        let inodes = clients.iter().map(|client| client.inode).collect();
        let search = spawn_blocking(move || programs(&inodes));
        // A driver that has ended knows no connection any more.
        let flows = self.driver.status().await.map(|status| status.flows).unwrap_or_default();
        let programs = search.await.unwrap_or_default();
        let channel = |client: ClientReport| {
            let flow = flows.iter().find(|flow| flow.id == client.id);
            let program: Option<&Program> = programs.get(&client.inode);
            convert::channel(&client, flow, program)
        };
        Ok(Response::new(ListChannelsResponse { channels: clients.into_iter().map(channel).collect() }))
    }

    async fn close_channel(
        &self,
        request: Request<CloseChannelRequest>,
    ) -> Result<Response<CloseChannelResponse>, Status> {
        let who = request.extensions().get::<Caller>().map(|caller| caller.who.to_string());
        let CloseChannelRequest { id } = request.into_inner();
        if !self.clients.close(id) {
            return Err(problems::no_such_channel(id).into());
        }
        info!(channel = id, caller = who, "client connection closed by request");
        Ok(Response::new(CloseChannelResponse {}))
    }
}
