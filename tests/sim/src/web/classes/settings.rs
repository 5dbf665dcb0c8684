//! Further settings that are stored and shown: Kerberos, screens, on-screen consent, the provisioning record, CIM's view of the
//! redirection service. The classes have no methods with an effect.

use std::time::Instant;

use super::stored::Constant::{Absent, Flag, List, Number, Text};
use super::stored::{Rule, Stored, fixed, required, stored_class, writable};
use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, MANAGED_SYSTEM, Method, SERVICE_KEYS,
};
use super::{resource, status};
use crate::device::Device;
use crate::device::message_log::EventRecord;
use crate::web::fault::Fault;
use crate::web::value::{Instance, Value};

stored_class!(
    KERBEROS,
    KERBEROS_TABLE,
    INSTANCE_ID,
    put: Some(|call| KERBEROS_TABLE.put(call)),
    methods: &[Method { name: "GetCredentialCacheState", local_system: false, run: cache_state }],
);
stored_class!(
    SCREENS,
    SCREENS_TABLE,
    INSTANCE_ID,
    put: Some(|call| SCREENS_TABLE.put(call)),
    local_system_put: true,
);
stored_class!(
    SECURE_OUTPUT,
    SECURE_OUTPUT_TABLE,
    SERVICE_KEYS,
    put: Some(|call| SECURE_OUTPUT_TABLE.put(call)),
    local_system_put: true,
);
stored_class!(PROVISIONING_LOG, PROVISIONING_LOG_TABLE, INSTANCE_ID);
stored_class!(REDIRECTION, REDIRECTION_TABLE, SERVICE_KEYS);

pub(super) static EVENT: Class =
    Class::read_only(resource!(amt "AMT_EventLogEntry"), &["RecordID"], list_events);

const KERBEROS_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_KerberosSettingData"),
    properties: &[
        fixed("ElementName", Text("Intel(r) AMT: Kerberos Settings")),
        fixed("InstanceID", Text("Intel (r) AMT: Kerberos Settings")),
        required("KrbEnabled", Flag(false), Rule::Flag),
        writable("MasterKey", Absent, Rule::Secret(64)),
        writable("RealmName", Absent, Rule::Text(48)),
        fixed("SupportedEncryptionAlgorithms", List(&["0", "1", "2"])),
    ],
};

const SCREENS_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_ScreenSettingData"),
    properties: &[
        fixed("ElementName", Text("Intel(r) Screen Settings")),
        fixed("InstanceID", Text("Intel(r) Screen Settings")),
        writable("IsActive", List(&["true", "true", "false", "false"]), Rule::List(4)),
        writable("PrimaryIndex", Number(1), Rule::UpTo(4)),
        writable("QuadraryIndex", Number(4), Rule::UpTo(4)),
        writable("ResolutionX", List(&["1920", "1920", "0", "0"]), Rule::List(4)),
        writable("ResolutionY", List(&["1080", "1080", "0", "0"]), Rule::List(4)),
        writable("SecondaryIndex", Number(2), Rule::UpTo(4)),
        writable("TertiaryIndex", Number(3), Rule::UpTo(4)),
        writable("UpperLeftX", List(&["0", "1920", "-1", "-1"]), Rule::List(4)),
        writable("UpperLeftY", List(&["0", "0", "-1", "-1"]), Rule::List(4)),
    ],
};

const SECURE_OUTPUT_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_SecIOService"),
    properties: &[
        fixed("CreationClassName", Text("IPS_SecIOService")),
        writable("DefaultScreen", Number(1), Rule::UpTo(4)),
        fixed("EnabledState", Number(2)),
        fixed("Name", Text("SecIO")),
        writable("RequestedLanguage", Number(2), Rule::UpTo(65_535)),
        fixed("Started", Flag(true)),
        fixed("Status", Text("OK")),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(MANAGED_SYSTEM)),
        writable("language", Number(1), Rule::UpTo(65_535)),
        writable("zoom", Number(65_535), Rule::UpTo(65_535)),
    ],
};

const PROVISIONING_LOG_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_ProvisioningRecordLog"),
    properties: &[
        fixed("CurrentNumberOfRecords", Number(1)),
        fixed("ElementName", Text("Intel(r) AMT Provisioning Record Log")),
        fixed("EnabledState", Number(2)),
        fixed("HealthState", Number(0)),
        fixed("InstanceID", Text("Intel(r) AMT: RecordLog 1")),
        fixed("LogState", Number(4)),
        fixed("MaxNumberOfRecords", Number(1)),
        fixed("Name", Text("Intel(r) AMT Provisioning Record Log")),
        fixed("OverwritePolicy", Number(2)),
        fixed("RequestedState", Number(12)),
    ],
};

const REDIRECTION_TABLE: Stored = Stored {
    resource: resource!(cim "CIM_RedirectionService"),
    properties: &[
        fixed("CreationClassName", Text("CIM_RedirectionService")),
        fixed("ElementName", Text("Intel(r) ME KVM Redirection Service")),
        fixed("EnabledState", Number(3)),
        fixed("MaxCurrentEnabledSAPs", Number(1)),
        fixed("Name", Text("Intel(r) AMT KVM Redirection Service")),
        fixed("RedirectionServiceType", Number(3)),
        fixed("RequestedState", Number(12)),
        fixed("SharingMode", Number(3)),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
    ],
};

fn cache_state(_call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(Instance::default().with("Enabled", false).with("ReturnValue", status::SUCCESS))
}

/// The records of the event log, one instance each.
fn list_events(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |(number, record): (u32, &EventRecord)| {
        let data =
            record.data.iter().fold(String::with_capacity(16), |text, byte| text + &format!("{byte:02X}"));
        Instance::with_capacity(8)
            .with("CreationClassName", "AMT_EventLogEntry")
            .with("DeviceAddress", 255)
            .with("ElementName", "Event Log Entry")
            .with("EventData", data)
            .with("EventSensorType", u32::from(record.sensor_type))
            .with("EventType", 111)
            .with("RecordID", number)
            .with("TimeStamp", Value::Number(record.time.into()))
    };
    (1..).zip(device.log.iter()).map(instance).collect()
}
