//! Tests of WSMAN: every class through Get, Enumerate and Pull, Puts, methods, faults, agent presence.

use super::*;
use crate::device::message_log::{EventRecord, MAX_RECORDS};
use crate::device::{ControlMode, DeviceConfig};
use crate::web::envelope::class_name;
use crate::web::tests::client::{Client, property, resource as uri};
use crate::web::xml::{self, Element, Namespace};

mod provisioning;

mod features;

fn client() -> Client {
    Client::new(DeviceConfig::default())
}

fn in_class(element: &Element, class: &str) -> bool {
    element.is(Namespace::Other(uri(class)), class)
}

const ALL: &str = "<n:MaxElements>999</n:MaxElements><n:MaxCharacters>99999</n:MaxCharacters>";
const AGENT: (&str, &str) = ("DeviceID", "AAECAwQFBgcICQoLDA0ODw==");
const WATCHDOG: &str = "AMT_AgentPresenceWatchdog";

fn create_watchdog(client: &mut Client) {
    let properties = "<h:DeviceID>AAECAwQFBgcICQoLDA0ODw==</h:DeviceID>\
                      <h:MonitoredEntityDescription>agent</h:MonitoredEntityDescription>\
                      <h:StartupInterval>10</h:StartupInterval><h:TimeoutInterval>5</h:TimeoutInterval>";
    let body = format!("<h:{WATCHDOG}>{properties}</h:{WATCHDOG}>");
    let received = client.soap("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", WATCHDOG, &[], &body);
    assert_eq!(received.status, 200, "{}", received.text());
    assert_eq!(received.soap().name(), "ResourceCreated");
    assert!(received.text().contains("<c:Selector Name=\"DeviceID\">AAECAwQFBgcICQoLDA0ODw==</c:Selector>"));
}

fn register(client: &mut Client) -> u32 {
    let output = client.invoke(WATCHDOG, "RegisterAgent", &[AGENT], "").soap();
    assert_eq!(property(&output, "TimeoutInterval"), "5");
    property(&output, "SessionSequenceNumber").parse().expect("a number")
}

fn assert_presence(client: &mut Client, sequence: u32) -> u32 {
    let parameters = format!("<h:SequenceNumber>{sequence}</h:SequenceNumber>");
    client.call(WATCHDOG, "AssertPresence", &[AGENT], &parameters)
}

fn watchdog_state(client: &mut Client) -> String {
    property(&client.get(WATCHDOG, &[AGENT]).soap(), "CurrentState").to_owned()
}

/// Pulls a class item by item.
fn pull_one_by_one(client: &mut Client, class: &str) -> Vec<Element> {
    let mut context = client.context(class);
    let mut items = Vec::new();
    loop {
        let mut response = client.pull(class, &context, "").soap();
        let pulled = response.take_child(Namespace::Enumeration, "Items").expect("items");
        items.extend(pulled.into_first_child());
        match response.child(Namespace::Enumeration, "EnumerationContext") {
            Some(next) => context = next.text().to_owned(),
            None => {
                assert!(response.child(Namespace::Enumeration, "EndOfSequence").is_some());
                return items;
            }
        }
    }
}

#[test]
fn every_class_is_listed_once_and_answers_in_its_namespace() {
    let mut client = client();
    create_watchdog(&mut client);
    features::furnish(&mut client);
    let action =
        "<h:OldState>4</h:OldState><h:NewState>8</h:NewState><h:EventOnTransition>true</h:EventOnTransition>";
    assert_eq!(client.call(WATCHDOG, "AddAction", &[AGENT], action), 0);
    for class in CLASSES {
        let name = class_name(class.resource);
        assert_eq!(uri(name), class.resource, "the prefix fits the name");
        let items_are = class_name(class.item_resource());
        let items = pull_one_by_one(&mut client, name);
        // Older firmware's, which new firmware has only by name.
        assert!(!items.is_empty() || name == "AMT_8021xCredentialContext", "{name}");
        for item in &items {
            assert!(in_class(item, items_are), "{name}");
            let names: Vec<&str> = item.elements().iter().map(Element::name).collect();
            assert!(names.is_sorted(), "{name} is not in alphabetical order: {names:?}");
            for key in class.keys {
                assert!(item.member(key).is_some(), "{name} lacks its key {key}");
            }
        }
        let context = client.context(name);
        let all = client.pull(name, &context, ALL);
        let response = all.soap();
        let at_once = response.child(Namespace::Enumeration, "Items").expect("items").elements().len();
        assert_eq!(at_once, items.len(), "{name}");
    }
}

