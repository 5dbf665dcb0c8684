//! `amtctl activate`: client or admin control mode.

use std::path::PathBuf;

use amtd_proto::v1::{ActivateAcm, ActivateCcm, job_spec::Kind};
use clap::{ArgGroup, Args};

use crate::{
    exit::Exit,
    failure::Failure,
    job::{self, JobArgs, Order},
    secret::{self, CERTIFICATE_PASSWORD, MEBX_PASSWORD, PASSWORD, PasswordArgs, Prompt, SecretError},
    session::Session,
};

/// What `activate` takes.
#[derive(Args)]
#[command(after_long_help = AFTER, group = ArgGroup::new("control mode").required(true).args(["ccm", "acm"]))]
pub(crate) struct ActivateArgs {
    /// Activate in client control mode
    #[arg(long)]
    ccm: bool,

    /// Activate in admin control mode, or upgrade to it; needs a provisioning certificate
    #[arg(long)]
    acm: bool,

    /// Read the provisioning certificate, its chain and its key from this PKCS#12 file, binary or base64
    #[arg(long = "provisioningCert", alias = "provisioning-cert", value_name = "FILE", requires = "acm")]
    provisioning_cert: Option<PathBuf>,

    /// Check the certificate against this DNS suffix, and not only against that of the firmware
    #[arg(long = "dns", short = 'd', visible_alias = "dns-suffix", value_name = "SUFFIX", requires = "acm")]
    dns_suffix: Option<String>,

    #[command(flatten)]
    password: PasswordArgs,

    /// Read the password of the provisioning certificate from this file; "-" is standard input
    #[arg(
        long = "provisioningCertPwd-file",
        alias = "provisioning-cert-password-file",
        value_name = "FILE",
        requires = "acm",
        help_heading = "Secrets"
    )]
    provisioning_cert_password_file: Option<PathBuf>,

    /// Also set the MEBx password, read from this file; "-" is standard input
    #[arg(
        long = "mebxpassword-file",
        alias = "mebx-password-file",
        value_name = "FILE",
        requires = "acm",
        help_heading = "Secrets"
    )]
    mebx_password_file: Option<PathBuf>,

    /// Do not ask for confirmation
    #[arg(long, short = 'y', help_heading = "Job options")]
    yes: bool,

    #[command(flatten)]
    job: JobArgs,
}

const AFTER: &str = "\
Secrets are asked for on the terminal unless they are given by file, by standard input (one line for each, in the order \
AMT password, certificate password, MEBx password), as systemd credentials (amt-password, provisioning-cert, \
provisioning-cert-password, mebx-password) or in the environment (AMT_PASSWORD, PROVISIONING_CERT, \
PROVISIONING_CERT_PASSWORD, MEBX_PASSWORD), which other processes of the same user can read.

The AMT password is 8 to 32 characters with upper and lower case, a digit and a special character.

If Intel AMT is switched off, it is switched on first, where the firmware lets its own machine do that; --plan says so. \
It stays on even if the activation then fails.";

const NEXT: &str = "see the result with `amtctl info`; choose features with `amtctl configure amtfeatures`";

/// Activates.
pub(super) async fn run(args: ActivateArgs, session: &mut Session) -> Result<Exit, Failure> {
    let kind = if args.ccm { ccm(&args, session)? } else { acm(&args, session)? };
    let question = (!args.yes).then_some("Activate AMT on this machine?");
    let exit = job::run(Order { kind, args: &args.job, question }, session).await?;
    if exit == Exit::Good && args.job.is_to_the_end() {
        session.output().say(NEXT);
    }
    Ok(exit)
}

fn ccm(args: &ActivateArgs, session: &mut Session) -> Result<Kind, SecretError> {
    let password = session.secrets().need(&PASSWORD, args.password.file(), Prompt::Twice)?;
    Ok(Kind::ActivateCcm(ActivateCcm { password: Some(password) }))
}

fn acm(args: &ActivateArgs, session: &mut Session) -> Result<Kind, Failure> {
    let secrets = session.secrets();
    let certificate = secrets.certificate(args.provisioning_cert.as_deref())?;
    let certificate = certificate.ok_or_else(|| {
        Failure::usage(
            "admin control mode needs a provisioning certificate",
            format!("name its file with {} FILE", secret::CERTIFICATE.flag),
        )
    })?;
    let password = secrets.need(&PASSWORD, args.password.file(), Prompt::Twice)?;
    let file = args.provisioning_cert_password_file.as_deref();
    let certificate_password = secrets.need(&CERTIFICATE_PASSWORD, file, Prompt::Once)?;
    let mebx_password = secrets.find(&MEBX_PASSWORD, args.mebx_password_file.as_deref())?;
    Ok(Kind::ActivateAcm(ActivateAcm {
        password: Some(password),
        provisioning_cert: Some(certificate),
        provisioning_cert_password: Some(certificate_password),
        mebx_password,
        dns_suffix: args.dns_suffix.clone(),
    }))
}
