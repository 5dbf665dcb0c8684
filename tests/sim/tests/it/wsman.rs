//! The least WSMAN client: one request on one channel, with a digest login. For tests that have to reach the web services the way
//! a host does.

use std::fmt::Write;
use std::io::ErrorKind;

use amt_sim::host::ApfHost;
use md5::{Digest, Md5};

/// Who logs in.
pub(crate) struct Login<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
}

/// What came back.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Status and body of the response.
    Response(u16, String),
    /// The channel, or the whole session, was closed before a response.
    Closed,
}

impl Outcome {
    /// The text of the first element of this name in a response with status 200.
    #[track_caller]
    pub(crate) fn value(&self, name: &str) -> &str {
        let Self::Response(200, body) = self else { panic!("{self:?}") };
        let start = body.find(&format!(":{name}>")).unwrap_or_else(|| panic!("no {name} in {body}"));
        let rest = &body[start + name.len() + 2..];
        &rest[..rest.find('<').expect("an end")]
    }
}

/// Gets the one instance of a class.
pub(crate) fn get(host: &mut ApfHost, login: &Login<'_>, resource: &str) -> Outcome {
    send(host, login, resource, "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", "")
}

/// Calls a method.
pub(crate) fn invoke(
    host: &mut ApfHost,
    login: &Login<'_>,
    (resource, method): (&str, &str),
    parameters: &str,
) -> Outcome {
    let body = format!("<h:{method}_INPUT xmlns:h=\"{resource}\">{parameters}</h:{method}_INPUT>");
    send(host, login, resource, &format!("{resource}/{method}"), &body)
}

fn send(host: &mut ApfHost, login: &Login<'_>, resource: &str, action: &str, body: &str) -> Outcome {
    let envelope = envelope(resource, action, body);
    let Some(challenge) = post(host, "", &envelope) else { return Outcome::Closed };
    let authorization = sign(login, &challenge);
    match post(host, &authorization, &envelope) {
        Some(response) => read(&response),
        None => Outcome::Closed,
    }
}

/// A request.
pub(crate) fn envelope(resource: &str, action: &str, body: &str) -> String {
    format!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><s:Header><a:Action>{action}</a:Action>\
         <a:To>/wsman</a:To><w:ResourceURI>{resource}</w:ResourceURI><a:MessageID>1</a:MessageID></s:Header>\
         <s:Body>{body}</s:Body></s:Envelope>"
    )
}

/// Posts on a channel of its own. Returns everything that came until firmware closed it; `None` if that is nothing, or the session
/// ended.
fn post(host: &mut ApfHost, authorization: &str, body: &str) -> Option<String> {
    let channel = host.open(16992, 65536).expect("a channel");
    let length = body.len();
    let head = format!(
        "POST /wsman HTTP/1.1\r\nHost: amt\r\nConnection: close\r\n{authorization}Content-Length: {length}\r\n\r\n"
    );
    host.write(channel, format!("{head}{body}").as_bytes()).expect("the request is taken");
    while !host.channels[&channel].closed {
        if let Err(error) = host.pump() {
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            return None;
        }
    }
    let input = std::mem::take(&mut host.channels.get_mut(&channel).expect("it is known").input);
    host.close(channel).expect("it was open");
    (!input.is_empty()).then(|| String::from_utf8_lossy(&input).into_owned())
}

/// The header field that answers a challenge.
pub(crate) fn sign(login: &Login<'_>, challenge: &str) -> String {
    let parameter = |name: &str| {
        let rest = challenge.split(&format!("{name}=\"")).nth(1).expect("a parameter");
        rest.split('"').next().expect("an end").to_owned()
    };
    let (realm, nonce) = (parameter("realm"), parameter("nonce"));
    let Login { user, password } = login;
    let secret = hash(&format!("{user}:{realm}:{password}"));
    let response = hash(&format!("{secret}:{nonce}:00000001:abc:auth:{}", hash("POST:/wsman")));
    format!(
        "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"/wsman\", \
         cnonce=\"abc\", nc=00000001, qop=auth, response=\"{response}\"\r\n"
    )
}

/// MD5 as hex digits.
pub(crate) fn hash(text: &str) -> String {
    Md5::digest(text).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Status and body; chunks are put together without looking at their sizes, which is enough for text that holds none.
pub(crate) fn read(response: &str) -> Outcome {
    let (head, body) = response.split_once("\r\n\r\n").expect("a whole head");
    let status = head[9..12].parse().expect("a status");
    if !head.contains("chunked") {
        return Outcome::Response(status, body.to_owned());
    }
    let (mut rest, mut text) = (body, String::new());
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        text.push_str(&after[..size]);
        rest = after[size..].strip_prefix("\r\n").unwrap_or("");
    }
    Outcome::Response(status, text)
}
