//! Reads TOML tables field by field and notes every fault with its file and line.

use std::collections::HashSet;
use std::fmt;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One fault of a catalogue file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file's name as given.
    pub file: String,
    /// Its line, counted from 1.
    pub line: usize,
    /// What is wrong, in plain words.
    pub reason: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.reason)
    }
}

/// Every fault of a set of catalogue files.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, fault) in self.0.iter().enumerate() {
            let gap = if number == 0 { "" } else { "\n" };
            write!(f, "{gap}{fault}")?;
        }
        Ok(())
    }
}

/// A place in a file, to be named if something is wrong there.
#[derive(Clone, Debug, Default)]
pub(super) struct Place {
    /// The file's name.
    pub(super) file: String,
    /// Its line, counted from 1.
    pub(super) line: usize,
}

impl Place {
    /// A fault at this place.
    pub(super) fn fault(&self, reason: impl Into<String>) -> Fault {
        Fault { file: self.file.clone(), line: self.line, reason: reason.into() }
    }
}

/// A text and where it stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    /// The text.
    pub(super) text: String,
    /// Where.
    pub(super) place: Place,
}

/// One file while it is read.
pub(super) struct Source<'a> {
    file: &'a str,
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Source<'a> {
    /// Begins to read a file.
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        Self { file, text, line_starts: std::iter::once(0).chain(breaks).collect() }
    }

    fn place(&self, offset: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= offset);
        Place { file: self.file.to_owned(), line }
    }

    /// Parses the file; syntax faults are noted and what can be read is returned.
    pub(super) fn parse(&self, faults: &mut Vec<Fault>) -> Spanned<DeTable<'a>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            let place = self.place(error.span().map_or(0, |s| s.start));
            faults.push(place.fault(error.message()));
        }
        table
    }
}

/// A table while it is read: fields that nobody asked for are faults at the end.
pub(super) struct Table<'a, 'f> {
    source: &'a Source<'a>,
    fields: &'a DeTable<'a>,
    at: usize,
    asked: HashSet<String>,
    faults: &'f mut Vec<Fault>,
}

impl<'a, 'f> Table<'a, 'f> {
    /// Begins to read a table that starts at this offset.
    pub(super) fn new(
        source: &'a Source<'a>,
        table: &'a DeTable<'a>,
        at: usize,
        faults: &'f mut Vec<Fault>,
    ) -> Self {
        Self { source, fields: table, at, asked: HashSet::new(), faults }
    }

    /// Where the table begins.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.at)
    }

    fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.insert(key.to_owned());
        self.fields.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    fn wrong(&mut self, offset: usize, reason: String) {
        let fault = self.source.place(offset).fault(reason);
        self.faults.push(fault);
    }

    /// A required text that is not empty.
    pub(super) fn text(&mut self, key: &'static str) -> Line {
        let Some(value) = self.get(key) else {
            self.wrong(self.at, format!("'{key}' is missing"));
            return Line { text: String::new(), place: self.place() };
        };
        self.line(key, value)
    }

    /// A text that may be missing.
    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<Line> {
        self.get(key).map(|value| self.line(key, value))
    }

    fn line(&mut self, key: &str, value: &'a Spanned<DeValue<'a>>) -> Line {
        let place = self.source.place(value.span().start);
        let text = value.get_ref().as_str().unwrap_or_default().trim().to_owned();
        if text.is_empty() {
            self.wrong(value.span().start, format!("'{key}' has to be a text that is not empty"));
        }
        Line { text, place }
    }

    /// A list of texts; missing means empty.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<Line> {
        let Some(value) = self.get(key) else { return Vec::new() };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong(value.span().start, format!("'{key}' has to be a list of texts"));
            return Vec::new();
        };
        items.iter().map(|item| self.line(key, item)).collect()
    }

    /// A required whole number that fits.
    pub(super) fn whole(&mut self, key: &'static str) -> u16 {
        let number = self.get(key).and_then(|v| v.get_ref().as_integer()).map(ToString::to_string);
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            return number;
        }
        self.wrong(self.at, format!("'{key}' has to be a whole number from 0 to 65535"));
        0
    }

    /// A whole number that may be missing.
    pub(super) fn optional_whole(&mut self, key: &'static str) -> Option<u16> {
        self.get(key)?;
        Some(self.whole(key))
    }

    /// A required number.
    pub(super) fn number(&mut self, key: &'static str) -> f64 {
        if let Some(number) = self.get(key).and_then(|value| as_number(value.get_ref())) {
            return number;
        }
        self.wrong(self.at, format!("'{key}' has to be a number"));
        0.0
    }

    /// A required date, written as text.
    pub(super) fn date(&mut self, key: &'static str) -> Date {
        let line = self.text(key);
        line.text.parse().unwrap_or_else(|_| {
            let fault = line.place.fault(format!("'{key}' has to be a date like 2026-11-21"));
            self.faults.push(fault);
            Date::ZERO
        })
    }

    /// A required yes or no.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        if let Some(flag) = self.get(key).and_then(|v| v.get_ref().as_bool()) {
            return flag;
        }
        self.wrong(self.at, format!("'{key}' has to be true or false"));
        false
    }

    /// Reads each table of a list of tables.
    pub(super) fn each(&mut self, key: &'static str, mut read: impl FnMut(&mut Table<'a, '_>)) {
        let Some(value) = self.get(key) else { return };
        let Some(items) = value.get_ref().as_array() else {
            return self.wrong(value.span().start, format!("write it as [[{key}]]"));
        };
        for item in items {
            self.enter(key, item, &mut read);
        }
    }

    /// Reads one inner table, if it is there.
    pub(super) fn inner(&mut self, key: &'static str, read: impl FnMut(&mut Table<'a, '_>)) {
        if let Some(value) = self.get(key) {
            self.enter(key, value, read);
        }
    }

    fn enter(
        &mut self,
        key: &str,
        value: &'a Spanned<DeValue<'a>>,
        mut read: impl FnMut(&mut Table<'a, '_>),
    ) {
        let Some(table) = value.get_ref().as_table() else {
            return self.wrong(value.span().start, format!("'{key}' has to be a table"));
        };
        let mut inner = Table::new(self.source, table, value.span().start, self.faults);
        read(&mut inner);
        inner.finish();
    }

    /// Every field of a table whose names are data.
    pub(super) fn entries(&mut self) -> Vec<(String, &'a Spanned<DeValue<'a>>, Place)> {
        self.asked.extend(self.fields.keys().map(|name| name.get_ref().to_string()));
        self.fields
            .iter()
            .map(|(name, value)| {
                (name.get_ref().to_string(), value, self.source.place(name.span().start))
            })
            .collect()
    }

    /// Notes a fault found by the caller.
    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    /// Notes every field that nobody asked for.
    pub(super) fn finish(self) {
        for (name, _) in self.fields {
            if !self.asked.contains(name.get_ref().as_ref()) {
                let place = self.source.place(name.span().start);
                self.faults.push(place.fault(format!("'{}' is not a field here", name.get_ref())));
            }
        }
    }
}

/// The number a value is, if it is one.
pub(super) fn as_number(value: &DeValue<'_>) -> Option<f64> {
    let text = match value {
        DeValue::Integer(whole) => whole.as_str(),
        DeValue::Float(number) => number.as_str(),
        _ => return None,
    };
    text.parse().ok().filter(|number: &f64| number.is_finite())
}
