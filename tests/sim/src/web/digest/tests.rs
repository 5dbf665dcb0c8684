//! Tests of digest logins: published vectors, nonces, counts, lock-out, and parsing what clients really send.

use super::*;
use crate::device::accounts::Password;

const REALM: &str = "Digest:F3EB554784E729164447A89F60B641C5";

/// A client that signs correctly, written apart from the code under test.
struct Signer {
    user: &'static str,
    password: &'static str,
    nonce: String,
    count: u32,
    qop: &'static str,
}

fn md5_hex(text: &[u8]) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Signer {
    fn new(challenge: &str) -> Self {
        let nonce =
            challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
        Self { user: "admin", password: "P@ssw0rd", nonce: nonce.to_owned(), count: 0, qop: "auth" }
    }

    fn header(&mut self, body: &[u8]) -> String {
        self.count += 1;
        let Self { user, password, nonce, count, qop } = self;
        let ha1 = md5_hex(format!("{user}:{REALM}:{password}").as_bytes());
        let ha2 = match *qop {
            "auth-int" => md5_hex(format!("POST:/wsman:{}", md5_hex(body)).as_bytes()),
            _ => md5_hex(b"POST:/wsman"),
        };
        let response = md5_hex(format!("{ha1}:{nonce}:{count:08x}:c0ffee:{qop}:{ha2}").as_bytes());
        format!(
            "Digest username=\"{user}\",realm=\"{REALM}\", nonce=\"{nonce}\",uri=\"/wsman\",response=\"{response}\",\
             cnonce=\"c0ffee\",nc={count:08x},qop={qop}"
        )
    }
}

fn logins(policy: LoginPolicy) -> Logins {
    Logins::new(policy, 1)
}

fn check(logins: &mut Logins, header: &str, body: &[u8], now: Instant) -> Result<Role, Denied> {
    let ha1 = Ha1::new("admin", REALM, &Password::new("P@ssw0rd"));
    let claim = Claim::parse(header).expect("a digest login").about("POST", "/wsman", body);
    logins.check(&claim, REALM, |user| (user == "admin").then_some((&ha1, Role::Administrator)), now)
}

const WRONG: Result<Role, Denied> = Err(Denied { stale: false });
const STALE: Result<Role, Denied> = Err(Denied { stale: true });
const IN: Result<Role, Denied> = Ok(Role::Administrator);

#[test]
fn responses_are_those_of_the_published_examples() {
    // RFC 2617 section 3.5 and RFC 7616 section 3.9.1.
    for (realm, password, nonce, cnonce, expected) in [
        (
            "testrealm@host.com",
            "Circle Of Life",
            "dcd98b7102dd2f0e8b11d0f600bfb0c093",
            "0a4f113b",
            "6629fae49393a05397450978507c4ef1",
        ),
        (
            "http-auth@example.org",
            "Circle of Life",
            "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
            "8ca523f5e9506fed4657c9700eebdbec",
        ),
    ] {
        let header = format!(
            "Digest username=\"Mufasa\", realm=\"{realm}\", uri=\"/dir/index.html\", qop=auth, algorithm=MD5, \
             nonce=\"{nonce}\", nc=00000001, cnonce=\"{cnonce}\", response=\"{expected}\", opaque=\"x\""
        );
        let claim = Claim::parse(&header).expect("parsed").about("GET", "/dir/index.html", b"");
        let ha1 = Ha1::new("Mufasa", realm, &Password::new(password));
        assert_eq!(claim.expected(&ha1), expected.as_bytes());
    }
}

#[test]
fn challenge_has_the_shape_of_real_ones() {
    let now = Instant::now();
    let challenge = logins(LoginPolicy::default()).challenge(REALM, false, now);
    let nonce = Signer::new(&challenge).nonce;
    assert!(!nonce.contains('='), "clients that end a parameter at its second equals sign would lose some");
    assert_eq!(
        challenge,
        format!(
            "WWW-Authenticate: Digest realm=\"{REALM}\", nonce=\"{nonce}\",stale=\"false\",qop=\"auth-int, auth\"\r\n"
        )
    );
    let old = LoginPolicy { qop: QopOffer::Auth, ..LoginPolicy::default() };
    assert!(logins(old).challenge(REALM, true, now).ends_with(",stale=\"true\",qop=\"auth\"\r\n"));
}

#[test]
fn nonce_serves_many_requests_but_none_twice() {
    let now = Instant::now();
    let mut logins = logins(LoginPolicy::default());
    let mut signer = Signer::new(&logins.challenge(REALM, false, now));
    let first = signer.header(b"");
    assert_eq!(check(&mut logins, &first, b"", now), IN);
    assert_eq!(check(&mut logins, &first, b"", now), STALE, "replayed");
    signer.count = 6;
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), IN, "gaps are allowed");
    signer.count = 4;
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), STALE, "counted downwards");
}

