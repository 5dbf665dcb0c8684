//! Who may do what, and what those learn who may not.

use amtd_proto::{
    Problem,
    v1::{
        ActivateAcm, CreateJobRequest, GetStatusRequest, JobSpec, Secret,
        job_service_client::JobServiceClient, job_spec::Kind, status_service_client::StatusServiceClient,
    },
};
use tonic::Code;

use super::rig::{Logged, Rig};
use crate::{config::Level, control::auth};

const LEVELS: [Level; 3] = [Level::Anyone, Level::Operator, Level::Admin];

#[tokio::test]
async fn every_method_is_denied_below_its_level_and_not_denied_at_it() {
    let rig = Rig::new();
    for level in LEVELS {
        let mut client = rig.raw(level).await;
        for method in auth::TABLE {
            // Firmware is silent here; that the call gets there is enough.
            if method.path.ends_with("GetInfo") {
                continue;
            }
            let code = client.begins(method.path).await;
            assert_eq!(code == Code::PermissionDenied, level < method.level, "{level:?} {method:?} {code:?}");
            assert_ne!(code, Code::Unimplemented, "{method:?}");
        }
    }
}

#[tokio::test]
async fn a_denied_call_is_logged_with_who_and_what_and_its_caller_is_told_the_way() {
    let logged = Logged::begin();
    let rig = Rig::new();
    let status = rig.raw(Level::Operator).await.status("/amtd.v1.JobService/CreateJob", None).await;
    let problem = Problem::from(&status);
    assert_eq!((problem.code, problem.reason.as_ref()), (Code::PermissionDenied, "NOT_PERMITTED"));
    assert!(problem.sentence.contains("CreateJob") && problem.next_step.contains("amt-admin"), "{problem:?}");
    let log = logged.text();
    let line = log.lines().find(|line| line.contains("denied")).expect("a line in the log");
    assert!(line.contains("WARN") && line.contains("certificate \"operator\""), "{line}");
    assert!(line.contains("/amtd.v1.JobService/CreateJob"), "{line}");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_an_error_with_a_reason() {
    let rig = Rig::new();
    let status = rig.raw(Level::Admin).await.status("/amtd.v1.JobService/Explode", None).await;
    assert_eq!(Problem::from(&status).reason, "NO_SUCH_METHOD");
}

#[tokio::test]
async fn secrets_are_in_no_log_and_in_no_error() {
    const CANARY: &str = "c4n4ry-P@ssw0rd";
    let logged = Logged::begin();
    let rig = Rig::new();
    let secret = || Some(Secret::new(CANARY));
    let activate = ActivateAcm {
        password: secret(),
        provisioning_cert: secret(),
        provisioning_cert_password: secret(),
        mebx_password: secret(),
        dns_suffix: None,
    };
    let mut errors = Vec::new();
    for level in LEVELS {
        let spec = Some(JobSpec { kind: Some(Kind::ActivateAcm(activate.clone())) });
        let request = CreateJobRequest { spec, ..CreateJobRequest::default() };
        let error = JobServiceClient::new(rig.client(level)).create_job(request).await.unwrap_err();
        errors.push(format!("{error:?} {:?}", Problem::from(&error)));
    }
    let seen = logged.text() + &errors.concat();
    assert!(seen.contains("CreateJob"), "something was logged");
    let bytes = format!("{:?}", CANARY.as_bytes());
    for canary in [CANARY, bytes.trim_matches(['[', ']'])] {
        assert!(!seen.contains(canary), "{seen}");
    }
}

#[tokio::test]
async fn a_user_of_the_real_socket_is_known_by_the_kernels_word() {
    let rig = Rig::new();
    let directory = rig.directory.path().join("run");
    std::fs::create_dir(&directory).unwrap();
    let server = super::super::Server::bind(&directory, &rig.parts.config.control, None).await.unwrap();
    server.start(&rig.parts, rig.health_sources(), &rig.supervisor, &rig.stop);
    let socket = format!("unix://{}", directory.join("amtd.sock").display());
    let channel = tonic::transport::Endpoint::new(socket).unwrap().connect().await.unwrap();
    let mut client = StatusServiceClient::new(channel.clone());
    let status = client.get_status(GetStatusRequest {}).await.unwrap().into_inner();
    assert_eq!(status.daemon_version, env!("CARGO_PKG_VERSION"));
    // Root may do everything; another user who runs the tests may not, but is known.
    let error = JobServiceClient::new(channel).create_job(CreateJobRequest::default()).await.unwrap_err();
    let expected = if nix::unistd::getuid().is_root() { "INVALID_REQUEST" } else { "NOT_PERMITTED" };
    assert_eq!(Problem::from(&error).reason, expected);
}
