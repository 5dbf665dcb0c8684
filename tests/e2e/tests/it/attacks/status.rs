//! Attacks on the daemon's own HTTP socket, by which monitoring asks.

use std::collections::VecDeque;
use std::io::Write;
use std::os::unix::net::UnixStream;

use amtd_e2e::Rig;

use super::{Attack, Siege, beside};

/// Connections of the attackers that are there at once.
const CROWD: usize = 1_000;

#[test]
fn silent_and_slow_callers_do_not_keep_monitoring_from_asking() {
    let rig = Rig::start();
    let siege = Siege::begin(&rig);
    let socket = rig.daemon.http_socket();
    let attack = |attack: &Attack| {
        // As fast as they are let in, and all of them stay.
        let mut crowd = VecDeque::new();
        while attack.goes_on() {
            let mut caller = UnixStream::connect(&socket).unwrap();
            if crowd.len() % 2 == 0 {
                // One that was thrown out already is not at fault.
                let _ = caller.write_all(b"GET /metrics HTTP/1.1\r\nX-Slow: ");
            }
            crowd.push_back(caller);
            if crowd.len() > CROWD {
                crowd.pop_front();
            }
        }
    };
    beside(attack, || {
        // Of its own user a flood may displace a question; it is asked again.
        let answered = (0..50).filter(|_| {
            let answer = rig.daemon.http("/healthz");
            answer.is_ok_and(|answer| answer.status() == 200)
        });
        let answered = answered.count();
        assert!(answered >= 25, "monitoring was answered {answered} times of 50");
    });
    siege.assert_bounded(0);
    siege.lifted();
}
