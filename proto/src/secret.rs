//! What the generator cannot know about [`Secret`]: it is not shown, and its memory is wiped.
//!
//! Only what this type owns is wiped, not the transport's buffers through which a message came or went.

use std::{fmt, mem};

use zeroize::{Zeroize, Zeroizing};

use crate::v1::Secret;

impl Secret {
    /// Wraps a secret.
    pub fn new(value: impl Into<Vec<u8>>) -> Self {
        Self { value: value.into() }
    }

    /// Takes the secret out of its message.
    pub fn into_bytes(mut self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(mem::take(&mut self.value))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;
    use crate::v1::{ActivateAcm, CreateJobRequest, JobSpec, WsmanCall, job_spec::Kind};

    const CANARY: &str = "c4n4ry-P@ssw0rd";

    fn request(kind: Kind) -> CreateJobRequest {
        CreateJobRequest { spec: Some(JobSpec { kind: Some(kind) }), ..CreateJobRequest::default() }
    }

    #[test]
    fn no_secret_of_any_message_is_shown() {
        let secret = || Some(Secret::new(CANARY));
        let activate = ActivateAcm {
            password: secret(),
            provisioning_cert: secret(),
            provisioning_cert_password: secret(),
            mebx_password: secret(),
            dns_suffix: Some("example.com".into()),
        };
        let call = WsmanCall { password: secret(), body: secret(), ..WsmanCall::default() };
        for kind in [Kind::ActivateAcm(activate), Kind::WsmanCall(call)] {
            let shown = format!("{:?} {:#?}", request(kind.clone()), request(kind));
            let bytes = format!("{:?}", CANARY.as_bytes());
            assert!(shown.contains("Secret(..)"), "{shown}");
            assert!(!shown.contains(CANARY) && !shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
        }
    }

    #[test]
    fn a_secret_arrives_as_it_was_sent() {
        let sent = Secret::new(CANARY);
        let received = Secret::decode(sent.encode_to_vec().as_slice()).unwrap();
        assert_eq!(received.into_bytes().as_slice(), CANARY.as_bytes());
    }
}
