//! Vectors of the standards, and challenges as AMT and as others send them.

use proptest::prelude::*;

use super::*;

/// A challenge as AMT 16 sends it (wsman 1).
const AMT: &str = "Digest realm=\"Digest:AF541D9BC94CFF7ADFA073F492F355E6\", nonce=\"Ln0FAQAAAADG\",stale=\"false\",qop=\"auth-int, auth\"";

fn mufasa(password: &str) -> Credentials {
    Credentials { user: "Mufasa".into(), password: Secret::new(password.into()) }
}

fn challenge(field: &str) -> Result<Challenge, ChallengeError> {
    Challenge::find([field].into_iter())
}

fn about<'a>(method: &'a str, body: &'a [u8]) -> About<'a> {
    About { method, uri: "/dir/index.html", body }
}

#[test]
fn answers_are_those_of_the_standards() {
    // RFC 2617, 3.5.
    let of_2617 = challenge(
        "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", \
         nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"",
    )
    .unwrap();
    let response = of_2617.response(&mufasa("Circle Of Life"), 1, "0a4f113b", &about("GET", b""));
    assert_eq!(response, "6629fae49393a05397450978507c4ef1");
    // RFC 7616, 3.9.1.
    let of_7616 = challenge(
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, \
         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
    )
    .unwrap();
    let client_nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    let response = of_7616.response(&mufasa("Circle of Life"), 1, client_nonce, &about("GET", b""));
    assert_eq!(response, "8ca523f5e9506fed4657c9700eebdbec");
}

#[test]
fn integrity_is_protected_where_nothing_else_is_offered() {
    let only = challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"").unwrap();
    assert_eq!(only.qop, Qop::AuthInt);
    let answer = |body: &[u8]| only.response(&mufasa("p"), 1, "c", &about("POST", body));
    assert_ne!(answer(b"one body"), answer(b"another"));
    // By the formula of wsman 2, each hash written out.
    let joined =
        |parts: &[&str]| hexadecimal(&md5(&parts.iter().map(|part| part.as_bytes()).collect::<Vec<_>>()));
    let user = joined(&["Mufasa", "r", "p"]);
    let request = joined(&["POST", "/dir/index.html", &joined(&["one body"])]);
    assert_eq!(answer(b"one body"), joined(&[&user, "n", "00000001", "c", "auth-int", &request]));
}

#[test]
fn hash_is_that_of_the_standard() {
    // RFC 1321, A.5.
    assert_eq!(hexadecimal(&md5(&[b"message digest"])), "f96b697d7cb7938d525a2f31aaf161d0");
}

#[test]
fn realm_of_the_device_stays_whole_and_quoted_commas_are_text() {
    let amt = challenge(AMT).unwrap();
    assert_eq!(amt.realm, "Digest:AF541D9BC94CFF7ADFA073F492F355E6");
    assert_eq!((amt.nonce.as_str(), amt.qop, amt.stale), ("Ln0FAQAAAADG", Qop::Auth, false));
    assert_eq!(Realm::parse(&amt.realm).unwrap().as_str(), amt.realm);
}

#[test]
fn digest_is_found_among_other_challenges() {
    let fields = ["Negotiate", "Basic realm=\"x, Digest y=z\"", AMT];
    assert_eq!(Challenge::find(fields.into_iter()), challenge(AMT));
    let joined = format!("Negotiate, Basic realm=\"x\", {AMT}");
    assert_eq!(challenge(&joined), challenge(AMT));
    assert_eq!(challenge("Negotiate dG9rZW4=, Basic realm=\"x\""), Err(ChallengeError::None));
}

#[test]
fn challenge_that_cannot_be_answered_says_why() {
    assert_eq!(challenge(""), Err(ChallengeError::None));
    assert_eq!(challenge("Digest qop=auth, nonce=n"), Err(ChallengeError::Incomplete));
    assert_eq!(challenge("Digest qop=auth, realm=\"r\", nonce=\"\""), Err(ChallengeError::Incomplete));
    assert_eq!(challenge("Digest realm=r, nonce=n"), Err(ChallengeError::Qop));
    assert_eq!(challenge("Digest realm=r, nonce=n, qop=\"token\""), Err(ChallengeError::Qop));
    let algorithm = "Digest realm=r, nonce=n, qop=auth, algorithm=SHA-256";
    assert_eq!(challenge(algorithm), Err(ChallengeError::Algorithm));
}

