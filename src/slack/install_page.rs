//! The small pages an installation ends with: what happened, and what to do next.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::state::Fault;
use crate::app::ports::StoreError;

/// Why the app was not installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    Cancelled,
    NoSuchSize,
    NoState,
    Forged,
    Expired,
    OtherBrowser,
    Used,
    NoCode,
    /// Slack's word for why, known to be only a word.
    Refused(String),
    /// The same as it stands in the address, where anybody may have written it.
    Returned(String),
    MissingScopes(Vec<String>),
    /// This workspace may not install it; whether Slack took back what it granted.
    NotListed {
        who: String,
        given_back: bool,
    },
    Busy,
    Unreachable,
    StoreDown,
    Broken,
}

impl Failed {
    /// Slack said no. What stands in an address may be anybody's text.
    pub(super) fn refused(code: &str) -> Self {
        Self::Refused(word(code))
    }

    /// The address says that Slack said no.
    pub(super) fn returned(code: &str) -> Self {
        Self::Returned(word(code))
    }

    /// Whether an address is enough to bring it about: nobody needs to read of it in the log.
    pub(super) fn is_anybodys(&self) -> bool {
        matches!(
            self,
            Self::Cancelled
                | Self::NoSuchSize
                | Self::NoState
                | Self::Forged
                | Self::Expired
                | Self::OtherBrowser
                | Self::Used
                | Self::NoCode
                | Self::Returned(_)
        )
    }

    /// Its name in metrics and logs.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::NoSuchSize => "no_such_size",
            Self::NoState => "no_state",
            Self::Forged => "forged_state",
            Self::Expired => "expired_state",
            Self::OtherBrowser => "other_browser",
            Self::Used => "used_state",
            Self::NoCode => "no_code",
            Self::Refused(_) | Self::Returned(_) => "refused",
            Self::MissingScopes(_) => "missing_scopes",
            Self::NotListed { .. } => "not_listed",
            Self::Busy => "rate_limited",
            Self::Unreachable => "unreachable",
            Self::StoreDown => "store",
            Self::Broken => "broken",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Cancelled => StatusCode::OK,
            Self::NotListed { .. } => StatusCode::FORBIDDEN,
            Self::Busy | Self::StoreDown => StatusCode::SERVICE_UNAVAILABLE,
            Self::Refused(_) | Self::Returned(_) | Self::Unreachable => StatusCode::BAD_GATEWAY,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// What happened, and the next step.
    fn words(&self) -> (String, &'static str) {
        let (what, next) = match self {
            Self::Cancelled => (
                "Slack says that the installation was cancelled.",
                "If that was a slip, begin again.",
            ),
            Self::NoSuchSize => (
                "The address asks for a size that does not exist.",
                "Use size=listen or size=ask-only, or leave it out.",
            ),
            Self::NoState => (
                "This page was opened without what it needs from the page before it.",
                "Begin with the link below; it leads here by way of Slack.",
            ),
            Self::Forged => (
                "What Slack sent back was not made by this bot, or the bot's key has changed since.",
                "Begin again.",
            ),
            Self::Expired => ("This took longer than ten minutes.", "Begin again."),
            Self::OtherBrowser => (
                "This was begun in another browser, or this one takes no cookies from here.",
                "Begin again, and finish in the same browser.",
            ),
            Self::Used => (
                "This address was used before; it works once.",
                "If the app is not in your workspace yet, begin again.",
            ),
            Self::NoCode => ("Slack sent no code along.", "Begin again."),
            Self::Refused(code) | Self::Returned(code) => {
                let next = match code.as_str() {
                    "bad_client_secret" | "invalid_client_id" => {
                        "Whoever runs the bot should copy SLACK_CLIENT_ID and SLACK_CLIENT_SECRET again from the app's page “Basic Information”."
                    }
                    "bad_redirect_uri" => {
                        "Whoever runs the bot should add this page's address, up to the question mark, to “Redirect URLs” on the app's page “OAuth & Permissions”."
                    }
                    _ => {
                        "Begin again; if it goes on, look the reason up in Slack's reference of oauth.v2.access."
                    }
                };
                return (format!("Slack refused the installation ({code})."), next);
            }
            Self::MissingScopes(scopes) => {
                let what = format!(
                    "Slack granted less than the bot needs. Missing: {}.",
                    scopes.join(", ")
                );
                return (
                    what,
                    "Add these scopes on the app's page “OAuth & Permissions”, then begin again. Nothing was recorded here.",
                );
            }
            Self::NotListed { who, given_back } => return not_listed(who, *given_back),
            Self::Busy => ("Slack asks us to wait.", "Begin again in a minute."),
            Self::Unreachable => ("Slack did not answer.", "Begin again in a few minutes."),
            Self::StoreDown => (
                "Slack said yes, but the bot could not record it.",
                "Begin again in a few minutes; whoever runs the bot finds the reason in its log.",
            ),
            Self::Broken => (
                "Something broke on our side.",
                "Begin again; whoever runs the bot finds the reason in its log.",
            ),
        };
        (what.to_owned(), next)
    }
}

