//! What the demo does, step by step.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;
use std::time::Instant;

use amtd_harness::http::Connection;
use amtd_harness::{Daemon, DaemonOptions, PATIENCE, Sim, WsmanClient, binaries, sim, wsman};
use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::screen::{Screen, readable};

/// The port that tools know.
const PORT: u16 = 16992;
const CLIENTS: usize = 32;
/// So that nobody has to wait for the whole of the default wait when firmware is gone.
const CONFIG: &str = "[queue]\nlink_wait = \"2s\"\n[recovery]\nnode = \"200ms\"\n";

/// A simulator and a daemon that have done everything that was to be shown. They stop when it is dropped.
pub(crate) struct Show {
    address: SocketAddr,
    daemon: Daemon,
    sim: Sim,
}

impl Show {
    /// Runs the demo.
    pub(crate) fn run(screen: &Screen) -> Result<Self> {
        screen.heading("amtd: local access to Intel AMT firmware, shown with simulated firmware");
        screen.talkative_step("Build amtd and the firmware simulator", || {
            Ok((binaries::binaries()?, vec![]))
        })?;
        let sim = screen.step("Start the simulated firmware", || {
            let sim = Sim::start()?;
            let seen = vec![format!("virtual MEI device {}", sim.device().display())];
            Ok((sim, seen))
        })?;
        let (daemon, address) =
            screen.step("Start amtd and wait until it says READY=1", || start_daemon(&sim))?;
        let mut show = Self { address, daemon, sim };
        show.requests(screen)?;
        show.outage(screen)?;
        Ok(show)
    }

    /// What a management tool does.
    fn requests(&self, screen: &Screen) -> Result<()> {
        let mut client = WsmanClient::new(self.address, sim::USER, sim::PASSWORD);
        screen.step("POST /wsman without credentials", || challenge(self.address))?;
        screen.step("WSMAN Get AMT_GeneralSettings, with digest", || get(&mut client))?;
        screen.step("WSMAN Enumerate and Pull CIM_SoftwareIdentity", || enumerate(&mut client))?;
        screen.step(&format!("{CLIENTS} clients at once; firmware has room for 8"), || crowd(self.address))
    }

    /// Firmware goes away and comes back.
    fn outage(&mut self, screen: &Screen) -> Result<()> {
        let Self { address, daemon, sim } = self;
        let before = daemon.mark();
        screen.step("Kill the firmware (SIGKILL)", || {
            sim.process().kill()?;
            let status = daemon.wait_notice_since(before, "STATUS=degraded", PATIENCE, |notice| {
                notice.starts_with("STATUS=degraded")
            })?;
            Ok(((), vec![format!("amtd tells systemd: {}", status.trim_start_matches("STATUS="))]))
        })?;
        screen.step("Ask while there is no firmware", || refused(*address))?;
        screen.step("Ask again, and start the firmware meanwhile", || {
            let asking = thread::spawn({
                let address = *address;
                move || patient_get(address)
            });
            sim.restart()?;
            let seen = asking.join().map_err(|_| anyhow!("the client panicked"))??;
            Ok(((), vec![seen]))
        })?;
        screen.step("A new client, as if nothing had happened", || {
            get(&mut WsmanClient::new(*address, sim::USER, sim::PASSWORD))
        })
    }

    /// How to use what is running.
    pub(crate) fn how_to_use(&self, screen: &Screen, heading: &str) -> Result<()> {
        let request = self.request_file()?;
        let login = format!("curl --digest -u {}:{}", sim::USER, sim::PASSWORD);
        screen.heading(heading);
        screen.line("  the firmware's web page:");
        screen.line(&format!("    {login} http://{}/index.htm", self.address));
        screen.line("  a WSMAN Get:");
        screen.line(&format!("    {login} -H 'Content-Type: application/soap+xml' \\"));
        screen.line(&format!("      --data @{} http://{}/wsman", request.display(), self.address));
        screen.line("  the state of the daemon:");
        screen.line(&format!(
            "    curl --unix-socket {} http://amtd/status",
            self.daemon.http_socket().display()
        ));
        screen.line("  a fault, one of those in tests/sim/README.md:");
        let control = self.sim.control_socket();
        screen.line(&format!("    echo '{{\"do\":\"link-reset\"}}' | socat - UNIX:{}", control.display()));
        Ok(())
    }

