//! The app manifests: right by Slack's published rules, right for what the code calls and decodes, explained scope by scope.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;
use secondlook::domain::message::ShortcutKind;
use secondlook::manifest::{Door, HOST_PLACEHOLDER, Size, scopes, text};
use serde_json::{Value, json};

const ALL: [(Door, Size); 4] = [
    (Door::Socket, Size::Listen),
    (Door::Http, Size::Listen),
    (Door::Socket, Size::AskOnly),
    (Door::Http, Size::AskOnly),
];

/// What Slack wants for a method: one of these scopes of the bot's token.
struct Method(&'static str, &'static [&'static str]);

const METHODS: [Method; 12] = [
    // With the app-level token, whose scope connections:write is no manifest's business.
    Method("apps.connections.open", &[]),
    Method("auth.revoke", &[]),
    Method("auth.test", &[]),
    Method("chat.postEphemeral", &["chat:write"]),
    Method("chat.postMessage", &["chat:write"]),
    Method("chat.update", &["chat:write"]),
    Method("conversations.history", &["channels:history", "groups:history"]),
    Method("conversations.info", &["channels:read", "groups:read"]),
    Method("conversations.join", &["channels:join"]),
    Method("conversations.replies", &["channels:history", "groups:history"]),
    // With the app's own credentials.
    Method("oauth.v2.access", &[]),
    Method("views.open", &[]),
];

/// Ask-only does without these: it hears no news of channels, and doesn't repeat a card whose posting was uncertain.
const NOT_IN_ASK_ONLY: [&str; 3] =
    ["conversations.history", "conversations.info", "conversations.replies"];

/// A subscription, the `type` it arrives with, and the scopes one of which it needs.
struct Subscription(&'static str, &'static str, &'static [&'static str]);

const EVENTS: [Subscription; 17] = [
    Subscription("app_mention", "app_mention", &["app_mentions:read"]),
    Subscription("app_uninstalled", "app_uninstalled", &[]),
    Subscription("channel_archive", "channel_archive", &["channels:read"]),
    Subscription("channel_created", "channel_created", &["channels:read"]),
    Subscription("channel_deleted", "channel_deleted", &["channels:read"]),
    Subscription("channel_left", "channel_left", &["channels:read"]),
    Subscription("channel_rename", "channel_rename", &["channels:read"]),
    Subscription("channel_unarchive", "channel_unarchive", &["channels:read"]),
    Subscription("group_archive", "group_archive", &["groups:read"]),
    Subscription("group_deleted", "group_deleted", &["groups:read"]),
    Subscription("group_left", "group_left", &["groups:read"]),
    Subscription("group_rename", "group_rename", &["groups:read"]),
    Subscription("group_unarchive", "group_unarchive", &["groups:read"]),
    Subscription(
        "member_joined_channel",
        "member_joined_channel",
        &["channels:read", "groups:read"],
    ),
    Subscription("message.channels", "message", &["channels:history"]),
    Subscription("message.groups", "message", &["groups:history"]),
    Subscription("tokens_revoked", "tokens_revoked", &[]),
];

/// Scopes that no method and no event explains, and what shows that the code needs them.
fn features() -> [(&'static str, bool); 2] {
    let code = slack_code();
    [
        ("commands", code.contains("DeliveryKind::Command") && code.contains("\"message_action\"")),
        ("files:read", code.contains("\"url_private\"") && code.contains("fetch_text")),
    ]
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn manifest(door: Door, size: Size) -> Value {
    serde_json::from_str(text(door, size)).unwrap()
}

fn strings(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().map(|item| item.as_str().unwrap()).collect()
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(sources(&path)) } else { found.push(path) }
    }
    found
}

/// The code of the room that talks to Slack, without its tests and without the table of paces, which knows methods we don't call.
fn slack_code() -> String {
    let mut code = String::new();
    for path in sources(&root().join("src/slack")) {
        if !path.ends_with("limits.rs") && !path.ends_with("tests.rs") {
            let text = fs::read_to_string(path).unwrap();
            code.push_str(text.split("#[cfg(test)]").next().unwrap());
        }
    }
    code
}

/// Every Web API method the code names. `Nature::of` names some we don't call; naming them there is no call.
fn methods_called() -> BTreeSet<String> {
    let code = slack_code();
    let nature = code.find("fn of(method: &str) -> Self {").unwrap();
    let end = nature + code[nature..].find("\n}\n").unwrap();
    let named = Regex::new(
        r#""((?:apps|auth|bookmarks|bots|canvases|chat|conversations|dnd|files|oauth|openid|pins|reactions|team|usergroups|users|views)\.[a-z]\w*(?:\.\w+)*)""#,
    )
    .unwrap();
    let calls = format!("{}{}", &code[..nature], &code[end..]);
    let names = named.captures_iter(&calls).map(|found| found[1].to_owned());
    // A file of an export is no method.
    names.filter(|name| name != "users.json").collect()
}

/// Whether a list holds one of the scopes; needing none is fine.
fn granted(scopes: &[String], any_of: &[&str]) -> bool {
    any_of.is_empty() || any_of.iter().any(|scope| scopes.iter().any(|s| s == scope))
}

// ── against Slack's published rules ────────────────────────────────────────────────────────────

/// An object's fields: name, whether it must be there, and its rule.
type Fields = &'static [(&'static str, bool, Rule)];

