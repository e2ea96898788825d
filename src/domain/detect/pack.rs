//! A phrase pack: the words of one language by family, read from data, validated, and compiled to a word trie.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use toml::Spanned;

use super::normalise::{Shape, Token, WordId, normalise};

/// At most this many filler words may stand between two words of a phrase.
const FILLERS_MAX: usize = 3;
/// How many sections a pack has.
const SECTIONS: usize = 13;
/// `*` in a phrase stands for at most this many words.
const WILD_MAX: usize = 2;

/// The sections of a pack whose families are features.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Section {
    /// How the writer stands to what is said ("we should").
    Mood,
    /// What is done ("migrate").
    Verb,
    /// What it is done to ("database").
    Noun,
    /// What else tells ("again", "by Q2").
    Cue,
    /// Words that lead from a subject to something left or reached ("from", "to").
    Prep,
    /// Verbs that stand between a mood and the change ("start", "think about").
    Aux,
    /// Who acts ("we", "they").
    Subject,
    /// Kinds of evidence, by wire name.
    Evidence,
    /// Ways of asking for evidence.
    Ask,
    /// How hard a change is to undo, by wire name.
    Door,
    /// Words that state what goes wrong.
    Trouble,
    /// Words that tell that it is decided or under way.
    Progress,
    /// Counts and what is counted ("eleven teams").
    Size,
}

/// Form of a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// "move"
    Base,
    /// "moves"
    Third,
    /// "moving"
    Ing,
    /// "moved"
    Past,
    /// Not a verb.
    None,
}

/// What a matched phrase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its section.
    pub section: Section,
    /// Its family within the section.
    pub family: u16,
    /// Its line in the pack: all forms of a verb share it.
    pub lemma: u16,
    /// Its form.
    pub form: Form,
}

/// A phrase found in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    /// First token.
    pub first: usize,
    /// One past the last token.
    pub last: usize,
    /// What it is.
    pub entry: Entry,
}

type Family = Vec<Spanned<String>>;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawPack {
    marks: Vec<String>,
    verb_last: bool,
    fillers: Family,
    mood: BTreeMap<String, Family>,
    verb: BTreeMap<String, Family>,
    noun: BTreeMap<String, Family>,
    cue: BTreeMap<String, Family>,
    prep: BTreeMap<String, Family>,
    aux: BTreeMap<String, Family>,
    subject: BTreeMap<String, Family>,
    evidence: BTreeMap<String, Family>,
    ask: BTreeMap<String, Family>,
    door: BTreeMap<String, Family>,
    trouble: BTreeMap<String, Family>,
    progress: BTreeMap<String, Family>,
    size: BTreeMap<String, Family>,
}

/// A pack's file: its name, for faults, and its text.
#[derive(Clone, Copy, Debug)]
pub(super) struct File<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// The words any pack line uses, numbered.
pub(super) type Vocabulary = HashMap<Box<str>, WordId>;

/// One language's phrases, compiled.
#[derive(Debug)]
pub(super) struct Pack {
    words: Vocabulary,
    /// Words that tell the language from others.
    pub marks: Vec<String>,
    /// The verb stands after its object ("wir sollten Jenkins ersetzen").
    pub verb_last: bool,
    fillers: Vec<bool>,
    /// Children of the root by first word.
    roots: Vec<u32>,
    children: HashMap<(u32, WordId), u32>,
    outputs: Vec<Vec<Entry>>,
    wild: WordId,
    families: HashMap<Section, Vec<String>>,
    lemmas: HashMap<Section, Vec<String>>,
}

