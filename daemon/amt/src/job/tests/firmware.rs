//! A firmware of few words: host interface and WSMAN over state that tests set, and troubles that they order. Knows
//! what the flows use and no more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use tokio::io::DuplexStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::server;
use crate::machine::{Burst, HostClient, Machine, PLAIN_PORT, ReachError, TLS_PORT};
use crate::wsman::Element;

pub(super) const REALM: &str = "Digest:A3829B3827DE4D33D4449B366831FD01";
pub(super) const LOCAL_PASSWORD: &str = "local-Secret-1";
const NONCE: [u8; 20] = [7; 20];

/// What goes wrong when something is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is done, and the connection is closed without an answer.
    AnswerLost,
    /// It is not done, and the connection is closed.
    RequestLost,
    /// It is not done, and this is the return value or the status.
    Returns(u32),
    /// It is not done, and this is the fault.
    Fault(&'static str),
    /// The right password is refused.
    Unauthorized,
    /// It is accepted, and nothing comes of it.
    Ignored,
}

/// What firmware is and has been asked.
pub(super) struct Device {
    pub(super) mode: u32,
    pub(super) provisioning: u32,
    pub(super) version: &'static str,
    pub(super) build: &'static str,
    /// `None`: another program holds that host client.
    pub(super) enablement: Option<u8>,
    /// Whether its settings have switched the plain port off, which [`enablement`](Self::enablement) does not say.
    pub(super) tls_only: bool,
    /// MD5 of `admin`, realm and password, in hexadecimal digits.
    pub(super) admin: String,
    pub(super) mebx: Option<String>,
    /// Hash, whether it is active, whether it came with the firmware.
    pub(super) hashes: Vec<(Vec<u8>, bool, bool)>,
    pub(super) suffix: &'static str,
    pub(super) link_up: bool,
    pub(super) allowed_modes: Vec<u32>,
    /// The provisioning state after a setup.
    pub(super) after_setup: u32,
    /// Mode and provisioning state after so many more commands of the host interface.
    pub(super) becomes: Option<(usize, u32, u32)>,
    pub(super) seconds_ahead: i64,
    /// How long a new time is on its way.
    pub(super) seconds_late: i64,
    pub(super) classes: BTreeMap<String, Vec<(String, String)>>,
    /// What was asked, such as `Setup`, `Get AMT_GeneralSettings` and `amthi 10`.
    pub(super) asked: Vec<String>,
    chain: Vec<(Vec<u8>, String, String)>,
    troubles: Vec<(&'static str, usize, Trouble)>,
    /// Begin when the job does, not when it is planned.
    ordered: Vec<(&'static str, usize, Trouble)>,
}

/// A machine with this firmware.
#[derive(Clone)]
pub(super) struct Model(Arc<Mutex<Device>>);

impl Model {
    /// Not activated, TLS not enforced.
    pub(super) fn new() -> Self {
        let classes = [
            (
                "AMT_GeneralSettings",
                &[("DigestRealm", REALM), ("HostName", "old"), ("PingResponseEnabled", "true")][..],
            ),
            (
                "AMT_RedirectionService",
                &[("EnabledState", "32768"), ("ListenerEnabled", "false"), ("AccessLog", "x")],
            ),
            ("CIM_KVMRedirectionSAP", &[("EnabledState", "3")]),
            ("IPS_OptInService", &[("CanModifyOptInPolicy", "1"), ("OptInRequired", "4294967295")]),
        ];
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let classes =
            classes.map(|(class, properties)| (class.to_owned(), properties.iter().map(owned).collect()));
        Self(Arc::new(Mutex::new(Device {
            mode: 0,
            provisioning: 0,
            version: "16.1.25",
            build: "2124",
            enablement: Some(0x82),
            tls_only: false,
            admin: String::new(),
            mebx: None,
            hashes: Vec::new(),
            suffix: "example.com",
            link_up: true,
            allowed_modes: vec![1, 2],
            after_setup: 2,
            becomes: None,
            seconds_ahead: 0,
            seconds_late: 0,
            classes: classes.into(),
            asked: Vec::new(),
            chain: Vec::new(),
            troubles: Vec::new(),
            ordered: Vec::new(),
        })))
    }

    /// Activated in this mode with this password.
    pub(super) fn activated(mode: u32, password: &str) -> Self {
        let model = Self::new();
        let mut device = model.device();
        (device.mode, device.provisioning) = (mode, 2);
        device.admin = md5(&format!("admin:{REALM}:{password}"));
        drop(device);
        model
    }

    pub(super) fn device(&self) -> MutexGuard<'_, Device> {
        self.0.lock().unwrap()
    }

    /// Changes what firmware is. A statement that takes two guards would wait for itself.
    pub(super) fn set(&self, change: impl FnOnce(&mut Device)) {
        change(&mut self.device());
    }

    /// Control mode and provisioning state.
    pub(super) fn mode(&self) -> (u32, u32) {
        let device = self.device();
        (device.mode, device.provisioning)
    }

    /// Orders a trouble for the next so many times that this is asked, from when the job runs.
    #[must_use]
    pub(super) fn with(self, asked: &'static str, times: usize, trouble: Trouble) -> Self {
        self.device().ordered.push((asked, times, trouble));
        self
    }

    /// Troubles that were ordered begin.
    pub(super) fn troubled(&self) {
        let mut device = self.device();
        let ordered = std::mem::take(&mut device.ordered);
        device.troubles.extend(ordered);
        device.asked.clear();
    }

    /// How often this was asked since the job began.
    pub(super) fn times(&self, asked: &str) -> usize {
        self.device().asked.iter().filter(|one| *one == asked).count()
    }
}

/// What WSMAN answers.
pub(super) enum Answer {
    Body(String),
    Fault(&'static str),
    Unauthorized,
    Close,
}

impl Device {
    /// The digest that a user's login must be made with.
    pub(super) fn secret_of(&self, user: &str) -> Option<String> {
        match user {
            "$$OsAdmin" => Some(md5(&format!("$$OsAdmin:{REALM}:{LOCAL_PASSWORD}"))),
            "admin" if self.mode != 0 => Some(self.admin.clone()),
            _ => None,
        }
    }

