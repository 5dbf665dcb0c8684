//! Activation through the virtual device: AMTHI, the web services over port forwarding, restarts of firmware, and what is hard for
//! a host on the way: busy clients, lost answers, resets.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, Instant};

use amt_sim::device::ControlMode;
use amt_sim::host::{ApfHost, Host};
use amt_sim::mei::ClientKind;
use amt_sim::pki::ProvisioningChain;
use amt_sim::{SimConfig, Simulator};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::json;

use crate::rig::Rig;
use crate::wsman::{self, Login, Outcome};

const GENERAL: &str = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings";
const HOST_BASED: &str = "http://intel.com/wbem/wscim/1/ips-schema/1/IPS_HostBasedSetupService";
const SETUP: &str = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_SetupAndConfigurationService";

const EBUSY: i32 = 16;
const NOT_READY: u32 = 2;
/// Milliseconds: longer than any test.
const HOUR: u64 = 3_600_000;

fn not_activated() -> Rig {
    Rig::with(|config| config.device.control_mode = ControlMode::None)
}

/// An open AMTHI connection.
fn amthi(rig: &Rig) -> Host {
    let mut host = rig.open();
    assert_eq!(host.connect(ClientKind::Amthi).unwrap().status, 0);
    host
}

/// Status and payload of the answer to an AMTHI operation.
fn ask(host: &mut Host, operation: u8, payload: &[u8]) -> (u32, Vec<u8>) {
    let length = u8::try_from(payload.len()).unwrap();
    host.send(&[&[1, 1, 0, 0, operation, 0, 0, 4, length, 0, 0, 0], payload].concat()).unwrap();
    let answer = host.receive().unwrap();
    (u32::from_le_bytes(answer[12..16].try_into().unwrap()), answer[16..].to_vec())
}

fn control_mode(host: &mut Host) -> u8 {
    let (status, payload) = ask(host, 0x6B, &[]);
    assert_eq!(status, 0);
    payload[0]
}

/// The local system account's password.
fn local_password(host: &mut Host) -> String {
    let (_, payload) = ask(host, 0x67, &[0; 40]);
    String::from_utf8_lossy(&payload[33..66]).trim_end_matches('\0').to_owned()
}

fn local(password: &str) -> Login<'_> {
    Login { user: "$$OsAdmin", password }
}

/// The parameters of `Setup` that make `password` the administrator's.
fn new_admin(host: &mut ApfHost, login: &Login<'_>, password: &str) -> String {
    admin_of(wsman::get(host, login, GENERAL).value("DigestRealm"), password)
}

fn admin_of(realm: &str, password: &str) -> String {
    let secret = wsman::hash(&format!("admin:{realm}:{password}"));
    format!(
        "<h:NetAdminPassEncryptionType>2</h:NetAdminPassEncryptionType>\
         <h:NetworkAdminPassword>{secret}</h:NetworkAdminPassword>"
    )
}

/// Calls `Setup` as the local system account.
fn set_up(rig: &Rig, password: &str) -> Outcome {
    let account = local_password(&mut amthi(rig));
    let mut host = rig.host();
    let parameters = new_admin(&mut host, &local(&account), password);
    wsman::invoke(&mut host, &local(&account), (HOST_BASED, "Setup"), &parameters)
}

#[test]
fn device_is_activated_over_port_forwarding_and_deactivated_by_amthi() {
    let rig = not_activated();
    assert_eq!(set_up(&rig, "New!Pass1").value("ReturnValue"), "0");
    let mut amthi = amthi(&rig);
    assert_eq!(control_mode(&mut amthi), 1);
    let mut host = rig.host();
    let admin = Login { user: "admin", password: "New!Pass1" };
    assert_eq!(wsman::get(&mut host, &admin, SETUP).value("ProvisioningMode"), "4");
    assert_eq!(ask(&mut amthi, 0x10, &[0; 4]).0, 0);
    assert_eq!(control_mode(&mut amthi), 0);
    assert!(matches!(wsman::get(&mut host, &admin, SETUP), Outcome::Response(401, _)));
    rig.assert_no_violations();
}

