//! The app's manifests, as Slack reads them: two doors, two sizes. Knows the files in `manifests/`, nothing else.

use serde_json::Value;

/// How Slack reaches the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Over a connection the bot opens; no public address is needed.
    Socket,
    /// Over HTTPS, to a public address.
    Http,
}

/// How much the bot may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// It hears the channels it is in.
    Listen,
    /// It answers when asked and can't read channels.
    AskOnly,
}

/// Stands in the HTTP manifests where the public address belongs.
pub const HOST_PLACEHOLDER: &str = "YOUR-HOST";

/// A manifest's text.
pub fn text(door: Door, size: Size) -> &'static str {
    match (door, size) {
        (Door::Socket, Size::Listen) => include_str!("../manifests/socket-listen.json"),
        (Door::Socket, Size::AskOnly) => include_str!("../manifests/socket-ask-only.json"),
        (Door::Http, Size::Listen) => include_str!("../manifests/http-listen.json"),
        (Door::Http, Size::AskOnly) => include_str!("../manifests/http-ask-only.json"),
    }
}

/// What a size asks Slack for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes {
    /// Nothing works without these.
    pub needed: Vec<String>,
    /// Each of these adds something.
    pub optional: Vec<String>,
}

/// The scopes of a size; both doors ask for the same (held by `tests/manifests.rs`).
pub fn scopes(size: Size) -> Scopes {
    let manifest: Value = serde_json::from_str(text(Door::Socket, size)).unwrap_or_default();
    let list = |name: &str| {
        let scopes = manifest["oauth_config"]["scopes"][name].as_array();
        scopes.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    Scopes { needed: list("bot"), optional: list("bot_optional") }
}