#[test]
fn nonce_is_used_again_with_a_rising_count() {
    let mut login = Login::new(Some(mufasa("p")));
    let about = about("POST", b"");
    assert_eq!(login.authorization(&about), Ok(None));
    login.refused([AMT].into_iter()).unwrap();
    let first = login.authorization(&about).unwrap().unwrap();
    assert!(first.contains("nc=00000001, qop=auth") && !first.contains("opaque"), "{first}");
    assert!(first.contains("username=\"Mufasa\", realm=\"Digest:AF54"), "{first}");
    login.begin();
    assert!(login.authorization(&about).unwrap().unwrap().contains("nc=00000002"));
}

#[test]
fn password_that_was_refused_is_not_sent_again() {
    let mut login = Login::new(Some(mufasa("wrong")));
    let about = about("POST", b"");
    login.refused([AMT].into_iter()).unwrap();
    login.authorization(&about).unwrap();
    assert_eq!(login.refused([AMT].into_iter()), Err(rejected()));
    assert_eq!(login.authorization(&about), Err(rejected()), "it would lock the account");
    login.forgive();
    assert!(login.authorization(&about).unwrap().is_some());
}

#[test]
fn nonce_that_firmware_forgot_is_no_wrong_password() {
    let mut login = Login::new(Some(mufasa("p")));
    let about = about("POST", b"");
    login.refused([AMT].into_iter()).unwrap();
    login.authorization(&about).unwrap();
    // A later request, and firmware has another nonce: with or without saying that the old one is stale.
    login.begin();
    login.authorization(&about).unwrap();
    login.refused([AMT.replace("Ln0", "Mn1").as_str()].into_iter()).unwrap();
    let answer = login.authorization(&about).unwrap().unwrap();
    assert!(answer.contains("Mn1FAQAAAADG") && answer.contains("nc=00000001"), "{answer}");
    // Even a nonce that is new may be stale, if firmware says so.
    let stale = AMT.replace("\"false\"", "\"true\"");
    login.refused([stale.as_str()].into_iter()).unwrap();
    login.authorization(&about).unwrap();
    assert_eq!(login.refused([AMT].into_iter()), Err(rejected()));
}

#[test]
fn login_without_credentials_says_that_they_are_missing() {
    let mut login = Login::new(None);
    assert_eq!(login.refused([AMT].into_iter()), Err(LoginError::Required));
}

#[test]
fn names_with_quotes_do_not_leave_their_quotes() {
    let odd = Credentials { user: "a\"b\\c\r\nX: y".into(), password: Secret::new("p".into()) };
    let answer = challenge(AMT).unwrap().answer(&odd, 1, "c", &about("POST", b""));
    assert!(answer.starts_with("Digest username=\"a\\\"b\\\\cX: y\", realm="), "{answer}");
    let opaque = challenge("Digest realm=r, nonce=n, qop=auth, opaque=\"a\\\"b\"").unwrap();
    assert!(opaque.answer(&odd, 1, "c", &about("POST", b"")).ends_with(", opaque=\"a\\\"b\""));
}

#[test]
fn password_digests_have_both_forms_and_are_not_shown() {
    let realm = Realm::parse("Digest:F3EB554784E729164447A89F60B641C5").unwrap();
    let digest = PasswordDigest::new("admin", &realm, &Secret::new("P@ssw0rd".into()));
    // md5("admin:Digest:F3EB554784E729164447A89F60B641C5:P@ssw0rd"), computed by another program.
    assert_eq!(digest.hexadecimal().expose(), "0ae083011bae3d84fc486ce4ab44ae1d");
    assert_eq!(format!("{digest:?}"), "PasswordDigest(redacted)");
    assert_eq!(digest.base64().expose(), "CuCDARuuPYT8SGzkq0SuHQ==");
}

#[test]
fn realm_in_another_form_is_refused() {
    let digits = "F3EB554784E729164447A89F60B641C5";
    for text in
        ["", digits, "Digest:", &format!("Digest:{}", digits.to_lowercase()), &format!("digest:{digits}")]
    {
        assert_eq!(Realm::parse(text), Err(RealmError), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_challenge_makes_the_parser_panic(field in "\\PC*") {
        let shown = format!("{:?}", challenge(&field));
        prop_assert!(!shown.is_empty());
    }

    #[test]
    fn no_tail_of_a_challenge_makes_the_parser_panic(tail in "[\"\\\\=, a-zA-Z]{0,40}", cut in 0..AMT.len()) {
        let shown = format!("{:?}", challenge(&format!("{}{tail}", &AMT[..cut])));
        prop_assert!(!shown.is_empty());
    }
}

fn rejected() -> LoginError {
    LoginError::Rejected { user: "Mufasa".into() }
}
