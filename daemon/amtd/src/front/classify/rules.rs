//! The rules of the configuration, applied in two steps: first to the head of a request and its client, then to its body.
//!
//! The first step leaves one bit for each rule that can still match. Nothing else is kept while the body comes in. If no
//! rule among them depends on the body, the class is known at once.

use std::sync::Arc;

use amtd_apf::{Class, Port};

use crate::{
    config::{Classes, MAX_RULES, OneOf, Pattern, Rule},
    front::http::Head,
};

/// The client that a request comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Client {
    /// Port of the firmware.
    pub(crate) port: Port,
    /// Owner of the client's socket; [`UNKNOWN`](crate::front::peer::UNKNOWN) if it is not known.
    pub(crate) user: u32,
    /// Program that holds the client's socket, if it was looked up and found.
    pub(crate) executable: Option<Arc<str>>,
}

/// What the body of a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Not known yet.
    Pending,
    /// Nothing that a rule can name.
    Other,
    /// A WSMAN operation: the last segments of Action and ResourceURI.
    Wsman { action: Option<&'a str>, resource: Option<&'a str> },
}

/// The class of a request, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) class: Class,
    /// The rule that matched, from 0; `None` if none did.
    pub(crate) rule: Option<usize>,
}

/// For requests that no rule matches.
const DEFAULT: Verdict = Verdict { class: Class::Interactive, rule: None };

/// The rules that can still match: bit n is rule n.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidates(u64);

/// The rules of the configuration, in their order.
#[derive(Debug, Clone)]
pub struct Rules(Arc<[Rule]>);

impl Rules {
    /// Takes over the rules. The configuration ensures that there are at most [`MAX_RULES`]; further ones would be ignored.
    pub fn new(classes: &Classes) -> Self {
        Self(classes.rule.iter().take(MAX_RULES).cloned().collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// One of them.
    pub(super) fn get(&self, index: usize) -> Option<&Rule> {
        self.0.get(index)
    }

    /// Whether the class of what this client sends can depend on its program.
    pub(crate) fn asks_for_executable(&self, port: Port, user: u32) -> bool {
        let depends = |rule: &Rule| rule.executable.is_some() && fits_origin(rule, port, user);
        self.0.iter().any(depends)
    }

    /// The class of a stream that is not HTTP.
    pub(crate) fn opaque(&self, client: &Client) -> Verdict {
        let candidates = self.filter(|rule| fits_client(rule, client) && !asks_for_http(rule));
        self.settle(candidates)
    }

    /// The rules that a request with this head may match.
    pub(super) fn candidates(&self, client: &Client, head: &Head<'_>) -> Candidates {
        self.filter(|rule| fits_client(rule, client) && fits_head(rule, head))
    }

    /// The first of the candidates that matches; `None` if that is not known yet.
    pub(super) fn decide(&self, candidates: Candidates, content: Content<'_>) -> Option<Verdict> {
        for (index, rule) in self.0.iter().enumerate() {
            if candidates.0 >> index & 1 == 0 {
                continue;
            }
            match fits_content(rule, content) {
                Some(true) => return Some(Verdict { class: rule.class, rule: Some(index) }),
                Some(false) => {}
                None => return None,
            }
        }
        Some(DEFAULT)
    }

    /// The first of the candidates that matches whatever the body is.
    pub(super) fn settle(&self, candidates: Candidates) -> Verdict {
        self.decide(candidates, Content::Other).unwrap_or(DEFAULT)
    }

    fn filter(&self, fits: impl Fn(&Rule) -> bool) -> Candidates {
        let bit = |(index, rule): (usize, &Rule)| u64::from(fits(rule)) << index;
        Candidates(self.0.iter().enumerate().map(bit).fold(0, |bits, bit| bits | bit))
    }
}

fn fits_origin(rule: &Rule, port: Port, user: u32) -> bool {
    rule.port.as_ref().is_none_or(|ports| ports.any(|other| *other == port.0))
        && rule.user.as_ref().is_none_or(|users| users.any(|other| other.uid() == user))
}

fn fits_client(rule: &Rule, client: &Client) -> bool {
    let runs =
        |path: &str| rule.executable.as_ref().is_none_or(|paths| paths.any(|other| other.matches(path)));
    fits_origin(rule, client.port, client.user)
        && client.executable.as_deref().map_or(rule.executable.is_none(), runs)
}

fn fits_head(rule: &Rule, head: &Head<'_>) -> bool {
    rule.method.as_ref().is_none_or(|methods| methods.any(|method| method.matches(head.method)))
        && rule.path.as_ref().is_none_or(|paths| paths.any(|path| path.matches(path_of(head.target))))
        && rule.size.is_none_or(|least| head.size.unwrap_or_default() >= least)
}

/// Whether the rule looks at something that only HTTP has.
fn asks_for_http(rule: &Rule) -> bool {
    rule.method.is_some() || rule.path.is_some() || rule.size.is_some()
}

fn fits_content(rule: &Rule, content: Content<'_>) -> Option<bool> {
    if rule.action.is_none() && rule.resource.is_none() {
        return Some(true);
    }
    let (said_action, said_resource) = match content {
        Content::Pending => return None,
        Content::Other => return Some(false),
        Content::Wsman { action, resource } => (action, resource),
    };
    let fits = |list: &Option<OneOf<Pattern>>, said: Option<&str>| {
        list.as_ref().is_none_or(|list| said.is_some_and(|said| list.any(|pattern| pattern.matches(said))))
    };
    Some(fits(&rule.action, said_action) && fits(&rule.resource, said_resource))
}

/// The path of a request's target, without scheme, authority and query.
pub(super) fn path_of(target: &str) -> &str {
    let path = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => target,
    };
    path.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    const POST: Head<'_> =
        Head { method: "POST", target: "/wsman", size: Some(1000), chunked: false, expects: false };
    const PULL: Content<'_> = Content::Wsman { action: Some("Pull"), resource: Some("AMT_AuditLog") };

    fn rules(rows: &str) -> Rules {
        let config = Config::parse(Path::new("rules"), &format!("[classes]\nrule = [{rows}]\n")).unwrap();
        Rules::new(&config.classes)
    }

    fn client() -> Client {
        Client { port: Port(16_992), user: 1000, executable: Some("/usr/bin/agent".into()) }
    }

    /// The class by name, or `pending`.
    fn class(rows: &str, head: Head<'_>, content: Content<'_>) -> &'static str {
        let rules = rules(rows);
        let candidates = rules.candidates(&client(), &head);
        rules.decide(candidates, content).map_or("pending", |verdict| verdict.class.name())
    }