#[test]
fn instance_can_be_got_by_its_keys_and_not_without_them_among_several() {
    let mut client = client();
    for class in CLASSES {
        let name = class_name(class.resource);
        let items = pull_one_by_one(&mut client, name);
        for item in &items {
            let keys: Vec<(&str, String)> = class
                .keys
                .iter()
                .filter_map(|key| {
                    item.member(key).filter(|value| value.elements().is_empty()).map(|value| (*key, value))
                })
                .map(|(key, value)| (key, value.text().to_owned()))
                .collect();
            let keys: Vec<(&str, &str)> = keys.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let received = client.get(name, &keys);
            assert_eq!(received.status, 200, "{name} {keys:?}: {}", received.text());
            assert!(in_class(&received.soap(), name));
        }
        match items.len() {
            0 => assert_eq!(client.get(name, &[]).fault(), "DestinationUnreachable", "{name}"),
            1 => assert_eq!(client.get(name, &[]).status, 200, "{name}"),
            _ => assert_eq!(client.get(name, &[]).fault(), "InvalidSelectors", "{name}"),
        }
    }
}

#[test]
fn answer_has_the_prefixes_and_headers_of_real_ones() {
    let received = client().get("AMT_GeneralSettings", &[]);
    let text = received.text();
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" \
                 xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" ";
    assert!(text.starts_with(start), "{text}");
    for part in [
        " xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings\" ",
        "<b:RelatesTo>1</b:RelatesTo><b:Action a:mustUnderstand=\"true\">\
         http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse</b:Action>\
         <b:MessageID>uuid:00000000-8086-8086-8086-000000000001</b:MessageID><c:ResourceURI>",
        "</a:Header><a:Body><g:AMT_GeneralSettings><g:AMTNetworkEnabled>1</g:AMTNetworkEnabled>",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains('\n'));
    assert_eq!(received.field("Content-Type"), Some("application/soap+xml; charset=UTF-8"));
}

#[test]
fn enumeration_context_is_used_up_by_a_pull_and_by_a_release() {
    let mut client = client();
    let class = "CIM_SoftwareIdentity";
    let first = client.context(class);
    let partial = client.pull(class, &first, "<n:MaxElements>4</n:MaxElements>");
    assert_eq!(partial.soap().child(Namespace::Enumeration, "Items").expect("items").elements().len(), 4);
    assert_eq!(client.pull(class, &first, ALL).fault(), "InvalidEnumerationContext");
    let open = client.context(class);
    assert_eq!(client.pull("CIM_Chassis", &open, ALL).fault(), "InvalidEnumerationContext");
    let release = format!("<n:Release><n:EnumerationContext>{open}</n:EnumerationContext></n:Release>");
    let action = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Release";
    assert_eq!(client.soap(action, class, &[], &release).status, 200);
    assert_eq!(client.soap(action, class, &[], &release).fault(), "InvalidEnumerationContext");
}

#[test]
fn pull_stays_below_the_characters_that_the_client_takes() {
    let mut client = client();
    let class = "CIM_SoftwareIdentity";
    let context = client.context(class);
    let limits = "<n:MaxElements>999</n:MaxElements><n:MaxCharacters>500</n:MaxCharacters>";
    let response = client.pull(class, &context, limits).soap();
    let count = response.child(Namespace::Enumeration, "Items").expect("items").elements().len();
    assert!((1..5).contains(&count), "{count}");
    assert!(response.child(Namespace::Enumeration, "EnumerationContext").is_some());
}

