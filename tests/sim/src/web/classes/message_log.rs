//! AMT_MessageLog (wsman 15). Iterators are positions: record 1 is the newest.

use std::time::Instant;

use super::{Class, Invocation, Method, resource, returned, status};
use crate::device::Device;
use crate::device::message_log::MAX_RECORDS;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Value};

pub(super) static LOG: Class = Class {
    methods: &[
        Method { name: "ClearLog", local_system: false, run: clear },
        Method { name: "FreezeLog", local_system: false, run: freeze },
        Method { name: "GetRecords", local_system: true, run: get_records },
        Method { name: "PositionToFirstRecord", local_system: true, run: position_to_first_record },
    ],
    ..Class::read_only(resource!(amt "AMT_MessageLog"), &["CreationClassName", "Name"], list)
};

/// Records that one call returns at most.
const MAX_READ: usize = MAX_RECORDS;
/// Return value for an iterator that points nowhere (a guess).
const INVALID_RECORD: u32 = 2;

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT:MessageLog 1";
    let log = Instance::with_capacity(22)
        .with_list("Capabilities", [5, 6, 8, 7])
        .with("CharacterSet", 10)
        .with("CreationClassName", "AMT_MessageLog")
        .with("CurrentNumberOfRecords", Value::Number(device.log.len() as u64))
        .with("ElementName", NAME)
        .with("EnabledDefault", 2)
        .with("EnabledState", 2)
        .with("HealthState", 5)
        .with("IsFrozen", device.log.is_frozen())
        .with("LastChange", 0)
        .with("LogState", 4)
        .with("MaxLogSize", 0)
        .with("MaxNumberOfRecords", Value::Number(MAX_RECORDS as u64))
        .with("MaxRecordSize", 21)
        .with("Name", NAME)
        .with("OperationalStatus", 2)
        .with("OverwritePolicy", 2)
        .with("PercentageNearFull", 100)
        .with("RequestedState", 12)
        .with("SizeOfHeader", 0)
        .with("SizeOfRecordHeader", 0)
        .with("Status", "OK");
    vec![log]
}

fn position_to_first_record(_call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(Instance::default().with("IterationIdentifier", 1).with("ReturnValue", status::SUCCESS))
}

/// Reads on from an iterator. The iterator that is returned is where the next call goes on; after the last record it stays on it.
fn get_records(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let first: usize = required(call.input.number("IterationIdentifier")?)?;
    let wanted: usize = required(call.input.number("MaxReadRecords")?)?;
    let total = call.device.log.len();
    if wanted == 0 || wanted > MAX_READ {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    if first == 0 || first > total {
        return Ok(returned(INVALID_RECORD));
    }
    let records = call.device.log.iter().skip(first - 1).take(wanted);
    let records: Vec<Value> = records.map(|record| Value::base64(&record.encode())).collect();
    let next = first + records.len();
    let outputs = Instance::default()
        .with("IterationIdentifier", Value::Number(next.min(total) as u64))
        .with("NoMoreRecords", next > total)
        .with("RecordArray", Value::List(records))
        .with("ReturnValue", status::SUCCESS);
    Ok(outputs)
}

fn clear(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let cleared = call.device.log.clear();
    Ok(returned(if cleared { status::SUCCESS } else { status::EVENT_LOG_FROZEN }))
}

fn freeze(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let frozen = required(call.input.flag("Freeze")?)?;
    call.device.log.freeze(frozen);
    Ok(returned(status::SUCCESS))
}
