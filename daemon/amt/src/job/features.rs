//! Redirection, KVM and user consent (activation 8): what is wanted against what is, one request for each difference,
//! and what is at the end.

use super::{
    DeviceState, Failure, Features, Kind, Observer, Outcome, Plan, Reason, StepName, UserConsent,
    device_changed,
    execution::{self, Execution},
    failure::{refused, unreadable},
    firmware::Firmware,
    require_active,
};
use crate::{
    Secret,
    amthi::ControlMode,
    machine::Machine,
    wsman::{
        Client, Subcode, WsmanError,
        classes::{KvmRedirectionSap, OptInRequired, OptInService, RedirectionService, RedirectionState},
    },
};

/// What is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Current {
    redirection: RedirectionState,
    listener: bool,
    /// Absent where the model has no KVM.
    kvm: Option<bool>,
    consent: OptInRequired,
    consent_is_fixed: bool,
}

impl Current {
    /// Reads everything, as whoever the client is.
    pub(super) async fn read<M: Machine>(client: &mut Client<&M>) -> Result<Self, WsmanError> {
        let redirection: RedirectionService = client.read().await?;
        let kvm = match client.read::<KvmRedirectionSap>().await {
            Ok(kvm) => Some(kvm.is_enabled()?),
            Err(error) if is_absent(&error) => None,
            Err(error) => return Err(error),
        };
        let consent: OptInService = client.read().await?;
        Ok(Self {
            redirection: redirection.state()?,
            listener: redirection.listener_enabled()?,
            kvm,
            consent: consent.required()?,
            consent_is_fixed: consent.can_modify()? == Some(false),
        })
    }

    /// Whether everything that is wanted is so.
    pub(super) fn meets(&self, wanted: &Features, mode: ControlMode) -> bool {
        self.difference(wanted, mode).is_empty()
    }

    /// The steps that lead to what is wanted.
    fn difference(&self, wanted: &Features, mode: ControlMode) -> Vec<StepName> {
        let goal = self.goal(wanted, mode);
        [
            (StepName::SetRedirection, goal.redirection != self.redirection),
            (StepName::SetKvm, goal.kvm != self.kvm),
            (StepName::SetListener, goal.listener != self.listener),
            (StepName::SetConsent, goal.consent != self.consent),
        ]
        .into_iter()
        .filter_map(|(step, differs)| differs.then_some(step))
        .collect()
    }

    /// What will be in force. The listener follows from the rest: without it none of them works.
    fn goal(&self, wanted: &Features, mode: ControlMode) -> Self {
        let redirection = RedirectionState {
            sol: wanted.sol.unwrap_or(self.redirection.sol),
            ider: wanted.ider.unwrap_or(self.redirection.ider),
        };
        let kvm = self.kvm.map(|kvm| wanted.kvm.unwrap_or(kvm));
        let asks_for_any = wanted.sol.or(wanted.ider).or(wanted.kvm).is_some();
        let any = redirection.sol || redirection.ider || kvm == Some(true);
        let listener = if asks_for_any { any } else { self.listener };
        // In client control mode nothing but `all` is possible.
        let consent = match wanted.user_consent {
            Some(consent) if mode == ControlMode::Admin => required(consent),
            _ => self.consent,
        };
        Self { redirection, listener, kvm, consent, ..*self }
    }

    /// As a person would say it.
    pub(super) fn words(&self) -> String {
        let on = |is_on: bool| if is_on { "on" } else { "off" };
        let kvm = self.kvm.map_or("absent", on);
        let (sol, ider, listener) = (on(self.redirection.sol), on(self.redirection.ider), on(self.listener));
        let consent = consent_words(self.consent);
        format!("KVM {kvm}, SOL {sol}, IDER {ider}, listener {listener}, user consent for {consent}")
    }

    /// What is different now, one sentence each.
    fn changes_from(&self, before: &Self) -> Vec<String> {
        let on = |is_on: bool| if is_on { "on" } else { "off" };
        let mut changes = Vec::new();
        let mut switched = |what: &str, from: bool, to: bool| {
            if from != to {
                changes.push(format!("{what} is {}.", on(to)));
            }
        };
        switched("KVM", before.kvm == Some(true), self.kvm == Some(true));
        switched("SOL", before.redirection.sol, self.redirection.sol);
        switched("IDER", before.redirection.ider, self.redirection.ider);
        switched("The redirection listener", before.listener, self.listener);
        if before.consent != self.consent {
            changes.push(format!("User consent is needed for {}.", consent_words(self.consent)));
        }
        changes
    }
}

