//! What a stop of the daemon does to a connection.

use super::*;

#[test]
fn a_stop_lets_the_exchange_finish_and_no_other_begin() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.relay.stop(bench.now);
    assert_eq!(bench.commands(), []);
    let commands = bench.firmware(OK);
    assert_eq!(commands.last(), Some(&FlowCommand::Close { orderly: true }));
    assert_eq!(bench.read(), OK);

    let mut resting = Bench::new();
    resting.client(GET);
    resting.firmware(OK);
    resting.read();
    resting.relay.stop(resting.now);
    assert_eq!(resting.commands().last(), Some(&FlowCommand::Close { orderly: true }));
}

#[test]
fn a_stop_does_not_cut_off_who_is_about_to_ask() {
    for begun in [&b""[..], &GET[..10]] {
        let mut bench = Bench::new();
        if !begun.is_empty() {
            bench.client(begun);
        }
        bench.relay.stop(bench.now);
        let commands = bench.client(&GET[begun.len()..]);
        assert_eq!(sent(&commands), GET);
        assert_eq!(bench.firmware(OK).last(), Some(&FlowCommand::Close { orderly: true }));
        assert_eq!(bench.read(), OK);
    }
}

#[test]
fn a_client_that_asks_nothing_holds_up_a_stop_for_a_moment_only() {
    for begun in [&b""[..], &GET[..10]] {
        let mut bench = Bench::new();
        if !begun.is_empty() {
            bench.client(begun);
        }
        bench.relay.stop(bench.now);
        assert_eq!(bench.commands(), []);
        assert_eq!(bench.wait(), LAST_CALL);
        assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
    }
}

#[test]
fn a_stop_does_not_lose_a_request_that_is_held() {
    let mut bench = Bench::new();
    let whole = heartbeat();
    let (first, rest) = whole.split_at(body_at(&whole) + 50);
    assert_eq!(bench.client(first), []);
    bench.relay.stop(bench.now);
    let mut commands = bench.commands();
    commands.extend(bench.client(rest));
    assert_eq!(sent(&commands), whole);
    assert_eq!(bench.firmware(OK).last(), Some(&FlowCommand::Close { orderly: true }));
}
