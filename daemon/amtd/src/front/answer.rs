//! The daemon's own answers to an HTTP client when firmware cannot answer.

use std::time::Duration;

use amtd_apf::mux::{FlowEnd, Refusal};
use bytes::Bytes;

/// The request never reached firmware and may be repeated.
pub(super) fn unavailable(refusal: Refusal, link: &str, retry_after: Duration) -> Bytes {
    let cause = match refusal {
        Refusal::LinkDown | Refusal::NotForwarded(_) => format!("{refusal}: {link}"),
        _ => refusal.to_string(),
    };
    let retry = format!("Retry-After: {}\r\n", retry_after.as_secs().max(1));
    answer("503 Service Unavailable", &retry, &cause)
}

/// The request may have reached firmware, and its answer is lost.
pub(super) fn lost(end: FlowEnd, link: &str) -> Bytes {
    match end {
        FlowEnd::Silent => answer("504 Gateway Timeout", "", &end.to_string()),
        FlowEnd::LinkLost => answer("502 Bad Gateway", "", &format!("{end}: {link}")),
        FlowEnd::Displaced => answer("408 Request Timeout", "", &end.to_string()),
        FlowEnd::Firmware | FlowEnd::Protocol | FlowEnd::Restarted => {
            answer("502 Bad Gateway", "", &end.to_string())
        }
    }
}

fn answer(status: &str, headers: &str, cause: &str) -> Bytes {
    let length = cause.len() + 1;
    Bytes::from(format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{cause}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unavailable_firmware_is_explained_in_one_line() {
        let answer = unavailable(Refusal::LinkDown, "no device\u{e9}", Duration::from_secs(5));
        let text = std::str::from_utf8(&answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 503 "));
        assert!(head.contains("\r\nRetry-After: 5\r\n"));
        assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
        assert_eq!(body, "the AMT firmware cannot be reached: no device\u{e9}\n");
    }
}