#[test]
fn pull_stays_below_the_envelope_that_the_client_takes() {
    let mut client = client();
    let record = EventRecord { time: 0, sensor_type: 15, offset: 2, severity: 2, entity: 34, data: [0; 8] };
    (0..MAX_RECORDS).for_each(|_| client.device.log.push(record));
    let class = "AMT_EventLogEntry";
    let context = client.context(class);
    let pull = format!(
        "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
         xmlns:n='http://schemas.xmlsoap.org/ws/2004/09/enumeration' \
         xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><s:Header>\
         <a:Action>http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull</a:Action><a:MessageID>1</a:MessageID>\
         <w:MaxEnvelopeSize>51200</w:MaxEnvelopeSize><w:ResourceURI>{}</w:ResourceURI></s:Header><s:Body><n:Pull>\
         <n:EnumerationContext>{context}</n:EnumerationContext><n:MaxElements>999</n:MaxElements></n:Pull>\
         </s:Body></s:Envelope>",
        uri(class)
    );
    let received = client.request("POST", "/wsman", &pull);
    assert!((40_000..=51_200).contains(&received.body.len()), "{} bytes", received.body.len());
    assert!(received.soap().child(Namespace::Enumeration, "EnumerationContext").is_some());
}

#[test]
fn oldest_enumeration_gives_way_to_a_new_one() {
    let mut client = client();
    let first = client.context("CIM_Chassis");
    let second = client.context("CIM_Chassis");
    (0..31).for_each(|_| drop(client.context("CIM_Chassis")));
    assert_eq!(client.pull("CIM_Chassis", &first, ALL).fault(), "InvalidEnumerationContext");
    assert_eq!(client.pull("CIM_Chassis", &second, ALL).status, 200);
}

#[test]
fn unknown_things_are_faults() {
    let mut client = client();
    assert_eq!(client.get("AMT_NoSuchClass", &[]).fault(), "DestinationUnreachable");
    assert_eq!(client.get("AMT_GeneralSettings", &[("Nothing", "x")]).fault(), "InvalidSelectors");
    assert_eq!(client.get("AMT_GeneralSettings", &[("InstanceID", "x")]).fault(), "DestinationUnreachable");
    assert_eq!(client.invoke("AMT_GeneralSettings", "NoSuchMethod", &[], "").fault(), "ActionNotSupported");
    assert_eq!(client.put("CIM_Chassis", &[], "").fault(), "ActionNotSupported");
    let subscribe = "http://schemas.xmlsoap.org/ws/2004/08/eventing/Subscribe";
    assert_eq!(client.soap(subscribe, "AMT_GeneralSettings", &[], "").fault(), "ActionNotSupported");
    let other = format!("{}/Get", uri("CIM_Chassis"));
    assert_eq!(client.soap(&other, "AMT_GeneralSettings", &[], "").fault(), "ActionNotSupported");
}

#[test]
fn broken_bodies_are_faults_and_answer_the_message_they_belong_to() {
    let mut client = client();
    assert_eq!(client.request("POST", "/wsman", "").fault(), "SchemaValidationError");
    assert_eq!(client.request("POST", "/wsman", "<a>").fault(), "SchemaValidationError");
    let soap_1_1 = "<Envelope xmlns='http://schemas.xmlsoap.org/soap/envelope/'/>";
    assert_eq!(client.request("POST", "/wsman", soap_1_1).fault(), "VersionMismatch");
    let envelope = |headers: &str| {
        format!(
            "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
             xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
             xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>\
             <s:Header>{headers}<a:MessageID>a&amp;b</a:MessageID></s:Header><s:Body/></s:Envelope>"
        )
    };
    let cases = [
        ("", "MessageInformationHeaderRequired"),
        ("<w:OptionSet s:mustUnderstand='true'/>", "MustUnderstand"),
        ("<w:MaxEnvelopeSize>1000</w:MaxEnvelopeSize>", "EncodingLimit"),
        ("<w:SelectorSet><w:Selector>x</w:Selector></w:SelectorSet>", "InvalidSelectors"),
    ];
    for (headers, expected) in cases {
        let received = client.request("POST", "/wsman", &envelope(headers));
        assert_eq!(received.fault(), expected);
        assert!(received.text().contains("<b:RelatesTo>a&amp;b</b:RelatesTo>"), "{expected}");
    }
}

#[test]
fn filters_and_reference_modes_are_unsupported_rather_than_ignored() {
    let mut client = client();
    let action = "http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate";
    for inside in ["<w:Filter>x</w:Filter>", "<w:EnumerationMode>EnumerateEPR</w:EnumerationMode>"] {
        let body = format!("<n:Enumerate>{inside}</n:Enumerate>");
        assert_eq!(client.soap(action, "CIM_Chassis", &[], &body).fault(), "UnsupportedFeature");
    }
}

