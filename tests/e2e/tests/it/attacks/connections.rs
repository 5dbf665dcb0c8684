//! Attacks on firmware's own ports: connections that are many, slow, endless or silent.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use amtd_e2e::{Rig, Setup, stream};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, request};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{Attack, Siege, as_stranger, beside, front, is_stranger};

/// Clients that drip, at once.
const DRIPPING: usize = 300;
/// Connections of the flood, if this process may have so many.
const FLOOD: usize = 10_000;
/// Exchanges of the client beside an attack.
const HONEST: usize = 20;

/// A client that is served beside an attack of another user.
fn serve_beside(rig: &Rig, attack: impl FnOnce(&Attack) + Send) {
    beside(|going_on| as_stranger(|| attack(going_on)), || (0..HONEST).for_each(|_| rig.assert_serves()));
}

/// A client that sends one byte now and then, and comes back when it is thrown out.
struct Dripping {
    address: SocketAddr,
    stream: TcpStream,
    comebacks: usize,
}

impl Dripping {
    fn new(address: SocketAddr) -> Self {
        Self { address, stream: connect(address), comebacks: 0 }
    }

    /// Sends the next bytes of what never ends.
    fn drip(&mut self, bytes: &[u8]) {
        let closed = match self.stream.read(&mut [0; 512]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        let lost = matches!(self.stream.write(bytes), Err(error) if error.kind() != ErrorKind::WouldBlock);
        if closed || lost {
            self.stream = connect(self.address);
            self.comebacks += 1;
        }
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = stream::open(address);
    stream.set_nonblocking(true).unwrap();
    stream
}

#[test]
fn slowloris_costs_no_channel_and_is_thrown_out_again_and_again() {
    let setup = Setup { front: "head_wait = \"300ms\"\n".into(), ..Setup::default() };
    let rig = setup.start();
    let siege = Siege::begin(&rig);
    let address = rig.address(16992);
    serve_beside(&rig, |attack| {
        let mut clients: Vec<_> = (0..DRIPPING).map(|_| Dripping::new(address)).collect();
        let drip = |clients: &mut [Dripping]| {
            clients.iter_mut().for_each(|client| client.drip(b"G"));
            siege.assert_bounded(DRIPPING as u64 * 2);
        };
        while attack.goes_on() {
            drip(&mut clients);
        }
        let deadline = Instant::now() + PATIENCE;
        while clients.iter().any(|client| client.comebacks < 2) {
            assert!(Instant::now() < deadline, "not every client was thrown out twice");
            drip(&mut clients);
        }
        assert_eq!(rig.status()["slots"]["opening"], 0, "half a head holds no channel");
    });
    siege.lifted();
}

#[test]
fn ten_thousand_connections_are_bounded_and_leave_room_for_others() {
    let rig = Rig::start();
    let siege = Siege::begin(&rig);
    let address = rig.address(16992);
    let page = request("GET", "/logon.htm", &[], b"");
    let mut honest = rig.web();
    assert_eq!(honest.exchange(&page).unwrap().status(), 200);
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    let room = usize::try_from(hard).unwrap_or(usize::MAX).saturating_sub(4_000);
    let flood: Vec<TcpStream> = as_stranger(|| (0..FLOOD.min(room)).map(|_| stream::open(address)).collect());
    let beyond = (flood.len() as u64).saturating_sub(1_024);
    rig.await_status("the end of the flood", |status| front(status, "over_limit") >= beyond);
    siege.assert_bounded(1_024 + 1);
    assert_eq!(honest.exchange(&page).unwrap().status(), 200);
    assert_eq!(rig.daemon.http("/healthz").unwrap().status(), 200);
    if is_stranger() {
        rig.assert_serves();
    }
    assert_eq!(siege.count("too many connections"), 1);
    drop((flood, honest));
    siege.lifted();
}

#[test]
fn head_without_end_is_bounded_and_keeps_nobody_from_firmware() {
    let setup = Setup { config: "[queue]\nopaque_rest = \"200ms\"\n".into(), ..Setup::default() };
    let rig = setup.start();
    let siege = Siege::begin(&rig);
    let address = rig.address(16992);
    let line = format!("X-Endless: {}\r\n", "x".repeat(1_000)).into_bytes();
    serve_beside(&rig, |attack| {
        let mut clients: Vec<_> = (0..16).map(|_| Dripping::new(address)).collect();
        clients.iter_mut().for_each(|client| client.drip(b"GET / HTTP/1.1\r\n"));
        while attack.goes_on() {
            clients.iter_mut().for_each(|client| client.drip(&line));
            siege.assert_bounded(64);
        }
    });
    siege.lifted();
}

#[test]
fn body_that_never_comes_keeps_nobody_from_firmware() {
    let setup = Setup { config: "[queue]\nopaque_rest = \"200ms\"\n".into(), ..Setup::default() };
    let rig = setup.start();
    let siege = Siege::begin(&rig);
    let address = rig.address(16992);
    let lengths = ["Content-Length: 1000000000000", "Transfer-Encoding: chunked"];
    serve_beside(&rig, |attack| {
        let mut clients: Vec<_> = (0..32).map(|_| Dripping::new(address)).collect();
        for (place, client) in clients.iter_mut().enumerate() {
            client.drip(format!("POST /sim/sink HTTP/1.1\r\n{}\r\n\r\n", lengths[place % 2]).as_bytes());
        }
        while attack.goes_on() {
            siege.assert_bounded(64);
        }
    });
    siege.lifted();
}

#[test]
fn bodies_that_never_end_keep_no_other_user_from_firmware() {
    if !is_stranger() {
        // Among the transfers of one user those that move are all alike.
        return eprintln!("not run: it takes root to be two users");
    }
    // A client that goes while firmware takes none of its body is found out by firmware's silence: no half-closed client, which
    // may still wait for its answer, looks different.
    let config = "[queue]\nopaque_rest = \"200ms\"\nresponse_wait = \"8s\"\n".into();
    let setup = Setup { config, ..Setup::default() };
    let rig = setup.start();
    let siege = Siege::begin(&rig);
    let address = rig.address(16992);
    serve_beside(&rig, |attack| {
        let head = b"POST /sim/sink HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n";
        let begin = || {
            let mut client = Dripping::new(address);
            client.drip(head);
            client
        };
        let mut clients: Vec<_> = (0..16).map(|_| begin()).collect();
        while attack.goes_on() {
            for client in &mut clients {
                client.drip(&[b'x'; 4096]);
                if client.comebacks > 0 {
                    *client = begin();
                }
            }
        }
        siege.assert_bounded(64);
    });
    siege.lifted();
}

#[test]
fn answers_that_nobody_reads_keep_nobody_from_firmware() {
    let setup = Setup { config: "[queue]\nopaque_rest = \"200ms\"\n".into(), ..Setup::default() };
    let rig = setup.start();
    let siege = Siege::begin(&rig);
    let address = rig.address(16992);
    serve_beside(&rig, |attack| {
        let ask = request("GET", "/sim/bulk/1000000000", &[], b"");
        let _clients: Vec<_> = (0..64)
            .map(|_| {
                let mut client = Connection::over(stream::open(address));
                client.send(&ask).unwrap();
                client
            })
            .collect();
        while attack.goes_on() {
            siege.assert_bounded(128);
        }
    });
    siege.lifted();
}
