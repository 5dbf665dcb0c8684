//! The reference of the configuration: a file with every key, its documentation, what is allowed and the default.

use std::fmt::{self, Write};

use super::{
    Config,
    section::{Key, Section},
};

/// The documented default configuration, in TOML. Reading it gives the default.
pub fn reference() -> String {
    let mut text = String::from(
        "# Configuration of amtd. Every key is shown with its default; a file needs only those that differ.\n",
    );
    for (name, section) in Config::default().sections() {
        // Writing to a string cannot fail.
        let _ = write_section(&mut text, name, section);
    }
    text
}

fn write_section(out: &mut impl Write, name: &str, section: &dyn Section) -> fmt::Result {
    writeln!(out)?;
    write_comment(out, section.about())?;
    writeln!(out, "[{name}]")?;
    section.keys().iter().try_for_each(|key| write_key(out, key))
}

fn write_key(out: &mut impl Write, key: &Key) -> fmt::Result {
    writeln!(out)?;
    write_comment(out, key.about)?;
    if let Some(allowed) = &key.allowed {
        writeln!(out, "# Allowed: {allowed}.")?;
    }
    match (&key.value, key.example) {
        (Some(toml::Value::Table(table)), _) if table.is_empty() => writeln!(out, "{} = {{}}", key.name),
        (Some(toml::Value::Array(rows)), _) if rows.iter().any(toml::Value::is_table) => {
            writeln!(out, "{} = [", key.name)?;
            rows.iter().try_for_each(|row| writeln!(out, "    {row},"))?;
            writeln!(out, "]")
        }
        (Some(toml::Value::Array(rows)), _) if rows.iter().any(toml::Value::is_table) => {
            writeln!(out, "{} = [", key.name)?;
            rows.iter().try_for_each(|row| writeln!(out, "    {row},"))?;
            writeln!(out, "]")
        }
        (Some(value), _) => writeln!(out, "{} = {value}", key.name),
        (None, Some(example)) => writeln!(out, "# {} = {example}", key.name),
        (None, None) => Ok(()),
    }
}

fn write_comment(out: &mut impl Write, lines: &[&str]) -> fmt::Result {
    lines.iter().try_for_each(|line| writeln!(out, "#{line}"))
}
