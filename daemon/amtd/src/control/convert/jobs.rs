//! Jobs, to and from messages. Secrets are moved, not copied, and the message they came in is wiped.

use std::mem;

use amtd_amt::{
    Secret,
    job::{
        Failure, Features, Outcome, Plan, Request, SecretBytes, UserConsent, Verdict, WsmanCall,
        WsmanOperation,
    },
};
use amtd_proto::v1::{self, job_spec::Kind, set_features, wsman_call::Operation};
use nix::unistd::gethostname;
use zeroize::Zeroizing;

use super::{count, time};
use crate::jobs::{Job, State, Step, StepState};

/// Why a message says nothing that could be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unusable {
    #[error("it does not say what is to be done")]
    Nothing,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} is not text in UTF-8")]
    NotText(&'static str),
    #[error("the operation of the WSMAN call is not one that this daemon knows")]
    Operation,
    #[error("user_consent is not one that this daemon knows")]
    Consent,
    #[error("the name of this machine cannot be read; give host_name")]
    HostName,
}

/// What is asked for.
pub(crate) fn request(spec: v1::JobSpec) -> Result<Request, Unusable> {
    Ok(match spec.kind.ok_or(Unusable::Nothing)? {
        Kind::ActivateCcm(v1::ActivateCcm { password }) => {
            Request::ActivateCcm { password: text("password", password)? }
        }
        Kind::ActivateAcm(message) => activate_acm(message)?,
        Kind::Deactivate(v1::Deactivate { password, partial }) => {
            Request::Deactivate { password: optional("password", password)?, partial }
        }
        Kind::SetFeatures(message) => set_features(message)?,
        Kind::SyncClock(v1::SyncClock { password }) => {
            Request::SyncClock { password: text("password", password)? }
        }
        Kind::SyncHostname(message) => sync_hostname(message)?,
        Kind::ChangePassword(v1::ChangePassword { password, new_password }) => Request::ChangePassword {
            password: text("password", password)?,
            new_password: text("new_password", new_password)?,
        },
        Kind::SetMebxPassword(v1::SetMebxPassword { password, mebx_password }) => Request::SetMebxPassword {
            password: text("password", password)?,
            mebx_password: text("mebx_password", mebx_password)?,
        },
        Kind::WsmanCall(message) => Request::Wsman(wsman_call(message)?),
    })
}

fn activate_acm(message: v1::ActivateAcm) -> Result<Request, Unusable> {
    let certificate = message.provisioning_cert.ok_or(Unusable::Missing("provisioning_cert"))?;
    Ok(Request::ActivateAcm {
        password: text("password", message.password)?,
        provisioning_cert: SecretBytes::new(mem::take(&mut certificate.into_bytes())),
        provisioning_cert_password: text("provisioning_cert_password", message.provisioning_cert_password)?,
        mebx_password: optional("mebx_password", message.mebx_password)?,
        dns_suffix: message.dns_suffix,
    })
}

fn set_features(message: v1::SetFeatures) -> Result<Request, Unusable> {
    use set_features::UserConsent as Wanted;
    let user_consent = match Wanted::try_from(message.user_consent).map_err(|_| Unusable::Consent)? {
        Wanted::Unspecified => None,
        Wanted::None => Some(UserConsent::None),
        Wanted::Kvm => Some(UserConsent::Kvm),
        Wanted::All => Some(UserConsent::All),
    };
    let v1::SetFeatures { password, kvm, sol, ider, .. } = message;
    let features = Features { kvm, sol, ider, user_consent };
    Ok(Request::SetFeatures { password: text("password", password)?, features })
}

fn sync_hostname(message: v1::SyncHostname) -> Result<Request, Unusable> {
    let (own_host, own_domain) = host_name();
    let own_host = Some(own_host).filter(|name| !name.is_empty());
    Ok(Request::SyncHostname {
        password: text("password", message.password)?,
        host_name: message.host_name.or(own_host).ok_or(Unusable::HostName)?,
        // Most machines know their host name only.
        domain_name: message.domain_name.or(Some(own_domain).filter(|domain| !domain.is_empty())),
    })
}

