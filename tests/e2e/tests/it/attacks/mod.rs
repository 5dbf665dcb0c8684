//! Local users who mean harm, or behave as if they did: what they can take is bounded, others are served beside them, the log
//! says it once, and when they have gone nothing of them is left.
//!
//! Wherever the kernel says who somebody is, the attackers are another user if the tests may be one (they run as root then), and
//! else the same user as the client beside them, which is the harder case.

mod clock;
mod connections;
mod grpc;
mod http2;
mod resources;
mod status;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use amtd_e2e::{Footing, Rig, number};
use nix::unistd::{Uid, getuid, setfsuid};
use serde_json::Value;

/// The user that the attackers are, if the tests may be somebody else: `nobody`.
const STRANGER: u32 = 65_534;

/// Memory that a daemon under attack may take more than before, bytes: for a thousand connections with their buffers.
const MEMORY: u64 = 96 << 20;

/// Words of a line of the log that differ although the trouble is the same.
const VARYING: [&str; 4] = ["pid=", "unlogged=", "from=", "id="];

/// What is known of a daemon before an attack.
struct Siege<'a> {
    rig: &'a Rig,
    footing: Footing,
    resident: u64,
    lines: usize,
    began: Instant,
}

impl<'a> Siege<'a> {
    fn begin(rig: &'a Rig) -> Self {
        // What is allocated once and kept is not the attack's.
        rig.assert_serves();
        let footing = settled(rig);
        let resident = rig.daemon.usage().unwrap().resident;
        let lines = rig.journal().read(|said| said.lines().count());
        Self { rig, footing, resident, lines, began: Instant::now() }
    }

    /// Checks that the daemon holds no more than so many clients, and no more memory than they may cost.
    fn assert_bounded(&self, clients: u64) {
        let status = self.rig.status();
        assert!(number(&status, "/connections/current") <= clients, "{:#}", status["connections"]);
        let resident = self.rig.daemon.usage().unwrap().resident;
        let grown = resident.saturating_sub(self.resident);
        assert!(grown <= MEMORY, "{} MiB more memory", grown >> 20);
    }

    /// Checks that no trouble was logged more than once a minute.
    fn assert_quiet(&self) {
        let minutes = self.began.elapsed().as_secs() / 60;
        for (line, times) in self.said() {
            assert!(times <= 1 + minutes, "logged {times} times in {minutes} minutes: {line}");
        }
    }

    /// How often something with these words was logged.
    fn count(&self, words: &str) -> u64 {
        self.said().iter().filter(|(line, _)| line.contains(words)).map(|(_, times)| times).sum()
    }

    /// What was logged since the beginning, without what differs from time to time, and how often.
    fn said(&self) -> BTreeMap<String, u64> {
        let mut said = BTreeMap::new();
        self.rig.journal().read(|entries| {
            for line in entries.lines().skip(self.lines) {
                let same = |word: &&str| !VARYING.iter().any(|varying| word.starts_with(varying));
                // The first word is the time.
                let line: Vec<_> = line.split_whitespace().skip(1).filter(same).collect();
                *said.entry(line.join(" ")).or_default() += 1;
            }
        });
        said
    }

    /// Waits until nothing of the attack is left, and checks that it was not logged too often.
    fn lifted(self) {
        self.rig.await_rest(self.footing);
        self.rig.assert_serves();
        self.assert_quiet();
    }
}

/// What the daemon stands on when its last clients have left.
fn settled(rig: &Rig) -> Footing {
    rig.await_status("rest", |status| {
        status["connections"]["current"] == 0
            && status["channels"].as_array().is_some_and(Vec::is_empty)
            && status["slots"]["closing"] == 0
    });
    rig.footing()
}

/// An attack that goes on until it is over, and others beside it.
fn beside(attack: impl FnOnce(&Attack) + Send, others: impl FnOnce()) {
    let going_on = Attack(AtomicBool::new(true));
    thread::scope(|scope| {
        let attacker = scope.spawn(|| attack(&going_on));
        let end = End(&going_on);
        others();
        drop(end);
        attacker.join().unwrap();
    });
}

/// Whether an attack goes on.
struct Attack(AtomicBool);

impl Attack {
    fn goes_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Ends the attack also when the others beside it fail, or nobody would ever learn of that.
struct End<'a>(&'a Attack);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.0.store(false, Ordering::Relaxed);
    }
}

/// Does something as another user, if we may. The kernel takes the sockets that it makes for that user's; the tests beside it go
/// on as who they are.
fn as_stranger<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let stranger = scope.spawn(|| {
            if getuid().is_root() {
                setfsuid(Uid::from_raw(STRANGER));
            }
            work()
        });
        stranger.join().unwrap()
    })
}

/// Whether [`as_stranger`] is somebody else.
fn is_stranger() -> bool {
    getuid().is_root()
}

/// A number in the front's counters.
fn front(status: &Value, counter: &str) -> u64 {
    number(status, &format!("/counters/front/{counter}"))
}
