//! The HTTP request by which firmware delivers an alert to the host (apf 5.1).
//!
//! The shape is documented: method, headers, prefix letters, the three elements that receivers look for. The text is this file's own.

use bytes::Bytes;

/// The request for one alert: a message identifier such as `iAMT0057` and its argument, which may be empty.
pub(super) fn request(id: &str, argument: &str, uuid: &str) -> Bytes {
    let body = format!(
        concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"",
            " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"",
            " xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"",
            " xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/02/trust\"",
            " xmlns:e=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"",
            " xmlns:f=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd\"",
            " xmlns:g=\"http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_AlertIndication\"",
            " xmlns:h=\"http://schemas.dmtf.org/wbem/wscim/1/common\"",
            " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">",
            "<a:Header><b:To>http://localhost:0</b:To>",
            "<b:ReplyTo><b:Address>http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</b:Address></b:ReplyTo>",
            "<c:AckRequested></c:AckRequested>",
            "<b:Action a:mustUnderstand=\"true\">http://schemas.dmtf.org/wbem/wsman/1/wsman/Event</b:Action>",
            "<b:MessageID>uuid:{uuid}</b:MessageID></a:Header>",
            "<a:Body><g:CIM_AlertIndication><g:AlertType>8</g:AlertType>",
            "<g:AlertingElementFormat>2</g:AlertingElementFormat>",
            "<g:AlertingManagedElement>Interop:CIM_ComputerSystem.CreationClassName=\"CIM_ComputerSystem\",Name=\"Intel(r) AMT\"",
            "</g:AlertingManagedElement>",
            "<g:IndicationFilterName>Intel(r) AMT:User Notification</g:IndicationFilterName>",
            "<g:IndicationIdentifier>{id}-{argument}</g:IndicationIdentifier>",
            "<g:IndicationTime><h:Datetime>2025-01-01T00:00:00Z</h:Datetime></g:IndicationTime>",
            "<g:Message></g:Message>",
            "<g:MessageArguments>{argument}</g:MessageArguments>",
            "<g:MessageID>{id}</g:MessageID>",
            "<g:OwningEntity>Intel(r) AMT</g:OwningEntity>",
            "<g:PerceivedSeverity>2</g:PerceivedSeverity><g:ProbableCause>0</g:ProbableCause>",
            "<g:SystemName>Intel(r) AMT</g:SystemName>",
            "</g:CIM_AlertIndication></a:Body></a:Envelope>",
        ),
        uuid = uuid,
        id = id,
        argument = argument,
    );
    let head = format!(
        concat!(
            "POST / HTTP/1.1\r\nHost: localhost:0\r\nUser-Agent: Intel(R) AMT Agent\r\nConnection: Keep-Alive\r\n",
            "Content-Type: application/soap+xml; charset=UTF-8\r\nContent-Length: {}\r\n\r\n",
        ),
        body.len(),
    );
    Bytes::from(head + &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_declared_and_about_two_kilobytes() {
        let request = request("iAMT0055", "2", "00000000-0000-0000-0000-000000000000");
        let text = std::str::from_utf8(&request).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{head}");
        assert!((1500..2500).contains(&body.len()), "{}", body.len());
        assert!(body.contains("<g:MessageID>iAMT0055</g:MessageID>"));
        assert!(body.contains("<g:IndicationFilterName>Intel(r) AMT:User Notification<"), "wsman 16.1");
    }
}
