//! The reading against a virtual MEI device whose answers the test writes down.

use std::path::Path;

use amtd_mei::Errno;
use tokio::sync::watch;

use super::*;
use crate::{
    config::Period,
    machine::device::{Device, Script},
};

fn answer(operation: u8, status: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 4).unwrap();
    let mut message = vec![1, 1, 0, 0, operation, 0, 0x80, 0x04];
    message.extend(length.to_le_bytes());
    message.extend(status.to_le_bytes());
    message.extend(payload);
    message
}

fn versions() -> Vec<u8> {
    let mut payload = vec![0; 65];
    let parts = [("AMT", "16.1.25"), ("Build Number", "2049"), ("Sku", "16392")];
    payload.extend(u32::try_from(parts.len()).unwrap().to_le_bytes());
    for text in parts.into_iter().flat_map(|(description, version)| [description, version]) {
        let mut space = [0; 22];
        space[0] = u8::try_from(text.len()).unwrap();
        space[2..2 + text.len()].copy_from_slice(text.as_bytes());
        payload.extend(space);
    }
    answer(0x1a, 0, &payload)
}

fn all_answers() -> Vec<Vec<u8>> {
    vec![
        versions(),
        answer(0x11, 0, &2_u32.to_le_bytes()),
        answer(0x6b, 0, &1_u32.to_le_bytes()),
        answer(0x5c, 0, &[0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 8, 9, 10, 11, 12, 13, 14, 15]),
    ]
}

fn config() -> config::Firmware {
    let pause = Period::from_millis(10);
    let limit = Period::from_millis(10_000);
    config::Firmware {
        limit,
        answer_limit: limit,
        busy_pause: pause,
        retry_pause: pause,
        attempts: 3,
        refresh: limit,
    }
}

async fn read(config: &config::Firmware, machine: &impl Machine) -> Result<Firmware, ReadError> {
    super::read(config, machine, &watch::channel(Firmware::default()).0).await
}

#[tokio::test]
async fn firmware_tells_everything_in_one_burst() {
    let device = Device::start(vec![Script::Answer(all_answers())]);
    let facts = read(&config(), &device.machine()).await.unwrap();
    assert!(facts.read_at.is_some());
    let expected = Firmware {
        read_at: facts.read_at,
        error: None,
        version: Some("16.1.25".into()),
        build: Some("2049".into()),
        sku: Some("16392".into()),
        uuid: Some("00112233-4455-6677-0809-0a0b0c0d0e0f".into()),
        control_mode: Some("client".into()),
        provisioning_state: Some("post".into()),
    };
    assert_eq!(facts, expected);
    assert_eq!(device.asked(), [0x1a, 0x11, 0x6b, 0x5c]);
}

#[tokio::test]
async fn an_interface_that_another_program_holds_is_asked_for_again() {
    let refused = Script::Refuse(Errno::EBUSY);
    let device = Device::start(vec![refused.clone(), refused, Script::Answer(all_answers())]);
    assert!(read(&config(), &device.machine()).await.unwrap().version.is_some());
}

#[tokio::test]
async fn a_busy_interface_is_given_up_after_its_attempts() {
    let device = Device::start(vec![Script::Refuse(Errno::EBUSY); 3]);
    let error = read(&config(), &device.machine()).await.unwrap_err();
    assert!(matches!(error, ReadError::Ask(AskError::NotOpened(ReachError::Busy))), "{error}");
}

#[tokio::test]
async fn firmware_that_is_not_ready_is_asked_again() {
    let not_ready = Script::Answer(vec![answer(0x1a, 2, &[])]);
    let device = Device::start(vec![not_ready, Script::Answer(all_answers())]);
    assert!(read(&config(), &device.machine()).await.unwrap().version.is_some());
}

#[tokio::test]
async fn why_firmware_is_not_ready_is_known_while_it_is_waited_for() {
    let device = Device::start(vec![Script::Answer(vec![answer(0x1a, 2, &[])])]);
    let config = config::Firmware { retry_pause: Period::from_millis(3_600_000), ..config() };
    let (sender, mut facts) = watch::channel(Firmware::default());
    let machine = device.machine();
    let reading = tokio::spawn(async move { super::read(&config, &machine, &sender).await });
    let known = facts.wait_for(|facts| facts.error.is_some()).await.unwrap().clone();
    assert!(known.error.unwrap().contains("NOT_READY"));
    reading.abort();
}

#[tokio::test]
async fn a_question_that_firmware_does_not_know_costs_only_its_answer() {
    let mut answers = all_answers();
    answers[2] = answer(0x6b, 0x24, &[]);
    let device = Device::start(vec![Script::Answer(answers)]);
    let facts = read(&config(), &device.machine()).await.unwrap();
    assert_eq!((facts.control_mode, facts.provisioning_state), (None, Some("post".into())));
}

#[tokio::test]
async fn an_answer_to_another_question_ends_the_burst() {
    let device = Device::start(vec![Script::Answer(vec![versions(), versions()])]);
    let error = read(&config(), &device.machine()).await.unwrap_err();
    assert!(
        matches!(error, ReadError::Ask(AskError::Answer(AnswerError::Amthi(AmthiError::Command { .. })))),
        "{error}"
    );
}

#[tokio::test]
async fn silent_firmware_is_given_up_and_not_asked_again_on_the_same_connection() {
    let device = Device::start(vec![Script::Answer(vec![versions()])]);
    let config = config::Firmware { answer_limit: Period::from_millis(50), ..config() };
    let error = read(&config, &device.machine()).await.unwrap_err();
    assert!(matches!(error, ReadError::Ask(AskError::Reach(ReachError::Silent(_)))), "{error}");
    assert_eq!(device.asked(), [0x1a, 0x11]);
}

fn link(ready: bool, node: &Path) -> LinkStatus {
    LinkStatus { ready, node: Some(node.into()), ..LinkStatus::new() }
}

#[tokio::test]
async fn facts_outlive_a_lost_link_and_are_read_again_when_it_is_back() {
    let refused = Script::Refuse(Errno::ENODEV);
    let device = Device::start(vec![Script::Answer(all_answers()), refused, Script::Answer(all_answers())]);
    let config = config::Firmware { attempts: 1, ..config() };
    let (link_sender, link_receiver) = watch::channel(link(true, &device.path));
    let (facts_sender, mut facts) = watch::channel(Firmware::default());
    let (_changed, changes) = watch::channel(0);
    let watching = tokio::spawn(watch(config, device.machine(), link_receiver, changes, facts_sender));

    facts.wait_for(|facts| facts.version.is_some() && facts.error.is_none()).await.unwrap();
    link_sender.send_replace(link(false, &device.path));
    tokio::task::yield_now().await;
    link_sender.send_replace(link(true, &device.path));
    let unread = facts.wait_for(|facts| facts.error.is_some()).await.unwrap().clone();
    assert!(unread.version.is_some(), "what was known stays");
    link_sender.send_replace(link(false, &device.path));
    tokio::task::yield_now().await;
    link_sender.send_replace(link(true, &device.path));
    facts.wait_for(|facts| facts.error.is_none()).await.unwrap();

    drop(link_sender);
    watching.await.unwrap();
}
