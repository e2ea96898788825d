//! Slack's doors against small local stand-ins: what Slack, the network and a stranger may do to them.

mod answers;
mod client;
mod files;
mod house;
mod http;
mod socket;
