//! What is wrong with a setting: named by its variable, collected, and reported all at once.

use url::{Host, Url};

/// A fault of the settings. What it says repeats no value that is or may hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The variable it is about.
    pub variable: &'static str,
    /// What is wrong with it, with the next step.
    pub why: String,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.variable, self.why)
    }
}

/// Every fault found, in plain words.
#[derive(Debug, thiserror::Error)]
#[error("the configuration has {}:{}", count(.0.len()), listed(.0))]
pub struct ConfigError(pub(super) Vec<Fault>);

impl ConfigError {
    pub(super) fn of(variable: &'static str, why: impl Into<String>) -> Self {
        Self(vec![Fault { variable, why: why.into() }])
    }

    /// A variable that a command can't do without.
    pub fn needed(variable: &'static str, what: &str) -> Self {
        Self::of(variable, format!("is missing: {what}"))
    }
}

fn count(faults: usize) -> String {
    if faults == 1 { "a fault".to_owned() } else { format!("{faults} faults") }
}

fn listed(faults: &[Fault]) -> String {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  - {fault}")).collect();
    lines.concat()
}

/// Reads variables, and collects what is wrong with them.
pub(super) struct Faults<'a> {
    get: &'a dyn Fn(&str) -> Option<String>,
    pub(super) found: Vec<Fault>,
}

impl<'a> Faults<'a> {
    pub(super) fn of(get: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { get, found: Vec::new() }
    }

    /// What was read, if nothing is wrong with it.
    pub(super) fn whole<T>(self, read: T) -> Result<T, ConfigError> {
        if self.found.is_empty() { Ok(read) } else { Err(ConfigError(self.found)) }
    }

    pub(super) fn set(&self, name: &str) -> Option<String> {
        (self.get)(name).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty())
    }

    pub(super) fn add(&mut self, variable: &'static str, why: impl Into<String>) {
        self.found.push(Fault { variable, why: why.into() });
    }

    pub(super) fn named(&self, variable: &str) -> bool {
        self.found.iter().any(|fault| fault.variable == variable)
    }

    /// That it is missing, unless something else is wrong with it.
    pub(super) fn needed(&mut self, variable: &'static str, what: &str) {
        if !self.named(variable) {
            self.add(variable, format!("is missing: {what}"));
        }
    }

    /// The entries of a list. One that is set and names nothing is a slip: it must not be taken for unset.
    pub(super) fn entries<'v>(
        &mut self,
        name: &'static str,
        value: &'v str,
        what: &str,
    ) -> Vec<&'v str> {
        let entries: Vec<&str> =
            value.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
        if entries.is_empty() {
            self.add(name, format!("is \"{value}\": name {what}, or leave it unset"));
        }
        entries
    }

    /// An address of the web, without a slash at its end. It may hold a password, so it is not repeated.
    pub(super) fn web_address(&mut self, name: &'static str, value: &str) -> Option<String> {
        let fault = match Url::parse(value) {
            Err(error) => format!("is not a URL: {error}"),
            Ok(url) if !is_bare(&url) => "must have no user, question mark or # in it".to_owned(),
            Ok(url) if is_safe(&url) => return Some(value.trim_end_matches('/').to_owned()),
            Ok(_) => {
                "must be https://…; plain http is allowed to this machine's loopback address only"
                    .to_owned()
            }
        };
        self.add(name, fault);
        None
    }
}

fn is_bare(url: &Url) -> bool {
    let nobody = url.username().is_empty() && url.password().is_none();
    nobody && url.query().is_none() && url.fragment().is_none()
}

fn is_safe(url: &Url) -> bool {
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Ipv4(ip))) => ip.is_loopback(),
        ("http", Some(Host::Ipv6(ip))) => ip.is_loopback(),
        ("http", Some(Host::Domain(name))) => name == "localhost",
        _ => false,
    }
}
