//! One WSMAN operation as the user wrote it: what was written is understood before anything is sent, and the answer
//! goes back as XML and as JSON.

use serde_json::Value;

use super::{
    DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName, Verdict, WsmanAnswer, WsmanCall,
    WsmanOperation,
    execution::Execution,
    failure::sentence,
    firmware::{ADMIN, Firmware},
};
use crate::{
    machine::Machine,
    wsman::{Client, Credentials, Element, Instance, Parameters, Resource, Selectors, WsmanError, json},
};

/// Says what the call will do. What a method does nobody here knows.
pub(super) fn plan(state: DeviceState, call: &WsmanCall) -> Result<Plan, Failure> {
    let operation = Operation::parse(call)?;
    let changes = call.operation.changes_device();
    let after = if changes { "whatever the call makes of it".into() } else { state.to_string() };
    let plan = Plan::leading_to(Kind::Wsman, state, after)
        .step(StepName::Call, format!("{} as {}", operation.words(), user(call)));
    let mut plan = if changes {
        plan.warn("What this call changes is not checked and cannot be taken back.")
    } else {
        plan
    };
    plan.steps.iter_mut().for_each(|step| step.changes_device = changes);
    Ok(plan)
}

/// Makes the call.
pub(super) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    call: &WsmanCall,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let operation = match Operation::parse(call) {
        Ok(operation) => operation,
        Err(failure) => return execution.failed_before(failure),
    };
    let changes = call.operation.changes_device();
    // Set in the step: the observer is told no more than that it was lost.
    let mut uncertain = false;
    let answer = execution.step(StepName::Call, async {
        let mut client = client(firmware, &state, call).await?;
        match operation.carry_out(&mut client).await {
            Ok(answer) => Ok((answer, "answered".into())),
            Err(error) => {
                uncertain = changes && error.is_uncertain();
                Err(explained(error.into(), &state))
            }
        }
    });
    let answer = answer.await;
    let after = state.to_string();
    match answer {
        Ok(answer) => {
            let applied =
                if changes { vec!["The firmware carried out the call.".into()] } else { Vec::new() };
            Outcome { verdict: Verdict::Succeeded, applied, failure: None, wsman: answer, after }
        }
        Err(failure) if uncertain => {
            let applied = vec!["Whether the firmware carried out the call is not known.".into()];
            execution.failed(failure, applied, after)
        }
        Err(failure) => execution.failed(failure, Vec::new(), after),
    }
}

/// A refused login to a device that is not activated is seldom a matter of the password: there is none yet.
fn explained(failure: Failure, state: &DeviceState) -> Failure {
    if failure.reason != Reason::PasswordWrong || !state.is_inactive() {
        return failure;
    }
    let sentence = format!("The device is not activated. {}", failure.sentence);
    Failure::new(Reason::NotActivated, sentence).next(
        "Activate the device first: `amtctl activate`. Until then, some classes can be read as `$$OsAdmin`.",
    )
}

fn user(call: &WsmanCall) -> &str {
    if call.user.is_empty() { ADMIN } else { &call.user }
}

/// The local system account is known by its name; its password is firmware's to tell.
async fn client<'a, M: Machine>(
    firmware: Firmware<'a, M>,
    state: &DeviceState,
    call: &WsmanCall,
) -> Result<Client<&'a M>, Failure> {
    if call.user == LOCAL_SYSTEM && call.password.expose().is_empty() {
        return firmware.local_client(state).await;
    }
    firmware.client(state, Credentials { user: user(call).into(), password: call.password.clone() })
}

/// A call that can be sent.
enum Operation {
    Get(Resource, Selectors),
    Enumerate(Resource),
    Invoke(Resource, Selectors, String, Parameters),
    Put(Resource, Selectors, Instance),
    Delete(Resource, Selectors),
    Identify,
}

impl Operation {
    fn parse(call: &WsmanCall) -> Result<Self, Failure> {
        if matches!(call.operation, WsmanOperation::Identify) {
            return Ok(Self::Identify);
        }
        let resource = Resource::parse(&call.resource).map_err(invalid)?;
        let selectors =
            call.selectors.iter().fold(Selectors::none(), |all, (name, value)| all.with(name, value));
        Ok(match &call.operation {
            WsmanOperation::Get => Self::Get(resource, selectors),
            WsmanOperation::Enumerate => Self::Enumerate(resource),
            WsmanOperation::Delete => Self::Delete(resource, selectors),
            WsmanOperation::Identify => Self::Identify,
            WsmanOperation::Put { body } => {
                let instance = Instance::from_element(element(&resource, resource.class(), body)?);
                Self::Put(resource, selectors, instance)
            }
            WsmanOperation::Invoke { method, body } => {
                let parameters = parameters(&resource, method, body)?;
                Self::Invoke(resource, selectors, method.clone(), parameters)
            }
        })
    }

