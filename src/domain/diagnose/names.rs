//! The names a command can carry: the domain, pod or table that the message or the evidence speaks of.
//!
//! A name goes into a command people may paste into a shell, so only names of plain letters, digits, dots and dashes
//! are taken, and none that begins with a dash.

use core::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

/// Names read from what people wrote and posted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    host: Option<String>,
    domain: Option<String>,
    selector: Option<String>,
    sender: Option<String>,
    pod: Option<String>,
    table: Option<String>,
}

/// Endings by which a dotted word is a host and no file, version or abbreviation.
const ENDINGS: &[&str] = &[
    "com",
    "org",
    "net",
    "io",
    "dev",
    "app",
    "co",
    "uk",
    "de",
    "fr",
    "eu",
    "ch",
    "at",
    "nl",
    "be",
    "se",
    "no",
    "dk",
    "fi",
    "pl",
    "es",
    "it",
    "pt",
    "ie",
    "cz",
    "ca",
    "au",
    "nz",
    "us",
    "br",
    "in",
    "jp",
    "edu",
    "gov",
    "info",
    "biz",
    "shop",
    "store",
    "cloud",
    "tech",
    "online",
    "site",
    "xyz",
    "ai",
    "example",
    "test",
    "internal",
    "local",
    "localhost",
];
/// Hosts that are named without being the subject: mail boxes, chats, code hosts and the senders of others' mail.
const ELSEWHERE: &[&str] = &[
    "gmail.com",
    "googlemail.com",
    "google.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "yahoo.com",
    "icloud.com",
    "slack.com",
    "github.com",
    "gitlab.com",
    "atlassian.net",
    "stackoverflow.com",
    "wikipedia.org",
    "sendgrid.net",
    "sendgrid.com",
    "mailgun.org",
    "amazonses.com",
    "mailchimp.com",
    "mcsv.net",
    "hubspot.com",
    "amazonaws.com",
];

/// Compiled when it is first needed. A pattern that is no pattern would be found by the tests.
macro_rules! pattern {
    ($text:literal) => {{
        static PATTERN: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($text).expect("a test compiles every pattern"));
        &*PATTERN
    }};
}

impl Names {
    /// Reads the names from these texts, the most telling first.
    pub fn read<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut names = Self::default();
        for text in texts {
            names.read_one(text);
        }
        names
    }

    fn read_one(&mut self, text: &str) {
        let signed = pattern!(
            r"(?i)(?:\bheader\.d=|\bheader\.i=@|\bheader\.from=|(?:^|[;\s])d=)([a-z0-9.-]+)"
        );
        let selector = pattern!(r"(?i)(?:\bheader\.s=|[;\s]s=)([a-z0-9._-]+)");
        let looked_up = pattern!(r"(?i)\b([a-z0-9-]+)\._domainkey\.([a-z0-9.-]+)");
        let sender =
            pattern!(r"(?i)(?:\bclient-ip=|\bdesignates |\bsmtp\.remote-ip=)([0-9a-f.:]+)");
        let pod =
            pattern!(r"\b(?:pods?/|[Pp]od:? )?([a-z0-9][a-z0-9-]*-[a-f0-9]{6,10}-[a-z0-9]{5})\b");
        let table = pattern!(
            r#"(?:\b(?:Seq|Index|Bitmap Heap) Scan (?:using \w+ )?on |\b(?i:relation|table) ["`'])(\w+)"#
        );
        if let Some(found) = looked_up.captures(text) {
            keep(&mut self.selector, &found[1], is_label);
            keep(&mut self.domain, &found[2], is_host);
        }
        if let Some(domain) = signed.captures(text).filter(|found| is_own(&found[1])) {
            keep(&mut self.domain, &domain[1], is_host);
            // A selector means nothing without the domain it belongs to.
            for found in selector.captures_iter(text).take(1) {
                keep(&mut self.selector, &found[1], is_label);
            }
        }
        for (field, pattern, valid) in [
            (&mut self.sender, sender, is_address as fn(&str) -> bool),
            (&mut self.pod, pod, is_label),
            (&mut self.table, table, is_label),
        ] {
            if let Some(found) = pattern.captures(text) {
                keep(field, &found[1], valid);
            }
        }
        let hosts = pattern!(r"(?i)[a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)+");
        let mut hosts = hosts.find_iter(text).filter(|found| !text[..found.start()].ends_with('@'));
        if let Some(host) = hosts.find(|found| is_host(found.as_str()) && is_own(found.as_str())) {
            keep(&mut self.host, host.as_str(), is_host);
        }
    }

    /// The command with its placeholders replaced by the names that are known.
    pub fn fill(&self, run: &str) -> String {
        let host = self.host.as_ref().or(self.domain.as_ref());
        let bare = host.map(|host| host.strip_prefix("www.").unwrap_or(host).to_owned());
        let domain = self.domain.as_ref().or(bare.as_ref());
        let known = [
            ("www.example.com", host),
            ("api.example.com", host),
            ("<host>", host),
            ("example.com", domain),
            ("<sel>", self.selector.as_ref().filter(|_| self.domain.is_some())),
            ("<sending-ip>", self.sender.as_ref()),
            ("<pod>", self.pod.as_ref()),
            ("<table>", self.table.as_ref()),
        ];
        let known = known.into_iter().filter_map(|(place, name)| Some((place, name?)));
        known.fold(run.to_owned(), |run, (place, name)| run.replace(place, name))
    }
}

