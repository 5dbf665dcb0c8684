//! Flow-control windows (`apf 4.5`). All window arithmetic of the crate is here; nothing in it can wrap or go
//! below zero.

/// What the remote side still allows the local side to send, and what it was sent without having shown that it took
/// it, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SendWindow {
    open: u32,
    handed: u32,
    /// The most that was ever open.
    widest: u32,
}

impl SendWindow {
    pub(crate) fn new(bytes: u32) -> Self {
        Self { open: bytes, handed: 0, widest: bytes }
    }

    pub(crate) fn available(self) -> u32 {
        self.open
    }

    /// Bytes that were sent and neither credited nor answered.
    pub(crate) fn handed(self) -> usize {
        widen(self.handed)
    }

    /// Whether the remote side has so much that it can be expected to send credit: three quarters of all that it allows
    /// now. Some peers credit half a window at a time, others a little later.
    pub(crate) fn is_well_fed(self) -> bool {
        let allowed = self.open.saturating_add(self.handed);
        self.handed >= allowed.saturating_sub(allowed / 4)
    }

    /// Whether less than half of the widest window is open. A message that is cut to fit comes back as credit of the same
    /// size, so a stream that is once in small pieces would stay in small pieces (RFC 1122, 4.2.3.4).
    pub(crate) fn is_narrow(self) -> bool {
        self.open < self.widest.div_ceil(2)
    }

    /// Takes up to `wanted` bytes out of the window; returns how many.
    pub(crate) fn take(&mut self, wanted: usize) -> usize {
        let granted = saturate(wanted).min(self.open);
        self.open = self.open.saturating_sub(granted);
        self.handed = self.handed.saturating_add(granted);
        widen(granted)
    }

    /// Adds bytes; returns whether the sum fits. If not, the window is as large as it can be (`apf 10` row 47).
    pub(crate) fn grow(&mut self, bytes: u32) -> bool {
        self.handed = self.handed.saturating_sub(bytes);
        let sum = self.open.checked_add(bytes);
        self.open = sum.unwrap_or(u32::MAX);
        self.widest = self.widest.max(self.open);
        sum.is_some()
    }

    /// The remote side answered: it has taken what it was handed, whether it credits it or not.
    pub(crate) fn answered(&mut self) {
        self.handed = 0;
    }
}

/// What the local side allows the remote side to send, and where those bytes are now.
///
/// Every byte of the announced size is in one of three places, so `open + held + due == size` at all times:
///
/// ```text
///             receive              deliver              take_credit
///   open  ------------->  held  ------------->  due  ----------------> open
///   remote may send it    the owner has it      delivered, not credited
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReceiveWindow {
    size: u32,
    open: u32,
    held: u32,
    due: u32,
}

/// The remote side sent more than it was allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Excess;

impl ReceiveWindow {
    pub(crate) fn new(size: u32) -> Self {
        Self { size, open: size, held: 0, due: 0 }
    }

    /// Books bytes that arrived; on [`Excess`] nothing is booked.
    pub(crate) fn receive(&mut self, bytes: usize) -> Result<(), Excess> {
        let bytes = saturate(bytes);
        self.open = self.open.checked_sub(bytes).ok_or(Excess)?;
        self.held = self.held.saturating_add(bytes);
        Ok(())
    }

    /// Books bytes that their destination took, at most those that are held.
    pub(crate) fn deliver(&mut self, bytes: usize) {
        let bytes = saturate(bytes).min(self.held);
        self.held = self.held.saturating_sub(bytes);
        self.due = self.due.saturating_add(bytes);
    }

    /// Makes the window larger; the difference is due at once. What is held counts as delivered.
    pub(crate) fn widen_to(&mut self, size: u32) {
        self.deliver(usize::MAX);
        let growth = size.saturating_sub(self.size);
        self.size = self.size.saturating_add(growth);
        self.due = self.due.saturating_add(growth);
    }

    /// Whether an adjust is worth sending: half a window is due, or nothing is held that could add to it
    /// (`apf 4.5` rule 4).
    pub(crate) fn credit_is_due(self) -> bool {
        self.due > 0 && (self.held == 0 || self.credit_presses())
    }

