//! Tests of the request parser: framing, limits, and that no cut of the stream changes the outcome.

use proptest::prelude::*;

use super::*;

/// What came out, in a form that can be compared.
fn summary(incoming: &[Incoming]) -> Vec<String> {
    incoming
        .iter()
        .map(|incoming| match incoming {
            Incoming::Handshake => unreachable!("the parser makes none"),
            Incoming::Continue => "continue".into(),
            Incoming::Refused(refusal) => format!("{refusal:?}"),
            Incoming::Message(message) => {
                let body = match &message.payload {
                    Payload::Collected(body) => String::from_utf8_lossy(body).into_owned(),
                    Payload::Counted { bytes, crc } => format!("{bytes} {:08x}", crc.clone().finalize()),
                };
                format!(
                    "{:?} {} {} {body}",
                    message.head.method, message.head.target, message.head.keep_alive
                )
            }
        })
        .collect()
}

fn parse(input: &[u8]) -> Vec<String> {
    summary(&Parser::default().feed(input))
}

#[test]
fn bodies_are_framed_by_length_and_by_chunks() {
    let request = "POST /wsman HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(parse(request.as_bytes()), ["Post /wsman true hello"]);
    let request = "POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\
                   2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nTrailer: 1\r\n\r\n";
    assert_eq!(parse(request.as_bytes()), ["Post /wsman true hello"]);
}

#[test]
fn requests_that_do_not_wait_come_out_in_order() {
    let request = "GET / HTTP/1.1\r\n\r\nPOST /wsman HTTP/1.1\r\nContent-Length: 2\r\n\r\nab\r\n\
                   POST /wsman HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n\r\n";
    let expected = ["Get / true ", "Post /wsman true ab", "Post /wsman true ", "Get /x true "];
    assert_eq!(parse(request.as_bytes()), expected);
}

#[test]
fn connection_ends_as_the_request_says() {
    let after = "\r\n\r\nGET /2 HTTP/1.1\r\n\r\n";
    for (head, expected) in [
        ("GET /1 HTTP/1.1\r\nConnection: close", &["Get /1 false "][..]),
        ("GET /1 HTTP/1.1\r\nConnection: keep-alive, Close", &["Get /1 false "]),
        ("GET /1 HTTP/1.0\r\nA: b", &["Get /1 false "]),
        ("GET /1 HTTP/1.0\r\nConnection: Keep-Alive", &["Get /1 true ", "Get /2 true "]),
    ] {
        assert_eq!(parse(format!("{head}{after}").as_bytes()), expected, "{head}");
    }
}

#[test]
fn client_that_expects_it_is_told_to_continue_before_its_body() {
    let mut parser = Parser::default();
    let head = "POST /wsman HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    assert_eq!(summary(&parser.feed(head.as_bytes())), ["continue"]);
    assert_eq!(summary(&parser.feed(b"ok")), ["Post /wsman true ok"]);
    let without_body = "POST /wsman HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(parse(without_body.as_bytes()), ["Post /wsman true "]);
}

#[test]
fn sink_counts_any_length_without_keeping_it() {
    let mut parser = Parser::default();
    let head = format!("POST /sim/sink HTTP/1.1\r\nContent-Length: {}\r\n\r\n", 10 * MAX_BODY);
    assert!(parser.feed(head.as_bytes()).is_empty());
    let mut out = Vec::new();
    (0..10).for_each(|_| out.extend(parser.feed(&vec![b'x'; MAX_BODY])));
    let mut crc = crc32fast::Hasher::new();
    crc.update(&vec![b'x'; 10 * MAX_BODY]);
    assert_eq!(summary(&out), [format!("Post /sim/sink true {} {:08x}", 10 * MAX_BODY, crc.finalize())]);
}

#[test]
fn unclear_or_damaged_framing_is_refused_once() {
    let after = "GET / HTTP/1.1\r\n\r\n";
    for (request, expected) in [
        ("\x16\x03\x01\x02\x00\x01\x00\x01\r\n\r\n", "NotHttp"),
        ("hello\r\n\r\n", "NotHttp"),
        ("GET / HTTP/2.0\r\n\r\n", "Version"),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "Length"),
        ("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "Length"),
        ("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n", "Length"),
        ("POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "Length"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "TransferCoding"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "Chunk"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "Chunk"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "Chunk"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n", "BodyTooLarge"),
    ] {
        assert_eq!(parse(format!("{request}{after}").as_bytes()), [expected], "{request:?}");
    }
}

#[test]
fn everything_has_a_limit() {
    let long = "x".repeat(2 * MAX_HEAD);
    let fields = "A: b\r\n".repeat(MAX_FIELDS + 1);
    let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (request, expected) in [
        (format!("GET /{long} HTTP/1.1\r\n\r\n"), "HeadTooLarge"),
        (format!("GET / HTTP/1.1\r\n{fields}\r\n"), "HeadTooLarge"),
        ("\r\n".repeat(MAX_HEAD), "HeadTooLarge"),
        (format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n", MAX_BODY + 1), "BodyTooLarge"),
        (format!("{chunked}{:x}\r\n", MAX_BODY + 1), "BodyTooLarge"),
        (format!("{chunked}1;{long}\r\nx\r\n"), "Chunk"),
        (format!("{chunked}0\r\n{long}\r\n\r\n"), "Chunk"),
    ] {
        assert_eq!(parse(request.as_bytes()), [expected], "{request:.60}");
    }
    let longest = format!("POST / HTTP/1.1\r\nContent-Length: {MAX_BODY}\r\n\r\n{}", "y".repeat(MAX_BODY));
    assert_eq!(parse(longest.as_bytes()).len(), 1);
}

/// Parts that requests are made of, right and wrong ones, so that random joins get past the first byte.
fn part() -> impl Strategy<Value = Vec<u8>> {
    let parts: [&[u8]; 18] = [
        b"POST /wsman HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\n",
        b"POST /sim/sink HTTP/1.0\r\n",
        b"GET http://amt:16992/index.htm?a HTTP/1.1\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 70000\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: keep-alive\r\n",
        b"Authorization: Digest username=\"admin\"\r\n",
        b"\r\n",
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"\n",
        b"\r",
        b":",
        b"\x80",
    ];
    prop_oneof![8 => proptest::sample::select(parts.to_vec()).prop_map(<[u8]>::to_vec), 1 => any::<Vec<u8>>()]
}

proptest! {
    /// Whatever arrives, however it is cut, nothing panics and the cut does not show.
    #[test]
    fn cuts_do_not_change_what_is_understood(
        parts in proptest::collection::vec(part(), 0..12),
        cuts in proptest::collection::vec(1..40usize, 1..20),
    ) {
        let input = parts.concat();
        let whole = parse(&input);
        let (mut parser, mut rest, mut pieces) = (Parser::default(), &input[..], Vec::new());
        for length in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*length).min(rest.len()));
            pieces.extend(parser.feed(piece));
            rest = after;
        }
        prop_assert_eq!(summary(&pieces), whole);
    }
}
