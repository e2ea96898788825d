//! Block Kit as Slack checks it: limits per block and element, so that bad rendering is refused here and not in
//! production. Limits are those of Slack's Block Kit reference.

use serde_json::{Value, json};

use super::ids;

/// Where blocks stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    Message,
    Modal,
    Home,
}

/// Every fault in the blocks, each with its JSON pointer; empty when Slack would take them.
pub(super) fn faults(blocks: &Value, surface: Surface) -> Vec<String> {
    let mut check = Check { faults: Vec::new() };
    let Some(list) = blocks.as_array() else {
        check.fault("/blocks", "must be an array");
        return check.faults;
    };
    let most = if surface == Surface::Message { 50 } else { 100 };
    if list.len() > most {
        check.fault("/blocks", &format!("no more than {most} items allowed [max items]"));
    }
    let mut seen: Vec<&str> = Vec::new();
    for (index, block) in list.iter().enumerate() {
        let at = format!("/blocks/{index}");
        if let Some(id) = block["block_id"].as_str() {
            if seen.contains(&id) {
                check.fault(&at, "`block_id` already exists");
            }
            seen.push(id);
        }
        check.block(&at, block, surface);
    }
    check.faults
}

/// Gives every block and interactive element that has no id one, as Slack does.
pub(super) fn name_blocks(holder: &mut Value) {
    let Some(blocks) = holder.get_mut("blocks").and_then(Value::as_array_mut) else { return };
    for block in blocks {
        name(block, "block_id");
        for place in ["elements", "accessory", "element"] {
            match block.get_mut(place) {
                Some(Value::Array(elements)) => elements
                    .iter_mut()
                    .filter(|e| interactive(e))
                    .for_each(|e| name(e, "action_id")),
                Some(element) if interactive(element) => name(element, "action_id"),
                _ => {}
            }
        }
    }
}

fn name(thing: &mut Value, key: &str) {
    if let Some(map) = thing.as_object_mut()
        && !map.get(key).is_some_and(Value::is_string)
    {
        map.insert(key.to_owned(), json!(ids::random(5)));
    }
}

fn interactive(element: &Value) -> bool {
    let kind = element["type"].as_str().unwrap_or_default();
    kind == "button"
        || kind == "overflow"
        || kind == "checkboxes"
        || kind == "radio_buttons"
        || kind.ends_with("_select")
        || kind.ends_with("_input")
        || kind.ends_with("picker")
}

/// Interactive elements with the block each stands in.
pub(super) fn elements(blocks: &Value) -> Vec<(&Value, &Value)> {
    let mut found = Vec::new();
    for block in blocks.as_array().into_iter().flatten() {
        let many = block["elements"].as_array().into_iter().flatten();
        for element in many.chain(block.get("accessory")).chain(block.get("element")) {
            if interactive(element) {
                found.push((block, element));
            }
        }
    }
    found
}

struct Check {
    faults: Vec<String>,
}

