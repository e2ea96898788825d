//! Where both doors lead: decodes what came, hands it to the app, and answers.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use super::chat::SlackChat;
use super::decode::{decode, workspace_of};
use super::{Acknowledgement, Delivery, DeliveryKind, Receive, render};
use crate::app::ports::Workspace;
use crate::app::{Answer, App};
use crate::domain::message::{Event, Incoming};
use crate::domain::wording::Line;
use crate::domain::{ChannelId, MessageTs, UserId};

/// Takes what Slack sends for one workspace.
pub struct Reception {
    app: Arc<App>,
    chat: Arc<SlackChat>,
    workspace: Workspace,
    tasks: TaskTracker,
}

/// Who did it, and where an answer only they see can go.
struct Person {
    user: UserId,
    channel: ChannelId,
    thread: Option<MessageTs>,
}

impl Reception {
    /// Receives for this workspace; what is sent after the acknowledgement runs on `tasks`.
    pub fn new(
        app: Arc<App>,
        chat: Arc<SlackChat>,
        workspace: Workspace,
        tasks: TaskTracker,
    ) -> Self {
        Self { app, chat, workspace, tasks }
    }

    /// The workspace as this payload names it. Another one is only ours in an organisation-wide install.
    fn workspace_for(&self, payload: &Value) -> Option<Workspace> {
        let id = workspace_of(payload)?;
        let of_the_organisation =
            ["/is_enterprise_install", "/authorizations/0/is_enterprise_install"].iter().any(|p| {
                payload.pointer(p).is_some_and(|v| v == &json!(true) || v == &json!("true"))
            });
        (id == self.workspace.id || of_the_organisation)
            .then(|| Workspace { id, ..self.workspace.clone() })
    }

    fn answer(
        &self,
        kind: DeliveryKind,
        person: Option<Person>,
        answer: Answer,
    ) -> Acknowledgement {
        match (kind, answer) {
            (_, Answer::Nothing | Answer::Accepted) => Acknowledgement::Empty,
            (DeliveryKind::Command, Answer::Private(lines)) => {
                let mut body = render::lines(&lines);
                body["response_type"] = json!("ephemeral");
                Acknowledgement::Body(body)
            }
            (_, Answer::Wrong(fields)) => {
                let errors: serde_json::Map<String, Value> =
                    fields.into_iter().map(|(field, why)| (field.to_owned(), json!(why))).collect();
                Acknowledgement::Body(json!({"response_action": "errors", "errors": errors}))
            }
            (_, answer) => {
                // After the acknowledgement: a trigger lives for three seconds, but the record stands already.
                let chat = Arc::clone(&self.chat);
                let too_late = self.app.phrase("too_late");
                self.tasks.spawn(async move { send(&chat, person, answer, too_late).await });
                Acknowledgement::Empty
            }
        }
    }

    /// People who did something are told that it failed; an event is refused, so that Slack sends it again.
    fn broken(
        &self,
        kind: DeliveryKind,
        person: Option<Person>,
        fields: &Value,
    ) -> Acknowledgement {
        if kind == DeliveryKind::Events {
            return Acknowledgement::Refused;
        }
        let line = self.app.phrase("broke");
        let field = fields.as_object().and_then(|f| f.keys().next());
        let answer = match field {
            Some(field) => {
                let why = crate::domain::wording::plain(&line);
                return Acknowledgement::Body(
                    json!({"response_action": "errors", "errors": {field.as_str(): why}}),
                );
            }
            None => Answer::Private(vec![line]),
        };
        self.answer(kind, person, answer)
    }
}

async fn send(chat: &SlackChat, person: Option<Person>, answer: Answer, too_late: Line) {
    let (what, sent) = match (&answer, &person) {
        (Answer::Form(view, trigger), _) => ("form", chat.open_form(view, trigger).await),
        (Answer::Sheet(sheet, trigger), _) => ("sheet", chat.open_sheet(sheet, trigger).await),
        (Answer::Private(lines), Some(person)) => (
            "whisper",
            chat.whisper(&person.channel, &person.user, person.thread.as_ref(), lines).await,
        ),
        _ => return,
    };
    let Err(error) = sent else { return };
    metrics::counter!("secondlook_answers_lost_total", "kind" => what).increment(1);
    tracing::warn!(answer.kind = what, error.kind = %error, "could not show an answer");
    if let (true, Some(person)) = (what != "whisper", person) {
        let lines = [too_late];
        drop(chat.whisper(&person.channel, &person.user, person.thread.as_ref(), &lines).await);
    }
}

#[async_trait]
impl Receive for Reception {
    async fn receive(&self, delivery: Delivery) -> Acknowledgement {
        let kind = delivery.kind;
        let decoded = self
            .workspace_for(&delivery.payload)
            .ok_or("workspace")
            .and_then(|workspace| decode(&delivery, &workspace).ok_or("unreadable"));
        let incoming = match decoded {
            Ok(incoming) => incoming,
            Err(why) => {
                metrics::counter!("secondlook_ignored_total", "kind" => why).increment(1);
                return Acknowledgement::Empty;
            }
        };
        if let Event::Ignored(what) = &incoming.event {
            count_ignored(what);
            return Acknowledgement::Empty;
        }
        let person = person(&incoming);
        match self.app.handle(incoming).await {
            Ok(answer) => self.answer(kind, person, answer),
            Err(error) => {
                tracing::error!(slack.delivery = kind.label(), error.kind = %error, "could not record a delivery");
                self.broken(
                    kind,
                    person,
                    delivery.payload.pointer("/view/state/values").unwrap_or(&Value::Null),
                )
            }
        }
    }
}

/// Counts by a fixed set of names: what Slack sends must not grow the metrics without bound.
fn count_ignored(what: &str) {
    const NAMED: [&str; 8] = [
        "message by a bot",
        "message_changed without a change",
        "message_changed by a bot",
        "channel_join",
        "unknown action",
        "unknown view",
        "unknown shortcut",
        "view_closed",
    ];
    let label = NAMED.iter().find(|name| **name == what).copied().unwrap_or("other");
    metrics::counter!("secondlook_ignored_total", "kind" => label).increment(1);
}

fn person(incoming: &Incoming) -> Option<Person> {
    let (user, channel, thread) = match &incoming.event {
        Event::Written(m) | Event::Edited(m) => (&m.author, &m.place.channel, m.thread.clone()),
        Event::Clicked(click) => (&click.by, &click.channel, None),
        Event::Shortcut(s) => (&s.by, &s.message.place.channel, s.message.thread.clone()),
        Event::Commanded(command) => (&command.by, &command.place.channel, None),
        Event::Submitted(_)
        | Event::Deleted { .. }
        | Event::ChannelChanged { .. }
        | Event::Uninstalled
        | Event::Ignored(_) => return None,
    };
    Some(Person { user: user.clone(), channel: channel.clone(), thread })
}
