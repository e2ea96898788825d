//! Second Look: a Slack bot that hears big-change proposals and asks, in the thread, for the cheapest check.
//!
//! Modules in reading order. The one rule: arrows point inward,
//! `main → bot, doctor → cli, web, slack, store, playground → app → domain` (held by `tests/tidy.rs`).

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
