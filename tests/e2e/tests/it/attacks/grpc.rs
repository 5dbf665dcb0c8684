//! Floods of the control API by somebody who may only read, or not even that.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use amtd_e2e::{Rig, Setup, stream};
use amtd_harness::{PATIENCE, Said};

use super::http2::Connection;
use super::{Attack, STRANGER, Siege, beside, is_stranger};

const STATUS: &str = "/amtd.v1.StatusService/GetStatus";
const INFO: &str = "/amtd.v1.StatusService/GetInfo";
const EVENTS: &str = "/amtd.v1.EventService/WatchEvents";
const HEALTH: &str = "/grpc.health.v1.Health/Watch";
const CREATE: &str = "/amtd.v1.JobService/CreateJob";

/// `amtctl` as somebody who may only read.
fn reader(rig: &Rig, arguments: &str) -> Said {
    let run = rig.daemon.amtctl().unwrap().args(arguments);
    let run = if is_stranger() { run.user(STRANGER) } else { run };
    run.run(PATIENCE).unwrap()
}

/// A daemon whose sockets everybody may reach, as on a real machine. Its groups have no members, whatever groups there are on
/// this one.
fn open_to_all() -> Rig {
    let config = "[control]\noperator_group = \"no-such-group\"\nadmin_group = \"no-such-group\"\n".into();
    let rig = Setup { config, ..Setup::default() }.start();
    let runtime = rig.daemon.runtime_directory();
    for directory in runtime.ancestors().take(2) {
        fs::set_permissions(directory, Permissions::from_mode(0o755)).unwrap();
    }
    rig
}

/// Attacks over and over while others ask: health is answered, firmware serves its clients, and another user gets the status.
fn assert_served_beside(rig: &Rig, once: impl Fn(&Path) + Send + Sync) {
    let socket = rig.daemon.runtime_directory().join("amtd.sock");
    let attack = |attack: &Attack| {
        while attack.goes_on() {
            once(&socket);
        }
    };
    beside(attack, || {
        for _ in 0..5 {
            let said = rig.daemon.amtctl().unwrap().args("health").run(PATIENCE).unwrap();
            assert_eq!(said.code, Some(0), "{said:?}");
            rig.assert_serves();
            if is_stranger() {
                let said = reader(rig, "status");
                assert_eq!(said.code, Some(0), "{said:?}");
            }
        }
    });
}

#[test]
fn flood_of_connections_is_bounded() {
    let rig = open_to_all();
    let siege = Siege::begin(&rig);
    assert_served_beside(&rig, |socket| {
        // Some say nothing, some hello, some ask. One that was thrown out already is not at fault.
        let crowd: Vec<_> = (0..200)
            .map(|place| {
                let mut connection = Connection::open(socket);
                if let (0, Ok(connection)) = (place % 3, &mut connection) {
                    let _ = connection.call(STATUS);
                }
                connection
            })
            .collect();
        siege.assert_bounded(8);
        drop(crowd);
    });
    siege.lifted();
}

#[test]
fn flood_of_calls_is_bounded() {
    let rig = open_to_all();
    let siege = Siege::begin(&rig);
    assert_served_beside(&rig, |socket| {
        let Ok(mut connection) = Connection::open(socket) else { return };
        // All at once, and nobody reads the answers.
        for _ in 0..2_000 {
            if connection.call(INFO).is_err() {
                break;
            }
        }
        siege.assert_bounded(8);
    });
    siege.lifted();
}

#[test]
fn flood_of_calls_that_are_taken_back_is_bounded() {
    let rig = open_to_all();
    let siege = Siege::begin(&rig);
    assert_served_beside(&rig, |socket| {
        let Ok(mut connection) = Connection::open(socket) else { return };
        for _ in 0..2_000 {
            let Ok(call) = connection.call(STATUS) else { break };
            if connection.cancel(call).is_err() {
                break;
            }
        }
    });
    siege.assert_bounded(8);
    siege.lifted();
}

#[test]
fn streams_that_nobody_reads_are_bounded() {
    let rig = open_to_all();
    let siege = Siege::begin(&rig);
    let (socket, address) = (rig.daemon.runtime_directory().join("amtd.sock"), rig.address(16992));
    let watchers: Vec<_> = (0..32)
        .map(|_| {
            let mut connection = Connection::open(&socket).unwrap();
            for _ in 0..64 {
                connection.call(EVENTS).unwrap();
            }
            // Fewer than a user may have: who takes all of them has none left to ask with.
            connection.call(HEALTH).unwrap();
            connection
        })
        .collect();
    assert_served_beside(&rig, |_| {
        // Each client on the ports is an event for whoever watches.
        for _ in 0..100 {
            drop(stream::open(address));
        }
    });
    siege.assert_bounded(256);
    drop(watchers);
    siege.lifted();
}

#[test]
fn message_that_is_too_large_is_refused_before_it_is_kept() {
    let rig = open_to_all();
    let siege = Siege::begin(&rig);
    let socket = rig.daemon.runtime_directory().join("amtd.sock");
    for method in [STATUS, CREATE] {
        let mut connection = Connection::open(&socket).unwrap();
        let call = connection.begin(method).unwrap();
        // It announces 4 GiB, and sends what it may before its window is used up.
        connection.data(call, &[0, 0xff, 0xff, 0xff, 0xff]).unwrap();
        for _ in 0..3 {
            // The answer may come before all of it was taken.
            let _ = connection.data(call, &[7; 16_000]);
        }
        connection.answered(call).unwrap();
    }
    siege.assert_bounded(0);
    assert_served_beside(&rig, |_| {});
    siege.lifted();
}

#[test]
fn who_asks_for_what_is_denied_again_and_again_is_logged_once() {
    let rig = open_to_all();
    let siege = Siege::begin(&rig);
    for _ in 0..10 {
        let said = reader(&rig, "--json deactivate --yes");
        assert_eq!(said.code, Some(77), "{said:?}");
    }
    assert_eq!(siege.count("denied"), 1);
    siege.lifted();
}
