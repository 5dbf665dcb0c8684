//! Command line of the AMT firmware simulator. The simulator itself is the library of this package.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use amt_sim::config::{CreditPolicy, EngineModel, ReceiveCredit, SimConfig, TimeProfile, TlsMode};
use amt_sim::device::accounts::Password;
use amt_sim::device::{ControlMode, DeviceConfig};
use amt_sim::tls::{self, IdentityChain};
use amt_sim::web::{AfterUnauthorized, QopOffer};
use amt_sim::{Simulator, faults, pki};
use anyhow::Context;
use clap::{Parser, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};

/// Simulate the AMT firmware behind a virtual MEI device
///
/// Prints "ready SOCKET" on stdout once it listens, and violations of the protocol by the host on stderr. The test password of the
/// account "admin" is P@ssw0rd. Stops at SIGTERM, SIGINT or the control command {"do":"quit"}.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Path of the virtual MEI device, a SOCK_SEQPACKET Unix socket
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Path of the control socket: one JSON object per line, one reply per line
    #[arg(long, value_name = "PATH")]
    control: Option<PathBuf>,
    /// Serve a real device node /dev/NAME as well; needs root and the kernel module "cuse"
    #[arg(long, value_name = "NAME")]
    cuse: Option<String>,
    /// How long requests take
    #[arg(long, value_enum, default_value_t = Profile::Instant)]
    profile: Profile,
    /// When the engine is free again after a request
    #[arg(long, value_enum, default_value_t = Engine::Independent)]
    engine: Engine,
    /// State of the device at start, unless --state-file has one
    #[arg(long, value_enum, default_value_t = State::Ccm)]
    state: State,
    /// File that keeps the device's state over restarts; it is made if it does not exist
    #[arg(long, value_name = "FILE")]
    state_file: Option<PathBuf>,
    /// Certificate, PEM or DER, whose hash is in the table of trusted roots; may be given several times
    #[arg(long, value_name = "FILE")]
    trusted_root: Vec<PathBuf>,
    /// DNS suffix that provisioning certificates have to be for, empty for that of DHCP [default: example.net]
    #[arg(long, value_name = "SUFFIX")]
    dns_suffix: Option<String>,
    /// Version that the device reports, three numbers; from 19 on there is no AdminSetup [default: 16.1.25]
    #[arg(long, value_name = "VERSION")]
    amt_version: Option<String>,
    /// Announce the hash of the device's own certificate (AMTHI 8B) as hex digits, as some firmware does
    #[arg(long)]
    hash_as_text: bool,
    /// How long LME and AMTHI are busy after a change of the control mode, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    settle: u64,
    /// By how many seconds the device's clock is ahead at start, negative if behind
    #[arg(long, value_name = "SECONDS", default_value_t = 0, allow_hyphen_values = true)]
    clock_error: i64,
    /// File whose first line is the password of the account "admin" [default: the password P@ssw0rd]
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<PathBuf>,
    /// Digest protection that is offered; some HTTP stacks cannot read a list of two
    #[arg(long, value_enum, default_value_t = Qop::AuthInt)]
    qop: Qop,
    /// What becomes of a connection after a 401
    #[arg(long, value_enum, default_value_t = After401::Close)]
    after_401: After401,
    /// Window granted for each channel, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 4096)]
    window: u32,
    /// Largest message of LME, header included
    #[arg(long, value_name = "BYTES", default_value_t = 5120)]
    max_message: usize,
    /// Most payload of one DATA message to the host
    #[arg(long, value_name = "BYTES", default_value_t = 1400)]
    max_frame: usize,
    /// Channel slots
    #[arg(long, value_name = "N", default_value_t = 8)]
    slots: usize,
    /// Ports that firmware asks the host to forward to its web server [default: those of --tls]
    #[arg(long, value_name = "PORTS", value_delimiter = ',')]
    ports: Option<Vec<u16>>,
    /// Where TLS is spoken
    #[arg(long, value_enum, default_value_t = Tls::Off)]
    tls: Tls,
    /// How much of the device's certificate chain TLS shows before provisioning
    #[arg(long, value_enum, default_value_t = Identity::Whole)]
    tls_identity: Identity,
    /// File that gets, as PEM, what a client has to trust to verify the device's certificate chain
    #[arg(long, value_name = "FILE")]
    tls_root: Option<PathBuf>,
    /// Further port whose channels send every byte back; may be given several times
    #[arg(long, value_name = "PORT")]
    echo_port: Vec<u16>,
    /// Address in the forward requests [default: the device's host name]
    #[arg(long, value_name = "TEXT")]
    address: Option<String>,
    /// When firmware gives window back
    #[arg(long, value_enum, default_value_t = Credit::Consumed)]
    credit: Credit,
    /// Most response bytes per second over all channels, 0 for no limit
    #[arg(long, value_name = "BYTES", default_value_t = 0)]
    link_rate: u64,
    /// Connections that LME takes at a time
    #[arg(long, value_name = "N", default_value_t = 1)]
    lme_connections: usize,
    /// How long a client stays busy after its connection was closed, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    linger: u64,
    /// Messages from firmware that the host may leave unread [default: one if realistic, buffer if instant]
    #[arg(long, value_enum)]
    unread: Option<Unread>,
    /// Script of faults, TOML or JSON, applied at start
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
    /// Do not print violations; they are counted all the same
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Profile {
    /// No time at all
    Instant,
    /// About 70 ms for a WSMAN request, 1 s for Setup
    Realistic,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Engine {
    /// As soon as the response is in the channel's output buffer
    Independent,
    /// When the response's last byte has been sent
    Stuck,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// Not activated
    Pre,
    /// Not activated, and AMT is switched off
    Disabled,
    /// Not activated, a remote configuration under way: in provisioning
    In,
    /// Client control mode that was not committed: in provisioning, as where TLS is enforced
    Uncommitted,
    /// Client control mode
    Ccm,
    /// Admin control mode
    Acm,
}

impl State {
    fn apply(self, device: &mut DeviceConfig) {
        device.control_mode = match self {
            Self::Pre | Self::Disabled | Self::In => ControlMode::None,
            Self::Uncommitted | Self::Ccm => ControlMode::Client,
            Self::Acm => ControlMode::Admin,
        };
        device.in_provisioning = matches!(self, Self::In | Self::Uncommitted);
        device.enabled = !matches!(self, Self::Disabled);
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Qop {
    /// `auth`, as AMT 8 to 13
    Auth,
    /// `auth-int, auth`, as AMT 14 and later
    AuthInt,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum After401 {
    /// It is closed, as by real firmware
    Close,
    /// It is kept
    Keep,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Credit {
    /// As the web server takes the bytes
    Consumed,
    /// For each message as it arrives
    PerMessage,
    /// Consumed bytes, half a window at a time
    HalfWindow,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tls {
    /// Nowhere; the ports are 16992 and 623
    Off,
    /// On 16993 and 664, besides 16992 and 623
    Also,
    /// On 16993 and 664, the only ports, as from AMT 19 on
    Enforced,
}

impl Tls {
    fn mode(self) -> TlsMode {
        match self {
            Self::Off => TlsMode::Off,
            Self::Also => TlsMode::Also,
            Self::Enforced => TlsMode::Enforced,
        }
    }

    /// The ports that firmware asks for, in its order.
    fn ports(self) -> Vec<u16> {
        match self {
            Self::Off => vec![16992, 623],
            Self::Also => vec![16992, 16993, 623, 664],
            Self::Enforced => vec![16993, 664],
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Identity {
    /// Up to the ROM authority, four certificates
    ToRom,
    /// Up to the root, six certificates
    Whole,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Unread {
    /// One, as the MEI driver does it
    One,
    /// As many as the socket holds
    Buffer,
}

impl Args {
    fn into_config(self) -> anyhow::Result<SimConfig> {
        let mut config = SimConfig::new(self.socket);
        config.control = self.control;
        config.cuse = self.cuse;
        config.profile = match self.profile {
            Profile::Instant => TimeProfile::Instant,
            Profile::Realistic => TimeProfile::Realistic,
        };
        config.engine = match self.engine {
            Engine::Independent => EngineModel::Independent,
            Engine::Stuck => EngineModel::Stuck,
        };
        config.state_file = self.state_file;
        config.settling.time = Duration::from_millis(self.settle);
        config.device.hash_as_text = self.hash_as_text;
        self.state.apply(&mut config.device);
        for path in &self.trusted_root {
            config.device.trusted_roots.extend(read_certificates(path)?);
        }
        if let Some(suffix) = self.dns_suffix {
            config.device.network.dns_suffix = suffix;
        }
        if let Some(version) = self.amt_version {
            config.device.versions.amt = version;
        }
        if let Some(path) = self.admin_password_file {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            config.device.admin_password = Password::new(text.lines().next().unwrap_or_default());
        }
        config.device.login.qop = match self.qop {
            Qop::Auth => QopOffer::Auth,
            Qop::AuthInt => QopOffer::AuthIntAuth,
        };
        config.device.login.after_unauthorized = match self.after_401 {
            After401::Close => AfterUnauthorized::Close,
            After401::Keep => AfterUnauthorized::Keep,
        };
        // Before 1970 there is no time that the device could show.
        #[expect(clippy::disallowed_methods, reason = "firmware shows the time of day")]
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
        config.device.unix_time = now.saturating_add_signed(self.clock_error);
        config.apf.window = self.window;
        config.apf.max_message = self.max_message;
        config.apf.max_frame = self.max_frame;
        config.apf.slots = self.slots;
        config.apf.ports = self.ports.unwrap_or_else(|| self.tls.ports());
        config.device.tls.mode = self.tls.mode();
        config.device.tls.identity = match self.tls_identity {
            Identity::ToRom => IdentityChain::ToRom,
            Identity::Whole => IdentityChain::Whole,
        };
        config.apf.echo_ports = self.echo_port;
        config.apf.address = self.address;
        config.apf.link_rate = self.link_rate;
        config.apf.credit = match self.credit {
            Credit::Consumed => CreditPolicy::Consumed,
            Credit::PerMessage => CreditPolicy::PerMessage,
            Credit::HalfWindow => CreditPolicy::HalfWindow,
        };
        config.mei.lme_connections = self.lme_connections;
        config.mei.linger = Duration::from_millis(self.linger);
        config.mei.receive_credit = self.unread.map(|unread| match unread {
            Unread::One => ReceiveCredit::One,
            Unread::Buffer => ReceiveCredit::Buffer,
        });
        config.print_violations = !self.quiet;
        if let Some(path) = self.faults {
            config.steps = faults::read_script(&path)?;
        }
        Ok(config)
    }
}

/// The certificates of a file, as DER.
fn read_certificates(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    pki::read_certificates(&bytes).with_context(|| format!("{}: no certificate, PEM or DER", path.display()))
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("amt-sim: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    if let Some(path) = &args.tls_root {
        std::fs::write(path, tls::anchors_pem()?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let mut simulator = Simulator::start(args.into_config()?)?;
    let mut stdout = std::io::stdout();
    writeln!(stdout, "ready {}", simulator.socket().display()).and_then(|()| stdout.flush())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = simulator.finished() => {}
        }
        Ok(())
    })
}
