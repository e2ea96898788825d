//! The names of features: atoms such as "mood=push", and up to three of them held together.

use std::collections::HashMap;

use super::frames::{Actor, Thing};
use super::pack::{Pack, Section};

/// Up to three atoms that hold together; see `Names`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature(u64);

impl Feature {
    pub(super) fn one(a: Atom) -> Self {
        Self(u64::from(a.0))
    }

    pub(super) fn two(a: Atom, b: Atom) -> Self {
        Self(u64::from(a.0) | u64::from(b.0) << 16)
    }

    pub(super) fn three(a: Atom, b: Atom, c: Atom) -> Self {
        Self(u64::from(a.0) | u64::from(b.0) << 16 | u64::from(c.0) << 32)
    }

    /// Its atoms.
    pub(super) fn atoms(self) -> impl Iterator<Item = Atom> {
        [self.0, self.0 >> 16, self.0 >> 32]
            .into_iter()
            .map(|bits| Atom(u16::try_from(bits & 0xFFFF).unwrap_or(0)))
            .filter(|atom| atom.0 != 0)
    }

    /// How many atoms it holds together.
    pub fn width(self) -> usize {
        self.atoms().count()
    }

    /// The feature made of these atoms.
    pub(super) fn of(atoms: &[Atom]) -> Self {
        let bits = atoms.iter().enumerate().map(|(at, a)| u64::from(a.0) << (16 * at));
        Self(bits.sum())
    }
}

/// One property that a clause or message has ("mood=push").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Atom(pub(super) u16);

/// Where a property belongs; the order is that of [`SLOTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Mood,
    MoodFamily,
    MoodLine,
    After,
    Verb,
    VerbLine,
    Form,
    Object,
    ObjectFamily,
    To,
    From,
    Subject,
    Near,
    Around,
    Message,
    Context,
    MoodClass,
    VerbClass,
    ObjectClass,
    ToClass,
}

/// Coarse classes: what rare families lean on.
const MOOD_CLASSES: [&str; 6] = ["none", "propose", "propose~", "want", "hint", "other"];
const VERB_CLASSES: [&str; 5] = ["none", "change", "weak", "ops", "act"];
const THING_CLASSES: [&str; 5] = ["none", "big", "vague", "small", "aside"];

const SLOTS: [(Slot, &str); 20] = [
    (Slot::Mood, "mood"),
    (Slot::MoodFamily, "mood.family"),
    (Slot::MoodLine, "mood.line"),
    (Slot::After, "after"),
    (Slot::Verb, "verb"),
    (Slot::VerbLine, "verb.line"),
    (Slot::Form, "form"),
    (Slot::Object, "object"),
    (Slot::ObjectFamily, "object.family"),
    (Slot::To, "to"),
    (Slot::From, "from"),
    (Slot::Subject, "subject"),
    (Slot::Near, "near"),
    (Slot::Around, "around"),
    (Slot::Message, "message"),
    (Slot::Context, "context"),
    (Slot::MoodClass, "mood.class"),
    (Slot::VerbClass, "verb.class"),
    (Slot::ObjectClass, "object.class"),
    (Slot::ToClass, "to.class"),
];

const FORMS: [&str; 10] = [
    "none",
    "base",
    "imperative",
    "infinitive",
    "third",
    "ing",
    "past",
    "passive",
    "perfect",
    "nominal",
];
const OBJECTS: [&str; 9] =
    ["none", "pronoun", "name", "person", "code_span", "link", "number", "ticket", "other"];
const SUBJECTS: [&str; 4] = ["none", "person", "name", "other"];
const FLAGS: [&str; 25] = [
    "question",
    "quoted",
    "very_short",
    "short",
    "middle",
    "long",
    "very_long",
    "code_span",
    "block",
    "link",
    "figure",
    "quote",
    "person",
    "emoji",
    "several",
    "bulletin",
    "exclaimed",
    "alone",
    "change",
    "tail",
    "proposes",
    "wants",
    "trouble",
    "evidence",
    "refers",
];

/// The atoms of a pack: names for numbers.
#[derive(Debug)]
pub(super) struct Names {
    all: Vec<String>,
    starts: [u16; SLOTS.len()],
    moods: Groups,
    nouns: Groups,
    cues: u16,
}

/// Families by group: the part of a family's name before the first "-".
#[derive(Debug)]
struct Groups {
    list: Vec<String>,
    of_family: Vec<u16>,
}

impl Groups {
    fn of(families: &[String]) -> Self {
        let mut groups = Self { list: Vec::new(), of_family: Vec::new() };
        for family in families {
            let group = group(family);
            let known = groups.list.iter().position(|name| name == group);
            let at = known.unwrap_or_else(|| {
                groups.list.push(group.to_owned());
                groups.list.len() - 1
            });
            groups.of_family.push(number(at));
        }
        groups
    }
}

/// The group of a family ("push" of "push-lets").
pub(super) fn group(family: &str) -> &str {
    family.split('-').next().unwrap_or(family)
}

fn number(at: usize) -> u16 {
    u16::try_from(at).expect("a pack has fewer than 2^16 names")
}

