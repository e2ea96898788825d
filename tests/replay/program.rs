//! The real program on an export.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use super::{CHANNELS, Files, day, folder, said, ts, zipped};

const MAILCHIMP: &str =
    "let's move off Mailchimp <script>alert(1)</script> &lt;b&gt;, our mails land in spam";

fn replay(export: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command.env_clear().current_dir(std::env::temp_dir()).arg("replay").arg(export).args(args);
    command.output().expect("the program starts")
}

/// What it wrote, when it ended well.
#[track_caller]
fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Its last words, when it failed with this code.
#[track_caller]
fn failed(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code));
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_folder_and_its_zip_say_the_same_in_the_same_order() {
    let (one, two) = (day(&[said(0, "U1", MAILCHIMP)]), day(&[said(9, "U2", MAILCHIMP)]));
    let files: Files<'_> = &[
        CHANNELS,
        ("zebra/2026-09-21.json", &one),
        ("backend/2026-09-21.json", &two),
        ("backend/2026-09-20.json", "[oops"),
    ];
    let dir = folder(files);
    let zip = tempfile::tempdir().unwrap();
    let from_folder = done(&replay(dir.path(), &["--json"]));
    let from_zip = done(&replay(&zipped(zip.path(), files), &["--json"]));
    assert_eq!(from_folder, from_zip);
    assert_eq!(from_folder, done(&replay(dir.path(), &["--json"])));

    let rows = lines(&from_folder);
    let first = &rows[0];
    assert_eq!((&first["channel"], &first["ts"]), (&"C0BACKEND1".into(), &ts(9).into()));
    assert_eq!((&first["user"], &first["rule"]), (&"U2".into(), &"verb.leave".into()));
    assert_eq!(first["kind"], "switch_vendor");
    assert!(first["confidence"].as_f64().unwrap() > 0.5);
    assert_eq!((&rows[1]["channel"], rows.len()), (&"zebra".into(), 3));
    let summary = &rows[2]["summary"];
    assert_eq!((&summary["messages"], &summary["prompts"]), (&2.into(), &2.into()));
    assert_eq!(summary["skipped"][0]["file"], "backend/2026-09-20.json");
    assert_eq!(summary["skipped"][0]["line"], 1);
}

#[test]
fn a_newcomer_reads_how_much_it_would_have_said_on_the_sample() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/export");
    let output = replay(&sample, &[]);
    let text = done(&output);
    for words in [
        "Read 18 messages by people in 5 channels, 2026-10-05 to 2026-11-03.",
        "Second Look would have spoken 5 times",
        "#leads (private)",
        "a person already asked for evidence (someone_asked)",
        "an incident is worked on here (incident_channel)",
        "1 direct conversation",
    ] {
        assert!(text.contains(words), "{words:?} not in\n{text}");
    }
    assert!(output.stderr.is_empty(), "no bar where a program reads");
}

#[test]
fn the_page_is_whole_by_itself_and_runs_nothing() {
    let dir = folder(&[("back<i>end/2026-09-21.json", &day(&[said(0, "U1", MAILCHIMP)]))]);
    let page = dir.path().join("page.html");
    let args = ["--html", page.to_str().unwrap(), "--workspace-url", "https://acme.slack.com/"];
    done(&replay(dir.path(), &args));
    let html = fs::read_to_string(page).unwrap();
    let link =
        format!("https://acme.slack.com/archives/back&lt;i&gt;end/p{}", ts(0).replace('.', ""));
    for part in [
        "default-src 'none'",
        "#back&lt;i&gt;end",
        "<mark>let&#39;s</mark> <mark>move off</mark>",
        "&lt;b&gt;",
        "<svg",
        "aria-label=\"#back&lt;i&gt;end: 1 card, most in 2026-W39: 1\"",
        &link,
    ] {
        assert!(html.contains(part), "{part} not in\n{html}");
    }
    for part in ["<script", "<i>", "src=", "url(", "@import", "<link", "http://", "onerror"] {
        assert!(!html.contains(part), "{part} in\n{html}");
    }
    assert_eq!(html.matches("https://").count(), 1, "the link and nothing else");
}

#[test]
fn labels_give_precision_and_name_what_has_none() {
    let days: Vec<String> =
        (0..3).map(|n| day(&[said(n * 40 * 86_400, "U1", MAILCHIMP)])).collect();
    let files: Vec<(String, &String)> = days
        .iter()
        .enumerate()
        .map(|(n, day)| (format!("backend/2026-09-2{n}.json"), day))
        .collect();
    let mut files: Vec<(&str, &str)> =
        files.iter().map(|(f, d)| (f.as_str(), d.as_str())).collect();
    files.push(CHANNELS);
    let dir = folder(&files);
    let labels = dir.path().join("labels.csv");
    let (first, second) = (ts(0), ts(40 * 86_400));
    let rows = format!(
        "channel,ts,label\nbackend,{first},SPEAK\nC0BACKEND1,{second},SILENT\nbackend,1.0,SPEAK\n"
    );
    fs::write(&labels, rows).unwrap();
    let labels = labels.to_str().unwrap();
    let text = done(&replay(dir.path(), &["--labels", labels]));
    for words in [
        "precision 0.50 (1 of 2; 95 % interval 0.09–0.91)",
        "answered 1 of the 2 messages labelled SPEAK",
        "without a label: 1",
        &ts(80 * 86_400),
    ] {
        assert!(text.contains(words), "{words:?} not in\n{text}");
    }
    let json = done(&replay(dir.path(), &["--labels", labels, "--json"]));
    let rows = lines(&json);
    let judged = &rows.last().unwrap()["summary"]["labels"];
    assert_eq!(judged["rules"]["verb.leave"]["wrong"], 1);
    assert_eq!(
        (&judged["precision"]["precision"], &judged["unlabelled"]),
        (&0.5.into(), &1.into())
    );
}

#[test]
fn what_cannot_be_replayed_fails_with_the_next_step() {
    let broken = folder(&[CHANNELS, ("backend/2026-09-21.json", "[\n{oops")]);
    let error = failed(&replay(broken.path(), &["--json"]), 1);
    assert!(error.contains("backend/2026-09-21.json, line 2: not JSON; export it anew"), "{error}");
    let empty = tempfile::tempdir().unwrap();
    let error = failed(&replay(empty.path(), &[]), 1);
    assert!(
        error.contains("it holds no channel") && error.contains(".zip that Slack sent"),
        "{error}"
    );
    let error = failed(&replay(&empty.path().join("nowhere.zip"), &[]), 1);
    assert!(error.contains("nowhere.zip"), "{error}");
}

#[test]
fn wrong_usage_and_settings_end_with_two() {
    let dir = folder(&[CHANNELS, ("backend/2026-09-21.json", "[]")]);
    failed(&replay(dir.path(), &["--workspace-url", "javascript:alert(1)"]), 2);
    failed(&replay(dir.path(), &["--nonsense"]), 2);
    let mut command = Command::new(env!("CARGO_BIN_EXE_secondlook"));
    command.env_clear().env("SECONDLOOK_CHANNEL_CAP", "many").arg("replay").arg(dir.path());
    let error = failed(&command.output().unwrap(), 2);
    assert!(error.contains("SECONDLOOK_CHANNEL_CAP"), "{error}");
    assert!(
        done(&replay(dir.path(), &[])).contains("no message by a person"),
        "an empty day is no fault"
    );
}
