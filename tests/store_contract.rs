//! What every store must do: one contract, run on SQLite in memory, on a SQLite file and on a PostgreSQL server.
//!
//! To add a store: open it in `contract/house.rs`, and give it a module in `contract!`. What only a SQLite file can show
//! is in `contract/disk.rs`, what only a server can in `contract/server.rs`.

#[cfg(test)]
mod contract;
#[path = "house/postgres.rs"]
mod postgres;
#[path = "house/tables.rs"]
mod tables;

use contract::house::House;

/// Runs every part on every store named.
macro_rules! contract {
    ($($store:ident as $name:ident),+ => $parts:tt) => {$(
        contract!(@ $store $name $parts);
    )+};
    (@ $store:ident $name:ident {$($part:ident :: $test:ident),+ $(,)?}) => {
        mod $name {$(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::contract::$part::$test(super::House::$store().await).await;
            }
        )+}
    };
}

contract! {
    memory as memory, file as file, postgres as server => {
    cases::a_case_comes_back_as_it_was_saved,
    cases::a_case_is_found_by_thread_and_by_evidence,
    cases::what_waits_in_a_channel_is_found,
    cases::an_old_copy_is_refused,
    cases::a_thread_has_one_case,
    cases::cards_that_people_wait_for_are_found_by_channel,
    cases::numbers_are_never_given_twice,
    cases::lists_show_investigations_that_may_be_seen,
    cases::a_period_has_what_ended_in_it_and_what_is_open,
    cases::what_goes_from_a_case_goes_from_the_store,
    cases::workspaces_with_equal_ids_are_apart,
    cases::any_text_can_be_kept,
    cases::a_channel_is_made_private_with_all_its_cases,
    channels::a_channel_comes_back_as_it_was_saved,
    channels::two_prompts_at_once_cannot_both_pass,
    channels::an_uninstalled_workspace_rests,
    channels::prompts_are_the_cases_of_thirty_days,
    channels::who_the_bot_is_comes_back,
    changes::an_event_has_its_effect_once,
    changes::a_refused_change_leaves_nothing,
    changes::a_change_is_about_one_workspace,
    changes::the_digest_of_a_week_is_asked_for_once,
    changes::what_must_not_come_after_something_is_refused_after_it,
    installations::an_installation_comes_back_as_it_was_kept,
    installations::of_many_who_would_renew_one_may,
    installations::a_removal_drops_the_tokens_of_that_workspace_at_once,
    jobs::work_is_done_when_it_is_due,
    jobs::every_kind_of_work_comes_back,
    jobs::pending_work_asked_again_runs_once_and_earlier,
    jobs::work_asked_for_in_flight_runs_once_more,
    jobs::a_retry_does_what_was_asked_for_meanwhile,
    jobs::a_lease_that_ran_out_is_uncertain,
    jobs::a_claim_is_prolonged_by_whoever_holds_it,
    jobs::uncertainty_is_kept_until_it_is_done,
    waiting::what_work_in_doubt_asks_for_is_in_doubt,
    jobs::what_may_still_come_is_looked_for_twice,
    jobs::a_lost_lease_ends_nothing,
    jobs::cancelled_work_is_not_tried_again,
    jobs::files_of_a_deleted_message_are_not_read,
    jobs::given_up_work_waits_for_a_person_or_a_new_ask,
    jobs::given_up_work_is_tried_again_or_dropped_by_command,
    jobs::concurrent_workers_take_each_job_once,
    jobs::the_backlog_is_counted,
    retention::what_is_due_goes_at_the_millisecond,
    retention::an_event_that_was_forgotten_may_come_again,
    retention::work_is_given_up_when_it_is_given_up,
    retention::prompts_go_and_what_was_answered_stays,
    retention::ended_cases_are_named_the_oldest_first_and_once,
    retention::a_batch_takes_no_more_than_it_may,
    jobs::no_retry_makes_work_younger,
    waiting::what_awaits_a_person_is_not_late,
    waiting::doubt_that_comes_while_it_is_tried_stays,
    waiting::the_work_of_full_workspaces_is_left_to_others,
}}

contract! {
    file as replicas_on_file, postgres as replicas_on_server => {
    replicas::of_two_changes_of_a_case_one_stands,
    replicas::of_two_new_cases_in_a_thread_one_stands,
    replicas::of_two_prompts_in_a_channel_one_stands,
    replicas::of_two_deliveries_of_an_event_one_has_its_effect,
    replicas::a_message_and_its_deletion_do_not_miss_each_other,
    replicas::new_people_are_met_once,
    replicas::who_is_met_again_while_they_are_forgotten_is_known,
    replicas::work_that_ends_while_it_is_asked_for_runs_once_more,
    replicas::work_cancelled_while_it_ends_is_gone,
    replicas::work_is_ended_or_taken_over_and_not_both,
    replicas::a_claim_is_prolonged_or_taken_over_and_not_both,
    replicas::two_processes_share_the_work,
    replicas::many_may_open_one_new_store_at_once,
    retention::a_deletion_goes_on_after_a_restart,
    retention::of_two_who_delete_each_row_is_counted_once,
    retention::two_who_forget_ended_cases_forget_each_once,
    retention::whoever_comes_back_while_it_is_deleted_begins_anew,
}}

// These look at the tables from outside, which nobody can do in memory.
contract! {
    file as tables_of_a_file, postgres as tables_of_a_server => {
    installations::what_was_removed_is_erased_from_every_table,
    installations::who_comes_back_in_time_is_not_erased,
    retention::a_prompt_goes_with_everything_of_it,
    retention::an_ended_case_leaves_its_conclusions,
    retention::a_half_deleted_workspace_does_not_come_back,
    waiting::work_of_a_newer_version_is_left_to_it,
}}
