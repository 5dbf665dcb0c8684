//! The responses of one connection. They are forwarded as they come, and only watched here.

use std::collections::VecDeque;

use super::{
    Asked, Framing, MAX_HEAD, MAX_HEADERS,
    body::{Body, Chunked},
};

/// What became of the requests with the bytes just seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::front) struct Progress {
    /// Requests that are answered now.
    pub(in crate::front) finished: usize,
    /// The connection ends with the last of them.
    pub(in crate::front) close: bool,
    /// The bytes could not be followed: from here on the stream is opaque.
    pub(in crate::front) opaque: bool,
}

/// Follows the responses of a connection.
#[derive(Debug)]
pub(in crate::front) struct ResponseSide {
    place: Place,
    close: bool,
}

#[derive(Debug)]
enum Place {
    /// Before or within a head, with the bytes of it so far.
    Head(Vec<u8>),
    Body(Body),
    Opaque,
}

impl Default for ResponseSide {
    fn default() -> Self {
        Self { place: Place::Head(Vec::new()), close: false }
    }
}

impl ResponseSide {
    /// Looks at bytes from firmware. `asked` holds the requests without an answer; those answered are removed.
    pub(in crate::front) fn feed(&mut self, mut bytes: &[u8], asked: &mut VecDeque<Asked>) -> Progress {
        let mut progress = Progress::default();
        while !bytes.is_empty() {
            let taken = match &mut self.place {
                Place::Opaque => break,
                Place::Head(_) => self.head(bytes, asked, &mut progress),
                Place::Body(body) => match body.feed(bytes) {
                    Ok((taken, whole)) => {
                        if whole {
                            self.finish(asked, &mut progress);
                        }
                        Some(taken)
                    }
                    Err(_) => None,
                },
            };
            match taken {
                Some(taken) => bytes = bytes.get(taken..).unwrap_or_default(),
                None => {
                    self.place = Place::Opaque;
                    progress.opaque = true;
                }
            }
        }
        progress
    }

    /// Whether a response has begun and its end is not known from its own bytes.
    pub(in crate::front) fn ends_with_connection(&self) -> bool {
        matches!(self.place, Place::Body(Body::UntilClose) | Place::Opaque)
    }

    /// Whether a response has begun and is not complete.
    pub(in crate::front) fn begun(&self) -> bool {
        !matches!(&self.place, Place::Head(head) if head.is_empty())
    }

    /// Takes bytes of a head. Returns how many of `bytes` belong to it, or `None` if they are no head.
    fn head(&mut self, bytes: &[u8], asked: &mut VecDeque<Asked>, progress: &mut Progress) -> Option<usize> {
        let Place::Head(kept) = &mut self.place else { return None };
        // A response without a request cannot be parsed.
        let request = *asked.front()?;
        let before = kept.len();
        let joined;
        let whole = if kept.is_empty() {
            bytes
        } else {
            joined = [kept, bytes].concat();
            &joined
        };
        match parse(whole, request)? {
            Head::Partial if whole.len() < MAX_HEAD => {
                kept.extend_from_slice(bytes);
                Some(bytes.len())
            }
            Head::Partial => None,
            Head::Interim { length } => {
                kept.clear();
                Some(length.saturating_sub(before))
            }
            Head::Final { length, body, close } => {
                self.close |= close || request.close;
                match body {
                    Some(body) => self.place = Place::Body(body),
                    None => self.finish(asked, progress),
                }
                Some(length.saturating_sub(before))
            }
        }
    }

    fn finish(&mut self, asked: &mut VecDeque<Asked>, progress: &mut Progress) {
        asked.pop_front();
        self.place = Place::Head(Vec::new());
        progress.finished += 1;
        progress.close |= self.close;
    }
}

enum Head {
    Partial,
    /// A 1xx answer: the real one follows.
    Interim {
        length: usize,
    },
    Final {
        length: usize,
        body: Option<Body>,
        close: bool,
    },
}

