//! Clients that read slowly or not at all, and clients that send without end: what they cost, and that nothing is lost.

use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpStream};

use amtd_e2e::content::{Checker, content};
use amtd_e2e::{Rig, Setup, lme, stream};
use amtd_harness::http::{Connection, request};
use serde_json::json;
use socket2::{Domain, Socket, Type};

/// Memory that the daemon may take for a handful of clients, whatever they do: their windows and buffers, and what the
/// allocator keeps. Far below what flows through it.
const MODEST: u64 = 6 << 20;

#[test]
fn slow_reader_of_32_mb_gets_every_byte_and_costs_no_memory() {
    const LENGTH: usize = 32 << 20;
    let rig = Rig::start();
    let before = rig.daemon.usage().unwrap().resident;
    // The kernel holds next to nothing for it, so that its pace is everybody's.
    let mut client = Connection::over(small_buffers(rig.address(16992)));
    client.send(&request("GET", &format!("/sim/bulk/{LENGTH}?chunked"), &[], b"")).unwrap();
    let mut checker = Checker::default();
    let head = client.receive_into(|piece| {
        checker.take(piece);
        Ok(())
    });
    assert_eq!((head.unwrap().status(), checker.count()), (200, LENGTH));
    let grown = rig.daemon.usage().unwrap().peak_resident.saturating_sub(before);
    assert!(grown < MODEST, "the daemon grew by {grown} bytes");
}

#[test]
fn clients_that_read_nothing_cost_a_window_each_and_block_nobody() {
    const LENGTH: usize = 64 << 20;
    let rig = Rig::start();
    let before = rig.daemon.usage().unwrap().resident;
    let mut stuck: Vec<_> = (0..3)
        .map(|_| {
            let mut client = small_buffers(rig.address(16992));
            client.write_all(&request("GET", &format!("/sim/bulk/{LENGTH}"), &[], b"")).unwrap();
            client
        })
        .collect();
    rig.await_sim("three channels without window", |state| {
        let session = lme(state);
        let channels = session["channels"].as_array().map_or(&[][..], Vec::as_slice);
        channels.iter().filter(|channel| channel["has_output"] == true && channel["may_send"] == 0).count()
            == 3
    });
    let grown = rig.daemon.usage().unwrap().peak_resident.saturating_sub(before);
    assert!(grown < MODEST, "the daemon grew by {grown} bytes");
    // Nor may the kernel take megabytes for each and hide from firmware that nobody reads.
    let taken = rig.stat("/bytes_out");
    assert!(taken < 3 << 20, "firmware could send {taken} bytes that nobody reads");
    rig.assert_serves();

    // One of them reads on, and finds everything in order.
    let mut client = stuck.pop().unwrap();
    let head = stream::read_until(&mut client, b"\r\n\r\n");
    assert!(head.starts_with(b"HTTP/1.1 200 "));
    let mut checker = Checker::default();
    for _ in 0..1000 {
        checker.take(&stream::read_exactly(&mut client, 4321));
    }
}

#[test]
fn client_that_sends_without_end_is_read_only_as_fast_as_firmware_takes() {
    const LENGTH: usize = 24 << 20;
    let rig = Setup { config: "[link]\ntransmit_stall = \"10m\"\n".into(), ..Setup::default() }.start();
    let before = rig.daemon.usage().unwrap().resident;
    rig.sim(json!({"do": "stop-reading"}));
    let body = content(LENGTH);
    let mut client = small_buffers(rig.address(16992));
    client
        .write_all(format!("POST /sim/sink HTTP/1.1\r\nContent-Length: {LENGTH}\r\n\r\n").as_bytes())
        .unwrap();
    let taken = write_until_nobody_reads(&rig, &mut client, &body);
    assert!(taken < LENGTH / 2, "{taken} bytes were taken from the client although firmware took none");
    let grown = rig.daemon.usage().unwrap().peak_resident.saturating_sub(before);
    assert!(grown < MODEST, "the daemon grew by {grown} bytes");

    rig.sim(json!({"do": "resume-reading"}));
    client.write_all(&body[taken..]).unwrap();
    let answer = Connection::over(client).receive().unwrap().text();
    assert_eq!(answer, format!("{LENGTH} {:08x}\n", crc32fast::hash(&body)));
}

