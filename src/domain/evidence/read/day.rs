//! Days as certificates, registries and headers write them.

use jiff::civil::Date;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The day a text begins with: `2026-11-16T…`, `16-Nov-2026`, `17.7.2022`, `Nov 16 23:59:59 2026 GMT`, `Mon, 16 Nov 2026`.
pub(super) fn day(text: &str) -> Option<Date> {
    let parts: Vec<&str> = text
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|p| !p.is_empty())
        .take(8)
        .collect();
    let parts: Vec<&str> = parts
        .iter()
        .map(|p| p.split_once('T').map_or(*p, |(day, _)| if day.is_empty() { p } else { day }))
        .collect();
    let weekday = parts.first().is_some_and(|p| {
        p.len() == 3 && month(p).is_none() && p.bytes().all(|b| b.is_ascii_alphabetic())
    });
    let parts = parts.get(usize::from(weekday)..)?;
    let [a, b, c, ..] = parts else { return None };
    if a.len() == 4 && a.bytes().all(|x| x.is_ascii_digit()) {
        return date(a, b, c);
    }
    if month(a).is_some() && a.bytes().all(|x| x.is_ascii_alphabetic()) {
        let year =
            parts.iter().skip(2).find(|p| p.len() == 4 && p.bytes().all(|x| x.is_ascii_digit()))?;
        return date(year, a, b);
    }
    date(c, b, a)
}

fn date(year: &str, month_text: &str, day: &str) -> Option<Date> {
    let year = year.parse().ok().filter(|y| (1980..=2200).contains(y))?;
    Date::new(year, month(month_text)?, day.parse().ok()?).ok()
}

fn month(text: &str) -> Option<i8> {
    let name = text.get(..3).map(str::to_ascii_lowercase);
    let named = name.and_then(|name| MONTHS.iter().position(|known| *known == name));
    text.parse().ok().or_else(|| named.and_then(|i| i8::try_from(i + 1).ok()))
}
