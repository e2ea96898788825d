//! Loads the recogniser files, and names every fault in them with file, line and reason.

use std::collections::HashSet;
use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use regex_syntax::hir::{Hir, HirKind};
use serde::Deserialize;
use toml::Spanned;

use super::EvidenceKind;
use super::redact::{self, Redaction};
use super::site::{self, Sites};

/// Memory one set of patterns may take, compiled.
const SET_BYTES_MAX: usize = 64 << 20;

/// Measured: fewer make more passes, more make more states.
const PATTERNS_PER_SET: usize = 16;

/// A pattern that tells of a kind, one line at a time.
#[derive(Debug)]
pub(super) struct Sign {
    pub(super) kind: EvidenceKind,
    pub(super) weight: u32,
    /// So many lines count.
    pub(super) most: u32,
}

/// How to read a decisive fact from a line.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) says: String,
    pub(super) supports: Vec<String>,
    pub(super) against: Vec<String>,
    /// The highest one that matches is the decisive one.
    pub(super) rank: u32,
    pub(super) take: Take,
    pub(super) at_least: Option<f64>,
    pub(super) below: Option<f64>,
}

/// A pattern whose syntax was checked at start and that is compiled when it is first needed: compiling all of them takes
/// a quarter of a second and most of the memory, and most texts want few.
#[derive(Debug)]
pub(super) struct Pattern {
    text: String,
    compiled: OnceLock<Regex>,
}

impl Pattern {
    pub(super) fn new(text: String) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            let built = RegexBuilder::new(&self.text).unicode(false).build();
            built.expect("its syntax was checked at start, its size by a test")
        })
    }
}

/// Which of several matching lines a rule reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Take {
    /// The first one.
    First,
    /// The last one.
    Last,
    /// The one with the greatest `n`.
    Max,
}

/// The rules that apply to one kind.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) set: Patterns,
    /// Indices into [`Catalogue::rules`], as in the set.
    pub(super) rules: Vec<usize>,
}

/// All files, compiled.
#[derive(Debug)]
pub(super) struct Catalogue {
    pub(super) signs: Vec<Sign>,
    pub(super) sign_set: Patterns,
    /// File names that tell of a kind, and how strongly.
    pub(super) names: Vec<(Regex, EvidenceKind, u32)>,
    pub(super) rules: Vec<Rule>,
    /// One per kind, in the order of [`EvidenceKind::ALL`].
    pub(super) by_kind: Vec<Rules>,
    pub(super) sites: Sites,
    pub(super) redaction: Redaction,
}

/// One file as it is written; the format is described in `recognisers/README.md`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kinds: Spanned<Vec<String>>,
    #[serde(default)]
    sign: Vec<SignRow>,
    #[serde(default)]
    name: Vec<SignRow>,
    #[serde(default)]
    reading: Vec<ReadingRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignRow {
    line: Spanned<String>,
    weight: Spanned<u32>,
    #[serde(default = "one")]
    most: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingRow {
    line: Spanned<String>,
    says: Spanned<String>,
    #[serde(default)]
    supports: Vec<Spanned<String>>,
    #[serde(default)]
    against: Vec<Spanned<String>>,
    rank: Spanned<u32>,
    #[serde(default = "first")]
    take: Take,
    at_least: Option<f64>,
    below: Option<f64>,
}

fn one() -> u32 {
    1
}

fn first() -> Take {
    Take::First
}

/// The faults found so far, each with file, line and reason.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<String>);

impl Faults {
    /// Notes a fault at a byte of a file.
    pub(super) fn at(&mut self, file: (&str, &str), byte: usize, reason: impl std::fmt::Display) {
        let line = 1 + file.1.bytes().take(byte).filter(|b| *b == b'\n').count();
        let reason = reason.to_string();
        let reason = reason.trim().replace('\n', " ");
        self.0.push(format!("{}:{line}: {reason}", file.0));
    }

    /// Compiles a pattern, or notes why it can't be.
    pub(super) fn compile(
        &mut self,
        file: (&str, &str),
        pattern: &Spanned<String>,
    ) -> Option<Regex> {
        let built = RegexBuilder::new(pattern.get_ref()).unicode(false).build();
        built.map_err(|why| self.at(file, pattern.span().start, why)).ok()
    }

    /// Checks a pattern and tells its named groups, or notes what is wrong with it.
    pub(super) fn check(
        &mut self,
        file: (&str, &str),
        pattern: &Spanned<String>,
    ) -> Option<Vec<String>> {
        let mut parser = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build();
        let hir = parser
            .parse(pattern.get_ref())
            .map_err(|why| self.at(file, pattern.span().start, why))
            .ok()?;
        let mut names = Vec::new();
        group_names(&hir, &mut names);
        Some(names)
    }

    /// Parses a file, or notes why it can't be.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(
        &mut self,
        file: (&str, &str),
    ) -> Option<T> {
        toml::from_str(file.1)
            .map_err(|why| self.at(file, why.span().map_or(0, |s| s.start), why.message()))
            .ok()
    }
}

