//! Reads Slack text into tokens that remember where they stand in the original: markup, links, code and quotes become marks, words are lowered.

use unicode_normalization::UnicodeNormalization as _;

/// Number of a word in a [`Vocabulary`](super::pack::Vocabulary); 0 is "a word no pack knows".
pub(super) type WordId = u32;

/// Words longer than this are noise (keys, hashes, pasted data); their text is not looked up.
const WORD_BYTES_MAX: usize = 48;

/// Slack escapes a typed `<`, so an entity is short and closes on its line.
const ENTITY_BYTES_MAX: usize = 3_000;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A word.
    Word,
    /// A figure ("31%", "$40", "2.9s").
    Number,
    /// A person or a group.
    Person,
    /// A channel.
    Channel,
    /// A link, bare or with a label.
    Link,
    /// A ticket or pull request ("#4410", "DS-788").
    Ticket,
    /// A code span.
    Code,
    /// A code block.
    Block,
    /// An emoji.
    Emoji,
    /// Punctuation.
    Mark,
    /// End of a line, or a quoted line left out.
    Break,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// First byte in the original.
    pub start: usize,
    /// One past the last byte in the original.
    pub end: usize,
    /// The word, mark or emoji, if a pack knows it.
    pub word: WordId,
    /// What it is.
    pub shape: Shape,
    /// Begins with a capital.
    pub capital: bool,
    /// Looks like a name by its letters alone ("`CMake`", "`EC2`", "`HTTP.jl`").
    pub mixed: bool,
    /// Stands inside quotation marks.
    pub quoted: bool,
}

/// A text as tokens.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    /// The tokens, in the order of the text.
    pub list: Vec<Token>,
    /// Whether a `>` line was left out.
    pub quotes_left_out: bool,
}

/// Reads `text`; `lookup` numbers words.
pub(super) fn normalise(text: &str, lookup: &mut dyn FnMut(&str) -> WordId) -> Tokens {
    let mut reader = Reader { text, at: 0, out: Tokens::default(), word: String::new(), lookup };
    reader.run();
    mark_quotations(text, &mut reader.out.list);
    reader.out
}

struct Reader<'t, 'l> {
    text: &'t str,
    at: usize,
    out: Tokens,
    word: String,
    lookup: &'l mut dyn FnMut(&str) -> WordId,
}

impl Reader<'_, '_> {
    fn run(&mut self) {
        let mut line_start = true;
        while self.at < self.text.len() {
            if line_start {
                line_start = false;
                if self.skip_quoted_lines() {
                    line_start = true;
                    continue;
                }
            }
            let byte = self.text.as_bytes()[self.at];
            match byte {
                b'\n' => {
                    self.push(self.at, self.at + 1, Shape::Break);
                    self.at += 1;
                    line_start = true;
                }
                b'<' => self.angle(),
                b'&' => self.entity(),
                b'`' => self.code(),
                b':' => self.colon(),
                b'-' if self.is_hyphen() => self.at += 1,
                b'*' | b'_' | b'~' if self.hugs_a_word() => self.at += 1,
                _ if byte.is_ascii_whitespace() => self.at += 1,
                _ if byte.is_ascii_digit() || b"$\xe2\xc2".contains(&byte) => self.number_or_word(),
                _ => self.word_or_mark(),
            }
        }
    }

    fn push(&mut self, start: usize, end: usize, shape: Shape) {
        self.out.list.push(Token {
            start,
            end,
            word: 0,
            shape,
            capital: false,
            mixed: false,
            quoted: false,
        });
    }

    /// A hyphen inside a word parts it in two ("self-hosted") without a mark between.
    fn is_hyphen(&self) -> bool {
        let bytes = self.text.as_bytes();
        let inner =
            |at: Option<&u8>| at.is_some_and(|b| b.is_ascii_alphanumeric() || !b.is_ascii());
        self.at > 0 && inner(bytes.get(self.at - 1)) && inner(bytes.get(self.at + 1))
    }

