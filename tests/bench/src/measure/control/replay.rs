//! What a job asks of firmware, without the job: the same AMTHI commands and WSMAN requests in the same order, made on the
//! virtual device by this program, and nothing else. Logins have nonces, so that nothing recorded could be sent again; each
//! request is made anew.
//!
//! The lists are those of the daemon's flows (activation 3, 7), with as many connections as they have: commands that belong
//! together share one, and a first request without a login is refused and its connection closed. What a flow only waits for is
//! not in them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use amtd_harness::http::{Connection, Credentials, Login, Response};
use amtd_harness::{PATIENCE, Sim, sim, wsman as soap};
use anyhow::{Context, Result, bail, ensure};
use md5::{Digest, Md5};
use serde_json::json;

use super::Firmware;
use crate::direct::DirectChannel;
use crate::lab::pause;
use crate::link::{Guid, Link, ask};
use crate::wsman;

/// The AMT host interface, and the client that knows what local ports enforce (mei 7).
const AMTHI: Guid =
    [0x28, 0x00, 0xf8, 0x12, 0xb7, 0xb4, 0x2d, 0x4b, 0xac, 0xa8, 0x46, 0xe0, 0xff, 0x65, 0x81, 0x4c];
const MHC: Guid =
    [0x6f, 0x9a, 0xb7, 0x05, 0x28, 0x46, 0x7f, 0x4d, 0x89, 0x9d, 0xa9, 0x15, 0x14, 0xcb, 0x32, 0xab];
/// "Is a change to AMT enabled?" (amthi 4).
const IS_CHANGE_ENABLED: [u8; 4] = [0x05, 0x02, 0x51, 0x10];
/// Operations of AMTHI (amthi 3).
const UNPROVISION: u32 = 0x10;
const PROVISIONING_STATE: u32 = 0x11;
const CODE_VERSIONS: u32 = 0x1A;
const LOCAL_ACCOUNT: u32 = 0x67;
const CONTROL_MODE: u32 = 0x6B;
/// Bytes of a command before its payload, and of an answer; class of all commands; spaces in the answer to LOCAL_ACCOUNT.
const REQUEST_HEADER: usize = 12;
const ANSWER_HEADER: usize = 16;
const CLASS: u32 = 0x0400_0000;
const FIELD: usize = 33;
/// How often the simulator is asked whether it has left its mode.
const LOOK: Duration = Duration::from_millis(1);

/// A device that this program alone holds. The session goes before the simulator.
pub(super) struct Replay {
    link: Link,
    device: PathBuf,
    sim: Sim,
}

/// A login on a connection.
struct Session<'a> {
    connection: Connection<DirectChannel<'a>>,
    login: Login,
}

impl Replay {
    pub(super) fn start(firmware: Firmware) -> Result<Self> {
        let sim = Sim::start_with(firmware.options())?;
        let device = sim.device();
        Ok(Self { link: Link::open(&device)?, device, sim })
    }

    pub(super) fn sim(&self) -> &Sim {
        &self.sim
    }

    /// What the job `activate-ccm` asks.
    pub(super) fn activate(&mut self) -> Result<()> {
        // To plan.
        self.examine()?;
        let account = self.local_account()?;
        self.log_in(account, &soap::get(wsman::SETUP_SERVICE))?;
        // To begin, and to do it.
        self.state()?;
        let account = self.local_account()?;
        let (mut session, settings) = self.log_in(account, &soap::get("AMT_GeneralSettings"))?;
        let realm = soap::element(&settings.text(), "DigestRealm").context("no realm")?;
        let answer = session.exchange(&wsman::setup(&password_digest(&realm)))?;
        let returned = soap::element(&answer.text(), "ReturnValue");
        ensure!(returned.as_deref() == Some("0"), "Setup: ReturnValue {returned:?}");
        drop(session);
        // What came of it, by which is judged whether a commit is needed, and the end.
        self.expect(1)
    }

    /// What the job `deactivate` asks.
    pub(super) fn deactivate(&mut self) -> Result<()> {
        self.examine()?;
        self.state()?;
        self.amthi([(UNPROVISION, &0_u32.to_le_bytes())])?;
        self.await_left()?;
        self.expect(0)
    }

    /// What the device is, as plans are made for.
    fn examine(&self) -> Result<()> {
        self.amthi([(CONTROL_MODE, &[]), (PROVISIONING_STATE, &[]), (CODE_VERSIONS, &[])])?;
        ask(&self.device, MHC, &[&IS_CHANGE_ENABLED]).map(drop)
    }

