//! `amtctl info`: everything that the firmware says about itself. Flags and JSON keys are those of `rpc amtinfo`.

mod document;

use amtd_proto::v1::{GetInfoRequest, Secret, WsmanCall, job_spec::Kind, wsman_call::Operation};
use clap::Args;
use serde_json::Value;

use self::document::InfoDocument;
#[cfg(test)]
pub(super) use self::document::InfoDocument as Document;
pub(super) use self::document::{control_mode, provisioning_state};
use super::wsman;
use crate::{
    exit::Exit,
    failure::Failure,
    secret::{PASSWORD, PasswordArgs, Prompt},
    session::Session,
};

/// The way out of an AMT that is switched off.
pub(super) const SWITCH_ON: &str = "`amtctl activate` switches it on";

/// What `info` takes.
#[derive(Args)]
#[command(after_long_help = "\
Without flags, everything is shown that needs no password, except certificate hashes. User certificates and proxies are \
read over WSMAN as admin: --userCert and --proxy ask for the AMT password; --all shows them only if the password is given \
by file, standard input, systemd credential (amt-password) or environment (AMT_PASSWORD).")]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub(super) wanted: Wanted,

    /// Show only the user certificates; needs the AMT password
    #[arg(long = "userCert", alias = "user-cert")]
    user_cert: bool,

    /// Show the HTTP proxies that the firmware knows; needs the AMT password
    #[arg(long)]
    proxy: bool,

    #[command(flatten)]
    password: PasswordArgs,
}

/// Which facts are wanted. None of them means: all but the hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub(crate) struct Wanted {
    /// Show the AMT version
    #[arg(long, short = 'r')]
    ver: bool,
    /// Show the build number
    #[arg(long, short = 'b')]
    bld: bool,
    /// Show the product SKU
    #[arg(long, short = 's')]
    sku: bool,
    /// Show the unique identifier of the machine
    #[arg(long, short = 'u')]
    uuid: bool,
    /// Show the Intel Unique Platform ID
    #[arg(long)]
    upid: bool,
    /// Show the control mode
    #[arg(long, short = 'm')]
    mode: bool,
    /// Show the provisioning state
    #[arg(long = "provisioningState", alias = "provisioning-state", short = 'p')]
    provisioning_state: bool,
    /// Show the DNS suffixes of the firmware and of the system
    #[arg(long, short = 'd')]
    dns: bool,
    /// Show the host name of the system
    #[arg(long)]
    hostname: bool,
    /// Show the network adapters
    #[arg(long, short = 'l')]
    lan: bool,
    /// Show the state of remote access
    #[arg(long, short = 'a')]
    ras: bool,
    /// Show whether AMT is enabled in the BIOS
    #[arg(long = "operationalState", alias = "operational-state")]
    operational_state: bool,
    /// Show the hashes of trusted root certificates
    #[arg(long, short = 'c')]
    cert: bool,
    /// Show everything
    #[arg(long, short = 'A')]
    all: bool,
}

/// Shows what was asked for.
pub(super) async fn run(args: InfoArgs, session: &mut Session) -> Result<Exit, Failure> {
    let explicit = args.user_cert || args.proxy;
    // As rpc has it: the flag for user certificates alone shows nothing else.
    let mut document = if explicit && args.wanted == Wanted::default() {
        InfoDocument::default()
    } else {
        let client = session.connect().await?.with_limit(session.firmware_limit());
        let info = client.call(client.status().get_info(client.request(GetInfoRequest {}))).await?;
        InfoDocument::new(info, &args.wanted.resolved())
    };
    let file = args.password.file();
    let password = match explicit {
        true => Some(session.secrets().need(&PASSWORD, file, Prompt::Once)?),
        false if args.wanted.all => session.secrets().find(&PASSWORD, file)?,
        false => None,
    };
    if let Some(password) = password {
        if args.user_cert || args.wanted.all {
            let found = enumerate("AMT_PublicKeyCertificate", &password, session).await;
            let found = optional(found, args.user_cert, session)?;
            found.into_iter().for_each(|instances| document.set_user_certificates(instances));
        }
        if args.proxy || args.wanted.all {
            let found = enumerate("IPS_HTTPProxyAccessPoint", &password, session).await;
            let found = optional(found, args.proxy, session)?;
            found.into_iter().for_each(|instances| document.set_proxies(instances));
        }
    }
    session.output().show(&document)?;
    Ok(Exit::Good)
}

async fn enumerate(class: &str, password: &Secret, session: &mut Session) -> Result<Vec<Value>, Failure> {
    let call = WsmanCall {
        password: Some(password.clone()),
        operation: Operation::Enumerate.into(),
        resource: class.into(),
        ..WsmanCall::default()
    };
    let answer = wsman::ask(Kind::WsmanCall(call), session).await?;
    Ok(match answer {
        Value::Array(instances) => instances,
        Value::Null => Vec::new(),
        single => vec![single],
    })
}

/// What was not asked for by name may be missing: older firmware does not know every class. The user is told.
fn optional<T>(found: Result<T, Failure>, wanted: bool, session: &Session) -> Result<Option<T>, Failure> {
    match found {
        Err(failure @ Failure::Refused(_)) if !wanted => {
            session.output().warn(&failure.to_string());
            Ok(None)
        }
        found => found.map(Some),
    }
}

impl Wanted {
    /// What the flags mean together.
    fn resolved(self) -> Self {
        if !self.all && self != Self::default() {
            return self;
        }
        Self {
            ver: true,
            bld: true,
            sku: true,
            uuid: true,
            upid: true,
            mode: true,
            provisioning_state: true,
            dns: true,
            hostname: true,
            lan: true,
            ras: true,
            operational_state: true,
            cert: self.all,
            all: self.all,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_flags_everything_but_the_hashes_is_shown() {
        let all = Wanted::default().resolved();
        assert!(all.ver && all.lan && all.ras && !all.cert);
        assert!(Wanted { all: true, ..Wanted::default() }.resolved().cert);
        let one = Wanted { mode: true, ..Wanted::default() };
        assert_eq!(one.resolved(), one);
    }
}
