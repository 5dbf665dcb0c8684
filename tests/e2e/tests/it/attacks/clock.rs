//! A clock on the wall that jumps, by years and both ways: what waits goes on waiting for as long as it should.
//!
//! Only the daemon's own clock jumps (`clock.c`), so that a test needs no machine of its own.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use amtd_e2e::{Rig, Setup, number};
use amtd_harness::wsman::post;
use serde_json::{Value, json};

/// Assertion of presence, as far as the class of a request goes.
const HEARTBEAT: &str = "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
    xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">\
    <s:Header><a:Action>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_AgentPresenceWatchdog/AssertPresence</a:Action>\
    <w:ResourceURI>http://intel.com/wbem/wscim/1/amt-schema/1/AMT_AgentPresenceWatchdog</w:ResourceURI>\
    </s:Header><s:Body/></s:Envelope>";

const DECADE: i64 = 10 * 365 * 86_400;

/// A daemon on a clock of its own.
struct Clock {
    ahead: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Clock {
    fn start() -> (Rig, Self) {
        let directory = tempfile::tempdir().unwrap();
        let library = directory.path().join("clock.so");
        build(&library);
        let clock = Self { ahead: directory.path().join("ahead"), _directory: directory };
        fs::write(&clock.ahead, 0_i64.to_ne_bytes()).unwrap();
        let environment: Vec<(String, OsString)> =
            vec![("LD_PRELOAD".into(), library.into()), ("JUMPING_CLOCK".into(), clock.ahead.clone().into())];
        (Setup { environment, ..Setup::default() }.start(), clock)
    }

    fn jump(&self, seconds: i64) {
        // In place: the daemon has this file before its eyes.
        let file = fs::OpenOptions::new().write(true).open(&self.ahead).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&file, &seconds.to_ne_bytes(), 0).unwrap();
    }
}

/// Whoever could build the tests has a C compiler: it links them.
fn build(library: &Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/attacks/clock.c");
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(library).args([source, "-ldl"]).status();
    assert!(status.unwrap().success(), "cc {source}");
}

fn year(status: &Value, pointer: &str) -> i64 {
    let time =
        status.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {status:#}"));
    time[..4].parse().unwrap()
}

#[test]
fn heartbeat_that_firmware_has_is_answered_although_the_clock_jumps_both_ways() {
    let (rig, clock) = Clock::start();
    for ahead in [DECADE, -DECADE, 0] {
        let mut agent = rig.web();
        rig.sim(json!({"do": "stall-engine"}));
        agent.send(&post(HEARTBEAT, &[])).unwrap();
        rig.await_sim("the heartbeat", |state| state["engine"]["waiting"] == 1);
        clock.jump(ahead);
        assert_eq!(rig.status()["link"]["ready"], true, "with the new clock");
        rig.sim(json!({"do": "release-engine"}));
        assert_eq!(agent.receive().unwrap().status(), 401, "of firmware, which wants a password");
        rig.assert_serves();
    }
    let status = rig.status();
    assert_eq!(number(&status, "/link/connects"), 1, "{:#}", status["link"]);
    assert!(number(&status, "/uptime_seconds") < 3600, "measured, not read off the wall");
    let heartbeats = &status["queues"].as_array().unwrap()[0];
    assert_eq!(
        (&heartbeats["class"], &heartbeats["missed"]),
        (&json!("watchdog"), &json!(0)),
        "{heartbeats:#}"
    );
    assert_eq!(heartbeats["admitted"], 3, "{heartbeats:#}");
}

#[test]
fn link_is_made_again_although_the_clock_was_set_back_while_it_was_down() {
    let (rig, clock) = Clock::start();
    let before = year(&rig.status(), "/link/since");
    for (count, ahead) in [(2, -DECADE), (3, DECADE)] {
        rig.sim(json!({"do": "suspend"}));
        rig.await_status("a link that is down", |status| status["link"]["ready"] == false);
        clock.jump(ahead);
        rig.sim(json!({"do": "resume"}));
        rig.await_connection(count);
        rig.assert_serves();
        let jumped = year(&rig.status(), "/link/since") - before;
        assert_eq!(jumped.signum(), ahead.signum(), "the daemon sees the clock jump: {jumped} years");
    }
}
