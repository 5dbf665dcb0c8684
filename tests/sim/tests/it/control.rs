//! The control socket and scripts that wait for their time.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use amt_sim::faults::{Action, Step, When};
use amt_sim::mei::ClientKind;
use serde_json::{Value, json};

use crate::rig::{Rig, Scripted};

#[test]
fn each_line_has_one_answer_in_order() {
    let rig = Rig::new();
    let mut stream = UnixStream::connect(rig.control()).unwrap();
    stream.write_all(b"{\"do\":\"stats\"}\nnonsense\n{\"do\":\"alert\"}\n{\"do\":\"state\"}\n").unwrap();
    let mut lines = BufReader::new(stream).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap() };
    let (stats, nonsense, alert, state) = (next(), next(), next(), next());
    assert_eq!((&stats["ok"], &stats["accepted"]), (&json!(true), &json!(0)));
    assert_eq!(nonsense["ok"], false);
    assert!(alert["error"].as_str().unwrap().contains("no port forwarding session"), "{alert}");
    assert_eq!(state["connections"], json!([]));
}

#[test]
fn quit_stops_the_simulator_and_removes_its_sockets() {
    let mut rig = Rig::new();
    rig.act(json!({ "do": "quit" }));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(rig.simulator.finished());
    assert!(!rig.socket().exists() && !rig.control().exists());
    assert_eq!(rig.simulator.request(json!({ "do": "stats" }))["ok"], false);
}

#[test]
fn file_steps_apply_at_start_and_wait_for_a_session_if_they_need_one() {
    let rig = Rig::with(|config| {
        let refuse = Action::RefuseConnects { client: ClientKind::Amthi, errno: 16, count: 1 };
        let stray = Action::StrayClose { channel: 9 };
        let steps = [(refuse, None), (stray, None), (Action::LinkReset, Some(When::Ms(u64::MAX >> 24)))];
        config.steps = steps.map(|(action, when)| Step { action, when }).to_vec();
    });
    assert_eq!(rig.open().connect(ClientKind::Amthi).unwrap().status, 16);
    let mut host = rig.host();
    let closes = rig.stats();
    assert_eq!(closes["sessions_ready"], 1);
    // The close came with the barrier at the latest and was for nobody.
    host.barrier();
    assert!(rig.stats()["messages_out"].as_u64().unwrap() >= 8);
    rig.assert_no_violations();
}

#[test]
fn counters_start_again_when_reset() {
    let rig = Rig::new();
    let _host = rig.host();
    assert_eq!(rig.stats()["connects"], 1);
    rig.act(json!({ "do": "reset-stats" }));
    assert_eq!(rig.stats()["connects"], 0);
}
