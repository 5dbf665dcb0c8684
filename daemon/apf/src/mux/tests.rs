//! The multiplexer against a scripted firmware, on a virtual clock: a file for each kind of trouble.

mod caller;
mod channels;
mod greed;
mod slots;
mod trouble;
mod turns;
