//! Every kind of job that changes the device, struck at every point of its way: the daemon is killed, firmware is reset, an answer
//! is lost. Whatever happens, the job ends with a verdict, the verdict is what firmware is, and the same command again does what
//! the first one should have.
//!
//! A job is first done undisturbed, and what firmware was asked for is counted; then it is struck at each of these requests and
//! commands. With `AMTD_TEST_EVERY_POINT=1` every point gets every kind of blow. Without it the test stays within its time:
//! a job is struck at each of its points in the three ways that leave most behind, a long one at every other point, and the check
//! before each job, which changes nothing, here and there.
//! `--nocapture` shows the table of points and verdicts.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use amt_sim::pki::Variant;
use amtd_e2e::device::Device;
use amtd_e2e::strike::{Blow, Counts, Point, Strike};
use amtd_e2e::{QUICK_RECOVERY, Rig, Setup};
use amtd_harness::sim::PASSWORD;
use amtd_harness::{Amtctl, Said};
use serde_json::Value;
use tempfile::TempDir;

use crate::jobs::Chain;

/// A job that has not ended by then hangs.
const JOB: Duration = Duration::from_secs(60);
const NEW: &str = "N3w!Password";
const PFX_PASSWORD: &str = "pfx";
/// Rigs of one test at a time.
const RIGS: usize = 3;
/// Pauses of flows short enough for hundreds of jobs. The attempts are the product's.
const QUICK_FLOWS: &str = r#"
[flows]
ask_pause = "10ms"
ask_max_pause = "50ms"
wsman_attempts = 8
wsman_pause = "10ms"
wsman_max_pause = "50ms"
verify_pause = "10ms"
verify_deadline = "500ms"
unprovision_deadline = "1s"
settle_pause = "20ms"
[firmware]
busy_pause = "10ms"
retry_pause = "10ms"
"#;

/// A kind of job: the device that it finds, and what is asked for.
struct Case {
    /// Arguments of the simulator.
    sim: String,
    command: String,
    input: &'static [&'static str],
    /// After a crash nobody can know what became of it: firmware does not say, or only to who has the secret.
    is_blind: bool,
    /// Every other point is enough, because it is long and much of it is in other jobs as well.
    is_long: bool,
}

impl Case {
    fn new(sim: &str, command: &str, input: &'static [&'static str]) -> Self {
        Self { sim: sim.into(), command: command.into(), input, is_blind: false, is_long: false }
    }

    fn long(self) -> Self {
        Self { is_long: true, ..self }
    }

    fn blind(self) -> Self {
        Self { is_blind: true, ..self }
    }
}

/// A device and a daemon that have nothing to do yet.
struct Stage<'a> {
    case: &'a Case,
    rig: Rig,
    place: TempDir,
}

impl<'a> Stage<'a> {
    fn new(case: &'a Case) -> Self {
        let place = tempfile::tempdir().unwrap();
        let sim = format!("{} --state-file {}", case.sim, state_file(&place).display());
        let config = format!("{QUICK_RECOVERY}{QUICK_FLOWS}");
        let rig = Setup { sim, config, ..Setup::default() }.start();
        let stage = Self { case, rig, place };
        stage.await_facts(&Value::Null);
        stage
    }

    /// Waits until the daemon has read what firmware is, later than `before`: then it asks for nothing by itself.
    fn await_facts(&self, before: &Value) {
        self.rig.await_status("facts about firmware", |status| {
            let read_at = &status["firmware"]["read_at"];
            !read_at.is_null() && read_at != before
        });
    }

    fn device(&self) -> Device {
        Device::read(&state_file(&self.place), &[PASSWORD, NEW])
    }

    fn amtctl(&self, flags: &str) -> Amtctl {
        let amtctl = self.rig.daemon.amtctl().unwrap().args("--json").args(&self.case.command).args(flags);
        amtctl.input(self.case.input)
    }

    /// What the command says in the end. It goes on while the daemon does not.
    fn begin(&self) -> JoinHandle<Said> {
        let amtctl = self.amtctl("");
        thread::spawn(move || amtctl.run(JOB).unwrap())
    }
}

/// The daemon says to the second when it has read what firmware is.
#[expect(clippy::disallowed_methods, reason = "seconds of the clock on the wall are what is waited for")]
fn await_next_second() {
    let since = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let now = since();
    while since() == now {
        thread::park_timeout(Duration::from_millis(20));
    }
}

