//! German: every class is said in it, symptoms written in it name their class, and English is not taken for it.

use serde_json::Value;

use super::tests::SHIPPED;
use super::{Catalog, Symptom, diagnose};

/// Written for this test: what German-speaking engineers could write, and its class.
const CASES: &str = include_str!("../../../tests/corpus/cases.de.ndjson");
const ENGLISH_CASES: &str = include_str!("../../../tests/corpus/cases.ndjson");

fn symptoms(corpus: &str) -> impl Iterator<Item = (String, String)> {
    corpus.lines().map(|line| {
        let row: Value = serde_json::from_str(line).expect("every line is JSON");
        let text = |key: &str| row[key].as_str().expect("a text").to_owned();
        (text("symptom"), text("class"))
    })
}

#[test]
fn german_symptoms_name_their_class() {
    let (mut all, mut first, mut near, mut named) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut missed = Vec::new();
    for (symptom, class) in symptoms(CASES) {
        assert!(SHIPPED.class(&class.as_str().into()).is_some(), "{class}");
        let found = diagnose(&SHIPPED, &Symptom { symptom: &symptom, ..Symptom::default() });
        let place = found.suspects.iter().position(|suspect| suspect.class.as_str() == class);
        assert_eq!(found.language, "de", "{symptom}");
        all += 1;
        first += u32::from(place == Some(0));
        near += u32::from(place.is_some_and(|place| place < 3));
        named += u32::from(found.named().next().is_some());
        if place != Some(0) {
            missed.push(format!("{class}: {symptom}"));
        }
    }
    let share = |n: u32| f64::from(n) / f64::from(all);
    assert!(all >= 140, "{all} cases");
    assert!(
        share(first) >= 0.90 && share(near) >= 0.96 && share(named) >= 0.82,
        "first {first}, among three {near}, any named {named} of {all}; not first:\n{}",
        missed.join("\n")
    );
}

#[test]
fn english_is_not_taken_for_german() {
    let heard = SHIPPED.classes().iter().flat_map(|class| class.heard.iter().cloned());
    let all = heard.chain(symptoms(ENGLISH_CASES).map(|(symptom, _)| symptom));
    for symptom in all.chain(["", "502", "die Timeout"].map(str::to_owned)) {
        let found = diagnose(&SHIPPED, &Symptom { symptom: &symptom, ..Symptom::default() });
        assert_eq!(found.language, "en", "{symptom}");
    }
}

#[test]
fn a_german_proposal_without_a_symptom_names_nobody() {
    for symptom in [
        "wir sollten auf Kubernetes umziehen",
        "lasst uns Jenkins durch GitHub Actions ersetzen",
        "ich schlage vor, dass wir nächstes Quartal zu Postgres wechseln",
        "wie wäre es mit Microservices?",
    ] {
        let found = diagnose(&SHIPPED, &Symptom { symptom, ..Symptom::default() });
        assert!(found.named().next().is_none(), "{symptom}: {:?}", found.suspects);
        assert_eq!(found.ask_first[0], SHIPPED.spoken("de").first[0], "{symptom}");
    }
}

#[test]
fn grounds_and_hype_are_heard_and_said_in_german() {
    let text = "CentOS 7 ist abgekündigt, lasst uns das als Microservices neu bauen";
    let ground = SHIPPED.restraint(text, "de")[0];
    assert!(ground.id == "end-of-life" && ground.shows.contains("Support-Ende"), "{ground:?}");
    let note = SHIPPED.hype_note(text, "de").expect("a note");
    assert_eq!((note.id.as_str(), note.title.as_str()), ("microservices", "Aufteilen in Services"));
}

#[test]
fn every_text_is_german_and_fits_a_card() {
    let (english, german) = (SHIPPED.spoken("en"), SHIPPED.spoken("de"));
    for (en, de) in english.classes.iter().zip(&german.classes) {
        assert_ne!(en.question, de.question, "{}", en.id);
        assert!(de.question.ends_with('?') && de.question.chars().count() <= 70, "{}", de.question);
        for (en, de) in en.checks.iter().zip(&de.checks) {
            assert_ne!(en.post, de.post);
            assert!(de.run.chars().count() <= 130 && !de.run.contains('`'), "{}", de.run);
            assert!(de.rules_out.chars().count() <= 110, "{}", de.rules_out);
        }
    }
    let texts = |spoken: &super::spoken::Spoken| -> Vec<String> {
        let ideas = spoken.ideas.iter().map(|idea| idea.1.clone());
        let packs = spoken.packs.iter().flat_map(|p| p.questions.iter().chain([&p.title]).cloned());
        let hype = spoken
            .hype
            .iter()
            .flat_map(|n| [&n.title, &n.helps, &n.hurts, &n.ask].map(String::clone));
        let grounds = spoken.restraint.iter().flat_map(|r| [r.says.clone(), r.shows.clone()]);
        ideas.chain(spoken.first.clone()).chain(packs).chain(hype).chain(grounds).collect()
    };
    for (en, de) in texts(english).iter().zip(texts(german)) {
        assert_ne!(*en, de, "not said in German");
    }
}

#[test]
fn a_language_that_does_not_fit_is_named_with_its_line() {
    let own = "language = \"de\"\nfirst_questions = [\"Seit wann?\"]\n\n[[class]]\nid = \"nope\"\ntitle = \"x\"\n\
               question = \"x?\"\nbig_change_right = \"x\"\n\n[[class]]\nid = \"dns-record\"\ntitle = \"x\"\n\
               big_change_right = \"x\"\n[[class.check]]\nconfirms = \"x\"\nrules_out = \"x\"\npost = \"x\"\n\n[why]\n\
               supports = \"ja\"\n\n[words]\nlahm = 3\n";
    let faults = Catalog::embedded_with(&[("own.toml", own)]).expect_err("it has faults");
    let found: Vec<String> = faults.0.iter().map(ToString::to_string).collect();
    for expected in [
        "own.toml:2: 1 first questions here, 5 in English",
        "own.toml:5: no class is called 'nope'",
        "own.toml:10: 'question' is missing",
        "own.toml:11: 1 checks here, 3 in English",
        "own.toml:20: 'supports' needs {says}",
        "own.toml:23: 'lahm' has to be the catalogue's word for it",
    ] {
        assert!(found.iter().any(|fault| fault == expected), "{expected} not in {found:#?}");
    }
}

#[test]
fn what_a_language_does_not_say_stays_english() {
    let own = "language = \"fr\"\n[[restraint]]\nid = \"price\"\nsays = \"Le prix\"\nshows = \"les offres\"\n";
    let catalog = Catalog::embedded_with(&[("fr.toml", own)]).expect("the file is valid");
    let said = |language| catalog.spoken(language);
    assert!(said("fr").restraint.iter().any(|ground| ground.says == "Le prix"));
    assert_eq!(said("fr").classes[0].title, said("en").classes[0].title);
    assert_eq!(said("xx").language, "en");
}
