//! Decides whether to speak: apart from the verdict, and always naming the rule that silenced it.
//!
//! Shared by the bot, `detect --json` and `replay`: one place for every reason to stay silent.
//!
//! `worth` weighs the message alone · [`channel_allows`] asks the channel when it is heard · [`when_to_speak`] says when ·
//! [`still_allows`] asks again when that moment has come · `topic` recognises the same proposal in other words.

mod quiet;
#[cfg(test)]
mod tests;
mod topic;
mod worth;

use jiff::{SignedDuration, Timestamp};

use super::investigation::CaseNumber;
pub use quiet::{QuietHours, when_to_speak};
pub use topic::{same_topic, topic};
pub use worth::{WORTH_A_WORD, Weighing, worth_speaking};

super::wire_enum! {
    /// Why the bot stays silent.
    Silence {
        /// The message is not a proposal.
        NotAProposal = "not_a_proposal",
        /// Easy to undo and no problem stated: waved through.
        TwoWayDoor = "two_way_door",
        /// Decided, and neither for everybody nor final.
        Decided = "already_decided",
        /// Begun, and not both for everybody and final.
        UnderWay = "under_way",
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
        /// The channel had its prompts for this week.
        ChannelWeekCap = "channel_week_cap",
        /// It is too late to answer: the bot was away, or the quiet hours were long.
        TooLate = "too_late",
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

impl Silence {
    /// The rule in plain words, for people who wonder.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NotAProposal => "it is not a proposal",
            Self::TwoWayDoor => "it is easy to undo and states no problem",
            Self::Decided => "it is decided already, and neither for everybody nor final",
            Self::UnderWay => "it is under way already, and not both for everybody and final",
            Self::ChannelOff => "the bot is switched off in this channel",
            Self::Observe => "the bot only observes this channel",
            Self::Paused => "somebody paused the bot here",
            Self::External => "people of another company read this channel",
            Self::TopicNever => "somebody said: never for this topic",
            Self::TopicCooldown => "the same topic was answered within thirty days",
            Self::ChannelCooldown => "the channel was answered a short while ago",
            Self::ChannelCap => "the channel had its prompts for today",
            Self::ChannelWeekCap => "the channel had its prompts for this week",
            Self::TooLate => "it is too late to answer",
            Self::SomeoneAsked => "a person already asked for evidence",
            Self::Retracted => "the writer changed or removed the message",
            Self::Incident => "an incident is worked on here",
            Self::NotThere => "the bot is not in the channel",
        }
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
/// A channel gets at most as many prompts in seven days as on this many days that reach the daily cap.
pub const FULL_DAYS_A_WEEK: u32 = 3;
/// What was heard longer ago is not answered any more: people have gone on.
pub const ANSWERED_WITHIN: SignedDuration = SignedDuration::from_hours(16);

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
            never: Vec::new(),
            gone: false,
            greeted: None,
            incident: None,
            revision: 0,
        }
    }
}

/// Whether the channel lets us speak now on this topic; `prompts` are those of the last thirty days there, with their topics.
pub fn channel_allows(
    channel: &ChannelState,
    prompts: &[(Timestamp, String)],
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
    if prompts.iter().filter(since(TOPIC_COOLDOWN)).any(|(_, t)| same_topic(t, topic)) {
        return Err(Silence::TopicCooldown);
    }
    // Without one, a prompt of a replica whose clock is a little ahead is none either.
    let cools = limits.cooldown.is_positive();
    if cools && prompts.iter().any(|prompt| since(limits.cooldown)(&prompt)) {
        return Err(Silence::ChannelCooldown);
    }
    let within = |days: i64| {
        let span = SignedDuration::from_hours(24 * days);
        prompts.iter().filter(since(span)).count()
    };
    let cap = limits.channel_cap as usize;
    if cap > 0 && within(1) >= cap {
        return Err(Silence::ChannelCap);
    }
    if cap > 0 && within(7) >= cap * FULL_DAYS_A_WEEK as usize {
        return Err(Silence::ChannelWeekCap);
    }
    Ok(())
}

/// Whether what was heard then may still be answered now.
pub fn in_time(heard: Timestamp, now: Timestamp) -> Result<(), Silence> {
    if now.duration_since(heard) > ANSWERED_WITHIN { Err(Silence::TooLate) } else { Ok(()) }
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
    if channel.never.iter().any(|never| same_topic(never, topic)) {
        return Err(Silence::TopicNever);
    }
    Ok(())
}
