//! Decides whether to speak: apart from the verdict, and always naming the rule that silenced it.
//!
//! Shared by the bot, `detect --json` and (later) `replay`: one place for every reason to stay silent.

use jiff::{SignedDuration, Timestamp};

use super::Door;
use super::detect::Verdict;
use super::investigation::CaseNumber;

super::wire_enum! {
    /// Why the bot stays silent.
    Silence {
        /// The message is not a proposal.
        NotAProposal = "not_a_proposal",
        /// Easy to undo and no problem stated: waved through.
        TwoWayDoor = "two_way_door",
        /// The channel's mode is off.
        ChannelOff = "channel_off",
        /// The channel is only observed: counted, never answered.
        Observe = "observe",
        /// Somebody paused the bot here.
        Paused = "paused",
        /// People of another company read this channel.
        External = "external_channel",
        /// Somebody said: never for this topic.
        TopicNever = "topic_never",
        /// The same topic was answered within thirty days.
        TopicCooldown = "topic_cooldown",
        /// The channel was answered a short while ago.
        ChannelCooldown = "channel_cooldown",
        /// The channel had its prompts for today.
        ChannelCap = "channel_cap",
        /// A person already asked for evidence.
        SomeoneAsked = "someone_asked",
        /// The writer changed or removed the message before we spoke.
        Retracted = "retracted",
        /// An incident is worked on here: proposals wait for the review.
        Incident = "incident_channel",
        /// The bot was sent out of the channel, or the channel is archived.
        NotThere = "not_there",
    }
}

super::wire_enum! {
    /// How the bot behaves in a channel.
    Mode {
        /// Deaf.
        Off = "off",
        /// Counts what it would have said.
        Observe = "observe",
        /// Answers in the thread.
        Thread = "thread",
    }
}

/// How long one topic stays answered.
pub const TOPIC_COOLDOWN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The workspace's settings for speaking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long to wait for a person to ask first.
    pub quiet_period: SignedDuration,
    /// Prompts per channel and day; 0 for no cap.
    pub channel_cap: u32,
    /// Between two prompts in a channel; zero for none.
    pub cooldown: SignedDuration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            quiet_period: SignedDuration::from_secs(60),
            channel_cap: 2,
            cooldown: SignedDuration::from_hours(4),
        }
    }
}

/// What is known about a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelState {
    /// Its mode.
    pub mode: Mode,
    /// Until when it is paused.
    pub paused_until: Option<Timestamp>,
    /// When prompts were decided here in the last thirty days, and on which topic.
    pub prompts: Vec<(Timestamp, String)>,
    /// Topics that are never answered here.
    pub never: Vec<String>,
    /// Whether the bot is out of it: sent out, or the channel is archived or deleted.
    pub gone: bool,
    /// When the bot decided to greet it; once for ever.
    pub greeted: Option<Timestamp>,
    /// The incident it is about.
    pub incident: Option<CaseNumber>,
    /// Counts the changes, so that two prompts at once can't both pass the cap.
    pub revision: i64,
}

impl Default for ChannelState {
    fn default() -> Self {
        Self {
            mode: Mode::Thread,
            paused_until: None,
            prompts: Vec::new(),
            never: Vec::new(),
            gone: false,
            greeted: None,
            incident: None,
            revision: 0,
        }
    }
}

/// Whether the message alone is worth speaking to, whatever the channel.
pub fn worth_speaking(verdict: &Verdict) -> Result<(), Silence> {
    if !verdict.proposal {
        return Err(Silence::NotAProposal);
    }
    if verdict.door == Door::TwoWay && verdict.problem.is_none() {
        return Err(Silence::TwoWayDoor);
    }
    Ok(())
}

/// Whether the channel lets us speak now on this topic.
pub fn channel_allows(
    channel: &ChannelState,
    external: bool,
    topic: &str,
    limits: &Limits,
    now: Timestamp,
) -> Result<(), Silence> {
    if external {
        return Err(Silence::External);
    }
    still_allows(channel, topic, now)?;
    let since = |duration| move |(at, _): &&(Timestamp, String)| now.duration_since(*at) < duration;
    if channel.prompts.iter().filter(since(TOPIC_COOLDOWN)).any(|(_, t)| t == topic) {
        return Err(Silence::TopicCooldown);
    }
    if channel.prompts.iter().any(|prompt| since(limits.cooldown)(&prompt)) {
        return Err(Silence::ChannelCooldown);
    }
    let today = channel.prompts.iter().filter(since(SignedDuration::from_hours(24))).count();
    if limits.channel_cap > 0 && today >= limits.channel_cap as usize {
        return Err(Silence::ChannelCap);
    }
    Ok(())
}

/// Whether people still let us speak on this topic when the quiet period is over.
pub fn still_allows(channel: &ChannelState, topic: &str, now: Timestamp) -> Result<(), Silence> {
    match channel.mode {
        Mode::Off => return Err(Silence::ChannelOff),
        Mode::Observe => return Err(Silence::Observe),
        Mode::Thread => {}
    }
    if channel.gone {
        return Err(Silence::NotThere);
    }
    if channel.incident.is_some() {
        return Err(Silence::Incident);
    }
    if channel.paused_until.is_some_and(|until| now < until) {
        return Err(Silence::Paused);
    }
    if channel.never.iter().any(|never| never == topic) {
        return Err(Silence::TopicNever);
    }
    Ok(())
}

