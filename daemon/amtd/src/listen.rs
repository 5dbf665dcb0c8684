//! Listening sockets on which the daemon answers about itself, and accepting on them. What is spoken there is the
//! business of `http` and `control`. The ports of firmware are another matter: see `front`.

mod accept;
mod guests;
mod socket;

pub use self::socket::BindError;
pub(crate) use self::{
    accept::{Acceptor, Listener},
    guests::{Guest, Guests},
    socket::{UnixSocket, bind_tcp},
};
