//! Series of this room that stand at nothing before anything has happened: an alert sees how a series grows, and not how it
//! appears.

use metrics::{counter, histogram};

use super::request::REFUSED;
use super::{DeliveryKind, FAULTS, http, reception};

/// The methods whose refusals people feel.
const METHODS: [&str; 3] = ["chat.postMessage", "chat.update", "views.open"];

/// Begins them; to do it again does no harm.
pub fn begin() {
    for kind in DeliveryKind::ALL.map(DeliveryKind::label) {
        for outcome in FAULTS {
            counter!("secondlook_slack_deliveries_total", "kind" => kind, "outcome" => outcome)
                .increment(0);
        }
        // Enough to make it: no acknowledgement has a time yet.
        drop(histogram!("secondlook_ack_seconds", "kind" => kind));
    }
    for method in METHODS {
        counter!("secondlook_slack_calls_total", "method" => method, "outcome" => REFUSED)
            .increment(0);
    }
    for kind in reception::ANSWERS {
        counter!("secondlook_answers_lost_total", "kind" => kind).increment(0);
    }
    counter!("secondlook_slack_events_dropped_total").increment(0);
    counter!("secondlook_slack_turned_away_total", "reason" => http::UNSIGNED.1).increment(0);
    counter!("secondlook_tokens_unopened_total").increment(0);
}
