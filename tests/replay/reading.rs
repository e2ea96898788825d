//! Exports as they come: from Slack and from other tools, old and new, with what is odd in them.

use secondlook::slack::export::{Day, Export, LeftOut, NotAnExport};
use tempfile::TempDir;

use super::{CHANNELS, Files, day, folder, message, said, ts, zipped};

fn open(files: Files<'_>) -> (TempDir, Export) {
    let dir = folder(files);
    let export = Export::open(dir.path()).unwrap();
    (dir, export)
}

/// The one day of the one channel of an export with this day file.
fn one_day(json: &str) -> (Day, Vec<String>) {
    let (_dir, mut export) = open(&[CHANNELS, ("backend/2026-09-21.json", json)]);
    let file = export.next_day(0).unwrap();
    assert!(export.next_day(0).is_none());
    (file.day, skipped(&export))
}

fn skipped(export: &Export) -> Vec<String> {
    let shown = |s: &secondlook::slack::export::Skipped| {
        format!("{}:{}: {}", s.file, s.line.unwrap_or(0), s.reason)
    };
    export.skipped.iter().map(shown).collect()
}

fn texts(day: &Day) -> Vec<&str> {
    day.messages.iter().map(|message| message.text.as_str()).collect()
}

#[test]
fn channels_are_named_by_their_tables_and_direct_conversations_left_out() {
    let hello = day(&[said(0, "U1", "hello")]);
    let (_dir, export) = open(&[
        (
            "channels.json",
            r#"[{"id":"C1","name":"partner","is_ext_shared":true,"is_archived":true},
                {"id":"C0BYID00001","name":"renamed-since"},{"id":"C3","name":"no-messages"}]"#,
        ),
        ("groups.json", r#"[{"id":"G1","name":"leads"}]"#),
        ("mpims.json", r#"[{"id":"G2","name":"mpdm-a--b--c-1"}]"#),
        ("dms.json", r#"[{"id":"D0000000001","members":["U1","U2"]}]"#),
        ("users.json", "[]"),
        ("integration_logs.json", "[{}]"),
        ("canvases.json", "not read"),
        ("partner/2026-09-21.json", &hello),
        ("partner/canvas_in_the_conversation.json", "not read"),
        ("C0BYID00001/2026-09-21.json", &hello),
        ("leads/2026-09-21.json", &hello),
        ("mpdm-a--b--c-1/2026-09-21.json", &hello),
        ("D0000000001/2026-09-21.json", &hello),
        // No table lists these: Slack's own names tell what they are.
        ("D0000000099/2026-09-21.json", &hello),
        ("mpdm-x--y--z-1/2026-09-21.json", &hello),
        ("forgotten/2026-09-21.json", &hello),
    ]);
    let channels: Vec<_> = export
        .channels
        .iter()
        .map(|c| (c.name.as_str(), c.id.as_str(), c.private, c.external))
        .collect();
    assert_eq!(
        channels,
        [
            ("renamed-since", "C0BYID00001", false, false),
            ("forgotten", "forgotten", false, false),
            ("leads", "G1", true, false),
            ("partner", "C1", false, true),
        ]
    );
    assert_eq!(export.left_out, LeftOut { direct: 2, group: 2 });
    assert!(skipped(&export).is_empty());
}

#[test]
fn only_what_people_wrote_is_a_message() {
    let (day, skipped) = one_day(&day(&[
        said(1, "U1", "plain"),
        message(2, "U1", "me", r#","subtype":"me_message""#),
        message(3, "U1", "file", r#","subtype":"file_share","files":[{"id":"F1"}]"#),
        message(4, "U9GONE", "by somebody no table knows", r#","edited":{"user":"U1","ts":"1"}"#),
        message(5, "U1", "", r#","bot_profile":null,"subtype":null,"thread_ts":null"#),
        message(6, "U1", "hi", r#","subtype":"channel_join""#),
        message(7, "U1", "topic", r#","subtype":"channel_topic","topic":"x""#),
        message(8, "USLACKBOT", "gone", r#","subtype":"tombstone""#),
        message(9, "U1", "by an app", r#","bot_id":"B1","app_id":"A1""#),
        message(10, "U1", "by an app", r#","bot_profile":{"id":"B1"}"#),
        message(11, "USLACKBOT", "a reminder", ""),
        r#"{"type":"message","subtype":"bot_message","bot_id":"B2","ts":"1790000012.0","text":"alert"}"#.to_owned(),
        r#"{"type":"message","subtype":"huddle_thread","ts":"1790000013.0"}"#.to_owned(),
        r#"{"type":"message","user":"U1","text":"when?"}"#.to_owned(),
        r#"{"type":"message","user":"U1","ts":1790000015,"text":["what?"]}"#.to_owned(),
    ]));
    assert_eq!(texts(&day), ["plain", "me", "file", "by somebody no table knows", ""]);
    assert_eq!((day.by_bots, day.events, day.deleted, day.unreadable), (4, 3, 1, 2));
    assert!(day.messages[3].edited && !day.messages[0].edited);
    assert_eq!(skipped, ["backend/2026-09-21.json:0: messages without a time, skipped: 2"]);
}

#[test]
fn accounts_of_bots_are_known_by_their_table() {
    let (_dir, mut export) = open(&[
        CHANNELS,
        ("org_users.json", r#"[{"id":"U0BOT","is_bot":true},{"id":"U1","is_bot":false},{}]"#),
        ("backend/2026-09-21.json", &day(&[said(1, "U0BOT", "beep"), said(2, "U1", "hello")])),
    ]);
    let day = export.next_day(0).unwrap().day;
    assert_eq!((texts(&day), day.by_bots), (vec!["hello"], 1));
}

#[test]
fn replies_stand_in_the_order_of_time_and_once() {
    let root = format!(r#","thread_ts":"{}""#, ts(1));
    let broadcast = format!(r#"{root},"subtype":"thread_broadcast""#);
    let (day, _) = one_day(&day(&[
        message(1, "U1", "root", &root),
        message(9, "U2", "reply", &root),
        said(5, "U3", "between"),
        message(9, "U2", "reply", &broadcast),
    ]));
    assert_eq!(texts(&day), ["root", "between", "reply"]);
    let threads: Vec<_> =
        day.messages.iter().map(|m| m.thread.as_ref().map(|t| t.0.clone())).collect();
    assert_eq!(threads, [None, None, Some(ts(1))]);
}

#[test]
fn a_broken_file_is_named_with_its_line_and_the_rest_is_read() {
    let good = day(&[said(1, "U1", "hello")]);
    let (_dir, mut export) = open(&[
        CHANNELS,
        ("groups.json", "[{\"id\":\n"),
        ("backend/2026-09-20.json", "[\n{\"type\":\"message\",\n\"text\": oops}]"),
        ("backend/2026-09-21.json", &good),
        ("backend/2026-09-22.json", "{\"messages\": []}"),
        ("backend/2026-09-23.json", "[null]"),
        ("backend/2026-09-24.json", ""),
        ("backend/2026-09-25.json", &format!("\u{feff}{good}")),
        ("backend/notes.json", "not a day"),
    ]);
    let mut read = Vec::new();
    while let Some(file) = export.next_day(0) {
        read.push(file.day.messages.len());
    }
    assert_eq!(read, [0, 1, 0, 0, 0, 1]);
    assert_eq!(
        skipped(&export),
        [
            "groups.json:2: the file ends in the middle",
            "backend/2026-09-20.json:3: not JSON",
            "backend/2026-09-22.json:1: not a list of what Slack exports",
            "backend/2026-09-23.json:1: not a list of what Slack exports",
            "backend/2026-09-24.json:1: the file ends in the middle",
        ]
    );
}

#[test]
fn a_folder_on_top_and_several_workspaces_are_found() {
    let hello = day(&[said(0, "U1", "hello")]);
    let files: Files<'_> = &[
        ("Acme export/channels.json", r#"[{"id":"C1","name":"größe"}]"#),
        ("Acme export/größe/2026-09-21.json", &hello),
        ("Acme export/teams/ops/channels.json", r#"[{"id":"C2","name":"größe"}]"#),
        ("Acme export/teams/ops/größe/2026-09-21.json", &hello),
        ("__MACOSX/Acme export/größe/._2026-09-21.json", "x"),
        ("__MACOSX/größe/2026-09-21.json", "x"),
    ];
    let dir = tempfile::tempdir().unwrap();
    for export in [open(files).1, Export::open(&zipped(dir.path(), files)).unwrap()] {
        let ids: Vec<_> = export.channels.iter().map(|channel| channel.id.as_str()).collect();
        assert_eq!(ids, ["C1", "C2"]);
    }
}

#[test]
fn what_is_no_export_is_refused_with_the_next_step() {
    let refused = |files: Files<'_>| Export::open(folder(files).path()).unwrap_err().to_string();
    assert!(refused(&[("readme.md", "x")]).contains("expected channels.json and folders"));
    let hello = day(&[said(0, "U1", "hello")]);
    let direct = refused(&[("dms.json", r#"[{"id":"D1"}]"#), ("D1/2026-09-21.json", &hello)]);
    assert!(direct.contains("direct conversations only (1)"), "{direct}");
    let dir = folder(&[("export.zip", "PK, but no zip")]);
    let text = Export::open(&dir.path().join("export.zip")).unwrap_err();
    assert!(matches!(text, NotAnExport::NotAZip(_)), "{text}");
    let nowhere = Export::open(&dir.path().join("nowhere")).unwrap_err();
    assert!(matches!(nowhere, NotAnExport::Unreadable(_)), "{nowhere}");
}
