//! A period of time as the configuration writes it: `"250ms"`, `"5s"`, `"1m 30s"`, `"2h"`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de};

/// A period of time, in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(into = "String")]
pub struct Period(Duration);

impl Period {
    /// So many milliseconds.
    pub const fn from_millis(count: u64) -> Self {
        Self(Duration::from_millis(count))
    }

    /// The period as the rest of the daemon uses it.
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// The text is not a period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a period of time; allowed: a number with a unit, as in \"250ms\", \"5s\", \"1m 30s\", \"2h\""
)]
pub struct PeriodError {
    text: String,
}

impl FromStr for Period {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let error = || PeriodError { text: text.into() };
        let period = humantime::parse_duration(text).map_err(|_| error())?;
        // Finer ones would be printed in units that nobody writes, and no timer of the daemon keeps them.
        let is_whole = period.subsec_nanos() % 1_000_000 == 0;
        is_whole.then_some(Self(period)).ok_or_else(error)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl de::Visitor<'_> for Visitor {
            type Value = Period;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number with a unit in quotes, as in \"250ms\", \"5s\", \"1m 30s\", \"2h\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Period, E> {
                text.parse().map_err(E::custom)
            }
        }

        from.deserialize_str(Visitor)
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_back_as_the_same_period() {
        for text in ["0s", "1ms", "250ms", "5s", "1m 30s", "2h", "1h 1m 1s 1ms"] {
            let period: Period = text.parse().unwrap();
            assert_eq!(period.to_string(), text);
        }
    }

    #[test]
    fn a_number_without_unit_is_refused_with_what_is_allowed() {
        for text in ["5", "", "-1s", "5 fortnights", "10us", "999999999999999999999s"] {
            let error = text.parse::<Period>().unwrap_err().to_string();
            assert!(error.contains("\"250ms\"") && error.starts_with(&format!("{text:?}")), "{error}");
        }
    }
}
