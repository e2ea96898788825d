//! Ranks the classes: cues found in the message, learned word weights, and what readings say.

use super::message::{Feature, Message};
use super::pattern::Found;
use super::why::why;
use super::{Catalog, Cue, Diagnosis, Level, Suspect, Symptom};

/// So many are ranked; people are shown fewer, and only those that are named.
const RANKED: usize = 8;
/// Below this share the first suspect is a guess, and the questions come first.
const CLEAR_FROM: f64 = 0.4;
/// From this share on, words without a phrase are reason enough.
const SURE_FROM: f64 = 0.6;
/// A cue found weaker than this does not make a bare proposal a symptom.
const PHRASE_FROM: f64 = 1.0;

/// A cue that was found.
pub(super) struct Hit<'c> {
    /// Which.
    pub(super) cue: &'c Cue,
    /// Where.
    pub(super) found: Found,
    /// What it adds to the class.
    pub(super) gain: f64,
}

impl Hit<'_> {
    /// What it counts as a reason to show: the bare name of a thing is none, and a single word is a weak one.
    fn as_reason(&self, one_word: f64) -> f64 {
        match (self.cue.level, self.found.words.len()) {
            (Level::Context, _) | (Level::Hint, 1) => 0.0,
            (Level::Hint, _) | (_, 1) => self.gain * one_word,
            _ => self.gain,
        }
    }
}

/// One class while it is weighed.
#[derive(Default)]
pub(super) struct Weighed<'c> {
    /// Log-odds, roughly.
    pub(super) score: f64,
    /// The part of it that can be quoted: cues and supporting readings.
    reasons: f64,
    /// Whether a reading supports it: then it is always named.
    supported: bool,
    /// The part of it that was learned.
    learned: f64,
    /// Words that speak for it, with what each adds.
    pub(super) words: Vec<(f64, usize)>,
    /// Cues that speak for it.
    pub(super) hits: Vec<Hit<'c>>,
}

/// Ranks the classes that might explain it.
pub fn diagnose(catalog: &Catalog, asked: &Symptom<'_>) -> Diagnosis {
    let message = Message::read(&catalog.engine, asked);
    let mut weighed = weigh_cues(catalog, &message);
    add_learned(catalog, &message.features(&catalog.engine), &mut weighed);
    add_look_alikes(catalog, &mut weighed);
    add_readings(catalog, asked, &mut weighed);
    let stated = !asked.readings.is_empty() || is_stated(catalog, &message, &weighed);
    let suspects = rank(catalog, asked, &message, &weighed, stated);
    let clear = suspects.first().is_some_and(|first| first.named && first.score >= CLEAR_FROM);
    let ask_first = catalog.first_questions(&message, clear);
    Diagnosis { suspects, ask_first, language: message.language().to_owned() }
}

/// Whether a symptom is stated at all. A text that only pushes for a change ("let's move to X") states none, and a
/// bare word in it ("gateway") is no reason to name a class; a complaint or a whole phrase of a class is.
fn is_stated(catalog: &Catalog, message: &Message<'_>, weighed: &[Weighed<'_>]) -> bool {
    let phrase = |hit: &Hit<'_>| hit.gain >= PHRASE_FROM && hit.found.words.len() >= 2;
    message.has_idea(catalog.engine.complaint)
        || !message.has_idea(catalog.engine.advocacy)
        || weighed.iter().any(|class| class.hits.iter().any(phrase))
}

fn weigh_cues<'c>(catalog: &'c Catalog, message: &Message<'_>) -> Vec<Weighed<'c>> {
    let weights = &catalog.engine.weights;
    let mut hits: Vec<Vec<Hit<'c>>> = catalog.classes().iter().map(|_| Vec::new()).collect();
    for cue in &catalog.engine.cues {
        if let Some(found) = message.find(&cue.pattern) {
            let aside = message.only_in_proposal(&found.words);
            let share = if aside { weights.proposal_share } else { 1.0 };
            hits[cue.class].push(Hit { cue, found, gain: cue.weight * share });
        }
    }
    hits.into_iter().map(|hits| Weighed::of(hits, weights.one_word)).collect()
}

impl<'c> Weighed<'c> {
    /// Whether anything at all speaks for it.
    fn is_spoken_of(&self) -> bool {
        self.reasons > 0.0 || self.learned > 0.0
    }

