//! What a SOAP envelope asks for, read from as little of it as that takes.
//!
//! A pull parser walks the beginning of a body until it knows the WS-Addressing Action and the WSMAN ResourceURI, or
//! that there are none. Names are compared by namespace (wsman 4): prefixes, order, white space and other header entries
//! do not matter. It expands no entities, does not recurse and keeps no state: the same bytes always give the same
//! answer, and as long as more bytes could change the answer, it is [`Outcome::NeedMore`].

use std::borrow::Cow;

use quick_xml::{
    Error, NsReader,
    errors::IllFormedError,
    escape::resolve_predefined_entity,
    events::{BytesRef, BytesStart, Event},
    name::{Namespace, ResolveResult},
};

const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// Elements within one another, below the header and above it. Requests to AMT have eight: a reference in a selector.
const MAX_DEPTH: usize = 64;

/// What the beginning of a body tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome<'a> {
    /// An envelope, with what its header says.
    Known { action: Option<Cow<'a, str>>, resource: Option<Cow<'a, str>> },
    /// The WSMAN request that needs neither (wsman 8).
    Identify,
    /// It depends on what follows.
    NeedMore,
    /// Not an envelope, whatever follows.
    NotSoap,
}

/// Reads the beginning of a body.
pub(super) fn look(beginning: &[u8]) -> Outcome<'_> {
    let text = beginning.strip_prefix(BYTE_ORDER_MARK).unwrap_or(beginning);
    match text.trim_ascii_start().first() {
        Some(b'<') => {}
        None => return Outcome::NeedMore,
        Some(_) if BYTE_ORDER_MARK.starts_with(text) => return Outcome::NeedMore,
        Some(_) => return Outcome::NotSoap,
    }
    // Nothing is known before the end of a tag; and what was cut behind it is neither half a character nor half a tag.
    let Some(last) = text.iter().rposition(|byte| *byte == b'>') else { return Outcome::NeedMore };
    let text = text.get(..=last).unwrap_or_default();
    let walk = Walk { reader: NsReader::from_reader(text), length: text.len() as u64 };
    match walk.envelope() {
        Ok(outcome) => outcome,
        Err(Stop::NeedMore) => Outcome::NeedMore,
        Err(Stop::NotSoap) => Outcome::NotSoap,
    }
}

/// Why the walk ended without an answer.
#[derive(Debug)]
enum Stop {
    NeedMore,
    NotSoap,
}

/// The elements that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    Envelope,
    Header,
    Body,
    Action,
    Resource,
    Identify,
    Other,
}

/// The beginning of an element.
#[derive(Debug, Clone, Copy)]
struct Start {
    name: Name,
    /// It has no content and no end.
    is_empty: bool,
}

struct Walk<'a> {
    reader: NsReader<&'a [u8]>,
    length: u64,
}