/// A fingerprint of what is discussed, the same for the same systems in other words.
pub fn topic(verdict: &Verdict, text: &str) -> String {
    let named: Vec<String> = [&verdict.from, &verdict.to]
        .into_iter()
        .flatten()
        .map(|name| words(name).join(" "))
        .collect();
    if named.iter().any(|name| !name.is_empty()) {
        let mut named: Vec<String> = named.into_iter().filter(|name| !name.is_empty()).collect();
        named.sort();
        return named.join(" + ");
    }
    let mut words = words(verdict.matched(text));
    words.sort();
    words.dedup();
    format!("{}: {}", verdict.kind, words.join(" "))
}

/// Lower-case words that carry meaning.
fn words(text: &str) -> Vec<String> {
    const SMALL: [&str; 24] = [
        "the", "a", "an", "our", "to", "from", "of", "off", "and", "or", "we", "should", "let",
        "s", "lets", "move", "switch", "migrate", "replace", "with", "for", "just", "away", "it",
    ];
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_lowercase)
        .filter(|w| !SMALL.contains(&w.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Kind, Stance};

    fn verdict(from: Option<&str>, to: Option<&str>, door: Door, problem: Option<&str>) -> Verdict {
        Verdict {
            proposal: true,
            confidence: 0.9,
            kind: Kind::SwitchVendor,
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            problem: problem.map(str::to_owned),
            evidence: vec![],
            stance: Stance::Advocating,
            door,
            spans: vec![],
            reasons: vec![],
            scale: vec![],
            language: "en",
        }
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(100_000 + hours)
    }

    fn state(prompts: &[(i64, &str)]) -> ChannelState {
        ChannelState {
            prompts: prompts.iter().map(|(h, t)| (at(*h), (*t).to_owned())).collect(),
            ..ChannelState::default()
        }
    }

    #[test]
    fn two_way_doors_without_a_problem_are_waved_through() {
        let speak = |door, problem| worth_speaking(&verdict(None, None, door, problem));
        assert_eq!(speak(Door::TwoWay, None), Err(Silence::TwoWayDoor));
        assert_eq!(speak(Door::TwoWay, Some("slow")), Ok(()));
        assert_eq!(speak(Door::Costly, None), Ok(()));
        let ordinary = Verdict { proposal: false, ..verdict(None, None, Door::OneWay, Some("x")) };
        assert_eq!(worth_speaking(&ordinary), Err(Silence::NotAProposal));
    }

    #[test]
    fn every_rule_of_the_channel_silences_and_is_named() {
        let limits = Limits::default();
        let allows = |state: &ChannelState, external| {
            channel_allows(state, external, "mailchimp", &limits, at(0))
        };
        assert_eq!(allows(&state(&[]), false), Ok(()));
        assert_eq!(allows(&state(&[]), true), Err(Silence::External));
        for (mode, why) in [(Mode::Off, Silence::ChannelOff), (Mode::Observe, Silence::Observe)] {
            assert_eq!(allows(&ChannelState { mode, ..state(&[]) }, false), Err(why));
        }
        let paused = ChannelState { paused_until: Some(at(1)), ..state(&[]) };
        assert_eq!(allows(&paused, false), Err(Silence::Paused));
        let over = ChannelState { paused_until: Some(at(0)), ..state(&[]) };
        assert_eq!(allows(&over, false), Ok(()));
        let gone = ChannelState { gone: true, ..state(&[]) };
        assert_eq!(allows(&gone, false), Err(Silence::NotThere));
        let incident = ChannelState { incident: Some(CaseNumber(1)), ..state(&[]) };
        assert_eq!(allows(&incident, false), Err(Silence::Incident));
        let never = ChannelState { never: vec!["mailchimp".to_owned()], ..state(&[]) };
        assert_eq!(allows(&never, false), Err(Silence::TopicNever));
        assert_eq!(allows(&state(&[(-29 * 24, "mailchimp")]), false), Err(Silence::TopicCooldown));
        assert_eq!(allows(&state(&[(-31 * 24, "mailchimp")]), false), Ok(()));
        assert_eq!(allows(&state(&[(-3, "redis")]), false), Err(Silence::ChannelCooldown));
        assert_eq!(allows(&state(&[(-5, "redis")]), false), Ok(()));
        assert_eq!(
            allows(&state(&[(-5, "redis"), (-10, "kafka")]), false),
            Err(Silence::ChannelCap)
        );
    }

    #[test]
    fn zero_means_no_limit() {
        let none = Limits { channel_cap: 0, cooldown: SignedDuration::ZERO, ..Limits::default() };
        let busy = state(&[(0, "a"), (0, "b"), (0, "c")]);
        assert_eq!(channel_allows(&busy, false, "d", &none, at(0)), Ok(()));
    }

    #[test]
    fn a_topic_is_the_systems_not_the_words() {
        let one = verdict(Some("Mailchimp"), Some("SendGrid"), Door::Costly, None);
        let other =
            verdict(Some("our mailchimp"), Some("the SendGrid"), Door::OneWay, Some("spam"));
        assert_eq!(topic(&one, ""), topic(&other, ""));
        assert_ne!(topic(&one, ""), topic(&verdict(Some("Redis"), None, Door::Costly, None), ""));
    }
}
