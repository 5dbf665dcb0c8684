//! What an operator does to the device, from `amtctl` through the daemon to firmware and back: activation, settings,
//! deactivation, and a verdict that is firmware's whatever happened on the way.

use std::fs;
use std::path::Path;
use std::time::Duration;

use amt_sim::pki::{ProvisioningChain, Variant};
use amtd_e2e::device::Device;
use amtd_e2e::{QUICK_RECOVERY, Rig, Setup, number};
use amtd_harness::sim::{PASSWORD, USER};
use amtd_harness::{PATIENCE, Said, WsmanClient, wsman};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A job is some seconds of work for firmware that has to settle.
const JOB: Duration = Duration::from_secs(60);
const NEW: &str = "N3w!Password";
const PFX_PASSWORD: &str = "pfx";
const SUFFIX: &str = "example.net";

fn device(state: &str) -> Setup {
    Setup { sim: format!("--state {state}"), config: QUICK_RECOVERY.into(), ..Setup::default() }
}

/// Runs `amtctl --json` with these lines on its standard input.
fn amtctl(rig: &Rig, arguments: &str, input: &[&str]) -> Said {
    rig.daemon.amtctl().unwrap().args("--json").args(arguments).input(input).run(JOB).unwrap()
}

/// The verdict of a job, and its document.
fn verdict(said: &Said) -> (String, Value) {
    let job = said.json();
    let verdict = job["outcome"]["verdict"].as_str().unwrap_or_else(|| panic!("no verdict in {said:?}"));
    (verdict.to_owned(), job)
}

fn assert_verdict(said: &Said, expected: &str) -> Value {
    let (verdict, job) = verdict(said);
    assert_eq!(verdict, expected, "{said:?}");
    job
}

/// What firmware itself says that it is, not the daemon.
fn mode(rig: &Rig) -> &'static str {
    match number(&rig.sim(json!({"do": "state"})), "/control_mode") {
        0 => "none",
        1 => "client",
        2 => "admin",
        other => panic!("control mode {other}"),
    }
}

fn logs_in(rig: &Rig, password: &str) -> bool {
    let mut client = WsmanClient::new(rig.address(16992), USER, password);
    client.get("AMT_GeneralSettings").unwrap().status() == 200
}

/// A provisioning certificate in files, as a person has it.
pub(crate) struct Chain {
    place: TempDir,
}

impl Chain {
    pub(crate) fn new(variant: Variant) -> Self {
        let place = tempfile::tempdir().unwrap();
        let chain = ProvisioningChain::with(SUFFIX, variant);
        fs::write(place.path().join("provisioning.pfx"), chain.pfx(PFX_PASSWORD)).unwrap();
        fs::write(place.path().join("root.pem"), chain.root_pem()).unwrap();
        Self { place }
    }

    /// A device that trusts its root.
    fn device(&self, state: &str) -> Setup {
        let root = self.path("root.pem");
        Setup { sim: format!("--state {state} --trusted-root {root}"), ..device(state) }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        Path::new(self.place.path()).join(name).display().to_string()
    }

    fn activate(&self, rig: &Rig, password: &str) -> Said {
        let arguments = format!("activate --acm --yes --provisioningCert {}", self.path("provisioning.pfx"));
        amtctl(
            rig,
            &format!("{arguments} --password-stdin --provisioningCertPwd-file -"),
            &[password, PFX_PASSWORD],
        )
    }
}

#[test]
fn what_firmware_said_before_a_job_is_not_shown_after_it() {
    let rig = device("disabled").start();
    let shown = || {
        let info = amtctl(&rig, "info", &[]).json();
        let text = |key: &str| info[key].as_str().unwrap().to_owned();
        (text("operationalState"), text("controlMode"))
    };
    assert_eq!(shown(), ("disabled".into(), "not activated".into()));
    let job = assert_verdict(&amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]), "succeeded");
    assert_eq!(job["outcome"]["applied"][0], "Intel AMT was switched on.");
    assert_eq!(shown(), ("enabled".into(), "client control mode".into()));
}

