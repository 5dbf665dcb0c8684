//! Returns memory to the system after a crowd of clients has gone.
//!
//! Each client needs a few kilobytes in small pieces. The C library keeps freed pieces for itself unless it is asked to
//! return them. That takes a millisecond, and is done once for each crowd. Owned by the front.

/// How many clients are a crowd: enough that their memory is worth a millisecond.
const MANY: usize = 16;
/// A crowd counts as gone when no more than this fraction (1/8) of it is left.
const REST: usize = 8;

/// Decides when to return memory, by the most clients at once since that was last done.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    most: usize,
}

impl Heap {
    /// Reports how many clients there are now.
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
