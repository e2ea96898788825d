//! The parts of the store contract, by subject.

pub(crate) mod cases;
pub(crate) mod changes;
pub(crate) mod channels;
pub(crate) mod disk;
pub(crate) mod house;
pub(crate) mod installations;
pub(crate) mod jobs;
pub(crate) mod replicas;
pub(crate) mod retention;
pub(crate) mod schema;
pub(crate) mod server;
pub(crate) mod waiting;
