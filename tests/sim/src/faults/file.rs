//! Reads a script of steps from a TOML or JSON file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Step;

/// Why a script could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the fault file {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a script; the message says where and what is allowed.
    #[error("the fault file {} is not a script of [[step]] tables with a key `do`: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser says.
        message: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    step: Vec<Step>,
}

/// Reads the script at `path`: JSON if the name ends in `.json`, else TOML. Both have a list `step` of steps.
///
/// # Errors
/// If the file cannot be read or is not a script.
pub fn read_script(path: &Path) -> Result<Vec<Step>, ScriptError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ScriptError::Read { path: path.into(), source })?;
    let script: Result<Script, String> = if path.extension().is_some_and(|extension| extension == "json") {
        serde_json::from_str(&text).map_err(|error| error.to_string())
    } else {
        toml::from_str(&text).map_err(|error| error.to_string())
    };
    script.map(|script| script.step).map_err(|message| ScriptError::Parse { path: path.into(), message })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{Action, When};

    #[test]
    fn toml_and_json_say_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let toml = directory.path().join("script.toml");
        std::fs::write(&toml, "[[step]]\ndo = \"link-reset\"\nwhen = { messages = 9 }\n").unwrap();
        let json = directory.path().join("script.json");
        std::fs::write(&json, r#"{"step":[{"do":"link-reset","when":{"messages":9}}]}"#).unwrap();
        let expected = vec![Step { action: Action::LinkReset, when: Some(When::Messages(9)) }];
        assert_eq!(read_script(&toml).unwrap(), expected);
        assert_eq!(read_script(&json).unwrap(), expected);
    }

    #[test]
    fn error_names_the_file_and_the_fault() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("script.toml");
        std::fs::write(&path, "[[step]]\ndo = \"stall-engine\"\nminutes = 1\n").unwrap();
        let error = read_script(&path).unwrap_err().to_string();
        assert!(error.contains("script.toml") && error.contains("minutes"), "{error}");
    }
}
