//! What stands in a message beside its text: what a bot attached to its alert, what was forwarded, the text of an e-mail.

use serde_json::Value;

/// So many attachments, fields, blocks and files are read, each.
const PARTS_MAX: usize = 50;
/// How deep blocks are looked into.
const DEPTH_MAX: usize = 8;
/// So much is read in all, as much as a message itself can hold.
const CHARS_MAX: usize = 40_000;

/// The words of what is attached, as Slack stores them, a part a line; empty when there are none.
pub(super) fn words(message: &Value) -> String {
    let mut found = Vec::new();
    if text(message, "text").is_none() {
        blocks(message, &mut found);
    }
    for attachment in parts(message, "attachments") {
        read(attachment, &mut found);
    }
    for file in parts(message, "files").filter(|file| text(file, "filetype") == Some("email")) {
        found.extend(text(file, "plain_text").map(str::to_owned));
    }
    found.join("\n").chars().take(CHARS_MAX).collect()
}

fn read(attachment: &Value, found: &mut Vec<String>) {
    let before = found.len();
    for name in ["pretext", "title", "text"] {
        found.extend(text(attachment, name).map(str::to_owned));
    }
    for field in parts(attachment, "fields") {
        if let Some(value) = text(field, "value") {
            let title = text(field, "title").map(|title| format!("{title}: ")).unwrap_or_default();
            found.push(format!("{title}{value}"));
        }
    }
    blocks(attachment, found);
    // What is shown where nothing else can be.
    if found.len() == before {
        found.extend(text(attachment, "fallback").map(str::to_owned));
    }
}

fn blocks(of: &Value, found: &mut Vec<String>) {
    for block in parts(of, "blocks") {
        let mut line = String::new();
        collect(block, DEPTH_MAX, &mut line);
        found.extend(Some(line).filter(|line| !line.is_empty()));
    }
}

/// The texts of a block in their order, whatever kind of block it is.
fn collect(part: &Value, depth: usize, line: &mut String) {
    if depth == 0 || line.len() > CHARS_MAX {
        return;
    }
    match part {
        Value::Array(parts) => {
            for part in parts.iter().take(PARTS_MAX) {
                collect(part, depth - 1, line);
            }
        }
        Value::Object(names) => {
            // Of text cut in pieces, each brings its own blanks; what stands side by side has none between.
            let inline = names.get("type").is_some_and(|kind| kind == "text");
            if let Some(words) = text(part, "text") {
                let gap = if inline || line.is_empty() { "" } else { "\n" };
                line.extend([gap, words]);
            }
            for inner in ["text", "fields", "elements"] {
                names.get(inner).into_iter().for_each(|inner| collect(inner, depth - 1, line));
            }
        }
        _ => {}
    }
}

fn parts<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten().take(PARTS_MAX)
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|s| !s.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(message: &Value, expected: &str) {
        assert_eq!(words(message), expected, "{message}");
    }

    #[test]
    fn an_alert_is_read_where_bots_put_it() {
        check(&json!({"text": "said", "attachments": []}), "");
        check(
            &json!({"text": "", "attachments": [{
                "fallback": "not needed", "pretext": "FIRING", "title": "Latency", "text": "p99 is 9 s",
                "fields": [{"title": "Pool", "value": "20 of 20 in use", "short": true}, {"value": "eu-1"}, {"value": 3}],
            }]}),
            "FIRING\nLatency\np99 is 9 s\nPool: 20 of 20 in use\neu-1",
        );
        check(
            &json!({"text": "", "attachments": [{"fallback": "[down] web-3"}, 7]}),
            "[down] web-3",
        );
    }

    #[test]
    fn blocks_are_read_inside_attachments_and_where_there_is_no_text() {
        let section = json!({"type": "section", "text": {"type": "mrkdwn", "text": "*Disk* 97 %"},
            "fields": [{"type": "mrkdwn", "text": "host db-1"}]});
        let rich = json!({"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": [
            {"type": "text", "text": "dial tcp: "}, {"type": "text", "text": "i/o timeout"}]}]});
        check(
            &json!({"attachments": [{"blocks": [section, rich]}]}),
            "*Disk* 97 %\nhost db-1\ndial tcp: i/o timeout",
        );
        check(&json!({"text": "", "blocks": [section]}), "*Disk* 97 %\nhost db-1");
        check(&json!({"text": "the same", "blocks": [section]}), "");
    }

    #[test]
    fn an_email_is_read_as_its_plain_text() {
        let email =
            json!({"id": "F1", "filetype": "email", "plain_text": "550 5.7.26 unauthenticated"});
        let other = json!({"id": "F2", "filetype": "text", "plain_text": "no"});
        check(&json!({"text": "", "files": [email, other]}), "550 5.7.26 unauthenticated");
    }

    #[test]
    fn there_is_an_end_to_it() {
        let long = "x".repeat(30_000);
        let attachments = vec![json!({"text": long}); 5_000];
        assert_eq!(words(&json!({"attachments": attachments})).len(), CHARS_MAX);
        let mut deep = json!({"text": "too deep"});
        for _ in 0..100 {
            deep = json!({"elements": [deep]});
        }
        check(&json!({"blocks": [deep]}), "");
        for odd in [
            json!(3),
            json!({"attachments": 3, "blocks": "x", "files": [null]}),
            json!({"blocks": [[[]]]}),
        ] {
            check(&odd, "");
        }
    }
}
