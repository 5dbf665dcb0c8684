//! Views of instances as real devices send them, shortened, and the requests that methods make.

use super::super::{Class, Instance, Subcode, WsmanError, xml::Element};
use super::*;
use crate::amthi::{ControlMode, ProvisioningState};
use crate::test_machine::{Connecting, Serving, TestMachine};
use crate::wsman::{Client, ClientConfig, Credentials, Endpoint, PasswordDigest, Realm, Resource};
use crate::{Secret, retry::RetryPolicy};

const REALM: &str = "Digest:F3EB554784E729164447A89F60B641C5";

/// An instance with these properties, as firmware sends it: any prefix, properties in the order of the alphabet.
fn view<C: Class>(properties: &[(&str, &str)]) -> C {
    let namespace = Resource::parse(C::NAME).unwrap();
    let properties: String =
        properties.iter().map(|(name, value)| format!("<g:{name}>{value}</g:{name}>")).collect();
    let name = C::NAME;
    let xml = format!("<g:{name} xmlns:g=\"{}\">{properties}</g:{name}>", namespace.uri());
    C::from(Instance::from_element(Element::parse(xml.as_bytes()).unwrap()))
}

#[test]
fn general_settings_give_a_realm_that_was_checked() {
    let settings: GeneralSettings = view(&[
        ("DigestRealm", REALM),
        ("DomainName", ""),
        ("HostName", "pc-1"),
        ("NetworkInterfaceEnabled", "true"),
        ("PingResponseEnabled", "true"),
        ("SharedFQDN", "false"),
    ]);
    assert_eq!(settings.digest_realm().unwrap().as_str(), REALM);
    assert_eq!((settings.host_name(), settings.domain_name()), ("pc-1", ""));
    assert_eq!(settings.shared_fqdn(), Ok(Some(false)));
    assert_eq!(settings.network_interface_enabled(), Ok(Some(true)));
    let odd: GeneralSettings = view(&[("DigestRealm", "Digest:short"), ("SharedFQDN", "maybe")]);
    assert!(odd.digest_realm().is_err() && odd.shared_fqdn().is_err());
    assert_eq!(odd.ping_response_enabled(), Ok(None));
}

#[test]
fn setup_service_tells_modes_nonce_and_chain() {
    let service: HostBasedSetupService = view(&[
        ("AllowedControlModes", "2"),
        ("AllowedControlModes", "1"),
        ("CertChainStatus", "0"),
        ("ConfigurationNonce", "4P3sY7swlhjkhJNxDkEBIUcmpHE="),
        ("CurrentControlMode", "0"),
    ]);
    assert_eq!(service.current_control_mode(), Ok(ControlMode::None));
    assert_eq!(service.allowed_control_modes(), Ok(vec![ControlMode::Admin, ControlMode::Client]));
    assert_eq!(service.certificate_chain_status(), Ok(CertificateChainStatus::NotStarted));
    assert_eq!(service.configuration_nonce().unwrap()[..4], [0xE0, 0xFD, 0xEC, 0x63]);
    let short: HostBasedSetupService = view(&[("ConfigurationNonce", "4P3s")]);
    assert!(short.configuration_nonce().is_err(), "not signed as if it were whole");
    assert_eq!(
        short.current_control_mode().unwrap_err().to_string(),
        "AMT's answer has no IPS_HostBasedSetupService.CurrentControlMode"
    );
}

#[test]
fn states_of_setup_redirection_and_consent_are_read_and_set() {
    let setup: SetupAndConfigurationService =
        view(&[("ProvisioningState", "2"), ("TrustedDNSSuffix", ""), ("DhcpDNSSuffix", "example.com")]);
    assert_eq!(setup.provisioning_state(), Ok(ProvisioningState::Post));
    assert_eq!((setup.trusted_dns_suffix(), setup.dhcp_dns_suffix()), (None, Some("example.com")));

    let mut redirection: RedirectionService =
        view(&[("AccessLog", "x"), ("EnabledState", "32771"), ("ListenerEnabled", "true")]);
    assert_eq!(redirection.state(), Ok(RedirectionState { ider: true, sol: true }));
    redirection.set_state(RedirectionState { ider: false, sol: true });
    redirection.set_listener_enabled(false);
    assert_eq!(redirection.as_ref().text("EnabledState"), Some("32770"));
    assert_eq!(redirection.as_ref().text("AccessLog"), None, "firmware refuses a Put with it");

    let kvm: KvmRedirectionSap = view(&[("EnabledState", "6")]);
    assert_eq!(kvm.is_enabled(), Ok(true));
    let mut consent: OptInService = view(&[
        ("CanModifyOptInPolicy", "1"),
        ("OptInCodeTimeout", "120"),
        ("OptInRequired", "4294967295"),
        ("OptInState", "0"),
    ]);
    assert_eq!((consent.required(), consent.can_modify()), (Ok(OptInRequired::All), Ok(Some(true))));
    consent.set_required(OptInRequired::Kvm);
    assert_eq!(consent.required(), Ok(OptInRequired::Kvm));
    assert_eq!(consent.as_ref().text("OptInCodeTimeout"), Some("120"));
}

