//! Reads what a proposal is about: kind, from, to, problem, evidence it carries, stance, scale, door.

use super::frames::{Frame, Phrase, Reading, Tense, Thing};
use super::normalise::Shape;
use super::pack::{Match, Pack, Section};
use crate::domain::evidence::EvidenceKind;
use crate::domain::{Door, Kind, Stance};

/// Longest name that is taken for what is left or reached.
const NAME_BYTES_MAX: usize = 60;
/// Longest problem that is quoted.
const PROBLEM_BYTES_MAX: usize = 240;

/// What a proposal is about.
#[derive(Debug)]
pub(super) struct Extract {
    pub kind: Kind,
    pub from: Option<String>,
    pub to: Option<String>,
    pub problem: Option<String>,
    pub evidence: Vec<EvidenceKind>,
    pub stance: Stance,
    pub door: Door,
    pub scale: Vec<String>,
}

/// Reads the proposal that `frame` carries.
pub(super) fn extract(pack: &Pack, text: &str, reading: &Reading, frame: &Frame) -> Extract {
    let reader = Reader { pack, text, reading, frame };
    let kind = reader.kind();
    let (from, to) = reader.ends();
    Extract {
        kind,
        from,
        to,
        problem: reader.problem(),
        evidence: reader.evidence(),
        stance: reader.stance(),
        door: reader.door(kind),
        scale: reader.scale(),
    }
}

struct Reader<'a> {
    pack: &'a Pack,
    text: &'a str,
    reading: &'a Reading,
    frame: &'a Frame,
}

