//! What a machine makes of a device that is busy, gone or silent, and that its bursts never meet.

use std::path::Path;

use amtd_amt::machine::{Burst as _, HostClient, Machine as _, ReachError};
use amtd_mei::Errno;

use super::{
    Machine,
    device::{Device, Script, machine_at},
};

async fn open(machine: &Machine) -> Result<super::Burst, ReachError> {
    machine.open(HostClient::Amthi).await
}

fn is_free(machine: &Machine, client: HostClient) -> bool {
    machine.turns.of(client).available_permits() == 1
}

#[tokio::test]
async fn bursts_to_the_same_client_wait_for_each_other_however_they_end() {
    let device = Device::start(vec![Script::Answer(vec![vec![1, 2, 3]]), Script::Answer(vec![])]);
    let machine = device.machine();
    let other = machine.clone();
    let mut burst = open(&machine).await.unwrap();
    assert!(!is_free(&other, HostClient::Amthi) && is_free(&other, HostClient::Mhc));
    assert_eq!(*burst.exchange(&[0; 12]).await.unwrap(), [1, 2, 3]);
    burst.close().await;
    assert!(is_free(&other, HostClient::Amthi));
    drop(open(&other).await.unwrap());
    assert!(is_free(&machine, HostClient::Amthi), "one that is given up gives its turn back");
}

#[tokio::test]
async fn a_failed_opening_gives_its_turn_back_and_names_its_cause() {
    let errors = [Errno::EBUSY, Errno::ENODEV, Errno::ENOTTY, Errno::EACCES, Errno::EINVAL];
    let device = Device::start(errors.map(Script::Refuse).to_vec());
    let machine = device.machine();
    assert!(matches!(open(&machine).await, Err(ReachError::Busy)));
    assert!(matches!(open(&machine).await, Err(ReachError::NoDevice)));
    assert!(matches!(open(&machine).await, Err(ReachError::NoClient)));
    assert!(matches!(open(&machine).await, Err(ReachError::PermissionDenied)));
    assert!(matches!(open(&machine).await, Err(ReachError::Other(_))));
    assert!(is_free(&machine, HostClient::Amthi));
}

#[tokio::test]
async fn a_device_that_hangs_up_in_the_middle_is_a_lost_connection() {
    let device = Device::start(vec![Script::Answer(vec![])]);
    let machine = device.machine();
    let mut burst = open(&machine).await.unwrap();
    // Too short for a request: the device of the tests ends the connection.
    assert!(matches!(burst.exchange(&[0; 4]).await, Err(ReachError::Lost)));
}

#[tokio::test]
async fn a_device_that_is_not_there_is_named() {
    let error = open(&machine_at(Path::new("/nonexistent/mei0"))).await.unwrap_err();
    assert!(error.to_string().contains("/nonexistent/mei0"), "{error}");
}

#[tokio::test]
async fn a_port_of_a_daemon_that_stops_is_said_to_be_that() {
    let machine = machine_at(Path::new("/dev/null"));
    assert!(matches!(machine.connect(16_992).await, Err(ReachError::Stopping)));
}
