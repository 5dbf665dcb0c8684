//! Activation, upgrade, deactivation and accounts, each call as a client makes it, with every refusal that is served.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use super::super::*;
use super::uri;
use crate::config::{TlsConfig, TlsMode};
use crate::device::accounts::{Ha1, Password};
use crate::device::network::HashAlgorithm;
use crate::device::{ControlMode, DeviceConfig, ProvisioningState};
use crate::faults::MethodFault;
use crate::pki::{ProvisioningChain, Variant};
use crate::tls::ClientHash;
use crate::web::tests::client::{Client, property};

const HOST_BASED: &str = "IPS_HostBasedSetupService";
const SETUP: &str = "AMT_SetupAndConfigurationService";
const ACCOUNTS: &str = "AMT_AuthorizationService";
const NONCE: [u8; 20] = [7; 20];

fn chain() -> ProvisioningChain {
    ProvisioningChain::new("example.net")
}

/// A device in this mode that trusts the root of [`chain`].
fn config(control_mode: ControlMode) -> DeviceConfig {
    DeviceConfig { control_mode, trusted_roots: vec![chain().root], ..DeviceConfig::default() }
}

fn not_activated() -> Client {
    Client::new(config(ControlMode::None)).into_local_system()
}

fn activated(control_mode: ControlMode) -> Client {
    Client::new(config(control_mode))
}

fn become_admin(client: &mut Client, password: &str) {
    (client.user, client.password) = ("admin".into(), password.into());
}

fn value(client: &mut Client, class: &str, name: &str) -> String {
    property(&client.get(class, &[]).soap(), name).to_owned()
}

/// The parameters of `Setup`.
fn new_password(client: &Client, password: &str) -> String {
    let secret = Ha1::new("admin", client.device.realm(), &Password::new(password));
    format!(
        "<h:NetAdminPassEncryptionType>2</h:NetAdminPassEncryptionType>\
         <h:NetworkAdminPassword>{}</h:NetworkAdminPassword>",
        String::from(secret)
    )
}

/// The parameters that prove the possession of a key: a signature over both nonces.
fn proof(client: &mut Client, key: &[u8]) -> String {
    let nonce = STANDARD.decode(value(client, HOST_BASED, "ConfigurationNonce")).expect("base64");
    let key = RsaKeyPair::from_pkcs8(key).expect("a key");
    let mut signature = vec![0; key.public().modulus_len()];
    let message = [&nonce[..], &NONCE].concat();
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature).expect("a signature");
    format!(
        "<h:McNonce>{}</h:McNonce><h:SigningAlgorithm>2</h:SigningAlgorithm><h:DigitalSignature>{}</h:DigitalSignature>",
        STANDARD.encode(NONCE),
        STANDARD.encode(signature)
    )
}

/// Gives a chain. Returns the values that the calls returned, up to the first that is not 0.
fn give(client: &mut Client, chain: &ProvisioningChain) -> Vec<u32> {
    let certificates = chain.certificates();
    let last = certificates.len() - 1;
    let mut returned = Vec::new();
    for (index, der) in certificates.into_iter().enumerate() {
        let parameters = format!(
            "<h:NextCertificate>{}</h:NextCertificate><h:IsLeafCertificate>{}</h:IsLeafCertificate>\
             <h:IsRootCertificate>{}</h:IsRootCertificate>",
            STANDARD.encode(der),
            index == 0,
            index == last
        );
        returned.push(client.call(HOST_BASED, "AddNextCertInChain", &[], &parameters));
        if returned.last() != Some(&0) {
            break;
        }
    }
    returned
}

fn unprovision(client: &mut Client) -> u32 {
    client.call(SETUP, "Unprovision", &[], "<h:ProvisioningMode>1</h:ProvisioningMode>")
}

