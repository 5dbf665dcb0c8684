//! Tests of the classes that configure: certificates and keys, TLS, wireless, 802.1x, remote access, proxies, alarms, consent.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, Issuer, KeyPair, PublicKeyData, SignatureAlgorithm};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::super::find;
use super::{ALL, client, pull_one_by_one};
use crate::config::{TlsConfig, TlsMode};
use crate::device::{ControlMode, DeviceConfig};
use crate::pki::ProvisioningChain;
use crate::web::tests::client::{Client, Received, property, resource as uri};
use crate::web::xml::{Element, Namespace};

const DELETE: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete";
const CREATE: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Create";

const KEYS: &str = "AMT_PublicKeyManagementService";
const WIFI: &str = "AMT_WiFiPortConfigurationService";
const REMOTE: &str = "AMT_RemoteAccessService";
const CONTEXT: &str = "AMT_TLSCredentialContext";

/// A reference, as the contents of the element that holds it.
fn reference(class: &str, key: &str, value: &str) -> String {
    format!(
        "<a:Address>/wsman</a:Address><a:ReferenceParameters><w:ResourceURI>{}</w:ResourceURI><w:SelectorSet>\
         <w:Selector Name=\"{key}\">{value}</w:Selector></w:SelectorSet></a:ReferenceParameters>",
        uri(class)
    )
}

fn certificate(handle: u32) -> String {
    reference(
        "AMT_PublicKeyCertificate",
        "InstanceID",
        &format!("Intel(r) AMT Certificate: Handle: {handle}"),
    )
}

fn delete(client: &mut Client, class: &str, key: &str, value: &str) -> Received {
    client.soap(DELETE, class, &[(key, value)], "")
}

fn root() -> String {
    STANDARD.encode(ProvisioningChain::new("example.net").root)
}

fn add_root(client: &mut Client) -> u32 {
    let blob = format!("<h:CertificateBlob>{}</h:CertificateBlob>", root());
    client.call(KEYS, "AddTrustedRootCertificate", &[], &blob)
}

const GENERATE: &str = "<h:KeyAlgorithm>0</h:KeyAlgorithm><h:KeyLength>2048</h:KeyLength>";

/// The public keys in the store, PKCS#1.
fn public_keys(client: &mut Client) -> Vec<Vec<u8>> {
    let items = pull_one_by_one(client, "AMT_PublicPrivateKeyPair");
    items.iter().map(|item| STANDARD.decode(property(item, "DERKey")).expect("base64")).collect()
}

/// A public key without its private one.
struct Foreign<'a>(&'a [u8]);

impl PublicKeyData for Foreign<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// A certificate for an RSA key, signed by nobody whom anybody knows.
fn certificate_for(pkcs1: &[u8]) -> Vec<u8> {
    let issuer = Issuer::new(CertificateParams::default(), KeyPair::generate().expect("a key"));
    let certificate = CertificateParams::default().signed_by(&Foreign(pkcs1), &issuer);
    certificate.expect("a certificate").der().to_vec()
}

/// Generates a key pair and adds a certificate for it, which gets handle 1 in a store that was not touched.
fn add_own_certificate(client: &mut Client) {
    assert_eq!(client.call(KEYS, "GenerateKeyPair", &[], GENERATE), 0);
    let certificate = STANDARD.encode(certificate_for(&public_keys(client)[0]));
    let blob = format!("<h:CertificateBlob>{certificate}</h:CertificateBlob>");
    assert_eq!(client.call(KEYS, "AddCertificate", &[], &blob), 0);
}

fn context(handle: u32) -> String {
    let collection = reference(
        "AMT_TLSProtocolEndpointCollection",
        "ElementName",
        "TLSProtocolEndpoint Instances Collection",
    );
    format!(
        "<h:ElementInContext>{}</h:ElementInContext><h:ElementProvidingContext>{collection}\
         </h:ElementProvidingContext>",
        certificate(handle)
    )
}

fn create_context(client: &mut Client, handle: u32) -> Received {
    let body = format!("<h:{CONTEXT}>{}</h:{CONTEXT}>", context(handle));
    client.soap(CREATE, CONTEXT, &[], &body)
}

/// The properties of a wireless profile, in the namespace of their class.
fn profile(name: &str, priority: u32, rest: &str) -> String {
    format!(
        "<h:WiFiEndpointSettingsInput xmlns:q=\"{}\"><q:ElementName>{name}</q:ElementName>\
         <q:InstanceID>Intel(r) AMT:WiFi Endpoint Settings {name}</q:InstanceID><q:SSID>{name}</q:SSID>\
         <q:EncryptionMethod>4</q:EncryptionMethod><q:Priority>{priority}</q:Priority>{rest}\
         </h:WiFiEndpointSettingsInput>",
        uri("CIM_WiFiEndpointSettings")
    )
}

