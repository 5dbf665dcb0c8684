//! The requests of one connection.

use super::{
    Asked, Framing, MAX_HEAD, MAX_HEADERS,
    body::{Body, Chunked},
};

/// What the next bytes of a client are.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::front) enum Step<'a> {
    /// An incomplete head: nothing is known before more bytes come.
    Incomplete,
    /// So many bytes are the head of a request; a body follows unless `whole`.
    Head { length: usize, asked: Asked, head: Head<'a>, whole: bool },
    /// So many bytes are body; with them the request is complete, or not.
    Body { length: usize, whole: bool },
    /// Not HTTP, from here to the end.
    Opaque,
}

/// What a head says of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::front) struct Head<'a> {
    pub(in crate::front) method: &'a str,
    /// As written in the request: a path with a query, or a whole URI.
    pub(in crate::front) target: &'a str,
    /// Bytes of the body, if the head says how many.
    pub(in crate::front) size: Option<u64>,
    /// The body comes in chunks.
    pub(in crate::front) chunked: bool,
    /// The body may come only after an interim answer (`Expect: 100-continue`).
    pub(in crate::front) expects: bool,
}

/// Follows the requests of a connection.
#[derive(Debug, Default)]
pub(in crate::front) struct RequestSide {
    body: Option<Body>,
    opaque: bool,
}

impl RequestSide {
    /// Looks at the next bytes, which start where the last step ended.
    pub(in crate::front) fn step<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        let step = match &mut self.body {
            _ if self.opaque => Step::Opaque,
            Some(body) => match body.feed(bytes) {
                Ok((length, whole)) => Step::Body { length, whole },
                Err(_) => Step::Opaque,
            },
            None => self.head(bytes),
        };
        match step {
            Step::Body { whole: true, .. } => self.body = None,
            Step::Opaque => self.opaque = true,
            _ => {}
        }
        step
    }

    /// Whether the next byte belongs to a request that began before.
    pub(in crate::front) fn in_body(&self) -> bool {
        self.body.is_some()
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> Step<'a> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < MAX_HEAD => return Step::Incomplete,
            Ok(httparse::Status::Partial) | Err(_) => return Step::Opaque,
        };
        let Ok(framing) = Framing::read(request.headers) else { return Step::Opaque };
        let method = request.method.unwrap_or_default();
        if method.eq_ignore_ascii_case("connect") {
            return Step::Opaque;
        }
        let asked = Asked {
            bodiless: method.eq_ignore_ascii_case("head"),
            close: framing.ends_connection(request.version.unwrap_or(1)),
        };
        self.body = match (framing.chunked, framing.length) {
            (true, _) => Some(Body::Chunked(Chunked::new())),
            (false, Some(length)) if length > 0 => Some(Body::Length(length)),
            (false, _) => None,
        };
        let head = Head {
            method,
            target: request.path.unwrap_or_default(),
            size: framing.length,
            chunked: framing.chunked,
            expects: framing.expects,
        };
        Step::Head { length, asked, head, whole: self.body.is_none() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Asked = Asked { bodiless: false, close: false };
    const GET: Head<'_> = Head { method: "GET", target: "/", size: None, chunked: false, expects: false };

    #[test]
    fn pipelined_requests_are_told_apart() {
        let mut side = RequestSide::default();
        let bytes = b"POST /wsman HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n";
        let post = Head { method: "POST", target: "/wsman", size: Some(3), ..GET };
        assert_eq!(side.step(bytes), Step::Head { length: 43, asked: OPEN, head: post, whole: false });
        assert_eq!(side.step(&bytes[43..]), Step::Body { length: 3, whole: true });
        assert_eq!(side.step(&bytes[46..]), Step::Head { length: 18, asked: OPEN, head: GET, whole: true });
    }

    #[test]
    fn a_head_in_pieces_waits_for_its_end() {
        let head = b"GET / HTTP/1.0\r\nHost: x\r\n\r\n";
        for cut in 1..head.len() {
            let mut side = RequestSide::default();
            assert_eq!(side.step(&head[..cut]), Step::Incomplete);
            let asked = Asked { close: true, ..OPEN };
            assert_eq!(side.step(head), Step::Head { length: head.len(), asked, head: GET, whole: true });
        }
    }

    #[test]
    fn what_cannot_be_followed_is_opaque_for_good() {
        let tls = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        let both = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        let twice = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n";
        let signed = b"POST / HTTP/1.1\r\nContent-Length: +3\r\n\r\n";
        let endless = [&b"GET / HTTP/1.1\r\nX: "[..], &[b'x'; MAX_HEAD]].concat();
        for bytes in [&tls[..], both, twice, signed, &endless, b"CONNECT x:1 HTTP/1.1\r\n\r\n"] {
            let mut side = RequestSide::default();
            assert_eq!(side.step(bytes), Step::Opaque, "{}", bytes.escape_ascii());
            assert_eq!(side.step(b"GET / HTTP/1.1\r\n\r\n"), Step::Opaque);
        }
    }

    #[test]
    fn a_client_that_waits_for_leave_to_send_its_body_is_known() {
        let bytes = b"POST / HTTP/1.1\r\nexpect: 100-Continue\r\nContent-Length: 1\r\n\r\n";
        let Step::Head { head, .. } = RequestSide::default().step(bytes) else { panic!("no head") };
        assert!(head.expects);
    }

    #[test]
    fn a_chunked_body_ends_where_its_last_chunk_does() {
        let mut side = RequestSide::default();
        let bytes = b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nG";
        let Step::Head { length, head, whole: false, .. } = side.step(bytes) else { panic!("no head") };
        assert!(head.chunked && head.size.is_none());
        assert_eq!(side.step(&bytes[length..]), Step::Body { length: 12, whole: true });
        assert!(!side.in_body());
    }
}
