//! TLS on the secure ports, through the virtual device: certificates, framing, ends, and what goes wrong on purpose.

use std::io::{Read, Write};
use std::sync::Arc;

use ::ring::digest::{SHA256, digest};
use amt_sim::config::TlsMode;
use amt_sim::device::ControlMode;
use amt_sim::host::{ApfHost, Host};
use amt_sim::mei::ClientKind;
use amt_sim::pki::ProvisioningChain;
use amt_sim::tls::IdentityChain;
use amt_sim::web::content_byte;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use rustls::client::WantsClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, ConfigBuilder, DigitallySignedStruct, Error, SignatureScheme,
    SupportedProtocolVersion,
};
use serde_json::json;

use crate::rig::{Rig, Scripted};
use crate::wsman::{self, Login, Outcome};

const PORT: u16 = 16993;

/// A simulator that speaks TLS, and serves the plain ports too.
fn rig(mode: ControlMode) -> Rig {
    Rig::with(|config| {
        config.device.control_mode = mode;
        config.device.tls.mode = TlsMode::Also;
        config.apf.ports = vec![16992, PORT];
    })
}

/// Believes everything, and still checks that the server has the key.
#[derive(Debug)]
struct Anyone(CryptoProvider);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn builder(versions: &[&'static SupportedProtocolVersion]) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let provider = ring::default_provider();
    ClientConfig::builder_with_provider(Arc::new(provider.clone()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
}

/// A client on a channel.
struct Client {
    tls: ClientConnection,
    channel: u32,
    taken: usize,
    received: Vec<u8>,
}

impl Client {
    /// Opens a channel and sends nothing yet.
    fn open(host: &mut ApfHost, window: u32, versions: &[&'static SupportedProtocolVersion]) -> Self {
        Self::start(host, window, builder(versions).with_no_client_auth())
    }

    fn start(host: &mut ApfHost, window: u32, config: ClientConfig) -> Self {
        let name = ServerName::try_from("localhost").unwrap();
        let tls = ClientConnection::new(Arc::new(config), name).unwrap();
        let channel = host.open(PORT, window).unwrap();
        assert_eq!(host.channels[&channel].refused, None);
        Self { tls, channel, taken: 0, received: Vec::new() }
    }

    /// Opens a channel and shakes hands.
    #[track_caller]
    fn connect(host: &mut ApfHost) -> Self {
        let mut client = Self::open(host, 4096, rustls::ALL_VERSIONS);
        client.await_until(host, |client| !client.tls.is_handshaking()).unwrap();
        client
    }

    /// The records to send.
    fn records(&mut self) -> Vec<u8> {
        let mut records = Vec::new();
        while self.tls.wants_write() {
            self.tls.write_tls(&mut records).unwrap();
        }
        records
    }

    /// Takes what has come and sends what is to be sent.
    fn exchange(&mut self, host: &mut ApfHost) -> Result<(), Error> {
        let outcome = self.read(host);
        let records = self.records();
        host.write(self.channel, &records).unwrap();
        outcome
    }

    fn read(&mut self, host: &ApfHost) -> Result<(), Error> {
        let input = host.channels[&self.channel].input[self.taken..].to_vec();
        self.taken += input.len();
        let mut unread = input.as_slice();
        while !unread.is_empty() {
            if self.tls.read_tls(&mut unread).unwrap() == 0 {
                break;
            }
            let state = self.tls.process_new_packets()?;
            let start = self.received.len();
            self.received.resize(start + state.plaintext_bytes_to_read(), 0);
            self.tls.reader().read_exact(&mut self.received[start..]).unwrap();
        }
        Ok(())
    }

    /// Exchanges and pumps until `done` holds.
    fn await_until(&mut self, host: &mut ApfHost, done: impl Fn(&Self) -> bool) -> Result<(), Error> {
        loop {
            self.exchange(host)?;
            if done(self) {
                return Ok(());
            }
            host.pump().unwrap();
        }
    }

    /// Asks for a path and returns the response, which has a Content-Length.
    #[track_caller]
    fn fetch(&mut self, host: &mut ApfHost, path: &str, field: &str) -> Vec<u8> {
        self.received.clear();
        let request = format!("GET {path} HTTP/1.1\r\nHost: amt\r\n{field}\r\n");
        self.tls.writer().write_all(request.as_bytes()).unwrap();
        self.await_until(host, |client| body(&client.received).is_some()).unwrap();
        std::mem::take(&mut self.received)
    }

    /// Posts and returns everything that comes until firmware closes the connection.
    fn post(mut self, host: &mut ApfHost, authorization: &str, body: &str) -> Result<String, Error> {
        let length = body.len();
        let head = format!(
            "POST /wsman HTTP/1.1\r\nHost: amt\r\nConnection: close\r\n{authorization}\
             Content-Length: {length}\r\n\r\n"
        );
        self.tls.writer().write_all(format!("{head}{body}").as_bytes()).unwrap();
        self.await_until(host, |client| client.tls.wants_read() && !client.tls.is_handshaking())?;
        host.pump_until(|host| self.is_closed_by_firmware(host));
        self.read(host)?;
        Ok(String::from_utf8_lossy(&self.received).into_owned())
    }

    /// Names of the certificates that the server showed.
    fn shown(&self) -> Vec<String> {
        let certificates = self.tls.peer_certificates().unwrap();
        let name = |der: &CertificateDer<'_>| {
            x509_parser::parse_x509_certificate(der).unwrap().1.subject().to_string()
        };
        certificates.iter().map(name).collect()
    }

    fn is_closed_by_firmware(&self, host: &ApfHost) -> bool {
        host.channels[&self.channel].closed
    }
}

/// The body of a complete response.
fn body(response: &[u8]) -> Option<&[u8]> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&response[..end]).ok()?;
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    (response.len() - end >= length).then_some(&response[end..])
}

fn is_ok(response: &[u8]) -> bool {
    response.starts_with(b"HTTP/1.1 200")
}

#[test]
fn kept_connections_of_both_versions_are_served_and_end_with_a_close_notify() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut client = Client::open(&mut host, 4096, &[version]);
        assert!(is_ok(&client.fetch(&mut host, "/", "")));
        assert!(is_ok(&client.fetch(&mut host, "/", "")));
        assert_eq!(client.tls.protocol_version(), Some(version.version));
        assert!(is_ok(&client.fetch(&mut host, "/", "Connection: close\r\n")));
        host.pump_until(|host| client.is_closed_by_firmware(host));
        client.read(&host).unwrap();
        let mut rest = [0; 1];
        assert_eq!(client.tls.reader().read(&mut rest).unwrap(), 0, "the end was announced");
    }
    host.barrier();
    assert_eq!(rig.session()["slots_in_use"], 0);
    assert_eq!(rig.stats()["requests"], 6, "handshakes are no requests");
    rig.assert_no_violations();
}

