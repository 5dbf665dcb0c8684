//! The configuration file.
//!
//! Hazard: a text that panics the reader, an error that does not say where, or a value that is understood differently when
//! the configuration is written out and read again.

#![no_main]

use std::path::Path;

use amtd::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("amtd.toml");
    match Config::parse(path, text) {
        Ok(config) => {
            let written = toml::to_string(&config).expect("a configuration can be written");
            let again = Config::parse(path, &written);
            assert_eq!(again.as_ref().ok(), Some(&config), "{written}\n{:?}", again.as_ref().err());
        }
        Err(error) => assert!(error.to_string().contains("amtd.toml"), "{error}"),
    }
});