    /// Whether half a window is due. The remote side may be about to stop for want of it.
    pub(crate) fn credit_presses(self) -> bool {
        self.due >= self.size.div_ceil(2)
    }

    /// Opens the window by what is due, and returns how much that is.
    pub(crate) fn take_credit(&mut self) -> u32 {
        let credit = std::mem::take(&mut self.due);
        self.open = self.open.saturating_add(credit);
        credit
    }

    /// What the remote side may send now, in bytes.
    pub(crate) fn available(self) -> u32 {
        self.open
    }
}

fn saturate(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn widen(bytes: u32) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn send_window_saturates_instead_of_wrapping() {
        let mut window = SendWindow::new(u32::MAX - 1);
        assert!(window.grow(1));
        assert!(!window.grow(1));
        assert_eq!(window.available(), u32::MAX);
    }

    #[test]
    fn send_window_never_gives_more_than_it_has() {
        let mut window = SendWindow::new(10);
        assert_eq!(window.take(7), 7);
        assert_eq!(window.take(7), 3);
        assert_eq!(window.take(usize::MAX), 0);
    }

    #[test]
    fn window_is_narrow_below_half_of_what_it_has_been() {
        let mut window = SendWindow::new(0);
        assert!(!window.is_narrow(), "a window that was never open is as wide as it gets");
        window.grow(5);
        window.take(2);
        assert!(!window.is_narrow());
        window.take(1);
        assert!(window.is_narrow());
        window.grow(96);
        window.take(50);
        assert!(window.is_narrow(), "half of 98 is 49");
        window.grow(1);
        assert!(!window.is_narrow());
    }

    #[test]
    fn what_was_handed_over_is_settled_by_credit_or_by_an_answer() {
        let mut window = SendWindow::new(100);
        window.take(74);
        assert!(!window.is_well_fed());
        window.take(1);
        assert!(window.is_well_fed());
        window.grow(20);
        assert_eq!(window.handed(), 55);
        window.answered();
        assert_eq!((window.handed(), window.available()), (0, 45));
        window.grow(1000);
        assert_eq!(window.handed(), 0, "never below zero");
    }

    #[test]
    fn excess_leaves_the_books_unchanged() {
        let mut window = ReceiveWindow::new(100);
        let before = window;
        assert_eq!(window.receive(101), Err(Excess));
        assert_eq!(window, before);
    }

    #[test]
    fn credit_waits_for_half_a_window_while_the_owner_holds_bytes() {
        let mut window = ReceiveWindow::new(100);
        window.receive(80).unwrap();
        window.deliver(49);
        assert!(!window.credit_is_due());
        window.deliver(1);
        assert!(window.credit_is_due());
        assert_eq!(window.take_credit(), 50);
        assert!(!window.credit_is_due());
    }

    #[test]
    fn credit_is_due_at_once_when_nothing_is_held_back() {
        let mut window = ReceiveWindow::new(100);
        assert!(!window.credit_is_due());
        window.receive(1).unwrap();
        window.deliver(1);
        assert!(window.credit_is_due());
    }

    #[test]
    fn widened_window_keeps_its_books() {
        let mut window = ReceiveWindow::new(100);
        window.receive(60).unwrap();
        window.widen_to(1000);
        assert!(window.credit_is_due());
        assert_eq!((window.take_credit(), window.available()), (960, 1000));
        window.widen_to(10);
        assert_eq!((window.take_credit(), window.available()), (0, 1000), "never smaller");
    }

    proptest! {
        #[test]
        fn receive_window_conserves_its_size(
            size in 1u32..10_000,
            steps in prop::collection::vec((0u8..3, 0usize..5_000), 0..200),
        ) {
            let mut window = ReceiveWindow::new(size);
            for (step, bytes) in steps {
                match step {
                    0 => {
                        let fits = bytes <= window.open as usize;
                        prop_assert_eq!(window.receive(bytes).is_ok(), fits);
                    }
                    1 => window.deliver(bytes),
                    _ => { window.take_credit(); }
                }
                prop_assert_eq!(window.open + window.held + window.due, size);
            }
        }
    }
}
