//! The web page: a logon page that anyone may see, and a status page behind a login.
//!
//! Paths are those of real units, the content is the simulator's. Called by `web::execute` once the login is checked.

use std::time::Instant;

use quick_xml::escape::escape;

use super::http::Method;
use super::response::{Reply, Status};
use crate::device::{ControlMode, Device};

/// What a page path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    Logon,
    Status,
    Styles,
    Logo,
}

impl Page {
    /// The page at a path without its query.
    pub(super) fn at(path: &str) -> Option<Self> {
        match path {
            "/" | "/logon.htm" => Some(Self::Logon),
            "/index.htm" => Some(Self::Status),
            "/styles.css" => Some(Self::Styles),
            "/logo.svg" => Some(Self::Logo),
            _ => None,
        }
    }

    pub(super) fn needs_login(self) -> bool {
        self == Self::Status
    }

    pub(super) fn takes(self, method: Method) -> bool {
        match method {
            Method::Get | Method::Head => true,
            Method::Post => self == Self::Status,
            Method::Other => false,
        }
    }

    /// Its methods, for the `Allow` field.
    pub(super) fn methods(self) -> &'static str {
        if self == Self::Status { "GET, HEAD, POST" } else { "GET, HEAD" }
    }
}

/// The page itself; `form` is the body of a POST.
pub(super) fn answer(device: &mut Device, page: Page, form: Option<&Vec<u8>>, now: Instant) -> Reply {
    let notice = form.map(|form| submit(device, form));
    match page {
        Page::Logon => html(LOGON.to_owned()),
        Page::Status => html(status_page(device, notice, now)),
        Page::Styles => Reply::sized(Status::Ok, "text/css", STYLES.into()),
        Page::Logo => Reply::sized(Status::Ok, "image/svg+xml", LOGO.into()),
    }
}

/// The body of a 401, about as long as the real one; the sentence is the real one's.
pub(super) const LOGON_FAILED: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<title>Intel(R) Active Management Technology</title>\n",
    "<style>\nbody { font-family: sans-serif; margin: 2em; color: #222; }\n",
    "h1 { font-size: 1.2em; border-bottom: 2px solid #06c; padding-bottom: 0.3em; }\n",
    "a { color: #06c; }\n</style>\n</head>\n<body>\n",
    "<h1>Intel(R) Active Management Technology</h1>\n",
    "<p>Log on failed. Incorrect user name or password, or user account temporarily locked.</p>\n",
    "<p><a href=\"/index.htm\">Try again</a> or go back to the <a href=\"/logon.htm\">log on page</a>.</p>\n",
    "<p>This answer comes from a simulator of the firmware, on ",
    "a machine that may not have Intel(R) AMT at all.</p>\n</body>\n</html>\n",
);

const LOGON: &str = concat!(
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<title>Intel(R) Active Management Technology</title>\n",
    "<link rel=\"stylesheet\" href=\"/styles.css\">\n</head>\n<body>\n",
    "<header><img src=\"/logo.svg\" alt=\"\" width=\"48\" height=\"48\">",
    "<h1>Intel(R) Active Management Technology</h1></header>\n<main>\n",
    "<p>Log on to see the state of this computer.</p>\n",
    "<form action=\"/index.htm\" method=\"get\"><button type=\"submit\">Log On...</button></form>\n",
    "<p class=\"note\">This page comes from a simulator.</p>\n</main>\n</body>\n</html>\n",
);

