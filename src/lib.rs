//! Second Look: a Slack bot that hears big-change proposals and asks, in the thread, for the cheapest check.
//!
//! Read `domain` first, then `app`. The one rule: arrows point inward,
//! `main → cli → bot, doctor, replay → slack, store, web → app → domain`; `config` and `manifest` are for whoever is left of
//! `slack`, and `playground` is the command line's alone (held by `tests/tidy.rs`).

#![warn(unreachable_pub)]
#![warn(clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used)]

pub mod app;
pub mod bot;
pub mod cli;
pub mod config;
pub mod doctor;
pub mod domain;
pub mod manifest;
pub mod playground;
pub mod replay;
pub mod slack;
pub mod store;
pub mod web;
