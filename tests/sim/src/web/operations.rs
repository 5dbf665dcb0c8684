//! WSMAN operations: Get, Put, Create, Delete, Enumerate, Pull, Release, methods, Identify (wsman 5, 8).
//!
//! Routes a parsed request to its class and hands the outcome to `envelope`. What a class is and does is `classes`' matter.

use std::collections::VecDeque;
use std::time::Instant;

use super::classes::{self, Class, Invocation};
use super::envelope::{self, Answer, Call, ENUMERATION, Heading, SelectorValue, TRANSFER};
use super::fault::Fault;
use super::input::Input;
use super::response::{Reply, Status};
use super::value::{Instance, Value};
use super::xml::{Element, Namespace};
use crate::device::Device;
use crate::device::accounts::{Realm, Role};
use crate::faults::MethodFault;

/// Enumerations that may be open at a time; a new one ends the oldest (a guess: the real number is unknown).
const MAX_ENUMERATIONS: usize = 32;

/// Answers one WSMAN request of a user with this role.
pub(super) fn answer(device: &mut Device, role: Role, body: &[u8], now: Instant) -> Reply {
    let message = device.web.next_message();
    let (relates_to, resource, outcome) = match Call::parse(body) {
        Ok(call) => {
            let fault = method(&call).and_then(|method| device.method_faults.call(method));
            let outcome = run(device, role, &call, fault, now);
            if fault == Some(MethodFault::AnswerLost) {
                return Reply::lost();
            }
            (call.message_id, call.resource, outcome)
        }
        Err((message_id, fault)) => (message_id, String::new(), Err(fault)),
    };
    let heading = Heading { relates_to: relates_to.as_deref(), message, resource: &resource };
    match outcome {
        Ok(answer) => Reply::soap(Status::Ok, envelope::write_answer(&heading, &answer)),
        Err(fault) => Reply::soap(Status::BadRequest, envelope::write_fault(&heading, fault)),
    }
}

/// The method that a request calls, if it calls one.
fn method(call: &Call) -> Option<&str> {
    call.action.strip_prefix(&call.resource)?.strip_prefix('/')
}

fn run(
    device: &mut Device,
    role: Role,
    call: &Call,
    fault: Option<MethodFault>,
    now: Instant,
) -> Result<Answer, Fault> {
    if call.is_identify() {
        return Ok(Answer::Identity(device.versions.amt.clone()));
    }
    if call.action.is_empty() || call.resource.is_empty() || call.message_id.is_none() {
        return Err(Fault::MessageInformationHeaderRequired);
    }
    let class = classes::find(&call.resource).ok_or(Fault::DestinationUnreachable)?;
    let operation = Operation::parse(call)?;
    if !operation.is_allowed(role, class, device) {
        return Err(Fault::AccessDenied);
    }
    let mut exchange = Exchange { device, class, call, fault, now };
    match operation {
        Operation::Get => exchange.get(),
        Operation::Put => exchange.put(),
        Operation::Create => exchange.create(),
        Operation::Delete => exchange.delete(),
        Operation::Enumerate => exchange.enumerate(),
        Operation::Pull => exchange.pull(),
        Operation::Release => exchange.release(),
        Operation::Method(name) => exchange.invoke(name),
    }
}

/// What a request's Action asks for.
enum Operation<'a> {
    Get,
    Put,
    Create,
    Delete,
    Enumerate,
    Pull,
    Release,
    Method(&'a str),
}

impl<'a> Operation<'a> {
    fn parse(call: &'a Call) -> Result<Self, Fault> {
        let part = |prefix: &str| call.action.strip_prefix(prefix)?.strip_prefix('/');
        let operation = match (part(TRANSFER), part(ENUMERATION), method(call)) {
            (Some("Get"), ..) => Some(Self::Get),
            (Some("Put"), ..) => Some(Self::Put),
            (Some("Create"), ..) => Some(Self::Create),
            (Some("Delete"), ..) => Some(Self::Delete),
            (_, Some("Enumerate"), _) => Some(Self::Enumerate),
            (_, Some("Pull"), _) => Some(Self::Pull),
            (_, Some("Release"), _) => Some(Self::Release),
            (_, _, Some(method)) => Some(Self::Method(method)),
            _ => None,
        };
        operation.ok_or(Fault::ActionNotSupported)
    }

    /// Whether a user of this role may do this.
    fn is_allowed(&self, role: Role, class: &Class, device: &Device) -> bool {
        match role {
            Role::Administrator => true,
            Role::LocalSystem if class.configures_over_tls && device.is_configured_by_host() => {
                matches!(self, Self::Method(_)) || self.is_open_to_local_system(class)
            }
            Role::LocalSystem => self.is_open_to_local_system(class),
            Role::User(realms) => self.realms(class).iter().any(|realm| realms.contains(*realm)),
        }
    }

