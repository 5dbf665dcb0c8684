//! How many connections and calls there may be at once, in all and of one caller.
//!
//! Nobody can keep others from asking about health. A connection beyond the limits is let in for such questions alone;
//! of those there are few, and a new one takes the place of the oldest of whoever has most of them. Calls about health
//! are counted apart from all others.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::identity::Who;
use crate::listen::{Guest, Guests};

/// Connections at once that may ask about health only.
const HEALTH_ONLY: usize = 32;
/// Calls about health at once, in all and of one caller. Most are answered at once; the others watch.
const HEALTH_CALLS: usize = 512;
const HEALTH_CALLS_PER_CALLER: usize = 64;

/// How many there may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) connections: usize,
    pub(super) connections_per_caller: usize,
    pub(super) calls: usize,
    pub(super) calls_per_caller: usize,
}

/// The books of who is there. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Crowd {
    limits: Limits,
    books: Arc<Mutex<Books>>,
    health_only: Guests<Who>,
}

#[derive(Debug, Default)]
struct Books {
    connections: Count,
    calls: Count,
    health_calls: Count,
}

#[derive(Debug, Default)]
struct Count {
    all: usize,
    by_caller: HashMap<Who, usize>,
}

/// What a new connection may do.
#[derive(Debug)]
pub(super) enum Admission {
    /// Everything that its caller may.
    Full(Place),
    /// Ask about health, until told to leave.
    HealthOnly(Guest<Who>),
}

/// Too many are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crowded;

impl Crowd {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, books: Arc::default(), health_only: Guests::new(HEALTH_ONLY) }
    }

    /// A connection comes.
    pub(super) fn connect(&self, who: &Who) -> Admission {
        let (all, each) = (self.limits.connections, self.limits.connections_per_caller);
        match self.with(|books| books.connections.add(who, all, each)) {
            Ok(()) => Admission::Full(self.place(Taken::Connection(who.clone()))),
            Err(Crowded) => Admission::HealthOnly(self.health_only.welcome(who.clone())),
        }
    }

    /// A call begins.
    pub(super) fn call(&self, who: &Who) -> Result<Place, Crowded> {
        let (all, each) = (self.limits.calls, self.limits.calls_per_caller);
        self.with(|books| books.calls.add(who, all, each))?;
        Ok(self.place(Taken::Call(who.clone())))
    }

    /// A call about health begins.
    pub(super) fn health_call(&self, who: &Who) -> Result<Place, Crowded> {
        self.with(|books| books.health_calls.add(who, HEALTH_CALLS, HEALTH_CALLS_PER_CALLER))?;
        Ok(self.place(Taken::HealthCall(who.clone())))
    }

    fn place(&self, taken: Taken) -> Place {
        Place { crowd: self.clone(), taken }
    }

    fn with<T>(&self, look: impl FnOnce(&mut Books) -> T) -> T {
        // Each change is made whole before anything could panic.
        look(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Count {
    /// Root is bounded by its own number only: others must not be able to keep it out.
    fn add(&mut self, who: &Who, all: usize, each: usize) -> Result<(), Crowded> {
        let of_caller = self.by_caller.get(who).copied().unwrap_or_default();
        if of_caller >= each || (self.all >= all && !who.is_root()) {
            return Err(Crowded);
        }
        self.all += 1;
        self.by_caller.insert(who.clone(), of_caller + 1);
        Ok(())
    }

    fn remove(&mut self, who: &Who) {
        self.all -= 1;
        if let Some(count) = self.by_caller.get_mut(who) {
            *count -= 1;
            if *count == 0 {
                self.by_caller.remove(who);
            }
        }
    }
}

/// A place in the crowd, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    crowd: Crowd,
    taken: Taken,
}

#[derive(Debug)]
enum Taken {
    Connection(Who),
    Call(Who),
    HealthCall(Who),
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.with(|books| match &self.taken {
            Taken::Connection(who) => books.connections.remove(who),
            Taken::Call(who) => books.calls.remove(who),
            Taken::HealthCall(who) => books.health_calls.remove(who),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits =
        Limits { connections: 4, connections_per_caller: 2, calls: 3, calls_per_caller: 2 };

    fn user(number: u32) -> Who {
        Who::User(number)
    }

    fn is_full(admission: &Admission) -> bool {
        matches!(admission, Admission::Full(_))
    }

    #[test]
    fn one_user_cannot_take_the_connections_of_others_and_gives_back_its_own() {
        let crowd = Crowd::new(LIMITS);
        let mut held: Vec<_> = (0..3).map(|_| crowd.connect(&user(7))).collect();
        assert_eq!(held.iter().filter(|admission| is_full(admission)).count(), 2);
        assert!(is_full(&crowd.connect(&user(8))));
        held.clear();
        assert!(is_full(&crowd.connect(&user(7))));
        crowd.with(|books| assert!(books.connections.by_caller.is_empty()));
    }

    #[test]
    fn users_together_cannot_keep_root_out() {
        let crowd = Crowd::new(LIMITS);
        let _held: Vec<_> = (1..=4).map(|number| crowd.connect(&user(number))).collect();
        assert!(!is_full(&crowd.connect(&user(5))));
        assert!(is_full(&crowd.connect(&user(0))));
        let _calls: Vec<_> = (1..=3).map(|number| crowd.call(&user(number)).unwrap()).collect();
        assert_eq!(crowd.call(&user(5)).unwrap_err(), Crowded);
        assert!(crowd.call(&user(0)).is_ok());
    }

    #[test]
    fn a_flood_of_one_user_does_not_dismiss_those_who_ask_about_health() {
        let crowd = Crowd::new(Limits { connections: 0, ..LIMITS });
        let Admission::HealthOnly(guest) = crowd.connect(&user(8)) else { panic!("let in") };
        let _flood: Vec<_> = (0..10 * HEALTH_ONLY).map(|_| crowd.connect(&user(7))).collect();
        assert!(!guest.leave().is_cancelled());
    }

    #[test]
    fn calls_about_health_are_not_counted_with_others() {
        let crowd = Crowd::new(LIMITS);
        let _calls: Vec<_> = (0..2).map(|_| crowd.call(&user(7)).unwrap()).collect();
        assert_eq!(crowd.call(&user(7)).unwrap_err(), Crowded);
        assert!(crowd.health_call(&user(7)).is_ok());
    }
}
