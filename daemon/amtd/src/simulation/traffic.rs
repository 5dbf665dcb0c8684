//! What clients ask and firmware answers: every byte follows from a few numbers in the head of the request, so that
//! both ends can tell whether one is missing, doubled or out of place.

use std::fmt::Write as _;

use amtd_apf::Class;

/// Port of the web server.
pub(super) const HTTP: u16 = 16_992;
/// Port of an opaque protocol; firmware returns the bytes unchanged.
pub(super) const ECHO: u16 = 16_993;

/// How the end of a response is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length,
    Chunked,
    UntilClose,
}

/// A request and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exchange {
    pub(super) client: u32,
    pub(super) number: u32,
    pub(super) class: Class,
    /// Bytes of the request's body.
    pub(super) upload: usize,
    /// Bytes of the answer's body.
    pub(super) download: usize,
    pub(super) framing: Framing,
    /// The client asks for the connection to be closed.
    pub(super) close: bool,
}

impl Exchange {
    pub(super) fn random(rng: &mut fastrand::Rng, client: u32, number: u32, last: bool) -> Self {
        let size = |rng: &mut fastrand::Rng| match rng.u8(0..10) {
            0..=4 => rng.usize(0..200),
            5..=8 => rng.usize(0..9000),
            _ => rng.usize(0..80_000),
        };
        let framing = match rng.u8(0..8) {
            0 if last => Framing::UntilClose,
            1..=3 => Framing::Chunked,
            _ => Framing::Length,
        };
        Self {
            client,
            number,
            class: Class::ALL[rng.usize(0..Class::ALL.len())],
            upload: if rng.bool() { 0 } else { size(rng) },
            download: size(rng),
            framing,
            close: framing == Framing::UntilClose || (last && rng.bool()),
        }
    }

    pub(super) fn request(&self) -> Vec<u8> {
        let Self { client, number, upload, download, framing, close, .. } = self;
        let path = path(self.class);
        let connection = if *close { "Connection: close\r\n" } else { "" };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nX-Exchange: {client} {number} {download} {framing:?} {close}\r\n\
             {connection}Content-Length: {upload}\r\n\r\n"
        );
        let mut bytes = head.into_bytes();
        bytes.extend(body(*client, *number, *upload, 1));
        bytes
    }

    pub(super) fn response(&self) -> Vec<u8> {
        let body = body(self.client, self.number, self.download, 2);
        let mut head = String::from("HTTP/1.1 200 OK\r\n");
        if self.close {
            head.push_str("Connection: close\r\n");
        }
        match self.framing {
            Framing::Length => write!(head, "Content-Length: {}\r\n\r\n", body.len()).unwrap(),
            Framing::Chunked => head.push_str("Transfer-Encoding: chunked\r\n\r\n"),
            Framing::UntilClose => head.push_str("\r\n"),
        }
        let mut bytes = head.into_bytes();
        if self.framing == Framing::Chunked {
            for chunk in body.chunks(777) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else {
            bytes.extend(body);
        }
        bytes
    }

    /// Reads back a whole request, as firmware does: the exchange and how many bytes it took.
    ///
    /// # Panics
    /// The bytes are not those of a request from here.
    pub(super) fn take(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head = std::str::from_utf8(&bytes[..end]).expect("a head of text");
        let field = |name: &str| {
            let line = head.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("no {name:?} in {head:?}")).trim()
        };
        let upload: usize = field("Content-Length:").parse().expect("a length");
        if bytes.len() < end + upload {
            return None;
        }
        let words: Vec<_> = field("X-Exchange:").split(' ').collect();
        let exchange = Self {
            client: words[0].parse().unwrap(),
            number: words[1].parse().unwrap(),
            class: Class::ALL
                .into_iter()
                .find(|class| head.starts_with(&format!("POST {} ", path(*class))))
                .unwrap(),
            upload,
            download: words[2].parse().unwrap(),
            framing: match words[3] {
                "Length" => Framing::Length,
                "Chunked" => Framing::Chunked,
                _ => Framing::UntilClose,
            },
            close: words[4] == "true",
        };
        assert!(
            bytes[..end + upload] == exchange.request(),
            "firmware got another request than {exchange:?}"
        );
        Some((exchange, end + upload))
    }
}

/// The path that a rule of the simulated configuration turns into the class.
pub(super) fn path(class: Class) -> &'static str {
    match class {
        Class::Watchdog => "/watchdog",
        Class::Health => "/health",
        Class::Interactive => "/other",
        Class::Bulk => "/bulk",
    }
}

/// Bytes that no other exchange has at the same places.
pub(super) fn body(client: u32, number: u32, length: usize, salt: u32) -> Vec<u8> {
    let seed = (u64::from(client) << 32) | (u64::from(number) << 2) | u64::from(salt);
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}
