//! Splits a message into words whose forms are brought together ("failing", "failed" and "fails" are one).

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization as _;

/// Words beyond this are not read: a symptom is stated early, and the work stays bounded.
const MAX_WORDS: usize = 1_500;

/// One word of a message.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Its stem, after irregular forms were replaced.
    pub(super) stem: String,
    /// As written, in lower case.
    pub(super) plain: String,
    /// Bytes of the original it stands in.
    pub(super) span: (usize, usize),
    /// Number of its sentence.
    pub(super) sentence: usize,
}

/// Irregular forms and abbreviations, each with the word it stands for.
pub(super) type Same = HashMap<String, String>;

/// The words of a text. `sentence` is the number of its first sentence.
pub(super) fn words(text: &str, same: &Same, mut sentence: usize) -> Vec<Word> {
    let mut found = Vec::new();
    let mut rest = text.char_indices().peekable();
    let mut before = ' ';
    let mut skip_to = 0;
    while let Some((start, first)) = rest.next() {
        if found.len() >= MAX_WORDS {
            break;
        }
        skip_to = skip_to.max(start + markup(&text[start..]));
        if start < skip_to {
            continue;
        }
        if first == '%' {
            found.push(word("percent", (start, start + 1), sentence, same));
        } else if first.is_alphanumeric() {
            let mut end = start + first.len_utf8();
            while let Some(&(at, next)) = rest.peek() {
                if !(next.is_alphanumeric() || joins(text, at, next)) {
                    break;
                }
                end = at + next.len_utf8();
                rest.next();
            }
            found.push(word(&text[start..end], (start, end), sentence, same));
        } else if matches!(first, '!' | '?' | ';' | '\n')
            || (first == '.' && before.is_alphanumeric())
        {
            sentence += 1;
        }
        before = first;
    }
    found
}

/// Length of what is no prose at the start of this text: a link, a mention, an emoji; 0 if it is prose.
fn markup(text: &str) -> usize {
    let until = |end: char| text.find(end).map_or(0, |at| at + end.len_utf8());
    if text.starts_with("<@")
        || text.starts_with("<#")
        || text.starts_with("<!")
        || text.starts_with("<http")
    {
        return until('>');
    }
    if text.starts_with("http://") || text.starts_with("https://") {
        return text.find(char::is_whitespace).unwrap_or(text.len());
    }
    let Some(name) =
        text.strip_prefix(':').and_then(|rest| rest.split_once(':')).map(|(name, _)| name)
    else {
        return 0;
    };
    let is_name =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-' | '+');
    if name.chars().all(is_name) && name.contains(|c: char| c.is_ascii_lowercase()) {
        name.len() + 2
    } else {
        0
    }
}

/// Whether this sign belongs to the word around it: `resolv.conf`, `don't`, `n+1`, `00:00`.
fn joins(text: &str, at: usize, sign: char) -> bool {
    let next = text[at + sign.len_utf8()..].chars().next();
    let previous = text[..at].chars().next_back();
    match sign {
        '.' | '+' | '\'' | '\u{2019}' => next.is_some_and(char::is_alphanumeric),
        ':' => {
            next.is_some_and(|c| c.is_ascii_digit()) && previous.is_some_and(|c| c.is_ascii_digit())
        }
        _ => false,
    }
}

fn word(written: &str, span: (usize, usize), sentence: usize, same: &Same) -> Word {
    let plain: String = written
        .nfkc()
        .flat_map(char::to_lowercase)
        .filter(|c| !matches!(c, '\'' | '\u{2019}'))
        .collect();
    Word { stem: stem(&plain, same), plain, span, sentence }
}

/// The stem of one word in lower case.
pub(super) fn stem(plain: &str, same: &Same) -> String {
    let word = same.get(plain).map_or(plain, String::as_str);
    // "502s" is several answers with 502; "300s" is five minutes.
    if let [b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b's'] = word.as_bytes() {
        return word[..3].to_owned();
    }
    if word.len() <= 3 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = without_plural(word);
    for ending in ["ing", "ed"] {
        if let Some(base) = stem.strip_suffix(ending) {
            let has_vowel = base.bytes().any(|b| b"aeiouy".contains(&b));
            if base.len() >= 3 && has_vowel && !stem.ends_with("eed") {
                stem = without_doubled_end(base);
            }
            break;
        }
    }
    if stem.len() > 3 && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

fn without_plural(word: &str) -> String {
    if let Some(base) = word.strip_suffix("ies").or_else(|| word.strip_suffix("ied")) {
        return format!("{base}y");
    }
    for ending in ["sses", "xes", "ches", "shes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    let keeps_its_s = ["ss", "us", "is"].iter().any(|end| word.ends_with(end));
    let base = if keeps_its_s { word } else { word.strip_suffix('s').unwrap_or(word) };
    base.to_owned()
}

/// "stopp" was "stop"; "fall", "pass" and "buzz" keep their double letter.
fn without_doubled_end(base: &str) -> String {
    let bytes = base.as_bytes();
    let doubled = bytes.len() > 3 && bytes[bytes.len() - 1] == bytes[bytes.len() - 2];
    let kept = matches!(bytes.last(), Some(b'l' | b's' | b'z'));
    if doubled && !kept { base[..base.len() - 1].to_owned() } else { base.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        let same = Same::from([("sent".to_owned(), "send".to_owned())]);
        words(text, &same, 0).into_iter().map(|w| w.stem).collect()
    }

    #[test]
    fn forms_of_a_word_are_one() {
        for forms in [
            ["failing", "failed", "fails"],
            ["caches", "cached", "caching"],
            ["queries", "query", "Query"],
            ["stopped", "stopping", "stops"],
            ["crashes", "crashed", "crashing"],
            ["sent", "sending", "sends"],
        ] {
            let found = stems(&forms.join(" "));
            assert!(found.iter().all(|s| *s == found[0]), "{forms:?} → {found:?}");
        }
    }

    #[test]
    fn signs_inside_words_stay() {
        assert_eq!(
            stems("resolv.conf, N+1; don't 00:00 100%"),
            ["resolv.conf", "n+1", "dont", "00:00", "100", "percent"]
        );
        assert_eq!(stems("crash-loop"), ["crash", "loop"]);
    }

    #[test]
    fn links_mentions_and_emoji_are_no_words() {
        let text = "<@U123> see https://x.example/slow?a=1 or <https://y.example|this> :white_check_mark: mail";
        assert_eq!(stems(text), ["see", "or", "mail"]);
        assert_eq!(stems("at 10:30: slow"), ["at", "10:30", "slow"]);
    }

    #[test]
    fn sentences_are_counted() {
        let found = words("Mail is late. Nobody knows; why?", &Same::new(), 0);
        let sentences: Vec<usize> = found.iter().map(|w| w.sentence).collect();
        assert_eq!(sentences, [0, 0, 0, 1, 1, 2]);
    }
}