impl<'a> Walk<'a> {
    fn envelope(mut self) -> Result<Outcome<'a>, Stop> {
        match self.root()? {
            Start { name: Name::Envelope, is_empty: false } => {}
            _ => return Err(Stop::NotSoap),
        }
        let (mut action, mut resource) = (None, None);
        while let Some(start) = self.child()? {
            match start {
                Start { name: Name::Header, is_empty: false } => {
                    self.header(&mut action, &mut resource)?;
                    if action.is_some() && resource.is_some() {
                        break;
                    }
                }
                Start { name: Name::Body, is_empty: false } if self.asks_identify()? => {
                    return Ok(Outcome::Identify);
                }
                // Nothing behind it can be a header.
                Start { name: Name::Body, .. } => break,
                other => self.skip(other)?,
            }
        }
        Ok(Outcome::Known { action, resource })
    }

    /// Reads a header as far as needed. If an entry occurs twice, the first counts.
    fn header(
        &mut self,
        action: &mut Option<Cow<'a, str>>,
        resource: &mut Option<Cow<'a, str>>,
    ) -> Result<(), Stop> {
        while action.is_none() || resource.is_none() {
            let Some(start) = self.child()? else { break };
            let value = match start {
                Start { name: Name::Action, is_empty: false } if action.is_none() => &mut *action,
                Start { name: Name::Resource, is_empty: false } if resource.is_none() => &mut *resource,
                other => {
                    self.skip(other)?;
                    continue;
                }
            };
            *value = Some(self.text()?);
        }
        Ok(())
    }

    fn asks_identify(&mut self) -> Result<bool, Stop> {
        Ok(self.child()?.is_some_and(|start| start.name == Name::Identify))
    }

    /// The first element of all.
    fn root(&mut self) -> Result<Start, Stop> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(self.start(&start, false)),
                Event::Text(text) if text.trim_ascii().is_empty() => {}
                Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
                _ => return Err(Stop::NotSoap),
            }
        }
    }

    /// The next element in the present one; `None` at the end of the present one.
    fn child(&mut self) -> Result<Option<Start>, Stop> {
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Some(self.start(&start, false))),
                Event::Empty(start) => return Ok(Some(self.start(&start, true))),
                Event::End(_) => return Ok(None),
                _ => {}
            }
        }
    }

    /// Passes over the rest of an element.
    fn skip(&mut self, start: Start) -> Result<(), Stop> {
        let mut depth = usize::from(!start.is_empty);
        while depth > 0 {
            match self.event()? {
                Event::Start(_) if depth == MAX_DEPTH => return Err(Stop::NotSoap),
                Event::Start(_) => depth += 1,
                Event::End(_) => depth -= 1,
                _ => {}
            }
        }
        Ok(())
    }

    /// The text of the present element, up to its end.
    fn text(&mut self) -> Result<Cow<'a, str>, Stop> {
        let mut text = Cow::Borrowed("");
        loop {
            let piece = match self.event()? {
                Event::Text(piece) => piece.xml10_content(),
                Event::CData(piece) => piece.xml10_content(),
                Event::GeneralRef(reference) => character(&reference)?,
                Event::Comment(_) | Event::PI(_) => continue,
                Event::End(_) => return Ok(text),
                _ => return Err(Stop::NotSoap),
            };
            if text.is_empty() {
                text = piece;
            } else {
                text.to_mut().push_str(&piece);
            }
        }
    }

    fn start(&self, start: &BytesStart<'_>, is_empty: bool) -> Start {
        let (namespace, local) = self.reader.resolver().resolve_element(start.name());
        let ResolveResult::Bound(Namespace(namespace)) = namespace else {
            return Start { name: Name::Other, is_empty };
        };
        let name = match (namespace, local.into_inner()) {
            (SOAP, "Envelope") => Name::Envelope,
            (SOAP, "Header") => Name::Header,
            (SOAP, "Body") => Name::Body,
            (ADDRESSING, "Action") => Name::Action,
            (WSMAN, "ResourceURI") => Name::Resource,
            (IDENTITY, "Identify") => Name::Identify,
            _ => Name::Other,
        };
        Start { name, is_empty }
    }

    /// The next event that no further byte can change.
    fn event(&mut self) -> Result<Event<'a>, Stop> {
        let event = self.reader.read_event();
        let at_end = self.reader.buffer_position() >= self.length;
        match event {
            // There is none in WSMAN, and where there is none, there are no entities to expand.
            Ok(Event::DocType(_)) => Err(Stop::NotSoap),
            Ok(Event::Eof) => Err(Stop::NeedMore),
            // It may go on.
            Ok(Event::Text(_)) if at_end => Err(Stop::NeedMore),
            Ok(event) => Ok(event),
            Err(Error::Syntax(_) | Error::IllFormed(IllFormedError::UnclosedReference)) if at_end => {
                Err(Stop::NeedMore)
            }
            Err(_) => Err(Stop::NotSoap),
        }
    }
}

