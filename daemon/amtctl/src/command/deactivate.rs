//! `amtctl deactivate`: wholly or in part.

use amtd_proto::v1::{Deactivate, GetInfoRequest, job_spec::Kind};
use clap::Args;

use crate::{
    exit::Exit,
    failure::Failure,
    job::{self, JobArgs, Order},
    secret::{PASSWORD, PasswordArgs, Prompt},
    session::Session,
};

/// What `deactivate` takes.
#[derive(Args)]
#[command(after_long_help = "\
Client control mode needs no password. Admin control mode does: it is asked for on the terminal unless it is given by \
file, standard input, systemd credential (amt-password) or environment (AMT_PASSWORD).")]
pub(crate) struct DeactivateArgs {
    /// Keep the admin account and the network settings; admin control mode only
    #[arg(long)]
    partial: bool,

    #[command(flatten)]
    password: PasswordArgs,

    /// Do not ask for confirmation
    #[arg(long, short = 'y', help_heading = "Job options")]
    yes: bool,

    #[command(flatten)]
    job: JobArgs,
}

/// Deactivates.
pub(super) async fn run(args: DeactivateArgs, session: &mut Session) -> Result<Exit, Failure> {
    let found = session.secrets().find(&PASSWORD, args.password.file())?;
    let password = match found {
        Some(password) => Some(password),
        None if is_admin_mode(session).await? => {
            Some(session.secrets().need(&PASSWORD, None, Prompt::Once)?)
        }
        None => None,
    };
    let kind = Kind::Deactivate(Deactivate { password, partial: args.partial });
    let question = (!args.yes).then_some("Deactivate AMT on this machine?");
    job::run(Order { kind, args: &args.job, question }, session).await
}

/// Whether a password is needed. Where the firmware does not say, the daemon finds out.
async fn is_admin_mode(session: &Session) -> Result<bool, Failure> {
    let client = session.connect().await?.with_limit(session.firmware_limit());
    let info = match client.call(client.status().get_info(client.request(GetInfoRequest {}))).await {
        Err(Failure::Refused(_)) => return Ok(false),
        info => info?,
    };
    let mode = info.firmware.and_then(|firmware| firmware.control_mode);
    Ok(mode.as_deref() == Some("admin"))
}