#[test]
fn interfaces_that_are_not_there_have_no_address() {
    let wired: EthernetPortSettings = view(&[
        ("DHCPEnabled", "true"),
        ("InstanceID", EthernetPortSettings::WIRED),
        ("IpSyncEnabled", "true"),
        ("LinkIsUp", "true"),
        ("MACAddress", "c8-d9-d2-7a-1e-33"),
    ]);
    assert_eq!(wired.mac_address(), Some("c8-d9-d2-7a-1e-33"));
    assert_eq!(
        (wired.dhcp_enabled(), wired.link_is_up(), wired.ip_address()),
        (Ok(true), Ok(Some(true)), None)
    );
    assert_eq!(wired.selectors().text("InstanceID"), Some(EthernetPortSettings::WIRED));
    let absent: EthernetPortSettings = view(&[("MACAddress", "00-00-00-00-00-00")]);
    assert_eq!(absent.mac_address(), None);
}

#[test]
fn certificates_tls_software_and_time_are_read() {
    let root: PublicKeyCertificate = view(&[
        ("InstanceID", "Intel(r) AMT Certificate: Handle: 0"),
        ("Subject", "C=unknown,O=unknown,CN=MPSRoot-0af1d5"),
        ("TrustedRootCertficate", "true"),
        ("X509Certificate", "MIIEOw=="),
    ]);
    assert_eq!(root.is_trusted_root(), Ok(Some(true)));
    assert_eq!(root.certificate(), Ok(vec![0x30, 0x82, 0x04, 0x3B]));
    let tls: TlsSettingData = view(&[
        ("AcceptNonSecureConnections", "true"),
        ("Enabled", "false"),
        ("InstanceID", "Intel(r) AMT LMS TLS Settings"),
        ("MutualAuthentication", "false"),
    ]);
    assert_eq!(tls.interface(), Some(TlsInterface::Local));
    assert_eq!(
        (tls.is_enabled(), tls.is_mutual(), tls.accepts_plain()),
        (Ok(false), Ok(false), Ok(Some(true)))
    );
    let version: SoftwareIdentity = view(&[("InstanceID", "AMT"), ("VersionString", "16.1.25")]);
    assert_eq!((version.instance_id(), version.version()), ("AMT", "16.1.25"));
    let time: TimeSynchronizationService = view(&[("LocalTimeSyncEnabled", "0")]);
    assert_eq!(time.local_sync_enabled(), Ok(Some(true)));
}