#[test]
fn stalled_upload_does_not_hold_up_another_client() {
    let rig = Setup { sim: "--echo-port 16994".into(), ..Setup::default() }.start();
    // The echo service of a client that reads nothing back stops taking.
    let mut stuck = small_buffers(rig.address(16994));
    let _taken = write_until_nobody_reads(&rig, &mut stuck, &content(24 << 20));
    rig.assert_serves();
}

#[test]
fn client_that_takes_nothing_for_too_long_sees_that_something_is_missing() {
    let front = "client_stall = \"200ms\"\n".into();
    let rig = Setup { sim: "--echo-port 16994".into(), front, ..Setup::default() }.start();
    let before = rig.footing();
    let mut client = small_buffers(rig.address(16994));
    // More than everything between the client and the echo can hold: the write ends only with the connection.
    let end = client.write_all(&content(24 << 20)).unwrap_err();
    assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    rig.await_rest(before);
}

#[test]
fn window_of_every_size_and_crediting_of_every_kind_carries_everything() {
    for (firmware, length) in [
        ("--window 1", 2_000),
        ("--window 7 --max-frame 3", 10_000),
        ("--max-message 93", 10_000),
        ("--max-message 128", 30_000),
        ("--window 65536 --max-frame 60000 --max-message 65536", 300_000),
        ("--window 1000 --credit half-window", 100_000),
        ("--window 1000 --credit per-message", 100_000),
        ("--engine stuck", 100_000),
    ] {
        let body = content(length);
        let rig = Setup { sim: firmware.into(), ..Setup::default() }.start();
        let mut client = rig.web();
        let answer = client.exchange(&request("POST", "/sim/sink", &[], &body)).unwrap();
        assert_eq!(answer.text(), format!("{length} {:08x}\n", crc32fast::hash(&body)), "{firmware}");
        let answer = client.exchange(&request("GET", &format!("/sim/bulk/{length}"), &[], b"")).unwrap();
        assert!(answer.body() == body, "{firmware}");
    }
}

#[test]
fn message_that_fills_the_read_buffer_exactly_is_taken_whole() {
    // The longest message that the device may deliver is one data message with the longest payload.
    let setup = Setup {
        sim: "--max-message 5120 --max-frame 5111".into(),
        config: "[apf]\nrx_window = 65536\n".into(),
        ..Setup::default()
    };
    let rig = setup.start();
    assert!(rig.get("/sim/bulk/200000").body() == content(200_000));
}

/// Writes `body` until neither the client's socket nor anything behind it takes more. Returns how much was taken.
fn write_until_nobody_reads(rig: &Rig, client: &mut TcpStream, body: &[u8]) -> usize {
    client.set_nonblocking(true).unwrap();
    let mut taken = 0;
    // What the daemon has read of it stands still over two looks in a row, each of which is a full turn of the daemon.
    let mut still = 0;
    while taken < body.len() && still < 20 {
        match client.write(&body[taken..]) {
            Ok(count) => (taken, still) = (taken + count, 0),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                assert_eq!(rig.status()["link"]["ready"], true);
                still += 1;
            }
            Err(error) => panic!("after {taken} bytes: {error}"),
        }
    }
    client.set_nonblocking(false).unwrap();
    taken
}

/// A connection for which the kernel keeps as little as it can.
fn small_buffers(address: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(16 << 10).unwrap();
    socket.set_send_buffer_size(16 << 10).unwrap();
    // With the loopback's own, larger than the buffer, the kernel would wait for timers to open the window.
    socket.set_tcp_mss(1000).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream: TcpStream = socket.into();
    stream.set_read_timeout(Some(amtd_harness::PATIENCE)).unwrap();
    stream.set_write_timeout(Some(amtd_harness::PATIENCE)).unwrap();
    stream
}
