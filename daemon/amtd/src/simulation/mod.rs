//! The whole daemon between its sockets and its device, simulated from a seed: multiplexer, session, scheduler and the
//! relays of the front, between clients and firmware that do what clients and firmware do at their worst, on a virtual
//! clock. The same seed gives the same run.
//!
//! What must hold is checked after every step, in [`world`]; what firmware and clients see is checked by themselves,
//! byte by byte, in [`firmware`] and [`client`]. After some time the faults stop, and then everything must come to an
//! end.
//!
//! `AMTD_SEEDS=1000000 cargo test --release -p amtd simulation` runs so many seeds instead of some hundreds; a
//! failure names its seed, and `AMTD_SEED=<it>` runs that alone and tells the story.

mod client;
mod firmware;
mod traffic;
mod world;

use std::{
    num::NonZero,
    panic::{catch_unwind, resume_unwind},
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use self::world::{Seen, World};

/// Seeds of an ordinary run.
const SEEDS: u64 = 2000;
/// Seeds that are run twice, to see that a seed replays.
const REPLAYED: u64 = 50;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is not a number: {text:?}")))
}

/// Runs a seed; a violation is a panic that names it.
fn run(seed: u64, tell: bool) -> World {
    let result = catch_unwind(|| {
        let mut world = World::new(seed, tell);
        world.run();
        world
    });
    result.unwrap_or_else(|_| panic!("seed {seed} violates an invariant; AMTD_SEED={seed} tells its story"))
}

#[test]
fn no_seed_loses_a_byte_a_wakeup_or_a_slot() {
    if let Some(seed) = number("AMTD_SEED") {
        run(seed, true);
        return;
    }
    let seeds = number("AMTD_SEEDS").unwrap_or(SEEDS);
    let next = AtomicU64::new(0);
    let share = || {
        let mut seen = Seen::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                return seen;
            }
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
