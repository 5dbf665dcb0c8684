//! The same exchange without a daemon: one channel on the virtual device, by the simulator's own host. What it receives is what a
//! client must receive through the daemon.

use std::path::Path;

use amt_sim::host::ApfHost;

/// Window of the direct channel. The daemon's own is smaller, so that differences in how a response is cut show.
const WINDOW: u32 = 1 << 16;

/// Sends `request` to firmware's web server on `device` and returns the bytes of the answer, of which there are `length`.
///
/// The simulator must have room for one more connection to LME than the daemon's.
#[must_use]
pub fn answer(device: &Path, request: &[u8], length: usize) -> Vec<u8> {
    let mut host = ApfHost::start(device, 1).unwrap();
    let channel = host.open(16992, WINDOW).unwrap();
    host.write(channel, request).unwrap();
    while host.channels[&channel].input.len() < length && !host.channels[&channel].closed {
        host.pump().unwrap();
    }
    let answer = std::mem::take(&mut host.channels.get_mut(&channel).unwrap().input);
    host.close(channel).unwrap();
    answer
}
