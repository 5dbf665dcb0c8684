//! Requests as the clients of AMT write them, for the tests. Each list holds the same request in the style of each
//! client: prefixes, order and what else the header carries differ.

const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
const AMT: &str = "http://intel.com/wbem/wscim/1/amt-schema/1";
const ADDRESS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";

/// Get of a class of Intel's schema.
pub(crate) fn get(class: &str) -> Vec<String> {
    envelopes(&format!("{TRANSFER}/Get"), &format!("{AMT}/{class}"), "", "")
}

/// Enumerate of a class.
pub(crate) fn enumerate(class: &str) -> Vec<String> {
    let body = format!("<Enumerate xmlns=\"{ENUMERATION}\"/>");
    envelopes(&format!("{ENUMERATION}/Enumerate"), &format!("{AMT}/{class}"), "", &body)
}

/// Pull of a class.
pub(crate) fn pull(class: &str) -> Vec<String> {
    let body = format!(
        "<Pull xmlns=\"{ENUMERATION}\"><EnumerationContext>95000000-0000-0000-0000-000000000000</EnumerationContext>\
         <MaxElements>999</MaxElements><MaxCharacters>99999</MaxCharacters></Pull>"
    );
    envelopes(&format!("{ENUMERATION}/Pull"), &format!("{AMT}/{class}"), "", &body)
}

/// A method of a class, on an instance.
pub(crate) fn invoke(class: &str, method: &str) -> Vec<String> {
    let resource = format!("{AMT}/{class}");
    let body = format!(
        "<h:{method}_INPUT xmlns:h=\"{resource}\"><h:SequenceNumber>1235</h:SequenceNumber></h:{method}_INPUT>"
    );
    envelopes(&format!("{resource}/{method}"), &resource, "AAECAwQFBgcICQoLDA0ODw==", &body)
}

/// Identify.
pub(crate) fn identify() -> Vec<String> {
    let identity = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
    let soap = "http://www.w3.org/2003/05/soap-envelope";
    vec![
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Envelope xmlns:s=\"{soap}\" xmlns:wsmid=\"{identity}\">\n  \
             <s:Header/>\n  <s:Body>\n    <wsmid:Identify/>\n  </s:Body>\n</s:Envelope>\n"
        ),
        format!(
            "<Envelope xmlns=\"{soap}\"><Body><Identify xmlns=\"{identity}\"></Identify></Body></Envelope>"
        ),
    ]
}

fn envelopes(action: &str, resource: &str, device: &str, body: &str) -> Vec<String> {
    vec![
        default_namespace(action, resource, device, body),
        one_line_attributes(action, resource, device, body),
        indented(action, resource, device, body),
        turned_round(action, resource, device, body),
    ]
}

/// As the Go clients do: SOAP is the default namespace, the rest has one letter each.
fn default_namespace(action: &str, resource: &str, device: &str, body: &str) -> String {
    let selectors = selectors("w:", device);
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\" xmlns=\"http://www.w3.org/2003/05/soap-envelope\">\
         <Header><a:Action>{action}</a:Action><a:To>/wsman</a:To><w:ResourceURI>{resource}</w:ResourceURI>\
         <a:MessageID>0</a:MessageID><a:ReplyTo><a:Address>{ADDRESS}</a:Address></a:ReplyTo>\
         <w:OperationTimeout>PT60S</w:OperationTimeout>{selectors}</Header><Body>{body}</Body></Envelope>"
    )
}

/// As the browser and node clients do: each foreign element brings its own declaration.
fn one_line_attributes(action: &str, resource: &str, device: &str, body: &str) -> String {
    let selectors = selectors("", device)
        .replace("<SelectorSet>", "<SelectorSet xmlns=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">");
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\" >\
         <Header><Action xmlns=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">{action}</Action>\
         <To xmlns=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">/wsman</To>\
         <ResourceURI xmlns=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">{resource}</ResourceURI>\
         <MessageID xmlns=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">7</MessageID>\
         <ReplyTo xmlns=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"><Address>{ADDRESS}</Address></ReplyTo>\
         {selectors}</Header><Body>{body}</Body></Envelope>"
    )
}

/// As the C client does: indented, long prefixes, `mustUnderstand`.
fn indented(action: &str, resource: &str, device: &str, body: &str) -> String {
    let selectors = selectors("wsman:", device);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:wsa=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:wsman=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">\n  <s:Header>\n    \
         <wsa:Action s:mustUnderstand=\"true\">\n{action}\n</wsa:Action>\n    \
         <wsa:To s:mustUnderstand=\"true\">http://localhost:16992/wsman</wsa:To>\n    \
         <wsman:ResourceURI s:mustUnderstand=\"true\">{resource}</wsman:ResourceURI>\n    \
         <wsa:MessageID s:mustUnderstand=\"true\">uuid:7a3f5b8e-1c2d-4e5f-8a9b-0c1d2e3f4a5b</wsa:MessageID>\n    \
         <wsa:ReplyTo>\n      <wsa:Address>{ADDRESS}</wsa:Address>\n    </wsa:ReplyTo>\n    {selectors}\n  \
         </s:Header>\n  <s:Body>{body}</s:Body>\n</s:Envelope>\n"
    )
}

/// Like nobody, but allowed: the letters that others use for something else, in single quotes and in another order.
fn turned_round(action: &str, resource: &str, device: &str, body: &str) -> String {
    let selectors = selectors("s:", device);
    format!(
        "\u{feff}<w:Envelope xmlns:w='http://www.w3.org/2003/05/soap-envelope' \
         xmlns:s='http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd' \
         xmlns:e='http://schemas.xmlsoap.org/ws/2004/08/addressing'><!-- > --><w:Header>{selectors}\
         <e:ReplyTo><e:Address>{ADDRESS}</e:Address><e:ReferenceParameters><s:ResourceURI>other</s:ResourceURI>\
         </e:ReferenceParameters></e:ReplyTo><s:ResourceURI note='>'>{resource}</s:ResourceURI><e:MessageID>9\
         </e:MessageID><e:Action>{action}</e:Action><e:To>/wsman</e:To></w:Header><w:Body>{body}</w:Body></w:Envelope>"
    )
}

fn selectors(prefix: &str, device: &str) -> String {
    if device.is_empty() {
        return String::new();
    }
    format!(
        "<{prefix}SelectorSet><{prefix}Selector Name=\"CreationClassName\">AMT_AgentPresenceWatchdog</{prefix}Selector>\
         <{prefix}Selector Name=\"DeviceID\">{device}</{prefix}Selector></{prefix}SelectorSet>"
    )
}

/// An envelope as a request with a known length.
pub(crate) fn post(envelope: &str) -> Vec<u8> {
    let length = envelope.len();
    let head = format!(
        "POST /wsman HTTP/1.1\r\nHost: 127.0.0.1:16992\r\nAuthorization: Digest username=\"admin\", nc=00000001\r\n\
         Content-Type: application/soap+xml; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), envelope.as_bytes()].concat()
}

/// An envelope as a request in chunks of `size` bytes, as relays send it.
pub(crate) fn post_chunked(envelope: &str, size: usize) -> Vec<u8> {
    let head = "POST /wsman HTTP/1.1\r\nHost: 4c4c4544-0042:16992\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut request = head.as_bytes().to_vec();
    for chunk in envelope.as_bytes().chunks(size) {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}
