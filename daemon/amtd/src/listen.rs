//! The daemon's own listening sockets, and accepting connections on them. The protocols are those of `http` and
//! `control`. The ports that are forwarded to firmware belong to `front`.

mod accept;
mod guests;
mod socket;

pub use self::socket::BindError;
pub(crate) use self::{
    accept::{Acceptor, Listener},
    guests::{Guest, Guests},
    socket::{UnixSocket, bind_tcp},
};
