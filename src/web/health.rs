//! `/healthz`: the process answers. `/readyz`: the database can be read and written, its schema is current, and the worker
//! looks for work.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::app::App;

/// How long an answer is given again: strangers ask too, and each look takes a connection that an acknowledgement needs.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// The two health checks. Slack's state is a metric, not a reason to restart.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(Arc::new(Readiness { app, last: Remembered::default() }))
}

struct Readiness {
    app: Arc<App>,
    last: Remembered,
}

async fn ready(State(readiness): State<Arc<Readiness>>) -> (StatusCode, &'static str) {
    let look = async || {
        let looked = readiness.app.ready().await;
        if let Err(error) = &looked {
            tracing::warn!(error.kind = %error, "not ready");
        }
        looked.is_ok()
    };
    if readiness.last.or(look).await {
        (StatusCode::OK, "ready\n")
    } else {
        const WHY: &str = "the database can't be used, or no work is done: the log says which\n";
        (StatusCode::SERVICE_UNAVAILABLE, WHY)
    }
}

/// The last answer, and when it was found.
#[derive(Default)]
struct Remembered(Mutex<Option<(Instant, bool)>>);

impl Remembered {
    /// The last answer while it is fresh; else what a look finds. While one looks, the others wait for what it finds.
    async fn or(&self, look: impl AsyncFnOnce() -> bool) -> bool {
        let mut last = self.0.lock().await;
        if let Some((_, answer)) = last.filter(|(at, _)| at.elapsed() < GOOD_FOR) {
            return answer;
        }
        let answer = look().await;
        *last = Some((Instant::now(), answer));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::time::{advance, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_the_database_is_asked_once_a_second() {
        let (last, count) = (Remembered::default(), AtomicU32::new(0));
        let (last, looks) = (&last, &count);
        let ask = |answer| {
            last.or(async move || {
                looks.fetch_add(1, Ordering::Relaxed);
                sleep(Duration::from_millis(300)).await;
                answer
            })
        };
        assert_eq!(tokio::join!(ask(true), ask(false), ask(false)), (true, true, true));
        advance(Duration::from_millis(999)).await;
        assert!(ask(false).await, "it is the last answer");
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        advance(Duration::from_millis(1)).await;
        assert!(!ask(false).await, "it was looked again");
        assert_eq!(looks.load(Ordering::Relaxed), 2);
    }
}