    pub(super) fn property(&self, class: &str, name: &str) -> String {
        let properties = self.classes.get(class).map(Vec::as_slice).unwrap_or_default();
        properties.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    pub(super) fn set(&mut self, class: &str, name: &str, value: impl ToString) {
        let properties = self.classes.entry(class.into()).or_default();
        properties.retain(|(known, _)| known != name);
        properties.push((name.into(), value.to_string()));
    }

    fn trouble(&mut self, asked: &str) -> Option<Trouble> {
        self.asked.push(asked.to_owned());
        let found = self.troubles.iter_mut().find(|(what, times, _)| *what == asked && *times > 0)?;
        found.1 -= 1;
        Some(found.2)
    }

    /// Answers a SOAP request of a user who has logged in.
    pub(super) fn answer(&mut self, request: &[u8]) -> Answer {
        let envelope = Element::parse(request).unwrap();
        let header = envelope.child("Header").unwrap();
        let action = header.child("Action").unwrap().text().rsplit('/').next().unwrap().to_owned();
        let class = header.child("ResourceURI").unwrap().text().rsplit('/').next().unwrap().to_owned();
        let input = envelope.child("Body").unwrap().children().first().cloned();
        let asked = match action.as_str() {
            "Get" | "Put" | "Delete" => format!("{action} {class}"),
            method => method.to_owned(),
        };
        match self.trouble(&asked) {
            None => self.act(&action, &class, input),
            Some(Trouble::AnswerLost) => {
                self.act(&action, &class, input);
                Answer::Close
            }
            Some(Trouble::RequestLost) => Answer::Close,
            Some(Trouble::Returns(value)) => {
                returned(&action, &format!("<ReturnValue>{value}</ReturnValue>"))
            }
            Some(Trouble::Fault(name)) => Answer::Fault(name),
            Some(Trouble::Unauthorized) => Answer::Unauthorized,
            Some(Trouble::Ignored) => returned(&action, "<ReturnValue>0</ReturnValue>"),
        }
    }

    fn act(&mut self, action: &str, class: &str, input: Option<Element>) -> Answer {
        let given = |name: &str| {
            let input = input.as_ref();
            input.and_then(|input| input.child(name)).map(|value| value.text().to_owned()).unwrap_or_default()
        };
        let value = match action {
            "Get" => return self.get(class),
            "Put" => {
                let properties = input.iter().flat_map(Element::children);
                let properties =
                    properties.map(|one| (one.name().to_owned(), one.text().to_owned())).collect();
                self.classes.insert(class.into(), properties);
                return self.get(class);
            }
            "Setup" => self.set_up(1, given("NetworkAdminPassword")),
            "AddNextCertInChain" => {
                let der = STANDARD.decode(given("NextCertificate")).unwrap();
                self.chain.push((der, given("IsLeafCertificate"), given("IsRootCertificate")));
                0
            }
            "AdminSetup" if !self.is_proven(&given("McNonce"), &given("DigitalSignature")) => 5,
            "AdminSetup" => self.set_up(2, given("NetworkAdminPassword")),
            "UpgradeClientToAdmin" if !self.is_proven(&given("McNonce"), &given("DigitalSignature")) => 5,
            "UpgradeClientToAdmin" => self.set_up(2, self.admin.clone()),
            "CommitChanges" => self.become_(self.mode, 2),
            "Unprovision" | "PartialUnprovision" => self.become_(0, 0),
            "SetMEBxPassword" => {
                self.mebx = Some(given("Password"));
                0
            }
            "SetAdminAclEntryEx" => {
                let digest = STANDARD.decode(given("DigestPassword")).unwrap();
                self.admin = hexadecimal(&digest);
                0
            }
            "RequestStateChange" => {
                self.set(class, "EnabledState", given("RequestedState"));
                0
            }
            "GetLowAccuracyTimeSynch" => {
                let device = now() + self.seconds_ahead;
                return returned(action, &format!("<Ta0>{device}</Ta0><ReturnValue>0</ReturnValue>"));
            }
            "SetHighAccuracyTimeSynch" => {
                self.seconds_ahead = given("Tm2").parse::<i64>().unwrap() - now() - self.seconds_late;
                0
            }
            other => panic!("nobody taught the model {other}"),
        };
        returned(action, &format!("<ReturnValue>{value}</ReturnValue>"))
    }

    fn get(&self, class: &str) -> Answer {
        let properties = if class == "IPS_HostBasedSetupService" {
            let modes = self
                .allowed_modes
                .iter()
                .map(|mode| format!("<AllowedControlModes>{mode}</AllowedControlModes>"));
            let nonce = STANDARD.encode(NONCE);
            format!("{}<ConfigurationNonce>{nonce}</ConfigurationNonce>", modes.collect::<String>())
        } else {
            let Some(properties) = self.classes.get(class) else {
                return Answer::Fault("DestinationUnreachable");
            };
            properties.iter().map(|(name, value)| format!("<{name}>{value}</{name}>")).collect()
        };
        Answer::Body(format!("<{class}>{properties}</{class}>"))
    }

    fn set_up(&mut self, mode: u32, admin: String) -> u32 {
        self.admin = admin;
        self.become_(mode, self.after_setup)
    }

    fn become_(&mut self, mode: u32, provisioning: u32) -> u32 {
        (self.mode, self.provisioning) = (mode, provisioning);
        0
    }

    /// Whether the chain came in order, and the signature is that of its leaf over both nonces.
    fn is_proven(&self, nonce: &str, signature: &str) -> bool {
        let [(leaf, is_leaf, _), .., (_, _, is_root)] = self.chain.as_slice() else { return false };
        let message = [&NONCE[..], &STANDARD.decode(nonce).unwrap()].concat();
        let (_, leaf) = X509Certificate::from_der(leaf).unwrap();
        let public = &leaf.public_key().subject_public_key.data;
        let algorithm = &ring::signature::RSA_PKCS1_2048_8192_SHA256;
        let public = ring::signature::UnparsedPublicKey::new(algorithm, public);
        let is_signed = public.verify(&message, &STANDARD.decode(signature).unwrap()).is_ok();
        is_leaf == "true" && is_root == "true" && message.len() == 40 && is_signed
    }

    /// Whether AMT is switched off: then only its host interface is there.
    fn is_off(&self) -> bool {
        self.enablement.is_some_and(|bits| bits & 0x82 == 0x80)
    }

    /// Answers a message to the manageability client. Empty: the connection breaks.
    fn manageability(&mut self, request: &[u8]) -> Result<Vec<u8>, ReachError> {
        let operation = request[2];
        let trouble = self.trouble(&format!("mhc {operation:x}"));
        let is_done = matches!(trouble, None | Some(Trouble::AnswerLost));
        if operation == 0x53 && is_done {
            let on = request[4] << 1;
            self.enablement = self.enablement.map(|bits| bits & !0x02 | on);
        }
        match (trouble, operation) {
            (Some(Trouble::AnswerLost | Trouble::RequestLost), _) => Err(ReachError::Lost),
            (Some(Trouble::Returns(status)), _) => Ok(vec![5, 3, operation, 0x10, status.to_le_bytes()[0]]),
            (_, 0x53) => Ok(vec![5, 3, operation, 0x10, 0]),
            _ => Ok(vec![self.enablement.unwrap()]),
        }
    }

    /// Answers a message on the host interface. Empty: the connection breaks.
    fn amthi(&mut self, request: &[u8]) -> Result<Vec<u8>, ReachError> {
        if let Some((left, mode, provisioning)) = self.becomes.take() {
            match left.checked_sub(1) {
                Some(left) => self.becomes = Some((left, mode, provisioning)),
                None => (self.mode, self.provisioning) = (mode, provisioning),
            }
        }
        let operation = request[4];
        let (status, payload) = match self.trouble(&format!("amthi {operation:x}")) {
            Some(Trouble::Returns(status)) => (status, Vec::new()),
            Some(Trouble::AnswerLost) => {
                self.command(request);
                return Err(ReachError::Lost);
            }
            Some(_) => return Err(ReachError::Lost),
            None => self.command(request),
        };
        let length = u32::try_from(4 + payload.len()).unwrap();
        let header = [[1, 1, 0, 0], [operation, 0, 0x80, 4], length.to_le_bytes(), status.to_le_bytes()];
        Ok([header.as_flattened(), &payload].concat())
    }

    fn command(&mut self, request: &[u8]) -> (u32, Vec<u8>) {
        let text =
            |text: &str| [&u16::try_from(text.len()).unwrap().to_le_bytes()[..], text.as_bytes()].concat();
        let payload = match request[4] {
            0x10 if self.mode == 2 => return (3, Vec::new()),
            0x10 | 0x5E => self.become_(0, 0).to_le_bytes().to_vec(),
            0x11 => self.provisioning.to_le_bytes().to_vec(),
            0x1A => versions(&[("AMT", self.version), ("Build Number", self.build)]),
            0x2C => {
                let count = u32::try_from(self.hashes.len()).unwrap();
                (0..=count)
                    .map(|at| if at == 0 { count } else { at - 1 })
                    .flat_map(u32::to_le_bytes)
                    .collect()
            }
            0x2D => {
                let (hash, is_active, is_default) = &self.hashes[usize::from(request[12])];
                let mut space = hash.clone();
                space.resize(64, 0);
                let flags = [u32::from(*is_default), u32::from(*is_active)].map(u32::to_le_bytes);
                [flags.as_flattened(), &space, &[2], &text("root")].concat()
            }
            0x36 => text(self.suffix),
            0x48 => [&[0; 13][..], &[u8::from(self.link_up)], &[2; 6]].concat(),
            0x67 => {
                let field = |text: &str| {
                    let mut field = text.as_bytes().to_vec();
                    field.resize(33, 0);
                    field
                };
                [field("$$OsAdmin"), field(LOCAL_PASSWORD)].concat()
            }
            0x6B => self.mode.to_le_bytes().to_vec(),
            other => panic!("nobody taught the model {other:#x}"),
        };
        (0, payload)
    }
}

impl Machine for Model {
    type Burst = HostInterface;
    type Stream = DuplexStream;

