//! Measures the simulator over a direct connection, without a forwarder: small exchanges per second and download speed.
//!
//! Run it with `cargo run --release -p amt-sim --example direct_link`. Whatever is put in front of the simulator can at best
//! reach these figures.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use amt_sim::config::{ReceiveCredit, SimConfig};
use amt_sim::host::ApfHost;
use amt_sim::{Simulator, StartError};

/// How long each figure is measured.
const TIME: Duration = Duration::from_secs(2);
const DOWNLOAD: u64 = 256 * 1024 * 1024;
const ECHO_PORT: u16 = 7;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = std::env::temp_dir().join(format!("amt-sim-direct-{}", std::process::id()));
    std::fs::create_dir_all(&directory)?;
    let outcome = measure(&directory.join("mei"));
    std::fs::remove_dir_all(&directory)?;
    outcome
}

fn measure(socket: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for credit in [ReceiveCredit::One, ReceiveCredit::Buffer] {
        println!("host may leave unread: {credit:?}");
        let rate = with_simulator(socket, credit, (4096, 1400), |host| {
            exchanges(host, ECHO_PORT, &[b'x'; 100], 100)
        })?;
        println!("  100-byte echo               {rate:>9.0} per second");
        let request = b"GET /sim/bulk/100 HTTP/1.1\r\nHost: amt\r\n\r\n";
        let rate = with_simulator(socket, credit, (4096, 1400), |host| {
            let head = response_length(host, request)?;
            exchanges(host, 16992, request, head)
        })?;
        println!("  GET of 100 bytes, kept      {rate:>9.0} per second");
        let rate = with_simulator(socket, credit, (4096, 1400), |host| {
            let head = response_length(host, request)?;
            parallel_exchanges(host, request, head)
        })?;
        println!("  the same, 7 channels        {rate:>9.0} per second");
        for (max_message, max_frame) in [(5120, 1400), (5120, 5111), (16384, 16375)] {
            let rate = with_simulator(socket, credit, (max_message, max_frame), download)?;
            println!("  download, frames of {max_frame:>5}   {rate:>9.0} MB per second");
        }
    }
    Ok(())
}

fn with_simulator<T>(
    socket: &Path,
    credit: ReceiveCredit,
    (max_message, max_frame): (usize, usize),
    measure: impl FnOnce(&mut ApfHost) -> io::Result<T>,
) -> Result<T, Box<dyn std::error::Error>> {
    let mut config = SimConfig::new(socket);
    config.apf.max_message = max_message;
    config.apf.max_frame = max_frame;
    config.apf.echo_ports = vec![ECHO_PORT];
    config.mei.receive_credit = Some(credit);
    let simulator = Simulator::start(config).map_err(|error: StartError| Box::new(error))?;
    let mut host = ApfHost::start(socket, 3)?;
    let outcome = measure(&mut host)?;
    let violations = simulator.request(serde_json::json!({ "do": "violations" }));
    if violations["total"] != 0 {
        return Err(format!("the host broke the protocol: {violations}").into());
    }
    Ok(outcome)
}

/// Round trips per second on one channel.
fn exchanges(host: &mut ApfHost, port: u16, request: &[u8], response: u64) -> io::Result<f64> {
    host.keep_input = false;
    let channel = host.open(port, 65536)?;
    let (start, mut count) = (Instant::now(), 0);
    while start.elapsed() < TIME {
        host.write(channel, request)?;
        count += 1;
        while host.channels[&channel].received < count * response {
            host.pump()?;
        }
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

/// Round trips per second, with a request outstanding on each of seven channels.
fn parallel_exchanges(host: &mut ApfHost, request: &[u8], response: u64) -> io::Result<f64> {
    host.keep_input = false;
    let channels = (0..7).map(|_| host.open(16992, 65536)).collect::<io::Result<Vec<_>>>()?;
    let mut sent = vec![0; channels.len()];
    let start = Instant::now();
    while start.elapsed() < TIME {
        for (channel, sent) in channels.iter().zip(&mut sent) {
            if host.channels[channel].received == *sent * response {
                host.write(*channel, request)?;
                *sent += 1;
            }
        }
        host.pump()?;
    }
    Ok(sent.iter().sum::<u64>() as f64 / start.elapsed().as_secs_f64())
}

/// Length of a whole response in bytes.
fn response_length(host: &mut ApfHost, request: &[u8]) -> io::Result<u64> {
    let channel = host.open(16992, 65536)?;
    host.write(channel, request)?;
    loop {
        host.pump()?;
        let book = &host.channels[&channel];
        if let Some(end) = book.input.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(end as u64 + 4 + 100);
        }
    }
}

/// Megabytes per second of one download with a window of 64 KiB.
fn download(host: &mut ApfHost) -> io::Result<f64> {
    host.keep_input = false;
    let channel = host.open(16992, 65536)?;
    let start = Instant::now();
    host.write(channel, format!("GET /sim/bulk/{DOWNLOAD} HTTP/1.1\r\nHost: amt\r\n\r\n").as_bytes())?;
    while host.channels[&channel].received < DOWNLOAD {
        host.pump()?;
    }
    Ok(DOWNLOAD as f64 / 1e6 / start.elapsed().as_secs_f64())
}
