//! Replaying a Slack export: what is read of it, what the bot would have said, and how the program tells it.

mod harm;
mod program;
mod reading;
mod speaking;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A file of an export: its path and what it holds.
type Files<'a> = &'a [(&'a str, &'a str)];

const CHANNELS: (&str, &str) = ("channels.json", r#"[{"id":"C0BACKEND1","name":"backend"}]"#);

/// An export as the folder it unpacks to.
fn folder(files: Files<'_>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// An export as the zip that Slack sends.
fn zipped(dir: &Path, files: Files<'_>) -> PathBuf {
    let path = dir.join("export.zip");
    let mut zip = zip::ZipWriter::new(File::create(&path).unwrap());
    for (name, text) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    path
}

/// A message at this second of a day in 2026.
fn said(second: u32, user: &str, text: &str) -> String {
    message(second, user, text, "")
}

/// A message with further fields, such as `,"subtype":"me_message"`.
fn message(second: u32, user: &str, text: &str, fields: &str) -> String {
    let ts = ts(second);
    format!(r#"{{"type":"message","user":"{user}","ts":"{ts}","text":"{text}"{fields}}}"#)
}

fn ts(second: u32) -> String {
    format!("{}.000100", 1_790_000_000 + second)
}

fn day(messages: &[String]) -> String {
    format!("[{}]", messages.join(",\n"))
}
