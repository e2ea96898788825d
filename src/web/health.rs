//! `/healthz`: the process answers. `/readyz`: the database can be read and its schema is current.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::app::ports::Store;

/// The two health checks. Slack's state is a metric, not a reason to restart.
pub fn router(store: Arc<dyn Store>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(store)
}

async fn ready(State(store): State<Arc<dyn Store>>) -> (StatusCode, &'static str) {
    match store.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(error.kind = %error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database can't be read\n")
        }
    }
}
