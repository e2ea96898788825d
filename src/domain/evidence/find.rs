//! Decides which kinds of evidence a region holds: signs are weighed line by line, and a line speaks for one kind.

use super::EvidenceKind;
use super::load::Catalogue;
use super::text::Region;

/// So much weight makes a kind.
const ENOUGH: u32 = 10;

/// Lines between two signs of a kind that belong to it as well.
const GAP_LINES: usize = 3;

/// A kind and the lines that told.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) kind: EvidenceKind,
    /// Indices of the first and last line that told.
    pub(super) lines: (usize, usize),
}

/// The kinds found in a region, and for each line whether one of them owns it.
pub(super) fn kinds_in(
    catalogue: &Catalogue,
    region: &Region<'_>,
    name: Option<&str>,
) -> (Vec<Found>, Vec<bool>) {
    let hits: Vec<Vec<usize>> = region
        .lines
        .iter()
        .map(|line| catalogue.sign_set.matches(line.text.as_bytes()).collect())
        .collect();
    let mut owned = vec![false; region.lines.len()];
    let mut found: Vec<Found> = Vec::new();
    if hits.is_empty() {
        return (found, owned);
    }
    while let Some(kind) = best_left(catalogue, &hits, &owned, name, &found) {
        let lines: Vec<usize> =
            (0..hits.len()).filter(|i| !owned[*i] && tells(catalogue, &hits[*i], kind)).collect();
        let (first, last) = match (lines.first(), lines.last()) {
            (Some(first), Some(last)) => (*first, *last),
            _ => (0, hits.len() - 1),
        };
        for pair in lines.windows(2) {
            if pair[1] - pair[0] <= GAP_LINES {
                owned[pair[0]..=pair[1]].fill(true);
            }
        }
        for line in lines {
            owned[line] = true;
        }
        found.push(Found { kind, lines: (first, last) });
    }
    (found, owned)
}

fn tells(catalogue: &Catalogue, hits: &[usize], kind: EvidenceKind) -> bool {
    hits.iter().any(|sign| catalogue.signs.get(*sign).is_some_and(|s| s.kind == kind))
}

/// The kind with the greatest weight on lines nobody owns, if that is enough.
fn best_left(
    catalogue: &Catalogue,
    hits: &[Vec<usize>],
    owned: &[bool],
    name: Option<&str>,
    found: &[Found],
) -> Option<EvidenceKind> {
    let mut counts = vec![0_u32; catalogue.signs.len()];
    for (signs, _) in hits.iter().zip(owned).filter(|(_, owned)| !**owned) {
        for sign in signs {
            counts[*sign] += 1;
        }
    }
    let mut best: Option<(u32, bool, EvidenceKind)> = None;
    for kind in EvidenceKind::ALL.iter().filter(|k| found.iter().all(|f| f.kind != **k)) {
        let of_kind = catalogue.signs.iter().zip(&counts).filter(|(sign, _)| sign.kind == *kind);
        let mut weight: u32 =
            of_kind.map(|(sign, count)| sign.weight * (*count).min(sign.most)).sum();
        let named = catalogue
            .names
            .iter()
            .filter(|(p, k, _)| k == kind && name.is_some_and(|n| p.is_match(n.as_bytes())));
        weight += if found.is_empty() { named.map(|(_, _, weight)| weight).sum() } else { 0 };
        let particular = !matches!(kind, EvidenceKind::Log | EvidenceKind::Metric);
        if weight >= ENOUGH && best.is_none_or(|(w, p, _)| (weight, particular) > (w, p)) {
            best = Some((weight, particular, *kind));
        }
    }
    best.map(|(_, _, kind)| kind)
}
