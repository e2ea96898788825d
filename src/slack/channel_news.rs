//! Events about channels and about the installation, as JSON → what happened, in our own words.

use serde_json::Value;

use crate::app::ports::Workspace;
use crate::domain::message::{ChannelNews, Event};

/// What happened; `None` when it is no such event, or none that concerns us. Private channels have names of their own.
pub(super) fn decode(event: &Value, workspace: &Workspace) -> Option<Event> {
    let bot = event["user"].as_str() == Some(workspace.bot_user.as_str());
    let news = match event["type"].as_str()? {
        "channel_created" | "channel_rename" | "group_rename" | "channel_unarchive"
        | "group_unarchive" => ChannelNews::There,
        "member_joined_channel" if bot => ChannelNews::Joined,
        "member_left_channel" if bot => ChannelNews::Gone,
        "channel_left" | "group_left" | "channel_archive" | "group_archive" | "channel_deleted"
        | "group_deleted" => ChannelNews::Gone,
        "app_uninstalled" => return Some(Event::Uninstalled),
        // The tokens of people are revoked one by one; without the bot's there is nothing we may do.
        "tokens_revoked" => {
            let bots = event["tokens"]["bot"].as_array().is_some_and(|bots| !bots.is_empty());
            return bots.then_some(Event::Uninstalled);
        }
        _ => return None,
    };
    let channel = &event["channel"];
    let id = channel.as_str().or_else(|| channel["id"].as_str()).filter(|id| !id.is_empty())?;
    let name = channel["name"].as_str().map(str::to_owned);
    Some(Event::ChannelChanged { channel: id.into(), name, news })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(event: &Value) -> Option<Event> {
        let workspace = Workspace {
            id: "T1".into(),
            bot_user: "UBOT".into(),
            bot_id: "B1".to_owned(),
            url: String::new(),
        };
        decode(event, &workspace)
    }

    #[test]
    fn every_event_about_a_channel_is_read_public_and_private() {
        let named = json!({"id": "C1", "name": "inc-1"});
        let (there, joined, gone) = (ChannelNews::There, ChannelNews::Joined, ChannelNews::Gone);
        for (kind, rest, news) in [
            ("channel_created", json!({"channel": named}), there),
            ("channel_rename", json!({"channel": named}), there),
            ("group_rename", json!({"channel": named}), there),
            ("channel_unarchive", json!({"channel": "C1", "user": "U1"}), there),
            ("group_unarchive", json!({"channel": "C1", "actor_id": "U1"}), there),
            ("member_joined_channel", json!({"channel": "C1", "user": "UBOT"}), joined),
            ("member_left_channel", json!({"channel": "C1", "user": "UBOT"}), gone),
            ("channel_left", json!({"channel": "C1", "actor_id": "U1"}), gone),
            ("group_left", json!({"channel": "C1", "actor_id": "U1"}), gone),
            ("channel_archive", json!({"channel": "C1", "user": "U1", "is_moved": 0}), gone),
            ("group_archive", json!({"channel": "C1", "actor_id": "U1"}), gone),
            ("channel_deleted", json!({"channel": "C1"}), gone),
            ("group_deleted", json!({"channel": "C1", "date_deleted": 1}), gone),
        ] {
            let mut event = rest;
            event["type"] = json!(kind);
            let name = event["channel"]["name"].as_str().map(str::to_owned);
            let expected = Event::ChannelChanged { channel: "C1".into(), name, news };
            assert_eq!(read(&event), Some(expected), "{kind}");
        }
    }

    #[test]
    fn other_people_and_other_tokens_are_none_of_our_business() {
        for event in [
            json!({"type": "member_joined_channel", "channel": "C1", "user": "U1"}),
            json!({"type": "member_left_channel", "channel": "C1", "user": "U1"}),
            json!({"type": "tokens_revoked", "tokens": {"oauth": ["U1"]}}),
            json!({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}),
            json!({"type": "channel_rename", "channel": {"name": "inc-1"}}),
            json!({"type": "channel_archive", "channel": ""}),
            json!({"type": "channel_archive", "channel": 7}),
            json!({"type": "reaction_added"}),
            json!({}),
        ] {
            assert_eq!(read(&event), None, "{event}");
        }
        for event in [
            json!({"type": "app_uninstalled"}),
            json!({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}}),
        ] {
            assert_eq!(read(&event), Some(Event::Uninstalled), "{event}");
        }
    }
}
