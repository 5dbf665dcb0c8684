//! IPS_HTTPProxyService and IPS_HTTPProxyAccessPoint (wsman 11).

use std::time::Instant;

use super::stored::Constant::{Number, Text};
use super::stored::{Stored, fixed, stored_class};
use super::{AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS};
use super::{refused, resource, status};
use crate::device::Device;
use crate::device::features::Proxy;
use crate::web::fault::Fault;
use crate::web::input::required;
use crate::web::value::{Instance, Reference, Value};

stored_class!(
    SERVICE,
    SERVICE_TABLE,
    SERVICE_KEYS,
    methods: &[Method { name: "AddProxyAccessPoint", local_system: false, run: add }],
);

pub(super) static ACCESS_POINT: Class =
    Class { delete: Some(delete), ..Class::read_only(ACCESS_POINT_RESOURCE, SERVICE_KEYS, list) };

/// The service's own properties are guessed: no recorded answer shows them.
const SERVICE_TABLE: Stored = Stored {
    resource: resource!(ips "IPS_HTTPProxyService"),
    properties: &[
        fixed("CreationClassName", Text("IPS_HTTPProxyService")),
        fixed("ElementName", Text("Intel(r) ME:HTTP Proxy Service")),
        fixed("EnabledState", Number(5)),
        fixed("Name", Text("Intel(r) ME:HTTP Proxy Service")),
        fixed("SystemCreationClassName", Text(COMPUTER_SYSTEM)),
        fixed("SystemName", Text(AMT_SYSTEM)),
    ],
};

const ACCESS_POINT_RESOURCE: &str = resource!(ips "IPS_HTTPProxyAccessPoint");
const OUTPUT: &str = "ProxyAccessPoint";
/// Most proxies: AMT_RemoteAccessCapabilities.MaxTotalProxyEntryPoints.
const MAX_PROXIES: usize = 15;

fn name(proxy: &Proxy) -> String {
    format!("Intel(r) ME:HTTP Proxy Access Point {}", proxy.number)
}

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    let instance = |proxy: &Proxy| {
        Instance::with_capacity(9)
            .with("AccessInfo", proxy.address.clone())
            .with("CreationClassName", "IPS_HTTPProxyAccessPoint")
            .with("ElementName", "Intel(r) ME:HTTP Proxy Access Point")
            .with("InfoFormat", proxy.format)
            .with("Name", name(proxy))
            .with("NetworkDnsSuffix", proxy.suffix.clone())
            .with("Port", proxy.port)
            .with("SystemCreationClassName", COMPUTER_SYSTEM)
            .with("SystemName", AMT_SYSTEM)
    };
    device.features.proxies.iter().map(instance).collect()
}

fn add(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let input = call.input;
    let mut proxy = Proxy {
        number: 0,
        address: required(input.short_text("AccessInfo", 256)?)?.to_owned(),
        format: required(input.number("InfoFormat")?)?,
        port: required(input.number("Port")?)?,
        suffix: input.short_text("NetworkDnsSuffix", 192)?.unwrap_or_default().to_owned(),
    };
    if !super::remote_access::is_address(&proxy.address, proxy.format) || !(1..=65535).contains(&proxy.port) {
        return Ok(refused(OUTPUT, status::INVALID_PARAMETER));
    }
    let features = &mut call.device.features;
    let same = |known: &Proxy| (&known.address, known.port) == (&proxy.address, proxy.port);
    if features.proxies.iter().any(same) {
        return Ok(refused(OUTPUT, status::DUPLICATE));
    }
    if features.proxies.len() == MAX_PROXIES {
        return Ok(refused(OUTPUT, status::MAX_LIMIT_REACHED));
    }
    proxy.number = features.next_number();
    let reference = Reference {
        selectors: vec![
            ("CreationClassName".into(), "IPS_HTTPProxyAccessPoint".into()),
            ("Name".into(), name(&proxy).into()),
            ("SystemCreationClassName".into(), COMPUTER_SYSTEM.into()),
            ("SystemName".into(), AMT_SYSTEM.into()),
        ],
        ..Reference::new(ACCESS_POINT_RESOURCE, &[])
    };
    features.proxies.push(proxy);
    Ok(Instance::default().with(OUTPUT, reference).with("ReturnValue", status::SUCCESS))
}

fn delete(call: &mut Invocation<'_>) -> Result<(), Fault> {
    let selected = call.instance.get("Name");
    call.device.features.proxies.retain(|proxy| selected != Some(&Value::from(name(proxy))));
    Ok(())
}