impl Check {
    fn fault(&mut self, at: &str, what: &str) {
        self.faults.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    fn length(&mut self, at: &str, value: &Value, most: usize) {
        match value.as_str() {
            None if value.is_null() => {}
            None => self.fault(at, "must be a string"),
            Some(text) if text.chars().count() > most => {
                self.fault(at, &format!("must be less than {} characters", most + 1));
            }
            Some(_) => {}
        }
    }

    /// A text object: required, not empty, within its limit, of an allowed kind.
    fn text(&mut self, at: &str, text: &Value, most: usize, plain_only: bool) {
        match text["type"].as_str() {
            Some("plain_text") => {}
            Some("mrkdwn") if !plain_only => {}
            Some("mrkdwn") => self.fault(&format!("{at}/type"), "must be plain_text"),
            _ => return self.fault(at, "missing or malformed text object"),
        }
        if text["text"].as_str().is_none_or(str::is_empty) {
            self.fault(&format!("{at}/text"), "must be more than 0 characters");
        }
        self.length(&format!("{at}/text"), &text["text"], most);
    }

    fn optional_text(&mut self, at: &str, text: Option<&Value>, most: usize) {
        if let Some(text) = text {
            self.text(at, text, most, true);
        }
    }

    fn block(&mut self, at: &str, block: &Value, surface: Surface) {
        self.length(&format!("{at}/block_id"), &block["block_id"], 255);
        let kind = block["type"].as_str().unwrap_or_default();
        match kind {
            "section" => self.section(at, block),
            "header" => self.text(&format!("{at}/text"), &block["text"], 150, true),
            "divider" | "rich_text" => {}
            "context" => self.context(at, block),
            "actions" => self.actions(at, block, surface),
            "image" => self.image(at, block),
            "markdown" => self.length(&format!("{at}/text"), &block["text"], 12_000),
            "input" => self.input(at, block),
            "table" | "data_table" | "video" if surface == Surface::Message => {}
            _ => self.fault(&format!("{at}/type"), &format!("unsupported type: {kind}")),
        }
    }

    fn section(&mut self, at: &str, block: &Value) {
        if let Some(fields) = block["fields"].as_array() {
            if fields.is_empty() || fields.len() > 10 {
                self.fault(&format!("{at}/fields"), "must have 1 to 10 items");
            }
            for (index, field) in fields.iter().enumerate() {
                self.text(&format!("{at}/fields/{index}"), field, 2000, false);
            }
        }
        if block.get("fields").is_none() || block.get("text").is_some() {
            self.text(&format!("{at}/text"), &block["text"], 3000, false);
        }
        if let Some(accessory) = block.get("accessory") {
            let at = format!("{at}/accessory");
            if accessory["type"] == "image" {
                self.image(&at, accessory);
            } else {
                self.element(&at, accessory);
            }
        }
    }

    fn context(&mut self, at: &str, block: &Value) {
        let elements = block["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
        if elements.is_empty() || elements.len() > 10 {
            self.fault(&format!("{at}/elements"), "must have 1 to 10 items");
        }
        for (index, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            if element["type"] == "image" {
                self.image(&at, element);
            } else {
                self.text(&at, element, 2000, false);
            }
        }
    }

    fn actions(&mut self, at: &str, block: &Value, surface: Surface) {
        let elements = block["elements"].as_array().map(Vec::as_slice).unwrap_or_default();
        if elements.is_empty() || elements.len() > 25 {
            self.fault(&format!("{at}/elements"), "must have 1 to 25 items");
        }
        for (index, element) in elements.iter().enumerate() {
            let at = format!("{at}/elements/{index}");
            let id = element["action_id"].as_str();
            if id.is_some()
                && elements[..index].iter().any(|other| other["action_id"].as_str() == id)
            {
                self.fault(&at, "`action_id` already exists");
            }
            if surface == Surface::Message
                && element["type"].as_str().is_some_and(|kind| kind.ends_with("_input"))
            {
                self.fault(&format!("{at}/type"), "inputs stand in input blocks only");
            }
            self.element(&at, element);
        }
    }

    fn image(&mut self, at: &str, image: &Value) {
        if image["image_url"].as_str().is_none_or(str::is_empty)
            && image.get("slack_file").is_none()
        {
            self.fault(&format!("{at}/image_url"), "missing image");
        }
        self.length(&format!("{at}/image_url"), &image["image_url"], 3000);
        if image["alt_text"].as_str().is_none() {
            self.fault(&format!("{at}/alt_text"), "missing required field");
        }
        self.length(&format!("{at}/alt_text"), &image["alt_text"], 2000);
        self.optional_text(
            &format!("{at}/title"),
            image.get("title").filter(|t| t.is_object()),
            2000,
        );
    }

    fn input(&mut self, at: &str, block: &Value) {
        self.text(&format!("{at}/label"), &block["label"], 2000, true);
        self.optional_text(&format!("{at}/hint"), block.get("hint"), 2000);
        match block["element"]["type"].as_str() {
            Some("button" | "overflow") => {
                self.fault(&format!("{at}/element"), "unsupported element in an input block");
            }
            _ => self.element(&format!("{at}/element"), &block["element"]),
        }
    }

    fn element(&mut self, at: &str, element: &Value) {
        if !interactive(element) {
            return self.fault(&format!("{at}/type"), "unsupported element");
        }
        self.length(&format!("{at}/action_id"), &element["action_id"], 255);
        self.optional_text(&format!("{at}/placeholder"), element.get("placeholder"), 150);
        if let Some(confirm) = element.get("confirm") {
            self.text(&format!("{at}/confirm/title"), &confirm["title"], 100, true);
            self.text(&format!("{at}/confirm/text"), &confirm["text"], 300, false);
            self.text(&format!("{at}/confirm/confirm"), &confirm["confirm"], 30, true);
            self.text(&format!("{at}/confirm/deny"), &confirm["deny"], 30, true);
        }
        match element["type"].as_str().unwrap_or_default() {
            "button" => self.button(at, element),
            "overflow" => self.options(at, element, 5),
            "radio_buttons" | "checkboxes" => self.options(at, element, 10),
            "static_select" | "multi_static_select" => self.options(at, element, 100),
            "plain_text_input" => {
                self.length(&format!("{at}/initial_value"), &element["initial_value"], 3000);
                if element["max_length"].as_u64().is_some_and(|most| most > 3000) {
                    self.fault(&format!("{at}/max_length"), "must be at most 3000");
                }
            }
            "number_input" if !element["is_decimal_allowed"].is_boolean() => {
                self.fault(&format!("{at}/is_decimal_allowed"), "missing required field");
            }
            _ => {}
        }
    }

    fn button(&mut self, at: &str, button: &Value) {
        self.text(&format!("{at}/text"), &button["text"], 75, true);
        self.length(&format!("{at}/value"), &button["value"], 2000);
        self.length(&format!("{at}/url"), &button["url"], 3000);
        self.length(&format!("{at}/accessibility_label"), &button["accessibility_label"], 75);
        if !matches!(button["style"].as_str(), None | Some("primary" | "danger"))
            || button["style"].is_number()
        {
            self.fault(&format!("{at}/style"), "must be primary or danger");
        }
    }

    fn options(&mut self, at: &str, element: &Value, most: usize) {
        let groups = element["option_groups"].as_array().into_iter().flatten();
        let grouped = groups.flat_map(|group| group["options"].as_array().into_iter().flatten());
        let options: Vec<&Value> =
            element["options"].as_array().into_iter().flatten().chain(grouped).collect();
        if options.is_empty() || options.len() > most {
            self.fault(&format!("{at}/options"), &format!("must have 1 to {most} items"));
        }
        let plain = !matches!(element["type"].as_str(), Some("radio_buttons" | "checkboxes"));
        for (index, option) in options.iter().enumerate() {
            let at = format!("{at}/options/{index}");
            self.text(&format!("{at}/text"), &option["text"], 75, plain);
            if option["value"].as_str().is_none() {
                self.fault(&format!("{at}/value"), "missing required field");
            }
            self.length(&format!("{at}/value"), &option["value"], 150);
            if let Some(description) = option.get("description") {
                self.text(&format!("{at}/description"), description, 75, plain);
            }
        }
        let initial = element.get("initial_option").into_iter();
        for initial in initial.chain(element["initial_options"].as_array().into_iter().flatten()) {
            if !options.contains(&initial) {
                self.fault(&format!("{at}/initial_option"), "must be one of the options");
            }
        }
    }
}