const PHRASE: &str =
    "<q:AuthenticationMethod>6</q:AuthenticationMethod><q:PSKPassPhrase>longenough</q:PSKPassPhrase>";

fn add_wifi(client: &mut Client, settings: &str) -> u32 {
    let endpoint = reference("CIM_WiFiEndpoint", "Name", "WiFi Endpoint 0");
    client.call(
        WIFI,
        "AddWiFiSettings",
        &[],
        &format!("<h:WiFiEndpoint>{endpoint}</h:WiFiEndpoint>{settings}"),
    )
}

/// 802.1x with a certificate (EAP-TLS).
fn port_access(client_certificate: u32, root: u32) -> String {
    format!(
        "<h:IEEE8021xSettingsInput xmlns:q=\"{}\"><q:ElementName>office</q:ElementName>\
         <q:AuthenticationProtocol>0</q:AuthenticationProtocol><q:Username>host</q:Username>\
         </h:IEEE8021xSettingsInput><h:ClientCredential>{}</h:ClientCredential><h:CACredential>{}</h:CACredential>",
        uri("CIM_IEEE8021xSettings"),
        certificate(client_certificate),
        certificate(root)
    )
}

const BY_PORT_ACCESS: &str = "<q:AuthenticationMethod>7</q:AuthenticationMethod>";
const SERVER: &str = "<h:AccessInfo>192.0.2.9</h:AccessInfo><h:InfoFormat>3</h:InfoFormat><h:Port>4433</h:Port>\
    <h:AuthMethod>2</h:AuthMethod><h:Username>mps</h:Username><h:Password>P@ssw0rd</h:Password>\
    <h:CN>192.0.2.9</h:CN>";
const PROXY: &str = "<h:AccessInfo>proxy.example.net</h:AccessInfo><h:InfoFormat>201</h:InfoFormat>\
    <h:Port>3128</h:Port><h:NetworkDnsSuffix>example.net</h:NetworkDnsSuffix>";

fn rule(trigger: u32, data: &str, server: u32) -> String {
    let name = format!("Intel(r) AMT:Management Presence Server {server}");
    format!(
        "<h:Trigger>{trigger}</h:Trigger><h:TunnelLifeTime>0</h:TunnelLifeTime>{data}<h:MpServer>{}</h:MpServer>",
        reference("AMT_ManagementPresenceRemoteSAP", "Name", &name)
    )
}

const EVERY_25_SECONDS: &str = "<h:ExtendedData>AAAAAAAAABk=</h:ExtendedData>";

fn alarm(id: &str) -> String {
    format!(
        "<h:AlarmTemplate><s:InstanceID xmlns:s=\"{0}\">{id}</s:InstanceID><s:StartTime xmlns:s=\"{0}\">\
         <p:Datetime xmlns:p=\"http://schemas.dmtf.org/wbem/wscim/1/common\">2030-01-01T00:00:00Z</p:Datetime>\
         </s:StartTime><s:DeleteOnCompletion xmlns:s=\"{0}\">true</s:DeleteOnCompletion></h:AlarmTemplate>",
        uri("IPS_AlarmClockOccurrence")
    )
}

/// Gives every class that has no instance at first one, as far as a class can have one.
pub(super) fn furnish(client: &mut Client) {
    add_own_certificate(client);
    assert_eq!(add_root(client), 0);
    assert_eq!(create_context(client, 1).status, 200);
    let settings = profile("office", 1, BY_PORT_ACCESS) + &port_access(1, 2);
    assert_eq!(add_wifi(client, &settings), 0);
    let certificates = format!("<h:ServerCertificateIssuer>{}</h:ServerCertificateIssuer>", certificate(2));
    assert_eq!(client.call("IPS_IEEE8021xSettings", "SetCertificates", &[], &certificates), 0);
    assert_eq!(client.call(REMOTE, "AddMpServer", &[], SERVER), 0);
    assert_eq!(client.call(REMOTE, "AddRemoteAccessPolicyRule", &[], &rule(2, EVERY_25_SECONDS, 0)), 0);
    assert_eq!(client.call("IPS_HTTPProxyService", "AddProxyAccessPoint", &[], PROXY), 0);
    assert_eq!(client.call("AMT_AlarmClockService", "AddAlarm", &[], &alarm("wake")), 0);
}

