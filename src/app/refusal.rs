//! A card that can't be shown where it was asked for: whoever asked is told, once and in private, and the card comes when the
//! way is free.

use jiff::SignedDuration;

use super::App;
use super::deliver::{Failed, backoff};
use super::ports::{
    Change, Chat, ChatError, Committed, Job, JobEnd, NewJob, StoreError, Whisper, Work,
};
use crate::domain::ChannelId;
use crate::domain::channel::Channel;
use crate::domain::investigation::Case;

/// For so long a card that awaits an invitation is tried again, for installations that are not told when they are invited.
/// Shorter than an event's key is remembered: nobody is told twice of the same.
const AWAITED_FOR: SignedDuration = SignedDuration::from_hours(23);

impl App {
    /// Takes a refusal of the card itself. When this returns `Ok`, the attempt has its end.
    pub(super) async fn card_refused(
        &self,
        job: &Job,
        case: &Case,
        code: String,
    ) -> Result<(), Failed> {
        if ChatError::may_heal(&code) || !case.asked_for() {
            return Err(ChatError::Refused { code }.into());
        }
        let (why, now) = (Why::of(&code, &case.channel), self.now());
        let told = Change {
            event: Some((case.workspace.clone(), format!("refused:{}:{why:?}", case.number))),
            jobs: vec![NewJob {
                work: Work::TellRefusal { case: case.number, code: code.clone() },
                run_at: now,
            }],
            ..Change::default()
        };
        if case.asked_by().is_some() && self.store.commit(&told, now).await? == Committed::Applied {
            self.wake.notify_one();
        }
        if why != Why::NotInvited || now.duration_since(case.began_at) >= AWAITED_FOR {
            return Err(ChatError::Refused { code }.into());
        }
        let again = (job.clone(), JobEnd::RetryAt(now + backoff(job.attempts), job.doubt));
        self.store.commit(&Change { job: Some(again), ..Change::default() }, now).await?;
        Ok(())
    }

    /// Tells whoever asked for a card why it isn't there, and what to do.
    pub(super) async fn tell_refusal(
        &self,
        chat: &dyn Chat,
        job: &Job,
        case: &Case,
        code: &str,
    ) -> Result<(), Failed> {
        if let (None, Some(user)) = (&case.card, case.asked_by()) {
            let number = case.number.to_string();
            let fill = [("number", number.as_str()), ("title", &case.title), ("code", code)];
            let why = Why::of(code, &case.channel);
            let lines = [self.wording(&case.language).line(why.refused(), &fill)];
            let (workspace, channel, thread) = (&case.workspace, &case.channel, case.root.as_ref());
            chat.tell(&Whisper { workspace, channel, thread, user, lines: &lines }).await?;
        }
        Ok(self.done(job).await?)
    }

    /// The phrase that says why a card could not be posted in this channel, going by what the chat says of it; `None` where
    /// nothing is known against it.
    pub fn why_not_here(
        &self,
        id: &ChannelId,
        known: &Result<Channel, ChatError>,
    ) -> Option<&'static str> {
        let why = match known {
            Ok(channel) if channel.archived => Why::Archived,
            // Into a public one it goes by itself.
            Ok(channel) if channel.private && !channel.member => Why::of("not_in_channel", id),
            Err(ChatError::Refused { code }) if code == "channel_not_found" => Why::of(code, id),
            _ => return None,
        };
        Some(why.not_here())
    }

    /// Whether work would speak in a channel the bot was sent out of, or that is archived. A card that a person asked for
    /// by name is tried all the same.
    pub(super) async fn out_of_reach(&self, job: &Job, case: &Case) -> Result<bool, StoreError> {
        let awaited =
            case.card.is_none() && case.asked_for() && matches!(job.work, Work::ShowCard(_));
        let channel = self.store.channel(&case.workspace, &case.channel, self.now()).await?;
        Ok(channel.gone && !awaited)
    }
}

/// Why a card can't be shown, as far as it changes what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NotInvited,
    Direct,
    Archived,
    Settings,
    Other,
}

impl Why {
    fn of(code: &str, channel: &ChannelId) -> Self {
        match code {
            "not_in_channel" | "channel_not_found" if channel.as_str().starts_with('D') => {
                Self::Direct
            }
            "not_in_channel" | "channel_not_found" => Self::NotInvited,
            "is_archived" => Self::Archived,
            "cant_post" | "posting_to_channel_denied" | "ekm_access_denied" => Self::Settings,
            code if code.starts_with("restricted_action") => Self::Settings,
            _ => Self::Other,
        }
    }

    /// The phrase after the fact.
    fn refused(self) -> &'static str {
        match self {
            Self::NotInvited => "refused_invite",
            Self::Direct => "refused_direct",
            Self::Archived => "refused_archived",
            Self::Settings => "refused_settings",
            Self::Other => "refused_other",
        }
    }

    /// The phrase before it.
    fn not_here(self) -> &'static str {
        match self {
            Self::Direct => "not_here_direct",
            Self::Archived => "not_here_archived",
            _ => "not_here_invite",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_has_its_next_step() {
        for (code, channel, why) in [
            ("not_in_channel", "C1", Why::NotInvited),
            ("channel_not_found", "G1", Why::NotInvited),
            ("channel_not_found", "D1", Why::Direct),
            ("is_archived", "C1", Why::Archived),
            ("restricted_action", "C1", Why::Settings),
            ("restricted_action_read_only_channel", "C1", Why::Settings),
            ("cant_post", "C1", Why::Settings),
            ("msg_too_long", "C1", Why::Other),
            ("msg_too_long", "D1", Why::Other),
        ] {
            assert_eq!(Why::of(code, &channel.into()), why, "{code} in {channel}");
        }
    }
}
