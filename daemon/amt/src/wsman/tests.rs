//! The client as a whole, over a firmware that the tests write down. What each part does alone is tested beside it.

mod client;
mod messages;
mod tls;

/// An answer of firmware's, as it sends them: prefixes of its own choice, one line.
fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\" \
         xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\" \
         xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"><a:Header><b:RelatesTo>1</b:RelatesTo></a:Header>\
         <a:Body>{body}</a:Body></a:Envelope>"
    )
}

/// An instance or output of a class in AMT's schema.
fn amt(class: &str, name: &str, content: &str) -> String {
    format!("<g:{name} xmlns:g=\"http://intel.com/wbem/wscim/1/amt-schema/1/{class}\">{content}</g:{name}>")
}

fn fault(subcode: &str) -> String {
    envelope(&format!(
        "<a:Fault><a:Code><a:Value>a:Sender</a:Value><a:Subcode><a:Value>b:{subcode}</a:Value></a:Subcode></a:Code>\
         <a:Reason><a:Text xml:lang=\"en-US\">A sentence of firmware's.</a:Text></a:Reason><a:Detail></a:Detail></a:Fault>"
    ))
}
