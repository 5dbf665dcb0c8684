//! Admin control mode with a provisioning certificate, from no control mode or from client control mode (activation 4,
//! 6). Whether certificate and device fit is `check`'s to say.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::{
    ccm::check_allowed,
    check::{Wish, check, open},
    check_password, commit, conclude, confirmed, finishing, power,
};
use crate::{
    Secret,
    amthi::{ControlMode, ProvisioningState},
    job::{
        DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName, Verdict,
        certificate::ProvisioningCertificate,
        execution::{self, Execution},
        failure::refused,
        firmware::{ADMIN, Device, Firmware},
        password, passwords, unknown_mode,
    },
    machine::Machine,
    wsman::{
        Client, PasswordDigest, Realm,
        classes::{GeneralSettings, HostBasedSetupService, HostProof},
    },
};

/// Says what activating will do.
pub(in crate::job) async fn plan<M: Machine>(
    firmware: Firmware<'_, M>,
    device: &Device,
    wish: Wish<'_>,
) -> Result<Plan, Failure> {
    let state = device.state;
    if let Some(password) = wish.mebx_password {
        password::check("MEBx password", password)?;
    }
    let plan = match state.control_mode {
        ControlMode::None if state.is_half_provisioned() => {
            return Err(Failure::new(
                Reason::HalfProvisioned,
                "The device is in the middle of a provisioning.",
            ));
        }
        ControlMode::None => {
            password::check("AMT password", wish.password)?;
            plan_setup(firmware, device, wish).await?
        }
        ControlMode::Client => plan_upgrade(firmware, device, wish).await?,
        ControlMode::Admin => plan_rest(firmware, state, wish).await?,
        ControlMode::Unknown(_) => return Err(unknown_mode(&state)),
    };
    Ok(with_mebx(plan, wish))
}

async fn plan_setup<M: Machine>(
    firmware: Firmware<'_, M>,
    device: &Device,
    wish: Wish<'_>,
) -> Result<Plan, Failure> {
    let certificate = check(firmware, device, wish).await?;
    let is_off = power::is_off(device)?;
    if !is_off {
        let (_, service) = firmware.setup_service(&device.state).await?;
        check_allowed(&service, ControlMode::Admin)?;
    }
    let plan = Plan::leading_to(Kind::ActivateAcm, device.state, wanted(&device.state));
    let plan = power::plan(plan, is_off)
        .step(StepName::ReadSetupService, "Read realm and nonce of the device with its local system account")
        .step(StepName::SendChain, send_chain_words(&certificate.certificate))
        .step(StepName::AdminSetup, "Activate admin control mode and set the password of admin")
        .step(StepName::Verify, "Read the control mode until it is admin control mode")
        .warn(LAST_WAY_OUT);
    Ok(certificate.warn(plan))
}

async fn plan_upgrade<M: Machine>(
    firmware: Firmware<'_, M>,
    device: &Device,
    wish: Wish<'_>,
) -> Result<Plan, Failure> {
    if device.state.is_half_provisioned() {
        let sentence = "Client control mode was begun and is not finished.";
        return Err(Failure::new(Reason::HalfProvisioned, sentence));
    }
    let certificate = check(firmware, device, wish).await?;
    let (mut client, _) = firmware.login(&device.state, wish.password).await?;
    check_allowed(&client.read().await?, ControlMode::Admin)?;
    let plan = Plan::leading_to(Kind::ActivateAcm, device.state, wanted(&device.state))
        .step(StepName::Login, "Log in as admin with the given password and read the nonce of the device")
        .step(StepName::SendChain, send_chain_words(&certificate.certificate))
        .step(StepName::Upgrade, "Go from client to admin control mode")
        .step(StepName::Verify, "Read the control mode until it is admin control mode")
        .warn("The upgrade keeps the AMT password, accounts and settings of client control mode.")
        .warn(LAST_WAY_OUT);
    Ok(certificate.warn(plan))
}

/// In admin control mode already.
async fn plan_rest<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    wish: Wish<'_>,
) -> Result<Plan, Failure> {
    let plan = Plan::leading_to(Kind::ActivateAcm, state, wanted(&state));
    if state.is_half_provisioned() {
        return Ok(finishing(plan));
    }
    check_password(firmware, &state, wish.password).await?;
    Ok(match wish.mebx_password {
        None => Plan::nothing(Kind::ActivateAcm, state),
        Some(_) => plan.step(StepName::Login, "Log in as admin with the given password"),
    })
}

