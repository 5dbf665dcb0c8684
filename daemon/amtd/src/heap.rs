//! Memory that a crowd of clients needed goes back to the system when the crowd has gone.
//!
//! Each client costs a few kilobytes in small pieces, which the C library keeps for the next crowd unless it is asked not to.
//! That costs a millisecond, and is done once for each crowd. Owned by the front.

/// How many are a crowd: enough that what they leave is worth a millisecond.
const MANY: usize = 16;
/// The part of a crowd that may stay when it is taken to have gone.
const REST: usize = 8;

/// Knows when it is larger than it need be, by the most clients at once since memory was last given back.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    most: usize,
}

impl Heap {
    /// So many are there now.
    pub(crate) fn serves(&mut self, clients: usize) {
        if self.crowd_has_gone(clients) {
            give_back();
        }
    }

    fn crowd_has_gone(&mut self, clients: usize) -> bool {
        self.most = self.most.max(clients);
        let gone = self.most >= MANY && clients <= self.most / REST;
        if gone {
            self.most = clients;
        }
        gone
    }
}

#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "a function of the C library")]
fn give_back() {
    // SAFETY: takes a number and may be called at any time from any thread (malloc_trim(3)).
    let released = unsafe { nix::libc::malloc_trim(0) } == 1;
    tracing::debug!(released, "a crowd of clients has gone");
}

/// Other C libraries keep little.
#[cfg(not(target_env = "gnu"))]
fn give_back() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_given_back_once_for_each_crowd() {
        let mut heap = Heap::default();
        let mut gone = |clients| heap.crowd_has_gone(clients);
        assert!(!gone(MANY - 1) && !gone(0) && !gone(1), "these were few");
        assert!(!gone(1000) && !gone(126));
        assert!(gone(125));
        assert!(gone(15), "the rest of a crowd may be one");
        assert!(!gone(0) && !gone(MANY - 1));
        assert!(!gone(MANY));
        assert!(gone(2));
    }
}
