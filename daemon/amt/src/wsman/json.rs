//! Trees as JSON and back, for calls of any class. Nothing is lost but the prefixes.
//!
//! | XML | JSON |
//! |---|---|
//! | element with text only | `"text"`; an empty element is `""` |
//! | element with `xsi:nil` | `null` |
//! | element with children | object: local names and values, in order |
//! | several children of one name | array at the first one's place |
//! | attribute | member `"@name"` |
//! | text beside attributes or a namespace | member `"#text"` |
//! | another namespace than the parent's | member `"@xmlns"`, which children inherit |
//!
//! From JSON, numbers and truth values are text, too. `null` leaves the element out: that is how WSMAN says that a
//! property has no value.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::xml::{Attribute, Element, SCHEMA_INSTANCE};

/// The content of an element as JSON. Its own name is not in it.
pub fn to_json(element: &Element) -> Value {
    content(element, element.namespace())
}

/// An element of this name with the content that JSON describes. An `"@xmlns"` in it replaces the namespace.
///
/// # Errors
///
/// [`JsonError`], if the JSON describes no element.
pub fn from_json(namespace: &str, name: &str, content: &Value) -> Result<Element, JsonError> {
    let element = element(&Arc::from(namespace), name, content, 0)?;
    element.ok_or_else(|| JsonError::Null(name.to_owned()))
}

/// The children that a JSON object describes, in the namespace of their parent: the parameters of a method.
///
/// # Errors
///
/// [`JsonError`], if it is no object, or describes no elements.
pub fn children_from_json(namespace: &str, object: &Value) -> Result<Vec<Element>, JsonError> {
    let object = object.as_object().ok_or(JsonError::NoObject)?;
    let mut parent = Element::new(namespace, "");
    fill(&mut parent, object, 0)?;
    Ok(parent.into_children())
}

/// Why JSON describes no element.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not an object.
    #[error("the JSON is not an object with names and values")]
    NoObject,
    /// `null` where there must be an element.
    #[error("the JSON has null for {0}, which cannot be left out")]
    Null(String),
    /// An array in an array.
    #[error("the JSON has an array in the array of {0}")]
    NestedArray(String),
    /// An attribute that is not text.
    #[error("the JSON has an attribute {0} that is neither text nor number nor truth value")]
    Attribute(String),
    /// Nested too deep.
    #[error("the JSON is nested deeper than {MAX_DEPTH}")]
    Depth,
}

fn content(element: &Element, inherited: &Arc<str>) -> Value {
    if element.is_nil() {
        return Value::Null;
    }
    let mut object = Map::new();
    if element.namespace() != inherited {
        object.insert("@xmlns".into(), (&**element.namespace()).into());
    }
    for attribute in element.attributes().iter().filter(|one| &*one.namespace != SCHEMA_INSTANCE) {
        object.insert(format!("@{}", attribute.name), attribute.value.as_str().into());
    }
    if element.children().is_empty() {
        let text = Value::from(element.text());
        if object.is_empty() {
            return text;
        }
        object.insert("#text".into(), text);
        return object.into();
    }
    for child in element.children() {
        let value = content(child, element.namespace());
        match object.get_mut(child.name()) {
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(object.insert(child.name().to_owned(), value)),
        }
    }
    object.into()
}

fn element(
    namespace: &Arc<str>,
    name: &str,
    value: &Value,
    depth: usize,
) -> Result<Option<Element>, JsonError> {
    let depth = depth.saturating_add(1);
    if depth > MAX_DEPTH {
        return Err(JsonError::Depth);
    }
    let named = |namespace: &Arc<str>| Element::new(namespace.clone(), name);
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::Array(_) => return Err(JsonError::NestedArray(name.to_owned())),
        Value::Object(object) => {
            let own = object.get("@xmlns").and_then(Value::as_str).map(Arc::from);
            let mut element = named(own.as_ref().unwrap_or(namespace));
            fill(&mut element, object, depth)?;
            element
        }
        plain => named(namespace).with_text(text(plain).unwrap_or_default()),
    }))
}