enum Rule {
    Any,
    Flag,
    /// A text of so many characters.
    Text(usize, usize),
    /// An https address.
    Url,
    OneOf(&'static [&'static str]),
    Object(Fields),
    /// A list of so many different texts of at most so many characters.
    Texts(usize, usize),
    /// A list of so many objects.
    Objects(usize, Fields),
}

/// The part of Slack's schema, version 2, that is of use to a bot like this one; anything else is a fault.
const MANIFEST: Fields = &[
    ("_metadata", false, Rule::Object(&[("major_version", true, Rule::Any)])),
    ("display_information", true, Rule::Object(DISPLAY)),
    ("features", true, Rule::Object(FEATURES)),
    (
        "oauth_config",
        true,
        Rule::Object(&[
            ("redirect_urls", false, Rule::Texts(1000, 255)),
            ("scopes", true, Rule::Object(SCOPES)),
        ]),
    ),
    ("settings", true, Rule::Object(SETTINGS)),
];
const DISPLAY: Fields = &[
    ("name", true, Rule::Text(1, 35)),
    ("description", false, Rule::Text(1, 140)),
    ("background_color", false, Rule::Text(4, 7)),
    ("long_description", false, Rule::Text(175, 4000)),
];
const FEATURES: Fields = &[
    (
        "app_home",
        false,
        Rule::Object(&[
            ("home_tab_enabled", false, Rule::Flag),
            ("messages_tab_enabled", false, Rule::Flag),
            ("messages_tab_read_only_enabled", false, Rule::Flag),
        ]),
    ),
    (
        "bot_user",
        true,
        Rule::Object(&[
            ("display_name", true, Rule::Text(1, 80)),
            ("always_online", false, Rule::Flag),
        ]),
    ),
    (
        "shortcuts",
        true,
        Rule::Objects(
            10,
            &[
                ("name", true, Rule::Text(1, 24)),
                ("type", true, Rule::OneOf(&["message", "global"])),
                ("callback_id", true, Rule::Text(1, 255)),
                ("description", true, Rule::Text(1, 150)),
            ],
        ),
    ),
    (
        "slash_commands",
        true,
        Rule::Objects(
            50,
            &[
                ("command", true, Rule::Text(2, 32)),
                ("url", false, Rule::Url),
                ("description", true, Rule::Text(1, 2000)),
                ("usage_hint", false, Rule::Text(1, 1000)),
                ("should_escape", false, Rule::Flag),
            ],
        ),
    ),
];
const SCOPES: Fields =
    &[("bot", true, Rule::Texts(255, 50)), ("bot_optional", false, Rule::Texts(255, 50))];
