//! HTTP digest authentication: the challenge is remembered and used again with a rising count, as every client of AMT does.

use digest_auth::{AuthContext, WwwAuthenticateHeader};

use super::{Head, HttpError};

/// User name and password. The password is not shown by `Debug`.
#[derive(Clone)]
pub struct Credentials {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A user's login on one server: the credentials and the last challenge.
#[derive(Debug, Clone)]
pub struct Login {
    credentials: Credentials,
    challenge: Option<WwwAuthenticateHeader>,
}

impl Login {
    /// A login that has seen no challenge.
    #[must_use]
    pub fn new(credentials: Credentials) -> Self {
        Self { credentials, challenge: None }
    }

    /// The `Authorization` header line for the next POST to `path`; none before the first challenge.
    ///
    /// # Errors
    /// The challenge asks for something unknown.
    pub fn authorize(&mut self, path: &str) -> Result<Option<String>, HttpError> {
        let Some(challenge) = &mut self.challenge else { return Ok(None) };
        // Without the body only qop "auth" can be chosen, as clients of AMT do.
        let context = AuthContext::new_post(
            &self.credentials.user,
            &self.credentials.password,
            path,
            Option::<&[u8]>::None,
        );
        let answer = challenge.respond(&context).map_err(|error| HttpError::Challenge(error.to_string()))?;
        Ok(Some(format!("Authorization: {answer}")))
    }

    /// Takes the challenge of a 401.
    ///
    /// # Errors
    /// There is no digest challenge in it, or one that cannot be read.
    pub fn challenged(&mut self, head: &Head) -> Result<(), HttpError> {
        let offers = head.headers("www-authenticate");
        let digest = offers.iter().find(|offer| offer.starts_with("Digest "));
        let digest = digest.ok_or_else(|| HttpError::Challenge("no digest is offered".to_owned()))?;
        let challenge =
            digest_auth::parse(digest).map_err(|error| HttpError::Challenge(error.to_string()))?;
        self.challenge = Some(challenge);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Decoder;
    use super::*;

    fn head(challenge: &str) -> Head {
        let bytes =
            format!("HTTP/1.1 401 No\r\nWWW-Authenticate: Negotiate\r\n{challenge}Content-Length: 0\r\n\r\n");
        let mut decoder = Decoder::new();
        decoder.feed(bytes.as_bytes(), &mut |_| Ok(())).unwrap();
        decoder.into_head().unwrap()
    }

    #[test]
    fn a_challenge_as_amt_writes_it_is_answered_with_a_rising_count() {
        let mut login = Login::new(Credentials { user: "admin".into(), password: "secret".into() });
        assert_eq!(login.authorize("/wsman").unwrap(), None);
        // No space after the commas, and one inside the quotes.
        let challenge = r#"Digest realm="Digest:AF54", nonce="Ln0F",stale="false",qop="auth-int, auth""#;
        login.challenged(&head(&format!("WWW-Authenticate: {challenge}\r\n"))).unwrap();
        let first = login.authorize("/wsman").unwrap().unwrap();
        let second = login.authorize("/wsman").unwrap().unwrap();
        assert!(first.contains("nc=00000001") && first.contains("qop=auth,"), "{first}");
        assert!(second.contains("nc=00000002"), "{second}");
        assert!(!first.contains("secret"));
    }

    #[test]
    fn a_server_without_digest_is_an_error_and_not_a_loop() {
        let mut login = Login::new(Credentials { user: "admin".into(), password: "secret".into() });
        assert!(matches!(login.challenged(&head("")), Err(HttpError::Challenge(_))));
    }
}
