//! The start of a session: version exchange and services (apf 3.1 to 3.3), and its repetition in mid-session.

use amtd_apf::wire::{
    Message, ProtocolVersion, SERVICE_AUTH, SERVICE_PFWD, ServiceName, SystemId, TRIGGER_LME, UserauthMethod,
    UserauthRequest,
};

use super::{Answer, Session};
use crate::faults::{SessionFault, Stage};
use crate::firmware::Firmware;
use crate::stats::Violation;

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The host's version has not come.
    Version,
    /// The port forwarding service is not accepted.
    Service,
    /// Forwards and channels.
    Up,
    /// Firmware is silent and ignores everything, because a script says so.
    Deaf,
    /// Firmware disconnected.
    Over,
    /// The host disconnected.
    OverByHost,
}

impl Phase {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Version => "version",
            Self::Service => "service",
            Self::Up => "up",
            Self::Deaf => "silent",
            Self::Over => "disconnected-by-firmware",
            Self::OverByHost => "disconnected-by-host",
        }
    }
}

/// How this session starts.
#[derive(Debug)]
pub(super) struct Startup {
    version: (u32, u32),
    auth_first: bool,
    silent_from: Option<Stage>,
    /// Whether this is not the first start on the connection: the host may have sent messages of the one before.
    pub(super) restarted: bool,
}

impl Default for Startup {
    fn default() -> Self {
        Self { version: (1, 0), auth_first: false, silent_from: None, restarted: false }
    }
}

impl Session {
    /// Sends firmware's version, without waiting for the host's.
    pub(super) fn start(&mut self, firmware: &mut Firmware) {
        for fault in firmware.faults.session() {
            match fault {
                SessionFault::Silent(stage) => self.startup.silent_from = Some(stage),
                SessionFault::Version(major, minor) => self.startup.version = (major, minor),
                SessionFault::AuthFirst => self.startup.auth_first = true,
            }
        }
        self.phase = Phase::Version;
        if self.falls_silent(Stage::Version) {
            return;
        }
        let (major, minor) = self.startup.version;
        let system_id = SystemId(firmware.device.uuid);
        self.push(Message::ProtocolVersion(ProtocolVersion {
            major,
            minor,
            trigger: TRIGGER_LME,
            system_id,
        }));
        self.expect(Answer::Version, firmware.now);
    }

    /// Starts over without a new connection: forwards and channels are gone, and a second version message says so (apf 3.1).
    pub(super) fn restart(&mut self, firmware: &mut Firmware) {
        self.forget();
        self.ready = false;
        self.startup = Startup { restarted: true, ..Startup::default() };
        self.start(firmware);
    }

    pub(super) fn handle_version(&mut self, firmware: &mut Firmware, version: ProtocolVersion) {
        if self.phase != Phase::Version {
            return firmware.violation(Violation::SecondVersion, "");
        }
        self.arrived(&Answer::Version);
        if (version.major, version.minor) != (1, 0) {
            firmware.violation(Violation::BadVersion, format!("{}.{}", version.major, version.minor));
        }
        self.phase = Phase::Service;
        if !self.falls_silent(Stage::Service) {
            self.request_service(firmware, if self.startup.auth_first { SERVICE_AUTH } else { SERVICE_PFWD });
        }
    }

    pub(super) fn handle_service_accept(&mut self, firmware: &mut Firmware, service: ServiceName<'_>) {
        if self.arrived(&Answer::Service(SERVICE_PFWD)) {
            check_service(firmware, service, SERVICE_PFWD);
            self.phase = Phase::Up;
            if !self.falls_silent(Stage::Forwards) {
                self.request_forwards(firmware);
            }
        } else if self.arrived(&Answer::Service(SERVICE_AUTH)) {
            check_service(firmware, service, SERVICE_AUTH);
            self.request_userauth(firmware);
        } else {
            firmware.violation(Violation::UnexpectedReply, "SERVICE_ACCEPT");
        }
    }

    /// Firmware goes on after a failed authentication too; whether real firmware does is not known.
    pub(super) fn handle_userauth(&mut self, firmware: &mut Firmware) {
        if self.arrived(&Answer::Userauth) {
            self.request_service(firmware, SERVICE_PFWD);
        } else {
            firmware.violation(Violation::UnexpectedReply, "USERAUTH");
        }
    }

    fn request_service(&mut self, firmware: &Firmware, name: &'static [u8]) {
        self.push(Message::ServiceRequest(ServiceName { name }));
        self.expect(Answer::Service(name), firmware.now);
    }

    fn request_userauth(&mut self, firmware: &Firmware) {
        let request = UserauthRequest { user: b"", service: SERVICE_PFWD, method: UserauthMethod::None };
        self.push(Message::UserauthRequest(request));
        self.expect(Answer::Userauth, firmware.now);
    }

    fn falls_silent(&mut self, stage: Stage) -> bool {
        let silent = self.startup.silent_from == Some(stage);
        if silent {
            self.phase = Phase::Deaf;
        }
        silent
    }
}

fn check_service(firmware: &mut Firmware, service: ServiceName<'_>, wanted: &[u8]) {
    if service.name != wanted {
        firmware.violation(Violation::WrongService, service.name.escape_ascii().to_string());
    }
}
