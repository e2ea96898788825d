//! Made-up ids and secrets, random per start.

use std::hash::{BuildHasher, Hasher, RandomState};

/// `count` random characters of `A–Z` and `0–9`.
pub(super) fn random(count: usize) -> String {
    const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut text = String::with_capacity(count);
    while text.len() < count {
        let mut bits = RandomState::new().build_hasher().finish();
        for _ in 0..10.min(count - text.len()) {
            let letter = usize::try_from(bits % 36).unwrap_or(0);
            text.push(char::from(LETTERS[letter]));
            bits /= 36;
        }
    }
    text
}

/// A random id in the shape of a UUID, as envelopes carry.
pub(super) fn uuid() -> String {
    let hex = format!(
        "{:016x}{:016x}",
        RandomState::new().build_hasher().finish(),
        RandomState::new().build_hasher().finish()
    );
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
