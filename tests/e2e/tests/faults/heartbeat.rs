//! An agent that asserts its presence (wsman 14.1): a watchdog of its own, a session, and then one heartbeat at a time.

use amtd_harness::http::{Connection, Credentials, HttpError, Login, Response};
use amtd_harness::sim::{PASSWORD, USER};
use amtd_harness::wsman::{PATH, element, post, resource};

use crate::client::Wire;

const CLASS: &str = "AMT_AgentPresenceWatchdog";
const CREATE: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create";
const DEVICE: &str = "AAECAwQFBgcICQoLDA0ODw==";

/// A connection of the agent's.
type Line = Connection<Box<dyn Wire>>;

/// A registered agent.
pub(crate) struct Agent {
    connection: Line,
    login: Login,
    sequence: u32,
}

impl Agent {
    /// Creates the watchdog and begins a session.
    pub(crate) fn start(connect: impl Fn() -> Line) -> Self {
        let login = Login::new(Credentials { user: USER.to_owned(), password: PASSWORD.to_owned() });
        let mut agent = Self { connection: connect(), login, sequence: 0 };
        agent.log_in(connect);
        agent.exchange(&create());
        let registered = agent.exchange(&invoke("RegisterAgent", ""));
        let sequence = element(&registered.text(), "SessionSequenceNumber").expect("a sequence number");
        agent.sequence = sequence.parse().unwrap();
        agent
    }

    /// Sends a heartbeat.
    pub(crate) fn send(&mut self) {
        self.sequence = self.sequence.wrapping_add(1);
        let parameter = format!("<h:SequenceNumber>{}</h:SequenceNumber>", self.sequence);
        let request = self.request(&invoke("AssertPresence", &parameter));
        self.connection.send(&request).unwrap();
    }

    /// What comes of it.
    pub(crate) fn receive(&mut self) -> Result<Response, HttpError> {
        self.connection.receive()
    }

    /// Gets a challenge, after which firmware closes the connection.
    fn log_in(&mut self, connect: impl Fn() -> Line) {
        let request = self.request(&create());
        let refused = self.connection.exchange(&request).unwrap();
        self.login.challenged(refused.head()).unwrap();
        self.connection = connect();
    }

    /// One request that is answered with 200.
    fn exchange(&mut self, envelope: &str) -> Response {
        let request = self.request(envelope);
        let answer = self.connection.exchange(&request).unwrap();
        assert_eq!(answer.status(), 200, "{}", answer.text());
        answer
    }

    fn request(&mut self, envelope: &str) -> Vec<u8> {
        let authorization = self.login.authorize(PATH).unwrap();
        let headers: Vec<&str> = authorization.iter().map(String::as_str).collect();
        post(envelope, &headers)
    }
}

fn create() -> String {
    let watchdog = format!(
        "<h:DeviceID>{DEVICE}</h:DeviceID><h:MonitoredEntityDescription>test</h:MonitoredEntityDescription>\
         <h:StartupInterval>600</h:StartupInterval><h:TimeoutInterval>600</h:TimeoutInterval>"
    );
    envelope(CREATE, "", &wrapped(CLASS, &watchdog))
}

fn invoke(method: &str, parameters: &str) -> String {
    let selectors = format!(
        "<w:SelectorSet><w:Selector Name=\"CreationClassName\">{CLASS}</w:Selector>\
         <w:Selector Name=\"DeviceID\">{DEVICE}</w:Selector>\
         <w:Selector Name=\"SystemCreationClassName\">CIM_ComputerSystem</w:Selector>\
         <w:Selector Name=\"SystemName\">Intel(r) AMT</w:Selector></w:SelectorSet>"
    );
    let action = format!("{}/{method}", resource(CLASS));
    envelope(&action, &selectors, &wrapped(&format!("{method}_INPUT"), parameters))
}

fn wrapped(name: &str, content: &str) -> String {
    format!("<h:{name} xmlns:h=\"{}\">{content}</h:{name}>", resource(CLASS))
}

fn envelope(action: &str, selectors: &str, body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:Action>{action}</a:Action>\
         <a:To>/wsman</a:To><w:ResourceURI>{}</w:ResourceURI><a:MessageID>1</a:MessageID><a:ReplyTo>\
         <a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>\
         {selectors}</s:Header><s:Body>{body}</s:Body></s:Envelope>",
        resource(CLASS)
    )
}