#[test]
fn admin_control_is_reached_by_chain_and_signature_and_the_password_works() {
    let mut client = not_activated();
    let before = value(&mut client, HOST_BASED, "ConfigurationNonce");
    assert_eq!(value(&mut client, HOST_BASED, "CertChainStatus"), "0");
    assert_eq!(give(&mut client, &chain()), [0, 0, 0]);
    assert_eq!(value(&mut client, HOST_BASED, "CertChainStatus"), "2");
    let parameters = new_password(&client, "New!Pass1") + &proof(&mut client, &chain().leaf_key);
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &parameters), 0);
    assert_eq!(client.device.provisioning_state(), ProvisioningState::Post);
    assert_eq!(value(&mut client, HOST_BASED, "CertChainStatus"), "0");
    assert_ne!(value(&mut client, HOST_BASED, "ConfigurationNonce"), before);
    become_admin(&mut client, "New!Pass1");
    assert_eq!(value(&mut client, HOST_BASED, "CurrentControlMode"), "2");
    assert_eq!(value(&mut client, SETUP, "ProvisioningMode"), "1");
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &parameters), 2, "only once");
}

#[test]
fn admin_control_is_refused_without_each_part_of_the_proof() {
    let mut client = not_activated();
    let password = new_password(&client, "New!Pass1");
    let early = password.clone() + &proof(&mut client, &chain().leaf_key);
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &early), 2, "no chain");
    assert_eq!(give(&mut client, &chain()), [0, 0, 0]);
    let foreign = ProvisioningChain::with("example.net", Variant::ForeignKey);
    let wrong_key = password.clone() + &proof(&mut client, &foreign.leaf_key);
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &wrong_key), 5, "another key");
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &early), 5, "a nonce that was used");
    let fresh = password.clone() + &proof(&mut client, &chain().leaf_key);
    let other_algorithm = fresh.replace("Algorithm>2", "Algorithm>1");
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &other_algorithm), 3);
    let short_nonce = fresh.replace(&STANDARD.encode(NONCE), &STANDARD.encode(&NONCE[1..]));
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &short_nonce), 3);
    let no_signature = &fresh[..fresh.find("<h:DigitalSignature>").expect("it is there")];
    let received = client.invoke(HOST_BASED, "AdminSetup", &[], no_signature);
    assert_eq!(received.fault(), "SchemaValidationError");
    assert_eq!(client.device.control_mode(), ControlMode::None);
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &fresh), 0, "the chain is still there");
}

#[test]
fn chain_that_is_not_trusted_is_refused_at_the_certificate_that_shows_it() {
    for (variant, expected) in [
        (Variant::NoPurpose, vec![4]),
        (Variant::Expired, vec![4]),
        (Variant::BrokenLink, vec![0, 4]),
        (Variant::TooLong, vec![0, 0, 0, 0, 5]),
    ] {
        let returned = give(&mut not_activated(), &ProvisioningChain::with("example.net", variant));
        assert_eq!(returned, expected, "{variant:?}");
    }
    assert_eq!(give(&mut not_activated(), &ProvisioningChain::new("example.org")), [4]);
    let mut stranger = Client::new(DeviceConfig { trusted_roots: Vec::new(), ..config(ControlMode::None) })
        .into_local_system();
    assert_eq!(give(&mut stranger, &chain()), [0, 0, 4]);
    assert_eq!(value(&mut stranger, HOST_BASED, "CertChainStatus"), "1");
    let garbage = "<h:NextCertificate>AAAA</h:NextCertificate><h:IsLeafCertificate>true</h:IsLeafCertificate>\
                   <h:IsRootCertificate>false</h:IsRootCertificate>";
    assert_eq!(stranger.call(HOST_BASED, "AddNextCertInChain", &[], garbage), 1);
    assert_eq!(give(&mut activated(ControlMode::Admin), &chain()), [3], "there is nothing to reach");
}

#[test]
fn suffix_of_dhcp_counts_only_while_the_wired_link_is_up() {
    let mut client = not_activated();
    client.device.network.dns_suffix.clear();
    assert_eq!(give(&mut client, &chain()), [0, 0, 0]);
    client.device.network.wired.link_up = false;
    assert_eq!(give(&mut client, &chain()), [4]);
}

