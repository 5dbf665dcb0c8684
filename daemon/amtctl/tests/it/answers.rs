//! What the scripted daemon says: every field is set, and some are longer than a line or not meant well.

use amtd_proto::{Duration, Timestamp, v1::*};

/// A time.
fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds: 1_790_000_000 + seconds, nanos: 5_000_000 })
}

fn length(seconds: i64) -> Option<Duration> {
    Some(Duration { seconds, nanos: 250_000_000 })
}

/// A name that tries to speak to the terminal.
pub(crate) const HOSTILE: &str = "\x1b]0;owned\x07\x1b[31m";

pub(crate) fn status() -> GetStatusResponse {
    GetStatusResponse {
        daemon_version: env!("CARGO_PKG_VERSION").into(),
        started_at: at(0),
        health: Some(Health {
            ready: true,
            problems: vec![format!("Port 16993 is taken by {HOSTILE}. {}", "It goes on. ".repeat(12))],
            conditions: vec![Condition {
                code: "port-failed".into(),
                severity: condition::Severity::Warning.into(),
                sentence: format!("Port 16993 is taken by {HOSTILE}."),
                next_step: "Stop it.".into(),
            }],
        }),
        link: Some(Link {
            state: "ready".into(),
            detail: "the firmware has asked for its ports".into(),
            node: "/dev/mei0".into(),
            since: at(1),
        }),
        firmware: Some(firmware()),
        ports: vec![
            Port {
                number: 16992,
                listening: vec!["127.0.0.1:16992".into(), "[::1]:16992".into()],
                forwarded: true,
                withdrawn: false,
                problem: String::new(),
                clients: 3,
            },
            Port {
                number: 16993,
                listening: Vec::new(),
                forwarded: false,
                withdrawn: false,
                problem: "taken by a program with a very long name (pid 4711), which does not let go".into(),
                clients: 0,
            },
        ],
        classes: ["watchdog", "health", "interactive", "bulk"].map(class).to_vec(),
        slots: Some(Slots { limit: 6, used: 2 }),
        jobs: Some(Jobs { queued: 1, running: 1 }),
        status_json: r#"{"link":{"state":"ready"}}"#.into(),
    }
}

fn class(name: &str) -> ClassStatus {
    ClassStatus {
        class: name.into(),
        waiting: 1,
        executing: 1,
        requests: 123_456,
        expired: 2,
        waited_p99: length(0),
    }
}

fn firmware() -> Firmware {
    Firmware {
        version: Some("16.1.25".into()),
        build: Some("1885".into()),
        sku: Some("16392".into()),
        uuid: Some("4c4c4544-0042-3510-8050-b4c04f4b3332".into()),
        control_mode: Some("none".into()),
        provisioning_state: Some("pre".into()),
        read_at: at(2),
        error: Some("the LAN settings were not answered".into()),
    }
}

pub(crate) fn info() -> GetInfoResponse {
    let lan = |mac: &str| Lan {
        enabled: true,
        link_up: true,
        dhcp_mode: "passive".into(),
        dhcp_enabled: true,
        address: "192.0.2.7".into(),
        mac: mac.into(),
    };
    GetInfoResponse {
        firmware: Some(firmware()),
        code_versions: vec![CodeVersion { name: "Flash".into(), version: "16.1.25".into() }],
        dns_suffix: Some("example.com".into()),
        dns_suffix_os: Some("example.org".into()),
        host_name_os: Some("box".into()),
        wired: Some(lan("a4:bb:6d:00:00:01")),
        wireless: Some(lan("a4:bb:6d:00:00:02")),
        certificate_hashes: vec![CertificateHash {
            name: "Go Daddy Class 2 CA".into(),
            algorithm: "sha256".into(),
            hash: "c3".repeat(32),
            is_default: true,
            is_active: true,
        }],
        remote_access: Some(RemoteAccess {
            network_status: "direct".into(),
            connection_status: "not connected".into(),
            connection_trigger: "user initiated".into(),
            server: "mps.example.com".into(),
        }),
        tls_enforced: Some(false),
        enabled_in_bios: Some(true),
        ehbc: Some(false),
        features: Some("AMT Pro Corporate".into()),
        upid: Some("0123456789abcdef".repeat(8)),
    }
}

/// A job that succeeded.
pub(crate) fn job() -> Job {
    ended(Verdict::Succeeded)
}

