//! The HTTP observer as `tests/fuzz` calls it: in pieces, as the relay gets them. Only built with `cfg(fuzzing)`;
//! decides nothing and is called by nobody else.

use std::collections::VecDeque;

use super::http::{Asked, Chunked, RequestSide, ResponseSide, Step};

/// A request that was followed to its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Followed {
    /// Its method.
    pub method: String,
    /// Its target, as it stands in the request.
    pub target: String,
    /// Its body without the frames of chunks.
    pub body: Vec<u8>,
    /// Bytes of the stream up to its end.
    pub end: usize,
}

/// Follows what a client sends. Returns the complete requests, and where the stream became opaque, if it did.
pub fn requests(pieces: &[&[u8]]) -> (Vec<Followed>, Option<usize>) {
    let (mut side, mut followed) = (RequestSide::default(), Vec::new());
    let (mut stream, mut at, mut under_way) = (Vec::new(), 0, None);
    for piece in pieces {
        stream.extend_from_slice(piece);
        while let Some(rest) = stream.get(at..).filter(|rest| !rest.is_empty()) {
            let whole = match side.step(rest) {
                Step::Opaque => return (followed, Some(at)),
                Step::Incomplete => break,
                Step::Head { length, head, whole, .. } => {
                    let (method, target) = (head.method.to_owned(), head.target.to_owned());
                    let request = Followed { method, target, body: Vec::new(), end: 0 };
                    under_way = Some((request, head.chunked.then(Chunked::new)));
                    at += length;
                    whole
                }
                Step::Body { length, whole } => {
                    assert!(length > 0, "the observer stands still at {at}");
                    let raw = &rest[..length];
                    let (request, chunked) = under_way.as_mut().expect("a body belongs to a request");
                    let mut keep = |data: &[u8]| request.body.extend_from_slice(data);
                    match chunked {
                        Some(chunked) => {
                            let fed = chunked.feed(raw, keep).expect("what was counted can be read");
                            assert_eq!(fed, (length, whole));
                        }
                        None => keep(raw),
                    }
                    at += length;
                    whole
                }
            };
            assert!(at <= stream.len(), "the observer is beyond what there is");
            assert_eq!(whole, !side.in_body());
            if whole {
                let (request, _) = under_way.take().expect("an end belongs to a request");
                followed.push(Followed { end: at, ..request });
            }
        }
    }
    (followed, None)
}

/// What became of the answers in what firmware sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Requests that are answered.
    pub finished: usize,
    /// The connection ends with the last of them.
    pub close: bool,
    /// The stream cannot be followed any more.
    pub opaque: bool,
    /// An answer has begun whose end only the connection's end tells.
    pub ends_with_connection: bool,
}

/// Follows what firmware answers to one request after the other; for each, whether its answer has no body (HEAD).
pub fn responses(pieces: &[&[u8]], bodiless: &[bool]) -> Answered {
    let asked = bodiless.iter().map(|&bodiless| Asked { bodiless, close: false });
    let (mut asked, mut side, mut answered): (VecDeque<_>, _, _) =
        (asked.collect(), ResponseSide::default(), Answered::default());
    for piece in pieces {
        let progress = side.feed(piece, &mut asked);
        answered.finished += progress.finished;
        answered.close |= progress.close;
        answered.opaque |= progress.opaque;
    }
    assert_eq!(asked.len() + answered.finished, bodiless.len());
    answered.ends_with_connection = side.ends_with_connection();
    answered
}