#[test]
fn client_control_is_upgraded_by_the_administrator_and_keeps_its_password() {
    let mut client = activated(ControlMode::Client);
    assert_eq!(give(&mut client, &chain()), [0, 0, 0]);
    let parameters = proof(&mut client, &chain().leaf_key);
    let (user, password) = (client.user.clone(), client.password.clone());
    let mut client = client.into_local_system();
    let received = client.invoke(HOST_BASED, "UpgradeClientToAdmin", &[], &parameters);
    assert_eq!(received.fault(), "AccessDenied");
    (client.user, client.password) = (user, password);
    assert_eq!(client.call(HOST_BASED, "UpgradeClientToAdmin", &[], &parameters), 0);
    assert_eq!(value(&mut client, HOST_BASED, "CurrentControlMode"), "2", "with the password as before");
    assert_eq!(client.call(HOST_BASED, "UpgradeClientToAdmin", &[], &parameters), 2);
}

#[test]
fn firmware_from_19_on_has_no_admin_setup_but_can_be_upgraded() {
    let mut config = config(ControlMode::None);
    config.versions.amt = "19.0.5".into();
    let mut client = Client::new(config).into_local_system();
    let parameters = new_password(&client, "New!Pass1") + &proof(&mut client, &chain().leaf_key);
    assert_eq!(client.invoke(HOST_BASED, "AdminSetup", &[], &parameters).fault(), "ActionNotSupported");
    let parameters = new_password(&client, "New!Pass1");
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 0);
    become_admin(&mut client, "New!Pass1");
    assert_eq!(give(&mut client, &chain()), [0, 0, 0]);
    let parameters = proof(&mut client, &chain().leaf_key);
    assert_eq!(client.call(HOST_BASED, "UpgradeClientToAdmin", &[], &parameters), 0);
}

#[test]
fn client_control_that_was_switched_off_stays_off_until_a_full_unprovisioning() {
    let mut client = not_activated();
    assert_eq!(client.call(HOST_BASED, "DisableClientControlMode", &[], ""), 0);
    assert_eq!(value(&mut client, HOST_BASED, "AllowedControlModes"), "2");
    let parameters = new_password(&client, "New!Pass1");
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 4);
    assert_eq!(give(&mut client, &chain()), [0, 0, 0]);
    let parameters = parameters + &proof(&mut client, &chain().leaf_key);
    assert_eq!(client.call(HOST_BASED, "AdminSetup", &[], &parameters), 0);
    become_admin(&mut client, "New!Pass1");
    assert_eq!(client.call(HOST_BASED, "DisableClientControlMode", &[], ""), 2);
    assert_eq!(unprovision(&mut client), 0);
    let mut client = client.into_local_system();
    let parameters = new_password(&client, "New!Pass2");
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 0);
}

#[test]
fn setup_where_tls_is_enforced_counts_only_when_it_is_committed() {
    let tls = TlsConfig { mode: TlsMode::Enforced, ..TlsConfig::default() };
    let mut client = Client::new(DeviceConfig { tls, ..config(ControlMode::None) }).into_local_system();
    let parameters = new_password(&client, "New!Pass1");
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 0);
    assert_eq!(client.device.provisioning_state(), ProvisioningState::In);
    assert_eq!(client.invoke(SETUP, "CommitChanges", &[], "").fault(), "AccessDenied", "not as $$OsAdmin");
    become_admin(&mut client, "New!Pass1");
    assert_eq!(value(&mut client, SETUP, "ProvisioningState"), "1");
    assert_eq!(give(&mut client, &chain()), [3], "no upgrade half-way");
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 0);
    assert_eq!(value(&mut client, SETUP, "ProvisioningState"), "2");
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 0, "nothing to commit");
}

#[test]
fn half_activated_device_can_be_unprovisioned_by_its_administrator() {
    let mut config = config(ControlMode::Client);
    config.in_provisioning = true;
    let mut client = Client::new(config);
    assert_eq!(client.device.provisioning_state(), ProvisioningState::In);
    assert_eq!(unprovision(&mut client), 0);
    assert_eq!(client.device.provisioning_state(), ProvisioningState::Pre);
}