    async fn open(&self, client: HostClient) -> Result<HostInterface, ReachError> {
        if client == HostClient::Mhc && self.device().enablement.is_none() {
            return Err(ReachError::Busy);
        }
        Ok(HostInterface { model: self.clone(), client })
    }

    async fn connect(&self, port: u16) -> Result<DuplexStream, ReachError> {
        if self.device().is_off() {
            return Err(ReachError::Refused);
        }
        if !self.serves(port) {
            return Err(ReachError::Refused);
        }
        let (client, server) = tokio::io::duplex(64 * 1024);
        tokio::spawn(server::serve(self.clone(), server, port == TLS_PORT));
        Ok(client)
    }

    fn serves(&self, port: u16) -> bool {
        let device = self.device();
        let tls = device.tls_only || device.enablement.is_some_and(|bits| bits & 0xC0 == 0xC0);
        port == if tls { TLS_PORT } else { PLAIN_PORT }
    }
}

/// A connection to a host client.
pub(super) struct HostInterface {
    model: Model,
    client: HostClient,
}

impl Burst for HostInterface {
    async fn exchange(&mut self, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        let mut device = self.model.device();
        match self.client {
            HostClient::Mhc => device.manageability(request).map(Zeroizing::new),
            _ => device.amthi(request).map(Zeroizing::new),
        }
    }

    async fn close(self) {}
}

fn versions(parts: &[(&str, &str)]) -> Vec<u8> {
    let field = |text: &str| {
        let mut field = u16::try_from(text.len()).unwrap().to_le_bytes().to_vec();
        field.extend(text.as_bytes());
        field.resize(22, 0);
        field
    };
    let mut payload = vec![0; 65];
    payload.extend(u32::try_from(parts.len()).unwrap().to_le_bytes());
    parts.iter().for_each(|(what, version)| payload.extend([field(what), field(version)].concat()));
    payload
}

fn returned(method: &str, outputs: &str) -> Answer {
    Answer::Body(format!("<{method}_OUTPUT>{outputs}</{method}_OUTPUT>"))
}

#[expect(clippy::disallowed_methods, reason = "firmware is asked for the time of day")]
fn now() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

pub(super) fn md5(text: &str) -> String {
    use md5::{Digest as _, Md5};
    hexadecimal(&Md5::digest(text))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