fn group_names(hir: &Hir, names: &mut Vec<String>) {
    match hir.kind() {
        HirKind::Capture(group) => {
            names.extend(group.name.as_deref().map(str::to_owned));
            group_names(&group.sub, names);
        }
        HirKind::Repetition(repeated) => group_names(&repeated.sub, names),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                group_names(part, names);
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}

/// What the files hold, before the sets are built.
#[derive(Default)]
struct Loaded {
    signs: Vec<(String, Sign)>,
    names: Vec<(Regex, EvidenceKind, u32)>,
    rules: Vec<(Vec<EvidenceKind>, String, Rule)>,
}

/// Loads and checks the files: kinds, then sites and secrets.
pub(super) fn load(
    kinds: &[(&str, &str)],
    sites: (&str, &str),
    secrets: (&str, &str),
) -> Result<Catalogue, String> {
    let mut faults = Faults::default();
    let mut loaded = Loaded::default();
    for file in kinds {
        if let Some(rows) = faults.parse::<File>(*file) {
            load_file(&mut loaded, &mut faults, *file, &rows);
        }
    }
    let sites = site::load(&mut faults, sites);
    let redaction = redact::load(&mut faults, secrets);
    match redaction {
        Some(redaction) if faults.0.is_empty() => Ok(build(loaded, sites, redaction)),
        _ => Err(faults.0.join("\n")),
    }
}

fn load_file(loaded: &mut Loaded, faults: &mut Faults, file: (&str, &str), rows: &File) {
    let mut kinds = Vec::new();
    for name in rows.kinds.get_ref() {
        match EvidenceKind::parse(name) {
            Some(kind) => kinds.push(kind),
            None => faults.at(file, rows.kinds.span().start, format!("no evidence kind {name:?}")),
        }
    }
    let mut seen = HashSet::new();
    for row in rows.sign.iter().chain(&rows.name) {
        if !seen.insert(row.line.get_ref()) {
            faults.at(file, row.line.span().start, "this pattern stands twice");
        }
        if row.weight.get_ref() > &20 || row.weight.get_ref() == &0 {
            faults.at(file, row.weight.span().start, "weight must be 1 to 20");
        }
    }
    if !(rows.sign.is_empty() && rows.name.is_empty()) && rows.kinds.get_ref().len() != 1 {
        faults.at(file, rows.kinds.span().start, "signs need exactly one kind");
    }
    let Some(kind) = kinds.first().copied() else { return };
    for row in &rows.sign {
        if faults.check(file, &row.line).is_some() {
            let sign = Sign { kind, weight: *row.weight.get_ref(), most: row.most };
            loaded.signs.push((row.line.get_ref().clone(), sign));
        }
    }
    for row in &rows.name {
        if let Some(pattern) = faults.compile(file, &row.line) {
            loaded.names.push((pattern, kind, *row.weight.get_ref()));
        }
    }
    for row in &rows.reading {
        if let Some(rule) = load_reading(faults, file, row) {
            loaded.rules.push((kinds.clone(), row.line.get_ref().clone(), rule));
        }
    }
}

fn load_reading(faults: &mut Faults, file: (&str, &str), row: &ReadingRow) -> Option<Rule> {
    for class in row.supports.iter().chain(&row.against) {
        if !class.get_ref().bytes().all(|b| b.is_ascii_lowercase() || b == b'-') {
            faults.at(file, class.span().start, format!("{:?} is no class id", class.get_ref()));
        }
    }
    if *row.rank.get_ref() == 0 || *row.rank.get_ref() > 100 {
        faults.at(file, row.rank.span().start, "rank must be 1 to 100");
    }
    let groups = faults.check(file, &row.line)?;
    let has = |name: &str| groups.iter().any(|group| group == name);
    for slot in slots(row.says.get_ref()) {
        let name = slot.split_once('|').map_or(slot, |(name, _)| name);
        if !has(name) {
            faults.at(file, row.says.span().start, format!("the pattern has no group {name:?}"));
        }
    }
    let compares = row.take == Take::Max || row.at_least.is_some() || row.below.is_some();
    if compares && !has("n") {
        faults.at(file, row.line.span().start, "a reading that compares needs a group \"n\"");
    }
    let ids = |rows: &[Spanned<String>]| rows.iter().map(|id| id.get_ref().clone()).collect();
    Some(Rule {
        pattern: Pattern::new(row.line.get_ref().clone()),
        says: row.says.get_ref().clone(),
        supports: ids(&row.supports),
        against: ids(&row.against),
        rank: *row.rank.get_ref(),
        take: row.take,
        at_least: row.at_least,
        below: row.below,
    })
}

/// What stands between braces in a sentence to fill.
pub(super) fn slots(says: &str) -> impl Iterator<Item = &str> {
    says.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(slot, _)| slot))
}

