//! AMTHI and MKHI over the virtual device; the answers themselves are tested beside their code.

use amt_sim::mei::ClientKind;
use serde_json::json;

use crate::rig::Rig;

const PROVISIONING_STATE: [u8; 12] = [1, 1, 0, 0, 0x11, 0, 0, 4, 0, 0, 0, 0];

#[test]
fn commands_are_answered_one_message_each() {
    let rig = Rig::new();
    let mut host = rig.open();
    assert_eq!(host.connect(ClientKind::Amthi).unwrap().status, 0);
    host.send(&PROVISIONING_STATE).unwrap();
    let answer = host.receive().unwrap();
    assert_eq!(answer, [1, 1, 0, 0, 0x11, 0, 0x80, 4, 8, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    let mut mkhi = rig.open();
    assert_eq!(mkhi.connect(ClientKind::MkhiFixed).unwrap().status, 0);
    mkhi.send(&[0xFF, 0x02, 0, 0]).unwrap();
    assert_eq!(mkhi.receive().unwrap().len(), 28);
}

#[test]
fn disabled_amt_answers_with_a_message_of_no_bytes() {
    let rig = Rig::new();
    let mut host = rig.open();
    assert_eq!(host.connect(ClientKind::Amthi).unwrap().status, 0);
    rig.act(json!({ "do": "amthi-empty" }));
    host.send(&PROVISIONING_STATE).unwrap();
    assert_eq!(host.receive().unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    host.send(&PROVISIONING_STATE).unwrap();
    assert_eq!(host.receive().unwrap().len(), 20, "the connection goes on");
}

#[test]
fn silent_command_is_not_answered_and_the_next_one_is() {
    let rig = Rig::new();
    let mut host = rig.open();
    assert_eq!(host.connect(ClientKind::Amthi).unwrap().status, 0);
    rig.act(json!({ "do": "amthi-silent" }));
    host.send(&PROVISIONING_STATE).unwrap();
    host.send(&[1, 1, 0, 0, 0x6B, 0, 0, 4, 0, 0, 0, 0]).unwrap();
    assert_eq!(host.receive().unwrap()[4], 0x6B);
}

#[test]
fn host_that_does_not_read_is_not_listened_to_for_ever_and_loses_nothing() {
    const COMMANDS: u64 = 20_000;
    let rig = Rig::new();
    let mut host = rig.open();
    assert_eq!(host.connect(ClientKind::Amthi).unwrap().status, 0);
    let sender = host.socket().try_clone().unwrap();
    let sending = std::thread::spawn(move || {
        (0..COMMANDS).for_each(|_| assert_eq!(sender.send(&PROVISIONING_STATE).unwrap(), 12));
    });
    rig.eventually(&json!({ "do": "state" }), |state| state["connections"][0]["fifo"] == 50);
    assert!(rig.stats()["amthi_commands"].as_u64().unwrap() < COMMANDS);
    for _ in 0..COMMANDS {
        assert_eq!(host.receive().unwrap().len(), 20);
    }
    sending.join().unwrap();
}