/// Refuses a request that wants nothing.
pub(super) fn check(wanted: &Features) -> Result<(), Failure> {
    if *wanted == Features::default() {
        return Err(Failure::new(
            Reason::RequestInvalid,
            "Nothing is asked for: no feature and no user consent.",
        ));
    }
    Ok(())
}

/// Says what setting features will do.
pub(super) async fn plan<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: &Secret,
    wanted: &Features,
) -> Result<Plan, Failure> {
    require_active(&state)?;
    let (mut client, _) = firmware.login(&state, password).await?;
    let current = Current::read(&mut client).await?;
    check_possible(&current, wanted, state.control_mode)?;
    let steps = current.difference(wanted, state.control_mode);
    let goal = current.goal(wanted, state.control_mode);
    let plan = if steps.is_empty() {
        Plan::nothing(Kind::SetFeatures, state)
    } else {
        Plan::leading_to(Kind::SetFeatures, state, "")
            .step(StepName::Login, "Log in as admin with the given password")
    };
    let mut plan = steps.iter().fold(plan, |plan, step| plan.step(*step, goal.step_words(*step)));
    plan.before = format!("{state}; {}", current.words());
    plan.after = format!("{state}; {}", goal.words());
    if !steps.is_empty() {
        plan = plan.step(StepName::Verify, "Read the features back");
    }
    Ok(warnings(&current, wanted, state.control_mode).into_iter().fold(plan, Plan::warn))
}

impl Current {
    fn step_words(&self, step: StepName) -> String {
        let switch = |is_on: bool| if is_on { "on" } else { "off" };
        match step {
            StepName::SetRedirection => {
                let (sol, ider) = (switch(self.redirection.sol), switch(self.redirection.ider));
                format!("Switch SOL {sol} and IDER {ider}")
            }
            StepName::SetKvm => format!("Switch KVM {}", switch(self.kvm == Some(true))),
            StepName::SetListener => format!("Switch the redirection listener {}", switch(self.listener)),
            _ => format!("Ask for user consent for {}", consent_words(self.consent)),
        }
    }
}

fn check_possible(current: &Current, wanted: &Features, mode: ControlMode) -> Result<(), Failure> {
    if wanted.kvm == Some(true) && current.kvm.is_none() {
        return Err(Failure::new(Reason::FeatureAbsent, "This model has no KVM redirection."));
    }
    if current.consent_is_fixed && current.goal(wanted, mode).consent != current.consent {
        let sentence = "The firmware setup of this machine does not allow user consent to be changed.";
        return Err(Failure::new(Reason::FeaturesRefused, sentence));
    }
    Ok(())
}

fn warnings(current: &Current, wanted: &Features, mode: ControlMode) -> Vec<String> {
    let mut warnings = Vec::new();
    if mode == ControlMode::Client && !matches!(wanted.user_consent, None | Some(UserConsent::All)) {
        warnings.push(
            "User consent is left as it is: in client control mode it is needed for all redirection, and firmware does \
             not allow anything else."
                .into(),
        );
    }
    let goal = current.goal(wanted, mode);
    if goal.consent == OptInRequired::None && current.consent != OptInRequired::None {
        warnings.push("Whoever has the AMT password can then see and control the screen unasked.".into());
    }
    warnings
}

/// Sets what differs from what is wanted.
pub(super) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    password: &Secret,
    wanted: &Features,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let mode = state.control_mode;
    let reading = async {
        let (mut client, _) = firmware.login(&state, password).await?;
        let current = Current::read(&mut client).await?;
        Ok(((client, current), current.words()))
    };
    let (mut client, before) = match execution.step(StepName::Login, reading).await {
        Ok(begun) => begun,
        Err(failure) => return execution.failed_before(failure),
    };
    let steps = before.difference(wanted, mode);
    let planned: Vec<_> = plan.step_names();
    if steps.is_empty() {
        return execution::unchanged(before.words());
    }
    if steps.iter().any(|step| !planned.contains(step)) {
        return execution.failed_before(device_changed());
    }
    let goal = before.goal(wanted, mode);
    let mut result = Ok(());
    for step in steps {
        // Between two features nothing is half done.
        result = execution.safe_point();
        if result.is_ok() {
            result = execution.step(step, set(&mut client, step, goal)).await;
        }
        if result.is_err() {
            break;
        }
    }
    conclude(execution, client, Compared { before, goal }, result).await
}