    /// The realms of which an entry of the access control list needs one. Which realm opens which class is, but for the
    /// agents', a guess.
    fn realms(&self, class: &Class) -> [Realm; 2] {
        let reads = matches!(self, Self::Get | Self::Enumerate | Self::Pull | Self::Release);
        let creates = matches!(self, Self::Put | Self::Create | Self::Delete);
        match (class.agent_realm, reads, creates) {
            (true, _, true) => [Realm::AgentPresenceRemote; 2],
            (true, ..) => [Realm::AgentPresenceLocal, Realm::AgentPresenceRemote],
            (false, true, _) => [Realm::GeneralInfo, class.realm],
            (false, false, _) => [class.realm; 2],
        }
    }

    /// Whether the local system account may do this: read, and what the class opens to it. Agent presence is closed to it
    /// (wsman 2 lists its realms).
    fn is_open_to_local_system(&self, class: &Class) -> bool {
        match self {
            Self::Get | Self::Enumerate | Self::Pull | Self::Release => !class.agent_realm,
            Self::Put => class.local_system_put,
            Self::Create | Self::Delete => false,
            Self::Method(name) => class.method(name).is_none_or(|method| method.local_system),
        }
    }
}

/// One request on one class.
struct Exchange<'a> {
    device: &'a mut Device,
    class: &'static Class,
    call: &'a Call,
    /// What a script makes of a call.
    fault: Option<MethodFault>,
    now: Instant,
}

impl<'a> Exchange<'a> {
    fn get(&self) -> Result<Answer, Fault> {
        Ok(Answer::Instance("http://schemas.xmlsoap.org/ws/2004/09/transfer/GetResponse", self.select()?))
    }

    fn put(&mut self) -> Result<Answer, Fault> {
        let put = self.class.put.ok_or(Fault::ActionNotSupported)?;
        let instance = self.select()?;
        let body = self.representation()?;
        for key in self.class.keys {
            // A key that is a reference may change: so an association is turned to another end.
            let differs =
                |given: &Element| given.elements().is_empty() && !matches(instance.get(key), given.text());
            if body.member(key).is_some_and(differs) {
                return Err(Fault::InvalidRepresentation);
            }
        }
        put(&mut Invocation { device: self.device, now: self.now, instance, input: Input(Some(body)) })?;
        let changed = self.select().or_else(|fault| self.only().ok_or(fault))?;
        Ok(Answer::Instance("http://schemas.xmlsoap.org/ws/2004/09/transfer/PutResponse", changed))
    }

    fn create(&mut self) -> Result<Answer, Fault> {
        let create = self.class.create.ok_or(Fault::ActionNotSupported)?;
        let input = Input(Some(self.representation()?));
        let instance = Instance::default();
        create(&mut Invocation { device: self.device, now: self.now, instance, input }).map(Answer::Created)
    }

    fn delete(&mut self) -> Result<Answer, Fault> {
        let delete = self.class.delete.ok_or(Fault::ActionNotSupported)?;
        let instance = self.select()?;
        delete(&mut Invocation { device: self.device, now: self.now, instance, input: Input(None) })?;
        Ok(Answer::Empty("http://schemas.xmlsoap.org/ws/2004/09/transfer/DeleteResponse"))
    }

    fn invoke(&mut self, name: &str) -> Result<Answer, Fault> {
        let method = self.class.method(name).ok_or(Fault::ActionNotSupported)?;
        let instance = self.select()?;
        let body = self.call.body.as_ref();
        let expected = format!("{}_INPUT", method.name);
        if body.is_some_and(|body| body.name() != expected || !self.is_class_namespace(body)) {
            return Err(Fault::SchemaValidationError);
        }
        let mut invocation = Invocation { device: self.device, now: self.now, instance, input: Input(body) };
        let outputs = match self.fault {
            Some(MethodFault::Returns(value)) => classes::returned(value),
            Some(MethodFault::ReturnsAfterwards(value)) => {
                (method.run)(&mut invocation)?;
                classes::returned(value)
            }
            Some(MethodFault::AnswerLost) | None => (method.run)(&mut invocation)?,
        };
        let suffix = self.class.response_suffix;
        Ok(Answer::Method { resource: self.class.resource, name: method.name, outputs, suffix })
    }