    #[test]
    fn every_key_alone_can_match_and_fail() {
        for (key, other) in [
            ("action = [\"Pull\"]", "action = [\"pull\", \"Pul\", \"Pulls\"]"),
            ("resource = [\"AMT_A*\"]", "resource = [\"AMT_AuditLo\"]"),
            ("method = [\"GET\", \"POST\"]", "method = [\"GET\"]"),
            ("path = [\"/wsman\"]", "path = [\"/\"]"),
            ("size = 1000", "size = 1001"),
            ("port = [16992]", "port = [16993]"),
            ("user = [\"1000\"]", "user = [\"root\"]"),
            ("executable = [\"/usr/bin/*\"]", "executable = [\"agent\"]"),
        ] {
            assert_eq!(class(&format!("{{ class = \"health\", {key} }}"), POST, PULL), "health", "{key}");
            assert_eq!(
                class(&format!("{{ class = \"health\", {other} }}"), POST, PULL),
                "interactive",
                "{other}"
            );
        }
    }

    #[test]
    fn a_rule_matches_only_if_each_of_its_keys_does() {
        let both = "{ class = \"bulk\", action = [\"Pull\"], resource = [\"AMT_MessageLog\"] }";
        assert_eq!(class(both, POST, PULL), "interactive");
        let both = "{ class = \"bulk\", action = [\"Pull\"], port = [623] }";
        assert_eq!(class(both, POST, PULL), "interactive");
    }

    #[test]
    fn the_first_rule_that_matches_decides() {
        let rows = "{ class = \"health\", path = [\"/wsman\"] }, { class = \"bulk\", action = [\"Pull\"] }";
        assert_eq!(class(rows, POST, PULL), "health");
        assert_eq!(class(rows, POST, Content::Pending), "health", "the body cannot change it");
    }