fn state_file(place: &TempDir) -> PathBuf {
    place.path().join("device.json")
}

/// What the job does when nothing disturbs it.
struct Rehearsal {
    /// The check before the job.
    check: Counts,
    /// Check and job.
    whole: Counts,
    after: Device,
}

impl Rehearsal {
    fn of(case: &Case) -> Self {
        // Each on a device and a daemon of its own: the second would find answers that the first has left.
        let stage = Stage::new(case);
        let start = Counts::of(&stage.rig);
        let planned = stage.amtctl("--plan").run(JOB).unwrap();
        assert_eq!(planned.code, Some(0), "{planned:?}");
        let check = Counts::of(&stage.rig).since(start);

        let stage = Stage::new(case);
        let start = Counts::of(&stage.rig);
        let read_at = stage.rig.status()["firmware"]["read_at"].clone();
        await_next_second();
        let said = stage.begin().join().unwrap();
        assert_eq!(verdict(&said), Some("succeeded".into()), "{}: {said:?}", case.command);
        stage.await_facts(&read_at);
        let Counts { requests, commands, manageability } = Counts::of(&stage.rig).since(start);
        // In the end the daemon itself reads again what firmware is, with as many commands as at the start.
        let whole = Counts { requests, commands: commands - start.commands, manageability };
        Self { check, whole, after: stage.device() }
    }

    /// Where to strike.
    fn strikes(&self, case: &Case) -> Vec<Strike> {
        let requests = (1..=self.whole.requests).map(|at| (Point::Request(at), at <= self.check.requests));
        let commands = (1..=self.whole.commands).map(|at| (Point::Command(at), at <= self.check.commands));
        let manageability = (1..=self.whole.manageability)
            .map(|at| (Point::Manageability(at), at <= self.check.manageability));
        let all = requests.chain(commands).chain(manageability).enumerate().flat_map(
            |(place, (point, is_check))| {
                Blow::ALL.into_iter().filter_map(move |blow| {
                    let is_wanted = every_point() || is_chosen(case, blow, place, is_check);
                    is_wanted.then_some(Strike { point, blow })
                })
            },
        );
        all.collect()
    }
}

/// Whether a blow is worth its time where there is not time for all.
fn is_chosen(case: &Case, blow: Blow, place: usize, is_check: bool) -> bool {
    let is_turn = |stride: usize| (place + blow as usize).is_multiple_of(stride);
    match blow {
        _ if is_check => is_turn(20),
        Blow::KillBefore | Blow::KillAfter | Blow::ResetAfter => is_turn(if case.is_long { 2 } else { 1 }),
        Blow::ResetBefore | Blow::AnswerLost => is_turn(if case.is_long { 6 } else { 3 }),
    }
}

fn every_point() -> bool {
    std::env::var_os("AMTD_TEST_EVERY_POINT").is_some_and(|value| value == "1")
}

