//! Power state of the host as firmware sees it, the requests made of it, and the next boot's settings.
//!
//! The simulator has no host: a request is recorded and its end state taken on at once. Written by WSMAN's power and boot
//! classes, read by them and by `presence`.

/// CIM power state "on".
pub const POWER_ON: u32 = 2;

/// Power and boot state.
#[derive(Debug)]
pub struct Power {
    state: u32,
    requests: u64,
    last_request: Option<u32>,
    /// Boot source for the next boot (its `InstanceID`), if one was ordered.
    pub(crate) boot_source: Option<String>,
    /// Role given to the boot configuration by SetBootConfigRole: 1 = for the next boot only.
    pub(crate) boot_role: Option<u32>,
}

impl Default for Power {
    fn default() -> Self {
        Self { state: POWER_ON, requests: 0, last_request: None, boot_source: None, boot_role: None }
    }
}

impl Power {
    /// The states that can be asked for (wsman 15).
    pub const REQUESTABLE: [u32; 11] = [2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14];

    /// Takes a request for a state out of [`Self::REQUESTABLE`].
    pub(crate) fn request(&mut self, requested: u32) {
        self.requests += 1;
        self.last_request = Some(requested);
        self.state = match requested {
            4 | 7 => requested,
            // Graceful off ends where soft off ends.
            6 | 8 | 12 => 8,
            // Cycles, resets and the non-maskable interrupt leave the host running.
            _ => POWER_ON,
        };
        if requested != 11 && self.is_running() {
            self.boot_source = None;
            self.boot_role = None;
        }
    }

    /// CIM power state.
    #[must_use]
    pub fn state(&self) -> u32 {
        self.state
    }

    /// Whether the host runs (S0).
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.state == POWER_ON
    }

    /// How many requests were made, and the last one.
    #[must_use]
    pub fn requests(&self) -> (u64, Option<u32>) {
        (self.requests, self.last_request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycling_the_host_uses_up_the_boot_order_and_sleep_does_not() {
        let mut power = Power { boot_source: Some("pxe".into()), ..Power::default() };
        power.request(4);
        assert!(!power.is_running() && power.boot_source.is_some());
        power.request(10);
        assert!(power.is_running() && power.boot_source.is_none());
        assert_eq!(power.requests(), (2, Some(10)));
    }
}
