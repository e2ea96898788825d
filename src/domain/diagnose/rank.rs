//! Ranks the classes: cues found in the message, learned word weights, and what readings say.

use super::message::{Feature, Message};
use super::pattern::Found;
use super::why::why;
use super::{Catalog, Cue, Diagnosis, Level, Suspect, Symptom};

/// A card never needs more; a longer list only hides the good ones.
const MOST_SUSPECTS: usize = 5;
/// One suspect alone invites tunnel vision.
const FEWEST_SUSPECTS: usize = 3;
/// Learned words count half beside what can be quoted as a phrase when it is asked whether there is a reason at all.
const LEARNED_AS_REASON: f64 = 0.5;
/// Below this share the first suspect is a guess, and the questions come first.
const CLEAR_FROM: f64 = 0.4;
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

/// One class while it is weighed.
#[derive(Default)]
pub(super) struct Weighed<'c> {
    /// Log-odds, roughly.
    pub(super) score: f64,
    /// The part of it that can be quoted: cues and supporting readings.
    reasons: f64,
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
    let suspects = if stated { name(catalog, asked, &message, &weighed) } else { Vec::new() };
    let clear = suspects.first().is_some_and(|first| first.score >= CLEAR_FROM);
    let ask_first = catalog.first_questions(&message, clear);
    Diagnosis { suspects, ask_first }
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
    let mut hits: Vec<Vec<Hit<'c>>> = catalog.classes.iter().map(|_| Vec::new()).collect();
    for cue in &catalog.engine.cues {
        if let Some(found) = message.find(&cue.pattern) {
            let aside = message.only_in_proposal(&found.words);
            let share = if aside { weights.proposal_share } else { 1.0 };
            hits[cue.class].push(Hit { cue, found, gain: cue.weight * share });
        }
    }
    hits.into_iter().map(Weighed::of).collect()
}

impl<'c> Weighed<'c> {
    /// Adds cues, strongest first; words a stronger cue already used count only once.
    fn of(mut hits: Vec<Hit<'c>>) -> Self {
        hits.sort_by(|a, b| b.gain.abs().total_cmp(&a.gain.abs()));
        let mut class = Self::default();
        let mut used: Vec<usize> = Vec::new();
        for mut hit in hits {
            let fresh = hit.found.words.iter().filter(|word| !used.contains(word)).count();
            used.extend(&hit.found.words);
            hit.gain *= number(fresh) / number(hit.found.words.len().max(1));
            class.score += hit.gain;
            if hit.gain > 0.0 {
                class.reasons += if hit.cue.level == Level::Context { 0.0 } else { hit.gain };
                class.hits.push(hit);
            }
        }
        class
    }
}