const SETTINGS: Fields = &[
    (
        "event_subscriptions",
        true,
        Rule::Object(&[
            ("request_url", false, Rule::Url),
            ("bot_events", true, Rule::Texts(100, 50)),
        ]),
    ),
    (
        "interactivity",
        true,
        Rule::Object(&[("is_enabled", true, Rule::Flag), ("request_url", false, Rule::Url)]),
    ),
    ("org_deploy_enabled", true, Rule::Flag),
    ("socket_mode_enabled", true, Rule::Flag),
    ("token_rotation_enabled", true, Rule::Flag),
];

fn check(value: &Value, rule: &Rule, place: &str, faults: &mut Vec<String>) {
    let texts = || value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let length = value.as_str().map_or(0, |text| text.chars().count());
    let right = match rule {
        Rule::Any => true,
        Rule::Flag => value.is_boolean(),
        Rule::Text(min, max) => value.is_string() && (*min..=*max).contains(&length),
        Rule::Url => {
            value.as_str().is_some_and(|url| url.starts_with("https://")) && length <= 3000
        }
        Rule::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Rule::Texts(count, max) => {
            let items = if texts() { strings(value) } else { Vec::new() };
            let different: BTreeSet<&str> = items.iter().copied().collect();
            !items.is_empty()
                && items.len() <= *count
                && different.len() == items.len()
                && items.iter().all(|item| item.chars().count() <= *max)
        }
        Rule::Objects(count, fields) => {
            for (n, item) in value.as_array().into_iter().flatten().enumerate() {
                check(item, &Rule::Object(fields), &format!("{place}/{n}"), faults);
            }
            value.as_array().is_some_and(|list| (1..=*count).contains(&list.len()))
        }
        Rule::Object(fields) => {
            check_fields(value, fields, place, faults);
            value.is_object()
        }
    };
    if !right {
        faults.push(format!("{place} is {value}"));
    }
}

fn check_fields(value: &Value, fields: Fields, place: &str, faults: &mut Vec<String>) {
    for name in value.as_object().into_iter().flat_map(|object| object.keys()) {
        if !fields.iter().any(|(known, ..)| known == name) {
            faults.push(format!("{place}/{name} is not known to Slack's schema"));
        }
    }
    for (name, needed, rule) in fields {
        match value.get(name) {
            Some(field) => check(field, rule, &format!("{place}/{name}"), faults),
            None if *needed => faults.push(format!("{place}/{name} is missing")),
            None => {}
        }
    }
}

#[test]
fn every_manifest_keeps_slacks_rules() {
    for (door, size) in ALL {
        let manifest = manifest(door, size);
        let mut faults = Vec::new();
        check(&manifest, &Rule::Object(MANIFEST), "", &mut faults);
        assert!(faults.is_empty(), "{door:?} {size:?}:\n{}", faults.join("\n"));
        assert_eq!(manifest["_metadata"]["major_version"], 2);
        let color = manifest["display_information"]["background_color"].as_str().unwrap();
        let digits = color.strip_prefix('#').unwrap();
        assert!(digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit()));
        let command = manifest["features"]["slash_commands"][0]["command"].as_str().unwrap();
        assert!(command.starts_with('/'));
    }
}

#[test]
fn the_rules_notice_a_broken_manifest() {
    let mut broken = manifest(Door::Http, Size::Listen);
    broken["surprise"] = json!(1);
    broken["display_information"]["name"] = json!("x".repeat(36));
    broken["display_information"]["long_description"] = json!("short");
    broken["features"]["shortcuts"][0]["name"] = json!("a name of 25 characters..");
    broken["features"]["shortcuts"][1]["type"] = json!("channel");
    broken["features"]["slash_commands"][0]["url"] = json!("http://example.com");
    broken["features"]["bot_user"] = json!({});
    broken["oauth_config"]["scopes"]["bot"] = json!(["commands", "commands"]);
    broken["settings"]["socket_mode_enabled"] = json!("no");
    let mut faults = Vec::new();
    check(&broken, &Rule::Object(MANIFEST), "", &mut faults);
    assert_eq!(faults.len(), 9, "{}", faults.join("\n"));
}