/// A device that waits for the client that shows [`chain`]; logged in as the local system account.
fn waiting_for_client(control_mode: ControlMode) -> Client {
    let tls = TlsConfig { mode: TlsMode::Enforced, ..TlsConfig::default() };
    let mut client = Client::new(DeviceConfig { tls, ..config(control_mode) });
    let hash = crate::device::chain::hash(HashAlgorithm::Sha256, &chain().leaf);
    let hash = ClientHash { algorithm: HashAlgorithm::Sha256, hash };
    let own = client.device.start_host_based(hash).expect("it may start");
    assert_eq!(own.map(|own| own.len()), Some(32));
    assert_eq!(client.device.provisioning_state(), ProvisioningState::In);
    client
}

fn admin_secret(client: &Client, password: &str) -> String {
    let sum = Ha1::new("admin", client.device.realm(), &Password::new(password));
    let hex = String::from(sum);
    let raw: Vec<u8> =
        (0..32).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
    STANDARD.encode(raw)
}

fn set_admin(client: &mut Client, password: &str) -> u32 {
    let secret = admin_secret(client, password);
    let parameters = format!("<h:Username>admin</h:Username><h:DigestPassword>{secret}</h:DigestPassword>");
    client.call(ACCOUNTS, "SetAdminAclEntryEx", &[], &parameters)
}

const MEBX: &str = "<h:Password>Mebx!Pass1</h:Password>";

#[test]
fn configuration_over_tls_needs_the_client_both_passwords_and_a_commit() {
    let mut client = waiting_for_client(ControlMode::None).into_local_system();
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 16, "no client has come");
    let shown: Vec<_> = chain().certificates().into_iter().map(<[u8]>::to_vec).collect();
    client.device.security.note_client(shown[..1].to_vec());
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 16, "the client's root was not shown");
    client.device.security.note_client(shown);
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 2057, "no password");
    assert_eq!(set_admin(&mut client, "New!Pass1"), 0);
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 2057, "no MEBx password");
    assert_eq!(client.call(SETUP, "SetMEBxPassword", &[], MEBX), 0);
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 0);
    assert_eq!(client.device.control_mode(), ControlMode::Admin);
    assert_eq!(client.device.provisioning_state(), ProvisioningState::Post);
    become_admin(&mut client, "New!Pass1");
    assert_eq!(value(&mut client, SETUP, "ProvisioningMode"), "1");
}

#[test]
fn configuration_over_tls_that_is_stopped_leaves_mode_and_password_as_they_were() {
    let mut client = waiting_for_client(ControlMode::Client);
    assert_eq!(set_admin(&mut client, "New!Pass1"), 0);
    become_admin(&mut client, "New!Pass1");
    assert_eq!(value(&mut client, SETUP, "ProvisioningState"), "1");
    client.device.stop_configuration().expect("one is under way");
    assert_eq!(client.get(SETUP, &[]).status, 401);
    become_admin(&mut client, "P@ssw0rd");
    assert_eq!(value(&mut client, SETUP, "ProvisioningState"), "2");
    assert_eq!(value(&mut client, HOST_BASED, "CurrentControlMode"), "1");
}

#[test]
fn local_system_account_changes_no_account_unless_it_configures_over_tls() {
    let client = activated(ControlMode::Client);
    let mut client = client.into_local_system();
    for (class, method, parameters) in [
        (
            ACCOUNTS,
            "SetAdminAclEntryEx",
            "<h:Username>admin</h:Username><h:DigestPassword>x</h:DigestPassword>",
        ),
        (SETUP, "SetMEBxPassword", MEBX),
        (SETUP, "CommitChanges", ""),
        (SETUP, "Unprovision", "<h:ProvisioningMode>1</h:ProvisioningMode>"),
    ] {
        assert_eq!(client.invoke(class, method, &[], parameters).fault(), "AccessDenied", "{method}");
    }
}

#[test]
fn commit_with_dhcp_needs_a_host_name() {
    let mut client = activated(ControlMode::Admin);
    let put = "<h:HostName></h:HostName><h:PingResponseEnabled>true</h:PingResponseEnabled>";
    assert_eq!(client.put("AMT_GeneralSettings", &[], put).status, 200);
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 2057);
    let named = put.replacen("></h:HostName>", ">desk</h:HostName>", 1);
    assert_eq!(client.put("AMT_GeneralSettings", &[], &named).status, 200);
    assert_eq!(client.call(SETUP, "CommitChanges", &[], ""), 0);
}