fn with_mebx(plan: Plan, wish: Wish<'_>) -> Plan {
    match wish.mebx_password {
        Some(_) => plan
            .step(StepName::SetMebxPassword, "Set the password of the MEBx menu")
            .warn(passwords::MEBX_WARNING),
        None if plan.unchanged => plan,
        None => plan.warn(
            "The password of the MEBx menu stays as it is. If it is still the factory's, anybody at the keyboard can \
             change AMT's settings; if nobody knows it, there is no way into that menu.",
        ),
    }
}

fn send_chain_words(certificate: &ProvisioningCertificate) -> String {
    let (count, name) = (certificate.chain().len(), certificate.name());
    format!("Send the provisioning certificate of `{name}` and its chain, {count} certificates in all")
}

fn wanted(state: &DeviceState) -> String {
    DeviceState { control_mode: ControlMode::Admin, provisioning_state: ProvisioningState::Post, ..*state }
        .to_string()
}

/// Activates, upgrades, or does what is left to do.
pub(in crate::job) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    wish: Wish<'_>,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    if plan.unchanged {
        return match check_password(firmware, &state, wish.password).await {
            Ok(()) => execution::unchanged(state.to_string()),
            Err(failure) => execution.failed_before(failure),
        };
    }
    if state.is_active_in(ControlMode::Admin) {
        return match wish.mebx_password {
            Some(mebx) => passwords::run_mebx(execution, wish.password, mebx).await,
            None => execution::unchanged(state.to_string()),
        };
    }
    let result = if state.is_half_provisioned() {
        super::finish(&mut execution, wish.password).await.map(|()| None)
    } else {
        set_up(&mut execution, plan, wish).await
    };
    let outcome = conclude(&mut execution, plan, ControlMode::Admin, result).await;
    match wish.mebx_password {
        Some(mebx) if outcome.verdict == Verdict::Succeeded => {
            set_mebx(&mut execution, wish.password, mebx, outcome).await
        }
        _ => outcome,
    }
}

/// The last step of an activation that has succeeded so far.
async fn set_mebx<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    password: &Secret,
    mebx: &Secret,
    activated: Outcome,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let setting = async {
        let (client, _) = firmware.login_when_ready(&state, password).await?;
        passwords::set_mebx(client, mebx).await
    };
    let set = match execution.safe_point() {
        Ok(()) => execution.step(StepName::SetMebxPassword, setting).await,
        Err(failure) => Err(failure),
    };
    let Outcome { mut applied, after, .. } = activated;
    match set {
        Ok(()) => {
            applied.push(passwords::MEBX_APPLIED.into());
            execution::succeeded(applied, after)
        }
        Err(failure) => {
            applied.push(passwords::mebx_left(&failure).into());
            execution.failed(failure, applied, after)
        }
    }
}

/// Returns what firmware was after it, if nothing was done since.
async fn set_up<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    plan: &Plan,
    wish: Wish<'_>,
) -> Result<Option<DeviceState>, Failure> {
    let (firmware, state) = (execution.firmware, execution.before);
    let certificate = open(wish).await?;
    let was_off = power::switch_on(execution, plan).await?;
    let is_upgrade = state.control_mode == ControlMode::Client;
    let Session { mut client, realm, nonce } = if is_upgrade {
        execution.step(StepName::Login, as_admin(firmware, state, wish.password)).await?
    } else if was_off {
        let reading = just_switched_on(firmware, state, wish);
        execution.step(StepName::ReadSetupService, reading).await?
    } else {
        execution.step(StepName::ReadSetupService, as_local_account(firmware, state)).await?
    };
    execution.safe_point()?;
    execution.step(StepName::SendChain, send_chain(&mut client, &certificate)).await?;
    let proof = Proof::new(&certificate, &nonce)?;
    if is_upgrade {
        execution.step(StepName::Upgrade, upgrade(firmware, client, &proof)).await?;
    } else {
        let digest = PasswordDigest::new(ADMIN, &realm, wish.password);
        execution.step(StepName::AdminSetup, admin_setup(firmware, client, &digest, &proof)).await?;
    }
    let now = firmware.settled(state.tls_enforced, firmware.policy.verify, |state| {
        state.control_mode == ControlMode::Admin
    });
    let now = now.await?;
    if !now.is_half_provisioned() {
        return Ok(Some(now));
    }
    execution.step(StepName::CommitChanges, commit(firmware, now, wish.password)).await?;
    Ok(None)
}

