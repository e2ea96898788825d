//! Log lines: ours at the level asked for, other people's only as warnings.

use anyhow::Context as _;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Logging;

/// Starts logging to standard error.
pub(super) fn install(logging: &Logging) -> anyhow::Result<()> {
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let layer = if logging.json { lines.json().boxed() } else { lines.boxed() };
    // Filters for everything, not for this layer: with those, a question whether a line would be written (sqlx asks after
    // every statement) swallows the next line of the same thread.
    tracing_subscriber::registry()
        .with(filter(logging)?)
        .with(filter_fn(harmless))
        .with(layer)
        .try_init()
        .context("could not start logging")?;
    std::panic::set_hook(Box::new(|panic| {
        // Only where: what a panic says can quote a message, as slicing one in mid-character does.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(panic.at = place, "a panic");
    }));
    Ok(())
}

/// What `RUST_LOG` asks for.
pub(super) fn filter(logging: &Logging) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&logging.filter).context("RUST_LOG can't be read: use a level such as info")
}

/// Libraries write frames, bodies and URLs with tokens at their lower levels, and slack-morphism at every level.
fn harmless(line: &Metadata<'_>) -> bool {
    line.target().starts_with("secondlook")
        || (*line.level() <= Level::WARN && !line.target().starts_with("slack_morphism"))
}
