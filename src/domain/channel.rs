//! Channels: which of them are about an incident, and what the bot may do when it comes to one.

use jiff::Timestamp;
use regex::Regex;

use super::policy::{ChannelState, Silence, still_allows};

/// The names of incident channels, unless they are set otherwise.
pub const INCIDENTS: &str = "inc-*,incident-*,sev[0-9]*-*";

/// Which channel names mean an incident.
#[derive(Clone, Debug)]
pub struct Patterns(Regex);

impl Default for Patterns {
    fn default() -> Self {
        Self::parse(INCIDENTS).expect("a test reads the default")
    }
}

impl Patterns {
    /// Reads patterns separated by commas: `*` is anything, `?` one character, `[0-9]` one of these. Says what is wrong.
    pub fn parse(list: &str) -> Result<Self, String> {
        let globs = list.split(',').map(str::trim).filter(|glob| !glob.is_empty());
        let all = globs.map(expression).collect::<Result<Vec<_>, _>>()?;
        if all.is_empty() {
            return Err("it holds no pattern".to_owned());
        }
        Regex::new(&format!("^(?:{})$", all.join("|"))).map(Self).map_err(|_| {
            "one of its patterns can't be read: in [a-z] the first must come before the last"
                .to_owned()
        })
    }

    /// Whether a channel of this name is about an incident.
    pub fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}

/// One pattern as a regular expression.
fn expression(glob: &str) -> Result<String, String> {
    if !glob.chars().any(char::is_alphanumeric) {
        return Err(format!("“{glob}” would mean every channel"));
    }
    let mut out = String::new();
    let mut chars = glob.chars();
    while let Some(c) = chars.next() {
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                let mut inside = String::new();
                loop {
                    match chars.next() {
                        Some(']') if !inside.is_empty() => break,
                        Some(c) if in_a_name(c) => inside.push(c),
                        _ => return Err(format!("“{glob}” opens a [ and does not close it")),
                    }
                }
                out.extend(["[", &inside, "]"]);
            }
            c if in_a_name(c) => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
            c => {
                return Err(format!(
                    "“{glob}” holds “{c}”, which no channel's name does (write it in lower case and without #)"
                ));
            }
        }
    }
    Ok(out)
}

fn in_a_name(c: char) -> bool {
    matches!(c, '-' | '_') || (c.is_alphanumeric() && !c.is_uppercase())
}

/// A channel as the chat describes it now.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, as the chat tells them")]
pub struct Channel {
    /// Its name, without `#`.
    pub name: String,
    /// Whether only invited people can read it.
    pub private: bool,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether people of another company read it too.
    pub external: bool,
    /// Whether the bot is in it.
    pub member: bool,
}

/// What is known about a channel, corrected by what the chat says now.
pub fn seen(channel: &Channel, state: ChannelState) -> ChannelState {
    // One the bot is not in may be one it was sent out of, or one it never was in: that is remembered, not seen.
    let gone = if channel.member { channel.archived } else { state.gone };
    ChannelState { gone, ..state }
}

/// Whether a channel gets an incident card now; it may need joining first.
pub fn opens_incident(
    channel: &Channel,
    state: &ChannelState,
    incidents: &Patterns,
    now: Timestamp,
) -> bool {
    incidents.matches(&channel.name)
        && may_speak(channel, state, now).is_ok()
        && (channel.member || !channel.private)
}

/// Whether a channel that the bot was invited to is greeted.
pub fn greets(
    channel: &Channel,
    state: &ChannelState,
    incidents: &Patterns,
    now: Timestamp,
) -> bool {
    !incidents.matches(&channel.name) && may_speak(channel, state, now).is_ok() && channel.member
}

