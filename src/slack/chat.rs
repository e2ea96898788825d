//! How the app talks: its posts and edits as calls of Slack's Web API.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::access;
use super::answers::Answers;
use super::decode::reply;
use super::render;
use super::request::refused;
use super::workspaces::{Workspaces, not_there};
use crate::app::ports::{Body, Chat, ChatError, Post, Whisper, Workspace};
use crate::domain::channel::Channel;
use crate::domain::form::{FormView, Sheet};
use crate::domain::message::{Message, Place, Trigger, time_of};
use crate::domain::{ChannelId, MessageTs, WorkspaceId};

/// Names our messages among others' in their metadata.
const METADATA_TYPE: &str = "secondlook_message";
/// How many messages a page of history holds, and how many pages are searched for one of ours.
const PAGE: u32 = 200;
const PAGES_MAX: u32 = 10;
/// Seconds by which our clock may be ahead of Slack's, whose clock times the messages.
const CLOCKS_APART_MAX: i64 = 10 * 60;

/// How reading page by page ended.
enum Pages<T> {
    /// With what was looked for.
    Found(T),
    /// It was not among them, and there are no more.
    AllRead,
    /// It was not among as many as are read.
    MoreLeft,
}

/// Slack, as the app needs it.
pub struct SlackChat {
    pub(super) workspaces: Arc<Workspaces>,
    pub(super) answers: Answers,
}

impl SlackChat {
    /// Talks in these workspaces, in each with its own token.
    pub fn new(workspaces: Arc<Workspaces>) -> Self {
        Self { workspaces, answers: Answers::default() }
    }

    /// Calls a method in a workspace. A token that Slack does not take any more is looked up anew, once: it was refused, so
    /// nothing has happened.
    pub(super) async fn call(
        &self,
        workspace: &WorkspaceId,
        method: &'static str,
        body: &Value,
        channel: Option<&str>,
    ) -> Result<Value, ChatError> {
        let client = &self.workspaces.client;
        let token = self.workspaces.token(workspace).await?;
        let answer = client.call(&token, method, body, channel).await;
        if !matches!(&answer, Err(ChatError::Refused { code }) if refuses_token(code)) {
            return answer;
        }
        match self.workspaces.instead_of(workspace, &token).await {
            Some(other) => client.call(&other, method, body, channel).await,
            None => answer,
        }
    }

    /// Opens a form.
    pub(super) async fn open_form(
        &self,
        workspace: &WorkspaceId,
        view: &FormView,
        trigger: &Trigger,
    ) -> Result<(), ChatError> {
        self.open_view(workspace, render::form(view), trigger).await
    }

    /// Opens a sheet.
    pub(super) async fn open_sheet(
        &self,
        workspace: &WorkspaceId,
        sheet: &Sheet,
        trigger: &Trigger,
    ) -> Result<(), ChatError> {
        self.open_view(workspace, render::sheet(sheet), trigger).await
    }

    async fn open_view(
        &self,
        workspace: &WorkspaceId,
        view: Value,
        trigger: &Trigger,
    ) -> Result<(), ChatError> {
        let body = json!({"trigger_id": trigger.0, "view": view});
        self.call(workspace, "views.open", &body, None).await.map(|_| ())
    }

    /// Says something in a channel that only one person sees there.
    async fn whisper(&self, whisper: &Whisper<'_>) -> Result<(), ChatError> {
        let mut body = render::lines(whisper.lines);
        body["channel"] = json!(whisper.channel.as_str());
        body["user"] = json!(whisper.user.as_str());
        if let Some(thread) = whisper.thread {
            body["thread_ts"] = json!(thread.as_str());
        }
        self.call(whisper.workspace, "chat.postEphemeral", &body, None).await.map(|_| ())
    }

    /// Answers at the address that came with what they did last in that channel.
    async fn respond(&self, whisper: &Whisper<'_>) -> Result<(), ChatError> {
        let Whisper { workspace, channel, user, .. } = whisper;
        let Some(url) = self.answers.address(workspace, channel, user) else {
            return Err(refused("no_response_url"));
        };
        let mut body = render::lines(whisper.lines);
        body["response_type"] = json!("ephemeral");
        body["replace_original"] = json!(false);
        self.workspaces.client.respond(&url, &body).await
    }

    /// Writes to a person directly.
    async fn write_to(&self, whisper: &Whisper<'_>) -> Result<(), ChatError> {
        let mut body = render::lines(whisper.lines);
        body["channel"] = json!(whisper.user.as_str());
        let user = Some(whisper.user.as_str());
        self.call(whisper.workspace, "chat.postMessage", &body, user).await.map(|_| ())
    }