/// A device that answers one request after the other with these contents of the body.
fn device(bodies: &[&str]) -> (TestMachine, Client<TestMachine>) {
    let answers = bodies.iter().map(|body| {
        let envelope = format!(
            "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"><a:Body>{body}</a:Body></a:Envelope>"
        );
        let length = envelope.len();
        Serving::Sends(vec![format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{envelope}").into_bytes()])
    });
    let machine = TestMachine::with_connections(vec![Connecting::Serves(answers.collect())]);
    let credentials = Credentials { user: "admin".into(), password: Secret::new("x".into()) };
    let config = ClientConfig {
        retry: RetryPolicy::once(std::time::Duration::from_secs(9)),
        ..ClientConfig::default()
    };
    let client = Client::new(machine.clone(), Endpoint::Plain, Some(credentials), config);
    (machine, client)
}

/// The parameters of the request that was sent last, without their namespace.
fn sent(machine: &TestMachine) -> Vec<(String, String)> {
    let request = machine.requests().pop().unwrap();
    let start = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
    let envelope = Element::parse(&request[start..]).unwrap();
    let input = envelope.into_child("Body").unwrap().into_children().remove(0);
    let namespace = input.namespace().clone();
    assert!(input.children().iter().all(|child| *child.namespace() == namespace));
    let parameter = |child: &Element| (child.name().to_owned(), child.text().to_owned());
    std::iter::once((input.name().to_owned(), String::new()))
        .chain(input.children().iter().map(parameter))
        .collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn digest() -> PasswordDigest {
    PasswordDigest::new("admin", &Realm::parse(REALM).unwrap(), &Secret::new("P@ssw0rd".into()))
}

const DONE: &str = "<X_OUTPUT><ReturnValue>0</ReturnValue></X_OUTPUT>";

#[tokio::test(start_paused = true)]
async fn activation_sends_what_the_schema_says_in_its_order() {
    let (machine, mut client) = device(&[DONE; 5]);
    let hexadecimal = digest().hexadecimal();
    HostBasedSetupService::setup(&mut client, &digest()).await.unwrap();
    let password = [("NetAdminPassEncryptionType", "2"), ("NetworkAdminPassword", hexadecimal.expose())];
    assert_eq!(sent(&machine), pairs(&[&[("Setup_INPUT", "")], &password[..]].concat()));

    HostBasedSetupService::add_next_certificate(&mut client, &[0x30, 0x82], true, false).await.unwrap();
    let expected = [
        ("AddNextCertInChain_INPUT", ""),
        ("NextCertificate", "MII="),
        ("IsLeafCertificate", "true"),
        ("IsRootCertificate", "false"),
    ];
    assert_eq!(sent(&machine), pairs(&expected));

    let proof = HostProof { nonce: &[0; 20], signature: &[1, 2, 3] };
    let proven = [
        ("McNonce", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        ("SigningAlgorithm", "2"),
        ("DigitalSignature", "AQID"),
    ];
    HostBasedSetupService::admin_setup(&mut client, &digest(), proof).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[&[("AdminSetup_INPUT", "")], &password[..], &proven[..]].concat()));
    HostBasedSetupService::upgrade_client_to_admin(&mut client, proof).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[&[("UpgradeClientToAdmin_INPUT", "")], &proven[..]].concat()));

    AuthorizationService::set_admin(&mut client, "admin", &digest()).await.unwrap();
    let base64 = digest().base64();
    let expected =
        [("SetAdminAclEntryEx_INPUT", ""), ("Username", "admin"), ("DigestPassword", base64.expose())];
    assert_eq!(sent(&machine), pairs(&expected));
}

#[tokio::test(start_paused = true)]
async fn removal_and_features_send_their_numbers() {
    let (machine, mut client) = device(&[DONE; 6]);
    SetupAndConfigurationService::unprovision(&mut client).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[("Unprovision_INPUT", ""), ("ProvisioningMode", "1")]));
    SetupAndConfigurationService::partial_unprovision(&mut client).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[("PartialUnprovision_INPUT", "")]));
    let password = Secret::new("M3bx<&>pass".into());
    SetupAndConfigurationService::set_mebx_password(&mut client, &password).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[("SetMEBxPassword_INPUT", ""), ("Password", "M3bx<&>pass")]));
    let state = RedirectionState { ider: true, sol: false };
    RedirectionService::request_state_change(&mut client, state).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[("RequestStateChange_INPUT", ""), ("RequestedState", "32769")]));
    KvmRedirectionSap::request_state_change(&mut client, false).await.unwrap();
    assert_eq!(sent(&machine), pairs(&[("RequestStateChange_INPUT", ""), ("RequestedState", "3")]));
    TimeSynchronizationService::set_device_time(&mut client, 10, 20).await.unwrap();
    let expected = [("SetHighAccuracyTimeSynch_INPUT", ""), ("Ta0", "10"), ("Tm1", "20"), ("Tm2", "20")];
    assert_eq!(sent(&machine), pairs(&expected));
}