/// Strikes a job wherever it can be, some at a time, and shows what came of it.
fn strike_everywhere(case: &Case) {
    let rehearsal = Rehearsal::of(case);
    let strikes = rehearsal.strikes(case);
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..RIGS {
            scope.spawn(|| {
                while let Some(strike) = strikes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = play(case, &rehearsal, *strike);
                    rows.lock().unwrap().push((*strike, row));
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    let line = |(strike, row): &(Strike, Row)| format!("  {strike}: {}", row.verdict);
    println!("{} ({} of them)", case.command, rows.len());
    rows.iter().for_each(|row| println!("{}", line(row)));
    let wrong: Vec<_> = rows.iter().filter_map(|row| Some((line(row), row.1.wrong.as_ref()?))).collect();
    assert!(wrong.is_empty(), "{}: {} of {} are wrong: {wrong:#?}", case.command, wrong.len(), rows.len());
}

/// What came of one strike.
struct Row {
    verdict: String,
    wrong: Option<String>,
}

fn play(case: &Case, rehearsal: &Rehearsal, strike: Strike) -> Row {
    let mut stage = Stage::new(case);
    let before = stage.device();
    let counts = Counts::of(&stage.rig);
    strike.arm(&stage.rig);
    let job = stage.begin();
    let has_landed = strike.land(&mut stage.rig, counts, || job.is_finished());
    let said = job.join().unwrap();
    let now = stage.device();
    let is_check = match strike.point {
        Point::Request(at) => at <= rehearsal.check.requests,
        Point::Command(at) => at <= rehearsal.check.commands,
        Point::Manageability(at) => at <= rehearsal.check.manageability,
    };
    let seen = Seen { case, is_check, before: &before, now: &now, after: &rehearsal.after, said: &said };
    let mut wrong = seen.wrong();
    if !has_landed {
        wrong = Some(format!("the job never came there: {said:?}"));
    }
    stage.rig.await_status("an end of all jobs", |status| {
        status["jobs"]["running"] == 0 && status["jobs"]["queued"] == 0
    });
    let again = stage.begin().join().unwrap();
    let is_done = ["succeeded", "unchanged"].map(String::from).map(Some).contains(&verdict(&again));
    if !is_done || stage.device() != rehearsal.after {
        let late = format!("again: {}, and firmware is {}", summary(&again), stage.device());
        wrong = Some(wrong.map_or_else(|| late.clone(), |wrong| format!("{wrong}; {late}")));
    }
    Row { verdict: verdict(&said).unwrap_or_else(|| "refused".into()), wrong }
}

/// What a job said, and what firmware was and is.
struct Seen<'a> {
    case: &'a Case,
    /// It was struck before there was a job.
    is_check: bool,
    before: &'a Device,
    now: &'a Device,
    /// What firmware is after the whole job.
    after: &'a Device,
    said: &'a Said,
}

impl Seen<'_> {
    /// What is wrong with the verdict.
    fn wrong(&self) -> Option<String> {
        let Self { case, before, now, after, said, .. } = self;
        let job = said.json();
        let applied = job["outcome"]["applied"].as_array().map_or(&[][..], Vec::as_slice);
        let is_true = match verdict(said).as_deref() {
            Some("succeeded" | "unchanged") => now == after,
            Some("failed-clean") => now == before && applied.is_empty(),
            Some("failed-partial") => {
                let is_between = now != before && now != after;
                !applied.is_empty() && (case.is_blind || is_between) && self.names_what_is()
            }
            Some(_) => false,
            // There was no job: refused, or nobody to ask at that moment.
            None => now == before && (said.code == Some(4) || self.is_check && said.code.is_some_and(passes)),
        };
        let failure = &job["outcome"]["failure"];
        let is_helpful =
            failure.is_null() || failure["next_step"].as_str().is_some_and(|next| !next.is_empty());
        if is_true && is_helpful {
            return None;
        }
        Some(format!("it says {}; firmware was {before}, is {now}, should be {after}", summary(said)))
    }

    /// Whether what is said to be in force is.
    fn names_what_is(&self) -> bool {
        let said = &self.said.out;
        let names = |words: &str| said.contains(&format!("\"The device is {words}.\""));
        let modes = [
            ("none", "not activated"),
            ("client", "in client control mode"),
            ("admin", "in admin control mode"),
        ];
        let is_mode_true = modes.iter().all(|(mode, words)| !names(words) || *mode == self.now.control_mode);
        let is_half = said.contains("Provisioning was begun and is not finished.");
        is_mode_true && is_half == self.now.is_half_provisioned
    }
}

/// The exit codes that mean "later": the daemon is away, firmware is.
fn passes(code: i32) -> bool {
    [69, 75].contains(&code)
}

/// What matters of a document.
fn summary(said: &Said) -> String {
    let document = serde_json::from_str::<Value>(&said.out).unwrap_or_default();
    let shown = if document["outcome"].is_null() { &document } else { &document["outcome"] };
    format!("{:?}: {shown}", said.code)
}

/// How the job ended, if there was one. A raw call that succeeded shows its answer in place of the job.
fn verdict(said: &Said) -> Option<String> {
    let document = serde_json::from_str::<Value>(&said.out).ok()?;
    let verdict = match document["document"].as_str() {
        Some("wsman") => Some("succeeded"),
        _ => document["outcome"]["verdict"].as_str(),
    };
    verdict.map(str::to_owned)
}

#[test]
fn activation_in_client_control_mode_is_true_wherever_it_is_struck() {
    strike_everywhere(&Case::new("--state pre", "activate --ccm --yes --password-stdin", &[NEW]));
}

#[test]
fn activation_of_a_device_that_is_off_tells_whether_it_is_on_wherever_it_is_struck() {
    strike_everywhere(&Case::new("--state disabled", "activate --ccm --yes --password-stdin", &[NEW]));
}

#[test]
fn activation_over_tls_is_never_left_uncommitted_wherever_it_is_struck() {
    let sim = "--state pre --tls enforced --amt-version 19.0.0";
    strike_everywhere(&Case::new(sim, "activate --ccm --yes --password-stdin", &[NEW]));
}

#[test]
fn activation_in_admin_control_mode_is_true_wherever_it_is_struck() {
    let chain = Chain::new(Variant::Sound);
    strike_everywhere(&with_chain(&chain, "pre", "", &[NEW, PFX_PASSWORD]));
}

#[test]
fn activation_with_a_menu_password_tells_which_half_is_done_wherever_it_is_struck() {
    let chain = Chain::new(Variant::Sound);
    strike_everywhere(
        &with_chain(&chain, "pre", "--mebxpassword-file -", &[NEW, PFX_PASSWORD, NEW]).blind().long(),
    );
}

#[test]
fn upgrade_to_admin_control_mode_is_true_wherever_it_is_struck() {
    let chain = Chain::new(Variant::Sound);
    strike_everywhere(&with_chain(&chain, "ccm", "", &[PASSWORD, PFX_PASSWORD]));
}

fn with_chain(chain: &Chain, state: &str, flags: &str, input: &'static [&'static str]) -> Case {
    let (root, pfx) = (chain.path("root.pem"), chain.path("provisioning.pfx"));
    let command = format!(
        "activate --acm --yes --provisioningCert {pfx} --password-stdin --provisioningCertPwd-file - {flags}"
    );
    Case::new(&format!("--state {state} --trusted-root {root}"), &command, input)
}