/// What was and what is wanted.
struct Compared {
    before: Current,
    goal: Current,
}

async fn conclude<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    mut client: Client<&M>,
    Compared { before, goal }: Compared,
    result: Result<(), Failure>,
) -> Outcome {
    if !execution.has_touched()
        && let Err(failure) = result
    {
        return execution.failed_before(failure);
    }
    let reading = async {
        let current = Current::read(&mut client).await?;
        Ok((current, current.words()))
    };
    match (result, execution.step(StepName::Verify, reading).await) {
        (_, Ok(now)) if now == goal => execution::succeeded(now.changes_from(&before), now.words()),
        (result, Ok(now)) => {
            let sentence =
                format!("The firmware accepted the change, but is not as wanted: {}.", now.words());
            let failure = result.err().unwrap_or_else(|| Failure::new(Reason::NotAsWanted, sentence));
            execution.failed(failure, now.changes_from(&before), now.words())
        }
        (result, Err(error)) => {
            let failure = result.err().unwrap_or_else(|| unreadable(&error));
            let applied = vec!["Which features are in force is not known: they could not be read.".into()];
            execution.failed(failure, applied, execution::NOT_KNOWN.into())
        }
    }
}

/// Sets one feature. If the answer is lost, reading decides.
async fn set<M: Machine>(
    client: &mut Client<&M>,
    step: StepName,
    goal: Current,
) -> Result<((), String), Failure> {
    let answer = match step {
        StepName::SetRedirection => RedirectionService::request_state_change(client, goal.redirection).await,
        StepName::SetKvm => KvmRedirectionSap::request_state_change(client, goal.kvm == Some(true)).await,
        StepName::SetListener => set_listener(client, goal).await,
        _ => set_consent(client, goal.consent).await,
    };
    let Err(error) = answer else { return Ok(((), goal.step_words(step))) };
    if error.is_uncertain() && Current::read(client).await.is_ok_and(|now| now.agrees_on(step, &goal)) {
        return Ok(((), format!("the answer was lost ({error}), but it is so")));
    }
    Err(refused(error, Reason::FeaturesRefused))
}

impl Current {
    fn agrees_on(&self, step: StepName, goal: &Self) -> bool {
        match step {
            StepName::SetRedirection => self.redirection == goal.redirection,
            StepName::SetKvm => self.kvm == goal.kvm,
            StepName::SetListener => self.listener == goal.listener,
            _ => self.consent == goal.consent,
        }
    }
}

async fn set_listener<M: Machine>(client: &mut Client<&M>, goal: Current) -> Result<(), WsmanError> {
    let mut service: RedirectionService = client.read().await?;
    service.set_state(goal.redirection);
    service.set_listener_enabled(goal.listener);
    client.write(&service).await
}

async fn set_consent<M: Machine>(client: &mut Client<&M>, consent: OptInRequired) -> Result<(), WsmanError> {
    let mut service: OptInService = client.read().await?;
    service.set_required(consent);
    client.write(&service).await
}

fn is_absent(error: &WsmanError) -> bool {
    error.fault().is_some_and(|fault| fault.subcode == Subcode::DestinationUnreachable)
}

fn required(consent: UserConsent) -> OptInRequired {
    match consent {
        UserConsent::None => OptInRequired::None,
        UserConsent::Kvm => OptInRequired::Kvm,
        UserConsent::All => OptInRequired::All,
    }
}

fn consent_words(consent: OptInRequired) -> String {
    match consent {
        OptInRequired::None => "nothing".into(),
        OptInRequired::Kvm => "KVM".into(),
        OptInRequired::All => "all redirection".into(),
        OptInRequired::Unknown(number) => format!("policy {number}"),
    }
}
