//! Tests of the APF core through its public interface: the driver's view.
//!
//! `golden` and `codec` test the wire format, `invalid_input` the reaction to each row of the table of
//! invalid input (`apf 10`), `handshake`, `forwards`, `channels` and `scheduling` what their names say,
//! `conservation` whole random runs against a small firmware, `purity` what the crate must not depend on.

mod channels;
mod codec;
mod conservation;
mod firmware;
mod forwards;
mod golden;
mod handshake;
mod invalid_input;
mod purity;
mod scheduling;
mod support;
