//! Others on the same device: a second daemon, a second operator, and programs that use the host interface as they please. Nobody is
//! disturbed, nobody is starved, and no "busy" reaches a person.

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use amt_sim::host::{ApfHost, Host};
use amt_sim::mei::ClientKind;
use amtd_e2e::{QUICK_RECOVERY, Setup, number};
use amtd_harness::sim::{PASSWORD, USER};
use amtd_harness::{Daemon, DaemonOptions, PATIENCE, Said, WsmanClient};
use serde_json::{Value, json};

/// A command that has not ended by then hangs.
const JOB: Duration = Duration::from_secs(60);
const NEW: &str = "N3w!Password";
const OTHER: &str = "0ther!Password";
/// What a connect says when the client has no room.
const EBUSY: i32 = 16;
/// GetCodeVersions and GetUUID, without payload.
const QUESTIONS: [u32; 2] = [0x0400_001A, 0x0400_005C];
/// Pause of the neighbour between two turns, or before it tries again to open the host interface. Firmware keeps no queue: one
/// that leaves no gap at all could not be waited for.
const NEIGHBOUR_PAUSE: Duration = Duration::from_millis(1);
/// How often the neighbour must have had its turn.
const ROUNDS: usize = 30;

fn device(state: &str) -> Setup {
    Setup { sim: format!("--state {state}"), config: QUICK_RECOVERY.into(), ..Setup::default() }
}

fn amtctl(daemon: &Daemon, arguments: &str, input: &[&str]) -> Said {
    daemon.amtctl().unwrap().args("--json").args(arguments).input(input).run(JOB).unwrap()
}

fn verdict(said: &Said) -> String {
    let job = said.json();
    let verdict = match job["document"].as_str() {
        Some("wsman") => Some("succeeded"),
        _ => job["outcome"]["verdict"].as_str(),
    };
    verdict.unwrap_or_else(|| panic!("no verdict: {said:?}")).to_owned()
}

fn logs_in(daemon: &Daemon, password: &str) -> bool {
    let mut client = WsmanClient::new(daemon.address(16992).unwrap(), USER, password);
    client.get("AMT_GeneralSettings").unwrap().status() == 200
}

// ---- two daemons ----

#[test]
fn second_daemon_leaves_the_first_alone_and_takes_over_when_it_ends() {
    take_over(|first| first.terminate(PATIENCE).map(drop).unwrap());
}

#[test]
fn second_daemon_takes_over_from_one_that_was_killed() {
    take_over(|first| first.kill().map(drop).unwrap());
}

fn take_over(end: impl Fn(&mut Daemon)) {
    let mut rig = device("ccm").start();
    let options = DaemonOptions { config: QUICK_RECOVERY.into(), ..DaemonOptions::default() };
    let mut second = Daemon::spawn(rig.sim.device(), options).unwrap();
    second.wait_notice("who is in the way", PATIENCE, |notice| notice.contains("another amtd")).unwrap();
    let status = second.status().unwrap();
    assert_eq!(status["link"]["state"], "client-busy", "{status:#}");
    let health = status["health"][0].clone();
    assert_eq!(health["code"], "client-busy", "{status:#}");
    assert!(health["next_step"].as_str().is_some_and(|step| step.contains("another amtd")), "{health}");
    assert_eq!(amtctl(&second, "health", &[]).code, Some(1));

    // What needs no channel is answered by both, and the first serves on as if it were alone.
    for daemon in [&second, &rig.daemon] {
        assert_eq!(amtctl(daemon, "info", &[]).code, Some(0));
    }
    rig.assert_serves();
    assert_eq!(rig.number("/link/connects"), 1);

    end(&mut rig.daemon);
    second.wait_ready(PATIENCE).unwrap();
    assert!(logs_in(&second, PASSWORD));
    assert!(second.terminate(PATIENCE).unwrap().success());
}

