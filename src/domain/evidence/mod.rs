//! Recognises evidence in what people post, reads its decisive fact, and redacts secrets.
//!
//! What it looks for stands in `recognisers/*.toml` (format: `recognisers/README.md`); the code here weighs it.
//! To add a kind's form: 1. a `[[sign]]` in its file; 2. a `[[reading]]`; 3. a sample in the tests.

mod find;
mod load;
mod read;
mod redact;
mod site;
#[cfg(test)]
mod tests;
mod text;

use jiff::civil::Date;

use super::{ClassId, wire_enum};
use load::Catalogue;
use text::{Line, Region};

wire_enum! {
    /// What a piece of evidence is.
    EvidenceKind {
        /// Log lines.
        Log = "log",
        /// A stack trace.
        StackTrace = "stack_trace",
        /// A distributed trace.
        DistributedTrace = "distributed_trace",
        /// A database's query plan.
        QueryPlan = "query_plan",
        /// A metric or a table of measurements.
        Metric = "metric",
        /// Output of a load test.
        LoadTest = "load_test",
        /// A diff.
        Diff = "diff",
        /// A DNS answer.
        Dns = "dns",
        /// A certificate or handshake.
        Tls = "tls",
        /// An HTTP request and answer.
        HttpExchange = "http_exchange",
        /// Headers of a received mail.
        MailHeaders = "mail_headers",
        /// Path and loss of packets.
        NetworkPath = "network_path",
        /// Memory, disk, CPU, limits at one moment.
        ResourceSnapshot = "resource_snapshot",
        /// A profile or thread dump.
        Profile = "profile",
        /// State of a database: sessions, locks, replication.
        DbState = "db_state",
        /// State of a load balancer or probe.
        LbState = "lb_state",
        /// A cost report.
        CostReport = "cost_report",
        /// Steps that reproduce it.
        ReproSteps = "repro_steps",
        /// A link to a dashboard, trace, ticket or change.
        Link = "link",
    }
}

/// The decisive fact read from evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The fact in plain words ("DKIM: fail").
    pub says: String,
    /// The line it was read from, redacted, at most about 120 characters.
    pub line: String,
    /// Classes it supports.
    pub supports: Vec<ClassId>,
    /// Classes it speaks against.
    pub against: Vec<ClassId>,
}

/// One piece of evidence found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: EvidenceKind,
    /// Bytes of the text it stands in.
    pub span: (usize, usize),
    /// Its decisive fact, if one can be read.
    pub reading: Option<Reading>,
}

/// What is looked at: pasted text, a link, or a file by name and content.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Pasted text.
    Text(&'a str),
    /// A link by itself.
    Url(&'a str),
    /// A file: its name and its text.
    File {
        /// Name with extension.
        name: &'a str,
        /// Its text.
        text: &'a str,
    },
}

/// A text without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redacted {
    /// The text, each secret replaced by a marker that names its kind.
    pub text: String,
    /// How many were replaced.
    pub count: usize,
}

/// Files embedded in the program: the kinds, then what applies to several of them.
const KIND_FILES: &[(&str, &str)] = &[
    ("log.toml", include_str!("recognisers/log.toml")),
    ("stack_trace.toml", include_str!("recognisers/stack_trace.toml")),
    ("distributed_trace.toml", include_str!("recognisers/distributed_trace.toml")),
    ("query_plan.toml", include_str!("recognisers/query_plan.toml")),
    ("metric.toml", include_str!("recognisers/metric.toml")),
    ("load_test.toml", include_str!("recognisers/load_test.toml")),
    ("diff.toml", include_str!("recognisers/diff.toml")),
    ("dns.toml", include_str!("recognisers/dns.toml")),
    ("tls.toml", include_str!("recognisers/tls.toml")),
    ("http_exchange.toml", include_str!("recognisers/http_exchange.toml")),
    ("mail_headers.toml", include_str!("recognisers/mail_headers.toml")),
    ("network_path.toml", include_str!("recognisers/network_path.toml")),
    ("resource_snapshot.toml", include_str!("recognisers/resource_snapshot.toml")),
    ("profile.toml", include_str!("recognisers/profile.toml")),
    ("db_state.toml", include_str!("recognisers/db_state.toml")),
    ("lb_state.toml", include_str!("recognisers/lb_state.toml")),
    ("cost_report.toml", include_str!("recognisers/cost_report.toml")),
    ("repro_steps.toml", include_str!("recognisers/repro_steps.toml")),
    ("errors.toml", include_str!("recognisers/errors.toml")),
];
const SITES_FILE: (&str, &str) = ("sites.toml", include_str!("recognisers/sites.toml"));
const SECRETS_FILE: (&str, &str) = ("secrets.toml", include_str!("recognisers/secrets.toml"));

/// The line a reading shows is cut to this.
const LINE_CHARS_MAX: usize = 119;

