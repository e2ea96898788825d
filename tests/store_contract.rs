//! What every store must do: one contract, run on a database in memory and on a file.
//!
//! To add a store: open it in `contract/house.rs`, and give it a module in `contract!`. What only a SQLite file can show
//! is in `contract/disk.rs`.

#[cfg(test)]
mod contract;

use contract::house::House;

/// Runs every part of the contract on every store.
macro_rules! contract {
    ($($part:ident :: $name:ident),+ $(,)?) => {
        mod memory {$(
            #[tokio::test]
            async fn $name() {
                super::contract::$part::$name(super::House::memory().await).await;
            }
        )+}
        mod file {$(
            #[tokio::test]
            async fn $name() {
                super::contract::$part::$name(super::House::file().await).await;
            }
        )+}
    };
}

contract! {
    cases::a_case_comes_back_as_it_was_saved,
    cases::a_case_is_found_by_thread_and_by_evidence,
    cases::an_old_copy_is_refused,
    cases::a_thread_has_one_case,
    cases::numbers_are_never_given_twice,
    cases::lists_show_investigations_that_may_be_seen,
    cases::a_period_has_what_ended_in_it_and_what_is_open,
    cases::what_goes_from_a_case_goes_from_the_store,
    cases::workspaces_with_equal_ids_are_apart,
    channels::a_channel_comes_back_as_it_was_saved,
    channels::two_prompts_at_once_cannot_both_pass,
    channels::an_uninstalled_workspace_rests,
    channels::prompts_are_the_cases_of_thirty_days,
    channels::who_the_bot_is_comes_back,
    changes::an_event_has_its_effect_once,
    changes::a_refused_change_leaves_nothing,
    changes::a_change_is_about_one_workspace,
    changes::events_are_forgotten_by_age,
    changes::the_digest_of_a_week_is_asked_for_once,
    jobs::work_is_done_when_it_is_due,
    jobs::every_kind_of_work_comes_back,
    jobs::pending_work_asked_again_runs_once_and_earlier,
    jobs::work_asked_for_in_flight_runs_once_more,
    jobs::a_retry_does_what_was_asked_for_meanwhile,
    jobs::a_lease_that_ran_out_is_uncertain,
    jobs::uncertainty_is_kept_until_it_is_done,
    jobs::a_lost_lease_ends_nothing,
    jobs::cancelled_work_is_not_tried_again,
    jobs::given_up_work_waits_for_a_person_or_a_new_ask,
    jobs::concurrent_workers_take_each_job_once,
    jobs::the_backlog_is_counted,
}
