//! Loads the catalogue from its files and names every fault with file and line.

use std::collections::{BTreeMap, HashMap};

use super::lexicon::Lexicon;
use super::questions::{HypeNote, Pack, Restraint};
use super::reader::{Faults, Line, Place, Source, Table};
use super::resolve::resolve;
use super::spoken::{ENGLISH, Overlay, Why};
use super::text::Same;
use super::{Catalog, Check, Class, Level, Weights};
use crate::domain::ClassId;
use crate::domain::evidence::EvidenceKind;

/// The files that ship with the program.
pub(super) const EMBEDDED: &[(&str, &str)] = &[
    ("name.toml", include_str!("catalog/name.toml")),
    ("net.toml", include_str!("catalog/net.toml")),
    ("data.toml", include_str!("catalog/data.toml")),
    ("flow.toml", include_str!("catalog/flow.toml")),
    ("cap.toml", include_str!("catalog/cap.toml")),
    ("chg.toml", include_str!("catalog/chg.toml")),
    ("sys.toml", include_str!("catalog/sys.toml")),
    ("proc.toml", include_str!("catalog/proc.toml")),
    ("words.toml", include_str!("catalog/words.toml")),
    ("ideas.toml", include_str!("catalog/ideas.toml")),
    ("why.toml", include_str!("catalog/why.toml")),
    ("ranking.toml", include_str!("catalog/ranking.toml")),
    ("learned.txt", include_str!("catalog/learned.txt")),
    ("questions.toml", include_str!("catalog/questions.toml")),
    ("hype.toml", include_str!("catalog/hype.toml")),
    ("restraint.toml", include_str!("catalog/restraint.toml")),
    ("de/name.toml", include_str!("catalog/de/name.toml")),
    ("de/net.toml", include_str!("catalog/de/net.toml")),
    ("de/data.toml", include_str!("catalog/de/data.toml")),
    ("de/flow.toml", include_str!("catalog/de/flow.toml")),
    ("de/cap.toml", include_str!("catalog/de/cap.toml")),
    ("de/chg.toml", include_str!("catalog/de/chg.toml")),
    ("de/sys.toml", include_str!("catalog/de/sys.toml")),
    ("de/proc.toml", include_str!("catalog/de/proc.toml")),
    ("de/asked.toml", include_str!("catalog/de/asked.toml")),
    ("de/hype.toml", include_str!("catalog/de/hype.toml")),
    ("de/words.toml", include_str!("catalog/de/words.toml")),
];

/// The file that `learn` writes is no TOML: it is long, and read at every start.
const LEARNED: &str = "learned.txt";

/// What the files say, before references between them are looked up.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) classes: Vec<(Class, Place)>,
    pub(super) cues: Vec<DraftCue>,
    /// Position of a class, and the name of one it is confused with.
    pub(super) confused: Vec<(usize, Line)>,
    pub(super) added_checks: Vec<(Line, Check)>,
    pub(super) ideas: Vec<DraftIdea>,
    pub(super) stop: Vec<String>,
    pub(super) dull: Vec<String>,
    pub(super) same: Same,
    pub(super) groups: HashMap<String, Vec<String>>,
    pub(super) weights: Option<Weights>,
    /// Name and text of the file of learned weights.
    pub(super) learned: Option<(String, String)>,
    /// The first questions, and the phrases that answer each.
    pub(super) first: Vec<(String, Vec<Line>)>,
    pub(super) packs: Vec<Pack>,
    pub(super) hype: Vec<(HypeNote, Vec<Line>)>,
    pub(super) restraint: Vec<(Restraint, Vec<Line>)>,
    pub(super) why: Option<Why>,
    /// What is said in other languages, and their words for symptoms.
    pub(super) others: BTreeMap<String, (Overlay, Lexicon)>,
}

/// A cue before its pattern is compiled.
pub(super) struct DraftCue {
    pub(super) class: Line,
    pub(super) level: Level,
    pub(super) pattern: Line,
}

