//! The web server of the scripted firmware: HTTP/1.1 with digest login, over TLS where that is enforced. One request
//! on a connection after the other.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::firmware::{Answer, Model, REALM, md5};

const NONCE: &str = "abcdef0123456789";

pub(super) async fn serve(model: Model, stream: DuplexStream, tls: bool) {
    if tls {
        let Ok(stream) = acceptor().accept(stream).await else { return };
        requests(model, stream).await;
    } else {
        requests(model, stream).await;
    }
}

/// With a certificate that firmware made itself.
fn acceptor() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["amt".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn requests(model: Model, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    while let Some((head, body)) = request(&mut stream).await {
        let answer =
            if is_logged_in(&model, &head) { model.device().answer(&body) } else { Answer::Unauthorized };
        let (status, challenge, body) = match answer {
            Answer::Body(body) => ("200 OK", String::new(), envelope(&body)),
            Answer::Fault(name) => ("400 Bad Request", String::new(), envelope(&fault(name))),
            Answer::Unauthorized => {
                let challenge = format!(
                    "WWW-Authenticate: Digest realm=\"{REALM}\", nonce=\"{NONCE}\", qop=\"auth\"\r\n"
                );
                ("401 Unauthorized", challenge, String::new())
            }
            Answer::Close => return,
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\n{challenge}Content-Length: {length}\r\n\r\n{body}");
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut received = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&received).into_owned();
        if let Some((head, _)) = text.split_once("\r\n\r\n") {
            let start = head.len() + 4;
            let length = field(head, "content-length").parse::<usize>().unwrap();
            if received.len() >= start + length {
                return Some((head.to_owned(), received[start..start + length].to_vec()));
            }
        }
        if stream.read_buf(&mut received).await.ok()? == 0 {
            return None;
        }
    }
}

fn field(head: &str, name: &str) -> String {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let found = lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn is_logged_in(model: &Model, head: &str) -> bool {
    let authorization = field(head, "authorization");
    let parameter = |name: &str| {
        let parameters = authorization.trim_start_matches("Digest ").split(',');
        let mut pairs = parameters.filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.trim_matches('"').to_owned())
            .unwrap_or_default()
    };
    let Some(secret) = model.device().secret_of(&parameter("username")) else { return false };
    let (nonce, nc, cnonce, qop) =
        (parameter("nonce"), parameter("nc"), parameter("cnonce"), parameter("qop"));
    let about = md5(&format!("POST:{}", parameter("uri")));
    parameter("response") == md5(&format!("{secret}:{nonce}:{nc}:{cnonce}:{qop}:{about}"))
}

fn envelope(body: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"http://www.w3.org/2003/05/soap-envelope\"><e:Header/><e:Body>{body}</e:Body></e:Envelope>"
    )
}

fn fault(name: &str) -> String {
    format!(
        "<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>x:{name}</e:Value></e:Subcode></e:Code>\
         <e:Reason><e:Text>no</e:Text></e:Reason></e:Fault>"
    )
}
