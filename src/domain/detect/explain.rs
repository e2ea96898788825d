//! Says in plain words why a message was, or was not, taken for a proposal.

use super::Language;
use super::atoms::{Feature, Names};
use super::frames::{Frame, Phrase, Reading, Thing};
use super::pack::Match;

/// How many reasons are given.
const REASONS_MAX: usize = 4;
/// What adds less than this to the score is no reason.
const WORTH_NAMING: f64 = 0.25;

/// The strongest reasons. Each weight is shared by the properties it joins; a property is then said once, in words.
pub(super) fn explain(
    language: &Language,
    reading: &Reading,
    text: &str,
    frame: &Frame,
    features: &[&[Feature]],
) -> Vec<String> {
    let mut by_topic = vec![0.0; language.topics.names.len()];
    for feature in features.iter().copied().flatten() {
        let Some(weight) = language.weights.by_feature.get(feature) else { continue };
        let share = weight / f64::from(u32::try_from(feature.width()).unwrap_or(1).max(1));
        for atom in feature.atoms() {
            by_topic[language.topics.of_atom[usize::from(atom.0)]] += share;
        }
    }
    let mut ranked: Vec<(usize, f64)> =
        by_topic.into_iter().enumerate().filter(|t| t.1.abs() >= WORTH_NAMING).collect();
    ranked.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
    let words = Words { reading, text, frame };
    let mut reasons: Vec<String> = Vec::new();
    for (topic, sum) in ranked {
        let reason = words.say(&language.topics.names[topic], sum > 0.0);
        if let Some(reason) = reason.filter(|r| !reasons.contains(r)) {
            reasons.push(reason);
        }
        if reasons.len() == REASONS_MAX {
            break;
        }
    }
    reasons
}

/// The topic of every atom; properties of one topic are one reason.
#[derive(Debug)]
pub(super) struct Topics {
    names: Vec<String>,
    of_atom: Vec<usize>,
}

impl Topics {
    pub(super) fn of(names: &Names) -> Self {
        let mut topics = Self { names: Vec::new(), of_atom: Vec::new() };
        for atom in names.all() {
            let topic = topic(atom);
            let known = topics.names.iter().position(|name| name == topic);
            topics.of_atom.push(known.unwrap_or_else(|| {
                topics.names.push(topic.to_owned());
                topics.names.len() - 1
            }));
        }
        topics
    }
}

/// What a property is about.
fn topic(atom: &str) -> &str {
    let (slot, value) = atom.split_once('=').unwrap_or((atom, ""));
    match slot {
        "mood" | "mood.family" | "mood.line" | "mood.class" | "after" => "mood",
        "verb" | "verb.line" | "verb.class" => "verb",
        "form" | "subject" => "tense",
        "object" | "object.family" | "object.class" => "object",
        "to" | "to.class" | "from" => "to",
        "context" => "context",
        _ => value,
    }
}

struct Words<'a> {
    reading: &'a Reading,
    text: &'a str,
    frame: &'a Frame,
}

impl Words<'_> {
    fn slice(&self, first: usize, last: usize) -> &str {
        let tokens = &self.reading.tokens.list;
        self.text.get(tokens[first].start..tokens[last - 1].end).unwrap_or_default()
    }

    fn matched(&self, m: Option<Match>) -> Option<&str> {
        m.map(|m| self.slice(m.first, m.last))
    }

    fn phrase(&self, phrase: &Phrase) -> Option<&str> {
        (phrase.thing != Thing::None).then(|| self.slice(phrase.first, phrase.last))
    }

    fn say(&self, topic: &str, speaks_for: bool) -> Option<String> {
        let quoted = |yes: &str, no: &str, words: Option<&str>| {
            let words = words?;
            Some(format!("{} \"{words}\"", if speaks_for { yes } else { no }))
        };
        match topic {
            "mood" => match self.matched(self.frame.mood.or(self.frame.after)) {
                None if !speaks_for => {
                    Some("nobody is urged, asked or offered anything".to_owned())
                }
                words => quoted("proposes something:", "is not how a proposal is put:", words),
            },
            "verb" => match self.matched(self.frame.verb) {
                None if !speaks_for => Some("no change is named".to_owned()),
                words => quoted("names a change:", "is not a change of a system:", words),
            },
            "object" => quoted(
                "of something large:",
                "is about something small or other:",
                self.phrase(&self.frame.object),
            ),
            "to" => quoted("leads somewhere new:", "leads elsewhere:", self.phrase(&self.frame.to)),
            "tense" if !speaks_for => Some("reads as a report or an instruction".to_owned()),
            cue => circumstance(cue).map(|words| {
                let direction = if speaks_for { "for it" } else { "against it" };
                format!("{direction}: {words}")
            }),
        }
    }
}

/// A cue or circumstance in words; those that say nothing to a reader are left out.
fn circumstance(cue: &str) -> Option<&'static str> {
    Some(match cue {
        "context" => "the messages before it",
        "problem" | "trouble" => "trouble is mentioned",
        "hype" => "the wish to be modern",
        "deadline" => "a date or a quarter",
        "scale" => "everything, everyone, everywhere",
        "money" => "money",
        "past" => "looks back",
        "done" => "news of something done",
        "joke" => "a joke or a smile",
        "tonight" => "about today",
        "quotation" => "repeats what others say",
        "past-plan" => "a change under way",
        "evidence" | "figure" => "figures or evidence",
        "condition" => "a condition",
        "because" => "a reason is given",
        "negation" => "a negation",
        "agree" => "agrees with somebody",
        "owner" => "the writer's or somebody's own things",
        "ours" => "about us",
        "own" => "one for each",
        "rule" => "a rule for everybody",
        "botty" => "about this bot",
        "question" => "a question",
        "very_short" | "short" => "few words",
        "long" | "very_long" => "many words",
        "code" | "code_span" | "block" => "about code",
        "meta" => "about the conversation itself",
        "text" => "about wording",
        "ops" => "about day-to-day operation",
        "life" => "about everyday life",
        "time" => "about dates and times",
        "system" | "product" | "process" => "a system, a product or a process is named",
        "proposes" => "proposes elsewhere too",
        "quoted" | "quote" => "in quotation marks",
        "link" => "a link",
        _ => return None,
    })
}