#[test]
fn identity_is_shown_before_provisioning_and_a_self_signed_certificate_afterwards() {
    let unprovisioned = rig(ControlMode::None);
    let shown = Client::connect(&mut unprovisioned.host()).shown();
    assert_eq!((shown.len(), shown[0].as_str()), (6, "O=amt-sim, CN=AMT RCFG"));
    assert!(shown[3].contains("ROM CA"));
    let short = Rig::with(|config| {
        config.device.control_mode = ControlMode::None;
        config.device.tls.mode = TlsMode::Enforced;
        config.device.tls.identity = IdentityChain::ToRom;
        config.apf.ports = vec![PORT, 664];
    });
    assert_eq!(Client::connect(&mut short.host()).shown().len(), 4);
    for mode in [ControlMode::Client, ControlMode::Admin] {
        assert_eq!(Client::connect(&mut rig(mode).host()).shown().len(), 1);
    }
}

#[test]
fn long_response_crosses_a_small_window_whole() {
    const LENGTH: usize = 300_000;
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let mut client = Client::open(&mut host, 600, rustls::ALL_VERSIONS);
    let response = client.fetch(&mut host, &format!("/sim/bulk/{LENGTH}"), "");
    let body = body(&response).unwrap();
    assert_eq!(body.len(), LENGTH);
    assert!((0..).zip(body).all(|(offset, byte)| *byte == content_byte(offset)));
    rig.assert_no_violations();
}

