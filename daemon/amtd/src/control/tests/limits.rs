//! Floods, floods of garbage, callers who wait, who go and who do not come back: nobody of them hurts others.

use amtd_proto::{
    Problem,
    v1::{
        ActivateAcm, CreateJobRequest, GetInfoRequest, GetStatusRequest, JobSpec, Secret, WatchEventsRequest,
        event_service_client::EventServiceClient, job_service_client::JobServiceClient, job_spec::Kind,
        status_service_client::StatusServiceClient,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use tonic::Code;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::rig::{Rig, SOON, end};
use crate::{
    config::{Config, Control, Level, Period},
    supervise::Role,
};

const INFO: &str = "/amtd.v1.StatusService/GetInfo";
const STATUS: &str = "/amtd.v1.StatusService/GetStatus";
const EVENTS: &str = "/amtd.v1.EventService/WatchEvents";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

fn limited(control: Control) -> Rig {
    Rig::with(Config { control, ..Config::default() })
}

#[tokio::test]
async fn a_flood_of_connections_does_not_keep_anybody_from_asking_about_health() {
    let rig = limited(Control { max_connections: 4, max_connections_per_user: 3, ..Control::default() });
    let flood: Vec<_> = (0..300).map(|_| rig.connect("flood", Level::Admin)).collect();
    for (name, level) in [("flood", Level::Admin), ("other", Level::Anyone), ("third", Level::Anyone)] {
        let mut health = HealthClient::new(rig.client_of(name, level));
        let answer = timeout(SOON, health.check(HealthCheckRequest::default())).await.expect("in time");
        answer.unwrap_or_else(|status| panic!("{name}: {status}"));
    }
    let mut beyond = StatusServiceClient::new(rig.client_of("flood", Level::Admin));
    let error = beyond.get_status(GetStatusRequest {}).await.unwrap_err();
    let problem = Problem::from(&error);
    assert_eq!((problem.code, problem.reason.as_ref()), (Code::ResourceExhausted, "TOO_MANY_CONNECTIONS"));
    assert!(problem.retry_after.is_some());
    drop(flood);
}

#[tokio::test]
async fn health_is_answered_while_every_call_is_taken() {
    let rig = limited(Control { max_calls: 2, ..Control::default() });
    let channel = rig.client(Level::Anyone);
    for _ in 0..2 {
        let mut client = StatusServiceClient::new(channel.clone());
        rig.supervisor.spawn("caller", Role::Passing, async move {
            let _ = client.get_info(GetInfoRequest {}).await;
        });
    }
    rig.parts.machine.waiting(1).await;
    let refused = || async {
        let answer = StatusServiceClient::new(channel.clone()).get_status(GetStatusRequest {}).await;
        answer.err().map(|status| Problem::from(&status))
    };
    // The second waits for the first, somewhere between here and the machine.
    let problem = loop {
        if let Some(problem) = refused().await {
            break problem;
        }
    };
    assert_eq!(problem.reason, "TOO_MANY_CALLS");
    assert!(problem.retry_after.is_some());
    HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
}

#[tokio::test]
async fn a_deadline_of_the_caller_is_kept_by_the_daemon() {
    let rig = Rig::new();
    let mut client = rig.raw(Level::Operator).await;
    for path in [INFO, EVENTS] {
        let problem = Problem::from(&client.status(path, Some("50m")).await);
        assert_eq!((problem.code, problem.reason.as_ref()), (Code::DeadlineExceeded, "TOO_LATE"), "{path}");
    }
    rig.parts.machine.waiting(0).await;
    let problem = Problem::from(&client.status(STATUS, Some("soon")).await);
    assert_eq!(problem.reason, "BAD_TIMEOUT");
}

#[tokio::test]
async fn a_call_without_a_deadline_has_the_daemons() {
    let rig = limited(Control { call_limit: Period::from_millis(100), ..Control::default() });
    let status = rig.raw(Level::Anyone).await.status(INFO, None).await;
    assert_eq!(Problem::from(&status).reason, "TOO_LATE");
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_along_what_it_alone_waited_for() {
    let rig = Rig::new();
    let mut client = StatusServiceClient::new(rig.client(Level::Anyone));
    let gone = tokio::spawn(async move { client.get_info(GetInfoRequest {}).await });
    rig.parts.machine.waiting(1).await;
    gone.abort();
    rig.parts.machine.waiting(0).await;
}

#[tokio::test]
async fn who_watches_and_goes_is_not_waited_for() {
    let rig = Rig::new();
    let mut client = EventServiceClient::new(rig.client(Level::Operator));
    let stream = client.watch_events(WatchEventsRequest::default()).await.unwrap();
    assert!(rig.parts.log.is_watched());
    drop(stream);
    drop(client);
    let watched = async {
        while rig.parts.log.is_watched() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, watched).await.expect("the stream is let go");
}

#[tokio::test]
async fn garbage_costs_its_own_connection_only() {
    let rig = Rig::new();
    let garbage: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &[0xff; 4096],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x08\x01\x05\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff",
    ];
    for bytes in garbage {
        let mut stream = rig.connect("x", Level::Admin);
        // It may be closed before it has taken everything.
        let _ = stream.write_all(bytes).await;
        let mut rest = Vec::new();
        let _ = timeout(SOON, stream.read_to_end(&mut rest)).await.expect("closed");
    }
    let code = rig.raw(Level::Anyone).await.begins(STATUS).await;
    assert_eq!(code, Code::Ok);
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_and_the_daemon_goes_on() {
    let rig = Rig::new();
    let mut client = JobServiceClient::new(rig.client(Level::Admin));
    let large =
        ActivateAcm { provisioning_cert: Some(Secret::new(vec![7; 3 << 20])), ..ActivateAcm::default() };
    let spec = Some(JobSpec { kind: Some(Kind::ActivateAcm(large)) });
    let error =
        client.create_job(CreateJobRequest { spec, ..CreateJobRequest::default() }).await.unwrap_err();
    assert_eq!(Problem::from(&error).reason, "OUT_OF_RANGE");
    assert_eq!(rig.raw(Level::Anyone).await.begins(STATUS).await, Code::Ok);
}

#[tokio::test]
async fn streams_end_with_a_reason_when_the_daemon_stops() {
    let rig = Rig::new();
    let mut client = rig.raw(Level::Operator).await;
    let stream = client.call(EVENTS, None).await.unwrap();
    rig.stop.cancel();
    let problem = Problem::from(&timeout(SOON, end(stream)).await.expect("in time"));
    assert_eq!((problem.code, problem.reason.as_ref()), (Code::Unavailable, "STOPPING"));
}

#[tokio::test]
async fn a_connection_without_calls_is_closed_in_the_end() {
    let rig = limited(Control { idle: Period::from_millis(50), ..Control::default() });
    let mut client = rig.raw(Level::Anyone).await;
    assert_eq!(client.begins(HEALTH).await, Code::Ok);
    timeout(SOON, client.closed()).await.expect("closed");
    let mut silent = rig.connect("silent", Level::Anyone);
    let mut rest = Vec::new();
    timeout(SOON, silent.read_to_end(&mut rest)).await.expect("closed").unwrap();
}
