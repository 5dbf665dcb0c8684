//! From an action of a script to armed state.

use std::time::{Duration, Instant};

use super::{
    Action, AmthiFault, ConnectFault, Faults, Hold, ManageabilityFault, OpenFault, ResponseFault,
    SessionFault,
};

impl Faults {
    /// Arms what `action` asks for. Returns the action if it is not one that arms something.
    pub(crate) fn arm(&mut self, action: Action, now: Instant) -> Result<(), Action> {
        let action = match self.arm_device(action, now) {
            Ok(()) => return Ok(()),
            Err(action) => action,
        };
        match action {
            Action::SilentSession { stage, count } => self.sessions.arm(SessionFault::Silent(stage), count),
            Action::SessionVersion { major, minor, count } => {
                self.sessions.arm(SessionFault::Version(major, minor), count);
            }
            Action::AuthFirst { count } => self.sessions.arm(SessionFault::AuthFirst, count),
            Action::CloseMidResponse { bytes, count } => {
                self.responses.arm(ResponseFault::CloseAfter(bytes), count);
            }
            Action::DataAfterClose { bytes, count } => {
                self.responses.arm(ResponseFault::DataAfterClose(bytes), count);
            }
            Action::DataBeyondWindow { bytes, count } => {
                self.responses.arm(ResponseFault::BeyondWindow(bytes), count);
            }
            Action::EmptyData { count } => self.responses.arm(ResponseFault::EmptyData, count),
            Action::IgnoreCloses { count } => self.ignore_closes.arm((), count),
            Action::FlawedIdentities { flaw, count } => self.identities.arm(flaw, count),
            Action::StallHandshakes { count } => self.stalled_handshakes.arm((), count),
            Action::AbruptTlsEnds { count } => self.abrupt_ends.arm((), count),
            Action::GarbageRecords { bytes, count } => self.garbage_records.arm(bytes, count),
            Action::AmthiEmpty { count } => self.amthi.arm(AmthiFault::Empty, count),
            Action::AmthiSilent { count } => self.amthi.arm(AmthiFault::Silent, count),
            Action::AmthiLoseAnswers { count } => self.amthi.arm(AmthiFault::AnswerLost, count),
            Action::AmthiStatus { command, status, count } => {
                self.amthi.arm(AmthiFault::Status(command, status), count);
            }
            Action::ManageabilitySilent { count } => {
                self.manageability.arm(ManageabilityFault::Silent, count);
            }
            Action::ManageabilityLoseAnswers { count } => {
                self.manageability.arm(ManageabilityFault::AnswerLost, count);
            }
            Action::StallEngine { ms } => self.engine = Hold::start(now, ms),
            Action::ReleaseEngine => self.engine = Hold::Off,
            Action::Clear => self.clear(),
            other => return self.arm_open(other),
        }
        Ok(())
    }

    /// Arms faults of the device node.
    fn arm_device(&mut self, action: Action, now: Instant) -> Result<(), Action> {
        match action {
            Action::RefuseConnects { client, errno, count } => {
                self.connects.arm((client, ConnectFault::Status(errno)), count);
            }
            Action::SilentConnects { client, count } => {
                self.connects.arm((client, ConnectFault::Silent), count);
            }
            Action::GarbageConnects { client, hex, count } => {
                self.connects.arm((client, ConnectFault::Garbage(hex.0)), count);
            }
            Action::ClientMissing { client, ms } => self.missing.push((client, Hold::start(now, ms))),
            Action::ClientPresent { client } => self.missing.retain(|(missing, _)| *missing != client),
            Action::Resume => self.down = Hold::Off,
            Action::StopReading { ms } => self.reading = Hold::start(now, ms),
            Action::ResumeReading => self.reading = Hold::Off,
            Action::StopWriting { ms } => self.writing = Hold::start(now, ms),
            Action::ResumeWriting => self.writing = Hold::Off,
            other => return Err(other),
        }
        Ok(())
    }

    /// Arms faults of channel opens.
    fn arm_open(&mut self, action: Action) -> Result<(), Action> {
        let (fault, count) = match action {
            Action::SilentOpens { count } => (OpenFault::Silent, count),
            Action::RefuseOpens { reason, count } => (OpenFault::Refuse(reason), count),
            Action::DelayOpens { ms, count } => (OpenFault::Delay(Duration::from_millis(ms)), count),
            Action::ConfirmTwice { other_id, count } => (OpenFault::ConfirmTwice { other_id }, count),
            Action::ConfirmAfterFailure { count } => (OpenFault::ConfirmAfterFailure, count),
            Action::ConfirmWithUsedId { count } => (OpenFault::ConfirmWithUsedId, count),
            Action::ZeroWindow { adjust, count } => (OpenFault::ZeroWindow(adjust), count),
            Action::HugeWindow { count } => (OpenFault::HugeWindow, count),
            other => return Err(other),
        };
        self.opens.arm(fault, count);
        Ok(())
    }
}