    /// Without bodies and values of selectors.
    fn words(&self) -> String {
        match self {
            Self::Get(resource, _) => format!("Get {}", resource.class()),
            Self::Enumerate(resource) => format!("Enumerate {}", resource.class()),
            Self::Invoke(resource, _, method, _) => format!("Call {}.{method}", resource.class()),
            Self::Put(resource, _, _) => format!("Put {}", resource.class()),
            Self::Delete(resource, _) => format!("Delete {}", resource.class()),
            Self::Identify => "Identify".into(),
        }
    }

    async fn carry_out<M: Machine>(self, client: &mut Client<&M>) -> Result<Option<WsmanAnswer>, WsmanError> {
        match self {
            Self::Get(resource, selectors) => one(client.get(&resource, &selectors).await?).map(Some),
            Self::Enumerate(resource) => many(&client.enumerate(&resource).await?).map(Some),
            Self::Invoke(resource, selectors, method, parameters) => {
                one(client.invoke(&resource, &selectors, &method, parameters).await?.outputs).map(Some)
            }
            Self::Put(resource, selectors, instance) => {
                client.put(&resource, &selectors, &instance).await?.map(one).transpose()
            }
            Self::Delete(resource, selectors) => client.delete(&resource, &selectors).await.map(|()| None),
            Self::Identify => one(client.identify().await?).map(Some),
        }
    }
}

fn one(instance: Instance) -> Result<WsmanAnswer, WsmanError> {
    let xml = xml(&instance)?;
    Ok(WsmanAnswer { xml, json: json::to_json(instance.element()).to_string() })
}

fn many(instances: &[Instance]) -> Result<WsmanAnswer, WsmanError> {
    let xml = instances.iter().map(xml).collect::<Result<Vec<_>, _>>()?.join("\n");
    let json = Value::Array(instances.iter().map(|instance| json::to_json(instance.element())).collect());
    Ok(WsmanAnswer { xml, json: json.to_string() })
}

fn xml(instance: &Instance) -> Result<String, WsmanError> {
    Ok(String::from_utf8_lossy(&instance.element().to_xml()?).into_owned())
}

fn parameters(resource: &Resource, method: &str, body: &str) -> Result<Parameters, Failure> {
    let is_name = method.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if method.is_empty() || !is_name {
        return Err(Failure::new(
            Reason::RequestInvalid,
            "The method to call has no name, or none that is possible.",
        ));
    }
    let children = if body.trim().is_empty() {
        Vec::new()
    } else {
        element(resource, &format!("{method}_INPUT"), body)?.into_children()
    };
    Ok(children.into_iter().fold(Parameters::none(), Parameters::with_element))
}

/// What was written, as an element of this class: JSON if it begins so, else XML.
fn element(resource: &Resource, name: &str, body: &str) -> Result<Element, Failure> {
    if body.trim_start().starts_with('{') {
        let object: Value = serde_json::from_str(body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let sentence = format!("The body is not JSON: the mistake is at line {line}, column {column}.");
            Failure::new(Reason::RequestInvalid, sentence)
        })?;
        return json::from_json(resource.namespace(), name, &object).map_err(invalid);
    }
    let element = Element::parse(body.as_bytes()).map_err(invalid)?;
    Ok(within(resource.namespace(), element))
}

/// Whoever writes a body by hand leaves the namespace out.
fn within(namespace: &str, element: Element) -> Element {
    let own = if element.namespace().is_empty() { namespace } else { &**element.namespace() };
    let mut named = Element::new(own, element.name()).with_text(element.text());
    element.attributes().iter().for_each(|attribute| named.push_attribute(attribute.clone()));
    element.into_children().into_iter().for_each(|child| named.push(within(namespace, child)));
    named
}

fn invalid(error: impl std::fmt::Display) -> Failure {
    Failure::new(Reason::RequestInvalid, sentence(error))
}

/// The account that firmware keeps for local programs.
const LOCAL_SYSTEM: &str = "$$OsAdmin";