/// Attributes, text and children.
fn fill(parent: &mut Element, object: &Map<String, Value>, depth: usize) -> Result<(), JsonError> {
    let namespace = parent.namespace().clone();
    for (name, value) in object {
        match (name.strip_prefix('@'), value) {
            (Some("xmlns"), _) => {}
            (Some(attribute), value) => {
                let value = text(value).ok_or_else(|| JsonError::Attribute(attribute.to_owned()))?;
                let namespace = Arc::from("");
                parent.push_attribute(Attribute { namespace, name: attribute.to_owned(), value });
            }
            (None, value) if name == "#text" => parent.set_text(text(value).unwrap_or_default()),
            (None, Value::Array(values)) => {
                for value in values {
                    element(&namespace, name, value, depth)?.into_iter().for_each(|child| parent.push(child));
                }
            }
            (None, value) => {
                element(&namespace, name, value, depth)?.into_iter().for_each(|child| parent.push(child));
            }
        }
    }
    Ok(())
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// As deep as XML may be.
const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CLASS: &str = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_X";

    #[test]
    fn order_of_parameters_survives() {
        let parameters =
            json!({ "Zeta": 1, "Alpha": true, "Realms": [2, 3], "Left": null, "Beta": "x & <y>" });
        let children = children_from_json(CLASS, &parameters).unwrap();
        let seen: Vec<_> = children.iter().map(|child| (child.name(), child.text())).collect();
        let expected =
            [("Zeta", "1"), ("Alpha", "true"), ("Realms", "2"), ("Realms", "3"), ("Beta", "x & <y>")];
        assert_eq!(seen, expected);
        assert!(children.iter().all(|child| &**child.namespace() == CLASS));
    }

    #[test]
    fn references_and_attributes_survive_the_way_there_and_back() {
        let xml = br#"<g:R xmlns:g="urn:g" xmlns:a="urn:a" xmlns:w="urn:w"><a:Address>x</a:Address><a:P>
            <w:Set><w:S Name="n1">v1</w:S><w:S Name="n2">v2</w:S></w:Set></a:P><g:Empty/></g:R>"#;
        let element = Element::parse(xml).unwrap();
        let json = to_json(&element);
        let expected = json!({
            "Address": { "@xmlns": "urn:a", "#text": "x" },
            "P": { "@xmlns": "urn:a", "Set": { "@xmlns": "urn:w", "S": [
                { "@Name": "n1", "#text": "v1" }, { "@Name": "n2", "#text": "v2" } ] } },
            "Empty": "",
        });
        assert_eq!(json, expected);
        let again = from_json("urn:g", "R", &json).unwrap();
        assert_eq!(to_json(&again), json);
        assert_eq!(Element::parse(&again.to_xml().unwrap()).unwrap(), again);
    }

    #[test]
    fn nil_is_null_and_null_is_nothing() {
        let xml = br#"<R xmlns:x="http://www.w3.org/2001/XMLSchema-instance"><A x:nil="true"/><B/></R>"#;
        let json = to_json(&Element::parse(xml).unwrap());
        assert_eq!(json, json!({ "A": null, "B": "" }));
        assert_eq!(from_json("", "R", &json).unwrap().children().len(), 1);
    }

    #[test]
    fn json_that_describes_no_element_is_refused() {
        assert_eq!(from_json("", "R", &json!(null)), Err(JsonError::Null("R".into())));
        assert_eq!(from_json("", "R", &json!({ "A": [[1]] })), Err(JsonError::NestedArray("A".into())));
        assert_eq!(from_json("", "R", &json!({ "@a": {} })), Err(JsonError::Attribute("a".into())));
        assert_eq!(children_from_json("", &json!([])), Err(JsonError::NoObject));
        let deep = (0..40).fold(json!("x"), |inner, _| json!({ "A": inner }));
        assert_eq!(from_json("", "R", &deep), Err(JsonError::Depth));
    }
}
