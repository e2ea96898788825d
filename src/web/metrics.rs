//! `/metrics`, as Prometheus reads it: counts and times, never text, names or ids.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::Kind::{Counter, Gauge, Histogram};
use crate::app::App;
use crate::app::ports::{Backlog, Clock, Work};

/// Bounds in seconds: an acknowledgement should take milliseconds and must not take three seconds.
const SECONDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 3.0];

/// How often what was measured is taken together.
const UPKEEP_EVERY: Duration = Duration::from_secs(30);

/// How a metric moves: only up, both ways, or as times that are taken together.
#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Every metric, of which kind it is and what it counts; a test holds this table against the code and against `deploy/`.
const METRICS: &[(Kind, &str, &str)] = &[
    (
        Histogram,
        "secondlook_ack_seconds",
        "From a delivery's arrival to its acknowledgement; Slack gives up after 3 s.",
    ),
    (
        Counter,
        "secondlook_answers_lost_total",
        "Private answers and forms that Slack did not take: the person saw nothing.",
    ),
    (Counter, "secondlook_cases_total", "Changes of cases, by the state they came to."),
    (Histogram, "secondlook_detect_seconds", "Time the detector took for one message."),
    (
        Counter,
        "secondlook_duplicates_total",
        "Deliveries that had had their effect before, and had none again.",
    ),
    (
        Counter,
        "secondlook_erased_total",
        "What was deleted because it was kept long enough, by kind: rows, prompts, or cases whose words went.",
    ),
    (
        Counter,
        "secondlook_ignored_total",
        "Deliveries that are acknowledged and mean nothing to us, by kind.",
    ),
    (Counter, "secondlook_incidents_total", "Incident channels that were given a card."),
    (Gauge, "secondlook_installations", "Workspaces that installed the app by OAuth."),
    (
        Gauge,
        "secondlook_installations_failing",
        "Of these, those whose token could not be renewed the last time.",
    ),
    (
        Counter,
        "secondlook_installs_total",
        "Installations by OAuth that came to an end, by outcome.",
    ),
    (
        Counter,
        "secondlook_lookups_total",
        "Posts that might have stood already, by what the channel showed; one found is one not said twice.",
    ),
    (
        Counter,
        "secondlook_loops_begun_anew_total",
        "Loops in the background that ended by a fault of ours and were begun anew.",
    ),
    (
        Counter,
        "secondlook_proposals_heard_total",
        "Proposals that began a case, before the quiet period.",
    ),
    (
        Gauge,
        "secondlook_retention_ended_at",
        "When this process last found nothing more to delete, in seconds since 1970.",
    ),
    (
        Counter,
        "secondlook_silences_total",
        "Proposals that were not answered, by the rule that silenced them.",
    ),
    (Histogram, "secondlook_slack_call_seconds", "Time Slack's Web API took to answer, by method."),
    (Counter, "secondlook_slack_calls_total", "Calls of Slack's Web API, by method and outcome."),
    (
        Counter,
        "secondlook_slack_deliveries_total",
        "What Slack sent, by kind and outcome; refused is asked for again, panicked and hung are faults of ours.",
    ),
    (
        Counter,
        "secondlook_slack_events_dropped_total",
        "Minutes in which Slack dropped events of a workspace: there were more than 30,000 in an hour.",
    ),
    (Counter, "secondlook_slack_files_total", "Files fetched from Slack, by outcome."),
    (
        Counter,
        "secondlook_slack_turned_away_total",
        "Requests at the HTTP door that are not Slack's, by reason.",
    ),
    (
        Counter,
        "secondlook_socket_reconnects_total",
        "Socket Mode connections that were replaced, by reason.",
    ),
    (Gauge, "secondlook_sockets_open", "Socket Mode connections that hear now."),
    (
        Gauge,
        "secondlook_store_up",
        "1 while the store can be read and written and the worker looks for work, as /readyz says.",
    ),
    (Counter, "secondlook_token_renewals_total", "Tokens that were to be renewed, by outcome."),
    (
        Counter,
        "secondlook_tokens_unopened_total",
        "Looks at a sealed token that the keys at hand do not open.",
    ),
    (Counter, "secondlook_uninstalled_total", "Workspaces that removed the app."),
    (
        Counter,
        "secondlook_workspaces_erased_total",
        "Workspaces about which everything was deleted, thirty days after they removed the app.",
    ),
    (
        Gauge,
        "secondlook_work_due",
        "Work that is due: what was acknowledged and is not done, however often it was tried.",
    ),
    (
        Gauge,
        "secondlook_work_oldest_due_seconds",
        "How long the oldest due work has waited since it was due first.",
    ),
    (
        Gauge,
        "secondlook_work_parked",
        "Work that was given up; `secondlook doctor` shows the reasons.",
    ),
    (Counter, "secondlook_work_total", "Attempts at due work, by kind and outcome."),
    (Gauge, "secondlook_work_waiting", "Work in all, due later included."),
];

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
        describe();
        begin();
    }
    Ok(HANDLE.get().cloned().unwrap_or(handle))
}

