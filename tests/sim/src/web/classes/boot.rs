//! Boot: AMT_BootCapabilities, AMT_BootSettingData, CIM_BootConfigSetting, CIM_BootSourceSetting, CIM_BootService (wsman 15).

use std::time::Instant;

use super::stored::Constant::{Absent, Flag, List, Number, Text};
use super::stored::{Rule, Stored, fixed, stored_class, writable};
use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, INSTANCE_ID, Invocation, Method, SERVICE_KEYS, resource};
use super::{returned, status};
use crate::device::Device;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::Instance;

pub(super) static CAPABILITIES: Class =
    Class::read_only(resource!(amt "AMT_BootCapabilities"), INSTANCE_ID, list_capabilities);

stored_class!(SETTING_DATA, SETTING_TABLE, INSTANCE_ID, put: Some(|call| SETTING_TABLE.put(call)));

pub(super) static CONFIG_SETTING: Class = Class {
    methods: &[Method { name: "ChangeBootOrder", local_system: false, run: change_order }],
    ..Class::read_only(CONFIG_RESOURCE, INSTANCE_ID, list_configurations)
};

pub(super) static SOURCE_SETTING: Class = Class::read_only(SOURCE_RESOURCE, INSTANCE_ID, list_sources);

pub(super) static SERVICE: Class = Class {
    methods: &[
        Method { name: "RequestStateChange", local_system: false, run: change_state },
        Method { name: "SetBootConfigRole", local_system: false, run: set_role },
    ],
    ..Class::read_only(resource!(cim "CIM_BootService"), SERVICE_KEYS, list_services)
};

/// Settings for the next boot; kept until they are written again, since no boot uses them up.
const SETTING_TABLE: Stored = Stored {
    resource: resource!(amt "AMT_BootSettingData"),
    properties: &[
        fixed("BIOSLastStatus", List(&["2", "0"])),
        writable("BIOSPause", Flag(false), Rule::Flag),
        writable("BIOSSetup", Flag(false), Rule::Flag),
        writable("BootMediaIndex", Number(0), Rule::UpTo(255)),
        fixed("BootguardStatus", Number(127)),
        writable("ConfigurationDataReset", Flag(false), Rule::Flag),
        fixed("ElementName", Text("Intel(r) AMT Boot Configuration Settings")),
        writable("EnforceSecureBoot", Flag(false), Rule::Flag),
        writable("FirmwareVerbosity", Number(0), Rule::UpTo(3)),
        writable("ForcedProgressEvents", Flag(false), Rule::Flag),
        writable("IDERBootDevice", Number(0), Rule::UpTo(1)),
        fixed("InstanceID", Text("Intel(r) AMT:BootSettingData 0")),
        writable("LockKeyboard", Flag(false), Rule::Flag),
        writable("LockPowerButton", Flag(false), Rule::Flag),
        writable("LockResetButton", Flag(false), Rule::Flag),
        writable("LockSleepButton", Flag(false), Rule::Flag),
        fixed("OptionsCleared", Flag(true)),
        fixed("OwningEntity", Text("Intel(r) AMT")),
        writable("PlatformErase", Flag(false), Rule::Flag),
        fixed("RPEEnabled", Flag(true)),
        writable("RSEPassword", Text(""), Rule::Secret(32)),
        writable("ReflashBIOS", Flag(false), Rule::Flag),
        fixed("SecureBootControlEnabled", Flag(true)),
        writable("SecureErase", Flag(false), Rule::Flag),
        fixed("UEFIHTTPSBootEnabled", Flag(true)),
        fixed("UEFILocalPBABootEnabled", Flag(true)),
        writable("UefiBootNumberOfParams", Number(0), Rule::UpTo(30)),
        writable("UefiBootParametersArray", Absent, Rule::Text(8192)),
        writable("UseIDER", Flag(false), Rule::Flag),
        writable("UseSOL", Flag(false), Rule::Flag),
        writable("UseSafeMode", Flag(false), Rule::Flag),
        writable("UserPasswordBypass", Flag(false), Rule::Flag),
        fixed("WinREBootEnabled", Flag(true)),
    ],
};