    /// Reads messages page by page until `read` has found what it looks for.
    async fn pages<T>(
        &self,
        workspace: &WorkspaceId,
        method: &'static str,
        mut query: Value,
        mut read: impl FnMut(&Value) -> Option<T> + Send,
    ) -> Result<Pages<T>, ChatError> {
        for _ in 0..PAGES_MAX {
            let page = self.call(workspace, method, &query, None).await?;
            if let Some(found) = messages(&page).find_map(&mut read) {
                return Ok(Pages::Found(found));
            }
            match next_page(&page) {
                Some(cursor) => query["cursor"] = json!(cursor),
                None => return Ok(Pages::AllRead),
            }
        }
        Ok(Pages::MoreLeft)
    }

    async fn write(
        &self,
        method: &'static str,
        post: &Post<'_>,
        body: &Value,
    ) -> Result<Value, ChatError> {
        self.call(post.workspace, method, body, Some(post.channel.as_str())).await
    }
}

fn body_of(post: &Post<'_>) -> Value {
    let mut body = match post.body {
        Body::Card(number, card) => render::card(number, card),
        Body::Lines(lines) => render::lines(lines),
    };
    body["channel"] = json!(post.channel.as_str());
    body
}

#[async_trait]
impl Chat for SlackChat {
    async fn post(&self, post: &Post<'_>) -> Result<MessageTs, ChatError> {
        let mut body = body_of(post);
        if let Some(thread) = post.thread {
            body["thread_ts"] = json!(thread.as_str());
        }
        body["unfurl_links"] = json!(false);
        body["unfurl_media"] = json!(false);
        body["metadata"] = json!({"event_type": METADATA_TYPE, "event_payload": {"id": post.id}});
        let mut answer = self.write("chat.postMessage", post, &body).await;
        if matches!(&answer, Err(ChatError::Refused { code }) if code == "not_in_channel") {
            // Somebody asked for the card in a public channel nobody invited us to.
            match self.join(post.workspace, post.channel).await {
                Ok(()) => answer = self.write("chat.postMessage", post, &body).await,
                // Where we may not go in by ourselves, what is missing is an invitation.
                Err(ChatError::Refused { code }) if !ChatError::may_heal(&code) => {}
                Err(error) => return Err(error),
            }
        }
        let ts = answer?.get("ts").and_then(Value::as_str).map(MessageTs::from);
        ts.ok_or_else(|| {
            ChatError::Uncertain(
                "Slack took the message and did not say where it stands".to_owned(),
            )
        })
    }

