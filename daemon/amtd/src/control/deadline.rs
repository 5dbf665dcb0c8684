//! How long a call may take: what its caller says in `grpc-timeout`, and what the daemon allows.

use std::time::Duration;

use axum::http::HeaderMap;

/// The header is not what the specification says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadTimeout;

/// The shorter of the two; `None` if neither limits it.
pub(super) fn limit(headers: &HeaderMap, own: Option<Duration>) -> Result<Option<Duration>, BadTimeout> {
    let Some(header) = headers.get("grpc-timeout") else { return Ok(own) };
    let asked = header.to_str().ok().and_then(parse).ok_or(BadTimeout)?;
    Ok(Some(own.map_or(asked, |own| own.min(asked))))
}

/// One to eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let is_number = (1..=8).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    let count: u64 = is_number.then(|| digits.parse().ok()).flatten()?;
    Some(match unit {
        "H" => Duration::from_secs(count * 3600),
        "M" => Duration::from_secs(count * 60),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn with(text: &'static str) -> HeaderMap {
        [("grpc-timeout".parse().unwrap(), HeaderValue::from_static(text))].into_iter().collect()
    }

    #[test]
    fn the_shorter_limit_wins() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(limit(&with("250m"), second), Ok(Some(Duration::from_millis(250))));
        assert_eq!(limit(&with("99999999H"), second), Ok(second));
        assert_eq!(limit(&with("1S"), None), Ok(second));
        assert_eq!(limit(&HeaderMap::new(), second), Ok(second));
        assert_eq!(limit(&HeaderMap::new(), None), Ok(None));
    }

    #[test]
    fn a_timeout_that_makes_no_sense_is_not_taken_for_none() {
        for text in ["", "5", "S", "-1S", "123456789S", "1 S", "1s", "+1S", "1.5S"] {
            assert_eq!(limit(&with(text), None), Err(BadTimeout), "{text}");
        }
        let binary = HeaderValue::from_bytes(&[0xff, b'S']).unwrap();
        let headers = [("grpc-timeout".parse().unwrap(), binary)].into_iter().collect();
        assert_eq!(limit(&headers, None), Err(BadTimeout));
    }
}