// ── against the code ───────────────────────────────────────────────────────────────────────────

#[test]
fn every_method_called_is_in_the_table_and_no_other() {
    let table: BTreeSet<String> = METHODS.iter().map(|method| method.0.to_owned()).collect();
    assert_eq!(methods_called(), table, "a new call needs a row in METHODS, and perhaps a scope");
}

#[test]
fn every_method_has_its_scope() {
    for size in [Size::Listen, Size::AskOnly] {
        let Scopes { all, .. } = asked_for(size);
        for Method(name, any_of) in &METHODS {
            let left_out = size == Size::AskOnly && NOT_IN_ASK_ONLY.contains(name);
            assert_eq!(
                granted(&all, any_of),
                !left_out,
                "{size:?}: {name} needs one of {any_of:?}"
            );
        }
    }
}

#[test]
fn every_event_has_its_scope_and_is_decoded() {
    let code = slack_code();
    for (door, size) in ALL {
        let manifest = manifest(door, size);
        let Scopes { needed, .. } = asked_for(size);
        for event in strings(&manifest["settings"]["event_subscriptions"]["bot_events"]) {
            let known = EVENTS.iter().find(|subscription| subscription.0 == event);
            let Subscription(_, arrives_as, any_of) =
                known.unwrap_or_else(|| panic!("{event} has no row in EVENTS"));
            // Not only optional: Slack sends nothing of an event whose scope was left out.
            assert!(granted(&needed, any_of), "{size:?}: {event} needs one of {any_of:?}");
            let decoded = code.contains(&format!("\"{arrives_as}\""));
            assert!(decoded, "nothing in src/slack decodes {event}");
        }
    }
}

#[test]
fn every_scope_is_used() {
    let features = features();
    for (door, size) in ALL {
        let manifest = manifest(door, size);
        let events = strings(&manifest["settings"]["event_subscriptions"]["bot_events"]);
        for scope in asked_for(size).all {
            let by_method = METHODS.iter().any(|method| method.1.contains(&scope.as_str()));
            let by_event = EVENTS
                .iter()
                .any(|event| events.contains(&event.0) && event.2.contains(&scope.as_str()));
            let by_feature = features.iter().any(|(name, used)| *name == scope && *used);
            assert!(by_method || by_event || by_feature, "{door:?} {size:?}: who uses {scope}?");
        }
    }
}

#[test]
fn ask_only_can_read_no_channel() {
    let Scopes { all, .. } = asked_for(Size::AskOnly);
    assert!(!all.iter().any(|scope| scope.ends_with(":history")), "{all:?}");
}

#[test]
fn shortcuts_and_command_are_those_the_code_knows() {
    for (door, size) in ALL {
        let manifest = manifest(door, size);
        let shortcuts = manifest["features"]["shortcuts"].as_array().unwrap();
        let ids: BTreeSet<&str> =
            shortcuts.iter().map(|shortcut| shortcut["callback_id"].as_str().unwrap()).collect();
        let known: BTreeSet<&str> = ShortcutKind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(ids, known);
        assert!(shortcuts.iter().all(|shortcut| shortcut["type"] == "message"));
        let commands = manifest["features"]["slash_commands"].as_array().unwrap();
        assert_eq!(commands.len(), 1);
        assert_eq!(commands[0]["command"], "/investigate");
        assert_eq!(commands[0]["should_escape"], true);
        assert_eq!(manifest["features"]["bot_user"]["display_name"], "Second Look");
    }
}

