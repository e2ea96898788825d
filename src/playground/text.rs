//! Between what a person types, what Slack stores, and the rich text Slack puts beside it.

use serde_json::{Value, json};

use super::world::World;

impl World {
    /// Typed text as Slack stores it: `& < >` escaped, links and `@name`, `#channel` as ids.
    pub(super) fn encode(&self, typed: &str) -> String {
        let escaped = typed.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let mut text = String::with_capacity(escaped.len());
        // Code is left alone, as in Slack: every other part between backticks.
        for (index, part) in escaped.split('`').enumerate() {
            if index > 0 {
                text.push('`');
            }
            if index % 2 == 1 {
                text.push_str(part);
                continue;
            }
            for piece in part.split_inclusive(char::is_whitespace) {
                let word = piece.trim_end();
                text.push_str(&self.encode_word(word));
                text.push_str(&piece[word.len()..]);
            }
        }
        text
    }

    fn encode_word(&self, word: &str) -> String {
        let core = word.trim_end_matches(['.', ',', ':', ';', '!', '?', ')']);
        let tail = &word[core.len()..];
        if core.starts_with("http://") || core.starts_with("https://") {
            return format!("<{core}>{tail}");
        }
        if let Some(name) = core.strip_prefix('@') {
            let app = &self.options.app;
            let bot = app.name.replace(' ', "").to_lowercase();
            if matches!(name, "channel" | "here" | "everyone") {
                return format!("<!{name}>{tail}");
            }
            if name.to_lowercase() == bot {
                return format!("<@{}>{tail}", app.user_id);
            }
            if let Some(person) = self.options.workspace.people.iter().find(|p| p.name == name) {
                return format!("<@{}>{tail}", person.id);
            }
        }
        if let Some(channel) =
            core.strip_prefix('#').and_then(|name| self.channels.values().find(|c| c.name == name))
        {
            return format!("<#{}|{}>{tail}", channel.id, channel.name);
        }
        word.to_owned()
    }
}

/// The `rich_text` block Slack's clients send beside a text; marks other than links and mentions stay plain text.
pub(super) fn rich_text(text: &str) -> Value {
    let plain = |text: &str| json!({ "type": "text", "text": unescape(text) });
    let mut elements = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let Some(length) = rest[open..].find('>') else { break };
        if open > 0 {
            elements.push(plain(&rest[..open]));
        }
        let inside = &rest[open + 1..open + length];
        let id = inside.get(1..).unwrap_or_default().split('|').next().unwrap_or_default();
        elements.push(match inside.chars().next() {
            Some('@') => json!({ "type": "user", "user_id": id }),
            Some('#') => json!({ "type": "channel", "channel_id": id }),
            Some('!') => json!({ "type": "broadcast", "range": id }),
            _ => json!({ "type": "link", "url": unescape(inside.split('|').next().unwrap_or_default()) }),
        });
        rest = &rest[open + length + 1..];
    }
    if !rest.is_empty() {
        elements.push(plain(rest));
    }
    json!([{ "type": "rich_text", "elements": [{ "type": "rich_text_section", "elements": elements }] }])
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// MIME type and Slack's file type by file name.
pub(super) fn file_kind(name: &str) -> (&'static str, &'static str) {
    match name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "png" => ("image/png", "png"),
        "jpg" | "jpeg" => ("image/jpeg", "jpg"),
        "gif" => ("image/gif", "gif"),
        "pdf" => ("application/pdf", "pdf"),
        "zip" => ("application/zip", "zip"),
        "gz" => ("application/gzip", "gzip"),
        "json" => ("application/json", "json"),
        "eml" => ("message/rfc822", "email"),
        "sql" => ("text/plain", "sql"),
        "bin" => ("application/octet-stream", "binary"),
        _ => ("text/plain", "text"),
    }
}
