//! Cuts a text into regions of lines: each code fence by itself, and everything outside the fences as one.

use std::borrow::Cow;

/// Lines are looked at up to this many bytes; what follows is payload.
const LINE_BYTES_MAX: usize = 8_000;

/// Of a longer region the first and the last so many lines are looked at: what fails is said there.
const LINES_MAX: (usize, usize) = (4_000, 2_000);

/// More lines than this are a log of JSON, not one document.
const ONE_LINERS_MAX: usize = 3;

/// Shorter JSON is read as it is.
const JSON_BYTES_MIN: usize = 60;

/// One line, cleaned for matching; `start..end` are its bytes in the text it came from.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) text: Cow<'a, str>,
}

/// Lines that are judged together.
#[derive(Debug, Default)]
pub(super) struct Region<'a> {
    pub(super) lines: Vec<Line<'a>>,
}

/// The regions of a text: what is outside the fences first, then each fence.
pub(super) fn regions(text: &str) -> Vec<Region<'_>> {
    let mut outside = Region::default();
    let mut fences = Vec::new();
    let mut start = 0;
    for (i, piece) in text.split("```").enumerate() {
        if i % 2 == 0 {
            push_lines(&mut outside, piece, start);
        } else {
            let mut fence = Region::default();
            push_lines(&mut fence, piece, start);
            unquote(&mut fence);
            fences.push(fence);
        }
        start += piece.len() + 3;
    }
    unquote(&mut outside);
    let mut regions = vec![outside];
    regions.append(&mut fences);
    for region in &mut regions {
        open_json(region);
        let (head, tail) = LINES_MAX;
        let last = region.lines.len().saturating_sub(tail);
        region.lines.drain(head.min(last)..last);
    }
    regions
}

fn push_lines<'a>(region: &mut Region<'a>, piece: &'a str, offset: usize) {
    let mut start = offset;
    for raw in piece.split('\n') {
        let line = raw.strip_suffix('\r').unwrap_or(raw);
        if !line.is_empty() {
            let shown = line.get(..line.floor_char_boundary(LINE_BYTES_MAX)).unwrap_or(line);
            region.lines.push(Line { start, end: start + line.len(), text: plain(shown) });
        }
        start += raw.len() + 1;
    }
}

/// Adds to JSON written on one line the lines it would have if it were printed for people.
fn open_json(region: &mut Region<'_>) {
    if region.lines.len() > ONE_LINERS_MAX {
        return;
    }
    let mut opened = Vec::new();
    for line in region.lines.drain(..) {
        let json =
            line.text.trim_start().starts_with(['{', '[']) && line.text.len() > JSON_BYTES_MIN;
        let text = line.text.clone();
        let (start, end) = (line.start, line.end);
        opened.push(line);
        let mut rest = text.as_ref();
        while let Some(next) = rest.find(['{', ',', '[']).filter(|_| json) {
            let (piece, tail) = rest.split_at(next + 1);
            opened.push(Line { start, end, text: Cow::Owned(piece.to_owned()) });
            rest = tail;
        }
        if json {
            opened.push(Line { start, end, text: Cow::Owned(rest.to_owned()) });
        }
    }
    region.lines = opened;
}

/// A line without invisible characters and without what Slack adds: entities, `<url|label>`, `&lt;`.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(line);
    if !line.is_ascii() && line.contains(is_invisible) {
        clean = Cow::Owned(line.replace(is_invisible, ""));
    }
    if clean.contains("<http") || clean.contains("<mailto:") {
        clean = Cow::Owned(without_entities(&clean));
    }
    if clean.contains('&') {
        clean = Cow::Owned(clean.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"));
    }
    clean
}

/// Zero-width characters and direction marks, which hide words from every pattern.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{ad}')
}

/// Puts the label of `<url|label>` in its place; a link without label stays as it is.
fn without_entities(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(open) = rest.find('<') {
        let (before, entity) = rest.split_at(open);
        out.push_str(before);
        let body = entity.get(1..).unwrap_or("");
        let is_link = body.starts_with("http") || body.starts_with("mailto:");
        match body.find(['>', '<']).filter(|_| is_link) {
            Some(close) if body[close..].starts_with('>') => {
                let inside = &body[..close];
                out.push_str(inside.split_once('|').map_or(inside, |(_, label)| label));
                rest = &body[close + 1..];
            }
            _ => {
                out.push('<');
                rest = body;
            }
        }
    }
    out.push_str(rest);
    out
}

/// Takes the quote marks away that every line of the region bears.
fn unquote(region: &mut Region<'_>) {
    let depth = region.lines.iter().map(|line| quote_marks(&line.text)).min().unwrap_or(0);
    if depth == 0 {
        return;
    }
    for line in &mut region.lines {
        let bytes = quote_prefix(&line.text, depth);
        line.text = Cow::Owned(line.text.get(bytes..).unwrap_or("").to_owned());
    }
}

/// How many quote marks open the line.
fn quote_marks(line: &str) -> usize {
    line.bytes().take_while(|b| matches!(b, b'>' | b' ')).filter(|b| *b == b'>').count()
}

/// Bytes of the first `depth` quote marks and of one space after them.
fn quote_prefix(line: &str, depth: usize) -> usize {
    let marks = line.bytes().enumerate().filter(|(_, b)| *b == b'>');
    let Some((last, _)) = marks.take(depth).last() else { return 0 };
    if line[last + 1..].starts_with(' ') { last + 2 } else { last + 1 }
}
