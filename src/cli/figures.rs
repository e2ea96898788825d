//! Figures of a detector on labelled messages: precision, recall, average precision.

/// What is counted of `(confidence, is a proposal)` pairs.
#[derive(Debug)]
pub(super) struct Figures {
    /// Proposals among them.
    pub positives: usize,
    /// Share of those said to be proposals that are.
    pub precision: f64,
    /// Share of the proposals that were said.
    pub recall: f64,
    /// Messages wrongly said to be proposals.
    pub wrong: usize,
    /// Mean precision at each proposal, ties counted against the detector.
    pub average_precision: f64,
}

impl Figures {
    /// Counts; a message is said to be a proposal above `at`.
    pub(super) fn of(pairs: &[(f64, bool)], at: f64) -> Self {
        let positives = pairs.iter().filter(|pair| pair.1).count();
        let said = pairs.iter().filter(|pair| pair.0 > at).count();
        let right = pairs.iter().filter(|pair| pair.0 > at && pair.1).count();
        let mut hits = 0;
        let mut sum = 0.0;
        for (rank, _) in ranked(pairs).iter().enumerate().filter(|(_, pair)| pair.1) {
            hits += 1;
            sum += share(hits, rank + 1);
        }
        Self {
            positives,
            precision: share(right, said),
            recall: share(right, positives),
            wrong: said - right,
            average_precision: sum / count(positives.max(1)),
        }
    }

    /// The highest recall at which precision is still `precision`.
    pub(super) fn recall_at(&self, pairs: &[(f64, bool)], precision: f64) -> f64 {
        let (mut hits, mut best) = (0, 0.0);
        for (rank, pair) in ranked(pairs).iter().enumerate() {
            hits += usize::from(pair.1);
            if share(hits, rank + 1) >= precision {
                best = share(hits, self.positives);
            }
        }
        best
    }
}

fn ranked(pairs: &[(f64, bool)]) -> Vec<(f64, bool)> {
    let mut sorted = pairs.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    sorted
}

/// A part of a whole; 0 of nothing.
pub(super) fn share(part: usize, whole: usize) -> f64 {
    count(part) / count(whole.max(1))
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts of messages are far below 2^52")]
pub(super) fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_evaluation_counts() {
        let pairs = [(0.9, true), (0.8, false), (0.7, true), (0.2, false), (0.1, true)];
        let figures = Figures::of(&pairs, 0.5);
        assert_eq!((figures.positives, figures.wrong), (3, 1));
        assert!((figures.precision - 2.0 / 3.0).abs() < 1e-9);
        assert!((figures.average_precision - (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0).abs() < 1e-9);
        assert!((figures.recall_at(&pairs, 0.9) - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_tie_counts_against_the_detector() {
        assert!(Figures::of(&[(0.5, true), (0.5, false)], 0.4).average_precision < 0.6);
    }
}
