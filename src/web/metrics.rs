//! `/metrics`, as Prometheus reads it: counts and times, never text, names or ids.

use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::app::ports::{Clock, Store};

/// Bounds in seconds: an acknowledgement should take milliseconds and must not take three seconds.
const SECONDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 3.0];

/// Starts counting, once per process.
pub fn install() -> anyhow::Result<PrometheusHandle> {
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    if let Some(handle) = HANDLE.get() {
        return Ok(handle.clone());
    }
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
        .context("could not set the metrics' bounds")?
        .build_recorder();
    let handle = recorder.handle();
    // Another bot in this process (the demo, a test) may have been faster; then both count into one.
    if metrics::set_global_recorder(recorder).is_ok() {
        drop(HANDLE.set(handle.clone()));
    }
    Ok(HANDLE.get().cloned().unwrap_or(handle))
}

struct Source {
    handle: PrometheusHandle,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
}

/// The page. It looks at the backlog when it is read.
pub fn router(handle: PrometheusHandle, store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Router {
    let source = Arc::new(Source { handle, store, clock });
    Router::new().route("/metrics", get(render)).with_state(source)
}

async fn render(State(source): State<Arc<Source>>) -> String {
    let now = source.clock.now();
    if let Ok(backlog) = source.store.backlog(now).await {
        let age =
            backlog.oldest_due.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0));
        gauge("secondlook_work_due", backlog.due);
        gauge("secondlook_work_waiting", backlog.waiting);
        gauge("secondlook_work_parked", backlog.parked);
        metrics::gauge!("secondlook_work_oldest_due_seconds").set(age);
    }
    source.handle.run_upkeep();
    source.handle.render()
}

fn gauge(name: &'static str, value: u64) {
    metrics::gauge!(name).set(f64::from(u32::try_from(value).unwrap_or(u32::MAX)));
}