const STYLES: &str = "\
body { font-family: sans-serif; margin: 0; color: #222; background: #f4f6f8; }
header { display: flex; align-items: center; gap: 1em; padding: 1em 2em; background: #fff; border-bottom: 3px solid #06c; }
h1 { font-size: 1.3em; margin: 0; }
main { max-width: 46em; margin: 2em; padding: 1.5em 2em; background: #fff; border: 1px solid #d5dbe1; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; margin-bottom: 1.5em; }
th, td { text-align: left; padding: 0.45em 0.8em 0.45em 0; border-bottom: 1px solid #e4e8ec; }
th { width: 14em; font-weight: 600; }
button { padding: 0.5em 1.4em; border: 0; border-radius: 4px; background: #06c; color: #fff; font-size: 1em; cursor: pointer; }
input { padding: 0.45em; border: 1px solid #b8c2cc; border-radius: 4px; font-size: 1em; }
.note { color: #667; font-size: 0.9em; }
.notice { padding: 0.6em 1em; background: #eef5fd; border-left: 4px solid #06c; }
";

const LOGO: &str = "\
<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\" width=\"48\" height=\"48\">
<rect x=\"4\" y=\"4\" width=\"40\" height=\"40\" rx=\"8\" fill=\"#06c\"/>
<path d=\"M12 34 20 14h8l8 20h-6l-1.6-4.5h-8.8L18 34zm9.300-9.500h5.400L24 16.800z\" fill=\"#fff\"/>
</svg>
";

fn html(document: String) -> Reply {
    Reply::sized(Status::Ok, "text/html; charset=utf-8", document.into_bytes())
}

fn status_page(device: &Device, notice: Option<&'static str>, now: Instant) -> String {
    let mode = match device.control_mode() {
        ControlMode::None => "not activated",
        ControlMode::Client => "client control mode",
        ControlMode::Admin => "admin control mode",
    };
    let wired = &device.network.wired;
    let address = wired.address.map_or_else(|| "none".to_owned(), |address| address.to_string());
    let rows = [
        ("Host name", format!("{}.{}", device.network.host_name, device.network.domain_name)),
        ("System ID", device.uuid_text()),
        ("AMT version", device.versions.full()),
        ("Control mode", mode.to_owned()),
        ("Power", if device.power.is_running() { "on" } else { "not running" }.to_owned()),
        ("IP address", address),
        ("MAC address", wired.mac_text()),
        ("Events in the log", device.log.len().to_string()),
        ("Agent watchdogs", device.presence.watchdogs().len().to_string()),
        ("Device time", format!("{} s since 1970", device.unix_time(now))),
    ];
    let rows: String = rows
        .iter()
        .map(|(name, value)| format!("<tr><th>{name}</th><td>{}</td></tr>\n", escape(value)))
        .collect();
    let notice = notice.map_or_else(String::new, |notice| format!("<p class=\"notice\">{notice}</p>\n"));
    let host_name = escape(&device.network.host_name);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>System Status</title>\n\
         <link rel=\"stylesheet\" href=\"/styles.css\">\n</head>\n<body>\n\
         <header><img src=\"/logo.svg\" alt=\"\" width=\"48\" height=\"48\"><h1>System Status</h1></header>\n\
         <main>\n{notice}<table>\n{rows}</table>\n\
         <form action=\"/index.htm\" method=\"post\"><label>Host name \
         <input name=\"HostName\" value=\"{host_name}\" maxlength=\"63\"></label>\n\
         <button type=\"submit\">Submit</button></form>\n\
         <p class=\"note\">This page comes from a simulator.</p>\n</main>\n</body>\n</html>\n"
    )
}

/// Applies the form and says what became of it. A host name is one label of letters, digits and inner hyphens.
fn submit(device: &mut Device, form: &[u8]) -> &'static str {
    let name = form.split(|byte| *byte == b'&').find_map(|field| field.strip_prefix(b"HostName="));
    let Some(name) = name.and_then(|name| std::str::from_utf8(name).ok()) else {
        return "The form has no field HostName.";
    };
    // None of the characters of a label is escaped by a form, so that an escape is an error like any other character.
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let valid = (1..=63).contains(&name.len()) && name.bytes().all(inner);
    if !valid || name.starts_with('-') || name.ends_with('-') {
        return "A host name has 1 to 63 letters, digits and hyphens, with no hyphen at its ends.";
    }
    name.clone_into(&mut device.network.host_name);
    "The host name has been changed."
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DeviceConfig;

    #[test]
    fn unauthorized_page_is_about_as_long_as_the_real_one() {
        assert!((640..=740).contains(&LOGON_FAILED.len()), "{} bytes", LOGON_FAILED.len());
    }

    #[test]
    fn form_changes_the_host_name_only_to_a_valid_label() {
        let mut device = Device::new(DeviceConfig::default(), Instant::now());
        for bad in [&b"HostName=-x"[..], b"HostName=", b"Other=1", b"HostName=a%3Cb", b"HostName=\xFF"] {
            submit(&mut device, bad);
            assert_eq!(device.network.host_name, "amt-sim");
        }
        submit(&mut device, b"a=b&HostName=desk-7");
        assert_eq!(device.network.host_name, "desk-7");
    }
}