#[test]
fn client_control_mode_is_activated_and_the_password_works() {
    let rig = device("pre").start();
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    let job = assert_verdict(&said, "succeeded");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(job["outcome"]["applied"].as_array().is_some_and(|applied| !applied.is_empty()), "{job:#}");
    assert_eq!(mode(&rig), "client");
    assert!(logs_in(&rig, NEW));
    rig.await_status("the new control mode", |status| status["firmware"]["control_mode"] == "client");
    let info = amtctl(&rig, "info", &[]).json();
    assert!(info.to_string().contains("client"), "{info:#}");
}

#[test]
fn setup_whose_answer_is_lost_is_a_success_all_the_same() {
    let rig = device("pre").start();
    rig.sim(json!({"do": "lose-answers", "method": "Setup"}));
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "client");
    assert!(logs_in(&rig, NEW));
}

/// A device that enforces TLS, and a daemon that trusts what `authorities` makes of the file with the device's root.
fn enforcing(place: &TempDir, authorities: impl FnOnce(&Path)) -> Rig {
    let root = place.path().join("odca.pem");
    let sim = format!("--state pre --tls enforced --amt-version 19.0.0 --tls-root {}", root.display());
    let config = format!("{QUICK_RECOVERY}\n[flows]\nauthorities = {root:?}");
    let setup = Setup { sim, config, ..Setup::default() };
    let sim = setup.sim();
    authorities(&root);
    let mut rig = setup.spawn_on(sim);
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig
}

#[test]
fn device_whose_identity_is_signed_by_the_configured_authority_is_activated() {
    let place = tempfile::tempdir().unwrap();
    let rig = enforcing(&place, |_| ());
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    let job = assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "client");
    assert!(!job.to_string().contains("not verified"), "{job:#}");
}

#[test]
fn device_whose_identity_nobody_vouches_for_is_not_sent_the_password() {
    let place = tempfile::tempdir().unwrap();
    let stranger = ProvisioningChain::new(SUFFIX).root_pem();
    let rig = enforcing(&place, |root| fs::write(root, stranger).unwrap());
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert_eq!(mode(&rig), "none");
    assert!(format!("{said:?}").to_lowercase().contains("identity"), "{said:?}");
    assert_eq!(number(&rig.stats(), "/wsman_requests"), 0, "{said:?}");
}

#[test]
fn setup_that_firmware_refuses_failed_and_left_nothing_behind() {
    let rig = device("pre").start();
    rig.sim(json!({"do": "method-returns", "method": "Setup", "value": 2}));
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    let job = assert_verdict(&said, "failed-clean");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(job["outcome"]["applied"], json!([]));
    assert!(!job["outcome"]["failure"]["next_step"].as_str().unwrap_or_default().is_empty(), "{job:#}");
    assert_eq!(mode(&rig), "none");
}

#[test]
fn activation_with_a_busy_firmware_afterwards_is_still_a_success() {
    let setup = Setup { sim: "--state pre --settle 700".into(), ..device("pre") };
    let rig = setup.start();
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "client");
}

#[test]
fn repeated_activation_changes_nothing_and_a_wrong_password_is_no_success() {
    let rig = device("ccm").start();
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[PASSWORD]);
    assert_verdict(&said, "unchanged");
    assert_eq!(said.code, Some(0));
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &[NEW]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(logs_in(&rig, PASSWORD));
}

#[test]
fn weak_password_is_refused_before_firmware_hears_of_it() {
    let rig = device("pre").start();
    let said = amtctl(&rig, "activate --ccm --yes --password-stdin", &["password"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.json().to_string().contains("PASSWORD"), "{said:?}");
    assert_eq!(amtctl(&rig, "jobs list", &[]).json()["jobs"], json!([]), "a refused request leaves no job");
    assert_eq!(mode(&rig), "none");
}

#[test]
fn a_plan_shows_the_steps_and_changes_nothing() {
    let rig = device("pre").start();
    let said = amtctl(&rig, "activate --ccm --plan --password-stdin", &[NEW]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("setup"), "{said:?}");
    assert_eq!(mode(&rig), "none");
    assert_eq!(amtctl(&rig, "jobs list", &[]).json()["jobs"], json!([]));
}

#[test]
fn admin_control_mode_is_activated_by_a_provisioning_certificate() {
    let chain = Chain::new(Variant::Sound);
    let rig = chain.device("pre").start();
    let said = chain.activate(&rig, NEW);
    assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "admin");
    assert!(logs_in(&rig, NEW));
}

