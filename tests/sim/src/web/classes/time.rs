//! AMT_TimeSynchronizationService (wsman 9.7).

use std::time::Instant;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS, resource, returned, status,
};
use crate::device::Device;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Value};

pub(super) static SYNCHRONIZATION: Class = Class {
    methods: &[
        Method { name: "GetLowAccuracyTimeSynch", local_system: true, run: read_clock },
        Method { name: "SetHighAccuracyTimeSynch", local_system: true, run: set_clock },
    ],
    ..Class::read_only(resource!(amt "AMT_TimeSynchronizationService"), SERVICE_KEYS, list)
};

fn list(_device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Time Synchronization Service";
    let service = Instance::with_capacity(9)
        .with("CreationClassName", "AMT_TimeSynchronizationService")
        .with("ElementName", NAME)
        .with("EnabledState", 5)
        .with("LocalTimeSyncEnabled", 0)
        .with("Name", NAME)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM)
        .with("TimeSource", 0);
    vec![service]
}

fn read_clock(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let time = call.device.unix_time(call.now);
    Ok(Instance::default().with("Ta0", Value::Number(time)).with("ReturnValue", status::SUCCESS))
}

/// Corrects the clock: `Ta0` is what was read, `Tm1` the host's time then and `Tm2` now; the reading is taken to have
/// happened in the middle of its exchange.
fn set_clock(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let device_then: u32 = required(call.input.number("Ta0")?)?;
    let host_then: u32 = required(call.input.number("Tm1")?)?;
    let host_now: u32 = required(call.input.number("Tm2")?)?;
    if host_now < host_then {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    call.device.adjust_clock(i64::from(host_then) - i64::from(device_then));
    Ok(returned(status::SUCCESS))
}
