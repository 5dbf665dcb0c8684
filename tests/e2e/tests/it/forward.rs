//! A request from a local port to firmware and its answer back, as real clients make them.

use std::io::Write;
use std::net::SocketAddr;
use std::thread;

use amtd_e2e::content::content;
use amtd_e2e::{Rig, Setup, direct, stream};
use amtd_harness::http::request;
use amtd_harness::wsman;
use serde_json::json;

#[test]
fn wsman_get_with_digest_is_answered_and_the_connection_kept() {
    let rig = Rig::start();
    let mut client = rig.wsman();
    let first = client.get("AMT_GeneralSettings").unwrap();
    assert_eq!((first.status(), first.closes()), (200, false));
    assert_eq!(wsman::element(&first.text(), "HostName").as_deref(), Some("amt-sim"));
    let second = client.get("AMT_EthernetPortSettings").unwrap();
    assert!(second.text().contains("AMT_EthernetPortSettings"), "{}", second.text());
    let pulled = client.enumerate("CIM_SoftwareIdentity").unwrap();
    assert!(pulled.iter().any(|page| page.text().contains("CIM_SoftwareIdentity")));
    assert_eq!(
        rig.stat("/opens"),
        2,
        "one channel for the 401, after which firmware closes, one for all the rest"
    );
}

#[test]
fn bytes_of_an_answer_are_those_that_firmware_sent() {
    // Framing by length and by chunks, with and without body, refusals, and one that closes the connection.
    let requests: [&[u8]; 8] = [
        b"GET /logon.htm HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /sim/bulk/100001 HTTP/1.1\r\n\r\n",
        b"GET /sim/bulk/100001?chunked HTTP/1.1\r\n\r\n",
        b"HEAD /logon.htm HTTP/1.1\r\n\r\n",
        b"GET /nothing HTTP/1.1\r\n\r\n",
        b"DELETE /wsman HTTP/1.1\r\n\r\n",
        b"POST /sim/sink HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789",
        b"GET /styles.css HTTP/1.0\r\n\r\n",
    ];
    let rig = Setup { sim: "--lme-connections 2".into(), ..Setup::default() }.start();
    for request in requests {
        let mut client = rig.web();
        client.send(request).unwrap();
        client.finish_sending().unwrap();
        let relayed = client.read_to_end().unwrap();
        let direct = direct::answer(&rig.sim.device(), request, relayed.len());
        assert!(!relayed.is_empty() && relayed == direct, "{}", request.escape_ascii());
    }
}

#[test]
fn close_of_a_connection_is_passed_on_as_soon_as_firmware_closes() {
    // Long enough that nothing but firmware's own close can end the connection.
    let rig = Setup { config: "[queue]\nending_wait = \"1h\"\n".into(), ..Setup::default() }.start();
    let mut client = rig.web();
    client.send(&request("GET", "/logon.htm", &["Connection: close"], b"")).unwrap();
    let answer = client.receive().unwrap();
    assert_eq!((answer.status(), answer.closes()), (200, true));
    assert_eq!(client.read_to_end().unwrap(), b"");
}

#[test]
fn close_that_firmware_does_not_announce_reaches_a_resting_client() {
    let rig = Rig::start();
    let mut client = rig.web();
    assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
    rig.sim(json!({"do": "close-channels"}));
    assert_eq!(client.read_to_end().unwrap(), b"");
}

#[test]
fn close_in_the_middle_of_a_response_reaches_the_client_after_every_byte_before_it() {
    let rig = Rig::start();
    rig.sim(json!({"do": "close-mid-response", "bytes": 50_000}));
    let mut client = rig.web();
    client.send(&request("GET", "/sim/bulk/1000000", &[], b"")).unwrap();
    assert_eq!(client.read_to_end().unwrap().len(), 50_000);
    rig.assert_serves();
}

#[test]
fn client_that_connects_and_closes_costs_firmware_nothing() {
    let rig = Rig::start();
    let address = rig.address(16992);
    for _ in 0..50 {
        drop(stream::open(address));
    }
    rig.await_status("50 clients gone", |status| {
        status["counters"]["front"]["accepted"] == 50 && status["connections"]["current"] == 0
    });
    assert_eq!(rig.stat("/opens"), 0);
}