fn build(loaded: Loaded, sites: Sites, redaction: Redaction) -> Catalogue {
    let (patterns, signs): (Vec<_>, Vec<_>) = loaded.signs.into_iter().unzip();
    let mut by_kind = Vec::new();
    for kind in EvidenceKind::ALL {
        let of_kind: Vec<usize> = (0..loaded.rules.len())
            .filter(|i| loaded.rules.get(*i).is_some_and(|(kinds, _, _)| kinds.contains(kind)))
            .collect();
        let patterns =
            of_kind.iter().filter_map(|i| loaded.rules.get(*i)).map(|(_, p, _)| p.clone());
        by_kind.push(Rules { set: set(patterns), rules: of_kind });
    }
    Catalogue {
        sign_set: set(patterns),
        signs,
        names: loaded.names,
        rules: loaded.rules.into_iter().map(|(_, _, rule)| rule).collect(),
        by_kind,
        sites,
        redaction,
    }
}

/// Many patterns tried on one line: small automata, because the states of one large automaton would explode. They are
/// compiled when they are first needed.
#[derive(Debug)]
pub(super) struct Patterns {
    patterns: Vec<String>,
    /// Each with the index of its patterns in the order given.
    sets: OnceLock<Vec<(RegexSet, Vec<usize>)>>,
}

impl Patterns {
    /// Indices of the patterns that match.
    pub(super) fn matches<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        self.sets.get_or_init(|| compiled(&self.patterns)).iter().flat_map(move |(set, indices)| {
            set.matches(text).into_iter().filter_map(|i| indices.get(i).copied())
        })
    }
}

/// Many patterns, checked before.
pub(super) fn set(patterns: impl IntoIterator<Item = String>) -> Patterns {
    Patterns { patterns: patterns.into_iter().collect(), sets: OnceLock::new() }
}

/// Automata for the patterns; those bound to the start of the line die early and share one.
fn compiled(patterns: &[String]) -> Vec<(RegexSet, Vec<usize>)> {
    let (bound, free): (Vec<_>, Vec<_>) = patterns
        .iter()
        .enumerate()
        .partition(|(_, p)| p.trim_start_matches("(?i)").starts_with('^') && !p.contains('|'));
    let chunks = bound.chunks(4 * PATTERNS_PER_SET).chain(free.chunks(PATTERNS_PER_SET));
    chunks
        .map(|chunk| {
            let wide = chunk.iter().map(|(_, pattern)| widened(pattern));
            let indices = chunk.iter().map(|(i, _)| *i).collect();
            let set = RegexSetBuilder::new(wide).unicode(false).size_limit(SET_BYTES_MAX).build();
            (set.expect("their syntax was checked at start, their size by a test"), indices)
        })
        .collect()
}

/// The pattern with every `.{a,b}` as `.*`: matches no less, and the automaton counts nothing.
fn widened(pattern: &str) -> String {
    let mut pieces = pattern.split(".{");
    let mut out = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        out.push_str(".*");
        out.push_str(piece.split_once('}').map_or(piece, |(_, rest)| rest.trim_start_matches('?')));
    }
    out
}
