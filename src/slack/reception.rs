//! Where both doors lead: decodes what came, hands it to the app, and answers.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::chat::SlackChat;
use super::decode::{decode, workspaces_of};
use super::workspaces::{Known, Workspaces};
use super::{Acknowledgement, Delivery, DeliveryKind, Receive, render};
use crate::app::ports::{Chat, ChatError, StoreError, Whisper};
use crate::app::{Answer, App};
use crate::domain::form::FormView;
use crate::domain::message::{Event, Form, Incoming};
use crate::domain::wording::{Line, Piece};
use crate::domain::{ChannelId, MessageTs, UserId, WorkspaceId};

/// How long a form waits to hear whether its channel is open to us.
const LOOK_MAX: Duration = Duration::from_millis(700);

/// What can be lost of an answer, in metrics.
pub(super) const ANSWERS: [&str; 3] = [FORM, SHEET, WHISPER];
const FORM: &str = "form";
const SHEET: &str = "sheet";
const WHISPER: &str = "whisper";

/// Takes what Slack sends for the workspaces the bot is in.
pub struct Reception {
    app: Arc<App>,
    chat: Arc<SlackChat>,
    workspaces: Arc<Workspaces>,
    tasks: TaskTracker,
}

/// Who did it, and where an answer only they see can go.
struct Person {
    workspace: WorkspaceId,
    user: UserId,
    channel: ChannelId,
    thread: Option<MessageTs>,
}

impl Person {
    fn of(incoming: &Incoming) -> Option<Self> {
        let (user, channel, thread) = match &incoming.event {
            Event::Written(m) | Event::Edited(m) => (&m.author, &m.place.channel, m.thread.clone()),
            Event::Clicked(click) => (&click.by, &click.channel, None),
            Event::Shortcut(s) => (&s.by, &s.message.place.channel, s.message.thread.clone()),
            Event::Commanded(command) => (&command.by, &command.place.channel, None),
            Event::Submitted(_)
            | Event::Deleted { .. }
            | Event::ChannelChanged { .. }
            | Event::Uninstalled => return None,
        };
        let (workspace, user) = (incoming.workspace.clone(), user.clone());
        Some(Self { workspace, user, channel: channel.clone(), thread })
    }
}

impl Reception {
    /// Receives for the workspaces this chat talks in; what is sent after the acknowledgement runs on `tasks`.
    pub fn new(app: Arc<App>, chat: Arc<SlackChat>, tasks: TaskTracker) -> Self {
        let workspaces = Arc::clone(&chat.workspaces);
        Self { app, chat, workspaces, tasks }
    }

