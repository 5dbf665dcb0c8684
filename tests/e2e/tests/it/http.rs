//! The daemon's own HTTP socket: what people, monitors and service managers ask it.

use std::collections::BTreeSet;
use std::os::unix::net::UnixStream;

use amtd_e2e::{QUICK_RECOVERY, Rig, Setup, number};
use amtd_harness::PATIENCE;
use amtd_harness::http::request;
use nix::sys::signal::Signal;
use serde_json::json;

#[test]
fn answers_tell_life_from_readiness() {
    let setup = Setup { config: QUICK_RECOVERY.into(), ..Setup::default() };
    let rig = setup.start();
    let ask = |path: &str| {
        let answer = rig.daemon.http(path).unwrap();
        (answer.status(), answer.text())
    };
    assert_eq!(ask("/healthz"), (200, "ok\n".into()));
    assert_eq!(ask("/readyz"), (200, "ready\n".into()));
    assert_eq!(ask("/nothing").0, 404);
    rig.sim(json!({"do": "suspend"}));
    rig.await_link("waiting-for-device");
    assert_eq!(ask("/healthz"), (200, "ok\n".into()), "a restart of the daemon would not help");
    let (status, reason) = ask("/readyz");
    assert!(status == 503 && reason.contains("suspended"), "{status} {reason}");
}

#[test]
fn status_says_what_firmware_is_and_what_has_been_done() {
    let rig = Rig::start();
    rig.await_status("what firmware says about itself", |status| status["firmware"]["version"] == "16.1.25");
    let page = request("GET", "/sim/bulk/50000", &[], b"");
    let mut client = rig.web();
    for _ in 0..3 {
        assert_eq!(client.exchange(&page).unwrap().body().len(), 50_000);
    }
    let status = rig.status();
    assert_eq!(status["schema"], 1);
    assert_eq!(status["health"], json!([]));
    assert_eq!(status["link"]["state"], "up");
    assert_eq!(status["firmware"]["control_mode"], "client");
    assert_eq!(status["connections"]["by_stage"]["resting"], 1);
    assert_eq!(status["channels"].as_array().map(Vec::len), Some(1));
    assert!(number(&status, "/counters/apf/bytes_in") > 150_000);
    drop(client);
    rig.await_status("the sums over connections that have ended", |status| {
        status["counters"]["front"]["answered"] == 3
            && number(status, "/counters/front/from_client") == 3 * page.len() as u64
            && number(status, "/counters/front/to_client") > 150_000
    });
}

#[test]
fn host_interface_is_not_held_between_two_questions() {
    let rig = Rig::start();
    rig.await_status("what firmware says about itself", |status| status["firmware"]["version"] == "16.1.25");
    rig.await_sim("nobody on the host interface", |state| {
        let connections = state["connections"].as_array().map_or(&[][..], Vec::as_slice);
        connections.len() == 1 && connections[0]["client"] == "lme"
    });
}

#[test]
fn host_interface_that_another_program_holds_does_not_keep_clients_waiting() {
    let setup = Setup {
        config: "[firmware]\nbusy_pause = \"10ms\"\nrefresh = \"50ms\"\n".into(),
        ..Setup::default()
    };
    let sim = setup.sim();
    sim.control(&json!({"do": "refuse-connects", "client": "amthi", "count": 5})).unwrap();
    sim.control(&json!({"do": "amthi-empty", "count": 1})).unwrap();
    let mut rig = setup.spawn_on(sim);
    rig.daemon.wait_ready(PATIENCE).unwrap();
    rig.assert_serves();
}

#[test]
fn status_answers_while_firmware_is_frozen() {
    let mut rig = Rig::start();
    let mut client = rig.web();
    rig.sim.process().signal(Signal::SIGSTOP).unwrap();
    client.send(&request("GET", "/logon.htm", &[], b"")).unwrap();
    rig.await_status("a request on its way", |status| {
        let stages = &status["connections"]["by_stage"];
        stages["opening"] == 1 || stages["active"] == 1
    });
    for path in ["/healthz", "/status", "/metrics"] {
        assert_eq!(rig.daemon.http(path).unwrap().status(), 200, "{path}");
    }
    rig.sim.process().signal(Signal::SIGCONT).unwrap();
    assert_eq!(client.receive().unwrap().status(), 200);
}

#[test]
fn metrics_are_what_a_scraper_of_openmetrics_takes() {
    let rig = Rig::start();
    rig.assert_serves();
    let answer = rig.daemon.http("/metrics").unwrap();
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("application/openmetrics-text; version=1.0.0"), "{kind}");
    let text = answer.text();
    assert!(text.ends_with("\n# EOF\n"), "{text}");
    let mut families = BTreeSet::new();
    let mut samples = 0;
    for line in text.lines().filter(|line| *line != "# EOF") {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, _kind) = family.split_once(' ').unwrap();
            assert!(families.insert(name.to_owned()), "{name} is declared twice");
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let name = series.split('{').next().unwrap();
            let family = ["", "_total", "_count", "_sum", "_bucket", "_info"]
                .iter()
                .filter_map(|suffix| name.strip_suffix(suffix))
                .find(|family| families.contains(*family));
            assert!(family.is_some(), "{name} is not declared");
            assert!(value.parse::<f64>().is_ok(), "{line}");
            samples += 1;
        }
    }
    assert!(samples > 20, "{text}");
}

#[test]
fn clients_of_the_status_that_say_nothing_are_put_out() {
    let config = "[http]\nmax_connections = 2\nrequest_limit = \"200ms\"\n".into();
    let rig = Setup { config, ..Setup::default() }.start();
    let _silent = [(); 2].map(|()| UnixStream::connect(rig.daemon.http_socket()).unwrap());
    assert_eq!(rig.daemon.http("/healthz").unwrap().status(), 200);
}
