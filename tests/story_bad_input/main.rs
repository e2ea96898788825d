//! What is wrong, hostile, late, doubled or lost: each gets a right answer or a clear refusal.

mod evidence;
mod faults;
mod forms;
mod order;
mod privacy;
mod requests;
mod silence;
mod words;

#[path = "../house/mod.rs"]
mod house;
