//! Limits the number of connections without refusing any.
//!
//! A new connection is always let in. If there are too many, the oldest connection of the owner that has the most is ended.
//! So a flood only displaces its own connections, and a short question is over before it could be displaced.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// The connections that are open, with owners of type `W`. Clones share the list.
#[derive(Debug)]
pub(crate) struct Guests<W> {
    places: usize,
    books: Arc<Mutex<Books<W>>>,
}

#[derive(Debug)]
struct Books<W> {
    /// Oldest first.
    entries: VecDeque<Entry<W>>,
    next_number: u64,
}

#[derive(Debug)]
struct Entry<W> {
    number: u64,
    who: W,
    leave: CancellationToken,
}

impl<W> Clone for Guests<W> {
    fn clone(&self) -> Self {
        Self { places: self.places, books: Arc::clone(&self.books) }
    }
}

impl<W: PartialEq> Guests<W> {
    /// Room for `places` connections at once.
    pub(crate) fn new(places: usize) -> Self {
        let books = Books { entries: VecDeque::new(), next_number: 0 };
        Self { places, books: Arc::new(Mutex::new(books)) }
    }

    /// Lets a new connection in.
    pub(crate) fn welcome(&self, who: W) -> Guest<W> {
        let leave = CancellationToken::new();
        let number = self.with(|books| {
            if books.entries.len() >= self.places {
                books.dismiss_one();
            }
            books.next_number += 1;
            let number = books.next_number;
            books.entries.push_back(Entry { number, who, leave: leave.clone() });
            number
        });
        Guest { guests: self.clone(), number, leave }
    }
}

impl<W> Guests<W> {
    fn with<T>(&self, look: impl FnOnce(&mut Books<W>) -> T) -> T {
        // Each change is made whole before anything could panic.
        look(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<W: PartialEq> Books<W> {
    fn dismiss_one(&mut self) {
        let of = |who: &W| self.entries.iter().filter(|entry| entry.who == *who).count();
        let most = self.entries.iter().map(|entry| of(&entry.who)).max();
        let oldest = self.entries.iter().position(|entry| Some(of(&entry.who)) == most);
        if let Some(entry) = oldest.and_then(|place| self.entries.remove(place)) {
            entry.leave.cancel();
        }
    }
}

/// A connection that was let in. Dropping this frees its place.
#[derive(Debug)]
pub(crate) struct Guest<W> {
    guests: Guests<W>,
    number: u64,
    leave: CancellationToken,
}

impl<W> Guest<W> {
    /// Cancelled when another connection needs the place.
    pub(crate) fn leave(&self) -> CancellationToken {
        self.leave.clone()
    }
}

impl<W> Drop for Guest<W> {
    fn drop(&mut self) {
        self.guests.with(|books| books.entries.retain(|entry| entry.number != self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: usize = 8;

    #[test]
    fn a_flood_of_one_owner_dismisses_itself_and_nobody_else() {
        let guests = Guests::new(PLACES);
        let other = guests.welcome("other");
        let flood: Vec<_> = (0..10 * PLACES).map(|_| guests.welcome("flood")).collect();
        assert!(!other.leave().is_cancelled());
        let staying: Vec<_> = flood.iter().map(|guest| !guest.leave().is_cancelled()).collect();
        let (gone, left) = staying.split_at(9 * PLACES + 1);
        assert!(gone.iter().all(|stays| !stays) && left.iter().all(|stays| *stays), "the oldest go");
    }

    #[test]
    fn a_place_is_free_again_when_its_guest_has_gone() {
        let guests = Guests::new(1);
        drop(guests.welcome("first"));
        let second = guests.welcome("second");
        assert_eq!(guests.with(|books| books.entries.len()), 1);
        let _third = guests.welcome("third");
        assert!(second.leave().is_cancelled());
        drop(second);
        assert_eq!(guests.with(|books| books.entries.len()), 1, "the place of the third is its own");
    }
}