#[test]
fn identify_needs_no_headers() {
    let body = "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
                xmlns:id='http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd'>\
                <s:Header/><s:Body><id:Identify/></s:Body></s:Envelope>";
    let response = client().request("POST", "/wsman", body).soap();
    assert!(response.is(Namespace::Identity, "IdentifyResponse"));
    assert_eq!(property(&response, "ProtocolVersion"), "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd");
    assert_eq!(property(&response, "ProductVersion"), "AMT 16.1.25");
}

#[test]
fn put_changes_what_get_returns_and_is_all_or_nothing() {
    let mut client = client();
    let class = "AMT_GeneralSettings";
    let properties = "<h:HostName>a&amp;b</h:HostName><h:PingResponseEnabled>false</h:PingResponseEnabled>";
    let answer = client.put(class, &[], properties).soap();
    assert_eq!((property(&answer, "HostName"), property(&answer, "PingResponseEnabled")), ("a&b", "false"));
    let wrong = "<h:HostName>changed</h:HostName><h:PingResponseEnabled>maybe</h:PingResponseEnabled>";
    assert_eq!(client.put(class, &[], wrong).fault(), "SchemaValidationError");
    assert_eq!(client.put(class, &[], "<h:HostName>changed</h:HostName>").fault(), "InvalidRepresentation");
    let other_key = "<h:InstanceID>x</h:InstanceID><h:PingResponseEnabled>true</h:PingResponseEnabled>";
    assert_eq!(client.put(class, &[], other_key).fault(), "InvalidRepresentation");
    assert_eq!(property(&client.get(class, &[]).soap(), "HostName"), "a&b");
    let body = "<h:Other><h:PingResponseEnabled>true</h:PingResponseEnabled></h:Other>";
    let put = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Put";
    assert_eq!(client.soap(put, class, &[], body).fault(), "InvalidRepresentation");
}

#[test]
fn ethernet_port_takes_addresses_only_when_they_are_its_own() {
    let mut client = client();
    let class = "AMT_EthernetPortSettings";
    let wired = [("InstanceID", "Intel(r) AMT Ethernet Port Settings 0")];
    let addresses = "<h:IPAddress>192.0.2.9</h:IPAddress><h:SubnetMask>255.255.255.0</h:SubnetMask>";
    assert_eq!(client.put(class, &[], "<h:DHCPEnabled>true</h:DHCPEnabled>").fault(), "InvalidSelectors");
    let dhcp = format!("<h:DHCPEnabled>true</h:DHCPEnabled>{addresses}");
    assert_eq!(client.put(class, &wired, &dhcp).fault(), "InvalidRepresentation");
    let fixed =
        format!("<h:DHCPEnabled>false</h:DHCPEnabled><h:IpSyncEnabled>false</h:IpSyncEnabled>{addresses}");
    let answer = client.put(class, &wired, &fixed).soap();
    assert_eq!(
        (property(&answer, "IPAddress"), answer.member("DefaultGateway").is_none()),
        ("192.0.2.9", true)
    );
    assert_eq!(client.call(class, "SetLinkPreference", &wired, "<h:LinkPreference>1</h:LinkPreference>"), 36);
    let wireless = [("InstanceID", "Intel(r) AMT Ethernet Port Settings 1")];
    assert_eq!(
        client.call(class, "SetLinkPreference", &wireless, "<h:LinkPreference>1</h:LinkPreference>"),
        0
    );
    assert_eq!(property(&client.get(class, &wireless).soap(), "LinkControl"), "1");
}

#[test]
fn property_that_is_null_is_absent() {
    let mut client = client();
    let class = "AMT_EthernetPortSettings";
    let wired = [("InstanceID", "Intel(r) AMT Ethernet Port Settings 0")];
    let null = "<h:DHCPEnabled>true</h:DHCPEnabled>\
                <h:IPAddress xmlns:x='http://www.w3.org/2001/XMLSchema-instance' x:nil='true'/>";
    assert_eq!(client.put(class, &wired, null).status, 200);
    let empty = "<h:DHCPEnabled>true</h:DHCPEnabled><h:IPAddress/>";
    assert_eq!(client.put(class, &wired, empty).fault(), "SchemaValidationError");
}

