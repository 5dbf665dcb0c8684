//! The end of the daemon: asked for, asked for twice, and without asking.

use std::io::ErrorKind;
use std::net::TcpStream;

use amtd_e2e::{Rig, Setup};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, request};
use nix::sys::signal::Signal;
use serde_json::json;

/// A client whose request firmware has and does not answer.
fn unanswered(rig: &Rig) -> Connection {
    rig.sim(json!({"do": "stall-engine"}));
    let mut client = rig.web();
    client.send(&request("GET", "/sim/bulk/100000", &[], b"")).unwrap();
    rig.await_sim("a request that waits", |state| state["engine"]["waiting"] == 1);
    client
}

fn stop(rig: &mut Rig) {
    rig.daemon.signal(Signal::SIGTERM).unwrap();
    rig.daemon.wait_notice("STOPPING=1", PATIENCE, |notice| notice == "STOPPING=1").unwrap();
}

#[test]
fn exchange_under_way_is_finished_while_nobody_new_is_let_in() {
    let mut rig = Rig::start();
    let address = rig.address(16992);
    let mut client = unanswered(&rig);
    stop(&mut rig);
    rig.await_that("a closed port", || {
        TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    rig.sim(json!({"do": "release-engine"}));
    assert_eq!(client.receive().unwrap().body().len(), 100_000);
    assert_eq!(client.read_to_end().unwrap(), b"", "no other exchange may begin on it");
    assert_eq!(rig.daemon.process().wait_end(PATIENCE).unwrap().code(), Some(0));
    assert_eq!(rig.stat("/disconnects_in"), 1, "firmware was told");
    assert!(!rig.daemon.http_socket().exists());
}

#[test]
fn clients_that_rest_do_not_hold_up_the_end() {
    let setup = Setup { config: "[shutdown]\ngrace = \"10m\"\n".into(), ..Setup::default() };
    let mut rig = setup.start();
    let mut clients: Vec<Connection> = (0..10).map(|_| rig.web()).collect();
    for client in &mut clients {
        assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
    }
    let silent = rig.web();
    // One that the daemon has not accepted yet would see the kernel's reset.
    rig.await_status("every client let in", |status| status["connections"]["current"] == 11);
    assert_eq!(rig.daemon.terminate(PATIENCE).unwrap().code(), Some(0));
    for mut client in clients.into_iter().chain([silent]) {
        assert_eq!(client.read_to_end().unwrap(), b"");
    }
}

#[test]
fn exchange_that_does_not_end_is_cut_when_the_grace_is_over() {
    let mut rig = Setup { config: "[shutdown]\ngrace = \"200ms\"\n".into(), ..Setup::default() }.start();
    let mut client = unanswered(&rig);
    assert_eq!(rig.daemon.terminate(PATIENCE).unwrap().code(), Some(0));
    assert!(client.receive().is_err_and(|error| !error.is_timeout()), "the client sees the end");
    assert_eq!(rig.stat("/disconnects_in"), 1);
}

#[test]
fn second_signal_ends_at_once() {
    for (first, second) in [
        (Signal::SIGTERM, Signal::SIGTERM),
        (Signal::SIGINT, Signal::SIGINT),
        (Signal::SIGTERM, Signal::SIGINT),
    ] {
        let mut rig = Setup { config: "[shutdown]\ngrace = \"10m\"\n".into(), ..Setup::default() }.start();
        let _client = unanswered(&rig);
        rig.daemon.signal(first).unwrap();
        rig.daemon.wait_notice("STOPPING=1", PATIENCE, |notice| notice == "STOPPING=1").unwrap();
        rig.daemon.signal(second).unwrap();
        assert_eq!(rig.daemon.process().wait_end(PATIENCE).unwrap().code(), Some(1), "{first} and {second}");
    }
}

#[test]
fn hangup_of_the_terminal_is_an_orderly_end() {
    let mut rig = Rig::start();
    rig.daemon.signal(Signal::SIGHUP).unwrap();
    assert_eq!(rig.daemon.process().wait_end(PATIENCE).unwrap().code(), Some(0));
    assert_eq!(rig.stat("/disconnects_in"), 1, "firmware was told");
    assert!(!rig.daemon.http_socket().exists());
}

#[test]
fn end_while_firmware_is_frozen_or_gone_is_an_end() {
    for (what, signal) in [("frozen", Signal::SIGSTOP), ("gone", Signal::SIGKILL)] {
        let mut rig = Rig::start();
        rig.sim.process().signal(signal).unwrap();
        assert_eq!(rig.daemon.terminate(PATIENCE).unwrap().code(), Some(0), "{what}");
        let _ = rig.sim.process().signal(Signal::SIGCONT);
        if signal == Signal::SIGKILL {
            rig.sim.process().wait_end(PATIENCE).unwrap();
        }
    }
}

#[test]
fn killed_daemon_leaves_nothing_in_the_way_of_the_next() {
    // Firmware keeps the client busy for a while after it was let go without a word.
    let setup =
        Setup { sim: "--linger 200".into(), config: amtd_e2e::QUICK_RECOVERY.into(), ..Setup::default() };
    let mut rig = setup.start();
    let mut client = unanswered(&rig);
    rig.daemon.kill().unwrap();
    assert!(client.receive().is_err_and(|error| !error.is_timeout()), "the client sees the end");
    rig.sim(json!({"do": "release-engine"}));
    assert!(rig.daemon.http_socket().exists(), "killed: it could not tidy up");
    rig.daemon.restart().unwrap();
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}
