//! What came of it: one cell for each fault and promise, and the table of them all.

use std::fmt::Write as _;
use std::time::Duration;

/// Whether a promise was held, with what was seen instead where it was not.
pub type Held = Result<(), String>;

/// A column of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// The fault really happened: without this, the other cells would show nothing.
    Struck,
    /// Every acknowledged event has its effect exactly once, and what was not acknowledged came again.
    Once,
    /// No message was taken by Slack twice.
    NotTwice,
    /// While one channel is in trouble, another one is answered.
    Others,
    /// Work that can't be done is parked with its reason, `doctor` shows it, and nothing else is parked.
    Parked,
    /// The process lives, and works again without help.
    Recovers,
    /// Readiness and metrics say what is so, during and after.
    Truth,
}

impl Promise {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Struck, "struck"),
        (Self::Once, "once"),
        (Self::NotTwice, "not twice"),
        (Self::Others, "others go on"),
        (Self::Parked, "poison parked"),
        (Self::Recovers, "recovers"),
        (Self::Truth, "tells truth"),
    ];
}

enum Cell {
    Ok,
    /// The promise can't apply, and why.
    NotApplicable(&'static str),
    Broken(String),
}

/// One row of the matrix.
pub struct Report {
    fault: &'static str,
    cells: Vec<(Promise, Cell)>,
    ended: Held,
    took: Duration,
    log: String,
}

impl Report {
    pub fn new(fault: &'static str) -> Self {
        Self { fault, cells: Vec::new(), ended: Ok(()), took: Duration::ZERO, log: String::new() }
    }

    pub fn note(&mut self, promise: Promise, held: Held) {
        self.cells.push((promise, held.map_or_else(Cell::Broken, |()| Cell::Ok)));
    }

    pub fn not_applicable(&mut self, promise: Promise, why: &'static str) {
        self.cells.push((promise, Cell::NotApplicable(why)));
    }

    /// The row is played; `log` is shown where it did not end well.
    pub fn end(&mut self, ended: Held, took: Duration, log: String) {
        (self.ended, self.took, self.log) = (ended, took, log);
    }

    fn cell(&self, promise: Promise) -> Option<&Cell> {
        self.cells.iter().find(|(of, _)| *of == promise).map(|(_, cell)| cell)
    }
}

/// The matrix as text, and how many cells are not as they should be.
pub fn table(database: &str, reports: &[Report]) -> (String, usize) {
    let mut text = format!("\n{:<34}", format!("on {database}"));
    for (_, name) in Promise::ALL {
        write!(text, " {name:<13}").unwrap();
    }
    text.push_str("  seconds\n");
    let (mut ok, mut notes, mut broken) = (0, Vec::new(), Vec::new());
    for report in reports {
        write!(text, "{:<34}", report.fault).unwrap();
        for (promise, name) in Promise::ALL {
            let word = match report.cell(promise) {
                Some(Cell::Ok) => {
                    ok += 1;
                    "ok"
                }
                Some(Cell::NotApplicable(why)) => {
                    notes.push(format!("  {}, {name}: {why}", report.fault));
                    "n.a."
                }
                Some(Cell::Broken(why)) => {
                    broken.push(format!("  {}, {name}: {why}", report.fault));
                    "BROKEN"
                }
                None => {
                    broken.push(format!("  {}, {name}: never came to it", report.fault));
                    "BROKEN"
                }
            };
            write!(text, " {word:<13}").unwrap();
        }
        writeln!(text, "  {:.0}", report.took.as_secs_f64()).unwrap();
        if let Err(why) = &report.ended {
            broken.push(format!("  {}: {why}", report.fault));
        }
    }
    writeln!(text, "{ok} ok, {} n.a., {} broken", notes.len(), broken.len()).unwrap();
    notes.dedup_by_key(|note| note.rsplit_once(": ").map(|(_, why)| why.to_owned()));
    writeln!(text, "n.a. because (the first of each kind):\n{}", notes.join("\n")).unwrap();
    if !broken.is_empty() {
        writeln!(text, "\nbroken:\n{}", broken.join("\n")).unwrap();
        for report in
            reports.iter().filter(|report| broken.iter().any(|b| b.contains(report.fault)))
        {
            let lines: Vec<&str> = report.log.lines().collect();
            let last = lines[lines.len().saturating_sub(40)..].join("\n");
            writeln!(text, "\nthe last of its log, {}:\n{last}", report.fault).unwrap();
        }
    }
    (text, broken.len())
}
