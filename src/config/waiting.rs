//! How long a card waits, and that it comes at all.

use super::Faults;
use crate::domain::policy::{ANSWERED_WITHIN, Limits, QuietHours};

impl Faults<'_> {
    /// What is heard just before the quiet hours waits for both.
    pub(super) fn speaks_in_time(&mut self, limits: &Limits, quiet_hours: Option<&QuietHours>) {
        let period = limits.quiet_period;
        let waits = quiet_hours.map_or(period, |hours| period + hours.length());
        if waits < ANSWERED_WITHIN {
            return;
        }
        let and_hours = quiet_hours.map(|hours| {
            format!(" and SECONDLOOK_QUIET_HOURS are {:#} long, {waits:#} together", hours.length())
        });
        self.add("SECONDLOOK_QUIET_PERIOD", format!(
            "is {period:#}{}: no card is posted about what was heard {ANSWERED_WITHIN:#} ago; shorten it",
            and_hours.unwrap_or_default()
        ));
    }
}
