//! Classes with one instance that is stored and shown, and has no effect: a table of properties each.
//!
//! A property has the value of the table until a client writes another; what a client may write, and which values are sound, the
//! table says too. Properties that a Put leaves out fall back to the table (wsman 5). The tables are beside the classes that they
//! describe.

use super::Invocation;
use crate::device::Device;
use crate::device::features::Written;
use crate::web::fault::Fault;
use crate::web::input::Input;
use crate::web::value::{Instance, Value};

/// The one instance of a class.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// The class by its resource URI.
    pub(super) resource: &'static str,
    /// In the order in which they are written.
    pub(super) properties: &'static [Property],
}

/// A property.
#[derive(Debug, Clone, Copy)]
pub(super) struct Property {
    name: &'static str,
    value: Constant,
    rule: Rule,
    required: bool,
}

/// A value that is there from the beginning.
#[derive(Debug, Clone, Copy)]
pub(super) enum Constant {
    /// None: the property is not shown.
    Absent,
    Flag(bool),
    Number(u64),
    Text(&'static str),
    List(&'static [&'static str]),
}

/// What a client may write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Nothing: a Put that carries the property is not looked at.
    Fixed,
    Flag,
    /// A number up to this one.
    UpTo(u64),
    /// One of these numbers.
    OneOf(&'static [u64]),
    /// Text of at most so many characters.
    Text(usize),
    /// At most so many values.
    List(usize),
    /// Text of at most so many characters that is checked and neither kept nor shown.
    Secret(usize),
}

/// A property that clients only read.
pub(super) const fn fixed(name: &'static str, value: Constant) -> Property {
    Property { name, value, rule: Rule::Fixed, required: false }
}

/// A property that clients may write.
pub(super) const fn writable(name: &'static str, value: Constant, rule: Rule) -> Property {
    Property { name, value, rule, required: false }
}

/// A property that clients may write, and that every Put has to carry.
pub(super) const fn required(name: &'static str, value: Constant, rule: Rule) -> Property {
    Property { name, value, rule, required: true }
}

impl Stored {
    /// The instance at present.
    pub(super) fn instance(&self, device: &Device) -> Instance {
        self.properties.iter().fold(Instance::with_capacity(self.properties.len()), |instance, property| {
            let written = device.features.written(self.resource, property.name);
            let value = written.map(of_written).or_else(|| of_constant(property.value));
            instance.with_option(property.name, value)
        })
    }

    /// The instance as the only one of its class.
    pub(super) fn list(&self, device: &Device) -> Vec<Instance> {
        vec![self.instance(device)]
    }

    /// Carries out a Put: as a whole, or not at all.
    pub(super) fn put(&self, call: &mut Invocation<'_>) -> Result<(), Fault> {
        let mut changes = Vec::new();
        for property in self.properties {
            let value = property.rule.read(call.input, property.name)?;
            if value.is_none() && property.required && call.input.text(property.name).is_none() {
                return Err(Fault::InvalidRepresentation);
            }
            if property.rule.is_kept() {
                changes.push((property.name, value));
            }
        }
        for (name, value) in changes {
            match value {
                Some(value) => call.device.features.write(self.resource, name, value),
                None => call.device.features.clear(self.resource, &[name]),
            }
        }
        Ok(())
    }

    /// Overwrites one property, as methods do.
    pub(super) fn set(&self, device: &mut Device, name: &str, value: Written) {
        device.features.write(self.resource, name, value);
    }
}

impl Rule {
    /// Whether a Put decides the value.
    fn is_kept(self) -> bool {
        !matches!(self, Self::Fixed | Self::Secret(_))
    }

    /// The value that a client gives, if it gives one that is kept.
    fn read(self, input: Input<'_>, name: &'static str) -> Result<Option<Written>, Fault> {
        let number = |allowed: &dyn Fn(u64) -> bool| match input.number::<u64>(name)? {
            Some(number) if !allowed(number) => Err(Fault::InvalidRepresentation),
            number => Ok(number.map(Written::Number)),
        };
        match self {
            Self::Fixed => Ok(None),
            Self::Flag => Ok(input.flag(name)?.map(Written::Flag)),
            Self::UpTo(most) => number(&|number| number <= most),
            Self::OneOf(allowed) => number(&|number| allowed.contains(&number)),
            Self::Text(limit) => Ok(input.short_text(name, limit)?.map(|text| Written::Text(text.into()))),
            Self::List(limit) => {
                let texts = input.numbers::<String>(name)?;
                if texts.len() > limit {
                    return Err(Fault::InvalidRepresentation);
                }
                Ok((!texts.is_empty()).then_some(Written::List(texts)))
            }
            Self::Secret(limit) => input.short_text(name, limit).map(|_| None),
        }
    }
}

fn of_constant(constant: Constant) -> Option<Value> {
    Some(match constant {
        Constant::Absent => return None,
        Constant::Flag(flag) => Value::Bool(flag),
        Constant::Number(number) => Value::Number(number),
        Constant::Text(text) => text.into(),
        Constant::List(texts) => Value::List(texts.iter().map(|text| (*text).into()).collect()),
    })
}

fn of_written(written: &Written) -> Value {
    match written {
        Written::Flag(flag) => Value::Bool(*flag),
        Written::Number(number) => Value::Number(*number),
        Written::Text(text) => text.clone().into(),
        Written::List(texts) => Value::List(texts.iter().map(|text| text.clone().into()).collect()),
    }
}

/// A class of one stored instance; further fields of [`super::Class`] may follow the table.
macro_rules! stored_class {
    ($name:ident, $table:ident, $keys:expr $(, $field:ident: $value:expr)* $(,)?) => {
        pub(super) static $name: super::Class = super::Class {
            $($field: $value,)*
            ..super::Class::read_only($table.resource, $keys, |device, _now| $table.list(device))
        };
    };
}
pub(super) use stored_class;
