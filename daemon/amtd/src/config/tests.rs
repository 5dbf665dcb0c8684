//! Tests of the configuration as a whole.

use super::*;

fn faults(text: &str) -> Vec<String> {
    match Config::parse(Path::new("/etc/amtd.toml"), text) {
        Ok(config) => panic!("accepted: {config:?}"),
        Err(error) => error.to_string().lines().map(String::from).collect(),
    }
}

#[test]
fn the_printed_reference_reads_back_as_the_default() {
    let text = reference();
    assert_eq!(Config::parse(Path::new("reference"), &text).unwrap(), Config::default(), "{text}");
}

#[test]
fn every_key_of_the_model_is_in_the_reference_with_documentation() {
    let text = reference();
    let model = toml::Table::try_from(Config::default()).unwrap();
    let config = Config::default();
    let sections = config.sections();
    assert_eq!(sections.len(), model.len(), "a section is missing from Config::sections");
    for (name, section) in sections {
        assert!(!section.about().is_empty(), "[{name}] is not documented");
        let in_model = model[name].as_table().unwrap();
        let keys = section.keys();
        for key in &keys {
            let path = format!("{name}.{}", key.name);
            assert!(key.about.iter().any(|line| line.trim().len() > 10), "{path} is not documented");
            assert_eq!(in_model.contains_key(key.name), key.value.is_some(), "{path}");
            assert!(key.value.is_some() || key.example.is_some(), "{path} does not show in the reference");
            let row = format!("\n{} = ", key.name);
            let unset = format!("\n# {} = ", key.name);
            assert!(text.contains(&row) || text.contains(&unset), "{path} is not in the reference");
        }
        assert!(in_model.keys().all(|key| keys.iter().any(|row| row.name == key)), "[{name}]");
    }
}

#[test]
fn the_examples_in_the_reference_are_accepted_when_they_are_switched_on() {
    let config = Config::default();
    for (name, section) in config.sections() {
        for key in section.keys() {
            let Some(example) = key.example else { continue };
            let text = format!("[{name}]\n{} = {example}\n", key.name);
            assert_ne!(Config::parse(Path::new("example"), &text).unwrap(), config, "{text}");
        }
    }
}

#[test]
fn the_defaults_are_allowed() {
    assert!(Config::default().sections().into_iter().all(|(_, section)| section.problems().is_empty()));
}

#[test]
fn a_misspelled_key_is_an_error_with_its_line_and_the_keys_there_are() {
    let found = faults("[link]\n\n[front]\nport = [16992]\n");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("/etc/amtd.toml:4: front.port: unknown field `port`, expected one of"),
        "{found:?}"
    );
    assert!(found[0].contains("`ports`"), "{found:?}");
}

#[test]
fn a_misspelled_section_is_an_error_with_its_line() {
    let found = faults("[lnk]\ndegraded_after = \"1s\"\n");
    assert!(found[0].starts_with("/etc/amtd.toml:1: lnk: unknown field `lnk`"), "{found:?}");
}

#[test]
fn a_value_of_the_wrong_type_is_an_error_that_says_what_is_allowed() {
    let found = faults("# comment\n[front]\nmax_connections = \"many\"\n");
    assert!(
        found[0].starts_with("/etc/amtd.toml:3: front.max_connections: invalid type: string"),
        "{found:?}"
    );
    assert!(found[0].ends_with("; allowed: 1 to 65536"), "{found:?}");
    let found = faults("[http]\nlisten = \"nowhere\"\n");
    assert!(found[0].starts_with("/etc/amtd.toml:2: http.listen: "), "{found:?}");
}

#[test]
fn values_out_of_range_are_all_reported_each_with_its_line() {
    let found = faults("[apf]\nmax_channels = 9\nopen_timeout = \"0s\"\n\n[shutdown]\ngrace = \"1 day\"\n");
    assert_eq!(
        found,
        [
            "/etc/amtd.toml:2: apf.max_channels: 9 is not allowed; allowed: 1 to 8",
            "/etc/amtd.toml:3: apf.open_timeout: 0s is not allowed; allowed: 1ms to 1h",
            "/etc/amtd.toml:6: shutdown.grace: 1day is not allowed; allowed: 0s to 10m",
        ]
    );
}

#[test]
fn a_period_without_unit_is_an_error_that_shows_one() {
    let found = faults("[link]\ndegraded_after = \"30\"\n");
    assert!(
        found[0].starts_with("/etc/amtd.toml:2: link.degraded_after: \"30\" is not a period"),
        "{found:?}"
    );
    assert!(found[0].contains("\"250ms\""), "{found:?}");
}

#[test]
fn what_is_allowed_is_said_in_words_of_the_file_and_not_of_the_program() {
    for (text, said) in [
        ("[link]\ndegraded_after = 30\n", "expected a number with a unit in quotes, as in \"250ms\""),
        ("[front]\nports = [99999]\n", "expected a whole number from 0 to 65535"),
        ("[control]\ntcp = \"127.0.0.1:4444\"\n", "expected a table with the keys `listen`"),
    ] {
        let found = faults(text);
        assert!(found[0].starts_with("/etc/amtd.toml:2: ") && found[0].contains(said), "{found:?}");
    }
}

#[test]
fn text_that_is_not_toml_is_an_error_with_its_line() {
    let found = faults("[link]\ndegraded_after = \n");
    assert!(found[0].starts_with("/etc/amtd.toml:2: "), "{found:?}");
}