/// An idea before its patterns are compiled.
pub(super) struct DraftIdea {
    pub(super) id: Line,
    pub(super) says: String,
    pub(super) any: Vec<Line>,
}

/// Loads these files together.
pub(super) fn load(files: &[(&str, &str)]) -> Result<Catalog, Faults> {
    let mut faults = Vec::new();
    let mut draft = Draft::default();
    for (file, text) in files {
        if file.ends_with(LEARNED) {
            draft.learned = Some(((*file).to_owned(), (*text).to_owned()));
            continue;
        }
        let source = Source::new(file, text);
        let parsed = source.parse(&mut faults);
        let mut table = Table::new(&source, parsed.get_ref(), 0, &mut faults);
        draft.file(&mut table);
        table.finish();
    }
    let catalog = resolve(draft, &mut faults);
    if faults.is_empty() {
        return Ok(catalog);
    }
    faults.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    Err(Faults(faults))
}

impl Draft {
    fn file(&mut self, table: &mut Table<'_, '_>) {
        if let Some(language) = table.optional_text("language").filter(|l| l.text != ENGLISH) {
            let (overlay, lexicon) = self.others.entry(language.text).or_default();
            overlay.read(table);
            lexicon.read(table);
            return;
        }
        let family = table.optional_text("family").unwrap_or_default();
        let family_name = table.optional_text("family_name").unwrap_or_default();
        table.each("class", |t| self.class(t, &family.text, &family_name.text));
        table.each("check", |t| {
            let class = t.text("class");
            let check = check(t);
            self.added_checks.push((class, check));
        });
        table.each("cues", |t| {
            let class = t.text("class");
            self.cues_of(t, &class);
        });
        table.each("idea", |t| {
            let idea =
                DraftIdea { id: t.text("id"), says: t.text("says").text, any: t.texts("any") };
            self.ideas.push(idea);
        });
        self.stop.extend(table.texts("stop").into_iter().map(|line| line.text));
        self.dull.extend(table.texts("dull").into_iter().map(|line| line.text));
        table.inner("same", |t| self.same_words(t));
        table.inner("groups", |t| self.group(t));
        table.inner("weights", |t| self.weights = Some(weights(t)));
        table.each("first_question", |t| {
            self.first.push((t.text("ask").text, t.texts("unless")));
        });
        table.each("pack", |t| {
            let questions = t.texts("questions").into_iter().map(|l| l.text).collect();
            self.packs.push(Pack { id: t.text("id").text, title: t.text("title").text, questions });
        });
        table.each("hype", |t| self.hype_note(t));
        table.each("restraint", |t| {
            let (id, says, shows) = (t.text("id").text, t.text("says").text, t.text("shows").text);
            self.restraint.push((Restraint { id, says, shows, cues: Vec::new() }, t.texts("cues")));
        });
        table.inner("why", |t| self.why = Some(why(t)));
    }

    fn class(&mut self, t: &mut Table<'_, '_>, family: &str, family_name: &str) {
        let place = t.place();
        if family.is_empty() || family_name.is_empty() {
            t.fault(place.fault("the file needs 'family' and 'family_name' before its classes"));
        }
        let id = t.text("id");
        let index = self.classes.len();
        let mut class = Class {
            id: ClassId(id.text.clone()),
            family: family.to_owned(),
            family_name: family_name.to_owned(),
            kind: t.text("kind").text,
            title: t.text("title").text,
            question: t.text("question").text,
            definition: t.text("definition").text,
            heard: t.texts("heard").into_iter().map(|line| line.text).collect(),
            hides_behind: t.text("hides_behind").text,
            confused_with: Vec::new(),
            reversibility: t.text("reversibility").text,
            big_change_right: t.text("big_change_right").text,
            reports: t.optional_whole("reports"),
            last_reviewed: t.date("last_reviewed"),
            checks: Vec::new(),
        };
        self.confused.extend(t.texts("confused_with").into_iter().map(|line| (index, line)));
        t.inner("cues", |t| self.cues_of(t, &id));
        t.each("check", |t| class.checks.push(check(t)));
        if class.checks.is_empty() {
            t.fault(place.fault(format!("'{}' needs at least one [[class.check]]", class.id)));
        }
        self.classes.push((class, id.place));
    }