/// A login, and what a proof needs.
struct Session<'a, M: Machine> {
    client: Client<&'a M>,
    realm: Realm,
    nonce: [u8; 20],
}

async fn as_local_account<'a, M: Machine>(
    firmware: Firmware<'a, M>,
    state: DeviceState,
) -> Result<(Session<'a, M>, String), Failure> {
    let (mut client, service) = firmware.setup_service(&state).await?;
    let settings: GeneralSettings = client.read().await?;
    session(client, &settings, &service)
}

/// As the local account, when all that could not be checked before has been.
async fn just_switched_on<'a, M: Machine>(
    firmware: Firmware<'a, M>,
    state: DeviceState,
    wish: Wish<'_>,
) -> Result<(Session<'a, M>, String), Failure> {
    let (mut client, service) = power::setup_service_when_ready(firmware, &state).await?;
    check(firmware, &firmware.examine().await?, wish).await?;
    let settings: GeneralSettings = client.read().await?;
    session(client, &settings, &service)
}

async fn as_admin<'a, M: Machine>(
    firmware: Firmware<'a, M>,
    state: DeviceState,
    password: &Secret,
) -> Result<(Session<'a, M>, String), Failure> {
    let (mut client, settings) = firmware.login(&state, password).await?;
    let service = client.read().await?;
    session(client, &settings, &service)
}

fn session<'a, M: Machine>(
    client: Client<&'a M>,
    settings: &GeneralSettings,
    service: &HostBasedSetupService,
) -> Result<(Session<'a, M>, String), Failure> {
    check_allowed(service, ControlMode::Admin)?;
    let realm = settings.digest_realm()?;
    let nonce = service.configuration_nonce()?;
    let detail = format!("the realm is {realm}");
    Ok((Session { client, realm, nonce }, detail))
}

/// Leaf first, root last; firmware stops at the first that it does not like.
async fn send_chain<M: Machine>(
    client: &mut Client<&M>,
    certificate: &ProvisioningCertificate,
) -> Result<((), String), Failure> {
    let count = certificate.chain().len();
    for (number, der) in (1..).zip(certificate.chain()) {
        let (is_leaf, is_root) = (number == 1, number == count);
        let sent = HostBasedSetupService::add_next_certificate(client, der, is_leaf, is_root).await;
        sent.map_err(|error| {
            let failure = refused(error, Reason::ChainRefused);
            Failure {
                sentence: format!("{} It was certificate {number} of {count}.", failure.sentence),
                ..failure
            }
        })?;
    }
    Ok(((), format!("{count} certificates sent")))
}

/// The proof that the key of the certificate is here.
struct Proof {
    nonce: [u8; 20],
    signature: Vec<u8>,
}

impl Proof {
    fn new(certificate: &ProvisioningCertificate, firmware_nonce: &[u8]) -> Result<Self, Failure> {
        let mut nonce = [0; 20];
        SystemRandom::new()
            .fill(&mut nonce)
            .map_err(|_| Failure::new(Reason::SigningFailed, "The system gave no random numbers."))?;
        let signature = certificate.sign(firmware_nonce, &nonce)?;
        Ok(Self { nonce, signature })
    }

    fn as_sent(&self) -> HostProof<'_> {
        HostProof { nonce: &self.nonce, signature: &self.signature }
    }
}

async fn admin_setup<M: Machine>(
    firmware: Firmware<'_, M>,
    mut client: Client<&M>,
    digest: &PasswordDigest,
    proof: &Proof,
) -> Result<((), String), Failure> {
    let answer = HostBasedSetupService::admin_setup(&mut client, digest, proof.as_sent()).await;
    drop(client);
    confirmed(firmware, answer, ControlMode::Admin, Reason::AdminSetupRefused).await
}

async fn upgrade<M: Machine>(
    firmware: Firmware<'_, M>,
    mut client: Client<&M>,
    proof: &Proof,
) -> Result<((), String), Failure> {
    let answer = HostBasedSetupService::upgrade_client_to_admin(&mut client, proof.as_sent()).await;
    drop(client);
    confirmed(firmware, answer, ControlMode::Admin, Reason::AdminSetupRefused).await
}

const LAST_WAY_OUT: &str = "Keep the AMT password: without it, admin control mode can only be left in the MEBx menu at \
                            the machine.";