fn parse(bytes: &[u8], request: Asked) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    // A header that goes on in the next line is old, and to be understood all the same (RFC 9112, 5.2).
    let mut parser = httparse::ParserConfig::default();
    parser.allow_obsolete_multiline_headers_in_responses(true);
    let length = match parser.parse_response(&mut response, bytes).ok()? {
        httparse::Status::Complete(length) => length,
        httparse::Status::Partial => return Some(Head::Partial),
    };
    let status = response.code?;
    match status {
        // The connection speaks something else from here.
        101 => return None,
        100..=199 => return Some(Head::Interim { length }),
        _ => {}
    }
    let framing = Framing::read(response.headers).ok()?;
    let body = if request.bodiless || matches!(status, 204 | 304) || framing.length == Some(0) {
        None
    } else if framing.chunked {
        Some(Body::Chunked(Chunked::new()))
    } else {
        Some(framing.length.map_or(Body::UntilClose, Body::Length))
    };
    Some(Head::Final { length, body, close: framing.ends_connection(response.version?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Asked = Asked { bodiless: false, close: false };
    const HEAD: Asked = Asked { bodiless: true, close: false };

    /// Feeds whole and then in two pieces at every place; the outcome must be the same.
    fn watch(bytes: &[u8], requests: &[Asked]) -> (Progress, usize) {
        let run = |pieces: &[&[u8]]| {
            let mut side = ResponseSide::default();
            let mut asked = requests.iter().copied().collect::<VecDeque<_>>();
            let mut total = Progress::default();
            for piece in pieces {
                let progress = side.feed(piece, &mut asked);
                total.finished += progress.finished;
                total.close |= progress.close;
                total.opaque |= progress.opaque;
            }
            (total, asked.len())
        };
        let whole = run(&[bytes]);
        for cut in 0..bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(run(&[left, right]), whole, "cut at {cut}");
        }
        whole
    }

    fn finished(finished: usize) -> Progress {
        Progress { finished, ..Progress::default() }
    }

    #[test]
    fn each_framing_ends_where_it_says() {
        let length = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
        let empty = b"HTTP/1.1 204 No Content\r\nX-Folded: a\r\n b\r\n\r\n";
        assert_eq!(watch(length, &[GET]), (finished(1), 0));
        assert_eq!(watch(chunked, &[GET]), (finished(1), 0));
        assert_eq!(watch(empty, &[GET]), (finished(1), 0));
        let both = [&length[..], chunked, empty].concat();
        assert_eq!(watch(&both, &[GET, GET, GET]), (finished(3), 0));
    }

    #[test]
    fn a_response_to_head_has_no_body_whatever_it_says() {
        assert_eq!(watch(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", &[HEAD]), (finished(1), 0));
    }

    #[test]
    fn an_interim_response_does_not_answer() {
        let bytes = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
        assert_eq!(watch(bytes, &[GET]), (finished(1), 0));
    }

    #[test]
    fn a_body_that_ends_with_the_connection_never_finishes() {
        let bytes = b"HTTP/1.0 200 OK\r\n\r\nabc";
        assert_eq!(watch(bytes, &[GET]), (Progress::default(), 1));
        let mut side = ResponseSide::default();
        side.feed(bytes, &mut VecDeque::from([GET]));
        assert!(side.ends_with_connection());
    }

    #[test]
    fn a_connection_that_firmware_will_close_is_not_kept() {
        let bytes = b"HTTP/1.1 401 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(watch(bytes, &[GET]), (Progress { close: true, ..finished(1) }, 0));
        let asked_to = Asked { close: true, ..GET };
        let kept = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(watch(kept, &[asked_to]), (Progress { close: true, ..finished(1) }, 0));
    }

    #[test]
    fn what_is_not_a_response_is_opaque() {
        let opaque = Progress { opaque: true, ..Progress::default() };
        assert_eq!(watch(b"\x15\x03\x01\x00\x02", &[GET]), (opaque, 1));
        assert_eq!(watch(b"HTTP/1.1 101 Switching Protocols\r\n\r\nxyz", &[GET]), (opaque, 1));
        assert_eq!(watch(b"unasked", &[]), (opaque, 0));
    }
}