#[test]
fn a_key_that_is_given_twice_is_an_error() {
    let found = faults("[log]\nfilter = \"info\"\nfilter = \"debug\"\n");
    assert!(found[0].starts_with("/etc/amtd.toml:3: ") && found[0].contains("duplicate key"), "{found:?}");
}

#[test]
fn nothing_but_loopback_is_ever_listened_on() {
    let found = faults("[front]\naddresses = [\"127.0.0.1\", \"0.0.0.0\"]\n[http]\nlisten = \"[::]:80\"\n");
    assert_eq!(found.len(), 2);
    assert!(found[0].starts_with("/etc/amtd.toml:2: front.addresses: 0.0.0.0 is not allowed"), "{found:?}");
    assert!(found[1].starts_with("/etc/amtd.toml:4: http.listen: [::]:80 is not allowed"), "{found:?}");
}

#[test]
fn a_filter_that_cannot_be_used_is_found_before_the_log_is() {
    let found = faults("[log]\nfilter = \"amtd=loud\"\n");
    assert!(
        found[0].starts_with("/etc/amtd.toml:2: log.filter: \"amtd=loud\" is not a log filter"),
        "{found:?}"
    );
}

#[test]
fn keys_that_contradict_each_other_are_found() {
    let found = faults("[queue]\nretry_first = \"5s\"\n[front]\nhalf_close_quiet = \"20s\"\n");
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].contains("must not exceed retry_max, which is 2s"), "{found:?}");
    assert!(found[1].contains("must not exceed half_close_limit, which is 10s"), "{found:?}");
}

#[test]
fn ports_are_remapped_by_number() {
    let text = "[front]\nremap = { 16992 = 0, 623 = 20623 }\n";
    let config = Config::parse(Path::new("remap"), text).unwrap();
    assert_eq!(config.front.remap, [(16_992, 0), (623, 20_623)].into());
    let found = faults("[front]\nremap = { many = 1 }\n");
    assert!(found[0].starts_with("/etc/amtd.toml:2: front.remap: "), "{found:?}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load(Path::new("/nonexistent/amtd.toml")).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent/amtd.toml: cannot be read: "), "{error}");
}

#[test]
fn a_rule_is_written_in_either_form_of_toml() {
    let inline =
        "[classes]\nrule = [{ class = \"bulk\", port = [623], user = [\"root\"] }, { class = \"health\" }]\n";
    let tables = "[[classes.rule]]\nclass = \"bulk\"\nport = [623]\nuser = [\"root\"]\n[[classes.rule]]\nclass = \"health\"\n";
    let parse = |text| Config::parse(Path::new("rules"), text).unwrap().classes;
    assert_eq!(parse(inline), parse(tables));
    assert_eq!(parse(inline).rule.len(), 2, "rules of the file replace the defaults");
    assert!(parse("[classes]\nrule = []\n").rule.is_empty());
    assert_eq!(parse(""), Classes::default());
}

#[test]
fn a_mistake_in_a_rule_is_an_error_with_its_line_and_what_is_allowed() {
    for (row, text) in [
        ("class = \"urgent\"", "expected one of `watchdog`, `health`, `interactive`, `bulk`"),
        ("class = \"bulk\"\nresource = [\"A*B\"]", "\"A*B\" is not allowed; allowed: a text"),
        ("class = \"bulk\"\naction = [\"\"]", "\"\" is not allowed; allowed: a text"),
        ("class = \"bulk\"\naction = []", "an empty list matches nothing"),
        ("class = \"bulk\"\naction = \"Get\"", "invalid type: string \"Get\", expected a sequence"),
        (
            "class = \"bulk\"\nactions = [\"Get\"]",
            "unknown field `actions`, expected one of `class`, `resource`",
        ),
        ("class = \"bulk\"\nuser = [\"nobody at all\"]", "\"nobody at all\" is not a user of this machine"),
        ("class = \"bulk\"\nport = [65536]", "invalid value: integer `65536`"),
        ("class = \"bulk\"\nsize = -1", "invalid value: integer `-1`"),
    ] {
        let found = faults(&format!("# a comment\n[[classes.rule]]\n{row}\n"));
        let line = 2 + row.lines().count();
        assert!(found[0].starts_with(&format!("/etc/amtd.toml:{line}: classes.rule: ")), "{found:?}");
        assert!(found[0].contains(text), "{found:?}");
    }
    let found = faults("[[classes.rule]]\naction = [\"Get\"]\n");
    assert!(found[0].contains("missing field `class`"), "{found:?}");
}

#[test]
fn rules_that_cannot_work_are_found() {
    let found = faults("[classes]\nrule = [{ class = \"bulk\" }, { class = \"health\", port = [623] }]\n");
    assert!(found[0].starts_with("/etc/amtd.toml:2: classes.rule: rule 1 matches everything"), "{found:?}");
    let found = faults("[classes]\nrule = [{ class = \"bulk\", port = [623, 0] }]\n");
    assert!(found[0].ends_with("rule 1: port 0 is not allowed; allowed: 1 to 65535"), "{found:?}");
    let many = "{ class = \"bulk\", port = [1] },".repeat(MAX_RULES + 1);
    let found = faults(&format!("[classes]\nrule = [{many}]\n"));
    assert!(found[0].ends_with("65 rules are not allowed; allowed: 0 to 64"), "{found:?}");
}