/// The character that a reference stands for, without the help of a DTD.
fn character(reference: &BytesRef<'_>) -> Result<Cow<'static, str>, Stop> {
    match reference.resolve_char_ref() {
        Ok(Some(character)) => Ok(Cow::Owned(character.into())),
        Ok(None) => resolve_predefined_entity(reference).map(Cow::Borrowed).ok_or(Stop::NotSoap),
        Err(_) => Err(Stop::NotSoap),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::front::classify::samples;

    fn known(action: &str, resource: &str) -> Outcome<'static> {
        Outcome::Known {
            action: Some(Cow::Owned(action.into())),
            resource: Some(Cow::Owned(resource.into())),
        }
    }

    const GET: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get";
    const SETTINGS: &str = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings";

    #[test]
    fn every_client_is_understood_whatever_its_prefixes_and_order() {
        for envelope in samples::get("AMT_GeneralSettings") {
            let Outcome::Known { action: Some(action), resource: Some(resource) } = look(envelope.as_bytes())
            else {
                panic!("not understood: {envelope}");
            };
            assert_eq!((action.trim(), resource.trim()), (GET, SETTINGS), "{envelope}");
        }
        for envelope in samples::identify() {
            assert_eq!(look(envelope.as_bytes()), Outcome::Identify, "{envelope}");
        }
    }

    #[test]
    fn nothing_is_read_behind_what_decides() {
        for envelope in samples::get("AMT_GeneralSettings") {
            let known_at =
                (0..envelope.len()).find(|end| look(&envelope.as_bytes()[..*end]) != Outcome::NeedMore);
            let rest = &envelope.as_bytes()[known_at.unwrap()..];
            assert!(rest.trim_ascii_end().ends_with(b"Envelope>"), "nothing was left unread: {envelope}");
        }
    }

    #[test]
    fn names_count_only_in_their_namespace_and_place() {
        let elsewhere = [
            // An Action of another vocabulary, and one that is a part of an address.
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="urn:a" xmlns:w="urn:w"><s:Header>
               <a:Action>x/Pull</a:Action><w:ResourceURI>x/AMT_AuditLog</w:ResourceURI></s:Header><s:Body/></s:Envelope>"#,
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
               xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>
               <a:ReplyTo><a:Action>x/Pull</a:Action></a:ReplyTo></s:Header><s:Body/></s:Envelope>"#,
            // In the body.
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
               xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Body>
               <a:Action>x/Pull</a:Action></s:Body></s:Envelope>"#,
            // In a comment and in character data.
            r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
               xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"><s:Header>
               <!-- <a:Action>x/Pull</a:Action> --><![CDATA[<a:Action>x/Pull</a:Action>]]></s:Header><s:Body/>
               </s:Envelope>"#,
        ];
        for envelope in elsewhere {
            let nothing = Outcome::Known { action: None, resource: None };
            assert_eq!(look(envelope.as_bytes()), nothing, "{envelope}");
        }
    }

    #[test]
    fn a_prefix_that_is_bound_anew_means_the_new_namespace() {
        let envelope = r#"<a:Envelope xmlns:a="http://www.w3.org/2003/05/soap-envelope"><a:Header>
            <a:Action xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing">x/Get</a:Action>
            <ResourceURI xmlns="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd">y/Z</ResourceURI>"#;
        assert_eq!(look(envelope.as_bytes()), known("x/Get", "y/Z"));
    }

    #[test]
    fn a_value_in_pieces_is_put_together() {
        let envelope = r#"<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"
            xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"
            xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header>
            <a:Action>x/<!-- no -->G<![CDATA[e]]>&#116;</a:Action><w:ResourceURI>y?a&amp;b</w:ResourceURI>"#;
        assert_eq!(look(envelope.as_bytes()), known("x/Get", "y?a&b"));
    }

    #[test]
    fn what_is_no_envelope_is_found_out_at_once() {
        for body in [
            &b"{\"json\": true}"[..],
            b"a=b&c=d",
            b"\x1f\x8b\x08\x00",
            b"\xef\xbbx",
            b"<html>",
            b"<!DOCTYPE x [<!ENTITY a \"b\">]><x>",
            b"<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">",
            b"<Envelope>",
            b"text <a>",
            b"</a>",
            b"<a xmlns:xml='urn:x'> ",
        ] {
            assert_eq!(look(body), Outcome::NotSoap, "{}", body.escape_ascii());
        }
    }

    #[test]
    fn an_entity_of_a_dtd_is_never_expanded() {
        let start = format!(r#"<Envelope xmlns="{SOAP}"><Header><Action xmlns="{ADDRESSING}">"#);
        assert_eq!(look(format!("{start}&lol;</Action>").as_bytes()), Outcome::NotSoap);
    }

    #[test]
    fn a_tower_of_elements_is_given_up() {
        let start = format!(r#"<Envelope xmlns="{SOAP}"><Header>"#);
        assert_eq!(look(format!("{start}{}", "<a>".repeat(MAX_DEPTH)).as_bytes()), Outcome::NeedMore);
        assert_eq!(look(format!("{start}{}", "<a>".repeat(MAX_DEPTH + 1)).as_bytes()), Outcome::NotSoap);
    }

    /// Looks at every beginning. Once something is known, more bytes must not change it.
    fn outcomes_stay(bytes: &[u8]) {
        let mut before = Outcome::NeedMore;
        for end in 0..=bytes.len() {
            let outcome = look(&bytes[..end]);
            let stays = before == Outcome::NeedMore || outcome == before;
            assert!(stays, "{before:?} became {outcome:?} with {}", bytes[..end].escape_ascii());
            before = outcome;
        }
    }

    /// Pieces that lead a parser into every corner.
    fn markup() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::sample::select(vec![
            &b"<"[..],
            b">",
            b"/",
            b"</",
            b"/>",
            b"<!",
            b"<!--",
            b"-->",
            b"<![CDATA[",
            b"]]>",
            b"<?",
            b"?>",
            b"<?xml ",
            b"<!DOCTYPE ",
            b"&",
            b";",
            b"&amp;",
            b"&#x41;",
            b"'",
            b"\"",
            b"=",
            b" ",
            b"x",
            b"\xef\xbb\xbf",
            b"\xc3",
            b"\xbc",
            b"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'>",
            b"<s:Header>",
            b"</s:Header>",
            b"<a:Action xmlns:a='http://schemas.xmlsoap.org/ws/2004/08/addressing'>",
            b"</a:Action>",
            b"<s:Body>",
            b"<w:ResourceURI xmlns:w='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd'>",
            b"</w:ResourceURI>",
            b"</s:Body>",
            b"</s:Envelope>",
            b"<Identify xmlns='http://schemas.dmtf.org/wbem/wsman/identity/1/'/>",
        ]);
        prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
    }

    /// An envelope with something of it overwritten.
    fn damaged() -> impl Strategy<Value = Vec<u8>> {
        let envelopes: Vec<_> = samples::get("AMT_AuditLog").into_iter().chain(samples::identify()).collect();
        let damage = prop::collection::vec((any::<prop::sample::Index>(), markup()), 0..3);
        (prop::sample::select(envelopes), damage).prop_map(|(envelope, damage)| {
            damage.into_iter().fold(envelope.into_bytes(), |mut bytes, (at, piece)| {
                let at = at.index(bytes.len());
                let end = (at + piece.len()).min(bytes.len());
                bytes.splice(at..end, piece);
                bytes
            })
        })
    }

    proptest! {
        #[test]
        fn whatever_comes_is_answered_once_and_for_all(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            outcomes_stay(&bytes);
        }

        #[test]
        fn whatever_looks_like_markup_is_answered_once_and_for_all(bytes in markup()) {
            outcomes_stay(&bytes);
        }

        #[test]
        fn a_damaged_envelope_is_answered_once_and_for_all(bytes in damaged()) {
            outcomes_stay(&bytes);
        }
    }
}
