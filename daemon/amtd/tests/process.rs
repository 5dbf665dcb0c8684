//! The daemon as a process, without any firmware: how it starts, what it says, how it ends.

use std::{
    fs,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::net::{UnixDatagram, UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

/// Longest wait for anything. A test that gets there fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn amtd() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_amtd"));
    // What the machine's own service manager says to the tests is not meant for the daemon.
    for variable in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "JOURNAL_STREAM", "RUNTIME_DIRECTORY"] {
        command.env_remove(variable);
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A place for one daemon, and what it tells its service manager.
struct Place {
    directory: tempfile::TempDir,
    notify: UnixDatagram,
}

impl Place {
    fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let notify = UnixDatagram::bind(directory.path().join("notify")).unwrap();
        notify.set_read_timeout(Some(PATIENCE)).unwrap();
        fs::write(directory.path().join("amtd.toml"), config).unwrap();
        Self { directory, notify }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = amtd();
        command.arg("--config").arg(self.path("amtd.toml"));
        command.arg("--runtime-dir").arg(self.path("run"));
        command.arg("--state-dir").arg(self.path("state"));
        command.arg("--device").arg(self.path("no-such-device"));
        command.env("NOTIFY_SOCKET", self.path("notify"));
        command.stderr(Stdio::piped());
        command
    }

    fn start(&self) -> Daemon {
        Daemon(self.command().spawn().unwrap())
    }

    /// Waits for a message that holds a text; returns it.
    fn told(&self, part: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            let length = match self.notify.recv(&mut buffer) {
                // Killing a child interrupts.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                length => length.unwrap_or_else(|error| panic!("never told {part:?}: {error}")),
            };
            let message = text(&buffer[..length]);
            if message.contains(part) {
                return message;
            }
        }
    }

    fn get(&self, path: &str) -> String {
        let mut connection = UnixStream::connect(self.path("run/http.sock")).unwrap();
        connection.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }
}

/// A running daemon; killed if its test fails.
struct Daemon(Child);

impl Daemon {
    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.0.id()).unwrap()), signal).unwrap();
    }

    /// Its exit code, and all that it logged.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.0.wait().unwrap().code(), log)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Already gone in most tests.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Any free ports, and no patience with a firmware that is not there.
const CONFIG: &str = "[link]\ndegraded_after = \"0s\"\n\
    [front]\nremap = { 16992 = 0, 16993 = 0 }\naddresses = [\"127.0.0.1\"]\n";

fn check(config: &str) -> Output {
    let place = Place::new(config);
    place.command().arg("--check-config").output().unwrap()
}

#[test]
fn the_printed_configuration_passes_the_check() {
    let printed = amtd().arg("--print-default-config").output().unwrap();
    assert_eq!(printed.status.code(), Some(0));
    let checked = check(&text(&printed.stdout));
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    assert_eq!(text(&checked.stdout), "amtd: the configuration is valid\n");
}

#[test]
fn output_that_nobody_takes_is_no_panic() {
    let print = |stdout: Stdio| {
        let mut command = amtd();
        command.arg("--print-default-config").stdout(stdout).output().unwrap()
    };
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let ended = print(full.into());
    assert_eq!(ended.status.code(), Some(74));
    assert!(text(&ended.stderr).starts_with("amtd: the output cannot be written"), "{}", text(&ended.stderr));

    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let ended = print(writer.into());
    assert_eq!((ended.status.code(), text(&ended.stderr)), (Some(0), String::new()), "the reader had enough");
}

#[test]
fn exit_code_says_why_even_if_nobody_reads_standard_error() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let mut command = amtd();
    let ended = command.args(["--check-config", "--config", "/nonexistent"]).stderr(writer).status().unwrap();
    assert_eq!(ended.code(), Some(78));
}

#[test]
fn a_file_that_would_keep_the_daemon_from_starting_is_found_by_the_check() {
    let files = "certificate = \"/nonexistent/a\", key = \"/nonexistent/b\", client_ca = \"/nonexistent/c\"";
    for (config, named) in [
        (
            "[flows]\nauthorities = \"/nonexistent/odca.pem\"\n".to_owned(),
            "flows.authorities: /nonexistent/odca.pem",
        ),
        (
            format!("[control]\ntcp = {{ listen = \"127.0.0.1:0\", {files} }}\n"),
            "control.tcp.certificate: /nonexistent/a",
        ),
    ] {
        let checked = check(&config);
        assert_eq!(checked.status.code(), Some(78));
        assert!(text(&checked.stderr).contains(named), "{}", text(&checked.stderr));
    }
}

