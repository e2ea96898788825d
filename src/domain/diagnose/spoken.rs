//! What the catalogue says to people, in one language. Another language is laid over English, part by part: what it
//! does not say stays English.
//!
//! To add a language: 1. a folder `catalog/<code>` with the files of `catalog/de`; 2. its files in `load::EMBEDDED`.

use super::load::why;
use super::questions::{HypeNote, Pack, Restraint};
use super::reader::{Fault, Line, Table};
use super::{Catalog, Class, ClassId};

/// The language every other one is laid over.
pub(super) const ENGLISH: &str = "en";

/// Everything that is said in one language; positions are the same in all of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Spoken {
    /// Which language (`de`).
    pub(super) language: String,
    pub(super) classes: Vec<Class>,
    /// Ideas by id, with what each says.
    pub(super) ideas: Vec<(String, String)>,
    /// The first questions of a thin case.
    pub(super) first: Vec<String>,
    pub(super) packs: Vec<Pack>,
    pub(super) hype: Vec<HypeNote>,
    pub(super) restraint: Vec<Restraint>,
    pub(super) why: Why,
}

/// The sentences that say why a class is named.
#[derive(Clone, Debug, Default)]
pub(super) struct Why {
    pub(super) supports: String,
    pub(super) against: String,
    pub(super) quote: String,
    pub(super) and: String,
    pub(super) wrote: String,
    pub(super) others: String,
    pub(super) none: String,
}

impl Catalog {
    /// What is said in this language; English where there is none.
    pub(super) fn spoken(&self, language: &str) -> &Spoken {
        self.spoken.iter().find(|spoken| spoken.language == language).unwrap_or(&self.spoken[0])
    }

    /// Every class as this language says it, in the order of the files.
    pub fn classes_in(&self, language: &str) -> &[Class] {
        &self.spoken(language).classes
    }

    /// The class with this id as this language says it.
    pub fn class_in(&self, language: &str, id: &ClassId) -> Option<&Class> {
        self.classes_in(language).iter().find(|class| &class.id == id)
    }
}

/// What the files of one language say, before it is laid over English.
#[derive(Default)]
pub(super) struct Overlay {
    classes: Vec<ClassTexts>,
    ideas: Vec<(Line, String)>,
    first: Vec<Line>,
    packs: Vec<(Line, String, Vec<Line>)>,
    hype: Vec<(Line, [String; 4])>,
    restraint: Vec<(Line, [String; 2])>,
    why: Option<Why>,
}

struct ClassTexts {
    id: Line,
    title: String,
    question: String,
    big_change_right: String,
    checks: Vec<CheckTexts>,
}

struct CheckTexts {
    /// Only where the check is a question and no command.
    run: Option<String>,
    confirms: String,
    rules_out: String,
    post: String,
}

impl Overlay {
    /// Reads one file of a language.
    pub(super) fn read(&mut self, table: &mut Table<'_, '_>) {
        table.each("class", |t| {
            let mut class = ClassTexts {
                id: t.text("id"),
                title: t.text("title").text,
                question: t.text("question").text,
                big_change_right: t.text("big_change_right").text,
                checks: Vec::new(),
            };
            t.each("check", |t| class.checks.push(check(t)));
            self.classes.push(class);
        });
        table.inner("ideas", |t| {
            for (id, value, place) in t.entries() {
                let says = value.get_ref().as_str().unwrap_or_default().to_owned();
                if says.is_empty() {
                    t.fault(place.fault(format!("'{id}' has to be a text that is not empty")));
                }
                self.ideas.push((Line { text: id, place }, says));
            }
        });
        let first = table.texts("first_questions");
        if !first.is_empty() {
            self.first = first;
        }
        table.each("pack", |t| {
            self.packs.push((t.text("id"), t.text("title").text, t.texts("questions")));
        });
        table.each("hype", |t| {
            let texts = ["title", "helps", "hurts", "ask"].map(|key| t.text(key).text);
            self.hype.push((t.text("id"), texts));
        });
        table.each("restraint", |t| {
            self.restraint.push((t.text("id"), ["says", "shows"].map(|key| t.text(key).text)));
        });
        table.inner("why", |t| self.why = Some(why(t)));
    }

    /// Lays it over English. What has no counterpart there, or not as many parts, is a fault.
    pub(super) fn over(self, language: &str, english: &Spoken, faults: &mut Vec<Fault>) -> Spoken {
        let mut spoken = Spoken { language: language.to_owned(), ..english.clone() };
        for class in self.classes {
            let found = find(&mut spoken.classes, "class", &class.id, |c| c.id.as_str(), faults);
            if let Some(found) = found {
                class.over(found, faults);
            }
        }
        for (id, says) in self.ideas {
            if let Some(idea) = find(&mut spoken.ideas, "idea", &id, |idea| &idea.0, faults) {
                idea.1 = says;
            }
        }
        if let Some(line) = self.first.first()
            && as_many("first questions", line, self.first.len(), spoken.first.len(), faults)
        {
            spoken.first = self.first.into_iter().map(|question| question.text).collect();
        }
        for (id, title, questions) in self.packs {
            let Some(pack) = find(&mut spoken.packs, "pack", &id, |p| &p.id, faults) else {
                continue;
            };
            as_many("questions", &id, questions.len(), pack.questions.len(), faults);
            pack.title = title;
            pack.questions = questions.into_iter().map(|question| question.text).collect();
        }
        for (id, texts) in self.hype {
            if let Some(note) = find(&mut spoken.hype, "hype note", &id, |n| &n.id, faults) {
                [note.title, note.helps, note.hurts, note.ask] = texts;
            }
        }
        for (id, texts) in self.restraint {
            if let Some(ground) = find(&mut spoken.restraint, "restraint", &id, |r| &r.id, faults) {
                [ground.says, ground.shows] = texts;
            }
        }
        spoken.why = self.why.unwrap_or(spoken.why);
        spoken
    }
}

impl ClassTexts {
    fn over(self, class: &mut Class, faults: &mut Vec<Fault>) {
        as_many("checks", &self.id, self.checks.len(), class.checks.len(), faults);
        class.title = self.title;
        class.question = self.question;
        class.big_change_right = self.big_change_right;
        for (check, texts) in class.checks.iter_mut().zip(self.checks) {
            check.run = texts.run.unwrap_or(std::mem::take(&mut check.run));
            check.confirms = texts.confirms;
            check.rules_out = texts.rules_out;
            check.post = texts.post;
        }
    }
}

fn check(t: &mut Table<'_, '_>) -> CheckTexts {
    CheckTexts {
        run: t.optional_text("run").map(|line| line.text),
        confirms: t.text("confirms").text,
        rules_out: t.text("rules_out").text,
        post: t.text("post").text,
    }
}

/// What English calls by this id.
fn find<'s, T>(
    items: &'s mut [T],
    what: &str,
    id: &Line,
    id_of: impl Fn(&T) -> &str,
    faults: &mut Vec<Fault>,
) -> Option<&'s mut T> {
    let found = items.iter_mut().find(|item| id_of(item) == id.text);
    if found.is_none() {
        faults.push(id.place.fault(format!("no {what} is called '{}'", id.text)));
    }
    found
}

/// Whether there are as many as in English; by position they belong together.
fn as_many(what: &str, at: &Line, here: usize, english: usize, faults: &mut Vec<Fault>) -> bool {
    if here != english {
        faults.push(at.place.fault(format!("{here} {what} here, {english} in English")));
    }
    here == english
}