    fn cues_of(&mut self, t: &mut Table<'_, '_>, class: &Line) {
        for (name, level) in Level::ALL {
            let cues = t.texts(name).into_iter();
            self.cues.extend(cues.map(|pattern| DraftCue { class: class.clone(), level, pattern }));
        }
    }

    fn same_words(&mut self, t: &mut Table<'_, '_>) {
        for (word, value, place) in t.entries() {
            match value.get_ref().as_str() {
                Some(other) => {
                    self.same.insert(word, other.to_owned());
                }
                None => t.fault(place.fault(format!("'{word}' has to be one word"))),
            }
        }
    }

    fn group(&mut self, t: &mut Table<'_, '_>) {
        for (name, value, place) in t.entries() {
            let members: Option<Vec<String>> = value.get_ref().as_array().and_then(|items| {
                items.iter().map(|i| i.get_ref().as_str().map(str::to_owned)).collect()
            });
            match members {
                // A workspace's file adds words to a group that exists.
                Some(members) => {
                    self.groups.entry(name).or_default().extend(members);
                }
                None => t.fault(place.fault(format!("'{name}' has to be a list of words"))),
            }
        }
    }

    fn hype_note(&mut self, t: &mut Table<'_, '_>) {
        let cues = t.texts("cues");
        let note = HypeNote {
            id: t.text("id").text,
            title: t.text("title").text,
            helps: t.text("helps").text,
            hurts: t.text("hurts").text,
            ask: t.text("ask").text,
            sources: t.texts("sources").into_iter().map(|l| l.text).collect(),
            last_reviewed: t.date("last_reviewed"),
            cues: Vec::new(),
        };
        self.hype.push((note, cues));
    }
}

fn check(t: &mut Table<'_, '_>) -> Check {
    let evidence = t.text("evidence");
    let kind = EvidenceKind::parse(&evidence.text);
    if kind.is_none() {
        t.fault(evidence.place.fault(format!("'{}' is not a kind of evidence", evidence.text)));
    }
    Check {
        run: t.text("run").text,
        confirms: t.text("confirms").text,
        rules_out: t.text("rules_out").text,
        minutes: t.whole("minutes"),
        safe: t.flag("safe"),
        evidence: kind.unwrap_or(EvidenceKind::Log),
        post: t.text("post").text,
    }
}

/// The sentences that give reasons; each needs the places where the reason is put.
pub(super) fn why(t: &mut Table<'_, '_>) -> Why {
    let mut text = |key: &'static str, places: &[&str]| {
        let line = t.text(key);
        for place in places.iter().filter(|place| !line.text.contains(**place)) {
            t.fault(line.place.fault(format!("'{key}' needs {place}")));
        }
        line.text
    };
    Why {
        supports: text("supports", &["{says}"]),
        against: text("against", &["{says}"]),
        quote: text("quote", &["{words}"]),
        and: text("and", &[]),
        wrote: text("wrote", &["{quotes}", "{idea}"]),
        others: text("others", &["{quotes}"]),
        none: text("none", &[]),
    }
}

fn weights(t: &mut Table<'_, '_>) -> Weights {
    Weights {
        strong: t.number("strong"),
        fair: t.number("fair"),
        hint: t.number("hint"),
        context: t.number("context"),
        against: t.number("against"),
        proposal_share: t.number("proposal_share"),
        supports: t.number("supports"),
        contradicts: t.number("contradicts"),
        learned: t.number("learned"),
        prior: t.number("prior"),
        look_alike: t.number("look_alike"),
        doubt: t.number("doubt"),
        weak_share: t.number("weak_share"),
        unknown: t.number("unknown"),
        named_from: t.number("named_from"),
        one_word: t.number("one_word"),
        learned_reason: t.number("learned_reason"),
    }
}