fn may_speak(channel: &Channel, state: &ChannelState, now: Timestamp) -> Result<(), Silence> {
    if channel.external {
        return Err(Silence::External);
    }
    if channel.archived {
        return Err(Silence::NotThere);
    }
    still_allows(state, "", now)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::policy::Mode;

    #[test]
    fn the_default_names_incidents_and_nothing_else() {
        let incidents = Patterns::default();
        for name in
            ["inc-42", "inc-", "incident-2026-11-21-mail", "sev1-db", "sev10-x", "inc-größe"]
        {
            assert!(incidents.matches(name), "{name}");
        }
        for name in
            ["backend", "incidents", "include-me-not", "sevx-db", "sev1", "my-inc-1", "", "income"]
        {
            assert!(!incidents.matches(name), "{name}");
        }
    }

    #[test]
    fn a_pattern_is_read_or_refused_with_its_reason() {
        let matches = |list: &str, name: &str| Patterns::parse(list).unwrap().matches(name);
        assert!(matches(" ops_? , war-room ", "ops_7") && matches("ops_?,war-room", "war-room"));
        assert!(
            !matches("ops_?", "ops_77")
                && !matches("a[0-9_]b", "axb")
                && matches("a[0-9_]b", "a_b")
        );
        for (list, reason) in [
            ("", "no pattern"),
            (" , ", "no pattern"),
            ("*", "every channel"),
            ("inc-*,?*", "every channel"),
            ("#inc-*", "without #"),
            ("INC-*", "lower case"),
            ("inc *", "no channel's name"),
            ("inc.*", "no channel's name"),
            ("sev[0-9-*", "does not close"),
            ("sev[]-*", "does not close"),
            ("sev[9-0]", "can't be read"),
        ] {
            let fault = Patterns::parse(list).unwrap_err();
            assert!(fault.contains(reason), "{list:?}: {fault}");
        }
        // Many stars are no trouble.
        let stars = format!("{}b", "*a".repeat(40));
        assert!(!matches(&stars, &"a".repeat(80)));
    }

    #[test]
    fn who_gets_an_incident_card_and_who_a_greeting() {
        let now = Timestamp::UNIX_EPOCH;
        let channel = |name: &str| Channel {
            name: name.to_owned(),
            private: false,
            archived: false,
            external: false,
            member: true,
        };
        let incident = channel("inc-1");
        let fresh = ChannelState::default();
        let incidents = Patterns::default();
        let opens = |channel: &Channel, state: &ChannelState| {
            opens_incident(channel, state, &incidents, now)
        };
        let greets =
            |channel: &Channel, state: &ChannelState| greets(channel, state, &incidents, now);
        assert!(opens(&incident, &fresh) && !greets(&incident, &fresh));
        assert!(greets(&channel("backend"), &fresh) && !opens(&channel("backend"), &fresh));
        let outside = Channel { member: false, ..incident.clone() };
        assert!(opens(&outside, &fresh));
        assert!(!opens(&Channel { private: true, ..outside.clone() }, &fresh));
        assert!(opens(&Channel { private: true, ..incident.clone() }, &fresh));
        assert!(!greets(&Channel { member: false, ..channel("backend") }, &fresh));
        let until = Some(now + SignedDuration::from_hours(1));
        let silent = [
            ChannelState { mode: Mode::Off, ..fresh.clone() },
            ChannelState { paused_until: until, ..fresh.clone() },
            ChannelState { gone: true, ..fresh.clone() },
        ];
        for state in &silent {
            assert!(!opens(&outside, state) && !greets(&channel("backend"), state), "{state:?}");
        }
        for wrong in
            [Channel { external: true, ..incident.clone() }, Channel { archived: true, ..incident }]
        {
            assert!(!opens(&wrong, &fresh), "{wrong:?}");
        }
    }

    #[test]
    fn being_back_is_seen_and_being_sent_out_is_remembered() {
        let channel = |member, archived| Channel {
            name: "x".to_owned(),
            private: false,
            archived,
            external: false,
            member,
        };
        let gone = |channel: Channel, before| {
            seen(&channel, ChannelState { gone: before, ..ChannelState::default() }).gone
        };
        assert!(!gone(channel(true, false), true));
        assert!(gone(channel(true, true), false));
        assert!(gone(channel(false, false), true));
        assert!(!gone(channel(false, false), false));
    }
}
