//! Remote access that the device opens itself (CIRA): asking for a tunnel on behalf of the user, and the log of the
//! last one (amthi 3.14). Its present state is `network`'s.

use super::reader::Reader;
use super::{AmthiError, Command};

/// Asks the device to open its tunnel to the management server, as the user would. [`super::Status::NOT_READY`] and
/// [`super::Status::DATA_MISSING`] (no policy for it) are normal refusals (amthi 3.16).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenUserInitiatedConnection;

impl Command for OpenUserInitiatedConnection {
    type Answer = ();

    const OPERATION: u32 = 0x44;
    const CHANGES: bool = true;

    fn parse(_: &[u8]) -> Result<(), AmthiError> {
        Ok(())
    }
}

/// Asks the device to close the tunnel that the user has asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseUserInitiatedConnection;

impl Command for CloseUserInitiatedConnection {
    type Answer = ();

    const OPERATION: u32 = 0x45;
    const CHANGES: bool = true;

    fn parse(_: &[u8]) -> Result<(), AmthiError> {
        Ok(())
    }
}

/// Asks for the log of the tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetCiraLog;

/// What the device remembers of its tunnel. Times are seconds since 1970, intervals seconds.
///
/// The reply says more about the last failures, in a layout that is inferred by one program and not confirmed; of that
/// only the servers' names are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiraLog {
    /// Version of the log.
    pub version: u8,
    /// Whether the tunnel is open.
    pub open: bool,
    /// The state of the connection, as firmware numbers it.
    pub connection: u8,
    /// When the last sign of life was exchanged.
    pub last_keep_alive: u32,
    /// How often one is.
    pub keep_alive_interval: u32,
    /// How the last attempt to connect ended, as firmware numbers it.
    pub last_connection_status: u8,
    /// When that was.
    pub last_connection_time: u32,
    /// How the last tunnel ended, as firmware numbers it.
    pub last_tunnel_status: u8,
    /// When it was opened.
    pub last_opened: u32,
    /// When it was closed.
    pub last_closed: u32,
    /// The server of the last tunnel that failed, if there is one.
    pub failed_tunnel: Option<String>,
    /// The server of the last connection that failed, if there is one.
    pub failed_connection: Option<String>,
}

impl Command for GetCiraLog {
    type Answer = CiraLog;

    const OPERATION: u32 = 0x8E;

    /// The version of the log that is asked for.
    fn payload(&self) -> Vec<u8> {
        vec![0]
    }

    fn parse(payload: &[u8]) -> Result<CiraLog, AmthiError> {
        let mut reader = Reader::new(payload);
        let version = reader.u8("log version")?;
        let open = reader.u8("tunnel open")? != 0;
        let connection = reader.u8("tunnel state")?;
        reader.skip("reserved bytes of the log", 3)?;
        Ok(CiraLog {
            version,
            open,
            connection,
            last_keep_alive: reader.u32("last keep-alive")?,
            keep_alive_interval: reader.u32("keep-alive interval")?,
            last_connection_status: reader.u8("last connection status")?,
            last_connection_time: reader.u32("last connection time")?,
            last_tunnel_status: reader.u8("last tunnel status")?,
            last_opened: reader.u32("last opened")?,
            last_closed: reader.u32("last closed")?,
            failed_tunnel: failed(&mut reader, FAILED_TUNNEL_SPACE)?,
            failed_connection: failed(&mut reader, FAILED_CONNECTION_SPACE)?,
        })
    }
}

/// An entry about a failure, of which the server's name is kept: valid 1, time 4, trigger 1, reserved 3, server 256.
fn failed(reader: &mut Reader<'_>, space: usize) -> Result<Option<String>, AmthiError> {
    let mut entry = Reader::new(reader.bytes("failure in the log", space)?);
    let valid = entry.u8("failure is valid")? != 0;
    entry.skip("time and trigger of the failure", 8)?;
    let server = entry.padded("server of the failure", SERVER_SPACE)?;
    Ok(valid.then_some(server))
}

const SERVER_SPACE: usize = 256;
const FAILED_TUNNEL_SPACE: usize = 545;
const FAILED_CONNECTION_SPACE: usize = 2208;
