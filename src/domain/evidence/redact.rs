//! Removes secrets and personal data from a text, each replaced by a marker that names its kind.

use std::ops::Range;

use regex::bytes::Regex;
use serde::Deserialize;
use toml::Spanned;

use super::Redacted;
use super::load::Faults;
use super::text::is_invisible;

/// How every marker begins; a marker is never redacted again.
const MARK: &str = "[redacted: ";

/// No marker's name is longer.
const MARKER_BYTES_MAX: usize = 64;

/// The patterns of secrets, in the order of the file.
#[derive(Debug)]
pub(super) struct Redaction {
    secrets: Vec<Secret>,
}

#[derive(Debug)]
struct Secret {
    name: String,
    pattern: Regex,
    check: Option<Check>,
    yields: bool,
}

/// What a match must pass beyond its pattern.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Check {
    /// Not a placeholder, a variable or code.
    Value,
    /// As `Value`, and not an ordinary word or number either.
    Opaque,
    /// Has a digit.
    Digit,
    /// A card number: issuer, length and check digit.
    Card,
    /// An account number with valid check digits.
    Iban,
    /// An address of a person, not a user at a host.
    Email,
    /// Enough digits for a telephone number, and not the first word of a diff line.
    Phone,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    secret: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: Spanned<String>,
    pattern: Spanned<String>,
    check: Option<Check>,
    #[serde(default)]
    yields: bool,
}

/// Loads the patterns, or notes what is wrong with them.
pub(super) fn load(faults: &mut Faults, file: (&str, &str)) -> Option<Redaction> {
    let rows: File = faults.parse(file)?;
    let mut secrets = Vec::new();
    for row in rows.secret {
        if row.name.get_ref().contains(['[', ']']) {
            faults.at(file, row.name.span().start, "a name must not contain brackets");
        }
        if let Some(pattern) = faults.compile(file, &row.pattern) {
            let name = row.name.into_inner();
            secrets.push(Secret { name, pattern, check: row.check, yields: row.yields });
        }
    }
    Some(Redaction { secrets })
}

/// A secret's place in a text.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    bytes: Range<usize>,
    secret: usize,
}

impl Redaction {
    /// The text without its secrets.
    pub(super) fn redact(&self, text: &str) -> Redacted {
        let hidden = self.find(text);
        let mut out = Redacted { text: String::with_capacity(text.len()), count: hidden.len() };
        self.write(text, 0..text.len(), &hidden, &mut out.text);
        out
    }

    /// A part of a text without the secrets found in the whole of it.
    pub(super) fn excerpt(&self, text: &str, part: Range<usize>, hidden: &[Hidden]) -> String {
        let mut out = String::new();
        self.write(text, part, hidden, &mut out);
        out
    }

    fn write(&self, text: &str, part: Range<usize>, hidden: &[Hidden], out: &mut String) {
        let mut at = part.start;
        let first = hidden.partition_point(|h| h.bytes.end <= part.start);
        for secret in hidden.iter().skip(first).take_while(|h| h.bytes.start < part.end) {
            out.push_str(text.get(at..secret.bytes.start).unwrap_or(""));
            let name = self.secrets.get(secret.secret).map_or("secret", |s| s.name.as_str());
            out.push_str(MARK);
            out.push_str(name);
            out.push(']');
            at = secret.bytes.end;
        }
        out.push_str(text.get(at..part.end).unwrap_or(""));
    }

    /// Where the secrets of a text are, in its order, without overlaps.
    pub(super) fn find(&self, text: &str) -> Vec<Hidden> {
        if !text.is_ascii() && text.contains(is_invisible) {
            return self.find_between_invisible(text);
        }
        let mut found = Vec::new();
        for (index, secret) in self.secrets.iter().enumerate() {
            for captures in secret.pattern.captures_iter(text.as_bytes()) {
                let part = captures.name("secret").or_else(|| captures.get(0));
                let Some(part) = part else { continue };
                let bytes = trimmed(text, part.start()..part.end());
                if accepts(secret.check, text, &bytes) && !is_marker(text, &bytes) {
                    found.push(Hidden { bytes, secret: index });
                }
            }
        }
        found.sort_by_key(|h| (h.bytes.start, h.secret));
        self.without_overlaps(found)
    }