#[test]
fn hello_in_single_bytes_is_understood() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let mut client = Client::open(&mut host, 4096, rustls::ALL_VERSIONS);
    for byte in client.records() {
        host.write(client.channel, &[byte]).unwrap();
    }
    assert!(is_ok(&client.fetch(&mut host, "/", "")));
    rig.assert_no_violations();
}

#[test]
fn plain_text_on_the_secure_port_gets_an_alert_and_the_end() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let channel = host.open(PORT, 4096).unwrap();
    host.write(channel, b"GET / HTTP/1.1\r\nHost: amt\r\n\r\n").unwrap();
    host.pump_until(|host| host.channels[&channel].closed);
    let input = &host.channels[&channel].input;
    assert_eq!((input.len(), input[0]), (7, 21), "one alert: {input:02x?}");
    assert!(Client::connect(&mut host).shown().len() == 1, "others are served");
    rig.assert_no_violations();
}

#[test]
fn garbage_from_the_client_in_mid_stream_ends_the_connection() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let mut client = Client::connect(&mut host);
    assert!(is_ok(&client.fetch(&mut host, "/", "")));
    host.write(client.channel, &[0xFF; 40]).unwrap();
    host.pump_until(|host| client.is_closed_by_firmware(host));
    let error = client.read(&host).unwrap_err();
    assert!(matches!(error, Error::AlertReceived(_)), "{error}");
    rig.assert_no_violations();
}

#[test]
fn close_notify_of_the_client_is_answered_and_frees_the_slot() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let mut client = Client::connect(&mut host);
    client.tls.send_close_notify();
    client.exchange(&mut host).unwrap();
    host.pump_until(|host| client.is_closed_by_firmware(host));
    host.barrier();
    assert_eq!(rig.session()["slots_in_use"], 0);
    rig.assert_no_violations();
}

#[test]
fn host_that_closes_in_the_middle_of_a_handshake_leaves_nothing_behind() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    rig.act(json!({ "do": "stall-engine" }));
    let mut client = Client::open(&mut host, 4096, rustls::ALL_VERSIONS);
    client.exchange(&mut host).unwrap();
    host.close(client.channel).unwrap();
    host.pump_until(|host| client.is_closed_by_firmware(host));
    rig.act(json!({ "do": "release-engine" }));
    host.barrier();
    assert_eq!(rig.session()["slots_in_use"], 0);
    assert!(is_ok(&Client::connect(&mut host).fetch(&mut host, "/", "")));
    rig.assert_no_violations();
}

#[test]
fn handshake_waits_for_the_engine() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    rig.act(json!({ "do": "stall-engine" }));
    let mut client = Client::open(&mut host, 4096, rustls::ALL_VERSIONS);
    client.exchange(&mut host).unwrap();
    host.barrier();
    assert_eq!(host.channels[&client.channel].received, 0);
    rig.act(json!({ "do": "release-engine" }));
    assert!(is_ok(&client.fetch(&mut host, "/", "")));
    rig.assert_no_violations();
}

#[test]
fn flawed_identity_is_shown_to_as_many_connections_as_asked_for() {
    let rig = rig(ControlMode::None);
    let mut host = rig.host();
    rig.act(json!({ "do": "flawed-identities", "flaw": "wrong-name" }));
    rig.act(json!({ "do": "flawed-identities", "flaw": "short" }));
    assert_eq!(Client::connect(&mut host).shown()[0], "O=amt-sim, CN=Another Device");
    assert_eq!(Client::connect(&mut host).shown().len(), 3);
    assert_eq!(Client::connect(&mut host).shown().len(), 6);
}

#[test]
fn stalled_handshake_never_gets_its_answer_and_others_do() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    rig.act(json!({ "do": "stall-handshakes" }));
    let mut stalled = Client::open(&mut host, 4096, rustls::ALL_VERSIONS);
    stalled.exchange(&mut host).unwrap();
    assert!(is_ok(&Client::connect(&mut host).fetch(&mut host, "/", "")));
    host.barrier();
    assert_eq!(host.channels[&stalled.channel].received, 0);
    host.close(stalled.channel).unwrap();
    host.pump_until(|host| stalled.is_closed_by_firmware(host));
    rig.assert_no_violations();
}