#[test]
fn admin_control_is_reached_with_a_chain_that_the_device_was_told_to_trust() {
    let chain = ProvisioningChain::new("example.net");
    let rig = Rig::with(|config| {
        config.device.control_mode = ControlMode::None;
        config.device.trusted_roots = vec![chain.root.clone()];
    });
    let account = local_password(&mut amthi(&rig));
    let (mut host, login) = (rig.host(), local(&account));
    for (index, der) in chain.certificates().into_iter().enumerate() {
        let parameters = format!(
            "<h:NextCertificate>{}</h:NextCertificate><h:IsLeafCertificate>{}</h:IsLeafCertificate>\
             <h:IsRootCertificate>{}</h:IsRootCertificate>",
            STANDARD.encode(der),
            index == 0,
            index == 2
        );
        let answer = wsman::invoke(&mut host, &login, (HOST_BASED, "AddNextCertInChain"), &parameters);
        assert_eq!(answer.value("ReturnValue"), "0", "certificate {index}");
    }
    assert_eq!(rig.state()["provisioning"]["chain_status"], 2);
    let nonce = wsman::get(&mut host, &login, HOST_BASED).value("ConfigurationNonce").to_owned();
    let message = [&STANDARD.decode(nonce).unwrap()[..], &[9; 20]].concat();
    let key = RsaKeyPair::from_pkcs8(&chain.leaf_key).unwrap();
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature).unwrap();
    let parameters = format!(
        "{}<h:McNonce>{}</h:McNonce><h:SigningAlgorithm>2</h:SigningAlgorithm>\
         <h:DigitalSignature>{}</h:DigitalSignature>",
        new_admin(&mut host, &login, "New!Pass1"),
        STANDARD.encode([9; 20]),
        STANDARD.encode(signature)
    );
    let answer = wsman::invoke(&mut host, &login, (HOST_BASED, "AdminSetup"), &parameters);
    assert_eq!(answer.value("ReturnValue"), "0");
    let mut amthi = amthi(&rig);
    assert_eq!(control_mode(&mut amthi), 2);
    assert_eq!(ask(&mut amthi, 0x10, &[0; 4]).0, 3, "not by the local command");
    let state = rig.state();
    assert_eq!((&state["control_mode"], &state["provisioning"]["state"]), (&json!(2), &json!(2)));
}

#[test]
fn activation_succeeds_although_its_answer_is_lost() {
    let rig = not_activated();
    rig.act(json!({ "do": "lose-answers", "method": "Setup" }));
    assert!(matches!(set_up(&rig, "New!Pass1"), Outcome::Closed));
    assert_eq!(control_mode(&mut amthi(&rig)), 1);
    assert_eq!(rig.state()["provisioning"]["admin"], "admin");
}

#[test]
fn every_return_value_can_be_scripted() {
    let rig = not_activated();
    for value in 1..=6 {
        rig.act(json!({ "do": "method-returns", "method": "Setup", "value": value }));
        assert_eq!(set_up(&rig, "New!Pass1").value("ReturnValue"), value.to_string());
        assert_eq!(control_mode(&mut amthi(&rig)), 0);
    }
    rig.act(json!({ "do": "method-returns", "method": "Setup", "value": 1, "executed": true }));
    assert_eq!(set_up(&rig, "New!Pass1").value("ReturnValue"), "1");
    assert_eq!(control_mode(&mut amthi(&rig)), 1, "what firmware says and what it did differ");
}

