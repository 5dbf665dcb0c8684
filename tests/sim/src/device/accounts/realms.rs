//! Realms: what an entry of the access control list may do (wsman 2).

use serde::{Deserialize, Serialize};

/// A realm that something here depends on, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// Changes of the device's settings.
    Administration = 3,
    /// Heartbeats of agents.
    AgentPresenceLocal = 9,
    /// Watchdogs of agents.
    AgentPresenceRemote = 10,
    /// Reading the device's settings.
    GeneralInfo = 13,
    /// The access control list.
    UserAccessControl = 21,
}

/// A set of realms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u32>", into = "Vec<u32>")]
pub struct Realms(u32);

impl Realms {
    /// Lowest and highest number of a realm; 0 and 1 are reserved.
    const FIRST: u32 = 2;
    const LAST: u32 = 21;

    /// Every realm.
    pub const ALL: Self = Self(((1 << (Self::LAST + 1)) - 1) & !0b11);

    /// The realms with these numbers; `None` if one of them is no realm.
    #[must_use]
    pub fn from_numbers(numbers: &[u32]) -> Option<Self> {
        let valid = numbers.iter().all(|number| (Self::FIRST..=Self::LAST).contains(number));
        valid.then(|| Self(numbers.iter().fold(0, |set, number| set | 1 << number)))
    }

    /// The numbers of the realms, lowest first.
    pub fn numbers(self) -> impl Iterator<Item = u32> {
        (Self::FIRST..=Self::LAST).filter(move |number| self.0 >> number & 1 == 1)
    }

    /// Whether `realm` is among them.
    #[must_use]
    pub fn contains(self, realm: Realm) -> bool {
        self.0 >> (realm as u32) & 1 == 1
    }
}

impl TryFrom<Vec<u32>> for Realms {
    type Error = &'static str;

    fn try_from(numbers: Vec<u32>) -> Result<Self, Self::Error> {
        Self::from_numbers(&numbers).ok_or("realms have the numbers 2 to 21")
    }
}

impl From<Realms> for Vec<u32> {
    fn from(realms: Realms) -> Self {
        realms.numbers().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_numbers_are_no_realms() {
        assert_eq!(Realms::from_numbers(&[1]), None);
        assert_eq!(Realms::from_numbers(&[22]), None);
        let realms = Realms::from_numbers(&[21, 9]).unwrap();
        assert_eq!(realms.numbers().collect::<Vec<_>>(), [9, 21]);
        assert!(realms.contains(Realm::AgentPresenceLocal) && !realms.contains(Realm::Administration));
        assert_eq!(Realms::ALL.numbers().count(), 20);
    }
}
