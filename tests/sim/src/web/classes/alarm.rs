//! AMT_AlarmClockService and IPS_AlarmClockOccurrence: alarms are kept and shown, none ever rings.

use std::time::Instant;

use super::stored::Constant::Text;
use super::stored::{Stored, fixed, stored_class};
use super::{COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, MANAGED_SYSTEM, Method, SERVICE_KEYS};
use super::{refused, resource, status};
use crate::device::Device;
use crate::device::features::Alarm;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference, Value};

stored_class!(
    SERVICE,
    SERVICE_TABLE,
    SERVICE_KEYS,
    methods: &[Method { name: "AddAlarm", local_system: false, run: add }],
);

pub(super) static OCCURRENCE: Class =
    Class { delete: Some(delete), ..Class::read_only(OCCURRENCE_RESOURCE, INSTANCE_ID, list) };

const SERVICE_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_AlarmClockService"),
    properties: &[
        fixed("CreationClassName", Text("AMT_AlarmClockService")),
        fixed("ElementName", Text("Intel(r) AMT Alarm Clock Service")),
        fixed("Name", Text("Intel(r) AMT Alarm Clock Service")),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(MANAGED_SYSTEM)),
    ],
};

const OCCURRENCE_RESOURCE: &str = resource!(ips "IPS_AlarmClockOccurrence");
/// Most alarms (a guess).
const MAX_ALARMS: usize = 5;

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |alarm: &Alarm| {
        Instance::with_capacity(5)
            .with("DeleteOnCompletion", alarm.delete_when_done)
            .with("ElementName", alarm.name.clone())
            .with("InstanceID", alarm.instance_id.clone())
            .with_option("Interval", alarm.interval.clone())
            .with("StartTime", alarm.start.clone())
    };
    device.features.alarms.iter().map(instance).collect()
}

/// The alarm is a parameter with an instance in it; times are in elements of their own inside their properties.
fn add(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    const OUTPUT: &str = "AlarmClock";
    let template = required(call.input.holder("AlarmTemplate"))?;
    let alarm = Alarm {
        name: template.text("ElementName").unwrap_or_default().to_owned(),
        instance_id: required(template.text("InstanceID"))?.to_owned(),
        start: required(template.inner_text("StartTime"))?.to_owned(),
        interval: template.inner_text("Interval").map(str::to_owned),
        delete_when_done: required(template.flag("DeleteOnCompletion")?)?,
    };
    if alarm.instance_id.is_empty() || alarm.instance_id.len() > 64 || alarm.start.is_empty() {
        return Ok(refused(OUTPUT, status::INVALID_PARAMETER));
    }
    let alarms = &mut call.device.features.alarms;
    if alarms.iter().any(|known| known.instance_id == alarm.instance_id) {
        return Ok(refused(OUTPUT, status::DUPLICATE));
    }
    if alarms.len() == MAX_ALARMS {
        return Ok(refused(OUTPUT, status::MAX_LIMIT_REACHED));
    }
    let reference = Reference::by_key(OCCURRENCE_RESOURCE, "InstanceID", alarm.instance_id.clone());
    alarms.push(alarm);
    Ok(Instance::default().with(OUTPUT, reference).with("ReturnValue", status::SUCCESS))
}

fn delete(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let id = call.instance.get("InstanceID");
    call.device.features.alarms.retain(|alarm| id != Some(&Value::from(alarm.instance_id.clone())));
    Ok(())
}
