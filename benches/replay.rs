//! What a replay costs: `cargo bench --bench replay [-- MESSAGES]` writes a made-up export, as a folder and as a zip, runs
//! the real program on it and prints messages per second and peak memory, for the whole and for a tenth of it.
//!
//! Nothing is asserted: machines differ. Memory is flat when the tenth takes as much as the whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

const MESSAGES: usize = 1_000_000;
const CHANNELS: usize = 100;
const PER_DAY: usize = 100;
const FIRST: i64 = 1_700_000_000;

fn main() {
    let asked = std::env::args().skip(1).find_map(|arg| arg.parse().ok());
    let messages: usize = asked.unwrap_or(MESSAGES);
    for messages in [messages / 10, messages] {
        let dir = tempfile::tempdir().unwrap();
        let (folder, zip) = (dir.path().join("export"), dir.path().join("export.zip"));
        let bytes = write(messages, &folder, &zip);
        println!("{messages} messages in {CHANNELS} channels, {} MiB of JSON", bytes / 1024 / 1024);
        replay("folder", &folder, messages);
        replay("zip", &zip, messages);
    }
}

/// Runs the program and prints what it took.
fn replay(name: &str, export: &Path, messages: usize) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_secondlook"))
        .args(["replay", "--json"])
        .arg(export)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().split(' ').next()?.parse().ok());
        peak = kib.unwrap_or(peak);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        thread::sleep(Duration::from_millis(10));
    };
    let took = begun.elapsed();
    assert!(ended.success(), "the replay failed");
    println!(
        "  {name:6} {:.1} s, {} messages/s, peak {:.0} MiB",
        took.as_secs_f64(),
        messages as u128 * 1_000 / took.as_millis().max(1),
        peak / 1024.0
    );
}

/// Writes the same export twice; returns the size of its messages.
fn write(messages: usize, folder: &Path, zip: &Path) -> u64 {
    let texts = texts();
    let mut zip = zip::ZipWriter::new(BufWriter::new(File::create(zip).unwrap()));
    let mut bytes = 0;
    let mut save = |path: &str, json: &[u8]| {
        fs::create_dir_all(folder.join(path).parent().unwrap()).unwrap();
        fs::write(folder.join(path), json).unwrap();
        zip.start_file(path, SimpleFileOptions::default()).unwrap();
        zip.write_all(json).unwrap();
    };
    let channels: Vec<Value> = (0..CHANNELS)
        .map(|n| json!({"id": format!("C0TEAM{n:04}"), "name": format!("team-{n}"), "members": []}))
        .collect();
    save("channels.json", &serde_json::to_vec(&channels).unwrap());
    save("users.json", b"[]");
    for channel in 0..CHANNELS {
        for day in 0..messages / CHANNELS / PER_DAY {
            let first = Timestamp::from_second(FIRST).unwrap()
                + SignedDuration::from_hours(24) * i32::try_from(day).unwrap();
            let rows: Vec<Value> = (0..PER_DAY)
                .map(|n| {
                    let number = channel * 7919 + day * PER_DAY + n;
                    row(first, n, number, &texts[number % texts.len()])
                })
                .collect();
            let json = serde_json::to_vec_pretty(&rows).unwrap();
            bytes += json.len() as u64;
            save(&format!("team-{channel}/{}.json", first.strftime("%Y-%m-%d")), &json);
        }
    }
    zip.finish().unwrap();
    bytes
}

/// A message with what Slack puts around it.
fn row(day: Timestamp, nth: usize, number: usize, text: &str) -> Value {
    let second = day.as_second() + 300 * i64::try_from(nth).unwrap();
    let user = format!("U0{:06}", number * 31 % 5_000);
    json!({
        "client_msg_id": format!("{number:08x}-0000-4000-8000-{number:012x}"), "type": "message",
        "user": user, "ts": format!("{second}.{:06}", number % 1_000_000), "text": text, "team": "T0ACME0001",
        "user_team": "T0ACME0001", "source_team": "T0ACME0001",
        "user_profile": {
            "avatar_hash": format!("{number:012x}"), "image_72": format!("https://example.com/{user}/72.png"),
            "first_name": "Ada", "real_name": "Ada Example", "display_name": "ada", "team": "T0ACME0001",
            "name": "ada", "is_restricted": false, "is_ultra_restricted": false,
        },
        "blocks": [{"type": "rich_text", "block_id": format!("{number:x}"), "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]},
        ]}],
    })
}

/// Ordinary talk, and a proposal in eight hundred; what is not a proposal in the corpus is its hardest part.
fn texts() -> Vec<String> {
    let corpus = include_str!("../tests/corpus/en.ndjson");
    let rows: Vec<Value> = corpus.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |label: &str| {
        let rows = rows.iter().filter(move |row| row["label"] == label);
        rows.filter_map(|row| row["text"].as_str()).collect::<Vec<_>>()
    };
    let (silent, speak) = (of("SILENT"), of("SPEAK"));
    (0..40_000)
        .map(|n| match n % 800 {
            0 => speak[n / 800 % speak.len()].to_owned(),
            _ => format!("{} ({n})", silent[n * 17 % silent.len()]),
        })
        .collect()
}