#[test]
fn job_of_a_daemon_that_has_no_channel_says_so_and_changes_nothing() {
    let rig = device("pre").start();
    let options = DaemonOptions {
        config: format!("{QUICK_RECOVERY}\n[queue]\nlink_wait = \"100ms\"\n[flows]\nwsman_attempts = 2\n"),
        ..DaemonOptions::default()
    };
    let mut second = Daemon::spawn(rig.sim.device(), options).unwrap();
    second.wait_notice("who is in the way", PATIENCE, |notice| notice.contains("another amtd")).unwrap();
    let said = amtctl(&second, "activate --ccm --yes --password-stdin", &[NEW]);
    assert_eq!(said.code, Some(75), "{said:?}");
    assert!(said.json()["sentence"].as_str().is_some_and(|why| why.contains("another amtd")), "{said:?}");
    assert!(said.json()["next_step"].as_str().is_some_and(|step| step.contains("doctor")), "{said:?}");
    assert_eq!(number(&rig.sim(json!({"do": "state"})), "/control_mode"), 0);
    assert!(second.terminate(PATIENCE).unwrap().success());
}

// ---- two operators ----

#[test]
fn jobs_of_several_operators_are_done_one_after_the_other_in_their_order() {
    let rig = device("ccm").start();
    rig.sim(json!({"do": "stall-engine"}));
    let begin = |arguments: &'static str, input: &'static [&'static str]| {
        let amtctl = rig.daemon.amtctl().unwrap().args("--json").args(arguments).input(input);
        thread::spawn(move || amtctl.run(JOB).unwrap())
    };
    let queue = |running: u64, queued: u64| {
        rig.await_status("that queue", |status| {
            status["jobs"]["running"] == running && status["jobs"]["queued"] == queued
        });
    };
    let first = begin(
        "wsman invoke AMT_RedirectionService RequestStateChange RequestedState=32768 --password-stdin",
        &[PASSWORD],
    );
    queue(1, 0);
    let second = begin(
        "wsman invoke AMT_RedirectionService RequestStateChange RequestedState=32770 --password-stdin",
        &[PASSWORD],
    );
    queue(1, 1);
    let third = begin("deactivate --yes", &[]);
    queue(1, 2);
    rig.sim(json!({"do": "release-engine"}));
    for job in [first, second, third] {
        assert_eq!(verdict(&job.join().unwrap()), "succeeded");
    }
    assert_eq!(number(&rig.sim(json!({"do": "state"})), "/control_mode"), 0);

    // Youngest first; each began when the one before it had ended.
    let jobs = amtctl(&rig.daemon, "jobs list", &[]).json()["jobs"].clone();
    let jobs: Vec<&Value> = jobs.as_array().unwrap().iter().rev().collect();
    let kinds: Vec<_> = jobs.iter().map(|job| job["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["wsman", "wsman", "deactivate"]);
    for pair in jobs.windows(2) {
        assert!(pair[0]["ended_at"].as_str() <= pair[1]["started_at"].as_str(), "{pair:#?}");
    }
}

#[test]
fn two_activations_at_once_are_one_activation_and_only_its_operator_hears_of_success() {
    let rig = device("pre").start();
    let start = Barrier::new(2);
    let activate = |password: &'static str| {
        start.wait();
        (password, amtctl(&rig.daemon, "activate --ccm --yes --password-stdin", &[password]))
    };
    let said = thread::scope(|scope| {
        [NEW, OTHER].map(|password| scope.spawn(move || activate(password))).map(|one| one.join().unwrap())
    });
    let (good, bad): (Vec<_>, Vec<_>) = said.into_iter().partition(|(_, said)| said.code == Some(0));
    assert_eq!(good.len(), 1, "{good:?} {bad:?}");
    assert_eq!(verdict(&good[0].1), "succeeded");
    assert!(logs_in(&rig.daemon, good[0].0));
    // Refused at once, or when its turn had come.
    assert!([Some(1), Some(4)].contains(&bad[0].1.code), "{bad:?}");
    assert!(bad[0].1.out.contains("PASSWORD_WRONG"), "{bad:?}");
    assert_eq!(number(&rig.sim(json!({"do": "state"})), "/provisioning/changes"), 1);
}

// ---- two tools ----

#[test]
fn program_that_asks_the_host_interface_all_the_time_is_neither_starved_nor_noticed() {
    let rig = device("pre").start();
    let (is_over, rounds) = (AtomicBool::new(false), AtomicUsize::new(0));
    let device = rig.sim.device();
    thread::scope(|scope| {
        scope.spawn(|| neighbour(&device, &is_over, &rounds));
        // A neighbour that is done for must not wait for the operator, nor the other way round.
        let done = Done(&is_over);
        for (command, input) in [
            ("info", &[][..]),
            ("activate --ccm --yes --password-stdin", &[NEW]),
            ("info", &[]),
            ("deactivate --yes", &[]),
        ] {
            let said = amtctl(&rig.daemon, command, input);
            assert_eq!(said.code, Some(0), "{command}: {said:?}");
            assert!(!said.out.contains("another program"), "{command}: {said:?}");
        }
        let deadline = Instant::now() + PATIENCE;
        while rounds.load(Ordering::Relaxed) < ROUNDS {
            assert!(Instant::now() < deadline, "the neighbour had {rounds:?} turns only");
            assert_eq!(amtctl(&rig.daemon, "info", &[]).code, Some(0));
        }
        drop(done);
    });
    assert_eq!(rig.status()["firmware"]["error"], Value::Null);
}

/// Says that it is over when it is dropped, in a panic as well.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What others do: open, ask some questions, close, and begin again; and try again by itself when the interface is busy.
fn neighbour(device: &Path, is_over: &AtomicBool, rounds: &AtomicUsize) {
    while !is_over.load(Ordering::Relaxed) {
        thread::park_timeout(NEIGHBOUR_PAUSE);
        let mut host = Host::open(device).unwrap();
        match host.connect(ClientKind::Amthi).unwrap().status {
            0 => {}
            EBUSY => continue,
            other => panic!("the host interface cannot be opened: errno {other}"),
        }
        for question in QUESTIONS {
            let header = [1, 1, 0, 0].into_iter().chain(question.to_le_bytes()).chain([0; 4]);
            host.send(&header.collect::<Vec<u8>>()).unwrap();
            let answer = host.receive().unwrap();
            assert_eq!(answer[12..16], [0; 4], "status of {question:#x}");
        }
        rounds.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn host_interface_that_is_held_for_a_while_is_waited_for() {
    let rig = device("ccm").start();
    let mut host = Host::open(&rig.sim.device()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while host.connect(ClientKind::Amthi).unwrap().status == EBUSY {
        assert!(Instant::now() < deadline, "the daemon does not let go of the host interface");
    }
    let refused = rig.stat("/connects_refused");
    let amtctl = rig.daemon.amtctl().unwrap().args("--json deactivate --yes");
    let said = thread::spawn(move || amtctl.run(JOB).unwrap());
    rig.await_stats("some refusals", |stats| number(stats, "/connects_refused") > refused + 1);
    drop(host);
    let said = said.join().unwrap();
    assert_eq!(verdict(&said), "succeeded", "{said:?}");
}

#[test]
fn program_that_holds_port_forwarding_at_the_start_is_told_of_and_waited_for() {
    let setup = device("ccm");
    let sim = setup.sim();
    let lms = ApfHost::start(&sim.device(), 1).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.await_link("client-busy");
    let status = rig.status();
    assert!(
        status["link"]["detail"].as_str().is_some_and(|detail| detail.contains("LMS, rpc-go")),
        "{status:#}"
    );
    let doctor = amtctl(&rig.daemon, "doctor", &[]);
    assert_eq!(doctor.code, Some(1), "{doctor:?}");
    assert!(doctor.out.contains("stop the other program that holds it"), "{doctor:?}");
    drop(lms);
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

/// Both at once: the daemon's own reading of firmware, a job, and a person who asks.
#[test]
fn daemon_is_never_in_its_own_way() {
    let config = format!("{QUICK_RECOVERY}\n[firmware]\nrefresh = \"10ms\"\n");
    let rig = Setup { config, log: Some("debug".into()), ..device("pre") }.start();
    thread::scope(|scope| {
        let asking = scope.spawn(|| (0..5).map(|_| amtctl(&rig.daemon, "info", &[])).collect::<Vec<_>>());
        assert_eq!(
            verdict(&amtctl(&rig.daemon, "activate --ccm --yes --password-stdin", &[NEW])),
            "succeeded"
        );
        for said in asking.join().unwrap() {
            assert_eq!(said.code, Some(0), "{said:?}");
        }
    });
    let log = rig.journal().text();
    assert!(
        !log.contains("another program is using"),
        "the interface was busy with the daemon itself:\n{log}"
    );
}