#[test]
fn redirection_is_switched_by_method_and_by_put() {
    let mut client = client();
    let class = "AMT_RedirectionService";
    let state = |state: u32| format!("<h:RequestedState>{state}</h:RequestedState>");
    assert_eq!(client.call(class, "RequestStateChange", &[], &state(32769)), 0);
    assert_eq!(property(&client.get(class, &[]).soap(), "EnabledState"), "32769");
    assert_eq!(client.call(class, "RequestStateChange", &[], &state(7)), 5);
    let properties = "<h:EnabledState>3</h:EnabledState><h:ListenerEnabled>false</h:ListenerEnabled>";
    let answer = client.put(class, &[], properties).soap();
    assert_eq!((property(&answer, "EnabledState"), property(&answer, "ListenerEnabled")), ("32768", "false"));
    assert_eq!(client.call("CIM_KVMRedirectionSAP", "RequestStateChange", &[], &state(3)), 0);
    assert_eq!(property(&client.get("CIM_KVMRedirectionSAP", &[]).soap(), "EnabledState"), "3");
}

#[test]
fn consent_is_forced_in_client_control_mode_and_free_in_admin_control_mode() {
    let required = "<h:OptInRequired>0</h:OptInRequired>";
    let class = "IPS_OptInService";
    let mut client = client();
    assert_eq!(property(&client.get(class, &[]).soap(), "OptInRequired"), "4294967295");
    assert_eq!(client.put(class, &[], required).fault(), "AccessDenied");
    let mut client =
        Client::new(DeviceConfig { control_mode: ControlMode::Admin, ..DeviceConfig::default() });
    assert_eq!(property(&client.put(class, &[], required).soap(), "OptInRequired"), "0");
    let kvm = "<h:RFBPassword>P@ssw0rd</h:RFBPassword><h:Is5900PortEnabled>true</h:Is5900PortEnabled>";
    let answer = client.put("IPS_KVMRedirectionSettingData", &[], kvm).soap();
    assert_eq!((property(&answer, "Is5900PortEnabled"), property(&answer, "RFBPassword")), ("true", ""));
}

#[test]
fn device_can_be_activated_and_deactivated() {
    let client = Client::new(DeviceConfig { control_mode: ControlMode::None, ..DeviceConfig::default() });
    let realm = client.device.realm().to_owned();
    let mut client = client.into_local_system();
    let secret =
        crate::device::accounts::Ha1::new("admin", &realm, &crate::device::accounts::Password::new("New"));
    let secret = std::str::from_utf8(secret.as_bytes()).expect("hex").to_owned();
    let parameters = |kind: u32, secret: &str| {
        format!(
            "<h:NetAdminPassEncryptionType>{kind}</h:NetAdminPassEncryptionType>\
             <h:NetworkAdminPassword>{secret}</h:NetworkAdminPassword>"
        )
    };
    let class = "IPS_HostBasedSetupService";
    assert_eq!(client.call(class, "Setup", &[], &parameters(2, "plain text")), 3);
    let received = client.invoke(class, "Setup", &[], &parameters(2, &secret));
    assert!(received.text().contains("/IPS_HostBasedSetupService/Setup</b:Action>"), "no suffix Response");
    assert_eq!(property(&received.soap(), "ReturnValue"), "0");
    assert_eq!(client.call(class, "Setup", &[], &parameters(2, &secret)), 2);
    (client.user, client.password) = ("admin".into(), "New".into());
    assert_eq!(property(&client.get(class, &[]).soap(), "CurrentControlMode"), "1");
    let setup = "AMT_SetupAndConfigurationService";
    assert_eq!(property(&client.get(setup, &[]).soap(), "ProvisioningMode"), "4");
    assert_eq!(client.call(setup, "Unprovision", &[], "<h:ProvisioningMode>1</h:ProvisioningMode>"), 0);
    assert_eq!(client.get(setup, &[]).status, 401, "the administrator is gone");
    assert_eq!(client.device.control_mode(), ControlMode::None);
}

