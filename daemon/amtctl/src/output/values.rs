//! Answers of firmware as text: each property is a line, and what is inside of one is indented.

use serde_json::Value;

use super::page::Page;

/// The widest column of names; longer ones push their values to the right.
const WIDEST: usize = 34;

/// What is nested deeper than this is not indented further, so that there is room for it.
const DEEPEST: usize = 20;

impl Page {
    /// An instance, or several with space between them.
    pub(crate) fn values(&mut self, value: &Value) {
        match value {
            Value::Array(instances) => {
                for instance in instances {
                    self.gap();
                    self.properties("", instance);
                }
            }
            instance => self.properties("", instance),
        }
    }

    fn properties(&mut self, indent: &str, value: &Value) {
        let Value::Object(properties) = value else {
            self.hang(indent, &plain(value));
            return;
        };
        let width = properties.keys().map(|name| name.chars().count()).max().unwrap_or(0).min(WIDEST);
        for (name, value) in properties {
            let label = format!("{indent}{name:width$}  ");
            match value {
                Value::Object(_) => {
                    self.hang(indent, name);
                    let deeper = if indent.len() < DEEPEST { "  " } else { "" };
                    self.properties(&format!("{indent}{deeper}"), value);
                }
                Value::Array(values) => values.iter().for_each(|value| self.hang(&label, &plain(value))),
                value => self.hang(&label, &plain(value)),
            }
        }
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::style::Style;

    #[test]
    fn nested_instances_stay_readable_and_narrow() {
        let mut page = Page::new(Style::new(false));
        let value = serde_json::json!({
            "Name": "x".repeat(200), "Inner": { "Deep": { "Key": [1, 2] } }, "Empty": null,
        });
        page.values(&value);
        let text = page.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("    Key  1\n    Key  2\n"), "{text}");
    }

    #[test]
    fn names_that_are_deeper_than_a_line_is_wide_do_not_break_the_page() {
        let deep = (0..60).fold(serde_json::json!("x"), |inner, _| serde_json::json!({ "Name": inner }));
        let mut page = Page::new(Style::new(false));
        page.values(&deep);
        let text = page.to_string();
        assert_eq!(text.lines().count(), 60);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }
}
