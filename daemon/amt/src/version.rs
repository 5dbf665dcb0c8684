//! Version and product numbers that AMT reports as text. Used by whoever has asked for the code versions.

use std::fmt;
use std::str::FromStr;

/// An AMT version, such as 16.1.25. Versions compare number by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmtVersion {
    /// The generation; decides which features and which ports there are.
    pub major: u16,
    /// Minor number.
    pub minor: u16,
    /// Maintenance number.
    pub maintenance: u16,
}

impl FromStr for AmtVersion {
    type Err = ParseVersionError;

    fn from_str(text: &str) -> Result<Self, ParseVersionError> {
        let mut numbers =
            text.split('.').map(|number| decimal(number).and_then(|value| value.try_into().ok()));
        let mut next = || numbers.next().flatten().ok_or(ParseVersionError);
        let version = Self { major: next()?, minor: next()?, maintenance: next()? };
        match numbers.next() {
            None => Ok(version),
            Some(_) => Err(ParseVersionError),
        }
    }
}

impl fmt::Display for AmtVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.maintenance)
    }
}

/// The text is not a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an AMT version: expected three numbers joined by '.', such as 16.1.25")]
pub struct ParseVersionError;

/// What the platform is sold as: a bit mask (amthi 3.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sku(u32);

impl Sku {
    /// From the bits.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether this is full AMT.
    pub const fn is_amt(self) -> bool {
        self.0 & AMT_PRO != 0
    }

    /// Whether this is the reduced form, Standard Manageability.
    pub const fn is_standard_manageability(self) -> bool {
        self.0 & STANDARD_MANAGEABILITY != 0
    }

    /// The names of the bits that are set; bits without a known name are left out. Some of the names applied to early
    /// AMT versions only.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        SKU_NAMES.iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| *name)
    }
}

/// From the decimal text of the `Sku` entry.
impl FromStr for Sku {
    type Err = ParseSkuError;

    fn from_str(text: &str) -> Result<Self, ParseSkuError> {
        decimal(text).map(Self).ok_or(ParseSkuError)
    }
}

/// The text is not a decimal bit mask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SKU: expected a decimal number, such as 8")]
pub struct ParseSkuError;

/// Digits only; the standard parser would also take a sign.
fn decimal(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

const AMT_PRO: u32 = 0x8;
const STANDARD_MANAGEABILITY: u32 = 0x10;

const SKU_NAMES: [(u32, &str); 10] = [
    (0x2, "IQST"),
    (0x4, "ASF"),
    (AMT_PRO, "AMT Pro"),
    (STANDARD_MANAGEABILITY, "Standard Manageability"),
    (0x20, "TPM"),
    (0x100, "Home IT"),
    (0x400, "WOX"),
    (0x2000, "AT-p"),
    (0x4000, "Corporate"),
    (0x8000, "L3 upgrade"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers_and_not_as_text() {
        let version = |text: &str| text.parse::<AmtVersion>().unwrap();
        assert_eq!(version("16.1.25"), AmtVersion { major: 16, minor: 1, maintenance: 25 });
        assert!(version("9.5.60") < version("11.8.93"));
        assert!(version("16.1.9") < version("16.1.25"));
        assert_eq!(version("11.8.93").to_string(), "11.8.93");
    }

    #[test]
    fn text_that_is_almost_a_version_is_refused() {
        for text in
            ["", "16", "16.1", "16.1.", "16..1", "16.1.25.2049", "16.1.-1", "+16.1.2", "16.1.70000", "a.b.c"]
        {
            assert_eq!(text.parse::<AmtVersion>(), Err(ParseVersionError), "{text:?}");
        }
    }

    #[test]
    fn sku_shows_every_known_bit_and_survives_unknown_ones() {
        let pro: Sku = "8".parse().unwrap();
        assert!(pro.is_amt() && !pro.is_standard_manageability());
        assert_eq!(pro.names().collect::<Vec<_>>(), ["AMT Pro"]);
        let business: Sku = "16400".parse().unwrap();
        assert!(business.is_standard_manageability() && !business.is_amt());
        assert_eq!(business.names().collect::<Vec<_>>(), ["Standard Manageability", "Corporate"]);
        assert_eq!(Sku::from_bits(1).names().count(), 0);
        for text in ["", "-8", "+8", "0x8", "4294967296"] {
            assert_eq!(text.parse::<Sku>(), Err(ParseSkuError), "{text:?}");
        }
    }
}
