//! Simulates the whole daemon between its sockets and its device from a seed, on a virtual clock: multiplexer, session,
//! scheduler and the relays of the front, with clients and firmware that behave as badly as real ones can. The same seed
//! gives the same run.
//!
//! The participants, and how each misbehaves:
//!
//! * [`client`]: fast, slow, silent, half-closing and vanishing clients, HTTP and opaque, of several users and classes;
//! * [`firmware`]: slow and stalled; refuses, ignores or belatedly confirms openings; withdraws and announces ports again;
//!   closes channels; sends what belongs to nothing, repeats itself, talks of channels of the last connection, or
//!   nonsense; withholds credit and closes; starts its session over; speaks a version that nobody knows;
//! * [`device`]: as the kernel presents it. EAGAIN, ENODEV and other errors on read and write at any message; messages
//!   without content; EBUSY, ENODEV and others on connect; a last message behind POLLERR; suspension for hours. The
//!   daemon's own [`Recovery`](amtd_mei::Recovery) decides what follows and when to try again.
//!
//! [`invariants`] says what must hold after every step: every deadline lies in the future, nothing sleeps that could move,
//! both sides agree on windows and slots, and no request is overtaken by a less urgent one that came later. The simulated
//! clients and firmware check what they see themselves, byte by byte: bytes in are bytes out or the connection visibly
//! ends, no request comes twice, no channel number is used twice in a connection, and no byte exceeds its window. After
//! some time the faults stop; then everything must end within a bounded number of steps, with every slot free. [`seen`]
//! proves that each kind of trouble happened.
//!
//! `AMTD_SEEDS=1000000 cargo test --release -p amtd simulation` runs that many seeds instead of 2000. A failure names its
//! seed, and `AMTD_SEED=<seed>` runs that one alone and prints what happens.

mod client;
mod device;
mod firmware;
mod invariants;
mod seen;
mod traffic;
mod trouble;
mod world;

use std::{
    num::NonZero,
    panic::{catch_unwind, resume_unwind},
    sync::{Mutex, PoisonError},
    thread,
};

use self::{seen::Seen, world::World};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2000;
/// Seeds that are run twice, to see that a seed replays.
const REPLAYED: u64 = 50;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text:?}")))
}

/// Runs a seed. A violation is a panic that names the seed.
fn run(seed: u64, tell: bool) -> World {
    let result = catch_unwind(|| {
        let mut world = World::new(seed, tell);
        world.run();
        world
    });
    result.unwrap_or_else(|_| panic!("seed {seed} violates an invariant; AMTD_SEED={seed} tells its story"))
}

#[test]
#[expect(clippy::disallowed_macros, reason = "in tests only")]
fn no_seed_loses_a_byte_a_wakeup_or_a_slot() {
    if let Some(seed) = number("AMTD_SEED") {
        run(seed, true);
        return;
    }
    let seeds = number("AMTD_SEEDS").unwrap_or(SEEDS);
    let next = Mutex::new(0..seeds);
    let share = || {
        let mut seen = Seen::default();
        loop {
            let seed = next.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(seed) = seed else { return seen };
            seen.add(&run(seed, false).seen);
        }
    };
    let mut seen = Seen::default();
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let shares: Vec<_> = (0..threads).map(|_| scope.spawn(share)).collect();
        for part in shares {
            seen.add(&part.join().unwrap_or_else(|why| resume_unwind(why)));
        }
    });
    println!("{seeds} seeds: {seen:?}");
    // A simulation in which nothing happens proves nothing.
    seen.assert_everything_happened();
}

#[test]
fn a_seed_replays_exactly() {
    for seed in 0..REPLAYED {
        assert_eq!(run(seed, false).trace(), run(seed, false).trace(), "seed {seed}");
    }
}