    /// As `find`, for a text with characters that break secrets apart without being seen.
    fn find_between_invisible(&self, text: &str) -> Vec<Hidden> {
        let mut seen = String::with_capacity(text.len());
        let mut places = Vec::with_capacity(text.len());
        for (at, c) in text.char_indices().filter(|(_, c)| !is_invisible(*c)) {
            seen.push(c);
            places.extend(at..at + c.len_utf8());
        }
        let mut found = self.find(&seen);
        for hidden in &mut found {
            let last = places.get(hidden.bytes.end.saturating_sub(1)).copied().unwrap_or(0);
            hidden.bytes.start = places.get(hidden.bytes.start).copied().unwrap_or(0);
            hidden.bytes.end = last + 1;
        }
        found
    }

    fn without_overlaps(&self, found: Vec<Hidden>) -> Vec<Hidden> {
        let mut kept: Vec<Hidden> = Vec::new();
        for next in found {
            match kept.last_mut() {
                Some(last) if next.bytes.start < last.bytes.end => {
                    if self.yields(last) && !self.yields(&next) {
                        *last = next;
                    } else if !self.yields(&next) {
                        last.bytes.end = last.bytes.end.max(next.bytes.end);
                        last.secret = last.secret.min(next.secret);
                    }
                }
                _ => kept.push(next),
            }
        }
        kept
    }

    fn yields(&self, hidden: &Hidden) -> bool {
        self.secrets.get(hidden.secret).is_some_and(|s| s.yields)
    }
}

/// Byte patterns may cut a character; a secret ends where characters end, and not in white space.
fn trimmed(text: &str, bytes: Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(bytes.start);
    let end = text.ceil_char_boundary(bytes.end);
    let inside = text.get(start..end).unwrap_or("");
    start..start + inside.trim_end().len()
}

/// Whether this is a marker already, or the first word of one.
fn is_marker(text: &str, bytes: &Range<usize>) -> bool {
    let rest = text.get(bytes.start..).unwrap_or("");
    let Some(rest) = rest.strip_prefix(MARK) else { return bytes.is_empty() };
    let end = bytes.end.saturating_sub(bytes.start + MARK.len());
    rest.bytes()
        .take(MARKER_BYTES_MAX)
        .position(|b| b == b']')
        .is_some_and(|close| end <= close + 1)
}

fn accepts(check: Option<Check>, text: &str, bytes: &Range<usize>) -> bool {
    let Some(value) = text.get(bytes.clone()) else { return false };
    match check {
        None => true,
        Some(Check::Value) => !is_placeholder(value) && !is_called(text, bytes),
        Some(Check::Opaque) => {
            !is_placeholder(value) && is_opaque(value) && !is_called(text, bytes)
        }
        Some(Check::Digit) => value.bytes().any(|b| b.is_ascii_digit()),
        Some(Check::Card) => is_card(value) && !continues(text, bytes),
        Some(Check::Iban) => is_iban(value),
        Some(Check::Email) => is_persons(text, bytes),
        Some(Check::Phone) => {
            let digits = value.bytes().filter(u8::is_ascii_digit).count();
            let line_start = bytes.start == 0 || text[..bytes.start].ends_with('\n');
            (9..=15).contains(&digits) && !line_start
        }
    }
}

/// Words that stand where a secret would, in examples, code and logs.
const PLACEHOLDERS: [&str; 28] = [
    "password",
    "passwd",
    "secret",
    "token",
    "changeme",
    "change-me",
    "change_me",
    "example",
    "null",
    "nil",
    "none",
    "true",
    "false",
    "undefined",
    "redacted",
    "removed",
    "hidden",
    "masked",
    "placeholder",
    "todo",
    "string",
    "yes",
    "no",
    "required",
    "missing",
    "pass",
    "pwd",
    "invalid",
];

fn is_placeholder(value: &str) -> bool {
    let bare = value.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_ascii_lowercase();
    let mut letters = bare.bytes();
    let first = letters.next();
    let path = value.starts_with(['/', '~']) && !value.bytes().any(|b| b.is_ascii_uppercase());
    path || value.starts_with(['$', '%', '{', '<', '('])
        || value.contains("${")
        || value.contains("{{")
        || value.contains('(')
        || bare.is_empty()
        || PLACEHOLDERS.contains(&bare.as_str())
        || (bare.len() > 2 && letters.all(|b| Some(b) == first))
        || [
            "your",
            "my-",
            "my_",
            "insert",
            "os.env",
            "process.env",
            "env.",
            "config.",
            "self.",
            "this.",
            "[filtered",
        ]
        .iter()
        .any(|start| bare.starts_with(start) || value.to_ascii_lowercase().starts_with(start))
}

