//! A request to the bot over HTTP, signed the way Slack signs: `v0=HMAC-SHA256(secret, "v0:time:body")`.

use std::fmt::Write as _;
use std::io::{Error, ErrorKind, Result};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The `X-Slack-Signature` of a body sent at `timestamp`.
pub fn sign(secret: &str, timestamp: u64, body: &str) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(format!("v0:{timestamp}:{body}").as_bytes());
    let mut signature = "v0=".to_owned();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

/// An answer: status, head, body.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// Posts to a loopback URL. HTTP/1.0, so that the answer ends with the connection and is never chunked.
pub(super) async fn post(url: &str, headers: &[(&str, String)], body: &str) -> Result<Answer> {
    let bad = |what: &str| Error::new(ErrorKind::InvalidData, what.to_owned());
    let url = url::Url::parse(url).map_err(|_| bad("not a URL"))?;
    let host = url
        .host_str()
        .filter(|host| super::is_loopback(host))
        .ok_or_else(|| bad("not loopback"))?;
    let port = url.port_or_known_default().unwrap_or(80);
    let mut tcp = TcpStream::connect((host.trim_matches(['[', ']']), port)).await?;
    let mut head = format!(
        "POST {} HTTP/1.0\r\nHost: {host}:{port}\r\n",
        &url[url::Position::BeforePath..url::Position::AfterQuery]
    );
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    let _ = write!(head, "Content-Length: {}\r\n\r\n", body.len());
    tcp.write_all(head.as_bytes()).await?;
    tcp.write_all(body.as_bytes()).await?;
    let mut answer = Vec::new();
    tcp.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| bad("no HTTP answer"))?;
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .ok_or_else(|| bad("no HTTP status"))?;
    Ok(Answer { status, head: head.to_ascii_lowercase(), body: body.to_owned() })
}