/// Takes together what was measured, until it is told to stop: each time measured takes room until then, and the page may
/// never be read.
pub async fn upkeep(handle: PrometheusHandle, cancel: CancellationToken) {
    regularly(|| handle.run_upkeep(), &cancel).await;
}

async fn regularly(act: impl Fn(), cancel: &CancellationToken) {
    while cancel.run_until_cancelled(sleep(UPKEEP_EVERY)).await.is_some() {
        act();
    }
}

fn describe() {
    for (kind, name, what) in METRICS.iter().copied() {
        match kind {
            Counter => metrics::describe_counter!(name, what),
            Gauge => metrics::describe_gauge!(name, what),
            Histogram => metrics::describe_histogram!(name, what),
        }
    }
}

/// Begins the series of the app that stand at nothing before anything has happened: an alert sees how a series grows, and not
/// how it appears. The doors to Slack begin their own.
fn begin() {
    for state in ["prompted", "dismissed"] {
        metrics::counter!("secondlook_cases_total", "state" => state).increment(0);
    }
    for kind in Work::KINDS {
        for outcome in ["claim_lost", "panicked"] {
            metrics::counter!("secondlook_work_total", "kind" => kind, "outcome" => outcome)
                .increment(0);
        }
    }
}

struct Source {
    handle: PrometheusHandle,
    app: Arc<App>,
    clock: Arc<dyn Clock>,
}

/// The page. It looks at the backlog when it is read.
pub fn router(handle: PrometheusHandle, app: Arc<App>, clock: Arc<dyn Clock>) -> Router {
    let source = Arc::new(Source { handle, app, clock });
    Router::new().route("/metrics", get(render)).with_state(source)
}

async fn render(State(source): State<Arc<Source>>) -> String {
    let now = source.clock.now();
    let up = source.app.ready().await.is_ok();
    metrics::gauge!("secondlook_store_up").set(f64::from(u8::from(up)));
    let backlog = source.app.store().backlog(now).await.ok();
    // What is not known is shown as no number: the last one known would look like the present one.
    let shown = |of: fn(&Backlog) -> u64| {
        let count = backlog.as_ref().map(|b| u32::try_from(of(b)).unwrap_or(u32::MAX));
        count.map_or(f64::NAN, f64::from)
    };
    let oldest = backlog.as_ref().map_or(f64::NAN, |b| {
        b.oldest_due.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0))
    });
    metrics::gauge!("secondlook_work_due").set(shown(|b| b.due));
    metrics::gauge!("secondlook_work_waiting").set(shown(|b| b.waiting));
    metrics::gauge!("secondlook_work_parked").set(shown(|b| b.parked));
    metrics::gauge!("secondlook_work_oldest_due_seconds").set(oldest);
    source.handle.run_upkeep();
    source.handle.render()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_measured_is_taken_together_though_nobody_reads_it() {
        let (cancel, times) = (CancellationToken::new(), Cell::new(0));
        let act = || times.set(times.get() + 1);
        let hour = sleep(Duration::from_hours(1));
        tokio::select! {
            () = regularly(act, &cancel) => panic!("nobody told it to stop"),
            () = hour => {}
        }
        assert!((119..=120).contains(&times.get()), "{times:?}");
        cancel.cancel();
        regularly(act, &cancel).await;
    }
}
