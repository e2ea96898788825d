//! The worker: what it does when the chat, or we ourselves, do it wrong.

#[path = "../house/mod.rs"]
mod house;

mod doubt;
mod office;
mod panics;
mod places;
mod restored;
