//! `/healthz`: the process answers. `/readyz`: the database can be read and written, its schema is current, and the worker
//! looks for work.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use crate::app::App;

/// The two health checks. Slack's state is a metric, not a reason to restart.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(app)
}

async fn ready(State(app): State<Arc<App>>) -> (StatusCode, &'static str) {
    match app.ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(error.kind = %error, "not ready");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "the database can't be used, or no work is done: the log says which\n",
            )
        }
    }
}
