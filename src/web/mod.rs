//! Pages for people and machines who run the bot: health and metrics. Knows the app, not Slack and not SQL.

mod health;
mod metrics;
mod serve;

pub use health::router as health;
pub use metrics::{install as install_metrics, router as metrics, upkeep as metrics_upkeep};
pub use serve::serve;
