//! WSMAN requests as text, and a client that sends them with digest over one kept connection, as a management tool would.

use std::net::SocketAddr;
use std::time::Duration;

use crate::http::{Connection, Credentials, HttpError, Login, Response, request};
use crate::{Error, PATIENCE};

/// The one path of the WSMAN service (wsman 1).
pub const PATH: &str = "/wsman";
const CONTENT_TYPE: &str = "Content-Type: application/soap+xml; charset=utf-8";

/// The envelope of a Get.
#[must_use]
pub fn get(class: &str) -> String {
    envelope("http://schemas.xmlsoap.org/ws/2004/09/transfer/Get", class, "")
}

/// The envelope of an Enumerate.
#[must_use]
pub fn enumerate(class: &str) -> String {
    let body = r#"<n:Enumerate xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"/>"#;
    envelope("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Enumerate", class, body)
}

/// The envelope of a Pull that takes everything that `context` has.
#[must_use]
pub fn pull(class: &str, context: &str) -> String {
    let body = format!(
        r#"<n:Pull xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration"><n:EnumerationContext>{context}</n:EnumerationContext><n:MaxElements>999</n:MaxElements><n:MaxCharacters>99999</n:MaxCharacters></n:Pull>"#
    );
    envelope("http://schemas.xmlsoap.org/ws/2004/09/enumeration/Pull", class, &body)
}

/// The envelope of an Identify, which names no class.
#[must_use]
pub fn identify() -> String {
    r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:id="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><id:Identify/></s:Body></s:Envelope>"#
        .to_owned()
}

/// The resource that a class name means (wsman 4).
#[must_use]
pub fn resource(class: &str) -> String {
    let schema = match class.split('_').next() {
        Some("AMT") => "http://intel.com/wbem/wscim/1/amt-schema/1/",
        Some("IPS") => "http://intel.com/wbem/wscim/1/ips-schema/1/",
        _ => "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/",
    };
    format!("{schema}{class}")
}

/// The bytes of a POST of `envelope`, with further header lines.
#[must_use]
pub fn post(envelope: &str, headers: &[&str]) -> Vec<u8> {
    let headers: Vec<&str> = [CONTENT_TYPE].iter().chain(headers).copied().collect();
    request("POST", PATH, &headers, envelope.as_bytes())
}

/// The text of the first element with this local name, whatever its prefix; None if there is none or it has no text.
#[must_use]
pub fn element(xml: &str, name: &str) -> Option<String> {
    let mut rest = xml;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (tag, content) = after.split_once('>')?;
        let full = tag.split([' ', '/']).next().unwrap_or(tag);
        if full.rsplit(':').next() == Some(name) && !tag.ends_with('/') && !tag.starts_with('/') {
            return content.split_once('<').map(|(text, _)| text.to_owned());
        }
        rest = content;
    }
}

fn envelope(action: &str, class: &str, body: &str) -> String {
    let resource = resource(class);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing" xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"><s:Header><a:Action>{action}</a:Action><a:To>/wsman</a:To><w:ResourceURI>{resource}</w:ResourceURI><a:MessageID>1</a:MessageID><a:ReplyTo><a:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo><w:OperationTimeout>PT60S</w:OperationTimeout></s:Header><s:Body>{body}</s:Body></s:Envelope>"#
    )
}

/// A client with one user. It keeps its connection and its challenge, answers a 401 once, and opens a new connection when the
/// server has closed the old one.
#[derive(Debug)]
pub struct WsmanClient {
    address: SocketAddr,
    login: Login,
    limit: Duration,
    connection: Option<Connection>,
}

impl WsmanClient {
    /// A client of the server at `address`. It connects on the first request.
    #[must_use]
    pub fn new(address: SocketAddr, user: &str, password: &str) -> Self {
        let credentials = Credentials { user: user.to_owned(), password: password.to_owned() };
        Self { address, login: Login::new(credentials), limit: PATIENCE, connection: None }
    }

    /// Gets the single instance of `class`.
    ///
    /// # Errors
    /// There is no answer. A refusal is an answer.
    pub fn get(&mut self, class: &str) -> Result<Response, Error> {
        self.send(&format!("Get {class}"), &get(class))
    }

    /// Identify.
    ///
    /// # Errors
    /// There is no answer.
    pub fn identify(&mut self) -> Result<Response, Error> {
        self.send("Identify", &identify())
    }

    /// Enumerates `class` and pulls everything; returns the answer to each Pull.
    ///
    /// # Errors
    /// There is no answer, or one that is no enumeration.
    pub fn enumerate(&mut self, class: &str) -> Result<Vec<Response>, Error> {
        let mut answer = self.send(&format!("Enumerate {class}"), &enumerate(class))?;
        let mut pulled = Vec::new();
        while let Some(context) = element(&answer.text(), "EnumerationContext") {
            answer = self.send(&format!("Pull {class}"), &pull(class, &context))?;
            pulled.push(answer.clone());
            if answer.text().contains("EndOfSequence") {
                return Ok(pulled);
            }
        }
        let start: String = answer.text().chars().take(400).collect();
        Err(Error::Answer {
            what: format!("Enumerate {class}"),
            answer: format!("{} {start}", answer.status()),
        })
    }

    /// Sends an envelope; `what` names it in errors.
    ///
    /// # Errors
    /// There is no answer. A refusal is an answer.
    pub fn send(&mut self, what: &str, envelope: &str) -> Result<Response, Error> {
        let mut challenged = false;
        loop {
            let kept = self.connection.is_some();
            match self.attempt(envelope) {
                Ok(answer) if answer.status() == 401 && !challenged => {
                    challenged = true;
                    self.login.challenged(answer.head()).map_err(Error::http(what))?;
                }
                // A server may close a kept connection at any time between two requests.
                // The next attempt is on a new one.
                Err(HttpError::Closed | HttpError::Io(_)) if kept => {}
                outcome => return outcome.map_err(Error::http(format!("{what} at {}", self.address))),
            }
        }
    }

    fn attempt(&mut self, envelope: &str) -> Result<Response, HttpError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address, self.limit)?,
        };
        let authorization = self.login.authorize(PATH)?;
        let headers: Vec<&str> = authorization.iter().map(String::as_str).collect();
        let answer = connection.exchange(&post(envelope, &headers))?;
        if !answer.closes() {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_found_by_local_name_whatever_the_prefix() {
        let xml = "<a:Body><x:Empty/><q:Name kind=\"a\">box</q:Name></a:Body>";
        assert_eq!(element(xml, "Name").as_deref(), Some("box"));
        assert_eq!(element(xml, "Empty"), None);
        assert_eq!(element(xml, "Missing"), None);
    }

    #[test]
    fn classes_are_found_in_their_schemas() {
        assert!(resource("AMT_GeneralSettings").contains("/amt-schema/1/AMT_"));
        assert!(resource("CIM_SoftwareIdentity").contains("/cim-schema/2/CIM_"));
        assert!(resource("IPS_HostBasedSetupService").contains("/ips-schema/1/IPS_"));
    }
}