#[test]
fn full_unprovisioning_forgets_accounts_realm_names_and_settings() {
    let mut client = activated(ControlMode::Admin);
    let (realm, name) = (client.device.realm().to_owned(), client.device.network.host_name.clone());
    let put = "<h:HostName>other</h:HostName><h:PingResponseEnabled>false</h:PingResponseEnabled>";
    assert_eq!(client.put("AMT_GeneralSettings", &[], put).status, 200);
    let mut added = client.device.hashes[0].clone();
    (added.handle, added.is_default) = (77, false);
    client.device.hashes.push(added);
    let count = client.device.hashes.len();
    assert_eq!(client.call(SETUP, "Unprovision", &[], "<h:ProvisioningMode>2</h:ProvisioningMode>"), 36);
    assert_eq!(unprovision(&mut client), 0);
    assert_eq!(client.get(SETUP, &[]).status, 401);
    assert_ne!(client.device.realm(), realm);
    let mut client = client.into_local_system();
    let general = client.get("AMT_GeneralSettings", &[]).soap();
    assert_eq!((property(&general, "HostName"), property(&general, "PingResponseEnabled")), (&*name, "true"));
    assert_eq!(property(&general, "DigestRealm"), client.device.realm());
    assert_eq!(client.device.hashes.len(), count - 1, "only what came with the firmware");
}

#[test]
fn partial_unprovisioning_is_for_admin_control_and_keeps_realm_and_names() {
    assert_eq!(activated(ControlMode::Client).call(SETUP, "PartialUnprovision", &[], ""), 16);
    let mut client = activated(ControlMode::Admin);
    client.device.network.host_name = "kept".into();
    let realm = client.device.realm().to_owned();
    assert_eq!(client.call(SETUP, "PartialUnprovision", &[], ""), 0);
    assert_eq!(client.device.provisioning_state(), ProvisioningState::Pre);
    assert_eq!((client.device.realm(), client.device.network.host_name.as_str()), (&*realm, "kept"));
    assert_eq!(client.get(SETUP, &[]).status, 401, "the administrator cannot log in before activation");
}

#[test]
fn unprovisioning_takes_its_time_and_nothing_can_be_set_up_before_it_is_done() {
    let mut config = config(ControlMode::Client);
    config.unprovision_time = Some(std::time::Duration::from_secs(3));
    let mut client = Client::new(config);
    assert_eq!(unprovision(&mut client), 0);
    assert_eq!(client.device.control_mode(), ControlMode::Client);
    assert_eq!(unprovision(&mut client), 16, "it is under way");
    let mut client = client.into_local_system();
    let parameters = new_password(&client, "New!Pass1");
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 2);
    client.advance(4);
    // The realm changes, and with it every login.
    assert_eq!(client.get(SETUP, &[]).status, 401);
    assert_eq!(client.device.control_mode(), ControlMode::None);
}

#[test]
fn blocked_unprovisioning_names_the_component() {
    let mut client = activated(ControlMode::Client);
    let names = |client: &mut Client| {
        let output = client.invoke(SETUP, "GetUnprovisionBlockingComponents", &[], "").soap();
        output.member("BlockingComponents").map(|component| component.text().to_owned())
    };
    assert_eq!(names(&mut client), None);
    client.device.block_unprovisioning(Some("Storage".into()));
    assert_eq!(names(&mut client).as_deref(), Some("Storage"));
    assert_eq!(unprovision(&mut client), 2076);
    client.device.block_unprovisioning(None);
    assert_eq!(unprovision(&mut client), 0);
}

#[test]
fn mebx_password_is_for_admin_control_and_strong() {
    assert_eq!(activated(ControlMode::Client).call(SETUP, "SetMEBxPassword", &[], MEBX), 16);
    let mut client = activated(ControlMode::Admin);
    assert_eq!(client.call(SETUP, "SetMEBxPassword", &[], "<h:Password>weak</h:Password>"), 2054);
    assert!(!client.device.has_mebx_password());
    assert_eq!(client.call(SETUP, "SetMEBxPassword", &[], MEBX), 0);
    assert!(client.device.has_mebx_password());
}