fn wsman_call(message: v1::WsmanCall) -> Result<WsmanCall, Unusable> {
    let v1::WsmanCall { password, user, operation, resource, selectors, method, body } = message;
    let body = body.map_or_else(|| Ok(Zeroizing::default()), |body| utf8("body", body))?;
    let operation = match Operation::try_from(operation).map_err(|_| Unusable::Operation)? {
        Operation::Unspecified => return Err(Unusable::Operation),
        Operation::Get => WsmanOperation::Get,
        Operation::Enumerate => WsmanOperation::Enumerate,
        Operation::Invoke => WsmanOperation::Invoke { method, body },
        Operation::Put => WsmanOperation::Put { body },
        Operation::Delete => WsmanOperation::Delete,
        Operation::Identify => WsmanOperation::Identify,
    };
    let mut selectors: Vec<_> = selectors.into_iter().collect();
    // A map has no order, and two equal requests must compare as equal.
    selectors.sort_unstable();
    Ok(WsmanCall { user, password: text("password", password)?, resource, selectors, operation })
}

fn text(field: &'static str, secret: Option<v1::Secret>) -> Result<Secret, Unusable> {
    optional(field, secret)?.ok_or(Unusable::Missing(field))
}

fn optional(field: &'static str, secret: Option<v1::Secret>) -> Result<Option<Secret>, Unusable> {
    secret.map(|secret| Ok(Secret::new(mem::take(&mut *utf8(field, secret)?)))).transpose()
}

fn utf8(field: &'static str, secret: v1::Secret) -> Result<Zeroizing<String>, Unusable> {
    let bytes = mem::take(&mut *secret.into_bytes());
    String::from_utf8(bytes).map(Zeroizing::new).map_err(|error| {
        drop(Zeroizing::new(error.into_bytes()));
        Unusable::NotText(field)
    })
}

/// The name of this machine and, if it has one, its domain.
pub(crate) fn host_name() -> (String, String) {
    // Not from /proc, which the daemon's sandbox hides but for processes. Without it both are empty, which nobody takes
    // for a name.
    let name = gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
    let (host, domain) = name.trim().split_once('.').unwrap_or((name.trim(), ""));
    (host.into(), domain.into())
}

/// A job as it is. The answer of a WSMAN call is for those who may make one.
pub(crate) fn job(job: &Job, with_answer: bool) -> v1::Job {
    let state = match job.state {
        State::Queued => v1::job::State::Queued,
        State::Running => v1::job::State::Running,
        State::Verifying => v1::job::State::Verifying,
        State::Ended => v1::job::State::Ended,
    };
    v1::Job {
        id: job.id.to_string(),
        kind: job.kind.as_str().into(),
        request_id: job.request_id.clone().unwrap_or_default(),
        state: state.into(),
        queue_position: job.queue_position.map(count).unwrap_or_default(),
        plan: Some(plan(&job.plan)),
        steps: job.steps.iter().map(step).collect(),
        outcome: job.outcome.as_ref().map(|ended| outcome(ended, with_answer)),
        created_at: time(Some(job.created_at)),
        started_at: time(job.started_at),
        ended_at: time(job.ended_at),
        deadline_at: time(job.deadline_at),
        uid: job.uid,
        cancellable: job.cancellable,
        cancel_requested: job.cancel_requested,
        resumed: job.resumed,
    }
}

/// A job that is only planned.
pub(crate) fn plan_only(planned: &Plan) -> v1::Job {
    v1::Job { kind: planned.kind.as_str().into(), plan: Some(plan(planned)), ..v1::Job::default() }
}

fn plan(plan: &Plan) -> v1::Plan {
    let step = |step: &amtd_amt::job::PlannedStep| v1::PlannedStep {
        name: step.name.as_str().into(),
        description: step.description.clone(),
        changes_device: step.changes_device,
    };
    v1::Plan {
        before: plan.before.clone(),
        after: plan.after.clone(),
        steps: plan.steps.iter().map(step).collect(),
        warnings: plan.warnings.clone(),
        unchanged: plan.unchanged,
    }
}

fn step(step: &Step) -> v1::Step {
    let state = match step.state {
        StepState::Pending => v1::step::State::Pending,
        StepState::Running => v1::step::State::Running,
        StepState::Done => v1::step::State::Done,
        StepState::Skipped => v1::step::State::Skipped,
        StepState::Failed => v1::step::State::Failed,
    };
    v1::Step {
        name: step.name.as_str().into(),
        description: step.description.clone(),
        state: state.into(),
        detail: step.detail.clone(),
        started_at: time(step.started_at),
        ended_at: time(step.ended_at),
        attempts: step.attempts,
    }
}