const CONFIG_RESOURCE: &str = resource!(cim "CIM_BootConfigSetting");
const SOURCE_RESOURCE: &str = resource!(cim "CIM_BootSourceSetting");
const CONFIG_ID: &str = "Intel(r) AMT: Boot Configuration 0";

/// Boot sources: instance, and the string that names the kind of device.
const SOURCES: [(&str, &str); 3] = [
    ("Intel(r) AMT: Force Hard-drive Boot", "CIM:Hard-Disk:1"),
    ("Intel(r) AMT: Force PXE Boot", "CIM:Network:1"),
    ("Intel(r) AMT: Force CD/DVD Boot", "CIM:CD/DVD:1"),
];

fn list_capabilities(_device: &Device, _now: Instant) -> Vec<Instance> {
    let capabilities = Instance::with_capacity(25)
        .with("BIOSPause", false)
        .with("BIOSReflash", true)
        .with("BIOSSecureBoot", true)
        .with("BIOSSetup", true)
        .with("ConfigurationDataReset", false)
        .with("ElementName", "Intel(r) AMT: Boot Capabilities")
        .with("ForceCDorDVDBoot", true)
        .with("ForceDiagnosticBoot", false)
        .with("ForceHardDriveBoot", true)
        .with("ForceHardDriveSafeModeBoot", false)
        .with("ForcePXEBoot", true)
        .with("ForcedProgressEvents", true)
        .with("IDER", true)
        .with("InstanceID", "Intel(r) AMT:BootCapabilities 0")
        .with("KeyboardLock", true)
        .with("PowerButtonLock", false)
        .with("ResetButtonLock", false)
        .with("SOL", true)
        .with("SecureErase", false)
        .with("SleepButtonLock", false)
        .with("UEFIWiFiCoExistenceAndProfileShare", true)
        .with("UserPasswordBypass", true)
        .with("VerbosityQuiet", false)
        .with("VerbosityScreenBlank", false)
        .with("VerbosityVerbose", false);
    vec![capabilities]
}

fn list_configurations(_device: &Device, _now: Instant) -> Vec<Instance> {
    vec![
        Instance::with_capacity(2)
            .with("ElementName", "Intel(r) AMT: Boot Configuration")
            .with("InstanceID", CONFIG_ID),
    ]
}

fn list_sources(_device: &Device, _now: Instant) -> Vec<Instance> {
    let source = |(name, boot_string): (&'static str, &'static str)| {
        Instance::with_capacity(4)
            .with("ElementName", "Intel(r) AMT: Boot Source")
            .with("FailThroughSupported", 2)
            .with("InstanceID", name)
            .with("StructuredBootString", boot_string)
    };
    SOURCES.into_iter().map(source).collect()
}

fn list_services(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Boot Service";
    let service = Instance::with_capacity(8)
        .with("CreationClassName", "CIM_BootService")
        .with("ElementName", NAME)
        .with("EnabledState", device.features.boot_service.unwrap_or(2))
        .with("Name", NAME)
        .with("OperationalStatus", 0)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

/// Orders the source for the next boot; without one the order is back to normal.
fn change_order(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let source = call.input.reference("Source")?;
    let name = source.as_ref().map(|source| source.selector("InstanceID").unwrap_or_default());
    if name.is_some_and(|name| !SOURCES.iter().any(|(known, _)| *known == name)) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    call.device.power.boot_source = name.map(str::to_owned);
    Ok(returned(status::SUCCESS))
}

/// 32768 nothing, 32769 one-click recovery, 32770 remote erasure, 32771 both.
fn change_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    /// CIM's RequestStateChange: a parameter is wrong.
    const INVALID_STATE: u32 = 5;
    let state: u32 = required(call.input.number("RequestedState")?)?;
    if !(32768..=32771).contains(&state) {
        return Ok(returned(INVALID_STATE));
    }
    call.device.features.boot_service = Some(state);
    Ok(returned(status::SUCCESS))
}

/// Role 1: the configuration is for the next boot only; 32768: it is not used.
fn set_role(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let setting = required(call.input.reference("BootConfigSetting")?)?;
    let role: u32 = required(call.input.number("Role")?)?;
    if setting.selector("InstanceID") != Some(CONFIG_ID) || !matches!(role, 1 | 32768) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    call.device.power.boot_role = (role == 1).then_some(role);
    Ok(returned(status::SUCCESS))
}