impl<'a> Reader<'a> {
    fn family(&self, m: &Match) -> &'a str {
        self.pack.family_of(m.entry)
    }

    fn all(&self, section: Section) -> impl Iterator<Item = &'a Match> {
        self.reading.matches.iter().filter(move |m| m.entry.section == section)
    }

    fn in_sentence(&self, section: Section) -> impl Iterator<Item = &'a Match> {
        let sentence = self.reading.sentences[self.frame.sentence];
        self.all(section).filter(move |m| m.first >= sentence.first && m.first < sentence.last)
    }

    fn slice(&self, first: usize, last: usize) -> &'a str {
        let tokens = &self.reading.tokens.list;
        self.text.get(tokens[first].start..tokens[last - 1].end).unwrap_or_default()
    }

    fn verb(&self) -> &'a str {
        self.frame.verb.map_or("", |v| self.pack.family_of(v.entry))
    }

    /// Whether a noun of this family (or group) is what is changed or reached.
    fn about(&self, name: &str) -> bool {
        [&self.frame.object, &self.frame.to, &self.frame.from].iter().any(|phrase| {
            match phrase.thing {
                Thing::Known(family) => {
                    self.pack.families(Section::Noun)[family as usize].starts_with(name)
                }
                _ => false,
            }
        })
    }

    /// The first rule that fits; what is done decides before what it is done to.
    fn kind(&self) -> Kind {
        let noun =
            |name: &str| self.in_sentence(Section::Noun).any(|m| self.family(m).starts_with(name));
        let anywhere =
            |name: &str| self.all(Section::Noun).any(|m| self.family(m).starts_with(name));
        let done = |name: &str| self.in_sentence(Section::Verb).any(|m| self.family(m) == name);
        let verb = self.verb();
        let moves =
            matches!(verb, "move" | "replace" | "leave" | "revert" | "adopt" | "use" | "act" | "");
        match verb {
            "evaluate" => return Kind::VendorEvaluation,
            "rewrite" => return Kind::Rewrite,
            "source" => return Kind::Other,
            "consolidate" if !self.about("process") => return Kind::Consolidate,
            _ if done("evaluate") && !self.about("system-arch") => return Kind::VendorEvaluation,
            _ if done("rewrite") => return Kind::Rewrite,
            _ if self.about("process") || done("organise") => return Kind::ProcessChange,
            "split" if noun("system-data") || noun("system-arch") => return Kind::Architecture,
            "split" => return Kind::SplitServices,
            "retire" if self.frame.to.thing == Thing::None && !done("adopt") => {
                return Kind::Retire;
            }
            _ => {}
        }
        if moves && self.about("product-language") {
            return Kind::Rewrite;
        }
        if self.about("product-cloud") || (moves && noun("system-host")) {
            return Kind::SwitchCloudHost;
        }
        if self.about("system-arch") {
            return Kind::Architecture;
        }
        match verb {
            "adopt" | "use" if !self.about("product-saas") => Kind::AdoptTechnology,
            _ if self.about("product-saas") || self.about("system-vendor") => Kind::SwitchVendor,
            "move" | "replace" | "leave"
                if anywhere("product-saas") && !self.about("product-tech") =>
            {
                Kind::SwitchVendor
            }
            "replace" if self.about("system-tech") => Kind::Architecture,
            "move" | "replace" | "leave" | "revert" => Kind::Replatform,
            _ if noun("product-cloud") => Kind::SwitchCloudHost,
            _ if noun("product-saas") => Kind::SwitchVendor,
            _ if noun("product") || noun("system-tech") => Kind::AdoptTechnology,
            _ if noun("process") => Kind::ProcessChange,
            _ if noun("system-arch") => Kind::Architecture,
            _ => Kind::Other,
        }
    }

    fn name(&self, phrase: &Phrase) -> Option<String> {
        if matches!(phrase.thing, Thing::None | Thing::Pronoun | Thing::Number) {
            return None;
        }
        let mut first = phrase.first;
        while first + 1 < phrase.last && self.skippable(first) {
            first += 1;
        }
        let name = self.slice(first, phrase.last);
        (name.len() <= NAME_BYTES_MAX).then(|| name.to_owned())
    }

    /// Articles and fillers before a name.
    fn skippable(&self, at: usize) -> bool {
        let determiner = |m: &Match| {
            m.first == at && m.entry.section == Section::Aux && self.family(m) == "determiner"
        };
        self.pack.is_filler(&self.reading.tokens.list[at])
            || self.reading.matches.iter().any(determiner)
    }

    /// What is left, and what is reached.
    fn ends(&self) -> (Option<String>, Option<String>) {
        let (object, to, from) =
            (self.name(&self.frame.object), self.name(&self.frame.to), self.name(&self.frame.from));
        match self.verb() {
            "leave" | "retire" => (object.or(from), to),
            "replace" | "move" => (from.or(object), to),
            "rewrite" | "split" | "consolidate" => (object, to),
            "adopt" | "use" => (from, object.or(to)),
            "revert" | "" => (from, to.or(object)),
            _ => (from, to),
        }
    }

    /// The sentence that states trouble; the proposal's own sentence only if no other does.
    fn problem(&self) -> Option<String> {
        let own = self.frame.sentence;
        let mut best: Option<usize> = None;
        for m in self.all(Section::Cue).filter(|m| self.family(m) == "problem") {
            let after = self.reading.sentences.partition_point(|s| s.first <= m.first);
            let number = after.saturating_sub(1);
            if best.is_none_or(|b| b == own) {
                best = Some(number);
            }
        }
        let sentence = self.reading.sentences[best?];
        let said = self.slice(sentence.first, sentence.last);
        let mut end = said.len().min(PROBLEM_BYTES_MAX);
        while !said.is_char_boundary(end) {
            end -= 1;
        }
        Some(said[..end].to_owned())
    }

    /// Figures and what they are figures of. A single bare number or a mere mention is no evidence.
    fn evidence(&self) -> Vec<EvidenceKind> {
        let tokens = &self.reading.tokens.list;
        let figures: Vec<&str> = tokens
            .iter()
            .filter(|t| t.shape == Shape::Number)
            .map(|t| &self.text[t.start..t.end])
            .filter(|figure| is_measured(figure))
            .collect();
        let block = tokens.iter().any(|t| t.shape == Shape::Block);
        let link = tokens.iter().any(|t| t.shape == Shape::Link);
        let mut kinds: Vec<EvidenceKind> = self
            .all(Section::Evidence)
            .filter_map(|m| EvidenceKind::parse(self.family(m)))
            .collect();
        let carried =
            block || figures.len() >= 2 || (!figures.is_empty() && (!kinds.is_empty() || link));
        if !carried {
            return Vec::new();
        }
        if !figures.is_empty() {
            let money = figures.iter().all(|f| f.starts_with(['$', '€', '£']));
            kinds.push(if money { EvidenceKind::CostReport } else { EvidenceKind::Metric });
        }
        if link {
            kinds.push(EvidenceKind::Link);
        }
        if block && kinds.is_empty() {
            kinds.push(EvidenceKind::Log);
        }
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn stance(&self) -> Stance {
        let question = self.reading.sentences[self.frame.sentence].question;
        match self.frame.mood.map(|m| self.pack.family_of(m.entry)) {
            Some("float-should" | "float-can" | "float-support") if question => Stance::Asking,
            Some(mood) if mood.starts_with("float") || mood == "want-alone" => Stance::Floating,
            None if question => Stance::Floating,
            None if self.frame.tense == Tense::None => Stance::Floating,
            _ => Stance::Advocating,
        }
    }

    fn door(&self, kind: Kind) -> Door {
        let said = |wire: &str| self.all(Section::Door).any(|m| self.family(m) == wire);
        if said("one_way") {
            Door::OneWay
        } else if said("two_way")
            && !matches!(kind, Kind::Rewrite | Kind::Replatform | Kind::VendorEvaluation)
        {
            Door::TwoWay
        } else {
            Door::Costly
        }
    }

    /// Words that tell how much would change or by when.
    fn scale(&self) -> Vec<String> {
        let telling = |m: &&Match| matches!(self.family(m), "scale" | "deadline" | "money");
        let mut words: Vec<String> = self
            .all(Section::Cue)
            .filter(telling)
            .map(|m| self.slice(m.first, m.last).to_owned())
            .collect();
        words.dedup();
        words.truncate(5);
        words
    }
}

/// A figure with a unit, a decimal or three digits; not a year, a version or a small count.
fn is_measured(figure: &str) -> bool {
    let digits = figure.bytes().filter(u8::is_ascii_digit).count();
    let unit =
        figure.ends_with(|c: char| c == '%' || c.is_ascii_alphabetic()) && !figure.starts_with('v');
    let money = figure.starts_with(['$', '€', '£']);
    let year =
        digits == 4 && figure.len() == 4 && (figure.starts_with("19") || figure.starts_with("20"));
    let time = figure.contains(':');
    !year && !time && (unit || money || digits >= 3 || (figure.contains(['.', ',']) && digits >= 2))
}