    fn enumerate(&mut self) -> Result<Answer, Fault> {
        let body = self.enumeration_body("Enumerate")?;
        let mode = body.child(Namespace::Wsman, "EnumerationMode");
        let filtered = body.elements().iter().any(|element| element.name() == "Filter");
        if filtered || mode.is_some_and(|mode| mode.text() != "EnumerateObject") {
            return Err(Fault::UnsupportedFeature);
        }
        let items = (self.class.list)(self.device, self.now);
        Ok(Answer::Enumerated(self.device.web.enumerations.open(self.class, items.into())))
    }

    fn pull(&mut self) -> Result<Answer, Fault> {
        let body = self.enumeration_body("Pull")?;
        let limits = PullLimits::read(body, self.call.max_envelope)?;
        let context =
            body.child(Namespace::Enumeration, "EnumerationContext").ok_or(Fault::SchemaValidationError)?;
        let enumerations = &mut self.device.web.enumerations;
        let mut rest =
            enumerations.take(context.text(), self.class).ok_or(Fault::InvalidEnumerationContext)?;
        let items = limits.write(self.class, &mut rest);
        let next = (!rest.is_empty()).then(|| enumerations.open(self.class, rest));
        Ok(Answer::Pulled { items, namespace: self.class.item_resource(), next })
    }

    fn release(&mut self) -> Result<Answer, Fault> {
        let body = self.enumeration_body("Release")?;
        let context =
            body.child(Namespace::Enumeration, "EnumerationContext").ok_or(Fault::SchemaValidationError)?;
        let taken = self.device.web.enumerations.take(context.text(), self.class);
        taken
            .map(|_| Answer::Empty("http://schemas.xmlsoap.org/ws/2004/09/enumeration/ReleaseResponse"))
            .ok_or(Fault::InvalidEnumerationContext)
    }

    fn enumeration_body(&self, name: &str) -> Result<&'a Element, Fault> {
        let body = self.call.body.as_ref().filter(|body| body.is(Namespace::Enumeration, name));
        body.ok_or(Fault::SchemaValidationError)
    }

    /// The body as an instance of the class.
    fn representation(&self) -> Result<&'a Element, Fault> {
        let body = self.call.body.as_ref().ok_or(Fault::SchemaValidationError)?;
        let right = body.name() == envelope::class_name(self.class.resource) && self.is_class_namespace(body);
        if right { Ok(body) } else { Err(Fault::InvalidRepresentation) }
    }

    fn is_class_namespace(&self, element: &Element) -> bool {
        matches!(element.namespace(), Namespace::Other(uri) if uri == self.class.resource)
    }

    /// The instance of a class that has one.
    fn only(&self) -> Option<Instance> {
        <[Instance; 1]>::try_from((self.class.list)(self.device, self.now)).ok().map(|[instance]| instance)
    }

    /// The one instance that the selectors name. Any part of the keys that is unique is enough (wsman 4).
    fn select(&self) -> Result<Instance, Fault> {
        if self.call.selectors.iter().any(|(name, _)| !self.class.keys.contains(&name.as_str())) {
            return Err(Fault::InvalidSelectors);
        }
        let mut instances = (self.class.list)(self.device, self.now);
        instances.retain(|instance| {
            self.call.selectors.iter().all(|(name, value)| match (value, instance.get(name)) {
                (SelectorValue::Text(text), known) => matches(known, text),
                (SelectorValue::Reference(given), Some(Value::Reference(known))) => known.is_meant_by(given),
                (SelectorValue::Reference(_), _) => false,
            })
        });
        match instances.len() {
            0 => Err(Fault::DestinationUnreachable),
            1 => Ok(instances.swap_remove(0)),
            _ => Err(Fault::InvalidSelectors),
        }
    }
}

fn matches(value: Option<&Value>, text: &str) -> bool {
    match value {
        Some(Value::Text(known)) => known == text,
        Some(Value::Number(known)) => text.parse() == Ok(*known),
        _ => false,
    }
}

/// How much one Pull returns.
struct PullLimits {
    elements: usize,
    characters: usize,
}

impl PullLimits {
    /// Without MaxElements one item is returned, as WS-Enumeration has it. MaxCharacters and MaxEnvelopeSize limit their size
    /// (wsman 1); without either there is no limit.
    fn read(body: &Element, max_envelope: Option<usize>) -> Result<Self, Fault> {
        let limit = |name, default| match body
            .child(Namespace::Enumeration, name)
            .map(|limit| limit.text().parse())
        {
            None => Ok(default),
            Some(Ok(0) | Err(_)) => Err(Fault::SchemaValidationError),
            Some(Ok(limit)) => Ok(limit),
        };
        let envelope = max_envelope.map_or(usize::MAX, |size| size.saturating_sub(envelope::PULL_OVERHEAD));
        Ok(Self {
            elements: limit("MaxElements", 1)?,
            characters: limit("MaxCharacters", usize::MAX)?.min(envelope),
        })
    }