    /// Control mode; the provisioning state is asked for and passed over.
    fn state(&self) -> Result<u32> {
        let [mode, _] = self.amthi([(CONTROL_MODE, &[]), (PROVISIONING_STATE, &[])])?;
        let mode = mode.first_chunk().context("no control mode")?;
        Ok(u32::from_le_bytes(*mode))
    }

    fn expect(&self, wanted: u32) -> Result<()> {
        let mode = self.state()?;
        ensure!(mode == wanted, "control mode {mode} instead of {wanted}");
        Ok(())
    }

    /// Waits until firmware has left its mode, as the simulator knows and no command asks.
    fn await_left(&self) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while self.sim.control(&json!({ "do": "state" }))?["control_mode"] != 0 {
            ensure!(Instant::now() < end, "firmware does not leave its control mode");
            pause(LOOK);
        }
        Ok(())
    }

    /// The account by which local programs log in before there is an administrator (amthi 3.12).
    fn local_account(&self) -> Result<Credentials> {
        let [answer] = self.amthi([(LOCAL_ACCOUNT, &[0; 40])])?;
        let field = |from: usize| {
            let field = answer.get(from..from + FIELD).context("no local account")?;
            let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
            anyhow::Ok(String::from_utf8(text.to_vec())?)
        };
        Ok(Credentials { user: field(0)?, password: field(FIELD)? })
    }

    /// Commands on a connection of their own; the payloads of their answers.
    fn amthi<const N: usize>(&self, commands: [(u32, &[u8]); N]) -> Result<[Vec<u8>; N]> {
        let messages = commands.map(|(operation, payload)| command(operation, payload));
        let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        let answers = ask(&self.device, AMTHI, &messages)?;
        let payloads = commands.iter().zip(answers).map(|((operation, _), answer)| {
            match answer.split_at_checked(ANSWER_HEADER) {
                Some(([.., 0, 0, 0, 0], payload)) => Ok(payload.to_vec()),
                _ => bail!("AMTHI {operation:#x} is answered with {answer:02x?}"),
            }
        });
        let payloads: Vec<Vec<u8>> = payloads.collect::<Result<_>>()?;
        payloads.try_into().ok().context("as many answers as commands")
    }

    /// The first request of a session: refused with a challenge, then answered on another connection.
    fn log_in(&mut self, account: Credentials, envelope: &str) -> Result<(Session<'_>, Response)> {
        let mut login = Login::new(account);
        let refused =
            Connection::over(DirectChannel::open(&mut self.link)?).exchange(&soap::post(envelope, &[]))?;
        login.challenged(refused.head())?;
        let connection = Connection::over(DirectChannel::open(&mut self.link)?);
        let mut session = Session { connection, login };
        let answer = session.exchange(envelope)?;
        Ok((session, answer))
    }
}

impl Session<'_> {
    fn exchange(&mut self, envelope: &str) -> Result<Response> {
        let authorization = self.login.authorize(soap::PATH)?.unwrap_or_default();
        let answer = self.connection.exchange(&soap::post(envelope, &[&authorization]))?;
        ensure!(answer.status() == 200, "answer {}", answer.status());
        Ok(answer)
    }
}

/// One message to AMTHI.
fn command(operation: u32, payload: &[u8]) -> Vec<u8> {
    // A payload has some dozens of bytes.
    let length = u32::try_from(payload.len()).unwrap_or_default();
    let mut command = Vec::with_capacity(REQUEST_HEADER + payload.len());
    command.extend([1, 1, 0, 0]);
    command.extend((CLASS | operation).to_le_bytes());
    command.extend(length.to_le_bytes());
    command.extend_from_slice(payload);
    command
}

/// Firmware keeps no password but this (activation 2).
fn password_digest(realm: &str) -> String {
    let digest = Md5::digest(format!("{}:{realm}:{}", sim::USER, sim::PASSWORD));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_activated_with_the_password_that_logs_in_and_deactivated_again() {
        let mut replay = Replay::start(Firmware::Instant).unwrap();
        for _ in 0..3 {
            replay.activate().unwrap();
            let account = Credentials { user: sim::USER.to_owned(), password: sim::PASSWORD.to_owned() };
            replay.log_in(account, &soap::get("AMT_GeneralSettings")).unwrap();
            replay.deactivate().unwrap();
        }
        let violations = replay.sim.control(&json!({ "do": "violations" })).unwrap();
        let kinds = violations["by_kind"].as_object().unwrap();
        // What firmware asks in passing is answered with the next exchange, which may be late on a loaded machine.
        assert!(kinds.keys().all(|kind| kind == "missing-reply"), "{violations:#}");
    }
}