#[test]
fn client_control_mode_is_upgraded_and_keeps_its_password() {
    let chain = Chain::new(Variant::Sound);
    let rig = chain.device("ccm").start();
    let said = chain.activate(&rig, PASSWORD);
    assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "admin");
    assert!(logs_in(&rig, PASSWORD));
}

#[test]
fn certificate_whose_root_the_device_does_not_trust_is_refused_before_anything_is_sent() {
    let chain = Chain::new(Variant::Sound);
    let rig = device("pre").start();
    let said = chain.activate(&rig, NEW);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert_eq!(mode(&rig), "none");
}

#[test]
fn deactivation_of_client_control_mode_needs_no_password() {
    let rig = device("ccm").start();
    let said = amtctl(&rig, "deactivate --yes", &[]);
    assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "none");
}

#[test]
fn deactivation_of_admin_control_mode_needs_the_password() {
    let rig = device("acm").start();
    let said = amtctl(&rig, "deactivate --yes --password-stdin", &[NEW]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert_eq!(mode(&rig), "admin");
    let said = amtctl(&rig, "deactivate --yes --password-stdin", &[PASSWORD]);
    assert_verdict(&said, "succeeded");
    assert_eq!(mode(&rig), "none");
}

/// Names and the administrator stay, the mode and everything that was set in it goes.
#[test]
fn partial_deactivation_leaves_account_and_names_and_nothing_else() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("device.json");
    let sim = format!("--state acm --state-file {}", file.display());
    let rig = Setup { sim, ..device("acm") }.start();
    let fresh = Device::read(&file, &[PASSWORD]);
    for arguments in [
        "configure synchostname --password-stdin",
        "configure amtfeatures --kvm=false --sol=false --ider=true --userConsent none --password-stdin",
    ] {
        assert_verdict(&amtctl(&rig, arguments, &[PASSWORD]), "succeeded");
    }
    let before = Device::read(&file, &[PASSWORD]);
    assert_ne!(before.settings["network"], fresh.settings["network"], "the name was set");

    let partial = "deactivate --partial --yes --password-stdin";
    let refused = amtctl(&rig, partial, &[NEW]);
    assert_eq!(refused.json()["reason"], "PASSWORD_WRONG", "{refused:?}");
    assert!(refused.json()["sentence"].as_str().is_some_and(|why| why.contains("`admin`")), "{refused:?}");
    assert_eq!(Device::read(&file, &[PASSWORD]), before);

    let job = assert_verdict(&amtctl(&rig, partial, &[PASSWORD]), "succeeded");
    assert!(job["outcome"]["applied"].to_string().contains("not activated"), "{job:#}");
    let after = Device::read(&file, &[PASSWORD]);
    assert_eq!((after.control_mode.as_str(), after.password), ("none", Some(PASSWORD)));
    assert_eq!(after.settings["network"], before.settings["network"]);
    assert_ne!(after.settings["settings"], before.settings["settings"]);
    assert_eq!(mode(&rig), "none");

    assert_verdict(&amtctl(&rig, partial, &[PASSWORD]), "unchanged");
    assert_eq!(Device::read(&file, &[PASSWORD]), after);
}

#[test]
fn settings_are_what_was_asked_for() {
    let rig = Setup { sim: "--state acm --clock-error -3600".into(), ..device("acm") }.start();
    for arguments in [
        "configure amtfeatures --kvm=false --sol=false --ider=true --userConsent none --password-stdin",
        "configure syncclock --password-stdin",
        "configure synchostname --hostname box --domain example.org --password-stdin",
    ] {
        for expected in ["succeeded", "unchanged"] {
            assert_verdict(&amtctl(&rig, arguments, &[PASSWORD]), expected);
        }
    }
    // Firmware itself is asked, past the job that says so.
    let mut client = rig.wsman();
    let mut value = |class: &str, name: &str| wsman::element(&client.get(class).unwrap().text(), name);
    assert_eq!(value("AMT_RedirectionService", "EnabledState").as_deref(), Some("32769"), "IDER and not SOL");
    assert_eq!(value("CIM_KVMRedirectionSAP", "EnabledState").as_deref(), Some("3"), "disabled");
    assert_eq!(value("IPS_OptInService", "OptInRequired").as_deref(), Some("0"));
    assert_eq!(value("AMT_GeneralSettings", "HostName").as_deref(), Some("box"));
}

