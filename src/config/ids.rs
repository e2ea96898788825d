//! What Slack's ids look like, as far as a slip can be told from one.

/// `C…`, or `G…` for an old private channel.
pub(super) fn is_channel(id: &str) -> bool {
    is_id(id, ['C', 'G'])
}

/// `T…`, or `E…` for a whole organisation.
pub(super) fn is_workspace(id: &str) -> bool {
    is_id(id, ['T', 'E'])
}

fn is_id(id: &str, begins: [char; 2]) -> bool {
    id.len() > 8
        && id.starts_with(begins)
        && id.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}
