//! Terms: from when until when a certificate or a registration holds, against the day it is read.

use std::sync::LazyLock;

use jiff::civil::Date;
use regex::Regex;

use super::Fact;
use super::day::day;
use crate::domain::evidence::text::Line;

/// A term that ends this soon is worth a word.
const SOON_DAYS: i32 = 14;

static CERTIFICATE_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:notAfter=|Not ?After ?: ?|NotAfter: |expire date: |Expiry Date: |Valid(?:ity)? (?:until|to): )(?P<date>\S.{6,40})")
        .expect("the pattern is a constant of this file")
});
static CERTIFICATE_START: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:notBefore=|Not ?Before ?: ?|start date: )(?P<date>\S.{6,40})")
        .expect("the pattern is a constant of this file")
});
static REGISTRATION_END: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)^\s*(?:Registry Expiry Date|Registrar Registration Expiration Date|Expir(?:y|ation) (?:Date|Time)|expires(?: on)?|paid-till|renewal date)[. ]*:\s*(?P<date>\S.{5,30})")
        .expect("the pattern is a constant of this file")
});
static ASKED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:last update of \S+ database|database last updated on|last updated|updated date|modified|deactivationdate|^< date|^date)[. ]*:\s*(?P<date>\S.{5,30})")
        .expect("the pattern is a constant of this file")
});

/// A certificate's term.
pub(super) fn certificate(lines: &[&Line<'_>], today: Option<Date>) -> Option<Fact> {
    let (end_line, end_text, end) = found(&CERTIFICATE_END, lines)?;
    let Some(today) = today else {
        return Some(Fact::new(55, end_line, format!("valid until {end_text}")));
    };
    if let Some((line, text, _)) =
        found(&CERTIFICATE_START, lines).filter(|(_, _, start)| *start > today)
    {
        return Some(
            Fact::new(91, line, format!("valid only from {text}"))
                .supports(&["tls-cert", "clock-time"]),
        );
    }
    let left = days(today, end);
    Some(match left {
        left if left < 0 => {
            Fact::new(91, end_line, format!("certificate ended {end_text}, {} days ago", -left))
                .supports(&["tls-cert"])
        }
        left if left <= SOON_DAYS => {
            Fact::new(70, end_line, format!("certificate ends {end_text}, in {left} days"))
                .supports(&["tls-cert"])
        }
        _ => Fact::new(56, end_line, format!("valid until {end_text}")).against(&["tls-cert"]),
    })
}

/// A registration's term; the answer's own dates tell when it was asked, else today does.
pub(super) fn registration(lines: &[&Line<'_>], today: Option<Date>) -> Option<Fact> {
    let (line, text, end) = found(&REGISTRATION_END, lines)?;
    let latest =
        lines.iter().filter_map(|l| day(ASKED.captures(&l.text)?.name("date")?.as_str())).max();
    if latest.max(today).is_some_and(|asked| asked > end) {
        return Some(
            Fact::new(91, line, format!("registration expired {text}"))
                .supports(&["dns-record", "ownership-gap"]),
        );
    }
    Some(Fact::new(46, line, format!("registered until {text}")))
}

fn found(pattern: &Regex, lines: &[&Line<'_>]) -> Option<(usize, String, Date)> {
    lines.iter().enumerate().find_map(|(i, line)| {
        let text = pattern.captures(&line.text)?.name("date")?.as_str().trim().to_owned();
        day(&text).map(|date| (i, text, date))
    })
}

fn days(from: Date, to: Date) -> i32 {
    from.until(to).map_or(0, |span| span.get_days())
}
