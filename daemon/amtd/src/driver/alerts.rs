//! Channels that firmware opens to deliver an alert to the host (apf 5.1): taken, counted and closed.
//!
//! An alert is one HTTP POST without an answer. It is read to its end, within bounds, so that firmware is neither
//! refused nor left waiting.

use std::{collections::HashMap, time::Instant};

use amtd_apf::{ChannelId, Event, mux::Mux};
use tracing::{debug, info};

use super::DriverCounters;

/// Largest alert that is read. Firmware sends about 2 KB (apf 5.1).
const MAX_ALERT: usize = 64 * 1024;

/// Alerts under way. Their number is bounded by the session's limit on such channels.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    open: HashMap<ChannelId, Vec<u8>>,
}

impl Alerts {
    /// Takes the events of channels that firmware opened.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        mux: &mut Mux,
        counters: &mut DriverCounters,
        event: Event,
    ) {
        match event {
            Event::Direct { channel, .. } => {
                self.open.insert(channel, Vec::new());
            }
            Event::Data { channel, bytes } => {
                mux.direct_delivered(channel, bytes.len());
                let Some(alert) = self.open.get_mut(&channel) else { return };
                alert.extend_from_slice(&bytes);
                if is_complete(alert) || alert.len() > MAX_ALERT {
                    info!(%channel, bytes = alert.len(), "alert from the firmware");
                    counters.alerts += 1;
                    self.open.remove(&channel);
                    mux.direct_close(now, channel);
                }
            }
            Event::Closed { channel, .. } => {
                if let Some(rest) = self.open.remove(&channel) {
                    debug!(%channel, bytes = rest.len(), "the firmware closed an alert before its end");
                }
            }
            other => debug!(?other, "event of the session"),
        }
    }

    /// The session is gone and every channel with it.
    pub(super) fn clear(&mut self) {
        self.open.clear();
    }
}

/// Whether the bytes hold a whole HTTP request with a Content-Length body.
fn is_complete(bytes: &[u8]) -> bool {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(head)) = request.parse(bytes) else { return false };
    let body = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .and_then(|header| std::str::from_utf8(header.value).ok()?.trim().parse::<usize>().ok());
    body.is_some_and(|body| bytes.len() - head >= body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_in_pieces_is_complete_only_with_its_last_byte() {
        let alert = b"POST / HTTP/1.1\r\nHost: localhost:0\r\nContent-Length: 3\r\n\r\nabc";
        for cut in 0..alert.len() {
            assert!(!is_complete(alert.get(..cut).unwrap()), "{cut}");
        }
        assert!(is_complete(alert));
    }
}