#[test]
fn a_wrong_configuration_ends_with_78_and_its_line() {
    let checked = check("[front]\nmax_connections = 0\n");
    assert_eq!(checked.status.code(), Some(78));
    let said = text(&checked.stderr);
    assert!(
        said.contains("amtd.toml:2: front.max_connections: 0 is not allowed; allowed: 1 to 65536"),
        "{said}"
    );
}

#[test]
fn a_wrong_command_line_ends_with_64() {
    let ended = amtd().arg("--devise=/dev/mei0").output().unwrap();
    assert_eq!(ended.status.code(), Some(64));
    assert!(text(&ended.stderr).contains("--devise"));
}

#[test]
fn a_directory_that_cannot_be_made_ends_with_73() {
    let place = Place::new(CONFIG);
    fs::write(place.path("run"), "a file").unwrap();
    let ended = place.command().output().unwrap();
    assert_eq!(ended.status.code(), Some(73));
    assert!(text(&ended.stderr).contains("--runtime-dir"));
}

#[test]
fn without_firmware_the_daemon_is_ready_but_says_what_is_missing_and_ends_in_order() {
    let place = Place::new(CONFIG);
    let daemon = place.start();
    let ready = place.told("READY=1");
    assert!(ready.contains("STATUS=degraded: "), "{ready}");

    assert!(place.get("/healthz").ends_with("\r\n\r\nok\n"));
    assert!(place.get("/readyz").starts_with("HTTP/1.1 503 "));
    assert!(place.get("/metrics").ends_with("# EOF\n"));
    let status = place.get("/status");
    let status: serde_json::Value = serde_json::from_str(status.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(status["link"]["ready"], false);
    assert_eq!(status["ports"][0]["port"], 16_992);
    assert_eq!(status["ports"][0]["state"], "listening");
    assert_eq!(status["counters"]["driver"]["lost"], 0);

    daemon.signal(Signal::SIGTERM);
    place.told("STOPPING=1");
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("stopped"), "{log}");
    assert!(!place.path("run/http.sock").exists());
}

#[test]
fn a_second_daemon_is_told_who_is_first() {
    let place = Place::new(CONFIG);
    let first = place.start();
    place.told("READY=1");
    let second = place.command().output().unwrap();
    assert_eq!(second.status.code(), Some(75));
    let said = text(&second.stderr);
    assert!(said.contains(&format!("another amtd (process {})", first.0.id())), "{said}");
}

#[test]
fn a_daemon_that_was_killed_leaves_nothing_in_the_way_of_the_next() {
    let place = Place::new(CONFIG);
    let first = place.start();
    place.told("READY=1");
    first.signal(Signal::SIGKILL);
    assert_eq!(first.ended().0, None);
    assert!(place.path("run/http.sock").exists());
    let second = place.start();
    place.told("READY=1");
    assert!(place.get("/healthz").starts_with("HTTP/1.1 200 "));
    second.signal(Signal::SIGINT);
    assert_eq!(second.ended().0, Some(0));
}

#[test]
fn a_second_signal_ends_at_once_although_a_client_is_served() {
    let place = Place::new(&format!("{CONFIG}[shutdown]\ngrace = \"10m\"\n[queue]\nlink_wait = \"1h\"\n"));
    let daemon = place.start();
    place.told("READY=1");
    let port = port_of(&place.get("/status"));
    let mut client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    await_connection(&place);
    daemon.signal(Signal::SIGTERM);
    place.told("STOPPING=1");
    daemon.signal(Signal::SIGTERM);
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(1), "{log}");
}

#[test]
fn the_driver_pats_the_watchdog() {
    let place = Place::new(CONFIG);
    let daemon = Daemon(place.command().env("WATCHDOG_USEC", "200000").spawn().unwrap());
    place.told("WATCHDOG=1");
    place.told("WATCHDOG=1");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().0, Some(0));
}

/// systemd hands over sockets as file descriptors from 3 on, to the process that it names.
#[test]
fn a_socket_from_the_service_manager_is_used_and_not_bound_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let place = Place::new(&CONFIG.replace("16992 = 0", &format!("16992 = {port}")));
    let plain = place.command();
    let mut command = Command::new("sh");
    command.args(["-c", "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\"", "sh"]);
    command.arg(plain.get_program()).args(plain.get_args());
    command.env("NOTIFY_SOCKET", place.path("notify")).stdin(OwnedFd::from(listener)).stderr(Stdio::piped());
    let daemon = Daemon(command.spawn().unwrap());
    // The test's own descriptor of the listener would keep the port after the daemon.
    drop(command);
    place.told("READY=1");
    let status = place.get("/status");
    assert_eq!(port_of(&status), port);
    assert!(status.contains("\"state\": \"listening\""), "{status}");
    TcpStream::connect(("127.0.0.1", port)).unwrap();
    daemon.signal(Signal::SIGTERM);
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("took over listening sockets"), "{log}");
}