#[test]
fn deactivation_of_client_control_mode_is_true_wherever_it_is_struck() {
    strike_everywhere(&Case::new("--state ccm", "deactivate --yes", &[]));
}

#[test]
fn deactivation_of_admin_control_mode_is_true_wherever_it_is_struck() {
    strike_everywhere(&Case::new("--state acm", "deactivate --yes --password-stdin", &[PASSWORD]));
}

#[test]
fn partial_deactivation_is_true_wherever_it_is_struck() {
    let command = "deactivate --partial --yes --password-stdin";
    strike_everywhere(&Case::new("--state acm", command, &[PASSWORD]));
}

#[test]
fn removal_of_a_half_done_setup_is_true_wherever_it_is_struck() {
    strike_everywhere(&Case::new("--state in", "deactivate --yes", &[]));
}

#[test]
fn features_set_in_part_are_told_wherever_the_job_is_struck() {
    let command =
        "configure amtfeatures --kvm=false --sol=false --ider=true --userConsent none --password-stdin";
    strike_everywhere(&Case::new("--state acm", command, &[PASSWORD]).long());
}

#[test]
fn clock_is_told_truly_wherever_the_job_is_struck() {
    let sim = "--state ccm --clock-error -3600";
    strike_everywhere(&Case::new(sim, "configure syncclock --password-stdin", &[PASSWORD]));
}

#[test]
fn host_name_is_told_truly_wherever_the_job_is_struck() {
    let command = "configure synchostname --hostname box --domain example.org --password-stdin";
    strike_everywhere(&Case::new("--state ccm", command, &[PASSWORD]));
}

#[test]
fn password_that_may_be_either_is_told_so_wherever_the_job_is_struck() {
    let command = "configure amtpassword --password-stdin --newamtpassword-file -";
    strike_everywhere(&Case::new("--state ccm", command, &[PASSWORD, NEW]).blind());
}

#[test]
fn menu_password_that_may_be_either_is_told_so_wherever_the_job_is_struck() {
    let command = "configure mebx --password-stdin --mebxpassword-file -";
    strike_everywhere(&Case::new("--state acm", command, &[PASSWORD, NEW]).blind());
}

#[test]
fn raw_put_that_may_have_happened_is_told_so_wherever_it_is_struck() {
    let place = tempfile::tempdir().unwrap();
    let body = place.path().join("body.json");
    std::fs::write(&body, r#"{"PingResponseEnabled": "false"}"#).unwrap();
    let command = format!("wsman put AMT_GeneralSettings --body {} --password-stdin", body.display());
    strike_everywhere(&Case::new("--state ccm", &command, &[PASSWORD]).blind());
}

#[test]
fn raw_call_that_may_have_happened_is_told_so_wherever_it_is_struck() {
    let command =
        "wsman invoke AMT_RedirectionService RequestStateChange RequestedState=32768 --password-stdin";
    strike_everywhere(&Case::new("--state ccm", command, &[PASSWORD]).blind());
}
