//! A WSMAN client for tests: signs its requests, takes responses apart, checks their framing and reads their XML.
//!
//! Written apart from the server: its digest and its chunk reader share no code with it.

use std::time::{Duration, Instant};

use md5::{Digest, Md5};

use super::super::xml::{self, Element, Namespace};
use crate::device::{Device, DeviceConfig};
use crate::web::{Request, Response, WebConnection, execute};

/// Classes by the first letters of their names.
pub(in crate::web) fn resource(class: &str) -> String {
    let prefix = match &class[..3] {
        "AMT" => "http://intel.com/wbem/wscim/1/amt-schema/1/",
        "IPS" => "http://intel.com/wbem/wscim/1/ips-schema/1/",
        _ => "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/",
    };
    format!("{prefix}{class}")
}

/// A response taken apart.
#[derive(Debug)]
pub(in crate::web) struct Received {
    pub(in crate::web) status: u16,
    pub(in crate::web) head: String,
    pub(in crate::web) body: Vec<u8>,
    pub(in crate::web) chunks: usize,
    pub(in crate::web) close: bool,
}

impl Received {
    /// Takes a response apart; panics if its framing is wrong.
    pub(in crate::web) fn read(mut response: Response) -> Self {
        let mut bytes = Vec::new();
        while let Some(piece) = response.body.next(1400) {
            bytes.extend_from_slice(&piece);
        }
        assert!(response.body.is_finished());
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("an end of the head") + 4;
        let head = String::from_utf8(bytes[..end].to_vec()).expect("an ASCII head");
        let status = head[9..12].parse().expect("a status");
        let rest = &bytes[end..];
        let (body, chunks) = if head.contains("Transfer-Encoding: chunked\r\n") {
            read_chunks(rest)
        } else {
            let length = head.split("Content-Length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
            assert_eq!(length.and_then(|length| length.parse().ok()), Some(rest.len()), "{head}");
            (rest.to_vec(), 0)
        };
        assert_eq!(head.contains("Connection: close\r\n"), response.close);
        Self { status, head, body, chunks, close: response.close }
    }

    pub(in crate::web) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The value of a header field.
    pub(in crate::web) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The first element of the SOAP body.
    pub(in crate::web) fn soap(&self) -> Element {
        let mut root = xml::parse(&self.body).expect("well-formed");
        assert!(root.is(Namespace::Soap, "Envelope"));
        let body = root.take_child(Namespace::Soap, "Body").expect("a body");
        body.into_first_child().expect("an element in the body")
    }

    /// Local name of a fault's subcode.
    pub(in crate::web) fn fault(&self) -> String {
        assert_eq!(self.status, 400, "{}", self.text());
        let fault = self.soap();
        assert!(fault.is(Namespace::Soap, "Fault"));
        let code = fault.child(Namespace::Soap, "Code").expect("a code");
        let subcode = code.child(Namespace::Soap, "Subcode").unwrap_or(code);
        let value = subcode.child(Namespace::Soap, "Value").expect("a value").text();
        value.split(':').nth(1).expect("a prefix").to_owned()
    }
}

fn read_chunks(mut rest: &[u8]) -> (Vec<u8>, usize) {
    let (mut body, mut count) = (Vec::new(), 0);
    loop {
        let end = rest.windows(2).position(|window| window == b"\r\n").expect("a chunk's size");
        let size = std::str::from_utf8(&rest[..end]).expect("hex digits");
        let size = usize::from_str_radix(size, 16).expect("hex digits");
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        assert_eq!(&rest[end + 2 + size..end + 4 + size], b"\r\n");
        rest = &rest[end + 4 + size..];
        if size == 0 {
            assert!(rest.is_empty(), "nothing after the last chunk");
            return (body, count);
        }
        count += 1;
    }
}

/// A client with one device of its own.
pub(in crate::web) struct Client {
    pub(in crate::web) device: Device,
    pub(in crate::web) connection: WebConnection,
    pub(in crate::web) now: Instant,
    pub(in crate::web) user: String,
    pub(in crate::web) password: String,
    nonce: Option<String>,
    count: u32,
    messages: u32,
}

impl Client {
    pub(in crate::web) fn new(config: DeviceConfig) -> Self {
        let now = Instant::now();
        let password = config.admin_password.reveal().to_owned();
        Self {
            device: Device::new(config, now),
            connection: WebConnection::new(false),
            now,
            user: "admin".into(),
            password,
            nonce: None,
            count: 0,
            messages: 0,
        }
    }

    /// Logs in as the local system account from now on.
    pub(in crate::web) fn into_local_system(mut self) -> Self {
        let (user, password) = self.device.local_system_account();
        (self.user, self.password) = (user.to_owned(), password.reveal().to_owned());
        self
    }