/// What the control API at a socket says about the health of its job service.
fn control_health(socket: &Path) -> String {
    let address = format!("unix://{}", socket.display());
    let asked = async {
        let channel = Endpoint::new(address).unwrap().connect().await.unwrap();
        let request = HealthCheckRequest { service: "amtd.v1.JobService".into() };
        HealthClient::new(channel).check(request).await.unwrap().into_inner()
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async { tokio::time::timeout(PATIENCE, asked).await.expect("in time") });
    answer.status().as_str_name().to_owned()
}

#[test]
fn the_control_api_is_served_from_the_start_and_its_socket_goes_with_the_daemon() {
    let place = Place::new(CONFIG);
    let daemon = place.start();
    place.told("READY=1");
    assert_eq!(control_health(&place.path("run/amtd.sock")), "SERVING");
    daemon.signal(Signal::SIGTERM);
    let (code, log) = daemon.ended();
    assert_eq!(code, Some(0), "{log}");
    assert!(!place.path("run/amtd.sock").exists());
}

#[test]
fn the_control_socket_of_the_service_manager_is_used_and_left() {
    let place = Place::new(CONFIG);
    let socket = place.path("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let plain = place.command();
    let mut command = Command::new("sh");
    let pass = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=control exec \"$@\"";
    command.args(["-c", pass, "sh"]).arg(plain.get_program()).args(plain.get_args());
    command.env("NOTIFY_SOCKET", place.path("notify")).stdin(OwnedFd::from(listener)).stderr(Stdio::piped());
    let daemon = Daemon(command.spawn().unwrap());
    place.told("READY=1");
    assert_eq!(control_health(&socket), "SERVING");
    assert!(!place.path("run/amtd.sock").exists(), "there is one place to ask");
    daemon.signal(Signal::SIGTERM);
    assert_eq!(daemon.ended().0, Some(0));
    assert!(socket.exists());
}

fn port_of(status: &str) -> u16 {
    let json: serde_json::Value = serde_json::from_str(status.split_once("\r\n\r\n").unwrap().1).unwrap();
    json["ports"][0]["local_port"].as_u64().unwrap().try_into().unwrap()
}

/// Asks until the client's request waits. Each question is a full turn of the daemon, so that this ends.
fn await_connection(place: &Place) {
    let began = Instant::now();
    while !place.get("/status").contains("\"waiting\": 1") {
        assert!(began.elapsed() < PATIENCE, "the client never came to wait: {}", place.get("/status"));
    }
}

#[test]
fn help_names_every_option() {
    let help = text(&amtd().arg("--help").output().unwrap().stdout);
    for option in
        ["--device", "--config", "--state-dir", "--runtime-dir", "--check-config", "--log", "--version"]
    {
        assert!(help.contains(option), "{option}: {help}");
    }
}

#[test]
fn the_class_of_a_recorded_request_is_explained_with_the_configuration_in_effect() {
    let place = Place::new("[[classes.rule]]\nclass = \"bulk\"\npath = [\"/logs*\"]\n");
    let request = place.path("request");
    fs::write(&request, "GET /logs.htm HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let explained = place.command().arg("--explain-class").arg(&request).output().unwrap();
    assert_eq!(explained.status.code(), Some(0), "{}", text(&explained.stderr));
    let said = text(&explained.stdout);
    assert!(
        said.starts_with("class       bulk\nrule        1 of 1: { class = \"bulk\", path = [\"/logs*\"] }\n"),
        "{said}"
    );

    let mut asked = place.command();
    asked.args(["--explain-class", "-"]).stdin(Stdio::from(fs::File::open(&request).unwrap()));
    assert_eq!(text(&asked.output().unwrap().stdout), said, "the same from standard input");
}

#[test]
fn a_recording_that_says_nothing_ends_with_65_and_one_that_is_not_there_with_66() {
    let place = Place::new("");
    let cut = place.path("cut");
    fs::write(&cut, "GET / HT").unwrap();
    for (file, code, said) in [
        (&cut, 65, "ends within the head of a request, after 8 bytes"),
        (&place.path("absent"), 66, "absent: cannot be read: "),
    ] {
        let ended = place.command().arg("--explain-class").arg(file).output().unwrap();
        assert_eq!(ended.status.code(), Some(code));
        assert!(text(&ended.stderr).contains(said), "{}", text(&ended.stderr));
        assert!(ended.stdout.is_empty());
    }
}
