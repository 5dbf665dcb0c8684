//! HTTP as it goes by between a client and firmware, in whatever pieces.
//!
//! Hazard: the observer sees a message end where the other end does not (request smuggling by a byte that two readers
//! understand differently), or sees it end elsewhere when the bytes come in other pieces. `hyper` is the second reader:
//! what it accepts must end at the same byte, with the same body, unless the observer has given up following.

#![no_main]

mod shared {
    pub mod script;
}

use std::{
    convert::Infallible,
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex},
};

use amtd::front::fuzzing::{Followed, requests, responses};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Incoming, client, server, service::service_fn};
use libfuzzer_sys::fuzz_target;
use shared::script::{Script, run};

fuzz_target!(|data: &[u8]| {
    let Some(([mode, cut], stream)) = data.split_first_chunk() else { return };
    let pieces = cut_up(stream, usize::from(*cut));
    if mode & 1 == 0 {
        check_requests(stream, &pieces)
    } else {
        check_responses(stream, &pieces, mode & 2 != 0)
    }
});

/// Pieces of a length, so that every boundary is cut at some time; 0 is one piece.
fn cut_up(stream: &[u8], length: usize) -> Vec<&[u8]> {
    if length == 0 { vec![stream] } else { stream.chunks(length).collect() }
}

fn check_requests(stream: &[u8], pieces: &[&[u8]]) {
    let (seen, opaque) = requests(&[stream]);
    let (in_pieces, opaque_in_pieces) = requests(pieces);
    assert_eq!((&in_pieces, opaque_in_pieces.is_some()), (&seen, opaque.is_some()), "the pieces matter");
    let accepted = hyper_requests(stream);
    for (ours, theirs) in seen.iter().zip(&accepted) {
        assert_eq!((&ours.method, &ours.body), (&theirs.method, &theirs.body));
        // Other targets hyper writes in its own way.
        if ours.target.starts_with('/') && !ours.target.contains('#') {
            assert_eq!(ours.target, theirs.target);
        }
    }
    assert!(opaque.is_some() || seen.len() >= accepted.len(), "a request is not seen: {accepted:?}");
}

/// The requests that hyper serves, up to the first that it refuses.
fn hyper_requests(stream: &[u8]) -> Vec<Followed> {
    let accepted = Arc::new(Mutex::new(Vec::new()));
    let books = Arc::clone(&accepted);
    let service = service_fn(move |request: Request<Incoming>| {
        let books = Arc::clone(&books);
        async move {
            let path = request.uri().path_and_query().map(ToString::to_string);
            let (method, target) = (request.method().to_string(), path.unwrap_or_default());
            if let Ok(body) = request.into_body().collect().await {
                let body = body.to_bytes().to_vec();
                books.lock().unwrap().push(Followed { method, target, body, end: 0 });
            }
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    let connection = server::conn::http1::Builder::new().serve_connection(Script::new(stream), service);
    let _ = run(connection);
    std::mem::take(&mut accepted.lock().unwrap())
}

fn check_responses(stream: &[u8], pieces: &[&[u8]], bodiless: bool) {
    let asked = [bodiless, bodiless, false];
    assert_eq!(responses(pieces, &asked), responses(&[stream], &asked), "the pieces matter");
    let first = |length: usize| responses(&[&stream[..length]], &[bodiless]);
    let whole = first(stream.len());
    if whole.finished == 0 {
        // Only the end of the connection ends it, or it is not complete: for hyper, too.
        let complete = hyper_response(stream, bodiless);
        assert!(!complete || whole.ends_with_connection || whole.opaque, "the end of a response is not seen");
        return;
    }
    let (mut before, mut end) = (0, stream.len());
    while end - before > 1 {
        let middle = before + (end - before) / 2;
        if first(middle).finished > 0 { end = middle } else { before = middle }
    }
    if hyper_accepts_head(stream, bodiless) {
        assert!(hyper_response(&stream[..end], bodiless), "a response is seen to end too early, at {end}");
        assert!(!hyper_response(&stream[..before], bodiless), "a response is seen to end too late, at {end}");
    }
}

/// Whether the stream holds a whole response.
fn hyper_response(stream: &[u8], bodiless: bool) -> bool {
    exchange(stream, bodiless) == Some(true)
}

/// Whether hyper follows the response at all: what it refuses needs no end.
fn hyper_accepts_head(stream: &[u8], bodiless: bool) -> bool {
    exchange(stream, bodiless).is_some()
}

/// `None` if hyper finds no head that it accepts, else whether the body came to its end.
fn exchange(stream: &[u8], bodiless: bool) -> Option<bool> {
    run(async {
        let (mut sender, connection) =
            client::conn::http1::handshake::<_, Empty<Bytes>>(Script::new(stream)).await.ok()?;
        let method = if bodiless { "HEAD" } else { "GET" };
        let request = Request::builder().method(method).uri("/").body(Empty::new()).ok()?;
        let answer = async {
            let response = sender.send_request(request).await.ok()?;
            Some(response.into_body().collect().await.is_ok())
        };
        let (mut connection, mut answer) = (pin!(connection), pin!(answer));
        let mut ended = false;
        poll_fn(|cx| {
            ended = ended || connection.as_mut().poll(cx).is_ready();
            answer.as_mut().poll(cx)
        })
        .await
    })
    .flatten()
}
