//! `amtctl configure`: settings of activated AMT.

use std::path::PathBuf;

use amtd_proto::v1::{
    ChangePassword, SetFeatures, SetMebxPassword, SyncClock, SyncHostname, job_spec::Kind,
    set_features::UserConsent,
};
use clap::{Args, Subcommand, ValueEnum, builder::BoolishValueParser};

use crate::{
    exit::Exit,
    failure::Failure,
    job::{self, JobArgs, Order},
    secret::{MEBX_PASSWORD, NEW_PASSWORD, PASSWORD, PasswordArgs, Prompt, SecretError, Secrets},
    session::Session,
};

/// What `configure` takes.
#[derive(Args)]
pub(crate) struct ConfigureArgs {
    #[command(subcommand)]
    setting: Setting,
}

#[derive(Subcommand)]
enum Setting {
    /// Switch KVM, SOL and IDER on or off, and set when the user must consent
    #[command(name = "amtfeatures", aliases = ["amt-features", "setamtfeatures"])]
    Features(FeaturesArgs),
    /// Set the AMT clock to the time of this machine
    #[command(name = "syncclock", aliases = ["sync-clock", "synctime"])]
    SyncClock(PlainArgs),
    /// Set the AMT host name to that of this machine
    #[command(name = "synchostname", aliases = ["sync-hostname", "hostname", "sethostname"])]
    SyncHostname(HostnameArgs),
    /// Change the password of the AMT account admin
    #[command(name = "amtpassword", aliases = ["amt-password", "changeamtpassword"])]
    Password(NewPasswordArgs),
    /// Set the password of the MEBx menu; admin control mode only
    #[command(name = "mebx", alias = "setmebx")]
    Mebx(MebxArgs),
}

#[derive(Args)]
struct PlainArgs {
    #[command(flatten)]
    password: PasswordArgs,

    #[command(flatten)]
    job: JobArgs,
}

#[derive(Args)]
struct FeaturesArgs {
    /// Switch KVM on, or off with --kvm=false; unchanged without the flag
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    kvm: Option<bool>,

    /// Switch serial over LAN on, or off with --sol=false; unchanged without the flag
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    sol: Option<bool>,

    /// Switch IDE redirection on, or off with --ider=false; unchanged without the flag
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true",
          value_parser = BoolishValueParser::new())]
    ider: Option<bool>,

    /// Require the consent of the user at the machine for this; admin control mode only
    #[arg(long = "userConsent", alias = "user-consent", value_name = "WHAT", value_enum)]
    user_consent: Option<Consent>,

    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Consent {
    None,
    Kvm,
    All,
}

#[derive(Args)]
struct HostnameArgs {
    /// Use this host name instead of the machine's
    #[arg(long, value_name = "NAME")]
    hostname: Option<String>,

    /// Use this domain instead of the machine's; if neither is known, AMT keeps its own
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,

    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Args)]
struct NewPasswordArgs {
    /// Read the new AMT password from this file; "-" is standard input, after the current password
    #[arg(
        long = "newamtpassword-file",
        alias = "new-password-file",
        value_name = "FILE",
        help_heading = "Secrets"
    )]
    new_password_file: Option<PathBuf>,

    #[command(flatten)]
    plain: PlainArgs,
}

#[derive(Args)]
struct MebxArgs {
    /// Read the MEBx password from this file; "-" is standard input, after the AMT password
    #[arg(
        long = "mebxpassword-file",
        alias = "mebx-password-file",
        value_name = "FILE",
        help_heading = "Secrets"
    )]
    mebx_password_file: Option<PathBuf>,

    #[command(flatten)]
    plain: PlainArgs,
}

/// Changes a setting.
pub(super) async fn run(args: ConfigureArgs, session: &mut Session) -> Result<Exit, Failure> {
    let secrets = session.secrets();
    let (kind, job) = match args.setting {
        Setting::Features(args) => (features(&args, secrets)?, args.plain.job),
        Setting::SyncClock(args) => {
            let password = Some(args.password.need(secrets)?);
            (Kind::SyncClock(SyncClock { password }), args.job)
        }
        Setting::SyncHostname(args) => {
            let password = Some(args.plain.password.need(secrets)?);
            let kind = SyncHostname { password, host_name: args.hostname, domain_name: args.domain };
            (Kind::SyncHostname(kind), args.plain.job)
        }
        Setting::Password(args) => {
            let password = Some(args.plain.password.need(secrets)?);
            let file = args.new_password_file.as_deref();
            let new_password = Some(secrets.need(&NEW_PASSWORD, file, Prompt::Twice)?);
            (Kind::ChangePassword(ChangePassword { password, new_password }), args.plain.job)
        }
        Setting::Mebx(args) => {
            let password = Some(args.plain.password.need(secrets)?);
            let file = args.mebx_password_file.as_deref();
            let mebx_password = Some(secrets.need(&MEBX_PASSWORD, file, Prompt::Twice)?);
            (Kind::SetMebxPassword(SetMebxPassword { password, mebx_password }), args.plain.job)
        }
    };
    job::run(Order { kind, args: &job, question: None }, session).await
}

fn features(args: &FeaturesArgs, secrets: &mut Secrets<'_>) -> Result<Kind, Failure> {
    let FeaturesArgs { kvm, sol, ider, user_consent, plain } = args;
    if (kvm, sol, ider).eq(&(&None, &None, &None)) && user_consent.is_none() {
        return Err(Failure::usage(
            "there is nothing to change",
            "name at least one of --kvm, --sol, --ider and --userConsent",
        ));
    }
    let user_consent = match user_consent {
        None => UserConsent::Unspecified,
        Some(Consent::None) => UserConsent::None,
        Some(Consent::Kvm) => UserConsent::Kvm,
        Some(Consent::All) => UserConsent::All,
    };
    Ok(Kind::SetFeatures(SetFeatures {
        password: Some(plain.password.need(secrets)?),
        kvm: *kvm,
        sol: *sol,
        ider: *ider,
        user_consent: user_consent.into(),
    }))
}

impl PasswordArgs {
    /// The password in force.
    fn need(&self, secrets: &mut Secrets<'_>) -> Result<amtd_proto::v1::Secret, SecretError> {
        secrets.need(&PASSWORD, self.file(), Prompt::Once)
    }
}
