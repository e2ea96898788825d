//! `views.*`: trigger ids, checks, the stack of modals, and what a submission's answer does to it.

use serde_json::{Value, json};

use super::{Args, Fail, Outcome};
use crate::playground::Refused;
use crate::playground::blocks::{self, Surface};
use crate::playground::ids;
use crate::playground::picks;
use crate::playground::world::{View, World};

/// Slack stacks at most three modals.
const MOST_VIEWS: usize = 3;

pub(super) fn open(world: &mut World, args: &Args) -> Outcome {
    let view = checked(args.get("view"), "modal")?;
    let (user, _) = spend_trigger(world, args)?;
    if let Some(external) = view["external_id"].as_str().filter(|id| !id.is_empty())
        && world.views.iter().any(|open| open.view["external_id"] == external)
    {
        return Err(Fail::from("duplicate_external_id"));
    }
    // A modal opened from anywhere replaces the one that was open.
    world.views.retain(|open| open.user != user);
    let view = completed(world, view, None);
    world.views.push(View { user, view: view.clone(), errors: Value::Null });
    Ok(json!({ "view": view }))
}

pub(super) fn push(world: &mut World, args: &Args) -> Outcome {
    let view = checked(args.get("view"), "modal")?;
    let (user, from) = spend_trigger(world, args)?;
    if from.is_none() {
        return Err(Fail::from("not_found"));
    }
    if world.views(&user).len() >= MOST_VIEWS {
        return Err(Fail::from("push_limit_reached"));
    }
    Ok(json!({ "view": world.stack(&user, view) }))
}

pub(super) fn update(world: &mut World, args: &Args) -> Outcome {
    let view = checked(args.get("view"), "modal")?;
    let found = world.views.iter().position(|open| {
        args.text("view_id") == Some(open.id())
            || args.text("external_id").is_some_and(|id| open.view["external_id"] == id)
    });
    let found = found.ok_or("not_found")?;
    if args.text("hash").is_some_and(|hash| world.views[found].view["hash"] != hash) {
        return Err(Fail::from("hash_conflict"));
    }
    Ok(json!({ "view": world.replace_view(found, view) }))
}

pub(super) fn publish(world: &mut World, args: &Args) -> Outcome {
    let user = args.need("user_id")?.to_owned();
    let view = checked(args.get("view"), "home")?;
    world.person(&user).ok_or("user_not_found")?;
    let old = world.home(&user);
    if args.text("hash").is_some_and(|hash| old.as_ref().is_none_or(|old| old["hash"] != hash)) {
        return Err(Fail::from("hash_conflict"));
    }
    let view = completed(world, view, old.as_ref());
    world.homes.insert(user, view.clone());
    Ok(json!({ "view": view }))
}

/// Takes a trigger id: it lives three seconds and works once.
fn spend_trigger(world: &mut World, args: &Args) -> Result<(String, Option<String>), Fail> {
    let life = world.options.trigger_life;
    let id = args.text("trigger_id").or_else(|| args.text("interactivity_pointer"));
    let id = id.ok_or("invalid_arguments")?;
    let looks_real = id.split('.').count() == 3;
    let Some(trigger) = world.triggers.get_mut(id) else {
        return Err(Fail::from(if looks_real {
            "expired_trigger_id"
        } else {
            "invalid_trigger_id"
        }));
    };
    if trigger.used {
        return Err(Fail::from("exchanged_trigger_id"));
    }
    if trigger.born.elapsed() > life {
        return Err(Fail::from("expired_trigger_id"));
    }
    trigger.used = true;
    Ok((trigger.user.clone(), trigger.view.clone()))
}

