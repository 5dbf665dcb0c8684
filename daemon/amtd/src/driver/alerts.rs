//! Channels that firmware opens to deliver an alert to the host (apf 5.1): read, counted, passed on and closed.
//!
//! An alert is one HTTP POST without an answer. It is read to its end, within bounds, so that firmware is neither
//! refused nor left waiting. The listener gets each alert whole; the driver does not wait for it.

use std::{collections::HashMap, time::Instant};

use amtd_apf::{ChannelId, Event, mux::Mux};
use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::{debug, info, warn};

use super::DriverCounters;

/// Largest alert that is read. Firmware sends about 2 KB (apf 5.1).
const MAX_ALERT: usize = 64 * 1024;

/// Alerts waiting for the listener; further ones are dropped.
const QUEUE: usize = 16;

/// A message that firmware sent of its own accord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its sender, as firmware says.
    pub origin: String,
    /// The HTTP request or the payload of a datagram, unchanged.
    pub content: Bytes,
}

/// Alerts being received. Their number is bounded by the session's limit on such channels.
#[derive(Debug, Default)]
pub(super) struct Alerts {
    open: HashMap<ChannelId, Incoming>,
    listener: Option<mpsc::Sender<Alert>>,
}

#[derive(Debug)]
struct Incoming {
    origin: String,
    content: Vec<u8>,
}

impl Alerts {
    /// Handles an event of a channel that firmware opened.
    pub(super) fn handle(
        &mut self,
        now: Instant,
        mux: &mut Mux,
        counters: &mut DriverCounters,
        event: Event,
    ) {
        match event {
            Event::Direct { channel, originator, .. } => {
                let origin = format!("{}:{}", originator.host, originator.port);
                self.open.insert(channel, Incoming { origin, content: Vec::new() });
            }
            Event::Data { channel, bytes } => {
                mux.direct_delivered(channel, bytes.len());
                let Some(alert) = self.open.get_mut(&channel) else { return };
                alert.content.extend_from_slice(&bytes);
                if is_complete(&alert.content) || alert.content.len() > MAX_ALERT {
                    info!(%channel, bytes = alert.content.len(), "alert from the firmware");
                    counters.alerts += 1;
                    let alert = self.open.remove(&channel);
                    mux.direct_close(now, channel);
                    if let Some(Incoming { origin, content }) = alert {
                        self.tell(origin, content.into());
                    }
                }
            }
            Event::Closed { channel, .. } => {
                if let Some(rest) = self.open.remove(&channel) {
                    debug!(%channel, bytes = rest.content.len(), "the firmware closed an alert before its end");
                }
            }
            other => debug!(?other, "event of the session"),
        }
    }

    /// Passes on alerts from now on.
    pub(super) fn listen(&mut self) -> mpsc::Receiver<Alert> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        self.listener = Some(sender);
        receiver
    }

    /// Passes on an alert or a datagram, if there is a listener.
    pub(super) fn tell(&self, origin: String, content: Bytes) {
        let Some(listener) = &self.listener else { return };
        if listener.try_send(Alert { origin, content }).is_err() {
            warn!("an alert of the firmware is dropped, because too many wait to be handled");
        }
    }

    /// Forgets unfinished alerts: the session is gone, and every channel with it.
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