fn outcome(outcome: &Outcome, with_answer: bool) -> v1::Outcome {
    let verdict = match outcome.verdict {
        Verdict::Succeeded => v1::Verdict::Succeeded,
        Verdict::Unchanged => v1::Verdict::Unchanged,
        Verdict::FailedClean => v1::Verdict::FailedClean,
        Verdict::FailedPartial => v1::Verdict::FailedPartial,
    };
    let failure =
        outcome.failure.as_ref().map(|(Failure { reason, sentence, next_step }, step)| v1::Failure {
            reason: reason.as_str().into(),
            sentence: sentence.clone(),
            next_step: next_step.clone(),
            step: step.map(|step| step.as_str().into()).unwrap_or_default(),
        });
    let answer = outcome.wsman.as_ref().filter(|_| with_answer);
    v1::Outcome {
        verdict: verdict.into(),
        applied: outcome.applied.clone(),
        failure,
        wsman: answer.map(|answer| v1::WsmanAnswer { xml: answer.xml.clone(), json: answer.json.clone() }),
        after: outcome.after.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use amtd_amt::job::WsmanAnswer;

    use super::*;

    const CANARY: &str = "c4n4ry-P@ssw0rd";

    fn spec(kind: Kind) -> v1::JobSpec {
        v1::JobSpec { kind: Some(kind) }
    }

    fn call(operation: Operation, body: Option<&str>) -> v1::WsmanCall {
        v1::WsmanCall {
            password: Some(v1::Secret::new(CANARY)),
            operation: operation.into(),
            resource: "AMT_GeneralSettings".into(),
            selectors: [("b", "2"), ("a", "1")].map(|(name, value)| (name.into(), value.into())).into(),
            method: "Set".into(),
            body: body.map(v1::Secret::new),
            ..v1::WsmanCall::default()
        }
    }

    #[test]
    fn secrets_arrive_whole_and_are_not_shown() {
        let request = request(spec(Kind::WsmanCall(call(Operation::Invoke, Some(CANARY))))).unwrap();
        assert!(!format!("{request:?}").contains(CANARY), "{request:?}");
        let Request::Wsman(call) = request else { panic!("another kind") };
        assert_eq!(call.password.expose(), CANARY);
        let WsmanOperation::Invoke { method, body } = call.operation else { panic!("another operation") };
        assert_eq!((method.as_str(), body.as_str()), ("Set", CANARY));
        assert_eq!(call.selectors, [("a".into(), "1".into()), ("b".into(), "2".into())], "in one order");
    }

    #[test]
    fn what_is_missing_or_makes_no_sense_is_named_without_its_content() {
        let latin = v1::Secret::new([&b"geheim"[..], &[0xff]].concat());
        let unknown = v1::SetFeatures { user_consent: 99, ..v1::SetFeatures::default() };
        let refused = [
            (v1::JobSpec::default(), Unusable::Nothing),
            (spec(Kind::ActivateCcm(v1::ActivateCcm::default())), Unusable::Missing("password")),
            (
                spec(Kind::ActivateCcm(v1::ActivateCcm { password: Some(latin) })),
                Unusable::NotText("password"),
            ),
            (spec(Kind::SetFeatures(unknown)), Unusable::Consent),
            (spec(Kind::WsmanCall(call(Operation::Unspecified, None))), Unusable::Operation),
        ];
        for (spec, expected) in refused {
            let error = request(spec).unwrap_err();
            assert_eq!(error, expected);
            assert!(!error.to_string().contains("geheim"));
        }
    }

    #[test]
    fn the_answer_of_a_call_is_for_those_who_may_make_one() {
        let answer = WsmanAnswer { xml: "<x/>".into(), json: "{}".into() };
        let ended = Outcome {
            verdict: Verdict::Succeeded,
            applied: Vec::new(),
            failure: None,
            wsman: Some(answer),
            after: String::new(),
        };
        assert!(outcome(&ended, true).wsman.is_some());
        assert!(outcome(&ended, false).wsman.is_none());
    }

    #[test]
    fn a_time_goes_over_the_wire_unchanged() {
        let now = SystemTime::now();
        assert_eq!(SystemTime::try_from(time(Some(now)).unwrap()).unwrap(), now);
    }
}