/// The name of a function, in code.
fn is_called(text: &str, bytes: &Range<usize>) -> bool {
    text.get(bytes.end..).is_some_and(|rest| rest.starts_with('('))
}

/// Not a word or a number a person would write in a sentence.
fn is_opaque(value: &str) -> bool {
    let has = |test: fn(&u8) -> bool| value.bytes().any(|b| test(&b));
    let letters = has(u8::is_ascii_alphabetic);
    let digits = has(u8::is_ascii_digit);
    let inner = value.get(1..).unwrap_or("");
    let camel = inner.bytes().any(|b| b.is_ascii_uppercase()) && has(u8::is_ascii_lowercase);
    let odd = value.contains(['!', '$', '%', '^', '#', '+', '~']);
    value.len() >= 6
        && letters
        && (digits || odd || (camel && value.len() >= 12) || value.len() >= 32)
}

/// Issuer and length fit, and the check digit is right.
fn is_card(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(10)).collect();
    let head = |n: usize| digits.iter().take(n).fold(0, |sum, d| sum * 10 + d);
    let issuer = match digits.len() {
        14 => matches!(head(2), 36 | 38 | 39) || matches!(head(3), 300..=305),
        15 => matches!(head(2), 34 | 37),
        16 => {
            head(1) == 4
                || matches!(head(2), 51..=55 | 65)
                || matches!(head(3), 644..=649)
                || matches!(head(4), 2221..=2720 | 3528..=3589 | 6011)
        }
        _ => false,
    };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, d)| if i % 2 == 0 { *d } else { d * 2 / 10 + d * 2 % 10 })
        .sum();
    issuer && sum.is_multiple_of(10)
}

/// Part of a longer number or an id of a trace.
fn continues(text: &str, bytes: &Range<usize>) -> bool {
    let before = text.get(..bytes.start).unwrap_or("").as_bytes();
    let after = text.get(bytes.end..).unwrap_or("").as_bytes();
    let near = before.get(before.len().saturating_sub(12)..).unwrap_or(before).to_ascii_lowercase();
    let named = [&b"trace"[..], b"span", b"offset"]
        .iter()
        .any(|id| near.windows(id.len()).any(|w| w == *id));
    let digit = |b: Option<&u8>| b.is_some_and(u8::is_ascii_digit);
    named
        || (after.first() == Some(&b'.') && digit(after.get(1)))
        || matches!(before.last(), Some(b'.' | b'_' | b'/' | b'-'))
}

fn is_iban(value: &str) -> bool {
    let digits: Vec<u32> = value.chars().filter_map(|c| c.to_digit(36)).collect();
    if !(15..=34).contains(&digits.len()) {
        return false;
    }
    let turned = digits.iter().skip(4).chain(digits.iter().take(4));
    turned.fold(0, |sum, n| (sum * if *n > 9 { 100 } else { 10 } + n) % 97) == 1
}

/// Not `git@host:path`, not `ssh deploy@host`, not the id of a mail.
fn is_persons(text: &str, bytes: &Range<usize>) -> bool {
    let value = text.get(bytes.clone()).unwrap_or("");
    let near = text.ceil_char_boundary(bytes.start.saturating_sub(40));
    let line = text.get(near..bytes.start).and_then(|t| t.rsplit('\n').next()).unwrap_or("");
    let line = line.to_ascii_lowercase();
    let token = line.rsplit([' ', '\t', '"']).next().unwrap_or("");
    let login = token.split_once("://").is_some_and(|(_, rest)| !rest.contains(['/', '?', '=']));
    let mut after = text.get(bytes.end..).unwrap_or("").bytes();
    let path = after.next() == Some(b':')
        && after.next().is_some_and(|b| b.is_ascii_alphanumeric() || b == b'/' || b == b'~');
    let service =
        ["git@", "ec2-user@", "ubuntu@", "centos@"].iter().any(|user| value.starts_with(user));
    let command = [
        "ssh ",
        "scp ",
        "sftp ",
        "rsync ",
        "mosh ",
        "message-id:",
        "in-reply-to:",
        "references:",
        "content-id:",
    ]
    .iter()
    .any(|word| line.contains(word));
    !(service || command || path || login)
}
