//! The bot's words: phrases with placeholders, one file per language.
//!
//! To add a language: 1. copy `en.toml` to `<code>.toml` and translate it; 2. name it in [`Wordings::embedded`].

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

/// A piece of a line; the adapter that shows it escapes the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Plain words.
    Text(String),
    /// Bold words.
    Bold(String),
    /// A command or a quoted line.
    Code(String),
    /// A link.
    Link {
        /// Where to.
        url: String,
        /// What it is called.
        label: String,
    },
}

/// One line of a message.
pub type Line = Vec<Piece>;

/// The line as plain words, for notifications and screen readers.
pub fn plain(line: &Line) -> String {
    line.iter()
        .map(|piece| match piece {
            Piece::Text(text) | Piece::Bold(text) | Piece::Code(text) => text.as_str(),
            Piece::Link { label, .. } => label.as_str(),
        })
        .collect()
}

/// A phrase, cut into words and placeholders.
#[derive(Clone, Debug)]
struct Phrase {
    parts: Vec<(Style, Part)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    Plain,
    Bold,
    Code,
}

#[derive(Clone, Debug)]
enum Part {
    Words(String),
    Placeholder(String),
}

/// The phrases of one language.
#[derive(Debug)]
pub struct Wording {
    language: String,
    phrases: BTreeMap<String, Phrase>,
}

/// Every language that ships with the program.
#[derive(Debug)]
pub struct Wordings(Vec<Wording>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: String,
    phrases: BTreeMap<Spanned<String>, Spanned<String>>,
}

const ENGLISH: (&str, &str) = ("src/domain/wording/en.toml", include_str!("en.toml"));
const GERMAN: (&str, &str) = ("src/domain/wording/de.toml", include_str!("de.toml"));

impl Wordings {
    /// The languages that ship with the program; English first, and the measure of completeness for the others.
    /// Fails with file, line and reason for every fault.
    pub fn embedded() -> Result<Self, String> {
        Self::load(&[ENGLISH, GERMAN])
    }

    fn load(files: &[(&str, &str)]) -> Result<Self, String> {
        let mut loaded: Vec<Wording> = Vec::new();
        let mut faults = Vec::new();
        for (name, text) in files {
            match parse(name, text, loaded.first()) {
                Ok(wording) => loaded.push(wording),
                Err(mut found) => faults.append(&mut found),
            }
        }
        if faults.is_empty() { Ok(Self(loaded)) } else { Err(faults.join("\n")) }
    }

    /// The words of a language; English where there are none.
    pub fn of(&self, language: &str) -> &Wording {
        self.0.iter().find(|w| w.language == language).unwrap_or(&self.0[0])
    }
}

impl Wording {
    /// Which language (`de`).
    pub fn language(&self) -> &str {
        &self.language
    }

    /// The phrase `name` with its placeholders filled. An unknown name shows itself, so that a test can't miss it.
    pub fn line(&self, name: &str, fill: &[(&str, &str)]) -> Line {
        let Some(phrase) = self.phrases.get(name) else {
            return vec![Piece::Text(format!("⟦{name}⟧"))];
        };
        let mut line = Line::new();
        for (style, part) in &phrase.parts {
            let words = match part {
                Part::Words(words) => words.as_str(),
                Part::Placeholder(name) => {
                    fill.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
                }
            };
            push(&mut line, *style, words);
        }
        line
    }

    /// The phrase as plain words: for buttons, titles and fallback texts.
    pub fn words(&self, name: &str, fill: &[(&str, &str)]) -> String {
        plain(&self.line(name, fill)).trim().to_owned()
    }
}

fn push(line: &mut Line, style: Style, words: &str) {
    match (line.last_mut(), style) {
        (_, _) if words.is_empty() => {}
        (Some(Piece::Text(last)), Style::Plain)
        | (Some(Piece::Bold(last)), Style::Bold)
        | (Some(Piece::Code(last)), Style::Code) => last.push_str(words),
        (_, Style::Plain) => line.push(Piece::Text(words.to_owned())),
        (_, Style::Bold) => line.push(Piece::Bold(words.to_owned())),
        (_, Style::Code) => line.push(Piece::Code(words.to_owned())),
    }
}

