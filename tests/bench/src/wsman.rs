//! Requests of agents, of those around them and of whoever activates: envelopes that the harness does not have, and a client that
//! logs in.

use std::net::SocketAddr;

use amtd_harness::http::{Credentials, Login};
use amtd_harness::{sim, wsman};
use anyhow::{Result, ensure};

use crate::load::Client;

/// What activates a device from its host (wsman 9.2).
pub(crate) const SETUP_SERVICE: &str = "IPS_HostBasedSetupService";
/// What agents assert their presence to (wsman 14.1).
pub(crate) const WATCHDOG: &str = "AMT_AgentPresenceWatchdog";
const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";

/// A login that has seen no challenge.
pub(crate) fn login() -> Login {
    Login::new(Credentials { user: sim::USER.to_owned(), password: sim::PASSWORD.to_owned() })
}

/// The envelope that creates the watchdog of an agent, which may be silent for `timeout` seconds.
pub(crate) fn create_watchdog(device_id: &str, timeout: u16) -> String {
    let properties = format!(
        "<h:DeviceID>{device_id}</h:DeviceID><h:MonitoredEntityDescription>bench</h:MonitoredEntityDescription>\
         <h:StartupInterval>600</h:StartupInterval><h:TimeoutInterval>{timeout}</h:TimeoutInterval>"
    );
    envelope(WATCHDOG, &format!("{TRANSFER}/Create"), "", &element(WATCHDOG, WATCHDOG, &properties))
}

/// The envelope with which an agent begins its session.
pub(crate) fn register_agent(device_id: &str) -> String {
    invoke("RegisterAgent", device_id, "")
}

/// The envelope of a heartbeat.
pub(crate) fn assert_presence(device_id: &str, sequence: u32) -> String {
    invoke("AssertPresence", device_id, &format!("<h:SequenceNumber>{sequence}</h:SequenceNumber>"))
}

/// The envelope that activates client control mode; `digest` is MD5 over user, realm and password, in hexadecimal.
pub(crate) fn setup(digest: &str) -> String {
    let action = format!("{}/Setup", wsman::resource(SETUP_SERVICE));
    let parameters = format!(
        "<h:NetAdminPassEncryptionType>2</h:NetAdminPassEncryptionType>\
         <h:NetworkAdminPassword>{digest}</h:NetworkAdminPassword>"
    );
    envelope(SETUP_SERVICE, &action, "", &element(SETUP_SERVICE, "Setup_INPUT", &parameters))
}

fn invoke(method: &str, device_id: &str, parameters: &str) -> String {
    let action = format!("{}/{method}", wsman::resource(WATCHDOG));
    let selectors = format!(
        "<w:SelectorSet><w:Selector Name=\"CreationClassName\">{WATCHDOG}</w:Selector>\
         <w:Selector Name=\"DeviceID\">{device_id}</w:Selector>\
         <w:Selector Name=\"SystemCreationClassName\">CIM_ComputerSystem</w:Selector>\
         <w:Selector Name=\"SystemName\">Intel(r) AMT</w:Selector></w:SelectorSet>"
    );
    envelope(WATCHDOG, &action, &selectors, &element(WATCHDOG, &format!("{method}_INPUT"), parameters))
}

fn element(class: &str, name: &str, content: &str) -> String {
    format!("<h:{name} xmlns:h=\"{}\">{content}</h:{name}>", wsman::resource(class))
}

fn envelope(class: &str, action: &str, selectors: &str, body: &str) -> String {
    let resource = wsman::resource(class);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:Action>{action}</a:Action>\
         <a:To>/wsman</a:To><w:ResourceURI>{resource}</w:ResourceURI><a:MessageID>1</a:MessageID><a:ReplyTo>\
         <a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>\
         {selectors}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// A client of the load generator that logs in: it answers a challenge once, on a new connection if the old one was closed.
pub(crate) struct Caller {
    address: SocketAddr,
    login: Login,
    connection: Option<Client>,
}

impl Caller {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, login: login(), connection: None }
    }

    /// One request, answered with 200, on the connection that is kept or on a new one.
    pub(crate) async fn call(&mut self, envelope: &str) -> Result<()> {
        let mut status = self.attempt(envelope).await?;
        if status == 401 {
            status = self.attempt(envelope).await?;
        }
        ensure!(status == 200, "answer {status}");
        Ok(())
    }

    /// Closes the connection: the next request has one of its own.
    pub(crate) fn hang_up(&mut self) {
        self.connection = None;
    }

    async fn attempt(&mut self, envelope: &str) -> Result<u16> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Client::connect(self.address).await?,
        };
        let authorization = self.login.authorize(wsman::PATH)?;
        let headers: Vec<&str> = authorization.iter().map(String::as_str).collect();
        let head = connection.ask(&wsman::post(envelope, &headers)).await?;
        if head.status() == 401 {
            self.login.challenged(&head)?;
        }
        if !head.closes() {
            self.connection = Some(connection);
        }
        Ok(head.status())
    }
}