#[test]
fn auth_int_signs_the_body() {
    let now = Instant::now();
    let mut logins = logins(LoginPolicy::default());
    let mut signer = Signer::new(&logins.challenge(REALM, false, now));
    signer.qop = "auth-int";
    let header = signer.header(b"<body/>");
    assert_eq!(check(&mut logins, &header, b"<other/>", now), WRONG);
    assert_eq!(check(&mut logins, &header, b"<body/>", now), IN);
}

#[test]
fn qop_that_was_not_offered_is_refused() {
    let now = Instant::now();
    let mut logins = logins(LoginPolicy { qop: QopOffer::Auth, ..LoginPolicy::default() });
    let mut signer = Signer::new(&logins.challenge(REALM, false, now));
    signer.qop = "auth-int";
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), WRONG);
}

#[test]
fn foreign_old_and_used_up_nonces_are_stale_if_the_password_is_right() {
    let now = Instant::now();
    let policy = LoginPolicy {
        nonce_uses: Some(2),
        nonce_age: Some(Duration::from_secs(60)),
        lockout_failures: 0,
        ..LoginPolicy::default()
    };
    let mut logins = logins(policy);
    let mut signer = Signer::new(&logins.challenge(REALM, false, now));
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), IN);
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), IN);
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), STALE, "used up");
    let mut signer = Signer::new(&logins.challenge(REALM, false, now));
    let late = now + Duration::from_secs(60);
    assert_eq!(check(&mut logins, &signer.header(b""), b"", late), STALE, "too old");
    signer.nonce = "Ln0FAQAAAADGAAAAAAAAAAAAAAA=".into();
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), STALE, "foreign");
    signer.password = "wrong";
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), WRONG);
}

#[test]
fn forgotten_nonce_is_stale_and_the_table_does_not_grow() {
    let now = Instant::now();
    let mut logins = logins(LoginPolicy::default());
    let mut signer = Signer::new(&logins.challenge(REALM, false, now));
    for _ in 0..MAX_NONCES {
        logins.challenge(REALM, false, now);
    }
    assert_eq!(logins.nonces.len(), MAX_NONCES as usize);
    assert_eq!(check(&mut logins, &signer.header(b""), b"", now), STALE);
}

#[test]
fn wrong_passwords_in_a_row_lock_the_right_one_out_for_a_time() {
    let now = Instant::now();
    let policy =
        LoginPolicy { lockout_failures: 3, lockout_time: Duration::from_secs(30), ..LoginPolicy::default() };
    let mut logins = logins(policy);
    let mut right = Signer::new(&logins.challenge(REALM, false, now));
    let mut wrong = Signer { password: "wrong", ..Signer::new(&logins.challenge(REALM, false, now)) };
    assert_eq!(check(&mut logins, &wrong.header(b""), b"", now), WRONG);
    assert_eq!(check(&mut logins, &wrong.header(b""), b"", now), WRONG);
    assert_eq!(check(&mut logins, &right.header(b""), b"", now), IN, "a right one starts the count again");
    for _ in 0..3 {
        assert_eq!(check(&mut logins, &wrong.header(b""), b"", now), WRONG);
    }
    let during = now + Duration::from_secs(29);
    assert_eq!(check(&mut logins, &right.header(b""), b"", during), WRONG);
    let after = now + Duration::from_secs(30);
    assert_eq!(check(&mut logins, &right.header(b""), b"", after), IN);
}

#[test]
fn headers_of_real_clients_are_understood() {
    // Everything quoted; blanks and order as they come; escapes; scheme in another case.
    let claim = Claim::parse(
        "digest  qop=\"auth\" , nc=\"00000001\",username=\"a\\\"b\\\\c\",uri=\"/wsman?a=1,2\",response=\"r\",algorithm=MD5,\
         realm=\"Digest:0\" ,nonce=\"n==\",cnonce=\"\"",
    )
    .expect("parsed");
    let fields =
        [&claim.user, &claim.realm, &claim.nonce, &claim.uri, &claim.response, &claim.cnonce, &claim.nc];
    assert_eq!(
        fields.map(|field| field.as_ref()),
        ["a\"b\\c", "Digest:0", "n==", "/wsman?a=1,2", "r", "", "00000001"]
    );
    assert_eq!(claim.qop, "auth");
}

#[test]
fn damaged_and_foreign_headers_are_no_claims() {
    for bad in [
        "",
        "Digest",
        "Basic YWRtaW46UEBzc3cwcmQ=",
        "Digest username",
        "Digest username=\"x",
        "Digest a=\"\\\"",
    ] {
        assert!(Claim::parse(bad).is_none(), "{bad}");
    }
    let now = Instant::now();
    for incomplete in ["Digest ,", "Digest username=\"admin\"", "Digest username=admin,qop=auth,nc=x"] {
        assert_eq!(check(&mut logins(LoginPolicy::default()), incomplete, b"", now), WRONG, "{incomplete}");
    }
}