    /// `*bold*`, `_italic_`, `~struck~`; a lone `*` is a bullet.
    fn hugs_a_word(&self) -> bool {
        let bytes = self.text.as_bytes();
        let solid = |at: Option<&u8>| at.is_some_and(|b| !b.is_ascii_whitespace());
        solid(bytes.get(self.at + 1)) || (self.at > 0 && solid(bytes.get(self.at - 1)))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// A line that begins with `>` is someone else's words; `>>>` quotes to the end.
    fn skip_quoted_lines(&mut self) -> bool {
        let rest = self.rest();
        let body = rest.trim_start_matches([' ', '\t']);
        let mark = if body.starts_with("&gt;") { "&gt;" } else { ">" };
        if !body.starts_with(mark) {
            return false;
        }
        let to_the_end = body.starts_with(&mark.repeat(3));
        let end = if to_the_end {
            rest.len()
        } else {
            rest.find('\n').map_or(rest.len(), |newline| newline + 1)
        };
        let (start, end) = (self.at, self.at + end);
        self.push(start, end, Shape::Break);
        self.at = end;
        self.out.quotes_left_out = true;
        true
    }

    /// `<@U1>`, `<#C1|x>`, `<!here>`, `<http://…|label>`.
    fn angle(&mut self) {
        let rest = self.rest();
        let shape = match rest.as_bytes().get(1) {
            Some(b'@' | b'!') => Shape::Person,
            Some(b'#') => Shape::Channel,
            Some(b'h' | b'm' | b't' | b's') => Shape::Link,
            _ => Shape::Mark,
        };
        let window =
            if shape == Shape::Mark { 0 } else { floor_char_boundary(rest, ENTITY_BYTES_MAX) };
        let close = rest[..window].find(['>', '\n']).filter(|at| rest.as_bytes()[*at] == b'>');
        let link = |end: usize| shape != Shape::Link || rest[..end].contains([':', '|']);
        let shape = if close.is_some_and(link) { shape } else { Shape::Mark };
        let end = self.at + if shape == Shape::Mark { 1 } else { close.map_or(1, |c| c + 1) };
        self.push(self.at, end, shape);
        self.at = end;
    }

    fn entity(&mut self) {
        let len = ["&amp;", "&lt;", "&gt;"]
            .iter()
            .find(|e| self.rest().starts_with(**e))
            .map_or(1, |e| e.len());
        self.mark(len, "&");
    }

    /// A figure or an emoji a pack may know by its own text.
    fn push_known(&mut self, start: usize, end: usize, shape: Shape) {
        let word = (self.lookup)(&self.text[start..end]);
        self.push(start, end, shape);
        if let Some(token) = self.out.list.last_mut() {
            token.word = word;
        }
        self.at = end;
    }

    fn mark(&mut self, len: usize, mark: &str) {
        let word = (self.lookup)(mark);
        self.push(self.at, self.at + len, Shape::Mark);
        if let Some(token) = self.out.list.last_mut() {
            token.word = word;
        }
        self.at += len;
    }

    fn code(&mut self) {
        let rest = self.rest();
        let (shape, len) = if let Some(body) = rest.strip_prefix("```") {
            (Shape::Block, body.find("```").map_or(rest.len(), |end| end + 6))
        } else {
            let line = rest[1..].find(['`', '\n']).map(|end| end + 1);
            match line.filter(|end| rest.as_bytes()[*end] == b'`') {
                Some(end) => (Shape::Code, end + 1),
                None => (Shape::Mark, 1),
            }
        };
        self.push(self.at, self.at + len, shape);
        self.at += len;
    }

    /// `:tada:` or a colon.
    fn colon(&mut self) {
        let bytes = self.rest().as_bytes();
        let len = bytes[1..]
            .iter()
            .take(WORD_BYTES_MAX)
            .take_while(|b| b.is_ascii_alphanumeric() || b"_-+'".contains(b))
            .count();
        let named = len > 0 && bytes.get(len + 1) == Some(&b':');
        if !named || bytes[1..=len].iter().all(u8::is_ascii_digit) {
            return self.mark(1, ":");
        }
        let (start, end) = (self.at, self.at + len + 2);
        self.push_known(start, end, Shape::Emoji);
    }

    /// "31%", "$40k", "2.9s", "1,140"; falls back to a word ("3rd-party", "2fa").
    fn number_or_word(&mut self) {
        let rest = self.rest();
        let sign = ["$", "€", "£"].iter().find(|s| rest.starts_with(**s)).map_or(0, |s| s.len());
        let digits =
            rest[sign..].bytes().take_while(|b| b.is_ascii_digit() || b".,:x/".contains(b)).count();
        if digits == 0 || !rest.as_bytes()[sign].is_ascii_digit() {
            return self.word_or_mark();
        }
        let trimmed = rest[sign..sign + digits].trim_end_matches(['.', ',', ':', '/']).len();
        let tail = &rest[sign + trimmed..];
        let unit = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let percent = usize::from(tail.starts_with('%'));
        if unit > 4 {
            return self.word_or_mark();
        }
        let (start, end) = (self.at, self.at + sign + trimmed + unit.max(percent));
        self.push_known(start, end, Shape::Number);
    }

    fn word_or_mark(&mut self) {
        if let Some(len) = ticket(self.rest()) {
            self.push(self.at, self.at + len, Shape::Ticket);
            self.at += len;
            return;
        }
        if let Some(len) = bare_link(self.rest()) {
            self.push(self.at, self.at + len, Shape::Link);
            self.at += len;
            return;
        }
        let len = self.read_word();
        if len > 0 {
            return self.push_word(len);
        }
        let Some(c) = self.rest().chars().next() else { return };
        let len = c.len_utf8();
        if is_emoji(c) {
            self.push_known(self.at, self.at + len, Shape::Emoji);
        } else if is_invisible(c) || c.is_whitespace() {
            self.at += len;
        } else {
            let mut buffer = [0; 4];
            let mark = match c {
                '—' | '–' => "—",
                '“' | '”' | '„' | '«' | '»' => "\"",
                _ => c.encode_utf8(&mut buffer),
            };
            self.mark(len, mark);
        }
    }

    /// Reads a word into `self.word`, lowered; returns its length in the original.
    fn read_word(&mut self) -> usize {
        self.word.clear();
        let rest = &self.text[self.at..];
        let mut len = 0;
        for (at, c) in rest.char_indices() {
            let next = at + c.len_utf8();
            if c.is_ascii_alphanumeric() {
                self.word.push(c.to_ascii_lowercase());
            } else if joins(rest, at, c) {
                self.word.push(if matches!(c, '’' | '‘' | 'ʼ') { '\'' } else { c });
            } else if c == '-'
                && self.word == "re"
                && rest[next..].starts_with(|n: char| n.is_alphabetic())
            {
                // "re-write" is "rewrite".
            } else if is_invisible(c) && at > 0 {
                // A zero-width character inside a word must not hide the word.
            } else if !c.is_ascii() && c.is_alphanumeric() {
                self.word.extend(std::iter::once(c).nfkc().flat_map(char::to_lowercase));
            } else {
                break;
            }
            len = next;
        }
        len
    }

    fn push_word(&mut self, len: usize) {
        let raw = &self.text[self.at..self.at + len];
        let word = if self.word.len() > WORD_BYTES_MAX { 0 } else { (self.lookup)(&self.word) };
        let upper = raw.chars().skip(1).filter(|c| c.is_uppercase()).count();
        let digits = raw.bytes().any(|b| b.is_ascii_digit());
        self.out.list.push(Token {
            start: self.at,
            end: self.at + len,
            word,
            shape: Shape::Word,
            capital: raw.chars().next().is_some_and(char::is_uppercase),
            mixed: upper > 0 || digits || raw.contains(['.', '_', '/', '+']),
            quoted: false,
        });
        self.at += len;
    }
}

/// Whether `c` at `at` holds a word together: "let's", "node.js", "`snake_case`", "c++", "ci/cd".
fn joins(rest: &str, at: usize, c: char) -> bool {
    let before = at > 0;
    let after = rest[at + c.len_utf8()..].chars().next();
    match c {
        '\'' | '’' | '‘' | 'ʼ' | '.' | '_' | '/' => {
            before && after.is_some_and(char::is_alphanumeric)
        }
        '+' => before && (after == Some('+') || rest[..at].ends_with('+')),
        '#' => before && at == 1 && !after.is_some_and(char::is_alphanumeric),
        _ => false,
    }
}

fn bare_link(rest: &str) -> Option<usize> {
    let schemes = ["https://", "http://", "ssh://", "ftp://", "mailto:", "www."];
    if !matches!(rest.as_bytes().first(), Some(b'h' | b's' | b'f' | b'm' | b'w')) {
        return None;
    }
    schemes.iter().find(|s| rest.starts_with(**s))?;
    Some(rest.find(|c: char| c.is_whitespace() || c == '>' || c == '|').unwrap_or(rest.len()))
}

/// "#4410", "!88", "DS-788".
fn ticket(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let prefix = match bytes.first()? {
        b'#' | b'!' => 1,
        b'A'..=b'Z' => {
            let letters = bytes.iter().take(12).take_while(|b| b.is_ascii_alphabetic()).count();
            if letters < 2 || bytes.get(letters) != Some(&b'-') {
                return None;
            }
            letters + 1
        }
        _ => return None,
    };
    let digits = bytes[prefix..].iter().take_while(|b| b.is_ascii_digit()).count();
    let ends = !bytes.get(prefix + digits).is_some_and(u8::is_ascii_alphanumeric);
    (digits > 0 && digits < 9 && ends).then_some(prefix + digits)
}

fn is_emoji(c: char) -> bool {
    matches!(u32::from(c), 0x1F000..=0x1FAFF | 0x2600..=0x27BF | 0x2B00..=0x2BFF)
}

fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE007F)
        || c.is_control()
}

/// The largest char boundary at or below `at`.
fn floor_char_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Marks the tokens between a pair of quotation marks: the writer repeats words, more than three of them, on one line.
fn mark_quotations(text: &str, tokens: &mut [Token]) {
    let mut open: Option<usize> = None;
    for at in 0..tokens.len() {
        let token = tokens[at];
        if token.shape == Shape::Break {
            open = None;
        } else if token.shape == Shape::Mark
            && matches!(&text[token.start..token.end], "\"" | "“" | "”" | "„" | "«" | "»")
        {
            if let Some(from) = open.take() {
                if at - from > 3 {
                    for inner in &mut tokens[from + 1..at] {
                        inner.quoted = true;
                    }
                }
            } else {
                open = Some(at);
            }
        }
    }
}