    /// A request for curl to send.
    fn request_file(&self) -> Result<PathBuf> {
        let path = self.daemon.state_directory().with_file_name("get.xml");
        std::fs::write(&path, wsman::get("AMT_GeneralSettings"))
            .with_context(|| path.display().to_string())?;
        Ok(path)
    }
}

fn start_daemon(sim: &Sim) -> Result<((Daemon, SocketAddr), Vec<String>)> {
    let options = DaemonOptions { config: CONFIG.to_owned(), ..DaemonOptions::default() };
    let mut daemon = Daemon::spawn(sim.device(), options)?;
    daemon.wait_ready(PATIENCE)?;
    let address = daemon.address(PORT)?;
    let seen = vec![format!("{address} leads to firmware's port {PORT} (here a free port)")];
    Ok(((daemon, address), seen))
}

fn challenge(address: SocketAddr) -> Result<((), Vec<String>)> {
    let answer = Connection::open(address, PATIENCE)?.exchange(&wsman::post(&wsman::identify(), &[]))?;
    ensure!(answer.status() == 401, "firmware answers {} to a request without credentials", answer.status());
    let server = answer.header("Server").unwrap_or_default();
    Ok(((), vec![format!("401 Unauthorized, from {server}")]))
}

fn get(client: &mut WsmanClient) -> Result<((), Vec<String>)> {
    let answer = client.get("AMT_GeneralSettings")?;
    let text = answer.text();
    ensure!(answer.status() == 200, "firmware answers {}: {text}", answer.status());
    let Some(host) = wsman::element(&text, "HostName") else { bail!("no HostName in {text}") };
    Ok(((), vec![format!("200 OK, {} bytes, HostName {host}", answer.body().len())]))
}

fn enumerate(client: &mut WsmanClient) -> Result<((), Vec<String>)> {
    let pulled = client.enumerate("CIM_SoftwareIdentity")?;
    let text: String = pulled.iter().map(amtd_harness::http::Response::text).collect();
    let instances = text.matches("VersionString>").count() / 2;
    ensure!(instances > 0, "no instances in {text}");
    Ok(((), vec![format!("{instances} components with their versions")]))
}

/// Clients that all connect before the first one asks.
fn crowd(address: SocketAddr) -> Result<((), Vec<String>)> {
    let connect = |_| Connection::open(address, PATIENCE);
    let clients = (0..CLIENTS).map(connect).collect::<Result<Vec<_>, _>>()?;
    let asking: Vec<_> = clients
        .into_iter()
        .map(|mut client| {
            thread::spawn(move || client.exchange(&amtd_harness::http::request("GET", "/", &[], b"")))
        })
        .collect();
    let mut answered = 0;
    for client in asking {
        let answer = client.join().map_err(|_| anyhow!("a client panicked"))??;
        answered += usize::from(answer.status() == 200);
    }
    ensure!(answered == CLIENTS, "only {answered} of {CLIENTS} were answered");
    Ok(((), vec![format!("{answered} answered, none refused: they take turns")]))
}

fn refused(address: SocketAddr) -> Result<((), Vec<String>)> {
    let answer = Connection::open(address, PATIENCE)?.exchange(&wsman::post(&wsman::identify(), &[]))?;
    ensure!(answer.status() == 503, "amtd answers {} without firmware", answer.status());
    let retry = answer.header("Retry-After").unwrap_or_default();
    Ok(((), vec![format!("503, Retry-After: {retry}"), answer.text()]))
}

/// Asks as a client with patience does, who takes a 503 as what it is and asks again. Says how it went.
fn patient_get(address: SocketAddr) -> Result<String> {
    let (start, mut put_off) = (Instant::now(), 0);
    while start.elapsed() < PATIENCE {
        let answer = Connection::open(address, PATIENCE)?.exchange(&wsman::post(&wsman::identify(), &[]))?;
        let took = readable(start.elapsed());
        match (answer.status(), put_off) {
            (503, _) => put_off += 1,
            (401, 0) => return Ok(format!("the request waited, and firmware answered it after {took}")),
            (401, _) => return Ok(format!("firmware answered after {put_off} times 503 and {took}")),
            (status, _) => bail!("status {status} after the firmware came back"),
        }
    }
    bail!("no answer from firmware within {PATIENCE:?} of its return")
}
