//! Symptoms in other words than the catalogue's, judged by what it learned without them.

use serde_json::Value;

use super::learn::{Case, learn};
use super::{Catalog, ClassId, Symptom, diagnose};

/// Written for this test: another register and field for each line, its class, and what would be acceptable too.
const CASES: &str = include_str!("../../../tests/corpus/cases.ndjson");

fn cases() -> Vec<Case> {
    let case = |line: &str| {
        let row: Value = serde_json::from_str(line).expect("every line is JSON");
        let text = |key: &str| row[key].as_str().map(str::to_owned);
        let also = row["alt_classes"].as_array().into_iter().flatten();
        Case {
            symptom: text("symptom").expect("a symptom"),
            proposal: text("proposal"),
            class: ClassId(text("class").expect("a class")),
            also: also.filter_map(Value::as_str).map(ClassId::from).collect(),
        }
    };
    CASES.lines().map(case).collect()
}

#[test]
fn what_it_learned_from_its_own_lines_holds_for_others() {
    let catalog = Catalog::embedded().expect("the shipped catalogue is valid");
    let model = learn(&catalog, &[]);
    let catalog = catalog.with_learned(model);
    let (mut all, mut strict, mut lenient) = (0_u32, 0_u32, 0_u32);
    let mut missed = Vec::new();
    for case in cases() {
        assert!(catalog.class(&case.class).is_some(), "{}", case.class);
        let proposal = case.proposal.as_deref();
        let asked = Symptom { symptom: &case.symptom, proposal, readings: &[] };
        let first: Vec<ClassId> =
            diagnose(&catalog, &asked).suspects.into_iter().take(3).map(|s| s.class).collect();
        let right = first.contains(&case.class);
        let near = first.iter().any(|class| case.also.contains(class));
        all += 1;
        strict += u32::from(right);
        lenient += u32::from(right || near);
        if !right && !near {
            missed.push(format!("{}: {} → {first:?}", case.class, case.symptom));
        }
    }
    let share = |n: u32| f64::from(n) / f64::from(all);
    assert!(all >= 240, "{all} cases");
    assert!(
        share(strict) >= 0.80 && share(lenient) >= 0.83,
        "strict {:.3}, lenient {:.3}; missed:\n{}",
        share(strict),
        share(lenient),
        missed.join("\n")
    );
}

#[test]
fn no_class_is_without_cases() {
    let catalog = Catalog::embedded().expect("the shipped catalogue is valid");
    let cases = cases();
    for class in catalog.classes() {
        let own = cases.iter().filter(|case| case.class == class.id).count();
        assert!(own >= 3, "{}: {own} cases", class.id);
    }
}
