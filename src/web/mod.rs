//! Pages for people and machines who run the bot: health and metrics. Knows the app, not Slack and not SQL.

mod health;
mod metrics;

pub use health::router as health;
pub use metrics::{install as install_metrics, router as metrics};
