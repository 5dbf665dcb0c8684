//! WSMAN to firmware: a client that reads, writes, lists and calls, and the classes that configuring a device needs.
//!
//! [`Client`] does one request at a time over a [`crate::machine::Machine`]; give each user of the device a client of
//! their own and drop it when done, because a connection takes one of firmware's few places. [`classes`] has what the
//! daemon itself uses; any other class goes through [`Client::get`] and its neighbours with a [`Resource`], and
//! [`json`] turns such instances into JSON and back.

pub mod classes;
mod client;
mod connection;
mod digest;
mod envelope;
mod error;
mod fault;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod instance;
pub mod json;
mod parameters;
mod resource;
mod return_value;
mod tls;
mod xml;

pub use client::{Client, ClientConfig, Endpoint, Output, Probe};
pub use digest::{ChallengeError, Credentials, LoginError, PasswordDigest, Realm, RealmError};
pub use error::WsmanError;
pub use fault::{Fault, Subcode};
pub use identity::{DeviceIdentity, IdentityError};
pub use instance::{Class, Instance, PropertyError};
pub use parameters::Parameters;
pub use resource::{Reference, Resource, ResourceError, Selectors};
pub use return_value::ReturnValue;
pub use tls::{ClientIdentity, TlsError, TlsSettings, Trust};
pub use xml::{Attribute, Element, XmlError};

#[cfg(test)]
mod tests;