impl Names {
    pub(super) fn of(pack: &Pack) -> Self {
        let moods = Groups::of(pack.families(Section::Mood));
        let nouns = Groups::of(pack.families(Section::Noun));
        let cues = pack.families(Section::Cue);
        let list = |fixed: &[&str], more: &[String]| -> Vec<String> {
            fixed.iter().map(|s| (*s).to_owned()).chain(more.iter().cloned()).collect()
        };
        let loose: Vec<String> = moods.list.iter().map(|mood| format!("{mood}~")).collect();
        let mut all = vec![String::new()];
        let mut starts = [0; SLOTS.len()];
        for (at, (slot, label)) in SLOTS.iter().enumerate() {
            starts[at] = number(all.len());
            let values = match slot {
                Slot::Mood => list(&["none"], &[&moods.list[..], &loose].concat()),
                Slot::MoodFamily => pack.families(Section::Mood).to_vec(),
                Slot::MoodLine => pack.lemmas(Section::Mood).to_vec(),
                Slot::After => list(&["none"], &moods.list),
                Slot::Verb => list(&["none"], pack.families(Section::Verb)),
                Slot::VerbLine => pack.lemmas(Section::Verb).to_vec(),
                Slot::Form => list(&FORMS, &[]),
                Slot::Object | Slot::To | Slot::From => list(&OBJECTS, &nouns.list),
                Slot::ObjectFamily => pack.families(Section::Noun).to_vec(),
                Slot::Subject => list(&SUBJECTS, pack.families(Section::Subject)),
                Slot::MoodClass => list(&MOOD_CLASSES, &[]),
                Slot::VerbClass => list(&VERB_CLASSES, &[]),
                Slot::ObjectClass | Slot::ToClass => list(&THING_CLASSES, &[]),
                Slot::Near | Slot::Around | Slot::Message | Slot::Context => {
                    list(&FLAGS, &[cues, &nouns.list].concat())
                }
            };
            all.extend(values.iter().map(|value| format!("{label}={value}")));
        }
        Self { all, starts, moods, nouns, cues: number(cues.len()) }
    }

    /// The atom of the value with this number in a slot.
    pub(super) fn atom(&self, slot: Slot, value: u16) -> Atom {
        Atom(self.starts[slot as usize] + value)
    }

    /// The atom of a circumstance.
    pub(super) fn flag(&self, slot: Slot, flag: &str) -> Atom {
        let at = FLAGS.iter().position(|name| *name == flag);
        self.atom(slot, number(at.expect("only flags of the list are asked for")))
    }

    /// The atom of a cue's family.
    pub(super) fn cue(&self, slot: Slot, family: u16) -> Atom {
        self.atom(slot, number(FLAGS.len()) + family)
    }

    /// The atom of a noun's group as a circumstance.
    pub(super) fn noun_flag(&self, slot: Slot, family: u16) -> Atom {
        let group = self.nouns.of_family[usize::from(family)];
        self.atom(slot, number(FLAGS.len()) + self.cues + group)
    }

    /// The atom of a mood's group, loose if other words stand between it and the verb.
    pub(super) fn mood(&self, family: Option<u16>, tight: bool) -> Atom {
        let value = family.map_or(0, |family| {
            let loose = if tight { 0 } else { number(self.moods.list.len()) };
            1 + self.moods.of_family[usize::from(family)] + loose
        });
        self.atom(Slot::Mood, value)
    }

    /// The atom of the group of a mood that follows the verb.
    pub(super) fn after(&self, family: u16) -> Atom {
        self.atom(Slot::After, 1 + self.moods.of_family[usize::from(family)])
    }

    /// The atom of a noun phrase.
    pub(super) fn thing(&self, slot: Slot, thing: Thing) -> Atom {
        let value = match thing {
            Thing::None => 0,
            Thing::Pronoun => 1,
            Thing::Name => 2,
            Thing::Person => 3,
            Thing::Code => 4,
            Thing::Link => 5,
            Thing::Number => 6,
            Thing::Ticket => 7,
            Thing::Other => 8,
            Thing::Known(family) => {
                number(OBJECTS.len()) + self.nouns.of_family[usize::from(family)]
            }
        };
        self.atom(slot, value)
    }

    /// The atom of who acts.
    pub(super) fn actor(&self, actor: Actor) -> Atom {
        let value = match actor {
            Actor::None => 0,
            Actor::Person => 1,
            Actor::Name => 2,
            Actor::Other => 3,
            Actor::Known(family) => number(SUBJECTS.len()) + family,
        };
        self.atom(Slot::Subject, value)
    }

    /// The names of all atoms, by number.
    pub(super) fn all(&self) -> &[String] {
        &self.all
    }

    /// The name of a feature.
    pub(super) fn name(&self, feature: Feature) -> String {
        let names: Vec<&str> =
            feature.atoms().map(|atom| self.all[usize::from(atom.0)].as_str()).collect();
        names.join(" & ")
    }

    /// The atoms by name.
    pub(super) fn by_name(&self) -> HashMap<&str, Atom> {
        let named = self.all.iter().enumerate().skip(1);
        named.map(|(at, name)| (name.as_str(), Atom(number(at)))).collect()
    }
}