/// What the local manageability service writes with this account (wsman 17), and what needs the administrator (wsman 2).
#[test]
fn local_system_account_puts_what_the_hosts_service_puts_and_nothing_else() {
    let mut client = client().into_local_system();
    for (class, properties, status) in [
        ("IPS_HostIPSettings", "<h:DHCPEnabled>true</h:DHCPEnabled>", 200),
        ("IPS_SecIOService", "<h:zoom>2</h:zoom>", 200),
        ("IPS_ScreenSettingData", "<h:PrimaryIndex>2</h:PrimaryIndex>", 200),
        (
            "CIM_PowerManagementCapabilities",
            "<h:RequestedPowerStatesSupported>4</h:RequestedPowerStatesSupported>",
            200,
        ),
        ("AMT_GeneralSettings", "<h:PingResponseEnabled>true</h:PingResponseEnabled>", 400),
        ("AMT_EnvironmentDetectionSettingData", "", 400),
    ] {
        let received = client.put(class, &[], properties);
        assert_eq!(received.status, status, "{class}: {}", received.text());
        if status == 400 {
            assert_eq!(received.fault(), "AccessDenied", "{class}");
        }
    }
}

#[test]
fn every_class_of_the_recorded_answers_is_served() {
    const RECORDED: &str = "AMT_AlarmClockService AMT_AuditLog AMT_AuthorizationService AMT_BootCapabilities \
        AMT_BootSettingData AMT_CryptographicCapabilities AMT_EnvironmentDetectionSettingData \
        AMT_EthernetPortSettings AMT_EventLogEntry AMT_GeneralSettings AMT_8021xCredentialContext \
        AMT_8021XProfile AMT_KerberosSettingData AMT_ManagementPresenceRemoteSAP AMT_MessageLog \
        AMT_MPSUsernamePassword AMT_PublicKeyCertificate AMT_PublicKeyManagementService \
        AMT_PublicPrivateKeyPair AMT_RedirectionService AMT_RemoteAccessCapabilities \
        AMT_RemoteAccessPolicyAppliesToMPS AMT_RemoteAccessPolicyRule AMT_RemoteAccessService \
        AMT_SetupAndConfigurationService AMT_SystemPowerScheme AMT_TimeSynchronizationService \
        AMT_TLSCredentialContext AMT_TLSProtocolEndpointCollection AMT_TLSSettingData \
        AMT_UserInitiatedConnectionService AMT_WiFiPortConfigurationService \
        CIM_AssociatedPowerManagementService CIM_BIOSElement CIM_BootConfigSetting CIM_BootService \
        CIM_BootSourceSetting CIM_Chassis CIM_ComputerSystemPackage CIM_ConcreteDependency CIM_CredentialContext \
        CIM_EthernetPort CIM_IEEE8021xSettings CIM_KVMRedirectionSAP CIM_PowerManagementCapabilities \
        CIM_PowerManagementService CIM_RedirectionService CIM_ServiceAvailableToElement CIM_SoftwareIdentity \
        CIM_WiFiEndpoint CIM_WiFiEndpointCapabilities CIM_WiFiEndpointSettings CIM_WiFiPort \
        CIM_WiFiPortCapabilities IPS_AlarmClockOccurrence IPS_HostBasedSetupService IPS_HostBootReason \
        IPS_HostIPSettings IPS_HTTPProxyService IPS_HTTPProxyAccessPoint IPS_8021xCredentialContext \
        IPS_IEEE8021xSettings IPS_IPv6PortSettings IPS_KVMRedirectionSettingData IPS_LANEndpoint \
        IPS_OptInService IPS_PowerManagementService IPS_ProvisioningRecordLog IPS_ScreenSettingData \
        IPS_SecIOService";
    let missing: Vec<&str> =
        RECORDED.split_whitespace().filter(|class| find(&uri(class)).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn certificate_is_added_once_and_not_deleted_while_it_is_used() {
    let mut client = client();
    add_own_certificate(&mut client);
    assert_eq!(add_root(&mut client), 0);
    assert_eq!(add_root(&mut client), 2058);
    for blob in ["", "AAAA", "no base64"] {
        let blob = format!("<h:CertificateBlob>{blob}</h:CertificateBlob>");
        assert_eq!(client.call(KEYS, "AddCertificate", &[], &blob), 2063, "{blob}");
    }
    let class = "AMT_PublicKeyCertificate";
    let roots = pull_one_by_one(&mut client, class);
    assert_eq!(property(&roots[2], "Subject"), "O=amt-sim,CN=amt-sim Test Root CA");
    assert_eq!(property(&roots[2], "TrustedRootCertficate"), "true");
    assert_eq!(create_context(&mut client, 1).status, 200);
    let id = "Intel(r) AMT Certificate: Handle: 1";
    let key = [("InstanceID", id)];
    assert_eq!(
        client.put(class, &key, "<h:TrustedRootCertficate>false</h:TrustedRootCertficate>").status,
        200
    );
    let other = format!("<h:X509Certificate>{}</h:X509Certificate>", root());
    assert_eq!(client.put(class, &key, &other).fault(), "AccessDenied");
    assert_eq!(delete(&mut client, class, "InstanceID", id).fault(), "AccessDenied");
    let key = "Intel(r) AMT Key: Handle: 0";
    assert_eq!(delete(&mut client, "AMT_PublicPrivateKeyPair", "InstanceID", key).fault(), "AccessDenied");
    assert_eq!(client.soap(DELETE, CONTEXT, &[], "").status, 200);
    assert_eq!(delete(&mut client, class, "InstanceID", id).status, 200);
    assert_eq!(delete(&mut client, class, "InstanceID", id).fault(), "DestinationUnreachable");
    assert_eq!(delete(&mut client, "AMT_PublicPrivateKeyPair", "InstanceID", key).status, 200);
}

#[test]
fn generated_keys_differ_until_there_are_no_more() {
    let mut client = client();
    (0..4).for_each(|_| assert_eq!(client.call(KEYS, "GenerateKeyPair", &[], GENERATE), 0));
    let mut keys = public_keys(&mut client);
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
    assert_eq!(client.call(KEYS, "GenerateKeyPair", &[], GENERATE), 23);
    let short = "<h:KeyAlgorithm>0</h:KeyAlgorithm><h:KeyLength>1024</h:KeyLength>";
    assert_eq!(client.call(KEYS, "GenerateKeyPair", &[], short), 36);
    assert_eq!(client.call(KEYS, "AddKey", &[], "<h:KeyBlob>AAAA</h:KeyBlob>"), 2062);
}

#[test]
fn certificate_request_is_signed_with_the_key_that_was_named() {
    let mut client = client();
    assert_eq!(client.call(KEYS, "GenerateKeyPair", &[], GENERATE), 0);
    let unsigned = CertificateParams::default().serialize_request(&KeyPair::generate().expect("a key"));
    let unsigned = STANDARD.encode(unsigned.expect("a request").der());
    let parameters = |algorithm: u32, handle: u32| {
        let key = reference(
            "AMT_PublicPrivateKeyPair",
            "InstanceID",
            &format!("Intel(r) AMT Key: Handle: {handle}"),
        );
        format!(
            "<h:KeyPair>{key}</h:KeyPair><h:SigningAlgorithm>{algorithm}</h:SigningAlgorithm>\
             <h:NullSignedCertificateRequest>{unsigned}</h:NullSignedCertificateRequest>"
        )
    };
    let method = "GeneratePKCS10RequestEx";
    let output = client.invoke(KEYS, method, &[], &parameters(1, 0)).soap();
    let signed = STANDARD.decode(property(&output, "SignedCertificateRequest")).expect("base64");
    let (rest, request) = X509CertificationRequest::from_der(&signed).expect("a request");
    assert!(rest.is_empty());
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_keys(&mut client).remove(0));
    key.verify(request.certification_request_info.raw, &request.signature_value.data)
        .expect("a true signature");
    assert_eq!(client.call(KEYS, method, &[], &parameters(0, 0)), 36);
    assert_eq!(client.call(KEYS, method, &[], &parameters(1, 7)), 2053);
}

#[test]
fn tls_is_committed_only_with_a_certificate_whose_key_the_device_has() {
    let mut client = client();
    let on = "<h:Enabled>true</h:Enabled><h:MutualAuthentication>false</h:MutualAuthentication>\
              <h:AcceptNonSecureConnections>true</h:AcceptNonSecureConnections>";
    let local = [("InstanceID", "Intel(r) AMT LMS TLS Settings")];
    let changed = client.put("AMT_TLSSettingData", &local, on).soap();
    assert_eq!(property(&changed, "Enabled"), "true");
    let setup = "AMT_SetupAndConfigurationService";
    assert_eq!(client.call(setup, "CommitChanges", &[], ""), 2057);
    add_own_certificate(&mut client);
    assert_eq!(create_context(&mut client, 0).status, 200, "the factory's root, without a key");
    assert_eq!(client.call(setup, "CommitChanges", &[], ""), 2057);
    assert_eq!(create_context(&mut client, 1).fault(), "AlreadyExists");
    let changed = client.put(CONTEXT, &[], &context(1));
    assert!(changed.text().contains("Handle: 1<"), "{}", changed.text());
    assert_eq!(client.call(setup, "CommitChanges", &[], ""), 0);
    let mutual = on.replace("Authentication>false", "Authentication>true");
    assert_eq!(client.put("AMT_TLSSettingData", &local, &mutual).status, 200);
    assert_eq!(client.call(setup, "CommitChanges", &[], ""), 2057, "the network time is not set");
    assert_eq!(add_root(&mut client), 16, "while mutual authentication is on");
    let read_only = format!("{on}<h:NonSecureConnectionsSupported>true</h:NonSecureConnectionsSupported>");
    assert_eq!(client.put("AMT_TLSSettingData", &local, &read_only).fault(), "InvalidRepresentation");
    assert_eq!(client.put("AMT_TLSSettingData", &local, "").fault(), "InvalidRepresentation");
}

#[test]
fn tls_of_the_remote_interface_cannot_be_switched_off_where_it_is_enforced() {
    let tls = TlsConfig { mode: TlsMode::Enforced, ..TlsConfig::default() };
    let mut client = Client::new(DeviceConfig { tls, ..DeviceConfig::default() });
    let off = "<h:Enabled>false</h:Enabled><h:MutualAuthentication>false</h:MutualAuthentication>";
    let on = off.replacen("false", "true", 1);
    let plain = format!("{on}<h:AcceptNonSecureConnections>true</h:AcceptNonSecureConnections>");
    let class = "AMT_TLSSettingData";
    let remote = [("InstanceID", "Intel(r) AMT 802.3 TLS Settings")];
    let local = [("InstanceID", "Intel(r) AMT LMS TLS Settings")];
    assert_eq!(client.put(class, &remote, off).fault(), "AccessDenied");
    assert_eq!(client.put(class, &remote, &on).status, 200);
    assert_eq!(client.put(class, &local, off).status, 200);
    assert_eq!(client.put(class, &local, &plain).fault(), "AccessDenied");
}

#[test]
fn context_of_nothing_and_of_a_stranger_is_refused() {
    let mut client = client();
    assert_eq!(create_context(&mut client, 9).fault(), "InvalidRepresentation");
    let other = format!(
        "<h:{CONTEXT}><h:ElementInContext>{}</h:ElementInContext><h:ElementProvidingContext>{}\
         </h:ElementProvidingContext></h:{CONTEXT}>",
        certificate(0),
        reference("AMT_TLSProtocolEndpointCollection", "ElementName", "Another Collection")
    );
    assert_eq!(client.soap(CREATE, CONTEXT, &[], &other).fault(), "InvalidRepresentation");
}

#[test]
fn wireless_profiles_are_checked_kept_apart_and_deleted() {
    let mut client = client();
    assert_eq!(add_wifi(&mut client, &profile("home", 1, PHRASE)), 0);
    assert_eq!(add_wifi(&mut client, &profile("home", 2, PHRASE)), 2058, "the name");
    assert_eq!(add_wifi(&mut client, &profile("other", 1, PHRASE)), 2058, "the priority");
    let short = PHRASE.replace("longenough", "short");
    for (settings, why) in [
        (profile("a", 3, &short), "a short phrase"),
        (profile("a", 0, PHRASE), "no priority"),
        (profile("a", 3, BY_PORT_ACCESS), "802.1x without its settings"),
        (profile(&"a".repeat(33), 3, PHRASE), "a long name"),
        (String::new(), "nothing"),
    ] {
        assert_eq!(add_wifi(&mut client, &settings), 3, "{why}");
    }
    let absent = profile("a", 3, BY_PORT_ACCESS) + &port_access(7, 8);
    assert_eq!(add_wifi(&mut client, &absent), 4, "certificates that are not there");
    let id = "Intel(r) AMT:WiFi Endpoint Settings home";
    let class = "CIM_WiFiEndpointSettings";
    let target = format!(
        "<h:WiFiEndpointSettings>{}</h:WiFiEndpointSettings>{}",
        reference(class, "InstanceID", id),
        profile("home", 5, PHRASE)
    );
    assert_eq!(client.call(WIFI, "UpdateWiFiSettings", &[], &target), 0);
    let items = pull_one_by_one(&mut client, class);
    assert_eq!((items.len(), property(&items[0], "Priority")), (1, "5"));
    assert!(items[0].member("PSKPassPhrase").is_none());
    assert_eq!(delete(&mut client, class, "InstanceID", id).status, 200);
    assert_eq!(delete(&mut client, class, "InstanceID", id).fault(), "DestinationUnreachable");
}

#[test]
fn port_access_uses_up_its_certificates_and_says_so() {
    let mut client = client();
    furnish(&mut client);
    let users: Vec<String> = pull_one_by_one(&mut client, "CIM_CredentialContext")
        .iter()
        .map(|item| format!("{:?}", item.member("ElementProvidingContext")))
        .collect();
    assert_eq!(users.len(), 4, "TLS, the wired port once, the profile twice");
    let id = "Intel(r) AMT Certificate: Handle: 2";
    let used = delete(&mut client, "AMT_PublicKeyCertificate", "InstanceID", id);
    assert_eq!(used.fault(), "AccessDenied");
}

#[test]
fn unit_without_wireless_has_none_of_its_instances() {
    let mut config = DeviceConfig::default();
    config.network.wireless = None;
    let mut client = Client::new(config);
    for class in [WIFI, "CIM_WiFiPort", "CIM_WiFiEndpoint"] {
        assert_eq!(client.get(class, &[]).fault(), "DestinationUnreachable", "{class}");
    }
}

#[test]
fn wireless_port_takes_the_states_that_it_has() {
    let mut client = client();
    let state = |state: u32| format!("<h:RequestedState>{state}</h:RequestedState>");
    assert_eq!(client.call("CIM_WiFiPort", "RequestStateChange", &[], &state(32769)), 0);
    assert_eq!(property(&client.get("CIM_WiFiPort", &[]).soap(), "EnabledState"), "32769");
    assert_eq!(client.call("CIM_WiFiPort", "RequestStateChange", &[], &state(2)), 5);
}

#[test]
fn server_is_not_deleted_while_a_rule_refers_to_it() {
    let mut client = client();
    assert_eq!(client.call(REMOTE, "AddMpServer", &[], SERVER), 0);
    assert_eq!(client.call(REMOTE, "AddMpServer", &[], SERVER), 2058);
    assert_eq!(client.call(REMOTE, "AddMpServer", &[], &SERVER.replace(">3<", ">4<")), 36, "no IPv6 address");
    assert_eq!(client.call(REMOTE, "AddMpServer", &[], &SERVER.replace("P@ssw0rd", &"x".repeat(17))), 36);
    let method = "AddRemoteAccessPolicyRule";
    assert_eq!(client.call(REMOTE, method, &[], &rule(2, "", 0)), 36, "periodic, without a period");
    assert_eq!(client.call(REMOTE, method, &[], &rule(2, EVERY_25_SECONDS, 3)), 2053, "no such server");
    assert_eq!(client.call(REMOTE, method, &[], &rule(2, EVERY_25_SECONDS, 0)), 0);
    assert_eq!(client.call(REMOTE, method, &[], &rule(2, EVERY_25_SECONDS, 0)), 2058);
    let (servers, rules) = ("AMT_ManagementPresenceRemoteSAP", "AMT_RemoteAccessPolicyRule");
    let server = "Intel(r) AMT:Management Presence Server 0";
    assert_eq!(delete(&mut client, servers, "Name", server).fault(), "AccessDenied");
    assert_eq!(delete(&mut client, rules, "PolicyRuleName", "Alert").fault(), "DestinationUnreachable");
    assert_eq!(delete(&mut client, rules, "PolicyRuleName", "Periodic").status, 200);
    assert_eq!(delete(&mut client, servers, "Name", server).status, 200);
}

#[test]
fn link_of_rule_and_server_is_put_by_its_two_ends() {
    let mut client = client();
    assert_eq!(client.call(REMOTE, "AddMpServer", &[], SERVER), 0);
    for (trigger, data) in [(0, ""), (2, EVERY_25_SECONDS)] {
        assert_eq!(client.call(REMOTE, "AddRemoteAccessPolicyRule", &[], &rule(trigger, data, 0)), 0);
    }
    let class = "AMT_RemoteAccessPolicyAppliesToMPS";
    let end = |inner: String| format!("<a:EndpointReference>{inner}</a:EndpointReference>");
    let server = end(reference(
        "AMT_ManagementPresenceRemoteSAP",
        "Name",
        "Intel(r) AMT:Management Presence Server 0",
    ));
    let periodic = end(reference("AMT_RemoteAccessPolicyRule", "PolicyRuleName", "Periodic"));
    let ends = [("ManagedElement", server.as_str()), ("PolicySet", periodic.as_str())];
    let changed = client.put(class, &ends, "<h:MpsType>2</h:MpsType><h:OrderOfAccess>0</h:OrderOfAccess>");
    assert_eq!(property(&changed.soap(), "MpsType"), "2");
    let kinds: Vec<String> =
        pull_one_by_one(&mut client, class).iter().map(|item| property(item, "MpsType").to_owned()).collect();
    assert_eq!(kinds, ["0", "2"], "the other rule's link is as before");
    assert_eq!(client.put(class, &ends, "<h:MpsType>3</h:MpsType>").fault(), "InvalidRepresentation");
}

#[test]
fn failed_addition_returns_a_reference_to_nothing() {
    let mut client = client();
    let service = "IPS_HTTPProxyService";
    assert_eq!(client.call(service, "AddProxyAccessPoint", &[], PROXY), 0);
    let again = client.invoke(service, "AddProxyAccessPoint", &[], PROXY);
    assert!(again.text().contains("<b:Address>default</b:Address>"), "{}", again.text());
    assert_eq!(property(&again.soap(), "ReturnValue"), "2058");
    let class = "IPS_HTTPProxyAccessPoint";
    let name = property(&pull_one_by_one(&mut client, class)[0], "Name").to_owned();
    assert_eq!(delete(&mut client, class, "Name", &name).status, 200);
    assert!(pull_one_by_one(&mut client, class).is_empty());
}

#[test]
fn put_is_checked_as_a_whole_and_secrets_are_not_shown() {
    let mut client = client();
    let class = "IPS_IEEE8021xSettings";
    let properties = "<h:Enabled>2</h:Enabled><h:AuthenticationProtocol>2</h:AuthenticationProtocol>\
                      <h:Username>host</h:Username><h:Password>canary</h:Password>";
    let changed = client.put(class, &[], properties);
    assert!(!changed.text().contains("canary"));
    let changed = changed.soap();
    assert_eq!((property(&changed, "Username"), property(&changed, "PxeTimeout")), ("host", "120"));
    let wrong = properties.replace(">host<", ">other<").replace("Protocol>2<", "Protocol>11<");
    assert_eq!(client.put(class, &[], &wrong).fault(), "InvalidRepresentation");
    assert_eq!(client.put(class, &[], "<h:Username>other</h:Username>").fault(), "InvalidRepresentation");
    assert_eq!(property(&client.get(class, &[]).soap(), "Username"), "host");
    let strings = "<h:DetectionStrings>a.example</h:DetectionStrings>".repeat(6);
    let environment = "AMT_EnvironmentDetectionSettingData";
    assert_eq!(client.put(environment, &[], &strings).fault(), "InvalidRepresentation");
    assert_eq!(client.put(environment, &[], &strings[..strings.len() / 3]).status, 200);
    assert_eq!(client.get(environment, &[]).soap().members("DetectionStrings").count(), 2);
}

#[test]
fn what_a_put_leaves_out_falls_back_to_its_default() {
    let mut client = client();
    for (class, key, given, required, name, default) in [
        (
            "AMT_GeneralSettings",
            "",
            "<h:HostName>mine</h:HostName><h:PingResponseEnabled>true</h:PingResponseEnabled>",
            "<h:PingResponseEnabled>true</h:PingResponseEnabled>",
            "HostName",
            "amt-sim",
        ),
        (
            "AMT_EthernetPortSettings",
            "Intel(r) AMT Ethernet Port Settings 0",
            "<h:DHCPEnabled>true</h:DHCPEnabled><h:SharedStaticIp>true</h:SharedStaticIp>",
            "<h:DHCPEnabled>true</h:DHCPEnabled>",
            "SharedStaticIp",
            "false",
        ),
        ("AMT_RedirectionService", "", "<h:EnabledState>32768</h:EnabledState>", "", "EnabledState", "32771"),
        (
            "IPS_KVMRedirectionSettingData",
            "",
            "<h:Is5900PortEnabled>true</h:Is5900PortEnabled>",
            "",
            "Is5900PortEnabled",
            "false",
        ),
        ("AMT_BootSettingData", "", "<h:UseSOL>true</h:UseSOL>", "", "UseSOL", "false"),
    ] {
        let selectors: &[_] = if key.is_empty() { &[] } else { &[("InstanceID", key)] };
        let changed = client.put(class, selectors, given).soap();
        assert_ne!(property(&changed, name), default, "{class}");
        assert_eq!(property(&client.put(class, selectors, required).soap(), name), default, "{class}");
    }
    let class = "AMT_EnvironmentDetectionSettingData";
    let strings = client.put(class, &[], "<h:DetectionStrings>a.example</h:DetectionStrings>").soap();
    assert_eq!(property(&strings, "DetectionStrings"), "a.example");
    assert!(client.put(class, &[], "").soap().member("DetectionStrings").is_none(), "the way to clear it");
}

#[test]
fn every_writable_class_takes_back_what_it_shows() {
    let mut client = client();
    for class in super::CLASSES.iter().filter(|class| class.put.is_some()) {
        let name = super::class_name(class.resource);
        if pull_one_by_one(&mut client, name).len() != 1 || name == "IPS_OptInService" {
            continue;
        }
        let shown = client.get(name, &[]).soap();
        let properties: String = shown
            .elements()
            .iter()
            .map(|property| format!("<h:{0}>{1}</h:{0}>", property.name(), property.text()))
            .collect();
        let changed = client.put(name, &[], &properties);
        assert_eq!(changed.status, 200, "{name}: {}", changed.text());
        let texts = |instance: &Element| {
            instance.elements().iter().map(|e| (e.name().to_owned(), e.text().to_owned())).collect::<Vec<_>>()
        };
        assert_eq!(texts(&changed.soap()), texts(&shown), "{name}");
    }
}

#[test]
fn host_address_goes_when_it_comes_from_dhcp() {
    let mut client = client();
    let class = "IPS_HostIPSettings";
    let fixed = "<h:DHCPEnabled>false</h:DHCPEnabled><h:IpAddress>192.0.2.7</h:IpAddress>";
    assert_eq!(property(&client.put(class, &[], fixed).soap(), "IpAddress"), "192.0.2.7");
    assert_eq!(client.put(class, &[], &fixed.replace("false", "true")).fault(), "InvalidRepresentation");
    let dhcp = client.put(class, &[], "<h:DHCPEnabled>true</h:DHCPEnabled>").soap();
    assert!(dhcp.member("IpAddress").is_none());
    assert_eq!(client.put(class, &[], &fixed.replace("192", "592")).fault(), "SchemaValidationError");
}

fn consent(client: &mut Client) -> String {
    property(&client.get("IPS_OptInService", &[]).soap(), "OptInState").to_owned()
}

fn shown_code(client: &Client) -> u32 {
    client.device.features.consent.code().expect("a code on the screen")
}

#[test]
fn consent_is_given_with_the_code_and_runs_out() {
    let mut client = client();
    let class = "IPS_OptInService";
    let code = |code: u32| format!("<h:OptInCode>{code}</h:OptInCode>");
    assert_eq!(client.call(class, "SendOptInCode", &[], &code(1)), 2, "nobody asked");
    assert_eq!(client.call(class, "StartOptIn", &[], ""), 0);
    assert_eq!(client.call(class, "StartOptIn", &[], ""), 2);
    let right = shown_code(&client);
    assert_eq!(client.call(class, "SendOptInCode", &[], &code(right + 1)), 2069);
    assert_eq!(consent(&mut client), "2", "a wrong code ends nothing");
    assert_eq!(client.call(class, "SendOptInCode", &[], &code(right)), 0);
    assert_eq!(consent(&mut client), "3");
    client.advance(121);
    assert_eq!(consent(&mut client), "0");
    assert_eq!(client.call(class, "StartOptIn", &[], ""), 0);
    client.advance(301);
    assert_eq!(consent(&mut client), "0");
    assert_eq!(client.call(class, "CancelOptIn", &[], ""), 2);
}

#[test]
fn consent_is_not_asked_for_where_none_is_needed() {
    let mut client =
        Client::new(DeviceConfig { control_mode: ControlMode::Admin, ..DeviceConfig::default() });
    let class = "IPS_OptInService";
    assert_eq!(client.put(class, &[], "<h:OptInRequired>0</h:OptInRequired>").status, 200);
    assert_eq!(client.call(class, "StartOptIn", &[], ""), 2);
}

#[test]
fn alarm_is_kept_under_its_name_until_it_is_deleted() {
    let mut client = client();
    let (service, class) = ("AMT_AlarmClockService", "IPS_AlarmClockOccurrence");
    assert_eq!(client.call(service, "AddAlarm", &[], &alarm("wake")), 0);
    assert_eq!(client.call(service, "AddAlarm", &[], &alarm("wake")), 2058);
    let shown = client.get(class, &[("InstanceID", "wake")]).soap();
    assert_eq!(property(&shown, "StartTime"), "2030-01-01T00:00:00Z");
    assert_eq!(delete(&mut client, class, "InstanceID", "wake").status, 200);
    let context = client.context(class);
    let items = client.pull(class, &context, ALL).soap();
    assert_eq!(items.child(Namespace::Enumeration, "Items").map(|items| items.elements().len()), Some(0));
}

#[test]
fn unprovisioning_takes_all_of_it_away() {
    let mut client = client();
    furnish(&mut client);
    let off = "<h:ProvisioningMode>1</h:ProvisioningMode>";
    assert_eq!(client.call("AMT_SetupAndConfigurationService", "Unprovision", &[], off), 0);
    client.advance(120);
    let now = client.now;
    client.device.tick(now);
    assert_eq!(client.device.features, Default::default());
    assert_eq!(client.device.security.store, Default::default());
}
