//! The seam to one machine's firmware: how host clients and ports are reached. The daemon implements it over its
//! device link, tests over models; everything else in this crate stands on it and opens nothing itself.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use zeroize::Zeroizing;

/// How the firmware of one machine is reached.
///
/// Each call is to be bounded by the implementation with its own limits where it has some; this crate bounds all of
/// them once more with a deadline, and drops the future when that passes. Dropping must give back what was held.
pub trait Machine: Send + Sync {
    /// An open connection to one host client.
    type Burst: Burst;
    /// A byte stream to a port of firmware.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Opens a connection to a host client for a short burst of commands. Firmware has room for one program there, so
    /// that a burst is to be closed soon (amthi 9).
    fn open(&self, client: HostClient) -> impl Future<Output = Result<Self::Burst, ReachError>> + Send;

    /// Opens a byte stream to a port of firmware, such as [`PLAIN_PORT`].
    fn connect(&self, port: u16) -> impl Future<Output = Result<Self::Stream, ReachError>> + Send;

    /// Whether firmware serves this port at present, as far as is known without asking it.
    fn serves(&self, port: u16) -> bool;
}

/// An open connection to one host client: one message to and one message from firmware, strictly in turn.
///
/// Dropping it closes the connection without waiting, which is how one that has failed is closed.
pub trait Burst: Send {
    /// Sends a request and waits for the message that follows. An empty message is an answer, too. The buffer is wiped
    /// because some answers hold a password.
    fn exchange(
        &mut self,
        request: &[u8],
    ) -> impl Future<Output = Result<Zeroizing<Vec<u8>>, ReachError>> + Send;

    /// Closes the connection and waits until the place is free again, as far as that can be known.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// The host clients of firmware that this crate speaks to. The implementation of [`Machine`] knows their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HostClient {
    /// AMT host interface (amthi 1).
    Amthi,
    /// Manageability host client: enabling AMT (amthi 4). The kernel's watchdog driver may hold it.
    Mhc,
    /// Kernel interface of the engine: capabilities (amthi 7).
    Mkhi,
    /// Unique platform id (amthi 5).
    Upid,
}

impl HostClient {
    /// The GUID under which firmware offers it, as text (amthi 1, 4, 5, 7).
    pub const fn guid(self) -> &'static str {
        match self {
            Self::Amthi => "12f80028-b4b7-4b2d-aca8-46e0ff65814c",
            Self::Mhc => "05b79a6f-4628-4d7f-899d-a91514cb32ab",
            Self::Mkhi => "8e6a6715-9abc-4043-88ef-9e39c6f63e0f",
            Self::Upid => "92136c79-5fea-4cfd-980e-23be07fa5e9f",
        }
    }
}

/// The port of firmware's WSMAN server in the clear (wsman 1).
pub const PLAIN_PORT: u16 = 16992;
/// The port of firmware's WSMAN server over TLS (wsman 1).
pub const TLS_PORT: u16 = 16993;

/// Why firmware cannot be reached, and what helps.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReachError {
    /// Another program holds the host client (EBUSY).
    #[error(
        "another program is using the host interface of the firmware: stop other AMT tools, or wait for them to finish"
    )]
    Busy,
    /// There is no device, or it is booting, resetting, suspended or disabled (ENODEV).
    #[error(
        "the link to the firmware is down: it comes back by itself after a reset or suspend; else check the MEI driver"
    )]
    NoDevice,
    /// Firmware does not offer the host client (ENOTTY).
    #[error(
        "the firmware does not offer this interface: AMT may be absent, disabled in the firmware setup, or still starting"
    )]
    NoClient,
    /// The daemon's user may not open the device.
    #[error(
        "not allowed to open the device: give the daemon's user access with a udev rule for the mei subsystem"
    )]
    PermissionDenied,
    /// Firmware has no free channel, or refuses to connect to its port.
    #[error(
        "the firmware accepts no connection to this port: it may be restarting its server, or have no free channel"
    )]
    Refused,
    /// No answer came in time.
    #[error("the firmware did not answer within {0:?}")]
    Silent(Duration),
    /// The connection broke.
    #[error("the connection to the firmware was lost")]
    Lost,
    /// The daemon is being stopped.
    #[error("the daemon is being stopped")]
    Stopping,
    /// Anything else that the implementation met.
    #[error("the firmware cannot be reached: {0}")]
    Other(#[source] Arc<dyn Error + Send + Sync>),
}

impl ReachError {
    /// Whether a new attempt to open or connect can go better after a pause (amthi 9).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Busy | Self::NoDevice | Self::NoClient | Self::Refused | Self::Lost => true,
            // Firmware that is stuck is not asked again.
            Self::Silent(_) | Self::PermissionDenied | Self::Stopping | Self::Other(_) => false,
        }
    }
}

impl<M: Machine> Machine for &M {
    type Burst = M::Burst;
    type Stream = M::Stream;

    fn open(&self, client: HostClient) -> impl Future<Output = Result<Self::Burst, ReachError>> + Send {
        (**self).open(client)
    }

    fn connect(&self, port: u16) -> impl Future<Output = Result<Self::Stream, ReachError>> + Send {
        (**self).connect(port)
    }

    fn serves(&self, port: u16) -> bool {
        (**self).serves(port)
    }
}

impl<M: Machine> Machine for Arc<M> {
    type Burst = M::Burst;
    type Stream = M::Stream;

    fn open(&self, client: HostClient) -> impl Future<Output = Result<Self::Burst, ReachError>> + Send {
        (**self).open(client)
    }

    fn connect(&self, port: u16) -> impl Future<Output = Result<Self::Stream, ReachError>> + Send {
        (**self).connect(port)
    }

    fn serves(&self, port: u16) -> bool {
        (**self).serves(port)
    }
}