/// Reads one file; where an earlier language is given, both must have the same phrases and placeholders.
fn parse(name: &str, text: &str, model: Option<&Wording>) -> Result<Wording, Vec<String>> {
    let line_of = |byte: usize| text[..byte.min(text.len())].matches('\n').count() + 1;
    let file: File = toml::from_str(text).map_err(|e| {
        vec![format!("{name}:{}: {}", e.span().map_or(1, |s| line_of(s.start)), e.message())]
    })?;
    let mut faults = Vec::new();
    let mut phrases = BTreeMap::new();
    for (key, value) in &file.phrases {
        let at = line_of(value.span().start);
        match cut_phrase(value.get_ref()) {
            Ok(phrase) => {
                if let Some(model) = model {
                    compare(name, at, key.get_ref(), &phrase, model, &mut faults);
                }
                phrases.insert(key.get_ref().clone(), phrase);
            }
            Err(reason) => {
                faults.push(format!("{name}:{at}: phrase \"{}\": {reason}", key.get_ref()));
            }
        }
    }
    for missing in model.iter().flat_map(|m| m.phrases.keys()).filter(|k| !phrases.contains_key(*k))
    {
        faults.push(format!("{name}:1: phrase \"{missing}\" is missing"));
    }
    if faults.is_empty() { Ok(Wording { language: file.language, phrases }) } else { Err(faults) }
}

fn compare(
    name: &str,
    at: usize,
    key: &str,
    phrase: &Phrase,
    model: &Wording,
    faults: &mut Vec<String>,
) {
    match model.phrases.get(key) {
        None => faults.push(format!(
            "{name}:{at}: phrase \"{key}\" is not known; English has none of that name"
        )),
        Some(english) if placeholders(english) != placeholders(phrase) => faults.push(format!(
            "{name}:{at}: phrase \"{key}\" must use the placeholders {:?}, as English does",
            placeholders(english)
        )),
        Some(_) => {}
    }
}

fn placeholders(phrase: &Phrase) -> Vec<&str> {
    let mut names: Vec<&str> = phrase
        .parts
        .iter()
        .filter_map(|(_, part)| match part {
            Part::Placeholder(name) => Some(name.as_str()),
            Part::Words(_) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn cut_phrase(text: &str) -> Result<Phrase, String> {
    let mut parts = Vec::new();
    let mut style = Style::Plain;
    let mut words = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let toggled = match (c, style) {
            ('*', Style::Plain) => Style::Bold,
            ('`', Style::Plain) => Style::Code,
            ('*', Style::Bold) | ('`', Style::Code) => Style::Plain,
            ('{', _) => {
                parts.push((style, Part::Words(std::mem::take(&mut words))));
                let name: String = chars.by_ref().take_while(|c| *c != '}').collect();
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                    return Err(format!("\"{{{name}}}\" is not a placeholder"));
                }
                parts.push((style, Part::Placeholder(name)));
                continue;
            }
            _ => {
                words.push(c);
                continue;
            }
        };
        parts.push((style, Part::Words(std::mem::take(&mut words))));
        style = toggled;
    }
    if style != Style::Plain {
        return Err("a * or ` is opened and not closed".to_owned());
    }
    parts.push((style, Part::Words(words)));
    parts.retain(|(_, part)| !matches!(part, Part::Words(w) if w.is_empty()));
    Ok(Phrase { parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_languages_load_and_agree() {
        let wordings = Wordings::embedded().unwrap();
        assert_eq!(wordings.of("en").language, "en");
        assert_eq!(wordings.of("de").language, "de");
        assert_eq!(wordings.of("xx").language, "en");
    }

    #[test]
    fn a_phrase_is_filled_and_keeps_its_style() {
        let wordings = Wordings::embedded().unwrap();
        let line = wordings.of("en").line("matched", &[("matched", "*switch* to `X`")]);
        assert_eq!(
            line,
            vec![Piece::Bold("I matched “*switch* to `X`” — I may be wrong.".to_owned())]
        );
    }

    #[test]
    fn every_fault_is_named_with_file_and_line() {
        let english = "language = \"en\"\n[phrases]\na = \"x {n}\"\nb = \"y\"\n";
        let other =
            "language = \"xx\"\n[phrases]\na = \"x {m}\"\nc = \"*open\"\nd = \"{}\"\ne = \"new\"\n";
        let faults = Wordings::load(&[("en.toml", english), ("xx.toml", other)]).unwrap_err();
        for expected in [
            "xx.toml:3: phrase \"a\" must use the placeholders [\"n\"]",
            "xx.toml:4: phrase \"c\": a * or ` is opened and not closed",
            "xx.toml:5: phrase \"d\": \"{}\" is not a placeholder",
            "xx.toml:6: phrase \"e\" is not known",
            "xx.toml:1: phrase \"b\" is missing",
        ] {
            assert!(faults.contains(expected), "{expected}\nnot in\n{faults}");
        }
        let broken =
            Wordings::load(&[("en.toml", "language = \"en\"\nphrases = 3\n")]).unwrap_err();
        assert!(broken.starts_with("en.toml:2:"), "{broken}");
    }
}
