//! The rules for passwords of AMT and MEBx (activation 1), checked before anything is sent.

use super::{Failure, Reason};
use crate::Secret;

/// Refuses a password that firmware would refuse, or that some tool could not type. `what` names it for the sentence.
/// The sentence says which rule is broken, not what the password is.
pub(super) fn check(what: &str, password: &Secret) -> Result<(), Failure> {
    match broken_rule(password.expose()) {
        None => Ok(()),
        Some(rule) => Err(Failure::new(Reason::PasswordWeak, format!("The {what} {rule}."))),
    }
}

fn broken_rule(password: &str) -> Option<&'static str> {
    let has = |class: fn(char) -> bool| password.chars().any(class);
    // Only ASCII is left after the first rule, so that bytes are characters.
    let rules = [
        (has(|c| !matches!(c, ' '..='~')), "has a character outside printable ASCII"),
        (has(|c| matches!(c, ':' | ',' | '"')), "contains one of : , \" which AMT does not accept"),
        (password.len() < 8, "is shorter than 8 characters"),
        (password.len() > 32, "is longer than 32 characters"),
        (!has(|c| c.is_ascii_uppercase()), "has no upper-case letter"),
        (!has(|c| c.is_ascii_lowercase()), "has no lower-case letter"),
        (!has(|c| c.is_ascii_digit()), "has no digit"),
        (!has(is_special), "has no special character such as ! @ # $ %"),
    ];
    rules.into_iter().find(|(broken, _)| *broken).map(|(_, rule)| rule)
}

/// AMT counts `_` among the letters, and a blank is nothing to rely on.
fn is_special(c: char) -> bool {
    c.is_ascii_punctuation() && c != '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_those_of_firmware_and_the_sentence_never_shows_the_password() {
        for good in ["P@ssw0rd", "Aa1!aaaa", "aB3$aB3$aB3$aB3$aB3$aB3$aB3$aB3$", "x Y 1 ^ (z)"] {
            assert!(check("password", &Secret::new(good.into())).is_ok(), "{good}");
        }
        for bad in [
            "",
            "P@ssw0r",
            "p@ssw0rd",
            "P@SSW0RD",
            "P@ssword",
            "Passw0rd",
            "Passw0r_d",
            "P@ss:w0rd",
            "P@ss,w0rd",
            "P@ss\"w0rd",
            "P@sswörd1",
            "P@ssw0rd\n",
            "aB3$aB3$aB3$aB3$aB3$aB3$aB3$aB3$x",
        ] {
            let failure = check("AMT password", &Secret::new(bad.into())).unwrap_err();
            assert_eq!(failure.reason, Reason::PasswordWeak);
            assert!(bad.is_empty() || !format!("{failure:?}").contains(bad), "{failure:?}");
        }
    }
}