#[test]
fn local_system_account_reads_but_does_not_configure() {
    let mut client = client().into_local_system();
    create_watchdog_directly(&mut client);
    assert_eq!(client.get("AMT_GeneralSettings", &[]).status, 200);
    let put = "<h:PingResponseEnabled>false</h:PingResponseEnabled>";
    assert_eq!(client.put("AMT_GeneralSettings", &[], put).fault(), "AccessDenied");
    assert_eq!(client.get(WATCHDOG, &[AGENT]).fault(), "AccessDenied");
    assert_eq!(client.invoke(WATCHDOG, "RegisterAgent", &[AGENT], "").fault(), "AccessDenied");
    assert_eq!(client.call("AMT_TimeSynchronizationService", "GetLowAccuracyTimeSynch", &[], ""), 0);
}

fn create_watchdog_directly(client: &mut Client) {
    let device_id = std::array::from_fn(|index| u8::try_from(index).expect("small"));
    let second = std::time::Duration::from_secs(1);
    let spec = crate::device::presence::WatchdogSpec {
        device_id,
        description: String::new(),
        startup: second,
        timeout: second,
    };
    client.device.presence.create(spec, client.now).expect("room");
}

#[test]
fn clock_follows_what_the_client_measured() {
    let mut client = client();
    let class = "AMT_TimeSynchronizationService";
    client.advance(7);
    let output = client.invoke(class, "GetLowAccuracyTimeSynch", &[], "").soap();
    assert_eq!(property(&output, "Ta0"), "1750000007");
    let parameters = "<h:Ta0>1750000007</h:Ta0><h:Tm1>1750000100</h:Tm1><h:Tm2>1750000100</h:Tm2>";
    assert_eq!(client.call(class, "SetHighAccuracyTimeSynch", &[], parameters), 0);
    assert_eq!(client.device.unix_time(client.now), 1_750_000_100);
}

#[test]
fn message_log_is_read_in_parts() {
    let mut client = client();
    let class = "AMT_MessageLog";
    let output = client.invoke(class, "PositionToFirstRecord", &[], "").soap();
    assert_eq!(property(&output, "IterationIdentifier"), "1");
    let read = |client: &mut Client, from: u32, count: u32| {
        let parameters = format!(
            "<h:IterationIdentifier>{from}</h:IterationIdentifier><h:MaxReadRecords>{count}</h:MaxReadRecords>"
        );
        client.invoke(class, "GetRecords", &[], &parameters).soap()
    };
    let first = read(&mut client, 1, 1);
    assert_eq!((property(&first, "NoMoreRecords"), property(&first, "IterationIdentifier")), ("false", "2"));
    let rest = read(&mut client, 2, 390);
    assert_eq!((property(&rest, "NoMoreRecords"), rest.members("RecordArray").count()), ("true", 1));
    assert_eq!(property(&rest, "RecordArray").len(), 28, "21 bytes in base64");
    assert_eq!(property(&read(&mut client, 9, 1), "ReturnValue"), "2");
    assert_eq!(client.call(class, "FreezeLog", &[], "<h:Freeze>true</h:Freeze>"), 0);
    assert_eq!(client.call(class, "ClearLog", &[], ""), 2059);
}

#[test]
fn host_is_powered_by_reference_and_its_boot_source_ordered() {
    let mut client = client();
    let reference = |name: &str, resource: &str, selectors: &str| {
        format!(
            "<h:{name} xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'><a:Address>x</a:Address>\
             <a:ReferenceParameters><w:ResourceURI>{resource}</w:ResourceURI><w:SelectorSet>{selectors}</w:SelectorSet>\
             </a:ReferenceParameters></h:{name}>"
        )
    };
    let source = "<w:Selector Name='InstanceID'>Intel(r) AMT: Force PXE Boot</w:Selector>";
    let source = reference("Source", &uri("CIM_BootSourceSetting"), source);
    assert_eq!(client.call("CIM_BootConfigSetting", "ChangeBootOrder", &[], &source), 0);
    assert_eq!(client.device.power.boot_source.as_deref(), Some("Intel(r) AMT: Force PXE Boot"));
    let setting = "<w:Selector Name='InstanceID'>Intel(r) AMT: Boot Configuration 0</w:Selector>";
    let setting =
        reference("BootConfigSetting", &uri("CIM_BootConfigSetting"), setting) + "<h:Role>1</h:Role>";
    assert_eq!(client.call("CIM_BootService", "SetBootConfigRole", &[], &setting), 0);
    let host = "<w:Selector Name='CreationClassName'>CIM_ComputerSystem</w:Selector>\
                <w:Selector w:Name='Name'>ManagedSystem</w:Selector>";
    let host = reference("ManagedElement", &uri("CIM_ComputerSystem"), host);
    let class = "CIM_PowerManagementService";
    let state = |state: u32| format!("<h:PowerState>{state}</h:PowerState>{host}");
    assert_eq!(client.call(class, "RequestPowerStateChange", &[], &state(8)), 0);
    let association = client.get("CIM_AssociatedPowerManagementService", &[]).soap();
    assert_eq!(property(&association, "PowerState"), "8");
    assert_eq!(client.call(class, "RequestPowerStateChange", &[], &state(3)), 2066);
    assert_eq!(client.call(class, "RequestPowerStateChange", &[], &state(2)), 0);
    assert_eq!(client.device.power.boot_source, None, "used up by the boot");
}

