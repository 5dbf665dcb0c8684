//! Command line of the AMT firmware simulator. The simulator itself is the library of this package.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use amt_sim::config::{CreditPolicy, EngineModel, ReceiveCredit, SimConfig, TimeProfile};
use amt_sim::device::ControlMode;
use amt_sim::device::accounts::Password;
use amt_sim::web::{AfterUnauthorized, QopOffer};
use amt_sim::{Simulator, faults};
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
    /// How long requests take
    #[arg(long, value_enum, default_value_t = Profile::Instant)]
    profile: Profile,
    /// When the engine is free again after a request
    #[arg(long, value_enum, default_value_t = Engine::Independent)]
    engine: Engine,
    /// State of the device at start
    #[arg(long, value_enum, default_value_t = State::Ccm)]
    state: State,
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
    /// Ports that firmware asks the host to forward to its web server
    #[arg(long, value_name = "PORTS", value_delimiter = ',', default_values_t = [16992, 623])]
    ports: Vec<u16>,
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
    /// Client control mode
    Ccm,
    /// Admin control mode
    Acm,
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
        config.profile = match self.profile {
            Profile::Instant => TimeProfile::Instant,
            Profile::Realistic => TimeProfile::Realistic,
        };
        config.engine = match self.engine {
            Engine::Independent => EngineModel::Independent,
            Engine::Stuck => EngineModel::Stuck,
        };
        config.device.control_mode = match self.state {
            State::Pre => ControlMode::None,
            State::Ccm => ControlMode::Client,
            State::Acm => ControlMode::Admin,
        };
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
        config.device.unix_time = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |time| time.as_secs());
        config.apf.window = self.window;
        config.apf.max_message = self.max_message;
        config.apf.max_frame = self.max_frame;
        config.apf.slots = self.slots;
        config.apf.ports = self.ports;
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