#[test]
fn administrators_new_password_counts_at_once_and_the_old_one_no_more() {
    let mut client = activated(ControlMode::Client);
    let bad = "<h:Username>admin</h:Username><h:DigestPassword>AAAA</h:DigestPassword>";
    assert_eq!(client.call(ACCOUNTS, "SetAdminAclEntryEx", &[], bad), 2054);
    assert_eq!(set_admin(&mut client, "New!Pass1"), 0);
    assert_eq!(client.get(SETUP, &[]).status, 401);
    become_admin(&mut client, "New!Pass1");
    let output = client.invoke(ACCOUNTS, "GetAdminAclEntry", &[], "").soap();
    assert_eq!(property(&output, "Username"), "admin");
    let output = client.invoke(ACCOUNTS, "GetAdminAclEntryStatus", &[], "").soap();
    assert_eq!(property(&output, "IsDefault"), "false");
}

/// The parameters of an entry of the access control list.
fn entry(client: &Client, name: &str, access: u32, realms: &[u32]) -> String {
    let sum = Ha1::new(name, client.device.realm(), &Password::new("User!Pass1"));
    let hex = String::from(sum);
    let raw: Vec<u8> =
        (0..32).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
    let realms: String = realms.iter().map(|realm| format!("<h:Realms>{realm}</h:Realms>")).collect();
    format!(
        "<h:DigestUsername>{name}</h:DigestUsername><h:DigestPassword>{}</h:DigestPassword>\
         <h:AccessPermission>{access}</h:AccessPermission>{realms}",
        STANDARD.encode(raw)
    )
}

#[test]
fn access_control_list_is_written_read_changed_and_emptied() {
    let mut client = activated(ControlMode::Client);
    let parameters = entry(&client, "agent", 0, &[9, 13]);
    let output = client.invoke(ACCOUNTS, "AddUserAclEntryEx", &[], &parameters).soap();
    assert_eq!((property(&output, "Handle"), property(&output, "ReturnValue")), ("1", "0"));
    assert_eq!(client.call(ACCOUNTS, "AddUserAclEntryEx", &[], &parameters), 2058);
    let handle = "<h:Handle>1</h:Handle>";
    let output = client.invoke(ACCOUNTS, "GetUserAclEntryEx", &[], handle).soap();
    assert_eq!((property(&output, "DigestUsername"), property(&output, "AccessPermission")), ("agent", "0"));
    let realms: Vec<&str> = output.members("Realms").map(xml_text).collect();
    assert_eq!(realms, ["9", "13"]);
    let listed =
        client.invoke(ACCOUNTS, "EnumerateUserAclEntries", &[], "<h:StartIndex>1</h:StartIndex>").soap();
    assert_eq!((property(&listed, "TotalCount"), property(&listed, "Handles")), ("1", "1"));
    let changed = format!("{handle}<h:AccessPermission>2</h:AccessPermission><h:Realms>3</h:Realms>");
    assert_eq!(client.call(ACCOUNTS, "UpdateUserAclEntryEx", &[], &changed), 0);
    let output = client.invoke(ACCOUNTS, "GetUserAclEntryEx", &[], handle).soap();
    assert_eq!((property(&output, "DigestUsername"), property(&output, "Realms")), ("agent", "3"));
    let disabled = format!("{handle}<h:Enabled>false</h:Enabled>");
    assert_eq!(client.call(ACCOUNTS, "SetAclEnabledState", &[], &disabled), 0);
    let output = client.invoke(ACCOUNTS, "GetAclEnabledState", &[], handle).soap();
    assert_eq!(property(&output, "Enabled"), "false");
    assert_eq!(client.call(ACCOUNTS, "RemoveUserAclEntry", &[], handle), 0);
    assert_eq!(client.call(ACCOUNTS, "RemoveUserAclEntry", &[], handle), 2053);
}

fn xml_text(element: &crate::web::xml::Element) -> &str {
    element.text()
}