#[test]
fn heartbeats_keep_a_watchdog_running_until_one_is_missing() {
    let mut client = client();
    create_watchdog(&mut client);
    assert_eq!(watchdog_state(&mut client), "1");
    let session = register(&mut client);
    for beat in 1..=3 {
        client.advance(4);
        assert_eq!(assert_presence(&mut client, session + beat), 0);
        assert_eq!(watchdog_state(&mut client), "4");
    }
    client.advance(6);
    assert_eq!(watchdog_state(&mut client), "8");
    assert_eq!(assert_presence(&mut client, session + 4), 0);
    assert_eq!(watchdog_state(&mut client), "4");
    let shutdown = format!("<h:SequenceNumber>{}</h:SequenceNumber>", session + 5);
    assert_eq!(client.call(WATCHDOG, "AssertShutdown", &[AGENT], &shutdown), 0);
    assert_eq!(watchdog_state(&mut client), "2");
    assert_eq!(client.device.presence.watchdogs()[0].expirations(), 1);
}

#[test]
fn heartbeat_without_registration_or_out_of_sequence_is_refused() {
    let mut client = client();
    create_watchdog(&mut client);
    assert_eq!(assert_presence(&mut client, 1), 8);
    let session = register(&mut client);
    assert_eq!(assert_presence(&mut client, session), 36);
    assert_eq!(assert_presence(&mut client, session + 1), 0);
    assert_eq!(assert_presence(&mut client, session + 1), 36, "replayed");
    assert_eq!(watchdog_state(&mut client), "4");
}

#[test]
fn watchdogs_are_created_once_with_valid_values_and_deleted() {
    let mut client = client();
    create_watchdog(&mut client);
    let create = |client: &mut Client, id: &str, startup: &str| {
        let body = format!(
            "<h:{WATCHDOG}><h:DeviceID>{id}</h:DeviceID><h:MonitoredEntityDescription>x</h:MonitoredEntityDescription>\
             <h:StartupInterval>{startup}</h:StartupInterval><h:TimeoutInterval>5</h:TimeoutInterval></h:{WATCHDOG}>"
        );
        client.soap("http://schemas.xmlsoap.org/ws/2004/09/transfer/Create", WATCHDOG, &[], &body).fault()
    };
    assert_eq!(create(&mut client, AGENT.1, "5"), "AlreadyExists");
    assert_eq!(create(&mut client, "AAAAAAAAAAAAAAAAAAAAAA==", "5"), "InvalidParameter");
    assert_eq!(create(&mut client, "AAEC", "5"), "InvalidParameter");
    assert_eq!(create(&mut client, "BBECAwQFBgcICQoLDA0ODw==", "0"), "InvalidParameter");
    assert_eq!(create(&mut client, "BBECAwQFBgcICQoLDA0ODw==", "65536"), "SchemaValidationError");
    let delete = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Delete";
    let received = client.soap(delete, WATCHDOG, &[AGENT], "");
    assert_eq!(received.status, 200);
    assert!(received.text().ends_with("<a:Body></a:Body></a:Envelope>"));
    assert_eq!(client.soap(delete, WATCHDOG, &[AGENT], "").fault(), "DestinationUnreachable");
}

#[test]
fn texts_are_escaped_in_answers() {
    let mut config = DeviceConfig::default();
    config.network.host_name = "<&\">".into();
    let received = Client::new(config).get("AMT_GeneralSettings", &[]);
    assert!(xml::parse(&received.body).is_ok());
    assert_eq!(property(&received.soap(), "HostName"), "<&\">");
}