    /// The workspace a payload is for, if the bot is in it.
    async fn workspace_for(&self, payload: &Value) -> Result<Option<Arc<Known>>, StoreError> {
        for id in workspaces_of(payload) {
            if let Some(known) = self.workspaces.known(&id).await? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Answers what somebody did; nobody did anything where it could not even be read.
    fn answer(
        &self,
        kind: DeliveryKind,
        incoming: Option<&Incoming>,
        answer: Answer,
    ) -> Acknowledgement {
        match (kind, answer) {
            (_, Answer::Nothing) => Acknowledgement::Empty,
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
                if let Some(person) = incoming.and_then(Person::of) {
                    let (app, chat) = (Arc::clone(&self.app), Arc::clone(&self.chat));
                    self.tasks.spawn(async move { send(&app, &chat, &person, answer).await });
                }
                Acknowledgement::Empty
            }
        }
    }

    /// People who did something are told that it failed: a form stays with its text, the others get an answer. Where nobody
    /// can be told, and of an event, it is refused: Slack then shows an error of its own, or sends it again.
    fn broken(
        &self,
        kind: DeliveryKind,
        incoming: Option<&Incoming>,
        payload: &Value,
    ) -> Acknowledgement {
        let line = self.app.phrase("broke");
        let fields = payload.pointer("/view/state/values").and_then(Value::as_object);
        match (kind, fields.and_then(|fields| fields.keys().next())) {
            (DeliveryKind::Interactive, Some(field)) => {
                let why = crate::domain::wording::plain(&line);
                Acknowledgement::Body(
                    json!({"response_action": "errors", "errors": {field.as_str(): why}}),
                )
            }
            (DeliveryKind::Command, _) => self.answer(kind, incoming, Answer::Private(vec![line])),
            (DeliveryKind::Interactive, None) if incoming.is_some() => {
                self.answer(kind, incoming, Answer::Private(vec![line]))
            }
            _ => Acknowledgement::Refused,
        }
    }
}

async fn send(app: &App, chat: &SlackChat, person: &Person, answer: Answer) {
    let whose = &person.workspace;
    let (what, sent) = match answer {
        Answer::Form(mut view, trigger) => {
            warn(app, chat, whose, &mut view).await;
            (FORM, chat.open_form(whose, &view, &trigger).await)
        }
        Answer::Sheet(sheet, trigger) => (SHEET, chat.open_sheet(whose, &sheet, &trigger).await),
        Answer::Private(lines) => (WHISPER, whisper(chat, person, &lines).await),
        _ => return,
    };
    let Err(error) = sent else { return };
    metrics::counter!("secondlook_answers_lost_total", "kind" => what).increment(1);
    tracing::warn!(answer.kind = what, error.kind = %error, "could not show an answer");
    if what != WHISPER {
        drop(whisper(chat, person, &[app.phrase("too_late")]).await);
    }
}

async fn whisper(chat: &SlackChat, person: &Person, lines: &[Line]) -> Result<(), ChatError> {
    let Person { workspace, user, channel, thread } = person;
    chat.tell(&Whisper { workspace, channel, thread: thread.as_ref(), user, lines }).await
}

/// Where a card will stand without a case before it, says whether it can: a person who knows it before sending the form can
/// invite us first. Slack closes the door on a form after three seconds, so this waits for no answer that is late.
async fn warn(app: &App, chat: &SlackChat, whose: &WorkspaceId, view: &mut FormView) {
    let Form::Investigate { place, .. } = &view.form else { return };
    let asked = timeout(LOOK_MAX, chat.channel(whose, &place.channel)).await;
    let Some(phrase) = asked.ok().and_then(|known| app.why_not_here(&place.channel, &known)) else {
        return;
    };
    let mut said = app.phrase(phrase);
    said.extend([Piece::Text("\n".to_owned())]);
    said.extend(view.intro.take().into_iter().flatten());
    view.intro = Some(said);
}

#[async_trait]
impl Receive for Reception {
    async fn receive(&self, delivery: Delivery) -> Acknowledgement {
        let kind = delivery.kind;
        if delivery.payload["type"] == "app_rate_limited" {
            metrics::counter!("secondlook_slack_events_dropped_total").increment(1);
            tracing::warn!(
                "Slack drops events of a workspace for a minute: there were too many in an hour"
            );
            return Acknowledgement::Empty;
        }
        let known = match self.workspace_for(&delivery.payload).await {
            Ok(known) => known,
            Err(error) => {
                tracing::error!(slack.delivery = kind.label(), error.kind = %error, "could not look up a workspace");
                return self.broken(kind, None, &delivery.payload);
            }
        };
        let decoded =
            known.ok_or("workspace").and_then(|known| decode(&delivery, &known.workspace));
        let incoming = match decoded {
            Ok(incoming) => incoming,
            Err(why) => {
                metrics::counter!("secondlook_ignored_total", "kind" => why).increment(1);
                return Acknowledgement::Empty;
            }
        };
        if let Some(url) = answer_address(&delivery)
            && let Some(Person { workspace, channel, user, .. }) = Person::of(&incoming)
        {
            self.chat.answers.keep(&workspace, &channel, &user, url);
        }
        match self.app.handle(&incoming).await {
            Ok(answer) => self.answer(kind, Some(&incoming), answer),
            Err(error) => {
                tracing::error!(slack.delivery = kind.label(), error.kind = %error, "could not record a delivery");
                self.broken(kind, Some(&incoming), &delivery.payload)
            }
        }
    }
}

/// Where a command or a shortcut can be answered, wherever it was used. What a card's button brings is not needed: there we
/// can speak.
fn answer_address(delivery: &Delivery) -> Option<&str> {
    let payload = &delivery.payload;
    let answered = delivery.kind == DeliveryKind::Command || payload["type"] == "message_action";
    payload["response_url"].as_str().filter(|url| answered && !url.is_empty())
}