#[test]
fn half_a_request_head_costs_firmware_nothing() {
    let rig = Rig::start();
    let mut client = rig.web();
    client.send(b"POST /wsman HTTP/1.1\r\nHost: ").unwrap();
    client.finish_sending().unwrap();
    assert_eq!(client.read_to_end().unwrap(), b"", "half a request has no answer");
    assert_eq!(rig.stat("/opens"), 0);
}

#[test]
fn request_that_comes_byte_by_byte_arrives_whole() {
    let rig = Rig::start();
    let mut client = rig.web();
    for byte in b"POST /sim/sink HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789" {
        client.send(&[*byte]).unwrap();
    }
    assert_eq!(client.receive().unwrap().text(), "9 cbf43926\n");
}

#[test]
fn client_that_waits_for_100_continue_gets_it_before_its_upload() {
    let rig = Rig::start();
    let body = content(300_000);
    let mut client = stream::open(rig.address(16992));
    let head =
        format!("POST /sim/sink HTTP/1.1\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n", body.len());
    client.write_all(head.as_bytes()).unwrap();
    assert_eq!(stream::read_until(&mut client, b"\r\n\r\n"), b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write_all(&body).unwrap();
    let mut client = amtd_harness::http::Connection::over(client);
    assert_eq!(client.receive().unwrap().text(), sunk(&body));
    assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
}

#[test]
fn chunked_request_is_relayed_and_its_end_is_seen() {
    let rig = Rig::start();
    let body = content(100_000);
    let mut client = rig.web();
    client.send(b"POST /sim/sink HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").unwrap();
    for chunk in body.chunks(7_777) {
        client.send(format!("{:x}\r\n", chunk.len()).as_bytes()).unwrap();
        client.send(chunk).unwrap();
        client.send(b"\r\n").unwrap();
    }
    client.send(b"0\r\n\r\n").unwrap();
    assert_eq!(client.receive().unwrap().text(), sunk(&body));
    rig.await_status("a connection that rests", |status| status["connections"]["by_stage"]["resting"] == 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let rig = Rig::start();
    let mut client = rig.web();
    let sizes = [10, 20_000, 0, 30];
    let requests = sizes.map(|size| request("GET", &format!("/sim/bulk/{size}"), &[], b""));
    client.send(&requests.concat()).unwrap();
    for size in sizes {
        assert_eq!(client.receive().unwrap().body(), content(size));
    }
    assert_eq!(rig.stat("/opens"), 1);
}

#[test]
fn request_with_fields_that_contradict_each_other_is_left_to_firmware() {
    let rig = Rig::start();
    let mut client = rig.web();
    client.send(b"POST /sim/sink HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc").unwrap();
    let answer = client.receive().unwrap();
    assert_eq!((answer.status(), answer.closes()), (400, true));
    assert!(answer.header("server").is_some_and(|server| server.contains("Active Management")));
    assert_eq!(client.read_to_end().unwrap(), b"");
    rig.assert_serves();
}

#[test]
fn binary_port_stays_opaque_and_intact_by_ipv4_and_ipv6() {
    let rig = Setup { sim: "--echo-port 16994".into(), ..Setup::default() }.start();
    let addresses = rig.daemon.addresses(16994).unwrap();
    assert!(addresses.iter().any(SocketAddr::is_ipv4), "{addresses:?}");
    for address in addresses {
        // Looks like a request, then like nothing at all.
        let mut sent = b"GET / HTTP/1.1\r\nContent-Length: 5\r\n\r\n".to_vec();
        sent.extend(content(1_000_000));
        let mut client = stream::open(address);
        let mut writer = client.try_clone().unwrap();
        let received = thread::scope(|scope| {
            scope.spawn(|| writer.write_all(&sent).unwrap());
            stream::read_exactly(&mut client, sent.len())
        });
        assert!(received == sent, "what came back by {address} is not what was sent");
    }
}

#[test]
fn web_server_is_reached_by_every_address_of_its_port() {
    let rig = Rig::start();
    for address in rig.daemon.addresses(16992).unwrap() {
        let mut client = amtd_harness::http::Connection::over(stream::open(address));
        assert_eq!(
            client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(),
            200,
            "{address}"
        );
    }
}

/// What `/sim/sink` answers to a body.
fn sunk(body: &[u8]) -> String {
    format!("{} {:08x}\n", body.len(), crc32fast::hash(body))
}
