//! Fetches the files people post as evidence — from Slack's hosts only, never following a redirect, never more than asked for.

use std::time::Duration;

use metrics::counter;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::client::{Client, ClientError};
use super::request::{header, label, lost, refused, send, server_error};
use crate::app::ports::ChatError;

/// How long one file may take.
const FILE_MAX: Duration = Duration::from_secs(30);

/// Slack's domains that serve files and take answers, themselves and below.
const HOSTS: [&str; 3] = ["slack.com", "slack-files.com", "slack-gov.com"];

/// No proxy, whatever the environment says: the client of the Web API and the sockets know none, and what works here and
/// not there would only mislead. Next to a local stand-in no certificates either.
pub(super) fn http_client(local: bool) -> Result<reqwest::Client, ClientError> {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(Duration::from_secs(10));
    let builder = if local { builder.tls_certs_only([]) } else { builder };
    // The error names no secret, but its text is reqwest's to choose; the cause is nearly always the certificates.
    builder.build().map_err(|_| ClientError::Tls("no client for files".to_owned()))
}

impl Client {
    /// The first `bytes_max` bytes of a file as text; what isn't UTF-8 in it is replaced.
    pub async fn fetch_text(
        &self,
        token: &SecretString,
        url: &str,
        bytes_max: usize,
    ) -> Result<String, ChatError> {
        let fetched = self.fetch(token, url, bytes_max).await;
        counter!("secondlook_slack_files_total", "outcome" => label(&fetched)).increment(1);
        // To read again does no harm.
        fetched.map_err(ChatError::without_doubt)
    }

    async fn fetch(
        &self,
        token: &SecretString,
        url: &str,
        bytes_max: usize,
    ) -> Result<String, ChatError> {
        let url = Url::parse(url).map_err(|_| refused("not_a_url"))?;
        if !is_slacks_own(&url, &self.base) {
            return Err(refused("foreign_host"));
        }
        let request = self.files.get(url).bearer_auth(token.expose_secret());
        let mut response = accept(send(request, FILE_MAX).await?)?;
        let mut content = Vec::new();
        while content.len() < bytes_max {
            match response.chunk().await.map_err(|error| lost(&error))? {
                None => return Ok(String::from_utf8_lossy(&content).into_owned()),
                Some(chunk) => content.extend_from_slice(&chunk),
            }
        }
        content.truncate(bytes_max);
        Ok(String::from_utf8_lossy(whole_characters(&content)).into_owned())
    }
}

/// Slack's hosts over TLS, or the very API we were configured with. Neither a token nor an answer goes anywhere else.
pub(super) fn is_slacks_own(url: &Url, api: &Url) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    if url.origin() == api.origin() {
        return true;
    }
    let Some(Host::Domain(host)) = url.host() else { return false };
    let is_slacks = HOSTS.iter().any(|known| {
        host == *known || host.strip_suffix(known).is_some_and(|sub| sub.ends_with('.'))
    });
    // Beside a local stand-in, Slack's own hosts are foreign.
    api.scheme() == "https" && url.scheme() == "https" && url.port().is_none() && is_slacks
}

/// A redirect is Slack's way to the login page; a page is not the file.
fn accept(response: Response) -> Result<Response, ChatError> {
    let kind = header(response.headers(), CONTENT_TYPE.as_str());
    match response.status() {
        StatusCode::OK if kind.is_some_and(|kind| kind.starts_with("text/html")) => {
            Err(refused("not_a_file"))
        }
        StatusCode::OK => Ok(response),
        status if status.is_redirection() => Err(refused("not_a_file")),
        status if status.is_server_error() => Err(server_error()),
        StatusCode::NOT_FOUND | StatusCode::GONE => Err(refused("file_not_found")),
        status => Err(refused(&format!("http_{}", status.as_u16()))),
    }
}

/// Cuts off a last character that the size limit cut in two.
fn whole_characters(content: &[u8]) -> &[u8] {
    match std::str::from_utf8(content) {
        Err(error) if error.error_len().is_none() => &content[..error.valid_up_to()],
        _ => content,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(api: &str, url: &str, expected: bool) {
        let (api, parsed) = (Url::parse(api).expect(api), Url::parse(url).expect(url));
        assert_eq!(is_slacks_own(&parsed, &api), expected, "{url}");
    }

    #[test]
    fn the_token_goes_to_slacks_hosts_and_nowhere_else() {
        let api = "https://slack.com/api";
        check(api, "https://files.slack.com/files-pri/T1-F1/log.txt", true);
        check(api, "https://FILES.slack.com:443/x", true);
        check(api, "https://acme.enterprise.slack.com/files/x", true);
        check(api, "https://slack-files.com/T1-F1-abc", true);
        check(api, "https://files.slack-gov.com/x", true);
        check(api, "https://hooks.slack.com/commands/T1/2/3", true);
        check(api, "https://hooks.slack-gov.com/commands/T1/2/3", true);
        check(api, "https://slack.com/x", true);
        check(api, "http://files.slack.com/x", false);
        check(api, "https://files.slack.com:8443/x", false);
        check(api, "https://files.slack.com.evil.com/x", false);
        check(api, "https://evilslack.com/x", false);
        check(api, "https://files.slack.com@evil.com/x", false);
        check(api, "https://user:pw@files.slack.com/x", false);
        check(api, "https://evil.com/files.slack.com", false);
        check(api, "https://evil.com#files.slack.com", false);
        check(api, "https://evil.com\\@files.slack.com/x", false);
        check(api, "https://files.slack.com./x", false);
        for elsewhere in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "169.254.169.254",
            "2852039166",
            "[::1]",
            "[::ffff:169.254.169.254]",
            "[fd00:ec2::254]",
            "metadata.google.internal",
            "localhost",
            "slack.com%2eevil.com",
            "xn--slck-0na.com",
            "sl\u{430}ck.com",
        ] {
            check(api, &format!("https://{elsewhere}/x"), false);
        }
        check(api, "ftp://files.slack.com/x", false);
        check(api, "https://drive.google.com/x", false);
    }

    #[test]
    fn beside_a_stand_in_only_the_stand_in_is_asked() {
        let api = "http://127.0.0.1:4000/api";
        check(api, "http://127.0.0.1:4000/files/x", true);
        check(api, "http://127.0.0.1:4001/files/x", false);
        check(api, "http://localhost:4000/files/x", false);
        check(api, "https://files.slack.com/x", false);
    }
}