/// A job that ended so.
pub(crate) fn ended(verdict: Verdict) -> Job {
    let failed = matches!(verdict, Verdict::FailedClean | Verdict::FailedPartial);
    let failure = failed.then(|| Failure {
        reason: "FIRMWARE_REFUSED".into(),
        sentence: "The firmware refused Setup with 16.".into(),
        next_step: "Look at the BIOS.".into(),
        step: "setup".into(),
    });
    Job {
        state: job::State::Ended.into(),
        ended_at: at(9),
        outcome: Some(Outcome {
            verdict: verdict.into(),
            applied: vec!["AMT is in client control mode.".into()],
            failure,
            wsman: None,
            after: "client control mode".into(),
        }),
        steps: vec![step(step::State::Done), step(step::State::Skipped), step(step::State::Failed)],
        ..running()
    }
}

/// A job in the middle.
pub(crate) fn running() -> Job {
    Job {
        state: job::State::Running.into(),
        queue_position: 0,
        started_at: at(8),
        cancellable: true,
        steps: vec![step(step::State::Running), step(step::State::Pending)],
        ..queued()
    }
}

/// A job that waits.
pub(crate) fn queued() -> Job {
    Job {
        id: "7".into(),
        kind: "activate-ccm".into(),
        request_id: "r".into(),
        state: job::State::Queued.into(),
        queue_position: 2,
        plan: Some(Plan {
            before: "not activated".into(),
            after: "client control mode".into(),
            steps: vec![PlannedStep {
                name: "setup".into(),
                description: "Set the password of admin and the control mode".into(),
                changes_device: true,
            }],
            warnings: vec![format!("The password cannot be read back. {}", "Keep it well. ".repeat(9))],
            unchanged: false,
        }),
        created_at: at(7),
        deadline_at: at(60),
        uid: 1000,
        ..Job::default()
    }
}

fn step(state: step::State) -> Step {
    Step {
        name: "setup".into(),
        description: "Set the password of admin and the control mode".into(),
        state: state.into(),
        detail: "the firmware restarts its web server, which takes a few seconds on most machines".into(),
        started_at: at(8),
        ended_at: at(9),
        attempts: 1,
    }
}

/// One event of each kind.
pub(crate) fn events() -> Vec<WatchEventsResponse> {
    use watch_events_response::Event;
    let detail = || format!("{HOSTILE} {}", "because it is so ".repeat(9));
    let kinds = [
        Event::Gap(Gap { missed: 3, why: "the cursor is from before a restart".into() }),
        Event::Link(LinkEvent { state: "ready".into(), detail: detail() }),
        Event::Port(PortEvent { port: 16992, change: "forwarded".into(), detail: String::new() }),
        Event::Channel(ChannelEvent { channel: 9, port: 16992, change: "opened".into(), detail: detail() }),
        Event::Job(JobEvent {
            id: "7".into(),
            kind: "deactivate".into(),
            change: "created".into(),
            detail: String::new(),
        }),
        Event::Firmware(FirmwareEvent { fact: "control-mode".into(), value: "client".into() }),
        Event::Alert(AlertEvent { origin: "channel".into(), content: b"\x1b[2J<xml/>\xff".to_vec() }),
    ];
    let number = |(index, kind)| WatchEventsResponse {
        cursor: format!("boot-{index}"),
        at: at(10),
        event: Some(kind),
    };
    kinds.into_iter().enumerate().map(number).collect()
}

pub(crate) fn channels() -> Vec<Channel> {
    let client = Channel {
        id: 12,
        port: 16992,
        class: "interactive".into(),
        state: "active".into(),
        uid: Some(1000),
        pid: Some(4711),
        executable: Some("/usr/lib/a/very/long/path/to/some/program".into()),
        attached: true,
        bytes_to_firmware: 1,
        bytes_from_firmware: 2,
        requests: 3,
        age: length(70),
        quiet: length(1),
    };
    let own = Channel { id: 13, uid: None, pid: None, executable: None, attached: false, ..client.clone() };
    vec![client, own]
}

pub(crate) fn checks() -> Vec<Check> {
    use check::Result as Seen;
    let check = |name: &str, seen: Seen| Check {
        name: name.into(),
        result: seen.into(),
        evidence: format!("it was looked at {}", "and seen ".repeat(12)),
        way_out: "do something about it".into(),
    };
    vec![
        check("node", Seen::Good),
        check("state-directory", Seen::Warning),
        check("lme", Seen::Bad),
        check("amthi", Seen::Unknown),
    ]
}
