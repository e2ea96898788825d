//! The stand-in behaves like Slack where it matters: limits, triggers, envelopes, signatures, retries, faults.

mod bot;
mod channels;
mod delivery;
mod page;
mod people;
mod web_api;