    async fn find(
        &self,
        post: &Post<'_>,
        since: Timestamp,
    ) -> Result<Option<MessageTs>, ChatError> {
        let mut query = json!({
            "channel": post.channel.as_str(), "limit": PAGE, "include_all_metadata": true,
            "oldest": format!("{}.000000", since.as_second() - CLOCKS_APART_MAX),
        });
        let method = match post.thread {
            Some(thread) => {
                query["ts"] = json!(thread.as_str());
                // By Slack's own clock: ours may be wrong.
                query["oldest"] = json!(thread.as_str());
                "conversations.replies"
            }
            None => "conversations.history",
        };
        let here = self.workspaces.known(post.workspace).await?.ok_or_else(not_there)?;
        let ours = |message: &Value| {
            let ts = message["ts"].as_str().filter(|_| is_ours(message, post.id, &here.workspace));
            ts.map(MessageTs::from)
        };
        match self.pages(post.workspace, method, query, ours).await {
            Ok(Pages::Found(ts)) => Ok(Some(ts)),
            Ok(Pages::AllRead) => Ok(None),
            // A thread this long: better silent than twice.
            Ok(Pages::MoreLeft) => Err(refused("too_much_history_to_search")),
            // The thread was deleted, and whatever stood in it.
            Err(ChatError::Refused { code }) if code == "thread_not_found" => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn edit(&self, post: &Post<'_>, ts: &MessageTs) -> Result<(), ChatError> {
        let mut body = body_of(post);
        body["ts"] = json!(ts.as_str());
        // An edit repeated does no harm.
        let edited = self.write("chat.update", post, &body).await;
        edited.map(|_| ()).map_err(ChatError::without_doubt)
    }

    async fn channel(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
    ) -> Result<Channel, ChatError> {
        let query = json!({"channel": channel.as_str()});
        let answer = self.call(workspace, "conversations.info", &query, None).await?;
        Ok(access::read(&answer))
    }

    async fn is_installed(&self, workspace: &WorkspaceId) -> Result<bool, ChatError> {
        self.takes_token(workspace).await
    }

    async fn join(&self, workspace: &WorkspaceId, channel: &ChannelId) -> Result<(), ChatError> {
        let body = json!({"channel": channel.as_str()});
        // To join again does no harm.
        let joined = self.call(workspace, "conversations.join", &body, None).await;
        joined.map(|_| ()).map_err(ChatError::without_doubt)
    }

    async fn last_said(
        &self,
        workspace: &WorkspaceId,
        channel: &ChannelId,
        since: Timestamp,
    ) -> Result<Option<Timestamp>, ChatError> {
        let query = json!({
            "channel": channel.as_str(), "limit": PAGE, "include_all_metadata": true,
            "oldest": format!("{}.000000", since.as_second()),
        });
        let here = self.workspaces.known(workspace).await?.ok_or_else(not_there)?;
        let page = self.call(workspace, "conversations.history", &query, None).await?;
        let others = messages(&page).filter(|m| !by_us(m, &here.workspace));
        let times = others.filter_map(|m| m.get("ts").and_then(Value::as_str));
        Ok(times.map(|ts| time_of(&ts.into())).max())
    }

    async fn replies(
        &self,
        workspace: &WorkspaceId,
        place: &Place,
        root: &MessageTs,
    ) -> Result<Vec<Message>, ChatError> {
        let here = self.workspaces.known(workspace).await?.ok_or_else(not_there)?;
        let query = json!({
            "channel": place.channel.as_str(), "ts": root.as_str(), "oldest": root.as_str(),
            "limit": PAGE,
        });
        let mut replies = Vec::new();
        let keep = |message: &Value| {
            replies
                .extend(reply(message, place, &here.workspace).filter(|reply| &reply.ts != root));
            None::<()>
        };
        // A thread is read for what came before it was known where our card stands. Nobody writes two thousand replies in that
        // time, so where there are more the rest is not missed: what comes later is heard as it comes.
        self.pages(workspace, "conversations.replies", query, keep).await?;
        Ok(replies)
    }

    /// In the channel; else by the address that came with the command or shortcut, which works where the bot is not let in;
    /// else directly.
    async fn tell(&self, whisper: &Whisper<'_>) -> Result<(), ChatError> {
        let declined = |answer: &Result<(), ChatError>| matches!(answer, Err(ChatError::Refused { code }) if !ChatError::may_heal(code));
        let mut told = self.whisper(whisper).await;
        if declined(&told) {
            told = self.respond(whisper).await;
        }
        if declined(&told) {
            told = self.write_to(whisper).await;
        }
        told
    }

    async fn file(
        &self,
        workspace: &WorkspaceId,
        url: &str,
        bytes_max: usize,
    ) -> Result<String, ChatError> {
        let token = self.workspaces.token(workspace).await?;
        self.workspaces.client.fetch_text(&token, url, bytes_max).await
    }
}

fn messages(page: &Value) -> impl Iterator<Item = &Value> {
    page["messages"].as_array().into_iter().flatten()
}

fn next_page(page: &Value) -> Option<&str> {
    let cursor = page.pointer("/response_metadata/next_cursor").and_then(Value::as_str);
    cursor.filter(|cursor| !cursor.is_empty())
}

/// Codes that say that the token is of no use, and not the call.
fn refuses_token(code: &str) -> bool {
    matches!(code, "token_expired" | "token_revoked" | "invalid_auth" | "account_inactive")
}

/// Metadata is what its sender makes it: another bot may bear ours, such as a second one that tries out a new version. So
/// the sender must be us as well; the bot id differs between the workspaces of an organisation, the user does not.
fn by_us(message: &Value, us: &Workspace) -> bool {
    let is = |name: &str, ours: &str| !ours.is_empty() && message[name].as_str() == Some(ours);
    let sender = is("user", us.bot_user.as_str()) || is("bot_id", &us.bot_id);
    sender && message.pointer("/metadata/event_type").and_then(Value::as_str) == Some(METADATA_TYPE)
}

fn is_ours(message: &Value, id: &str, us: &Workspace) -> bool {
    by_us(message, us)
        && message.pointer("/metadata/event_payload/id").and_then(Value::as_str) == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_bots_message_with_our_metadata_is_not_ours() {
        let us = Workspace {
            id: "T1".into(),
            bot_user: "UBOT".into(),
            bot_id: "BBOT".to_owned(),
            url: String::new(),
        };
        let card = |sender: Value| {
            let mut message = json!({
                "ts": "1.2", "app_id": "A1", "text": "x",
                "metadata": {"event_type": METADATA_TYPE, "event_payload": {"id": "card:1"}},
            });
            for (name, value) in sender.as_object().into_iter().flatten() {
                message[name] = value.clone();
            }
            message
        };
        for ours in [
            json!({"user": "UBOT", "bot_id": "BBOT"}),
            json!({"user": "UBOT", "bot_id": "BELSEWHERE"}),
            json!({"bot_id": "BBOT"}),
        ] {
            assert!(is_ours(&card(ours.clone()), "card:1", &us), "{ours}");
            assert!(!is_ours(&card(ours), "card:2", &us));
        }
        let nobody = Workspace { bot_user: "".into(), bot_id: String::new(), ..us.clone() };
        for other in [
            json!({"user": "UEVIL", "bot_id": "BEVIL"}),
            json!({"user": "U1"}),
            json!({"user": "", "bot_id": ""}),
            json!({"user": null}),
        ] {
            let message = card(other.clone());
            assert!(!by_us(&message, &us) && !is_ours(&message, "card:1", &us), "{other}");
            assert!(!by_us(&message, &nobody), "{other}");
        }
        let bare = json!({"user": "UBOT", "bot_id": "BBOT", "ts": "1.2"});
        assert!(!by_us(&bare, &us));
    }
}
