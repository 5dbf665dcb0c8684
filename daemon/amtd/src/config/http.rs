//! `[http]`: health, status and metrics.

use std::net::SocketAddr;

use super::{
    Period,
    section::{Problem, milliseconds, minutes, seconds, section},
};

section! {
    /// Health, status and metrics over HTTP, on `http.sock` in the runtime directory.
    struct Http {
        /// A loopback address and port on which the same is served over TCP.
        listen: Option<SocketAddr> = None, example "\"127.0.0.1:9164\"";
        /// Connections at once, on the socket and on `listen` each. For one more, the oldest of whoever has most is closed.
        max_connections: usize = 64, allowed 1..=1024;
        /// How long one connection may take from its start to its end. It carries one request.
        request_limit: Period = seconds(2), allowed milliseconds(100)..=minutes(10);
        /// How long the driver of the link may take to answer. Then it counts as stuck, and the status shows what it
        /// last said.
        driver_limit: Period = seconds(1), allowed milliseconds(10)..=minutes(1);
    }
    check loopback;
}

fn loopback(section: &Http) -> Option<Problem> {
    let address = section.listen.filter(|address| !address.ip().is_loopback())?;
    let text =
        format!("{address} is not allowed; allowed: a loopback address and port, as in \"127.0.0.1:9164\"");
    Some(Problem::new("listen", text))
}
