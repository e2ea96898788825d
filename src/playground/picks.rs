//! What a person picks or types in an element, in the shape Slack tells it: in actions and in `view.state.values`.

use serde_json::{Map, Value, json};

use super::blocks;

/// The key under which Slack tells an element's value.
fn key(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "overflow" | "static_select" | "radio_buttons" | "external_select" => "selected_option",
        "checkboxes" | "multi_static_select" => "selected_options",
        "users_select" => "selected_user",
        "multi_users_select" => "selected_users",
        "conversations_select" => "selected_conversation",
        "multi_conversations_select" => "selected_conversations",
        "channels_select" => "selected_channel",
        "multi_channels_select" => "selected_channels",
        "datepicker" => "selected_date",
        "timepicker" => "selected_time",
        "datetimepicker" => "selected_date_time",
        "plain_text_input" | "number_input" | "url_text_input" | "email_text_input" => "value",
        _ => return None,
    })
}

/// The option of an element with this value.
fn option(element: &Value, value: &Value) -> Result<Value, String> {
    let groups = element["option_groups"].as_array().into_iter().flatten();
    let grouped = groups.flat_map(|group| group["options"].as_array().into_iter().flatten());
    let mut all = element["options"].as_array().into_iter().flatten().chain(grouped);
    let found = all.find(|option| option["value"] == *value);
    let mut found =
        found.cloned().ok_or_else(|| format!("no option {value} in {}", element["action_id"]))?;
    if let Some(map) = found.as_object_mut() {
        map.remove("url");
    }
    Ok(found)
}

/// An element's value as Slack tells it, from an option's value, a list of them, or plain text.
fn told(element: &Value, pick: &Value) -> Result<Map<String, Value>, String> {
    let kind = element["type"].as_str().unwrap_or_default();
    let mut told = Map::new();
    told.insert("type".into(), json!(kind));
    let Some(key) = key(kind) else { return Ok(told) };
    let value = match (key, pick) {
        (_, Value::Null) if key.ends_with('s') => json!([]),
        (_, Value::Null) => Value::Null,
        ("selected_option", pick) => option(element, pick)?,
        ("selected_options", Value::Array(picks)) => {
            Value::Array(picks.iter().map(|pick| option(element, pick)).collect::<Result<_, _>>()?)
        }
        ("value", Value::Number(number)) => json!(number.to_string()),
        (_, pick) => pick.clone(),
    };
    told.insert(key.into(), value);
    Ok(told)
}

/// What an element shows before anybody touched it.
fn initial(element: &Value) -> Value {
    let own = |name: &str| element.get(name).cloned().unwrap_or(Value::Null);
    match key(element["type"].as_str().unwrap_or_default()) {
        Some("value") => own("initial_value"),
        Some("selected_option") => element["initial_option"]["value"].clone(),
        Some("selected_options") => element["initial_options"]
            .as_array()
            .map_or(Value::Null, |all| all.iter().map(|option| option["value"].clone()).collect()),
        Some(other) => own(&other.replacen("selected", "initial", 1)),
        None => Value::Null,
    }
}

/// The action of a click on the element `action_id` among `blocks`.
pub(super) fn action(blocks: &Value, action_id: &str, pick: &Value) -> Result<Value, String> {
    let found =
        blocks::elements(blocks).into_iter().find(|(_, element)| element["action_id"] == action_id);
    let (block, element) =
        found.ok_or_else(|| format!("nothing here has the action id {action_id}"))?;
    let mut action = told(element, pick)?;
    for key in ["text", "value", "style", "url", "placeholder", "confirm"] {
        if let Some(value) = element.get(key) {
            action.entry(key).or_insert_with(|| value.clone());
        }
    }
    action.insert("action_id".into(), json!(action_id));
    action.insert("block_id".into(), block["block_id"].clone());
    action.insert("action_ts".into(), json!(format!("{}.{:06}", super::wire::unix_now(), 1)));
    Ok(Value::Object(action))
}

/// `view.state.values` for what a person filled in, by block id. Untouched fields tell their initial value; a required
/// field left empty, or one too long, is refused as Slack's client would.
pub(super) fn state(blocks: &Value, filled: &Value) -> Result<Value, String> {
    let mut values = Map::new();
    for (block, element) in blocks::elements(blocks) {
        let kind = element["type"].as_str().unwrap_or_default();
        let (Some(block_id), Some(action_id)) =
            (block["block_id"].as_str(), element["action_id"].as_str())
        else {
            continue;
        };
        if key(kind).is_none() || kind == "overflow" {
            continue;
        }
        let given = filled.get(block_id).map(|value| value.get(action_id).unwrap_or(value));
        let pick = given.cloned().unwrap_or_else(|| initial(element));
        let pick = if pick == "" { Value::Null } else { pick };
        let empty = pick.is_null() || pick.as_array().is_some_and(Vec::is_empty);
        if empty && block["type"] == "input" && block["optional"] != true {
            return Err(format!("{block_id}: please complete this required field"));
        }
        let most = element["max_length"].as_u64().unwrap_or(3000);
        if pick.as_str().is_some_and(|text| text.chars().count() as u64 > most) {
            return Err(format!("{block_id}: more than {most} characters"));
        }
        let told = told(element, &pick)?;
        let slot = values.entry(block_id).or_insert_with(|| json!({}));
        slot[action_id] = Value::Object(told);
    }
    if let Some(unknown) = filled
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|block| !values.contains_key(*block))
    {
        return Err(format!(
            "the view has no input block {unknown}; it has {:?}",
            values.keys().collect::<Vec<_>>()
        ));
    }
    Ok(json!({ "values": values }))
}
