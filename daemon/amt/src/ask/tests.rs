//! Asking a firmware that is busy, silent, lost or confused.

use super::*;
use crate::amthi::{ControlMode, GetControlMode, Unprovision};
use crate::mhc::IsChangeToAmtEnabled;
use crate::test_machine::{AMPLE, Opening, TestMachine};

fn reply(operation: u8, status: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len() + 4).unwrap();
    [&[1, 1, 0, 0, operation, 0, 0x80, 4, length, 0, 0, 0, status, 0, 0, 0][..], payload].concat()
}

fn client_control() -> Vec<u8> {
    reply(0x6B, 0, &[1, 0, 0, 0])
}

fn policy() -> RetryPolicy {
    RetryPolicy { attempts: 3, limit: Duration::from_secs(15), deadline: AMPLE, ..RetryPolicy::default() }
}

#[tokio::test(start_paused = true)]
async fn one_question_is_one_burst_that_is_closed() {
    let machine = TestMachine::with_openings(vec![Opening::Replies(vec![Ok(client_control())])]);
    let mode = ask(&machine, &GetControlMode, &policy()).await.unwrap();
    assert_eq!(mode, ControlMode::Client);
    assert_eq!((machine.seen(), machine.closed()), (vec!["Amthi".to_owned()], 1));
    assert_eq!(machine.requests(), [[1, 1, 0, 0, 0x6B, 0, 0, 4, 0, 0, 0, 0]]);
}

#[tokio::test(start_paused = true)]
async fn interface_that_another_program_holds_is_waited_for_also_before_a_change() {
    let busy = Opening::Refused(ReachError::Busy);
    let done = Opening::Replies(vec![Ok(reply(0x10, 0, &[0; 4]))]);
    let machine = TestMachine::with_openings(vec![busy.clone(), busy, done]);
    ask(&machine, &Unprovision, &policy()).await.unwrap();
    assert!(machine.is_done());
}

#[tokio::test(start_paused = true)]
async fn change_is_never_asked_for_twice_once_it_was_sent() {
    for failure in [Err(ReachError::Lost), Ok(reply(0x10, 2, &[]))] {
        let machine = TestMachine::with_openings(vec![Opening::Replies(vec![failure])]);
        let error = ask(&machine, &Unprovision, &policy()).await.unwrap_err();
        assert_eq!(error.is_uncertain(), error.status().is_none(), "{error}");
        assert_eq!(machine.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn question_that_changes_nothing_is_asked_again_on_a_new_connection() {
    let machine = TestMachine::with_openings(vec![
        Opening::Replies(vec![Err(ReachError::Lost)]),
        Opening::Replies(vec![Ok(reply(0x6B, 2, &[]))]),
        Opening::Replies(vec![Ok(client_control())]),
    ]);
    assert_eq!(ask(&machine, &GetControlMode, &policy()).await.unwrap(), ControlMode::Client);
    assert!(machine.is_done());
}

#[tokio::test(start_paused = true)]
async fn silent_firmware_is_given_up_and_not_asked_again() {
    for opening in [Opening::Hangs, Opening::Replies(vec![])] {
        let machine = TestMachine::with_openings(vec![opening]);
        let error = ask(&machine, &GetControlMode, &policy()).await.unwrap_err();
        assert!(matches!(
            error,
            AskError::Reach(ReachError::Silent(_)) | AskError::NotOpened(ReachError::Silent(_))
        ));
        assert_eq!(machine.seen().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_that_pass_by_themselves_are_the_only_ones_repeated() {
    let machine = TestMachine::with_openings(vec![Opening::Replies(vec![Ok(reply(0x6B, 0x10, &[]))])]);
    let error = ask(&machine, &GetControlMode, &policy()).await.unwrap_err();
    assert_eq!(error.status(), Some(Status::NOT_PERMITTED));
    assert_eq!(machine.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn late_reply_is_not_taken_for_that_of_the_next_question() {
    let machine = TestMachine::with_openings(vec![Opening::Replies(vec![
        Ok(reply(0x11, 0, &[0; 4])),
        Ok(client_control()),
    ])]);
    let mut open = OpenClient::open(&machine, HostClient::Amthi, AMPLE).await.unwrap();
    let confused = open.ask(&GetControlMode).await.unwrap_err();
    assert!(confused.ends_connection() && confused.is_uncertain());
    let after = open.ask(&GetControlMode).await.unwrap_err();
    assert!(matches!(after, AskError::Reach(ReachError::Lost)));
    assert_eq!(machine.requests().len(), 1, "nothing more is sent");
    open.close().await;
    assert_eq!(machine.closed(), 0, "closed by being dropped");
}

#[tokio::test(start_paused = true)]
async fn question_that_its_caller_gave_up_ends_the_connection() {
    let machine = TestMachine::with_openings(vec![Opening::Replies(vec![])]);
    let mut open = OpenClient::open(&machine, HostClient::Amthi, AMPLE).await.unwrap();
    let given_up = timeout(Duration::from_secs(1), open.ask(&GetControlMode)).await;
    assert!(given_up.is_err());
    assert!(open.ask(&GetControlMode).await.is_err());
    assert_eq!(machine.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_question_does_not_cost_the_burst() {
    let machine = TestMachine::with_openings(vec![Opening::Replies(vec![
        Ok(reply(0x6B, 0x24, &[])),
        Ok(client_control()),
    ])]);
    let mut open = OpenClient::open(&machine, HostClient::Amthi, AMPLE).await.unwrap();
    assert!(open.ask(&GetControlMode).await.is_err());
    assert_eq!(open.ask(&GetControlMode).await.unwrap(), ControlMode::Client);
    open.close().await;
    assert_eq!(machine.closed(), 1);
}

#[tokio::test(start_paused = true)]
async fn each_question_goes_to_its_own_client() {
    let machine = TestMachine::with_openings(vec![Opening::Replies(vec![Ok(vec![0xC3])])]);
    let enablement = ask(&machine, &IsChangeToAmtEnabled, &policy()).await.unwrap();
    assert_eq!(enablement.tls_enforced(), Some(true));
    assert_eq!(machine.seen(), ["Mhc"]);
}

#[tokio::test]
async fn futures_can_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let machine = TestMachine::with_openings(vec![Opening::Refused(ReachError::PermissionDenied)]);
    assert!(is_send(ask(&machine, &GetControlMode, &policy())).await.is_err());
}