/// A view Slack would take.
fn checked(view: Option<&Value>, kind: &str) -> Result<Value, Fail> {
    let view = view.filter(|view| view.is_object()).ok_or("invalid_arguments")?;
    let mut faults = Vec::new();
    let mut fault =
        |at: &str, what: &str| faults.push(format!("[ERROR] {what} [json-pointer:/view{at}]"));
    if view["type"] != kind {
        fault("/type", &format!("must be {kind}"));
    }
    let surface = if kind == "modal" { Surface::Modal } else { Surface::Home };
    for part in ["title", "submit", "close"] {
        let Some(text) = view.get(part) else { continue };
        let length = text["text"].as_str().map_or(0, |text| text.chars().count());
        if text["type"] != "plain_text" || length == 0 {
            fault(&format!("/{part}"), "must be a plain_text object");
        }
        if length > 24 {
            fault(&format!("/{part}/text"), "must be less than 25 characters");
        }
    }
    if surface == Surface::Modal && view.get("title").is_none() {
        fault("/title", "missing required field");
    }
    let has_input =
        view["blocks"].as_array().into_iter().flatten().any(|block| block["type"] == "input");
    if surface == Surface::Modal && has_input && view.get("submit").is_none() {
        fault("/submit", "must have a submit button when there are input blocks");
    }
    for (part, most) in [("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)] {
        if view[part].as_str().is_some_and(|text| text.chars().count() > most) {
            fault(&format!("/{part}"), &format!("must be less than {} characters", most + 1));
        }
    }
    faults.extend(blocks::faults(&view["blocks"], surface));
    if faults.is_empty() { Ok(view.clone()) } else { Err(Fail::with("invalid_arguments", faults)) }
}

/// Adds what Slack adds to a view; keeps id and place in the stack of the view it replaces.
fn completed(world: &World, view: Value, old: Option<&Value>) -> Value {
    let mut view = view;
    blocks::name_blocks(&mut view);
    let id = old.map_or_else(|| json!(format!("V{}", ids::random(10))), |old| old["id"].clone());
    view["hash"] = json!(format!("{}.{}", super::super::wire::unix_now(), ids::random(8)));
    view["root_view_id"] = old.map_or_else(|| id.clone(), |old| old["root_view_id"].clone());
    view["previous_view_id"] = old.map_or(Value::Null, |old| old["previous_view_id"].clone());
    view["id"] = id;
    view["team_id"] = json!(world.options.workspace.id);
    view["app_installed_team_id"] = json!(world.options.workspace.id);
    view["app_id"] = json!(world.options.app.id);
    view["bot_id"] = json!(world.options.app.bot_id);
    view["state"] =
        picks::state(&view["blocks"], &json!({})).unwrap_or_else(|_| json!({ "values": {} }));
    for (key, usual) in [
        ("private_metadata", json!("")),
        ("callback_id", json!("")),
        ("external_id", json!("")),
        ("clear_on_close", json!(false)),
        ("notify_on_close", json!(false)),
        ("submit", Value::Null),
        ("close", Value::Null),
    ] {
        if view.get(key).is_none() {
            view[key] = usual;
        }
    }
    view
}

impl World {
    /// A modal this person has open, or their App Home.
    pub(in crate::playground) fn seen_view(
        &self,
        user: &str,
        view_id: &str,
    ) -> Result<View, Refused> {
        let home =
            self.home(user).map(|view| View { user: user.to_owned(), view, errors: Value::Null });
        let mut seen = self.views(user).into_iter().chain(home);
        seen.find(|view| view.id() == view_id)
            .ok_or_else(|| Refused(format!("{user} has no view {view_id} open")))
    }

    /// Carries out the answer to a submission: close, errors, update, push, clear.
    pub(in crate::playground) fn after_submission(
        &mut self,
        user: &str,
        view_id: &str,
        answer: Option<&Value>,
    ) {
        let Some(at) = self.views.iter().position(|open| open.id() == view_id) else { return };
        let trouble = |text: &str| json!({ "": text });
        let Some(answer) = answer else {
            self.views[at].errors = trouble("We had some trouble connecting. Try again?");
            return;
        };
        let action = answer["response_action"].as_str();
        let next = || checked(answer.get("view"), "modal");
        match action {
            None => drop(self.views.remove(at)),
            Some("clear") => self.views.retain(|open| open.user != user),
            Some("errors") => self.views[at].errors = answer["errors"].clone(),
            Some("update") => match next() {
                Ok(view) => drop(self.replace_view(at, view)),
                Err(fail) => self.views[at].errors = trouble(&fail.messages.join("; ")),
            },
            Some("push") => match next() {
                Ok(view) if self.views(user).len() < MOST_VIEWS => drop(self.stack(user, view)),
                Ok(_) => self.views[at].errors = trouble("push_limit_reached"),
                Err(fail) => self.views[at].errors = trouble(&fail.messages.join("; ")),
            },
            Some(_) => self.views[at].errors = trouble("unknown response_action"),
        }
    }

    fn replace_view(&mut self, at: usize, view: Value) -> Value {
        let view = completed(self, view, Some(&self.views[at].view));
        self.views[at].view = view.clone();
        self.views[at].errors = Value::Null;
        view
    }

    fn stack(&mut self, user: &str, view: Value) -> Value {
        let below = self.views(user).pop();
        let mut view = completed(self, view, None);
        if let Some(below) = below {
            view["previous_view_id"] = below.view["id"].clone();
            view["root_view_id"] = below.view["root_view_id"].clone();
        }
        self.views.push(View { user: user.to_owned(), view: view.clone(), errors: Value::Null });
        view
    }
}