#[test]
fn connection_ends_without_a_close_notify() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    rig.act(json!({ "do": "abrupt-tls-ends" }));
    let mut client = Client::connect(&mut host);
    assert!(is_ok(&client.fetch(&mut host, "/", "Connection: close\r\n")));
    host.pump_until(|host| client.is_closed_by_firmware(host));
    client.read(&host).unwrap();
    let error = client.tls.reader().read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock, "no end was announced");
    rig.assert_no_violations();
}

#[test]
fn garbage_comes_in_the_middle_of_a_response() {
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let mut client = Client::connect(&mut host);
    rig.act(json!({ "do": "garbage-records", "bytes": 5000 }));
    client.tls.writer().write_all(b"GET /sim/bulk/20000 HTTP/1.1\r\nHost: amt\r\n\r\n").unwrap();
    let error = client.await_until(&mut host, |client| body(&client.received).is_some()).unwrap_err();
    assert!(!matches!(error, Error::AlertReceived(_)), "{error}");
    assert!(client.received.len() < 20_000);
    // The client has sent an alert, which is the end of the connection.
    host.pump_until(|host| client.is_closed_by_firmware(host));
    rig.assert_no_violations();
}

#[test]
fn secure_port_carries_plain_text_while_tls_is_off() {
    let rig = Rig::with(|config| config.apf.ports = vec![16992, PORT]);
    let mut host = rig.host();
    let channel = host.open(PORT, 4096).unwrap();
    assert!(host.fetch(channel, "/").starts_with("HTTP/1.1 200"));
}

/// A client that shows the certificate of a provisioning chain.
fn provisioning_client(host: &mut ApfHost, chain: &ProvisioningChain) -> Client {
    let certificates = chain.certificates().into_iter().map(|der| der.to_vec().into()).collect();
    let key = PrivatePkcs8KeyDer::from(chain.leaf_key.clone()).into();
    let config = builder(rustls::ALL_VERSIONS).with_client_auth_cert(certificates, key).unwrap();
    Client::start(host, 65536, config)
}

/// A request to a class of AMT's, or to one of its instances, over two connections, one of them for the challenge.
fn send(
    host: &mut ApfHost,
    connect: impl Fn(&mut ApfHost) -> Client,
    login: &Login<'_>,
    (class, action, instance): (&str, &str, &str),
    body: &str,
) -> Outcome {
    let resource = format!("http://intel.com/wbem/wscim/1/amt-schema/1/{class}");
    let action = match action {
        "Put" | "Create" => format!("http://schemas.xmlsoap.org/ws/2004/09/transfer/{action}"),
        method => format!("{resource}/{method}"),
    };
    let body = body.replacen('>', &format!(" xmlns:h=\"{resource}\">"), 1);
    let selector = format!(
        "<w:SelectorSet><w:Selector Name=\"InstanceID\">{instance}</w:Selector></w:SelectorSet></s:Header>"
    );
    let mut envelope = wsman::envelope(&resource, &action, &body);
    if !instance.is_empty() {
        envelope = envelope.replace("</s:Header>", &selector);
    }
    let challenge = connect(host).post(host, "", &envelope).unwrap();
    let authorization = wsman::sign(login, &challenge);
    wsman::read(&connect(host).post(host, &authorization, &envelope).unwrap())
}

/// The body of a method's call.
fn input(method: &str, parameters: &str) -> String {
    format!("<h:{method}_INPUT>{parameters}</h:{method}_INPUT>")
}

/// Status and payload of the answer to an AMTHI operation.
fn amthi(host: &mut Host, operation: u8, payload: &[u8]) -> (u32, Vec<u8>) {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    host.send(&[&[1, 1, 0, 0, operation, 0, 0, 4], &length[..], payload].concat()).unwrap();
    let answer = host.receive().unwrap();
    (u32::from_le_bytes(answer[12..16].try_into().unwrap()), answer[16..].to_vec())
}

/// Starts a host-based configuration for the holder of `chain`. Returns the hash of the device's certificate.
fn start_host_based(local: &mut Host, chain: &ProvisioningChain) -> Vec<u8> {
    let start = [&[2], &sha256(&chain.leaf)[..], &[0; 32], &[0; 325]].concat();
    let (status, announced) = amthi(local, 0x8B, &start);
    assert_eq!((status, announced[0]), (0, 2));
    announced[1..33].to_vec()
}

