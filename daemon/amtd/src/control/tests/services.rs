//! Each service over a real client.

use std::collections::BTreeSet;

use amtd_proto::{
    Problem,
    v1::{
        CloseChannelRequest, CreateJobRequest, DiagnoseRequest, GetConfigRequest, GetJobRequest,
        GetMetricsRequest, GetStatusRequest, JobSpec, ListChannelsRequest, ListJobsRequest, SyncClock,
        WatchEventsRequest, WatchJobRequest, channel_service_client::ChannelServiceClient, check,
        diagnostics_service_client::DiagnosticsServiceClient, event_service_client::EventServiceClient,
        job_service_client::JobServiceClient, job_spec::Kind, status_service_client::StatusServiceClient,
        watch_events_response::Event as Message,
    },
};
use bytes::Bytes;
use futures_util::stream;
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use super::rig::Rig;
use crate::{
    config::{Config, Level},
    events::Event,
};

#[tokio::test]
async fn status_tells_the_same_as_over_http() {
    let rig = Rig::new();
    rig.link_is(true);
    let mut client = StatusServiceClient::new(rig.client(Level::Anyone));
    let status = client.get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert!(status.health.unwrap().ready);
    assert_eq!(status.ports[0].number, 16_992);
    let json: serde_json::Value = serde_json::from_str(&status.status_json).unwrap();
    assert_eq!(json["link"]["ready"], true);
    assert_eq!(json["schema"], 1);
}

#[tokio::test]
async fn health_has_an_entry_for_each_part_and_watch_follows_the_link() {
    let rig = Rig::new();
    let mut client = HealthClient::new(rig.client(Level::Anyone));
    let ask = |service: &str| HealthCheckRequest { service: service.into() };
    let mut watch = client.watch(ask("link")).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    rig.link_is(true);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    for entry in ["", "link", "front", "jobs", "amtd.v1.JobService", "amtd.v1.EventService"] {
        let answer = client.check(ask(entry)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{entry:?}");
    }
    assert_eq!(client.check(ask("firmware")).await.unwrap().into_inner().status(), ServingStatus::NotServing);
    let mut jobs = client.watch(ask("jobs")).await.unwrap().into_inner();
    assert_eq!(jobs.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    rig.faults.send_replace(Some("the disk is full".into()));
    assert_eq!(jobs.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    rig.link_is(false);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    let problem = Problem::from(&client.check(ask("nonsense")).await.unwrap_err());
    assert_eq!(problem.code, Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_every_service() {
    let rig = Rig::new();
    let mut client = ServerReflectionClient::new(rig.client(Level::Anyone));
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let request = ServerReflectionRequest { message_request, ..ServerReflectionRequest::default() };
    let mut answers = client.server_reflection_info(stream::iter([request])).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().message_response;
    let Some(MessageResponse::ListServicesResponse(list)) = answer else { panic!("{answer:?}") };
    let names: BTreeSet<_> = list.service.into_iter().map(|service| service.name).collect();
    let served: BTreeSet<_> = super::super::auth::TABLE
        .iter()
        .filter_map(|method| Some(method.path.split('/').nth(1)?.to_owned()))
        .collect();
    assert_eq!(names, served);
}

#[tokio::test]
async fn events_come_with_cursors_to_go_on_from() {
    let rig = Rig::new();
    let tell = |content: &'static str| {
        let content = Bytes::from_static(content.as_bytes());
        rig.parts.log.push(Event::Alert { origin: "test".into(), content });
    };
    let mut client = EventServiceClient::new(rig.client(Level::Operator));
    tell("before");
    let from = |cursor: &str, from_oldest| WatchEventsRequest { cursor: cursor.into(), from_oldest };
    let mut all = client.watch_events(from("", true)).await.unwrap().into_inner();
    let first = all.message().await.unwrap().unwrap();
    assert!(matches!(&first.event, Some(Message::Alert(alert)) if alert.content == b"before"), "{first:?}");
    tell("after");
    let second = all.message().await.unwrap().unwrap();
    let mut rest = client.watch_events(from(&first.cursor, false)).await.unwrap().into_inner();
    assert_eq!(rest.message().await.unwrap().unwrap(), second);
    let error = client.watch_events(from("nonsense", false)).await.unwrap_err();
    assert_eq!(Problem::from(&error).reason, "INVALID_REQUEST");
}

#[tokio::test]
async fn an_empty_house_has_no_channels_to_list_or_to_close() {
    let rig = Rig::new();
    let mut client = ChannelServiceClient::new(rig.client(Level::Admin));
    assert!(client.list_channels(ListChannelsRequest {}).await.unwrap().into_inner().channels.is_empty());
    let error = client.close_channel(CloseChannelRequest { id: 7 }).await.unwrap_err();
    assert_eq!(Problem::from(&error).reason, "NO_SUCH_CHANNEL");
}

#[tokio::test]
async fn a_diagnosis_has_evidence_for_everything_and_a_way_out_of_all_trouble() {
    let rig = Rig::new();
    let mut client = DiagnosticsServiceClient::new(rig.client(Level::Operator));
    let checks = client.diagnose(DiagnoseRequest {}).await.unwrap().into_inner().checks;
    let names: BTreeSet<_> = checks.iter().map(|check| check.name.as_str()).collect();
    let expected =
        ["amthi", "clock", "journal", "kind", "lme", "node", "permission", "ports", "state-directory"];
    assert_eq!(names, expected.into());
    for check in checks {
        let good = check.result() == check::Result::Good;
        assert!(!check.evidence.is_empty() && good == check.way_out.is_empty(), "{check:?}");
    }
}

#[tokio::test]
async fn metrics_and_configuration_are_text_that_their_readers_take() {
    let rig = Rig::new();
    let mut client = DiagnosticsServiceClient::new(rig.client(Level::Operator));
    let metrics = client.get_metrics(GetMetricsRequest {}).await.unwrap().into_inner().open_metrics;
    assert!(metrics.ends_with("# EOF\n") && metrics.contains("amtd_"), "{metrics}");
    let config = client.get_config(GetConfigRequest {}).await.unwrap().into_inner();
    assert_eq!(config.path, "");
    let parsed = Config::parse("answer".as_ref(), &config.toml).unwrap();
    assert_eq!(parsed, Config::default());
}

#[tokio::test]
async fn jobs_that_cannot_be_are_refused_with_reason_and_next_step() {
    let rig = Rig::new();
    let mut client = JobServiceClient::new(rig.client(Level::Admin));
    let refused = [
        (CreateJobRequest::default(), "INVALID_REQUEST"),
        (
            CreateJobRequest {
                spec: Some(JobSpec { kind: Some(Kind::SyncClock(SyncClock::default())) }),
                ..CreateJobRequest::default()
            },
            "INVALID_REQUEST",
        ),
    ];
    for (request, reason) in refused {
        let problem = Problem::from(&client.create_job(request).await.unwrap_err());
        assert_eq!(problem.reason, reason);
        assert!(!problem.sentence.is_empty() && !problem.next_step.is_empty(), "{problem:?}");
    }
    assert!(client.list_jobs(ListJobsRequest::default()).await.unwrap().into_inner().jobs.is_empty());
    for id in ["7", "not an id", ""] {
        let get = client.get_job(GetJobRequest { id: id.into() }).await.unwrap_err();
        let watch = client.watch_job(WatchJobRequest { id: id.into() }).await.unwrap_err();
        for error in [get, watch] {
            assert_eq!(Problem::from(&error).reason, "NO_SUCH_JOB", "{id:?}");
        }
    }
}
