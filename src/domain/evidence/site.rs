//! Links to dashboards, traces, tickets and changes; a link to a page that only argues is none.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::load::{Faults, Pattern, Patterns, set, slots};
use super::read::fill;

/// Longer addresses are cut.
const URL_BYTES_MAX: usize = 4_000;

/// The sites whose pages are evidence; the first that fits describes a link.
#[derive(Debug)]
pub(super) struct Sites {
    set: Patterns,
    sites: Vec<(Pattern, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    site: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    url: Spanned<String>,
    says: Spanned<String>,
}

/// Loads the sites, or notes what is wrong with them.
pub(super) fn load(faults: &mut Faults, file: (&str, &str)) -> Sites {
    let mut sites = Vec::new();
    for row in faults.parse::<File>(file).map(|f| f.site).unwrap_or_default() {
        let Some(groups) = faults.check(file, &row.url) else { continue };
        for slot in slots(row.says.get_ref()) {
            let name = slot.split_once('|').map_or(slot, |(name, _)| name);
            if !groups.iter().any(|group| group == name) {
                faults.at(
                    file,
                    row.says.span().start,
                    format!("the pattern has no group {name:?}"),
                );
            }
        }
        sites.push((Pattern::new(row.url.into_inner()), row.says.into_inner()));
    }
    let set = set(sites.iter().map(|(pattern, _)| pattern.text().to_owned()));
    Sites { set, sites }
}

#[cfg(test)]
impl Sites {
    /// Compiles what is otherwise compiled when first needed.
    pub(super) fn compile(&self) {
        assert_eq!(self.set.matches(b"\x00").count(), 0);
        for (pattern, _) in &self.sites {
            pattern.regex();
        }
    }
}

/// A link found in a text.
#[derive(Debug)]
pub(super) struct LinkFound {
    /// The whole link, with its brackets and label if Slack wrote them.
    pub(super) span: Range<usize>,
    pub(super) url: Range<usize>,
    pub(super) says: String,
}

/// The links of a text that are evidence.
pub(super) fn links(sites: &Sites, text: &str) -> Vec<LinkFound> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = text.get(at..).and_then(|rest| rest.find("http")) {
        let start = at + next;
        let url = url_at(text, start);
        at = url.end.max(start + 4);
        let address = text.get(url.clone()).unwrap_or("");
        if let Some(says) = describe(sites, address) {
            found.push(LinkFound { span: entity(text, &url), url, says });
        }
    }
    found
}

/// What the address points to, in plain words.
fn describe(sites: &Sites, address: &str) -> Option<String> {
    let address = address.replace("&amp;", "&");
    let first = sites.set.matches(address.as_bytes()).min()?;
    let (pattern, says) = sites.sites.get(first)?;
    pattern.regex().captures(address.as_bytes()).map(|captures| fill(says, &captures))
}

/// The bytes of the address that starts here; empty if none does.
fn url_at(text: &str, start: usize) -> Range<usize> {
    let stop = text.floor_char_boundary(start.saturating_add(URL_BYTES_MAX));
    let rest = text.get(start..stop).unwrap_or("");
    if !(rest.starts_with("http://") || rest.starts_with("https://")) {
        return start..start;
    }
    let stops =
        |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '|' | '"' | '`' | '\u{200b}');
    let mut end = rest.find(stops).unwrap_or(rest.len());
    while let Some(last) = rest.get(..end).and_then(|url| url.chars().next_back()) {
        let url = rest.get(..end).unwrap_or("");
        let open = |open: char, close: char| url.matches(open).count() < url.matches(close).count();
        let drop = match last {
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~' => true,
            ')' => open('(', ')'),
            ']' => open('[', ']'),
            '}' => open('{', '}'),
            _ => false,
        };
        if !drop {
            break;
        }
        end -= last.len_utf8();
    }
    start..start + end
}

/// `<url|label>` around an address, if Slack wrote one.
fn entity(text: &str, url: &Range<usize>) -> Range<usize> {
    if !text.get(..url.start).is_some_and(|before| before.ends_with('<')) {
        return url.clone();
    }
    let after = text.get(url.end..).unwrap_or("");
    match after.find(['>', '\n', '<']).filter(|i| after[*i..].starts_with('>')) {
        Some(close) => url.start - 1..url.end + close + 1,
        None => url.clone(),
    }
}