fn sha256(der: &[u8]) -> Vec<u8> {
    digest(&SHA256, der).as_ref().to_vec()
}

/// Sets the administrator's and the MEBx's password and commits. `login` gives the login for each step.
fn configure_by_host<'a>(host: &mut ApfHost, chain: &ProvisioningChain, login: impl Fn(&str) -> Login<'a>) {
    let challenge = provisioning_client(host, chain).post(host, "", "").unwrap();
    let realm = challenge.split('"').nth(1).unwrap().to_owned();
    let secret = STANDARD.encode(Md5::digest(format!("admin:{realm}:New!Pass1")));
    let account = format!("<h:Username>admin</h:Username><h:DigestPassword>{secret}</h:DigestPassword>");
    let setup = "AMT_SetupAndConfigurationService";
    let steps = [
        ("AMT_AuthorizationService", "SetAdminAclEntryEx", account.as_str()),
        (setup, "SetMEBxPassword", "<h:Password>Mebx!Pass1</h:Password>"),
        (setup, "CommitChanges", ""),
    ];
    let connect = |host: &mut ApfHost| provisioning_client(host, chain);
    for (class, method, parameters) in steps {
        let answer = send(host, connect, &login(method), (class, method, ""), &input(method, parameters));
        assert_eq!(answer.value("ReturnValue"), "0", "{method}");
    }
}

/// A device that enforces TLS and trusts the root of `chain`, and its AMTHI.
fn tls_enforced(mode: ControlMode, chain: &ProvisioningChain) -> (Rig, Host) {
    let rig = Rig::with(|config| {
        config.device.control_mode = mode;
        config.device.tls.mode = TlsMode::Enforced;
        config.device.trusted_roots = vec![chain.root.clone()];
        config.apf.ports = vec![PORT, 664];
    });
    let mut local = rig.open();
    assert_eq!(local.connect(ClientKind::Amthi).unwrap().status, 0);
    (rig, local)
}

#[test]
fn host_based_configuration_reaches_admin_control_with_the_announced_certificates() {
    let chain = ProvisioningChain::new("example.net");
    let (rig, mut local) = tls_enforced(ControlMode::None, &chain);
    let announced = start_host_based(&mut local, &chain);

    let mut host = rig.host();
    let mut stranger = Client::open(&mut host, 4096, rustls::ALL_VERSIONS);
    let refused = stranger.await_until(&mut host, |_| false);
    assert!(matches!(refused, Err(Error::AlertReceived(_))), "{refused:?}");
    let mut client = provisioning_client(&mut host, &chain);
    assert!(is_ok(&client.fetch(&mut host, "/logon.htm", "")));
    assert_eq!(sha256(&client.tls.peer_certificates().unwrap()[0]), announced);

    let (_, account) = amthi(&mut local, 0x67, &[0; 40]);
    let password = String::from_utf8_lossy(&account[33..66]).trim_end_matches('\0').to_owned();
    configure_by_host(&mut host, &chain, |_| Login { user: "$$OsAdmin", password: &password });
    assert_eq!(rig.state()["control_mode"], 2);
    assert_eq!(
        Client::connect(&mut host).shown().len(),
        1,
        "self-signed from now on, and nothing is asked for"
    );
    rig.assert_no_violations();
}

#[test]
fn client_control_is_left_over_tls_by_the_announced_client_and_by_no_other() {
    let chain = ProvisioningChain::new("example.net");
    let (rig, mut local) = tls_enforced(ControlMode::Client, &chain);
    let announced = start_host_based(&mut local, &chain);
    let mut host = rig.host();
    let mut stranger = Client::open(&mut host, 4096, rustls::ALL_VERSIONS);
    let refused = stranger.await_until(&mut host, |_| false);
    assert!(matches!(refused, Err(Error::AlertReceived(_))), "{refused:?}");
    let mut client = provisioning_client(&mut host, &chain);
    assert!(is_ok(&client.fetch(&mut host, "/logon.htm", "")));
    assert_eq!(sha256(&client.tls.peer_certificates().unwrap()[0]), announced);
    configure_by_host(&mut host, &chain, |method| Login {
        user: "admin",
        password: if method == "SetAdminAclEntryEx" { "P@ssw0rd" } else { "New!Pass1" },
    });
    assert_eq!(rig.state()["control_mode"], 2);
    rig.assert_no_violations();
}