#[tokio::test(start_paused = true)]
async fn outputs_are_read_also_in_the_wrong_namespace() {
    let (_, mut client) = device(&[
        "<g:O xmlns:g='urn:g'><Ta0>1704586865</Ta0><g:ReturnValue>0</g:ReturnValue></g:O>",
        "<O><UUID>AAECAwQFBgcICQoLDA0ODw==</UUID></O>",
        "<O><UUID>AAEC</UUID></O>",
    ]);
    assert_eq!(TimeSynchronizationService::device_time(&mut client).await.unwrap(), 1_704_586_865);
    let uuid = SetupAndConfigurationService::uuid(&mut client).await.unwrap();
    assert_eq!(uuid.to_string(), "03020100-0504-0706-0809-0a0b0c0d0e0f");
    assert!(SetupAndConfigurationService::uuid(&mut client).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn accounts_are_listed_to_their_end_and_not_without_end() {
    let page = |total: u32, handles: &str| format!("<O><TotalCount>{total}</TotalCount>{handles}</O>");
    let pages = [
        page(3, "<Handles>1</Handles><Handles>2</Handles>"),
        page(3, "<Handles>7</Handles>"),
        page(3, "<Handles>1</Handles>"),
        page(3, ""),
    ];
    let pages: Vec<&str> = pages.iter().map(String::as_str).collect();
    let (machine, mut client) = device(&pages);
    assert_eq!(AuthorizationService::handles(&mut client).await.unwrap(), [1, 2, 7]);
    assert_eq!(sent(&machine), pairs(&[("EnumerateUserAclEntries_INPUT", ""), ("StartIndex", "3")]));
    assert_eq!(AuthorizationService::handles(&mut client).await.unwrap(), [1]);
}

#[tokio::test(start_paused = true)]
async fn account_is_made_with_all_its_realms() {
    let uns = "<O><DigestUsername>$$uns</DigestUsername><AccessPermission>0</AccessPermission><Realms>16</Realms></O>";
    let (machine, mut client) = device(&[uns, "<O><Handle>4</Handle></O>"]);
    let entry = AuthorizationService::entry(&mut client, 1).await.unwrap();
    let expected = AclEntry { user: Some("$$uns".into()), permission: Permission::Local, realms: vec![16] };
    assert_eq!(entry, expected);
    let password = digest();
    let new =
        NewAclEntry { user: "agent", password: &password, permission: Permission::Any, realms: &[9, 13] };
    assert_eq!(AuthorizationService::add(&mut client, &new).await.unwrap(), 4);
    let names: Vec<_> = sent(&machine).into_iter().map(|(name, _)| name).collect();
    let expected = [
        "AddUserAclEntryEx_INPUT",
        "DigestUsername",
        "DigestPassword",
        "AccessPermission",
        "Realms",
        "Realms",
    ];
    assert_eq!(names, expected);
}

#[tokio::test(start_paused = true)]
async fn agent_counts_on_from_its_session_and_past_the_largest_number() {
    let registered = "<O><SessionSequenceNumber>4294967294</SessionSequenceNumber><TimeoutInterval>10</TimeoutInterval></O>";
    let missing = "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>w:InvalidSelectors</a:Value></a:Subcode></a:Code></a:Fault>";
    let (machine, mut client) = device(&[registered, DONE, DONE, DONE, missing]);
    let mut bytes = [0; 16];
    bytes.iter_mut().zip(0..).for_each(|(byte, number)| *byte = number);
    let device = DeviceId(bytes);
    let mut session = AgentPresenceWatchdog::register(&mut client, device).await.unwrap();
    assert_eq!(session.timeout, 10);
    assert!(machine.texts()[0].contains("Name=\"DeviceID\">AAECAwQFBgcICQoLDA0ODw==</"));
    let number = |machine: &TestMachine| sent(machine).pop().unwrap();
    session.assert_presence(&mut client).await.unwrap();
    assert_eq!(number(&machine), ("SequenceNumber".into(), "4294967295".into()));
    session.assert_presence(&mut client).await.unwrap();
    assert_eq!(number(&machine), ("SequenceNumber".into(), "0".into()));
    session.assert_shutdown(&mut client).await.unwrap();
    assert_eq!(number(&machine), ("SequenceNumber".into(), "1".into()));
    let error = AgentPresenceWatchdog::register(&mut client, device).await.unwrap_err();
    let WsmanError::Fault(fault) = error else { panic!("{error}") };
    assert_eq!(fault.subcode, Subcode::InvalidSelectors);
}