#[test]
fn entries_that_make_no_sense_are_refused_with_the_reason() {
    let mut client = activated(ControlMode::Client);
    let sound = entry(&client, "agent", 0, &[9]);
    for (parameters, expected) in [
        (entry(&client, "agent", 3, &[9]), 36),
        (entry(&client, "agent", 0, &[1]), 2055),
        (entry(&client, "agent", 0, &[]), 2055),
        (entry(&client, "a:b", 0, &[9]), 36),
        (entry(&client, "admin", 0, &[9]), 2058),
        (sound.replace("DigestUsername", "Other"), 36),
        ("<h:AccessPermission>0</h:AccessPermission><h:Realms>9</h:Realms>".into(), 36),
    ] {
        assert_eq!(client.call(ACCOUNTS, "AddUserAclEntryEx", &[], &parameters), expected, "{parameters}");
    }
    let faulty = sound.replace("<h:AccessPermission>0", "<h:AccessPermission>x");
    assert_eq!(client.invoke(ACCOUNTS, "AddUserAclEntryEx", &[], &faulty).fault(), "SchemaValidationError");
    let index = |start: u32| format!("<h:StartIndex>{start}</h:StartIndex>");
    assert_eq!(client.call(ACCOUNTS, "EnumerateUserAclEntries", &[], &index(0)), 35);
    assert_eq!(client.call(ACCOUNTS, "EnumerateUserAclEntries", &[], &index(1)), 0, "an empty list");
    assert_eq!(client.call(ACCOUNTS, "EnumerateUserAclEntries", &[], &index(2)), 35);
}

#[test]
fn entry_of_the_access_control_list_may_do_what_its_realms_allow() {
    let mut client = activated(ControlMode::Client);
    for (name, realms) in [("agent", &[9][..]), ("reader", &[13]), ("manager", &[3]), ("keeper", &[21])] {
        let parameters = entry(&client, name, 2, realms);
        assert_eq!(client.call(ACCOUNTS, "AddUserAclEntryEx", &[], &parameters), 0);
    }
    let put = "<h:PingResponseEnabled>false</h:PingResponseEnabled>";
    let list = "<h:StartIndex>1</h:StartIndex>";
    for (name, reads, writes, lists) in [
        ("agent", false, false, false),
        ("reader", true, false, false),
        ("manager", true, true, false),
        ("keeper", false, false, true),
    ] {
        (client.user, client.password) = (name.into(), "User!Pass1".into());
        let may = |status: u16| status == 200;
        assert_eq!(may(client.get("AMT_GeneralSettings", &[]).status), reads, "{name}");
        assert_eq!(may(client.put("AMT_GeneralSettings", &[], put).status), writes, "{name}");
        let listed = client.invoke(ACCOUNTS, "EnumerateUserAclEntries", &[], list).status;
        assert_eq!(may(listed), lists, "{name}");
        let agents = client.enumerate("AMT_AgentPresenceWatchdog").status;
        assert_eq!(may(agents), name == "agent", "{name}");
    }
}

#[test]
fn scripted_return_value_replaces_the_call_or_only_its_answer() {
    let mut client = not_activated();
    let parameters = new_password(&client, "New!Pass1");
    client.device.method_faults.arm("Setup".into(), MethodFault::Returns(6), 1);
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 6);
    assert_eq!(client.device.control_mode(), ControlMode::None);
    client.device.method_faults.arm("Setup".into(), MethodFault::ReturnsAfterwards(1), 1);
    assert_eq!(client.call(HOST_BASED, "Setup", &[], &parameters), 1);
    assert_eq!(client.device.control_mode(), ControlMode::Client, "it was carried out all the same");
}

#[test]
fn login_that_is_right_is_refused_as_often_as_a_script_says() {
    let mut client = activated(ControlMode::Client);
    assert_eq!(client.get(SETUP, &[]).status, 200);
    client.device.method_faults.arm_logins(2);
    assert_eq!(client.get(SETUP, &[]).status, 401);
    assert_eq!(client.get(SETUP, &[]).status, 401);
    assert_eq!(client.get(SETUP, &[]).status, 200);
}

#[test]
fn classes_of_provisioning_have_their_documented_names() {
    for class in [HOST_BASED, SETUP, ACCOUNTS] {
        assert!(find(&uri(class)).is_some(), "{class}");
    }
}
