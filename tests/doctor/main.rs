//! `secondlook doctor`, the real program, beside the stand-in for Slack: well, and in every way unwell.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod patient;
mod records;
mod settings;
mod slack;
