//! The control API over real connections and a real client, with forged identities and a machine that the test plays.

mod access;
mod limits;
mod rig;
mod services;
mod tcp;