/// Lines around a finding among others that its reading may use: before it, after it.
const CONTEXT_LINES: (usize, usize) = (3, 10);

/// The recognisers, compiled once at start.
#[derive(Debug)]
pub struct Recognisers(Catalogue);

impl Recognisers {
    /// The recognisers that ship with the program. Fails with file, line and reason.
    pub fn embedded() -> Result<Self, String> {
        load::load(KIND_FILES, SITES_FILE, SECRETS_FILE).map(Self)
    }
}

/// Finds evidence, in the order of the text. Spans refer to the text given; a link's span covers the whole link.
pub fn recognise(recognisers: &Recognisers, source: Source<'_>) -> Vec<Finding> {
    recognise_on(recognisers, source, None)
}

/// As [`recognise`], and holds certificates and registrations against the day they were posted.
pub fn recognise_on(
    recognisers: &Recognisers,
    source: Source<'_>,
    today: Option<Date>,
) -> Vec<Finding> {
    let catalogue = &recognisers.0;
    let (text, name) = match source {
        Source::Text(text) | Source::Url(text) => (text, None),
        Source::File { name, text } => (text, Some(name)),
    };
    let mut drafts = Vec::new();
    let mut taken = Vec::new();
    for region in text::regions(text) {
        let (found, owned) = find::kinds_in(catalogue, &region, name);
        let alone = found.len() == 1;
        for one in found {
            drafts.push(draft(catalogue, &region, &owned, &one, alone, today));
        }
        let lines = region.lines.iter().zip(owned).filter(|(_, owned)| *owned);
        taken.extend(lines.map(|(line, _)| line.start..line.end));
    }
    taken.sort_by_key(|bytes| bytes.start);
    let hidden = if drafts.is_empty() { Vec::new() } else { catalogue.redaction.find(text) };
    let mut findings: Vec<Finding> = drafts
        .into_iter()
        .map(|(kind, span, fact)| {
            let reading = fact.map(|(fact, bytes)| {
                let line = catalogue.redaction.excerpt(text, bytes, &hidden);
                let says = catalogue.redaction.redact(&fact.says).text;
                let line = read::shortened(text::plain(&line).trim(), LINE_CHARS_MAX);
                Reading { says, line, supports: fact.supports, against: fact.against }
            });
            Finding { kind, span, reading }
        })
        .collect();
    findings.extend(links(catalogue, text, &taken));
    findings.sort_by_key(|f| (f.span, f.kind));
    findings
}

/// A kind, its bytes, and its fact with the bytes of the deciding line.
type Draft = (EvidenceKind, (usize, usize), Option<(read::Fact, std::ops::Range<usize>)>);

fn draft(
    catalogue: &Catalogue,
    region: &Region<'_>,
    owned: &[bool],
    found: &find::Found,
    alone: bool,
    today: Option<Date>,
) -> Draft {
    let (first, last) = found.lines;
    let near = first.saturating_sub(CONTEXT_LINES.0)..=last + CONTEXT_LINES.1;
    let own = |i: usize| alone || (near.contains(&i) && (!owned[i] || (first..=last).contains(&i)));
    let lines: Vec<&Line<'_>> =
        region.lines.iter().enumerate().filter(|(i, _)| own(*i)).map(|(_, l)| l).collect();
    let fact = read::decisive(catalogue, found.kind, &lines, today);
    let fact = fact.and_then(|fact| lines.get(fact.line).map(|line| (fact, line.start..line.end)));
    let at = |i: usize| region.lines.get(i);
    let span = (at(first).map_or(0, |l| l.start), at(last).map_or(0, |l| l.end));
    (found.kind, span, fact)
}

/// Links that stand outside other evidence.
fn links(catalogue: &Catalogue, text: &str, taken: &[std::ops::Range<usize>]) -> Vec<Finding> {
    let free = |link: &site::LinkFound| {
        let after = taken.partition_point(|bytes| bytes.end <= link.url.start);
        taken.get(after).is_none_or(|bytes| bytes.start >= link.url.end)
    };
    let found = site::links(&catalogue.sites, text).into_iter().filter(free);
    found
        .map(|link| {
            let shown = catalogue.redaction.redact(text.get(link.url).unwrap_or("")).text;
            let line = read::shortened(&shown, LINE_CHARS_MAX);
            let says = catalogue.redaction.redact(&link.says).text;
            let reading = Reading { says, line, supports: Vec::new(), against: Vec::new() };
            Finding {
                kind: EvidenceKind::Link,
                span: (link.span.start, link.span.end),
                reading: Some(reading),
            }
        })
        .collect()
}

/// Removes secrets and e-mail addresses.
pub fn redact(recognisers: &Recognisers, text: &str) -> Redacted {
    recognisers.0.redaction.redact(text)
}
