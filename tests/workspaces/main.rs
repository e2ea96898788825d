//! Many workspaces and one bot: installing, tokens, removal, and that nothing crosses from one to another.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../house/mod.rs"]
mod house;

mod browser;
mod crossing;
mod installing;
mod keys;
mod organisation;
mod removal;
mod renewal;
mod secrets;
mod town;
