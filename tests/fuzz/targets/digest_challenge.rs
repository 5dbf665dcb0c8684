//! The login challenge that firmware sends, and the answer to it.
//!
//! Hazard: a challenge that panics the parser, or that puts something into our own header field: a line end, an end of
//! the quotes, another parameter.

#![no_main]

use amtd_amt::wsman::fuzzing::authorization;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|challenge: &str| {
    let Ok(answer) = authorization(challenge) else { return };
    assert!(!answer.contains(char::is_control), "{answer:?}");
    assert!(!answer.contains("P@ssw0rd"));
    // No field of HTTP brings any; they would be left out of the answer.
    if challenge.contains(char::is_control) {
        return;
    }
    // The answer repeats the challenge, so that it reads like one; what is read must be what was answered.
    let again = authorization(&answer).expect("the answer repeats the challenge");
    assert_eq!(repeated(&again), repeated(&answer));
});

/// User, realm and nonce. What follows is new in each answer.
fn repeated(answer: &str) -> &str {
    let end = answer.find("\", uri=\"/wsman\", response=\"").expect("the parts in their order");
    &answer[..end]
}
