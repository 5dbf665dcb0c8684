//! How methods of the web services go wrong, and logins.
//!
//! Part of the device rather than of [`super::Faults`], because the web server has nothing else. Armed by `world`, used up by
//! `web::operations` and `web`.

use super::Armed;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MethodFault {
    /// It returns this value and does nothing.
    Returns(u32),
    /// It is carried out and then returns this value.
    ReturnsAfterwards(u32),
    /// It is carried out and the connection closes without an answer, as when the web server restarts.
    AnswerLost,
}

/// What is armed, by the method's name.
#[derive(Debug, Default)]
pub(crate) struct MethodFaults {
    calls: Armed<(String, MethodFault)>,
    logins: Armed<()>,
}

impl MethodFaults {
    pub(crate) fn arm(&mut self, method: String, fault: MethodFault, count: u32) {
        self.calls.arm((method, fault), count);
    }

    /// Has the next logins fail, right or wrong, as they do for a while after activation (wsman 2).
    pub(crate) fn arm_logins(&mut self, count: u32) {
        self.logins.arm((), count);
    }

    /// The fault of a call of `method`.
    pub(crate) fn call(&mut self, method: &str) -> Option<MethodFault> {
        self.calls.take(|(name, _)| name == method).map(|(_, fault)| fault)
    }

    /// Whether a login is refused although it is right.
    pub(crate) fn refuses_login(&mut self) -> bool {
        self.logins.take(|()| true).is_some()
    }
}