    /// Adds cues, strongest first; words a stronger cue already used count only once.
    fn of(mut hits: Vec<Hit<'c>>, one_word: f64) -> Self {
        hits.sort_by(|a, b| b.gain.abs().total_cmp(&a.gain.abs()));
        let mut class = Self::default();
        let mut used: Vec<usize> = Vec::new();
        for mut hit in hits {
            let fresh = hit.found.words.iter().filter(|word| !used.contains(word)).count();
            used.extend(&hit.found.words);
            hit.gain *= number(fresh) / number(hit.found.words.len().max(1));
            class.score += hit.gain;
            if hit.gain > 0.0 {
                class.reasons += hit.as_reason(one_word);
                class.hits.push(hit);
            }
        }
        class
    }
}

/// Adds what was learned, and remembers the words that spoke for a class.
fn add_learned(catalog: &Catalog, features: &[Feature], weighed: &mut [Weighed<'_>]) {
    let share = catalog.engine.weights.learned;
    for (class, weight) in &catalog.engine.learned.always {
        weighed[*class].score += share * f64::from(*weight);
    }
    for (class, weighed) in catalog.classes().iter().zip(weighed.iter_mut()) {
        weighed.score += catalog.engine.weights.prior * class.prior();
    }
    for said in catalog.engine.learned.hear(features) {
        for (class, weight) in said.weights {
            let gain = share * said.share * f64::from(*weight);
            let class = &mut weighed[*class];
            class.score += gain;
            if gain > 0.0 {
                class.learned += gain;
                class.words.extend(said.feature.words.map(|word| (gain / 2.0, word)));
            }
        }
    }
}

/// What looks like one class is often its neighbour: a strong class lifts those it is confused with.
fn add_look_alikes(catalog: &Catalog, weighed: &mut [Weighed<'_>]) {
    let before: Vec<f64> = weighed.iter().map(|class| class.score).collect();
    for (class, weighed) in catalog.classes().iter().zip(weighed) {
        let alike = catalog.classes().iter().zip(&before);
        let alike = alike.filter(|(other, _)| other.confused_with.contains(&class.id));
        let strongest = alike.map(|(_, score)| *score).fold(0.0, f64::max);
        weighed.score += catalog.engine.weights.look_alike * strongest;
    }
}

/// A reading against a class lowers it but leaves its reasons, so that the card can show both.
fn add_readings(catalog: &Catalog, asked: &Symptom<'_>, weighed: &mut [Weighed<'_>]) {
    let weights = &catalog.engine.weights;
    for reading in asked.readings {
        for (class, weighed) in catalog.classes().iter().zip(weighed.iter_mut()) {
            if reading.supports.contains(&class.id) {
                weighed.score += weights.supports;
                weighed.reasons += weights.supports;
                weighed.supported = true;
            }
            if reading.against.contains(&class.id) {
                weighed.score += weights.contradicts;
            }
        }
    }
}

/// Best first. A class is named to people only with a reason that can be quoted from what they wrote or posted.
fn rank(
    catalog: &Catalog,
    asked: &Symptom<'_>,
    message: &Message<'_>,
    weighed: &[Weighed<'_>],
    stated: bool,
) -> Vec<Suspect> {
    let weights = &catalog.engine.weights;
    let mut order: Vec<usize> = (0..weighed.len()).collect();
    order.sort_by(|&a, &b| weighed[b].score.total_cmp(&weighed[a].score).then(a.cmp(&b)));
    let spoken: Vec<usize> =
        order.into_iter().filter(|&class| weighed[class].is_spoken_of()).collect();
    // What is not ranked keeps a share, so that a weak first place does not look certain.
    let odds = |class: usize| (weighed[class].score / weights.doubt).exp();
    let total = (weights.unknown / weights.doubt).exp()
        + spoken.iter().map(|&class| odds(class)).sum::<f64>();
    // Beside a clear first, a weak second only distracts.
    let least = weights.weak_share * spoken.first().map_or(0.0, |&first| odds(first));
    let suspect = |&class: &usize| {
        let found = &weighed[class];
        let enough = found.reasons > 0.0
            && found.reasons + weights.learned_reason * found.learned >= weights.named_from;
        let score = odds(class) / total;
        let reason = score >= SURE_FROM || (enough && odds(class) >= least);
        let why = why(catalog, asked, message, class, found);
        Suspect {
            class: catalog.classes()[class].id.clone(),
            score,
            named: found.supported || (stated && reason && why.is_some()),
            why: why.unwrap_or_else(|| catalog.spoken(message.language()).why.none.clone()),
        }
    };
    spoken.iter().take(RANKED).map(suspect).collect()
}

/// A small count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of words and cases are far below 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}
