//! What the machine itself runs out of: room on the disk, files.

use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use amtd_e2e::{Rig, Setup, stream};
use amtd_harness::Said;
use amtd_harness::http::{Connection, request};
use amtd_harness::sim::PASSWORD;

use super::{Siege, as_stranger, settled};

const JOB: Duration = Duration::from_secs(60);
/// How long the daemon waits before it tries to accept again, in milliseconds.
const ACCEPT_PAUSE: u128 = 100;
/// How long the daemon is watched without work.
const WATCH: Duration = Duration::from_secs(2);

/// Changes a soft limit of the running daemon, in the words of `prlimit(1)`.
fn limit(rig: &mut Rig, what: &str) {
    let pid = rig.daemon.process().pid().to_string();
    let status = Command::new("prlimit").args(["--pid", &pid, what]).status().unwrap();
    assert!(status.success(), "prlimit {what}: {status}");
}

fn job(rig: &Rig) -> Said {
    let run = rig.daemon.amtctl().unwrap().args("--json configure syncclock --password-stdin");
    run.input(&[PASSWORD]).run(JOB).unwrap()
}

#[test]
fn full_disk_refuses_jobs_and_touches_nothing_else() {
    let setup = Setup { config: "[jobs]\njournal_retry = \"50ms\"\n".into(), ..Setup::default() };
    let mut rig = setup.start();
    assert_eq!(job(&rig).code, Some(0));
    // Every write to a file fails from now on, as on a disk without room.
    limit(&mut rig, "--fsize=0:unlimited");
    for _ in 0..3 {
        let said = job(&rig);
        assert_eq!(said.code, Some(75), "not now, later perhaps: {said:?}");
        let error = said.json();
        assert_eq!(error["reason"], "JOURNAL_UNUSABLE", "{error:#}");
    }
    rig.await_status("a journal that cannot be used", |status| status["jobs"]["journal_error"].is_string());
    let said = rig.journal().text();
    let complaints = said.lines().filter(|line| line.contains("the journal of jobs cannot be used")).count();
    assert_eq!(complaints, 1, "{said}");
    rig.assert_serves();
    // What only reads needs no journal.
    let read = rig.daemon.amtctl().unwrap().args("--json wsman get AMT_GeneralSettings --password-stdin");
    assert_eq!(read.input(&[PASSWORD]).run(JOB).unwrap().code, Some(0));
    limit(&mut rig, "--fsize=unlimited");
    rig.await_status("a journal that can be used", |status| status["jobs"]["journal_error"].is_null());
    assert_eq!(job(&rig).code, Some(0));
}

#[test]
fn without_free_files_the_daemon_serves_those_it_has_and_does_not_spin() {
    let mut rig = Rig::start();
    let page = request("GET", "/logon.htm", &[], b"");
    let (address, files) = (rig.address(16992), settled(&rig).descriptors);
    limit(&mut rig, &format!("--nofile={}", files + 20));
    let siege = Siege::begin(&rig);
    let mut honest = rig.web();
    assert_eq!(honest.exchange(&page).unwrap().status(), 200);
    let began = Instant::now();
    let flood: Vec<TcpStream> = as_stranger(|| (0..200).map(|_| stream::open(address)).collect());
    rig.await_that("the daemon says so", || siege.count("cannot accept clients") == 1);
    let mut late = Connection::over(stream::open(address));
    late.send(&page).unwrap();
    assert_eq!(honest.exchange(&page).unwrap().status(), 200);
    let before = rig.daemon.usage().unwrap().cpu;
    // Nothing ends this wait: it is the time in which a daemon that spins would use the processor.
    assert_eq!(rig.journal().wait(WATCH, |_| None::<()>), None);
    let used = rig.daemon.usage().unwrap().cpu.saturating_sub(before);
    assert!(used < WATCH / 4, "{used:?} of processor time in {WATCH:?} without work");
    drop(flood);
    assert_eq!(late.receive().unwrap().status(), 200, "who came late is served when there is room");
    // On a busy machine a loop without a pause takes little of the processor, and tries all the same.
    let (tried, most) =
        (rig.number("/counters/front/accept_errors"), began.elapsed().as_millis() / ACCEPT_PAUSE);
    assert!(u128::from(tried) <= most + 1, "tried {tried} times where there is time for {most}");
    drop((honest, late));
    siege.lifted();
}