    /// Writes items as long as they fit, at least one, and removes them from `rest`.
    fn write(&self, class: &Class, rest: &mut VecDeque<Instance>) -> String {
        let name = envelope::class_name(class.item_resource());
        let mut out = String::new();
        for count in 0..self.elements {
            let Some(item) = rest.front() else { break };
            let before = out.len();
            envelope::write_item(&mut out, name, item);
            if count > 0 && out.len() > self.characters {
                out.truncate(before);
                break;
            }
            rest.pop_front();
        }
        out
    }
}

/// Open enumerations, each a snapshot of its class.
#[derive(Debug, Default)]
pub(super) struct Enumerations {
    open: VecDeque<Enumeration>,
    issued: u32,
}

#[derive(Debug)]
struct Enumeration {
    context: String,
    class: &'static Class,
    rest: VecDeque<Instance>,
}

impl Enumerations {
    /// Remembers what is left of an enumeration; returns its context.
    fn open(&mut self, class: &'static Class, rest: VecDeque<Instance>) -> String {
        if self.open.len() == MAX_ENUMERATIONS {
            self.open.pop_front();
        }
        self.issued = self.issued.wrapping_add(1);
        // Firmware shows its counter as the first four bytes, lowest first, of an identifier that is zero otherwise.
        let context = format!("{:08X}-0000-0000-0000-000000000000", self.issued.swap_bytes());
        self.open.push_back(Enumeration { context: context.clone(), class, rest });
        context
    }

    /// Ends an enumeration of `class` and returns what is left of it.
    fn take(&mut self, context: &str, class: &Class) -> Option<VecDeque<Instance>> {
        let known = |open: &Enumeration| open.context == context && std::ptr::eq(open.class, class);
        let index = self.open.iter().position(known)?;
        self.open.remove(index).map(|enumeration| enumeration.rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::device::DeviceConfig;
    use crate::web::http::Head;
    use crate::web::tests::client::Received;
    use crate::web::xml;

    /// A request that goes through every reader: selectors, a reference, parameters.
    const REQUEST: &str = "<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope' \
        xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing' \
        xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'><s:Header>\
        <a:Action>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService/RequestPowerStateChange</a:Action>\
        <w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService</w:ResourceURI>\
        <a:MessageID>1</a:MessageID><w:SelectorSet><w:Selector Name='Name'>Intel(r) AMT Power Management Service\
        </w:Selector></w:SelectorSet></s:Header><s:Body><h:RequestPowerStateChange_INPUT \
        xmlns:h='http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_PowerManagementService'>\
        <h:PowerState>5</h:PowerState><h:ManagedElement><a:Address>x</a:Address><a:ReferenceParameters>\
        <w:ResourceURI>http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ComputerSystem</w:ResourceURI>\
        <w:SelectorSet><w:Selector Name='Name'>ManagedSystem</w:Selector></w:SelectorSet></a:ReferenceParameters>\
        </h:ManagedElement></h:RequestPowerStateChange_INPUT></s:Body></s:Envelope>";

    fn ask(body: &[u8]) -> Received {
        let now = Instant::now();
        let mut device = Device::new(DeviceConfig::default(), now);
        let reply = answer(&mut device, Role::Administrator, body, now);
        Received::read(reply.finish(&device, None::<&Head>))
    }

    #[test]
    fn unharmed_request_is_executed() {
        let received = ask(REQUEST.as_bytes());
        assert_eq!(received.status, 200);
        assert!(received.text().contains("<g:ReturnValue>0</g:ReturnValue>"), "{}", received.text());
    }

    proptest! {
        /// A damaged request is answered by a fault or by a result, always well-formed, and never by a panic.
        #[test]
        fn damaged_requests_get_well_formed_answers(
            edits in proptest::collection::vec((0..REQUEST.len(), any::<u8>()), 0..4),
            cut in proptest::option::of(0..REQUEST.len()),
        ) {
            let mut body = REQUEST.as_bytes().to_vec();
            edits.iter().for_each(|(position, byte)| body[*position] = *byte);
            body.truncate(cut.unwrap_or(body.len()));
            let received = ask(&body);
            prop_assert!(matches!(received.status, 200 | 400));
            prop_assert!(xml::parse(&received.body).is_ok(), "{}", received.text());
        }
    }
}
