//! `[front]`: the local ports and the clients on them.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{
    Period,
    section::{Problem, hours, milliseconds, minutes, seconds, section},
};

section! {
    /// The local ports on which clients are served.
    struct Front {
        /// Ports that are served from the start, whether firmware has asked for them or not, so that clients find the
        /// daemon while the link is down. Other ports are served when firmware asks for them.
        ports: Vec<u16> = vec![16_992, 16_993];
        /// Ports of firmware on which no HTTP can be seen: TLS (16993, 664) and redirection (16994, 16995). Their bytes
        /// are passed on at once, and a quiet connection keeps its channel unless others wait (`queue.opaque_rest`).
        opaque_ports: Vec<u16> = vec![664, 16_993, 16_994, 16_995];
        /// Addresses on which each port is served. Only addresses of this machine's loopback are allowed: firmware
        /// treats what comes this way as local.
        addresses: Vec<IpAddr> = vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        /// Local ports that stand in for the firmware's ports, as in `{ 16992 = 26992, 16993 = 0 }`, to run beside another
        /// service or without privilege for port 623. 0 stands for any free port; the status shows which.
        remap: BTreeMap<u16, u16> = BTreeMap::new();
        /// First pause before a port that could not be bound is tried again. It doubles.
        bind_retry_first: Period = seconds(1), allowed milliseconds(10)..=hours(1);
        /// Longest pause before a port that could not be bound is tried again.
        bind_retry_max: Period = seconds(30), allowed milliseconds(10)..=hours(1);
        /// Clients that the kernel keeps for the daemon on each port before it accepts them.
        backlog: u32 = 1024, allowed 1..=65_535;
        /// Bytes that the kernel may keep for each client, in either direction. A client that takes no more than that holds
        /// firmware back.
        socket_buffer: usize = 131_072, allowed 4096..=1 << 24;
        /// Client connections at once. More wait in the backlog.
        max_connections: usize = 2048, allowed 1..=65_536;
        /// Client connections of one user's processes at once. More are closed.
        max_connections_per_peer: usize = 1024, allowed 1..=65_536;
        /// How long a connection may take to its first byte, and the head of an HTTP request from its first byte.
        head_wait: Period = seconds(30), allowed milliseconds(1)..=hours(1);
        /// Most bytes of a request that are held back while its class is not known; `[classes]` says what decides. No more
        /// than `apf.tx_buffer` are held in any case.
        classify_limit: usize = 16_384, allowed 0..=65_536;
        /// How long a request is held back while its class is not known. Then the class that is known so far decides.
        classify_wait: Period = seconds(1), allowed milliseconds(0)..=minutes(1);
        /// How long a client may rest between two requests.
        idle: Period = minutes(15), allowed milliseconds(1)..=hours(168);
        /// How long a client may take nothing of what waits for it.
        client_stall: Period = minutes(5), allowed milliseconds(1)..=hours(24);
        /// After a client ended its side of a stream that nobody can follow, such as TLS: silence of firmware, once it has
        /// answered, after which the answer counts as complete.
        half_close_quiet: Period = seconds(1), allowed milliseconds(1)..=minutes(1);
        /// After a client ended its side in the middle of an exchange: how long firmware may be silent.
        half_close_limit: Period = seconds(10), allowed milliseconds(1)..=hours(1);
        /// How long a client's last bytes are read and dropped after firmware closed, so that the kernel does not
        /// reset the connection over them and destroy the end of the response.
        drain_after_close: Period = seconds(3), allowed milliseconds(1)..=minutes(10);
        /// The `Retry-After` of a 503, when firmware cannot be reached.
        retry_after: Period = seconds(5), allowed seconds(1)..=hours(1);
    }
    check problems;
}

/// Port 0 in a list of ports that are named to firmware.
pub(super) fn port_zero(key: &'static str, ports: &[u16]) -> Option<Problem> {
    ports.contains(&0).then(|| Problem::new(key, "0 is not allowed; allowed: 1 to 65535"))
}

fn problems(section: &Front) -> Vec<Problem> {
    let foreign = section.addresses.iter().find(|address| !address.is_loopback());
    let allowed = "allowed: loopback addresses, as in \"127.0.0.1\" and \"::1\"";
    [
        port_zero("ports", &section.ports),
        port_zero("opaque_ports", &section.opaque_ports),
        section.remap.contains_key(&0).then(|| {
            Problem::new("remap", "firmware port 0 is not allowed; allowed: 1 to 65535 = 0 to 65535")
        }),
        foreign.map(|address| Problem::new("addresses", format!("{address} is not allowed; {allowed}"))),
        section
            .addresses
            .is_empty()
            .then(|| Problem::new("addresses", format!("must not be empty; {allowed}"))),
        (section.half_close_quiet > section.half_close_limit).then(|| {
            let text = format!("must not exceed half_close_limit, which is {}", section.half_close_limit);
            Problem::new("half_close_quiet", text)
        }),
        (section.bind_retry_first > section.bind_retry_max).then(|| {
            let text = format!("must not exceed bind_retry_max, which is {}", section.bind_retry_max);
            Problem::new("bind_retry_first", text)
        }),
    ]
    .into_iter()
    .flatten()
    .collect()
}
