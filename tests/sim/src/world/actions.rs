//! Carries out the steps of scripts and answers questions about the state.

use std::time::Duration;

use serde_json::{Value, json};

use super::World;
use crate::apf::SessionError;
use crate::config::Settling;
use crate::device::presence::Watchdog;
use crate::engine::Engine;
use crate::faults::{Action, Hold, MethodFault, MethodFaults, Step};
use crate::mei::{ClientKind, Connection};
use crate::stats::Stats;

/// Why a step could not be carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum ActionError {
    #[error("there is no port forwarding session to do this to; add \"when\":\"ready\" to wait for one")]
    NoSession,
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("the counters cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// The reply to a request: the answer, marked `"ok": true`, or an error.
pub(super) fn as_json(outcome: Result<Value, ActionError>) -> Value {
    match outcome {
        Ok(Value::Object(mut answer)) => {
            answer.insert("ok".to_owned(), Value::Bool(true));
            Value::Object(answer)
        }
        Ok(other) => json!({ "ok": true, "answer": other }),
        Err(error) => json!({ "ok": false, "error": error.to_string() }),
    }
}

impl World {
    /// Carries a step out, or keeps it until it is due.
    pub(super) fn take_step(&mut self, step: Step) -> Result<Value, ActionError> {
        match self.firmware.schedule.add(step, self.firmware.now) {
            Some(action) => self.apply(action),
            None => Ok(json!({ "scheduled": true })),
        }
    }

    pub(super) fn apply(&mut self, action: Action) -> Result<Value, ActionError> {
        let action = match self.apply_to_device(action) {
            Ok(()) => return Ok(json!({})),
            Err(action) => action,
        };
        match action {
            Action::Quit => self.quit = true,
            Action::Stats => return Ok(serde_json::to_value(&self.firmware.stats)?),
            Action::ResetStats => self.firmware.stats = Stats::default(),
            Action::Violations => return Ok(self.violations()),
            Action::State => return Ok(self.state()),
            action if action.needs_session() => self.act_on_session(action)?,
            action => {
                if action == Action::Clear {
                    self.firmware.schedule.clear();
                    self.firmware.device.method_faults = MethodFaults::default();
                    self.firmware.device.block_unprovisioning(None);
                }
                // Every action that is left arms something.
                let _ = self.firmware.faults.arm(action, self.firmware.now);
            }
        }
        Ok(json!({}))
    }

    /// What happens to the device as a whole. Returns other actions.
    fn apply_to_device(&mut self, action: Action) -> Result<(), Action> {
        match action {
            Action::LinkReset => self.drop_connections(|_| true),
            Action::DisconnectClient { client } => self.drop_connections(|kind| kind == client),
            Action::Suspend { ms } => {
                self.firmware.faults.take_down(Hold::start(self.firmware.now, ms));
                self.drop_connections(|_| true);
            }
            Action::Linger { ms } => self.firmware.config.mei.linger = Duration::from_millis(ms),
            Action::LinkRate { bytes_per_second } => self.firmware.link.rate = bytes_per_second,
            Action::Settle { ms, reset } => {
                self.firmware.config.settling = Settling { time: Duration::from_millis(ms), reset };
            }
            Action::FirmwareReset { ms } => self.reset_firmware(ms),
            Action::ForgetRequests => self.firmware.engine.forget(),
            other => return self.apply_to_provisioning(other),
        }
        Ok(())
    }

    /// What happens to the device's state and its methods. Returns other actions.
    fn apply_to_provisioning(&mut self, action: Action) -> Result<(), Action> {
        let device = &mut self.firmware.device;
        let faults = &mut device.method_faults;
        match action {
            Action::MethodReturns { method, value, executed: false, count } => {
                faults.arm(method, MethodFault::Returns(value), count);
            }
            Action::MethodReturns { method, value, executed: true, count } => {
                faults.arm(method, MethodFault::ReturnsAfterwards(value), count);
            }
            Action::LoseAnswers { method, count } => faults.arm(method, MethodFault::AnswerLost, count),
            Action::RefuseLogins { count } => faults.arm_logins(count),
            Action::BlockUnprovision { component } => device.block_unprovisioning(Some(component)),
            Action::AllowUnprovision => device.block_unprovisioning(None),
            Action::NewLocalPassword => device.renew_local_password(),
            other => return Err(other),
        }
        Ok(())
    }

    /// Firmware restarts: requests that wait or run are lost, connections close, what was in memory is gone.
    fn reset_firmware(&mut self, ms: u64) {
        let firmware = &mut self.firmware;
        firmware.engine = Engine::new(firmware.config.engine, firmware.config.profile);
        firmware.device.restart(firmware.now);
        if ms > 0 {
            firmware.faults.take_down(Hold::start(firmware.now, Some(ms)));
        }
        self.drop_connections(|_| true);
    }

    /// Keeps what has changed, before anything is sent that depends on it.
    pub(super) fn settle(&mut self) {
        if self.firmware.settle() {
            self.drop_connections(|kind| matches!(kind, ClientKind::Lme | ClientKind::Amthi));
        }
    }

    fn act_on_session(&mut self, action: Action) -> Result<(), ActionError> {
        let (connections, firmware) = (&mut self.connections, &mut self.firmware);
        let session = connections.iter_mut().find_map(Connection::session).ok_or(ActionError::NoSession)?;
        Ok(session.act(firmware, action)?)
    }

    /// Firmware drops connections: the hosts can read what was sent and nothing more. Their clients are free at once.
    fn drop_connections(&mut self, which: impl Fn(ClientKind) -> bool) {
        let firmware = &mut self.firmware;
        self.connections.retain(|connection| {
            let Some(kind) = connection.kind() else { return true };
            let dropped = which(kind);
            if dropped {
                firmware.occupancy.leave(kind, firmware.now);
            }
            !dropped
        });
    }

    fn violations(&self) -> Value {
        let stats = &self.firmware.stats;
        json!({
            "total": stats.violations_total,
            "by_kind": stats.violations,
            "first": stats.violation_texts(),
        })
    }

    /// The agent-presence watchdogs, with every deadline applied that has passed.
    fn watchdogs(&mut self) -> Vec<Value> {
        self.firmware.device.tick(self.firmware.now);
        let facts = |watchdog: &Watchdog| {
            json!({
                "state": watchdog.state() as u32,
                "heartbeats": watchdog.heartbeats(),
                "rejected": watchdog.rejected(),
                "expirations": watchdog.expirations(),
            })
        };
        self.firmware.device.presence.watchdogs().iter().map(facts).collect()
    }

    /// Provisioning, without any secret.
    fn provisioning(&self) -> Value {
        let device = &self.firmware.device;
        let accounts = device.accounts();
        json!({
            "state": device.provisioning_state() as u32,
            "enabled": device.is_enabled(),
            "chain_status": device.chain_status() as u32,
            "allowed_control_modes": device.allowed_control_modes(),
            "admin": accounts.admin().map(|admin| admin.name.as_str()),
            "users": accounts.users().len(),
            "mebx_password": device.has_mebx_password(),
            "blocked_by": device.blocking_component(),
            "changes": device.state_changes(),
        })
    }

    fn state(&mut self) -> Value {
        let connections: Vec<_> = self
            .connections
            .iter_mut()
            .map(|connection| {
                json!({
                    "id": connection.id.0,
                    "client": connection.kind().map(ClientKind::name),
                    "fifo": connection.fifo_length(),
                    "session": connection.session().map(|session| session.snapshot()),
                })
            })
            .collect();
        let (engine, device) = (&self.firmware.engine, &self.firmware.device);
        json!({
            "connections": connections,
            "engine": {
                "busy": engine.is_busy(),
                "waiting": engine.queue_length(),
                "stalled": self.firmware.faults.engine.is_on(self.firmware.now),
            },
            "control_mode": self.firmware.device.control_mode() as u32,
            "provisioning": self.provisioning(),
            "consent_code": device.features.consent.at(device.unix_time(self.firmware.now)).code(),
            "watchdogs": self.watchdogs(),
        })
    }
}