/// A reference, as the contents of the element that holds it.
fn reference(class: &str, key: &str, value: &str) -> String {
    format!(
        "<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>\
         http://intel.com/wbem/wscim/1/amt-schema/1/{class}</w:ResourceURI><w:SelectorSet>\
         <w:Selector Name=\"{key}\">{value}</w:Selector></w:SelectorSet></a:ReferenceParameters>"
    )
}

#[test]
fn plain_ports_go_with_plain_access_and_come_back_with_it() {
    const SETTINGS: &str = "AMT_TLSSettingData";
    const COMMIT: (&str, &str, &str) = ("AMT_SetupAndConfigurationService", "CommitChanges", "");
    const KEYS: &str = "AMT_PublicKeyManagementService";
    /// Where the RSA key begins in a PKCS#8 file of 2048 bits.
    const PKCS1: usize = 26;
    let rig = rig(ControlMode::Client);
    let mut host = rig.host();
    let connect = |host: &mut ApfHost| Client::open(host, 65536, rustls::ALL_VERSIONS);
    let login = Login { user: "admin", password: "P@ssw0rd" };
    let configure = |host: &mut ApfHost, request: (&str, &str, &str), body: &str| {
        let answer = send(host, connect, &login, request, body);
        let Outcome::Response(200, text) = &answer else { panic!("{request:?}: {answer:?}") };
        assert!(!text.contains("ReturnValue") || answer.value("ReturnValue") == "0", "{request:?}: {text}");
    };
    let chain = ProvisioningChain::new("example.net");
    let key =
        input("AddKey", &format!("<h:KeyBlob>{}</h:KeyBlob>", STANDARD.encode(&chain.leaf_key[PKCS1..])));
    configure(&mut host, (KEYS, "AddKey", ""), &key);
    let blob = format!("<h:CertificateBlob>{}</h:CertificateBlob>", STANDARD.encode(&chain.leaf));
    configure(&mut host, (KEYS, "AddCertificate", ""), &input("AddCertificate", &blob));
    let ends = format!(
        "<h:AMT_TLSCredentialContext><h:ElementInContext>{}</h:ElementInContext><h:ElementProvidingContext>{}\
         </h:ElementProvidingContext></h:AMT_TLSCredentialContext>",
        reference("AMT_PublicKeyCertificate", "InstanceID", "Intel(r) AMT Certificate: Handle: 1"),
        reference(
            "AMT_TLSProtocolEndpointCollection",
            "ElementName",
            "TLSProtocolEndpoint Instances Collection"
        ),
    );
    configure(&mut host, ("AMT_TLSCredentialContext", "Create", ""), &ends);
    let put = |host: &mut ApfHost, plain: bool| {
        for name in ["Intel(r) AMT 802.3 TLS Settings", "Intel(r) AMT LMS TLS Settings"] {
            let settings = format!(
                "<h:{SETTINGS}><h:AcceptNonSecureConnections>{plain}</h:AcceptNonSecureConnections>\
                 <h:Enabled>true</h:Enabled><h:InstanceID>{name}</h:InstanceID>\
                 <h:MutualAuthentication>false</h:MutualAuthentication></h:{SETTINGS}>"
            );
            configure(host, (SETTINGS, "Put", name), &settings);
        }
        configure(host, COMMIT, &input("CommitChanges", ""));
    };
    put(&mut host, false);
    host.pump_until(|host| !host.ports.contains(&16992));
    host.barrier();
    let refused = host.open(16992, 4096).unwrap();
    assert!(host.channels[&refused].refused.is_some());
    assert!(Client::connect(&mut host).shown()[0].contains("provisioning.example.net"));
    put(&mut host, true);
    host.pump_until(|host| host.ports.contains(&16992));
    host.barrier();
    let channel = host.open(16992, 4096).unwrap();
    assert!(host.fetch(channel, "/").starts_with("HTTP/1.1 200"));
    rig.assert_no_violations();
}