    pub(in crate::web) fn advance(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Sends bytes that make exactly one request.
    pub(in crate::web) fn exchange(&mut self, bytes: &[u8]) -> Received {
        let requests = self.connection.feed(bytes);
        let [request]: [Request; 1] = requests.try_into().expect("one request");
        Received::read(execute(&mut self.device, &mut self.connection, request, self.now))
    }

    /// Sends a request with a login, answering a challenge as real clients do.
    pub(in crate::web) fn request(&mut self, method: &str, path: &str, body: &str) -> Received {
        for _ in 0..2 {
            let authorization = self.authorization(method, path);
            let length = body.len();
            let head = format!("{method} {path} HTTP/1.1\r\n{authorization}Content-Length: {length}\r\n\r\n");
            let received = self.exchange(format!("{head}{body}").as_bytes());
            if received.close {
                self.connection = WebConnection::new(false);
            }
            let Some(challenge) = received.field("WWW-Authenticate") else { return received };
            let nonce = challenge.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
            if self.nonce.is_some() && !challenge.contains("stale=\"true\"") {
                return received;
            }
            (self.nonce, self.count) = (nonce.map(str::to_owned), 0);
        }
        panic!("the login was refused twice");
    }

    fn authorization(&mut self, method: &str, path: &str) -> String {
        let Some(nonce) = &self.nonce else { return String::new() };
        self.count += 1;
        let (user, realm, count) = (&self.user, self.device.realm(), self.count);
        let hash =
            |text: String| Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let ha1 = hash(format!("{user}:{realm}:{}", self.password));
        let ha2 = hash(format!("{method}:{path}"));
        let response = hash(format!("{ha1}:{nonce}:{count:08x}:abc:auth:{ha2}"));
        format!(
            "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{path}\", \
             cnonce=\"abc\", nc={count:08x}, qop=auth, response=\"{response}\"\r\n"
        )
    }

    /// Sends a SOAP request.
    pub(in crate::web) fn soap(
        &mut self,
        action: &str,
        class: &str,
        selectors: &[(&str, &str)],
        body: &str,
    ) -> Received {
        self.messages += 1;
        let selectors: String = selectors
            .iter()
            .map(|(name, value)| format!("<w:Selector Name=\"{name}\">{value}</w:Selector>"))
            .collect();
        let envelope = format!(
            "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
             xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
             xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" \
             xmlns:n=\"http://schemas.xmlsoap.org/ws/2004/09/enumeration\" xmlns:h=\"{resource}\"><s:Header>\
             <a:Action s:mustUnderstand=\"true\">{action}</a:Action><a:To>/wsman</a:To>\
             <w:ResourceURI s:mustUnderstand=\"true\">{resource}</w:ResourceURI>\
             <a:MessageID>{messages}</a:MessageID><a:ReplyTo>\
             <a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>\
             <w:OperationTimeout>PT60S</w:OperationTimeout><w:SelectorSet>{selectors}</w:SelectorSet></s:Header>\
             <s:Body>{body}</s:Body></s:Envelope>",
            resource = resource(class),
            messages = self.messages,
        );
        self.request("POST", "/wsman", &envelope)
    }

    pub(in crate::web) fn get(&mut self, class: &str, selectors: &[(&str, &str)]) -> Received {
        self.soap("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", class, selectors, "")
    }

    pub(in crate::web) fn put(
        &mut self,
        class: &str,
        selectors: &[(&str, &str)],
        properties: &str,
    ) -> Received {
        let body = format!("<h:{class}>{properties}</h:{class}>");
        self.soap("http://schemas.xmlsoap.org/ws/2004/09/transfer/Put", class, selectors, &body)
    }

    pub(in crate::web) fn enumerate(&mut self, class: &str) -> Received {
        self.soap("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate", class, &[], "<n:Enumerate/>")
    }

    /// The context that an Enumerate returns.
    pub(in crate::web) fn context(&mut self, class: &str) -> String {
        let response = self.enumerate(class).soap();
        assert!(response.is(Namespace::Enumeration, "EnumerateResponse"));
        response.child(Namespace::Enumeration, "EnumerationContext").expect("a context").text().to_owned()
    }

    pub(in crate::web) fn pull(&mut self, class: &str, context: &str, limits: &str) -> Received {
        let body = format!("<n:Pull><n:EnumerationContext>{context}</n:EnumerationContext>{limits}</n:Pull>");
        self.soap("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull", class, &[], &body)
    }

    pub(in crate::web) fn invoke(
        &mut self,
        class: &str,
        method: &str,
        selectors: &[(&str, &str)],
        parameters: &str,
    ) -> Received {
        let action = format!("{}/{method}", resource(class));
        let body = format!("<h:{method}_INPUT>{parameters}</h:{method}_INPUT>");
        self.soap(&action, class, selectors, &body)
    }

    /// The return value of a method.
    pub(in crate::web) fn call(
        &mut self,
        class: &str,
        method: &str,
        selectors: &[(&str, &str)],
        parameters: &str,
    ) -> u32 {
        let received = self.invoke(class, method, selectors, parameters);
        assert_eq!(received.status, 200, "{}", received.text());
        let output = received.soap();
        assert_eq!(output.name(), format!("{method}_OUTPUT"));
        property(&output, "ReturnValue").parse().expect("a number")
    }
}

/// Text of a property.
pub(in crate::web) fn property<'a>(instance: &'a Element, name: &'a str) -> &'a str {
    instance.member(name).unwrap_or_else(|| panic!("no {name} in {instance:?}")).text()
}