/// What stands in an address may be anybody's text; a word is repeated.
fn word(code: &str) -> String {
    let word = code.len() <= 64 && code.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    if word { code } else { "no known reason" }.to_owned()
}

fn not_listed(who: &str, given_back: bool) -> (String, &'static str) {
    let granted = if given_back {
        "What Slack granted was given back, and nothing was recorded here."
    } else {
        "Nothing was recorded here; the app may still stand among the apps of your workspace, where it can be removed."
    };
    let what =
        format!("This bot takes in certain workspaces only, and {who} is none of them. {granted}");
    let next = "If it should be one, ask whoever runs the bot to add it to SECONDLOOK_INSTALL_ONLY, then begin again.";
    (what, next)
}

impl From<Fault> for Failed {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing => Self::NoState,
            Fault::Forged => Self::Forged,
            Fault::Expired => Self::Expired,
            Fault::OtherBrowser => Self::OtherBrowser,
        }
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        tracing::error!(error.kind = %error, "could not record an installation");
        Self::StoreDown
    }
}

/// The page; `again` is where an installation begins.
pub(super) fn page(failed: Option<&Failed>, again: &str) -> Response {
    let (status, title, body) = match failed {
        None => (
            StatusCode::OK,
            "Second Look is installed",
            "<p>Next: in Slack, write <code>/invite @Second Look</code> in a channel where it may listen, or \
             <code>/investigate help</code> anywhere.</p>\n<p>You can close this page.</p>"
                .to_owned(),
        ),
        Some(failed) => {
            let (what, next) = failed.words();
            let body = format!(
                "<p>{}</p>\n<p>{}</p>\n<p><a href=\"{}\">Begin the installation</a></p>",
                escape(&what),
                escape(next),
                escape(again)
            );
            (failed.status(), "Second Look is not installed", body)
        }
    };
    let html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem}}</style>\n\
         <h1>{title}</h1>\n{body}\n</html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        // This page's own address holds a code.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
    ];
    (status, headers, html).into_response()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_an_address_is_not_repeated() {
        for text in ["<script>", "a\r\nSet-Cookie: x", "%0d%0a", "Ünïcode", &"a".repeat(65)] {
            assert_eq!(Failed::refused(text), Failed::Refused("no known reason".to_owned()));
        }
        assert_eq!(Failed::refused("invalid_code"), Failed::Refused("invalid_code".to_owned()));
    }

    #[test]
    fn what_an_address_alone_brings_about_is_no_news() {
        for failed in [Failed::returned("x"), Failed::NoState, Failed::Forged, Failed::NoCode] {
            assert!(failed.is_anybodys(), "{failed:?}");
        }
        for failed in [Failed::refused("x"), Failed::Unreachable, Failed::StoreDown, Failed::Broken]
        {
            assert!(!failed.is_anybodys(), "{failed:?}");
        }
        assert_eq!(Failed::returned("x").label(), Failed::refused("x").label());
    }

    #[test]
    fn words_are_escaped() {
        assert_eq!(escape("<a href=\"x\">&"), "&lt;a href=&quot;x&quot;&gt;&amp;");
    }
}
