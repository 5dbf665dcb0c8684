//! Local ports: which are open, who has those that are not, and what comes into them that nobody expects.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use amtd_e2e::content::content;
use amtd_e2e::{QUICK_RECOVERY, Rig, Setup, stream};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, request};
use serde_json::{Value, json};

/// A port that this process holds, and the address of it.
fn held_port() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A daemon whose firmware wants 16993 besides 16992, which is to be served on this port.
fn tls_on(local: u16) -> Setup {
    Setup {
        sim: "--ports 16992,16993".into(),
        config: format!("{QUICK_RECOVERY}[link]\ndegraded_after = \"0s\"\n"),
        front: "addresses = [\"127.0.0.1\"]\nbind_retry_first = \"20ms\"\nbind_retry_max = \"50ms\"\n".into(),
        remap: vec![(16993, local)],
        ..Setup::default()
    }
}

fn entry(status: &Value, port: u16) -> Value {
    let ports = status["ports"].as_array().map_or(&[][..], Vec::as_slice);
    ports.iter().find(|entry| entry["port"] == port).cloned().unwrap_or_default()
}

#[test]
fn port_that_another_process_holds_is_reported_with_its_holder_and_stops_no_other() {
    let (_listener, address) = held_port();
    let rig = tls_on(address.port()).start();
    rig.await_status("a failed port", |status| entry(status, 16993)["state"] == "failed");
    let status = rig.status();
    let own_name = std::fs::read_to_string("/proc/self/comm").unwrap();
    let holder = format!("{} (pid {})", own_name.trim(), std::process::id());
    let port = entry(&status, 16993);
    assert_eq!(port["holder"], holder.as_str());
    assert!(port["error"].as_str().unwrap_or_default().contains(&address.to_string()), "{port}");
    assert_eq!(status["health"][0]["code"], "port-failed");
    assert_eq!(rig.stat("/replies/failure"), 1, "firmware was told that it cannot have the port");
    let readiness = rig.daemon.http("/readyz").unwrap();
    assert_eq!(readiness.status(), 503);
    assert!(readiness.text().contains(&holder), "{}", readiness.text());
    rig.assert_serves();
}

#[test]
fn port_that_its_holder_lets_go_is_served_without_a_restart() {
    let (listener, address) = held_port();
    let rig = tls_on(address.port()).start();
    rig.await_status("a failed port", |status| entry(status, 16993)["state"] == "failed");
    drop(listener);
    // Firmware does not ask again by itself: the daemon makes it (apf 3.5).
    rig.await_status("the port open and asked for", |status| {
        let port = entry(status, 16993);
        port["state"] == "listening"
            && port["requested_by_firmware"] == true
            && status["link"]["ready"] == true
    });
    let mut client = Connection::open(address, PATIENCE).unwrap();
    assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
    assert_eq!(rig.daemon.http("/readyz").unwrap().status(), 200);
}

#[test]
fn lesser_port_that_is_let_go_is_served_from_the_next_session_on_and_costs_none() {
    let (listener, address) = held_port();
    let setup = Setup { sim: "--ports 16992,664".into(), remap: vec![(664, address.port())], ..tls_on(0) };
    let rig = setup.start();
    rig.await_status("a failed port", |status| entry(status, 664)["state"] == "failed");
    drop(listener);
    rig.await_status("the port open", |status| entry(status, 664)["state"] == "listening");
    assert_eq!(rig.number("/link/connects"), 1, "those who use the other ports do not pay for it");
    rig.sim(json!({"do": "link-reset"}));
    rig.await_status("the port asked for", |status| entry(status, 664)["requested_by_firmware"] == true);
    let mut client = Connection::open(address, PATIENCE).unwrap();
    assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
}

#[test]
fn garbage_into_the_web_port_is_answered_by_firmware_and_harms_nobody() {
    let rig = Rig::start();
    let before = rig.footing();
    let noise = content(100_000);
    let garbage: [&[u8]; 6] = [
        b"\0",
        b"\r\n\r\n\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/9.9\r\nHost\r\n\r\n",
        &noise,
    ];
    for bytes in garbage {
        let mut client = stream::open(rig.address(16992));
        // Firmware may close before it has everything.
        let _ = client.write_all(bytes);
        let _ = client.shutdown(std::net::Shutdown::Write);
        let _ = stream::read_to_end(&mut client);
        rig.assert_serves();
    }
    rig.await_rest(before);
    assert_eq!(rig.number("/link/connects"), 1);
}

#[test]
fn request_head_without_end_is_not_kept_in_memory() {
    let rig = Rig::start();
    let before = rig.daemon.usage().unwrap().resident;
    let mut client = stream::open(rig.address(16992));
    client.write_all(b"GET / HTTP/1.1\r\nX: ").unwrap();
    // Firmware refuses it at some point and closes.
    let deadline = Instant::now() + PATIENCE;
    while client.write_all(&[b'x'; 65_536]).is_ok() {
        assert!(Instant::now() < deadline, "nobody refuses it");
    }
    let grown = rig.daemon.usage().unwrap().peak_resident.saturating_sub(before);
    assert!(grown < 4 << 20, "the daemon grew by {grown} bytes");
    rig.assert_serves();
}

#[test]
fn firmware_with_tls_only_says_on_the_plain_port_where_to_go() {
    let setup = Setup {
        sim: "--ports 16993,664".into(),
        config: "[queue]\nforward_wait = \"50ms\"\n".into(),
        ..Setup::default()
    };
    let rig = setup.start();
    let answer = rig.get("/logon.htm");
    assert_eq!((answer.status(), answer.closes()), (503, true));
    assert!(answer.text().contains("16993"), "{}", answer.text());
    assert!(
        rig.status()["health"].as_array().unwrap().iter().any(|condition| condition["code"] == "tls-only")
    );
    // The simulator speaks HTTP where real firmware speaks TLS; it is all the same to the daemon.
    let mut client = rig.connect(16993);
    assert_eq!(client.exchange(&request("GET", "/logon.htm", &[], b"")).unwrap().status(), 200);
}

#[test]
fn each_port_leads_to_its_own_service() {
    let rig =
        Setup { sim: "--ports 16992,623,664 --echo-port 16994 --echo-port 16995".into(), ..Setup::default() }
            .start();
    for port in [16992, 623, 664] {
        let answer = rig.connect(port).exchange(&request("GET", "/logon.htm", &[], b"")).unwrap();
        assert_eq!(answer.status(), 200, "port {port}");
    }
    for port in [16994, 16995] {
        let mut client = stream::open(rig.address(port));
        client.write_all(b"\x10\0\0\0SOL ").unwrap();
        assert_eq!(stream::read_exactly(&mut client, 8), b"\x10\0\0\0SOL ", "port {port}");
    }
}

#[test]
fn text_on_a_redirection_port_is_not_taken_for_the_beginning_of_a_request() {
    let rig = Setup { sim: "--echo-port 16994".into(), ..Setup::default() }.start();
    let mut client = stream::open(rig.address(16994));
    client.write_all(b"hello").unwrap();
    assert_eq!(stream::read_exactly(&mut client, 5), b"hello");
}

#[test]
fn ports_are_open_before_firmware_is_found() {
    let place = tempfile::tempdir().unwrap();
    let setup = Setup { device: Some(place.path().join("no-device")), ..Setup::default() };
    let rig = setup.spawn();
    rig.await_link("waiting-for-node");
    for port in [16992, 16993] {
        drop(stream::open(rig.address(port)));
    }
}
