//! The simulator through its sockets, as a host and a test see it.

mod amthi;
mod channels;
mod control;
mod device;
mod faults;
mod firmware_channels;
mod provisioning;
mod rig;
mod startup;
mod tls;
mod violations;
mod wsman;