#[test]
fn doors_differ_in_their_addresses_only() {
    for size in [Size::Listen, Size::AskOnly] {
        let mut socket = manifest(Door::Socket, size);
        let mut http = manifest(Door::Http, size);
        for (pointer, name, path) in [
            ("/settings/event_subscriptions", "request_url", "/slack/events"),
            ("/settings/interactivity", "request_url", "/slack/interactivity"),
            ("/features/slash_commands/0", "url", "/slack/commands"),
        ] {
            let place = http.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
            let address = place.remove(name).unwrap();
            assert_eq!(address, format!("https://{HOST_PLACEHOLDER}{path}"));
            let door = fs::read_to_string(root().join("src/slack/http.rs")).unwrap();
            assert!(door.contains(&format!("\"{path}\"")), "the HTTP door has no {path}");
        }
        let oauth = http["oauth_config"].as_object_mut().unwrap();
        let back = format!("https://{HOST_PLACEHOLDER}/slack/oauth/callback");
        assert_eq!(oauth.remove("redirect_urls").unwrap(), json!([back]));
        let socket_mode = "/settings/socket_mode_enabled";
        assert_eq!(socket.pointer_mut(socket_mode).unwrap().take(), true);
        assert_eq!(http.pointer_mut(socket_mode).unwrap().take(), false);
        assert_eq!(socket, http);
    }
}

// ── against the documentation ──────────────────────────────────────────────────────────────────

#[test]
fn every_scope_has_its_reason_in_the_installation_guide() {
    let guide = fs::read_to_string(root().join("docs/INSTALL.md")).unwrap();
    let row =
        Regex::new(r"(?m)^\| `([a-z_]+:?[a-z_.]*)` \| (\S+) \| (\S+) \| (.{20,}) \|$").unwrap();
    let mut explained = BTreeSet::new();
    for found in row.captures_iter(&guide) {
        for (size, column) in [(Size::Listen, 2), (Size::AskOnly, 3)] {
            let Scopes { needed, all } = asked_for(size);
            let scope = found[1].to_owned();
            let says = match (needed.contains(&scope), all.contains(&scope)) {
                (true, _) => "needed",
                (false, true) => "optional",
                _ => "–",
            };
            assert_eq!(&found[column], says, "docs/INSTALL.md on {scope} in {size:?}");
        }
        explained.insert(found[1].to_owned());
    }
    let asked: BTreeSet<String> =
        [Size::Listen, Size::AskOnly].into_iter().flat_map(|size| asked_for(size).all).collect();
    assert_eq!(explained, asked);
}

struct Scopes {
    needed: Vec<String>,
    all: Vec<String>,
}

fn asked_for(size: Size) -> Scopes {
    let secondlook::manifest::Scopes { needed, optional } = scopes(size);
    assert!(needed.iter().all(|scope| !optional.contains(scope)), "a scope is asked for once");
    assert_eq!(
        manifest(Door::Http, size)["oauth_config"]["scopes"],
        manifest(Door::Socket, size)["oauth_config"]["scopes"]
    );
    Scopes { all: [needed.clone(), optional].concat(), needed }
}

// ── the command ────────────────────────────────────────────────────────────────────────────────

fn print(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_secondlook")).arg("manifest").args(args).output().unwrap()
}

#[test]
fn the_command_prints_them_with_the_host_filled_in() {
    let printed = print(&[]);
    assert_eq!(printed.stdout, text(Door::Socket, Size::Listen).as_bytes());
    let args = ["--mode", "http", "--size", "ask-only", "--host", "https://look.example.com/"];
    let printed: Value = serde_json::from_slice(&print(&args).stdout).unwrap();
    assert_eq!(
        printed["settings"]["interactivity"]["request_url"],
        "https://look.example.com/slack/interactivity"
    );
    assert!(!printed.to_string().contains(HOST_PLACEHOLDER));
    for wrong in [
        &["--host", "look.example.com"][..],
        &["--mode", "http", "--host", "http://look.example.com"],
        &["--mode", "http", "--host", "look.example.com\",\"x"],
    ] {
        let refused = print(wrong);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{wrong:?}");
    }
}
