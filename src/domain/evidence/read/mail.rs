//! Who vouches for a mail: SPF, DKIM and DMARC results, and whether the domains agree.

use super::{Fact, shortened};
use crate::domain::evidence::text::Line;

/// The three methods, in the order a reader asks for them.
const METHODS: [&str; 3] = ["dmarc", "dkim", "spf"];

/// A method's result and where it stands.
struct Verdict {
    line: usize,
    method: &'static str,
    result: String,
}

impl Verdict {
    fn failed(&self) -> bool {
        matches!(
            self.result.as_str(),
            "fail" | "softfail" | "hardfail" | "permerror" | "temperror" | "policy"
        )
    }

    fn passed(&self) -> bool {
        self.result.contains("pass")
    }
}

pub(super) fn read(lines: &[&Line<'_>]) -> Option<Fact> {
    let mut verdicts: Vec<Verdict> = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        for (method, result) in results(&line.text) {
            verdicts.push(Verdict { line: i, method, result });
        }
    }
    let report =
        lines.iter().any(|line| line.text.contains("<feedback") || line.text.contains("<record>"));
    let mut worst: Vec<&Verdict> = Vec::new();
    for method in METHODS {
        let mut of_method = verdicts.iter().filter(|v| v.method == method);
        let chosen = of_method.clone().find(|v| v.failed()).or_else(|| of_method.next());
        worst.extend(chosen);
    }
    let says = worst
        .iter()
        .map(|v| format!("{}: {}", v.method.to_uppercase(), v.result))
        .collect::<Vec<_>>();
    let says = if report { format!("DMARC report: {}", says.join(", ")) } else { says.join(", ") };
    if let Some(bad) = worst.iter().find(|v| v.failed()) {
        return Some(Fact::new(90, bad.line, says).supports(&["email-auth"]));
    }
    if let Some((line, domains)) =
        misaligned(lines).filter(|_| !worst.iter().any(|v| v.method == "dmarc" && v.passed()))
    {
        return Some(
            Fact::new(84, line, format!("{says}; not aligned: {domains}"))
                .supports(&["email-auth"]),
        );
    }
    let good = worst.iter().find(|v| v.passed())?;
    let all = worst.iter().all(|v| v.passed());
    let fact = Fact::new(50, good.line, says);
    Some(if all { fact.against(&["email-auth"]) } else { fact })
}

/// `dkim=fail`, `Received-SPF: softfail`, `<dkim>fail</dkim>`.
fn results(line: &str) -> Vec<(&'static str, String)> {
    let lower = line.to_ascii_lowercase();
    let mut found = Vec::new();
    for method in METHODS {
        for mark in [format!("{method}="), format!("<{method}>"), format!("received-{method}: ")] {
            for (at, _) in lower.match_indices(&mark) {
                let before = lower[..at].chars().next_back();
                let value: String = lower[at + mark.len()..]
                    .chars()
                    .take_while(char::is_ascii_alphabetic)
                    .collect();
                let known = [
                    "pass",
                    "fail",
                    "softfail",
                    "hardfail",
                    "neutral",
                    "none",
                    "permerror",
                    "temperror",
                    "bestguesspass",
                    "policy",
                ];
                if known.contains(&value.as_str())
                    && !before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '-')
                {
                    found.push((method, value));
                }
            }
        }
    }
    found
}

/// The domain that signed or sent, where it is not the one the reader sees.
fn misaligned(lines: &[&Line<'_>]) -> Option<(usize, String)> {
    let (from_line, from) = lines.iter().enumerate().find_map(|(i, line)| {
        let rest = line.text.strip_prefix("From:").or_else(|| line.text.strip_prefix("from:"))?;
        domain_after(rest, "@").map(|domain| (i, domain))
    })?;
    let signed = lines.iter().find_map(|line| {
        domain_after(&line.text, "header.d=").or_else(|| domain_after(&line.text, "header.i=@"))
    });
    let signed = signed?;
    let same = organisation(&signed) == organisation(&from);
    (!same).then(|| (from_line, shortened(&format!("signed by {signed}, sent as {from}"), 90)))
}

fn domain_after(text: &str, mark: &str) -> Option<String> {
    let (_, rest) = text.split_once(mark)?;
    let domain: String =
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')).collect();
    domain.contains('.').then(|| domain.trim_matches('.').to_ascii_lowercase())
}

/// The last two labels, three where the second is short (`co.uk`).
fn organisation(domain: &str) -> String {
    let labels: Vec<&str> = domain.split('.').collect();
    let second_is_short =
        labels.len() > 2 && labels.get(labels.len() - 2).is_some_and(|l| l.len() <= 3);
    let keep = if second_is_short { 3 } else { 2 };
    labels.iter().skip(labels.len().saturating_sub(keep)).copied().collect::<Vec<_>>().join(".")
}