#[test]
fn changed_password_is_the_one_that_works() {
    let rig = device("ccm").start();
    let said =
        amtctl(&rig, "configure amtpassword --password-stdin --newamtpassword-file -", &[PASSWORD, NEW]);
    assert_verdict(&said, "succeeded");
    assert!(logs_in(&rig, NEW));
}

#[test]
fn a_class_is_read_as_json_and_a_fault_is_told() {
    let rig = device("ccm").start();
    let said = amtctl(&rig, "wsman get AMT_GeneralSettings --password-stdin", &[PASSWORD]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("DigestRealm"), "{said:?}");
    let said = amtctl(&rig, "wsman get AMT_NoSuchClass --password-stdin", &[PASSWORD]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("sentence"), "{said:?}");
}

#[test]
fn a_repeated_request_is_one_job() {
    let rig = device("pre").start();
    let command = "activate --ccm --yes --password-stdin --request-id once";
    let first = verdict(&amtctl(&rig, command, &[NEW])).1;
    let second = verdict(&amtctl(&rig, command, &[NEW])).1;
    assert_eq!(first["id"], second["id"]);
    assert_eq!(amtctl(&rig, "jobs list", &[]).json()["jobs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn daemon_killed_in_the_middle_of_a_job_tells_afterwards_what_firmware_is() {
    let setup = Setup { sim: "--state pre --profile realistic".into(), ..device("pre") };
    let mut rig = setup.start();
    let said = amtctl(&rig, "activate --ccm --yes --no-wait --password-stdin", &[NEW]);
    let id = said.json()["id"].as_str().expect("a job").to_owned();
    rig.await_that("Setup has begun", || {
        let job = amtctl(&rig, &format!("jobs show {id}"), &[]).json();
        let steps = job["steps"].as_array().cloned().unwrap_or_default();
        steps.iter().any(|step| step["name"] == "setup" && step["state"] == "running")
    });
    rig.daemon.kill().unwrap();
    rig.daemon.restart().unwrap();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    amtctl(&rig, &format!("jobs watch {id}"), &[]);
    let (verdict, job) = verdict(&amtctl(&rig, &format!("jobs show {id}"), &[]));
    assert_eq!(job["resumed"], true, "{job:#}");
    let applied = if mode(&rig) == "client" { "succeeded" } else { "failed-clean" };
    assert_eq!(verdict, applied, "{job:#}");
}

#[test]
fn secrets_are_nowhere_but_in_firmware() {
    let chain = Chain::new(Variant::Sound);
    let setup = Setup { log: Some("trace".into()), ..chain.device("pre") };
    let mut rig = setup.start();
    assert_verdict(&chain.activate(&rig, NEW), "succeeded");
    let command = "configure amtpassword --password-stdin --newamtpassword-file -";
    let changed = amtctl(&rig, command, &[NEW, "C4nary!password"]);
    assert_verdict(&changed, "succeeded");
    let wrong = amtctl(&rig, "wsman get AMT_GeneralSettings --password-stdin", &["Wr0ng!password"]);
    assert_ne!(wrong.code, Some(0));

    let status = rig.status().to_string();
    let metrics = rig.daemon.http("/metrics").unwrap().text();
    let jobs = amtctl(&rig, "jobs list", &[]);
    let state: Vec<_> =
        fs::read_dir(rig.daemon.state_directory()).unwrap().map(|file| file.unwrap().path()).collect();
    assert!(!state.is_empty(), "there is no journal");
    let kept: Vec<u8> =
        state.iter().filter(|path| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect();
    rig.finish();
    let log = rig.journal().text();
    assert!(log.contains("TRACE"), "the log is not at trace");
    for secret in [NEW, "C4nary!password", "Wr0ng!password"] {
        for (place, text) in [
            ("status", &status),
            ("metrics", &metrics),
            ("log", &log),
            ("jobs", &jobs.out),
            ("answer", &changed.out),
            ("error", &wrong.err),
        ] {
            assert!(!text.contains(secret), "a password is in the {place}");
        }
        assert!(
            !kept.windows(secret.len()).any(|window| window == secret.as_bytes()),
            "a password is in the journal"
        );
    }
}