/// Adds what was learned, and remembers the words that spoke for a class.
fn add_learned(catalog: &Catalog, features: &[Feature], weighed: &mut [Weighed<'_>]) {
    let engine = &catalog.engine;
    // A long story repeats itself: its words are no independent witnesses.
    let scale = (engine.weights.length / number(features.len())).sqrt().min(1.0);
    let layers = [(&engine.heard, engine.weights.heard), (&engine.learned, engine.weights.learned)];
    for feature in features {
        for (weights, share) in layers {
            for (class, weight) in weights.get(&feature.name).into_iter().flatten() {
                let gain = weight * share * feature.word.map_or(1.0, |_| scale);
                let class = &mut weighed[*class];
                class.score += gain;
                if let Some(word) = feature.word.filter(|_| gain > 0.0) {
                    class.learned += gain;
                    class.words.push((gain, word));
                }
            }
        }
    }
}

/// What looks like one class is often its neighbour: a strong class lifts those it is confused with.
fn add_look_alikes(catalog: &Catalog, weighed: &mut [Weighed<'_>]) {
    let before: Vec<f64> = weighed.iter().map(|class| class.score).collect();
    for (class, weighed) in catalog.classes.iter().zip(weighed) {
        let alike = catalog.classes.iter().zip(&before);
        let alike = alike.filter(|(other, _)| other.confused_with.contains(&class.id));
        let strongest = alike.map(|(_, score)| *score).fold(0.0, f64::max);
        weighed.score += catalog.engine.weights.look_alike * strongest;
    }
}

/// A reading against a class lowers it but leaves its reasons, so that the card can show both.
fn add_readings(catalog: &Catalog, asked: &Symptom<'_>, weighed: &mut [Weighed<'_>]) {
    let weights = &catalog.engine.weights;
    for reading in asked.readings {
        for (class, weighed) in catalog.classes.iter().zip(weighed.iter_mut()) {
            if reading.supports.contains(&class.id) {
                weighed.score += weights.supports;
                weighed.reasons += weights.supports;
            }
            if reading.against.contains(&class.id) {
                weighed.score += weights.contradicts;
            }
        }
    }
}

/// A class on its way to the list.
struct Named {
    class: usize,
    score: f64,
    why: String,
}

/// Best first: the classes with enough reason, filled up with look-alikes if they are few.
fn name(
    catalog: &Catalog,
    asked: &Symptom<'_>,
    message: &Message<'_>,
    weighed: &[Weighed<'_>],
) -> Vec<Suspect> {
    let weights = &catalog.engine.weights;
    let mut named: Vec<Named> = Vec::new();
    for (class, found) in weighed.iter().enumerate() {
        let quotable = found.reasons >= weights.named_from;
        let enough = found.reasons + LEARNED_AS_REASON * found.learned >= weights.named_from;
        let score = found.score + if quotable { 0.0 } else { weights.only_learned };
        let why = if enough { why(catalog, asked, message, class, found) } else { String::new() };
        if !why.is_empty() {
            named.push(Named { class, score, why });
        }
    }
    best_first(&mut named);
    named.truncate(MOST_SUSPECTS);
    add_neighbours(catalog, &mut named, weighed);
    // What is not named keeps a share, so that a weak first place does not look certain.
    let odds = |score: f64| (score / weights.doubt).exp();
    let total = odds(2.0 * weights.named_from) + named.iter().map(|n| odds(n.score)).sum::<f64>();
    // Beside a clear first, a weak second only distracts.
    let least = weights.weak_share * named.first().map_or(0.0, |first| odds(first.score));
    named.retain(|n| weighed[n.class].reasons >= weights.named_from || odds(n.score) >= least);
    let suspect = |n: Named| Suspect {
        class: catalog.classes[n.class].id.clone(),
        score: odds(n.score) / total,
        why: n.why,
    };
    named.into_iter().map(suspect).collect()
}

fn best_first(named: &mut [Named]) {
    named.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.class.cmp(&b.class)));
}

/// A list of one or two is filled up with the look-alikes of what is on it.
fn add_neighbours(catalog: &Catalog, named: &mut Vec<Named>, weighed: &[Weighed<'_>]) {
    let Some(last) = named.last().map(|n| n.score) else { return };
    // They stay below what has reasons of its own, unless readings spoke against all of that.
    let most = last.max(0.0);
    let mut others: Vec<Named> = Vec::new();
    for (class, found) in weighed.iter().enumerate() {
        let id = &catalog.classes[class].id;
        let like =
            named.iter().map(|n| &catalog.classes[n.class]).find(|c| c.confused_with.contains(id));
        if let Some(like) = like.filter(|_| named.iter().all(|n| n.class != class)) {
            let why = format!("Looks much like this one: {}", like.question);
            others.push(Named { class, score: found.score.min(most), why });
        }
    }
    best_first(&mut others);
    let missing = FEWEST_SUSPECTS.saturating_sub(named.len());
    named.extend(others.into_iter().take(missing));
    // A stable sort: at equal scores what has its own reasons stays first.
    named.sort_by(|a, b| b.score.total_cmp(&a.score));
}

/// A small count as a number.
#[expect(clippy::cast_precision_loss, reason = "counts of words and cases are far below 2^52")]
pub(super) fn number(count: usize) -> f64 {
    count as f64
}