    #[test]
    fn a_rule_that_may_match_holds_up_those_behind_it() {
        let rows = "{ class = \"bulk\", action = [\"Pull\"] }, { class = \"health\", path = [\"/wsman\"] }";
        assert_eq!(class(rows, POST, Content::Pending), "pending");
        assert_eq!(class(rows, POST, PULL), "bulk");
        assert_eq!(class(rows, POST, Content::Other), "health");
    }

    #[test]
    fn a_rule_that_the_head_rules_out_holds_up_nothing() {
        let rows = "{ class = \"bulk\", action = [\"Pull\"], method = [\"PUT\"] }";
        assert_eq!(class(rows, POST, Content::Pending), "interactive");
    }

    #[test]
    fn an_envelope_without_what_a_rule_asks_for_does_not_match_it() {
        let any = "{ class = \"bulk\", resource = [\"*\"] }";
        assert_eq!(
            class(any, POST, Content::Wsman { action: Some("Identify"), resource: None }),
            "interactive"
        );
        assert_eq!(class(any, POST, PULL), "bulk");
    }

    #[test]
    fn an_unknown_program_matches_no_rule_that_names_one() {
        let rules = rules("{ class = \"bulk\", executable = [\"*\"] }");
        let nobody = Client { executable: None, ..client() };
        assert_eq!(rules.opaque(&nobody).class, Class::Interactive);
        assert_eq!(rules.opaque(&client()).class, Class::Bulk);
    }

    #[test]
    fn a_program_is_asked_for_only_where_it_can_matter() {
        let rules = rules("{ class = \"bulk\", executable = [\"/x\"], port = [16993], user = [\"7\"] }");
        assert!(rules.asks_for_executable(Port(16_993), 7));
        assert!(!rules.asks_for_executable(Port(16_992), 7));
        assert!(!rules.asks_for_executable(Port(16_993), 8));
        assert!(!Rules::new(&Classes::default()).asks_for_executable(Port(16_993), 7));
    }

    #[test]
    fn a_stream_that_is_not_http_is_known_by_its_client_alone() {
        for http in
            ["size = 0", "method = [\"*\"]", "path = [\"*\"]", "action = [\"*\"]", "resource = [\"*\"]"]
        {
            let rows = format!("{{ class = \"bulk\", {http} }}, {{ class = \"health\", user = [\"1000\"] }}");
            assert_eq!(rules(&rows).opaque(&client()).class, Class::Health, "{http}");
        }
    }

    #[test]
    fn as_many_rules_as_are_allowed_can_each_decide() {
        let row = |size: usize| format!("{{ class = \"bulk\", size = {size} }}");
        let rows: Vec<_> = (0..MAX_RULES).rev().map(row).collect();
        let rules = rules(&rows.join(","));
        for size in 0..MAX_RULES {
            let candidates = rules.candidates(&client(), &Head { size: Some(size as u64), ..POST });
            let verdict = rules.decide(candidates, Content::Pending);
            assert_eq!(verdict, Some(Verdict { class: Class::Bulk, rule: Some(MAX_RULES - 1 - size) }));
        }
    }

    #[test]
    fn one_class_for_everything_is_one_rule() {
        let rules = rules("{ class = \"bulk\" }");
        assert_eq!(rules.opaque(&client()).class, Class::Bulk);
        let candidates = rules.candidates(&client(), &POST);
        assert_eq!(rules.decide(candidates, Content::Pending).unwrap().class, Class::Bulk);
    }

    #[test]
    fn the_path_of_a_target_is_found_in_each_of_its_forms() {
        for (target, path) in [
            ("/wsman", "/wsman"),
            ("/wsman?x=/y", "/wsman"),
            ("http://localhost:16992/wsman?x", "/wsman"),
            ("http://localhost", "/"),
            ("/redirect?to=http://x/y", "/redirect"),
            ("*", "*"),
            ("", ""),
        ] {
            assert_eq!(path_of(target), path, "{target}");
        }
    }
}