/// Remembers the first valid name.
fn keep(field: &mut Option<String>, name: &str, valid: impl Fn(&str) -> bool) {
    let name = name.trim_end_matches('.');
    if field.is_none() && valid(name) {
        *field = Some(name.to_owned());
    }
}

fn is_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && !name.starts_with(['-', '.'])
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_host(name: &str) -> bool {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let ending = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.contains('.')
        && ENDINGS.contains(&ending)
        && name
            .split('.')
            .all(|label| is_label(label) && !label.ends_with('-') && !label.contains('_'))
}

/// Whether the host may be the subject, rather than somebody else's service.
fn is_own(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    !ELSEWHERE.iter().any(|other| host == *other || host.ends_with(&format!(".{other}")))
}

fn is_address(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(run: &str, texts: &[&str], expected: &str) {
        assert_eq!(Names::read(texts.iter().copied()).fill(run), expected);
    }

    const DKIM: &str = "dig +short TXT <sel>._domainkey.example.com";

    #[test]
    fn headers_name_domain_and_selector() {
        let filled = "dig +short TXT s1._domainkey.acme.com";
        check(DKIM, &["dkim=fail (no key) header.d=acme.com header.s=s1"], filled);
        check(DKIM, &["DKIM-Signature: v=1; a=rsa-sha256; d=acme.com; s=s1; h=from:to"], filled);
        check(DKIM, &["our mails", "s1._domainkey.acme.com. 300 IN TXT"], filled);
        check(
            "dig -x <sending-ip>",
            &["Received-SPF: softfail client-ip=192.0.2.7;"],
            "dig -x 192.0.2.7",
        );
    }

    #[test]
    fn the_message_names_a_host() {
        check(
            "whois example.com",
            &["<https://www.acme.de/shop|our shop> is gone"],
            "whois acme.de",
        );
        check(
            "dig www.example.com",
            &["www.acme.de is gone, see node.js 1.2.3"],
            "dig www.acme.de",
        );
        check(
            "openssl s_client -connect <host>:443",
            &["api.acme.io fails"],
            "openssl s_client -connect api.acme.io:443",
        );
    }

    #[test]
    fn plans_and_events_name_table_and_pod() {
        check("\\d <table>", &["Seq Scan on orders  (cost=0.00..1)"], "\\d orders");
        check(
            "kubectl describe pod <pod>",
            &["pod/api-7f9c6d5b8-x2x4q OOMKilled"],
            "kubectl describe pod api-7f9c6d5b8-x2x4q",
        );
    }

    #[test]
    fn what_is_not_known_or_not_plain_stays_out() {
        check(DKIM, &["mails to gmail.com and someone@acme.com land in spam"], DKIM);
        for text in [
            "header.d=acme.com$(reboot) header.s=-rf",
            "header.d=`id`.com header.s=;id",
            "d=--help; s=x",
            "see node.js, main.rs, v1.2.3, resolv.conf and e.g. this",
            "Seq Scan on \"; drop table x\"",
        ] {
            let filled =
                Names::read([text]).fill("<sel> <host> example.com <table> <pod> <sending-ip>");
            let plain = |c: char| c.is_ascii_alphanumeric() || " .<>_-".contains(c);
            assert!(filled.chars().all(plain) && !filled.contains(" -"), "{text}: {filled}");
        }
    }
}