#[test]
fn clients_are_busy_while_firmware_settles() {
    let rig = not_activated();
    rig.act(json!({ "do": "settle", "ms": HOUR }));
    let mut early = amthi(&rig);
    let account = local_password(&mut early);
    let mut host = rig.host();
    let parameters = new_admin(&mut host, &local(&account), "New!Pass1");
    let answer = wsman::invoke(&mut host, &local(&account), (HOST_BASED, "Setup"), &parameters);
    assert_eq!(answer.value("ReturnValue"), "0");
    assert_eq!(ask(&mut early, 0x6B, &[]).0, NOT_READY);
    drop(host);
    rig.eventually(&json!({ "do": "state" }), |state| {
        state["connections"].as_array().map(Vec::len) == Some(1)
    });
    assert_eq!(rig.open().connect(ClientKind::Lme).unwrap().status, EBUSY);
    rig.act(json!({ "do": "clear" }));
    assert_eq!(control_mode(&mut early), 1);
    rig.act(json!({ "do": "settle", "ms": 1 }));
    assert_eq!(ask(&mut early, 0x10, &[0; 4]).0, 0);
    let start = Instant::now();
    while ask(&mut early, 0x6B, &[]).0 == NOT_READY {
        assert!(start.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(control_mode(&mut early), 0);
}

#[test]
fn connections_that_are_dropped_at_the_change_lose_the_answer_but_not_the_change() {
    let rig = not_activated();
    rig.act(json!({ "do": "settle", "ms": 0, "reset": true }));
    let account = local_password(&mut amthi(&rig));
    let mut host = rig.host();
    let parameters = new_admin(&mut host, &local(&account), "New!Pass1");
    let answer = wsman::invoke(&mut host, &local(&account), (HOST_BASED, "Setup"), &parameters);
    assert!(matches!(answer, Outcome::Closed), "the session is gone");
    assert_eq!(control_mode(&mut amthi(&rig)), 1);
}

#[test]
fn reset_of_firmware_loses_what_was_not_executed_and_keeps_what_was() {
    let rig = not_activated();
    let account = local_password(&mut amthi(&rig));
    let mut host = rig.host();
    let parameters = new_admin(&mut host, &local(&account), "New!Pass1");
    let nonce = wsman::get(&mut host, &local(&account), HOST_BASED).value("ConfigurationNonce").to_owned();
    rig.act(json!({ "do": "stall-engine" }));
    let channel = host.open(16992, 4096).unwrap();
    host.write(channel, b"POST /wsman HTTP/1.1\r\nContent-Length: 0\r\n\r\n").unwrap();
    rig.eventually(&json!({ "do": "state" }), |state| state["engine"]["waiting"] == 1);
    rig.act(json!({ "do": "firmware-reset" }));
    rig.act(json!({ "do": "release-engine" }));
    assert_eq!(rig.state()["engine"]["waiting"], 0);
    let ended = std::iter::repeat_with(|| host.pump()).find_map(Result::err);
    assert_eq!(ended.map(|error| error.kind()), Some(ErrorKind::UnexpectedEof));
    assert_eq!(control_mode(&mut amthi(&rig)), 0);
    let mut host = rig.host();
    assert_ne!(wsman::get(&mut host, &local(&account), HOST_BASED).value("ConfigurationNonce"), nonce);
    let answer = wsman::invoke(&mut host, &local(&account), (HOST_BASED, "Setup"), &parameters);
    assert_eq!(answer.value("ReturnValue"), "0");
    rig.act(json!({ "do": "firmware-reset", "ms": 1 }));
    rig.eventually(&json!({ "do": "state" }), |state| state["connections"] == json!([]));
    assert_eq!(rig.state()["control_mode"], 1);
}

/// Every point at which firmware can be lost on the way to client control, by requests and by commands: afterwards it either is
/// activated, with the password that was set, or it is not, and can be.
#[test]
fn firmware_that_resets_at_any_point_of_an_activation_is_whole_afterwards() {
    for (count, activated) in [(1, false), (2, true), (3, true)] {
        let rig = not_activated();
        let account = local_password(&mut amthi(&rig));
        let mut host = rig.host();
        rig.act(json!({ "do": "firmware-reset", "when": { "requests": count } }));
        // Two requests: the realm, then the activation.
        let login = local(&account);
        let general = wsman::get(&mut host, &login, GENERAL);
        if !matches!(general, Outcome::Closed) {
            let parameters = admin_of(general.value("DigestRealm"), "New!Pass1");
            wsman::invoke(&mut host, &login, (HOST_BASED, "Setup"), &parameters);
        }
        rig.act(json!({ "do": "clear" }));
        assert_eq!(control_mode(&mut amthi(&rig)), u8::from(activated), "after {count}");
    }
    let rig = not_activated();
    let mut connection = amthi(&rig);
    rig.act(json!({ "do": "firmware-reset", "when": { "commands": 2 } }));
    assert_eq!(control_mode(&mut connection), 0);
    connection.send(&[1, 1, 0, 0, 0x6B, 0, 0, 4, 0, 0, 0, 0]).unwrap();
    assert_eq!(connection.receive().unwrap_err().kind(), ErrorKind::UnexpectedEof, "no answer to the second");
}

#[test]
fn password_of_the_local_account_changes_when_the_host_restarts() {
    let rig = not_activated();
    let old = local_password(&mut amthi(&rig));
    rig.act(json!({ "do": "new-local-password" }));
    let new = local_password(&mut amthi(&rig));
    assert_ne!(old, new);
    let mut host = rig.host();
    assert!(matches!(wsman::get(&mut host, &local(&old), GENERAL), Outcome::Response(401, _)));
    assert!(wsman::get(&mut host, &local(&new), GENERAL).value("DigestRealm").starts_with("Digest:"));
}

#[test]
fn right_login_is_refused_for_a_while_after_activation_if_a_script_says_so() {
    let rig = not_activated();
    assert_eq!(set_up(&rig, "New!Pass1").value("ReturnValue"), "0");
    rig.act(json!({ "do": "refuse-logins", "count": 2 }));
    let (mut host, admin) = (rig.host(), Login { user: "admin", password: "New!Pass1" });
    let mut refused = 0;
    while matches!(wsman::get(&mut host, &admin, SETUP), Outcome::Response(401, _)) {
        refused += 1;
        assert!(refused <= 2);
    }
    assert_eq!(refused, 2);
}

/// Starts a simulator, not activated, that keeps its state in `directory`.
fn start(directory: &Path) -> Result<Simulator, amt_sim::StartError> {
    let mut config = SimConfig::new(directory.join("mei"));
    config.state_file = Some(directory.join("state"));
    config.device.control_mode = ControlMode::None;
    Simulator::start(config)
}

#[test]
fn activation_outlives_a_restart_and_a_damaged_state_is_no_factory_reset() {
    let directory = tempfile::tempdir().unwrap();
    let simulator = start(directory.path()).unwrap();
    let mut amthi = Host::open(simulator.socket()).unwrap();
    assert_eq!(amthi.connect(ClientKind::Amthi).unwrap().status, 0);
    let account = local_password(&mut amthi);
    let mut host = ApfHost::start(simulator.socket(), 2).unwrap();
    let parameters = new_admin(&mut host, &local(&account), "New!Pass1");
    let answer = wsman::invoke(&mut host, &local(&account), (HOST_BASED, "Setup"), &parameters);
    assert_eq!(answer.value("ReturnValue"), "0");
    // It is on the disk before the answer is out; the simulator ends without being asked to keep anything.
    drop(simulator);
    let simulator = start(directory.path()).unwrap();
    let mut amthi = Host::open(simulator.socket()).unwrap();
    assert_eq!(amthi.connect(ClientKind::Amthi).unwrap().status, 0);
    assert_eq!(control_mode(&mut amthi), 1);
    assert_eq!(local_password(&mut amthi), account);
    let mut host = ApfHost::start(simulator.socket(), 2).unwrap();
    let admin = Login { user: "admin", password: "New!Pass1" };
    assert_eq!(wsman::get(&mut host, &admin, SETUP).value("ProvisioningMode"), "4");
    drop(simulator);
    std::fs::write(directory.path().join("state"), "{ \"format\": 1, ").unwrap();
    let error = start(directory.path()).unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains("remove it"), "{error}");
}
