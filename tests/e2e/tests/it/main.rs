//! End-to-end tests over the shipped programs `amtd` and `amt-sim`: one module for each kind of behaviour, one test for each hazard,
//! each readable from top to bottom as what a client, firmware and a person see.
//!
//! What must hold at the end of every test is checked by [`amtd_e2e::Rig`] when it is dropped.

#![forbid(unsafe_code)]

mod attacks;
mod backpressure;
mod cli;
mod coexistence;
mod control;
mod forward;
mod half_close;
mod http;
mod interrupted;
mod invalid;
mod jobs;
mod limits;
mod link;
mod opens;
mod ports;
mod service;
mod session;
mod shutdown;