impl Pack {
    /// Reads a pack from its files; the first is the language's own. Faults name file, line and reason.
    pub(super) fn parse(files: &[File<'_>]) -> Result<Self, String> {
        let mut pack = Self::empty();
        pack.wild = pack.intern("*");
        let mut faults = Vec::new();
        for file in files {
            pack.add_file(*file, &mut faults)?;
        }
        pack.fillers.resize(pack.words.len() + 1, false);
        pack.roots.resize(pack.words.len() + 1, 0);
        if faults.is_empty() { Ok(pack) } else { Err(faults.join("\n")) }
    }

    fn add_file(&mut self, file: File<'_>, faults: &mut Vec<String>) -> Result<(), String> {
        let File { name, text } = file;
        let raw: RawPack = toml::from_str(text).map_err(|fault| {
            let line = fault.span().map_or(1, |s| line_of(text, s.start));
            format!("{name}:{line}: {}", fault.message())
        })?;
        self.verb_last |= raw.verb_last;
        self.marks.extend(raw.marks);
        for filler in &raw.fillers {
            let id = self.intern(filler.get_ref()) as usize;
            self.fillers.resize(self.fillers.len().max(id + 1), false);
            self.fillers[id] = true;
        }
        let sections = [
            (Section::Mood, raw.mood),
            (Section::Verb, raw.verb),
            (Section::Noun, raw.noun),
            (Section::Cue, raw.cue),
            (Section::Prep, raw.prep),
            (Section::Aux, raw.aux),
            (Section::Subject, raw.subject),
            (Section::Evidence, raw.evidence),
            (Section::Ask, raw.ask),
            (Section::Door, raw.door),
            (Section::Trouble, raw.trouble),
            (Section::Progress, raw.progress),
            (Section::Size, raw.size),
        ];
        for (section, families) in sections {
            for (family, lines) in families {
                let family = self.family(section, &family);
                for line in lines {
                    if let Err(reason) = self.add_line(section, family, line.get_ref()) {
                        let number = line_of(text, line.span().start);
                        faults.push(format!("{name}:{number}: \"{}\": {reason}", line.get_ref()));
                    }
                }
            }
        }
        Ok(())
    }

    fn empty() -> Self {
        Self {
            words: HashMap::new(),
            marks: Vec::new(),
            verb_last: false,
            fillers: Vec::new(),
            roots: Vec::new(),
            children: HashMap::new(),
            outputs: vec![Vec::new()],
            wild: 0,
            families: HashMap::new(),
            lemmas: HashMap::new(),
        }
    }

    /// The families of a section, in their order.
    pub(super) fn families(&self, section: Section) -> &[String] {
        self.families.get(&section).map_or(&[], Vec::as_slice)
    }

    /// The lines of a section, in their order.
    pub(super) fn lemmas(&self, section: Section) -> &[String] {
        self.lemmas.get(&section).map_or(&[], Vec::as_slice)
    }

    /// The name of the family an entry belongs to.
    pub(super) fn family_of(&self, entry: Entry) -> &str {
        &self.families(entry.section)[entry.family as usize]
    }

    /// The name of the rule behind a match ("verb.replace").
    pub(super) fn rule(&self, entry: Entry) -> String {
        let section = match entry.section {
            Section::Mood => "mood",
            Section::Verb => "verb",
            Section::Noun => "noun",
            Section::Cue => "cue",
            Section::Prep => "prep",
            Section::Aux => "aux",
            Section::Subject => "subject",
            Section::Evidence => "evidence",
            Section::Ask => "ask",
            Section::Door => "door",
            Section::Trouble => "trouble",
            Section::Progress => "progress",
            Section::Size => "size",
        };
        format!("{section}.{}", self.families(entry.section)[entry.family as usize])
    }

    /// Number of a word; 0 if no phrase uses it.
    pub(super) fn word(&self, word: &str) -> WordId {
        self.words.get(word).copied().unwrap_or(0)
    }

    fn intern(&mut self, word: &str) -> WordId {
        let next =
            WordId::try_from(self.words.len() + 1).expect("a pack has fewer than 2^32 words");
        *self.words.entry(word.into()).or_insert(next)
    }

    fn family(&mut self, section: Section, name: &str) -> u16 {
        let names = self.families.entry(section).or_default();
        // Several files may add to one family.
        let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.to_owned());
            names.len() - 1
        });
        u16::try_from(at).expect("a section has fewer than 2^16 families")
    }

    /// One line of the pack: a phrase, or the forms of a verb separated by `|` (base, third person, -ing, past, participle).
    fn add_line(&mut self, section: Section, family: u16, line: &str) -> Result<(), String> {
        if line.trim() != line || line.is_empty() {
            return Err("is empty or has spaces around it".to_owned());
        }
        if line.chars().any(char::is_uppercase) {
            return Err("must be lower case".to_owned());
        }
        let lemmas = self.lemmas.entry(section).or_default();
        let name = line.split('|').next().unwrap_or(line).replace(' ', "_");
        let lemma = u16::try_from(lemmas.len()).map_err(|_| "too many lines".to_owned())?;
        lemmas.push(name);
        let forms: Vec<&str> = line.split('|').collect();
        if section != Section::Verb && forms.len() > 1 {
            return Err("only verbs have forms".to_owned());
        }
        for (at, phrase) in forms.iter().enumerate() {
            let form = match (section, at) {
                (Section::Verb, 0) => Form::Base,
                (Section::Verb, 1) => Form::Third,
                (Section::Verb, 2) => Form::Ing,
                (Section::Verb, _) => Form::Past,
                _ => Form::None,
            };
            if phrase.is_empty() {
                continue;
            }
            let entry = Entry { section, family, lemma, form };
            self.add_phrase(phrase, entry)?;
            if let Some(bare) = without_apostrophes(phrase) {
                // Both spellings may stand in the pack; the first one counts.
                let _ = self.add_phrase(&bare, entry);
            }
        }
        Ok(())
    }

    fn add_phrase(&mut self, phrase: &str, entry: Entry) -> Result<(), String> {
        let mut words = Vec::new();
        for part in phrase.split(' ') {
            if part == "*" {
                words.push(self.wild);
            } else {
                let tokens = normalise(part, &mut |word| self.intern(word));
                words.extend(tokens.list.iter().map(|t| t.word));
            }
        }
        if words.is_empty() || words.contains(&0) {
            return Err("has a part that is no word".to_owned());
        }
        if words.first() == Some(&self.wild) || words.last() == Some(&self.wild) {
            return Err("must not begin or end with *".to_owned());
        }
        let mut node = 0;
        for (at, word) in words.iter().enumerate() {
            node = self.child_or_new(node, *word, at == 0);
        }
        let outputs = &mut self.outputs[node as usize];
        let cue = entry.section == Section::Cue;
        let same = |e: &&Entry| e.section == entry.section && (!cue || e.family == entry.family);
        match outputs.iter().find(same) {
            // Forms of one verb may look the same ("split").
            Some(old) if old.lemma == entry.lemma => return Ok(()),
            Some(old) if old.family == entry.family => {
                return Err("stands in this family already".to_owned());
            }
            Some(old) => {
                let other = self.families[&old.section][old.family as usize].clone();
                return Err(format!("stands in the family {other} already"));
            }
            None => {}
        }
        outputs.push(entry);
        Ok(())
    }

    fn child_or_new(&mut self, node: u32, word: WordId, root: bool) -> u32 {
        let known = self.children.get(&(node, word)).copied();
        known.unwrap_or_else(|| {
            let new = u32::try_from(self.outputs.len()).expect("a pack has fewer than 2^32 nodes");
            self.outputs.push(Vec::new());
            self.children.insert((node, word), new);
            if root {
                let at = word as usize;
                self.roots.resize(self.roots.len().max(at + 1), 0);
                self.roots[at] = new;
            }
            new
        })
    }

    /// Whether the token may stand between the words of a phrase.
    pub(super) fn is_filler(&self, token: &Token) -> bool {
        token.shape == Shape::Word
            && self.fillers.get(token.word as usize).copied().unwrap_or(false)
    }

    /// Every phrase in `tokens`: in each section the leftmost, then longest; cues of different families may overlap.
    pub(super) fn find(&self, tokens: &[Token]) -> Vec<Match> {
        let mut found: Vec<Match> = Vec::new();
        let mut free_from = [0_usize; SECTIONS];
        let mut here: Vec<Match> = Vec::new();
        for first in 0..tokens.len() {
            let root = self.roots.get(tokens[first].word as usize).copied().unwrap_or(0);
            if root == 0 || tokens[first].quoted {
                continue;
            }
            here.clear();
            self.walk(tokens, first, first + 1, root, &mut here);
            for m in &here {
                let section = m.entry.section;
                let longest = !here.iter().any(|o| o.entry.section == section && o.last > m.last);
                let slot = &mut free_from[section as usize];
                if section == Section::Cue || (longest && first >= *slot) {
                    *slot = (*slot).max(m.last);
                    found.push(*m);
                }
            }
        }
        found
    }

    fn walk(&self, tokens: &[Token], first: usize, at: usize, node: u32, out: &mut Vec<Match>) {
        for entry in &self.outputs[node as usize] {
            out.push(Match { first, last: at, entry: *entry });
        }
        // Words that fill may stand between; the phrase's own next word ends the search.
        for token_at in at..=at + FILLERS_MAX {
            let Some(token) = tokens.get(token_at) else { break };
            if token.word != 0
                && let Some(child) = self.children.get(&(node, token.word))
            {
                self.walk(tokens, first, token_at + 1, *child, out);
                break;
            }
            if !self.is_filler(token) {
                break;
            }
        }
        if let Some(wild) = self.children.get(&(node, self.wild)) {
            for skip in 0..=WILD_MAX {
                let Some(token) = tokens.get(at + skip) else { break };
                if let Some(child) = self.children.get(&(*wild, token.word)) {
                    self.walk(tokens, first, at + skip + 1, *child, out);
                    break;
                }
                if matches!(token.shape, Shape::Break | Shape::Mark) {
                    break;
                }
            }
        }
    }
}

/// People drop apostrophes ("lets", "dont"); where that makes another word ("id", "were") the phrase is left alone.
fn without_apostrophes(phrase: &str) -> Option<String> {
    const OTHER_WORDS: &[&str] =
        &["i'd", "we're", "we'll", "i'll", "we'd", "she'll", "he'll", "it's"];
    if !phrase.contains('\'') || phrase.split(' ').any(|w| OTHER_WORDS.contains(&w)) {
        return None;
    }
    Some(phrase.replace('\'', ""))
}

/// The line (from 1) of a byte offset.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].bytes().filter(|b| *b == b'\n').count() + 1
}
