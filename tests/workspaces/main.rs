//! Many workspaces and one bot: installing, tokens, removal, and that nothing crosses from one to another.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../house/mod.rs"]
mod house;

mod browser;
mod crossing;
mod digests;
mod installing;
mod keys;
mod listed;
mod organisation;
mod outage;
mod removal;
mod renewal;
mod secrets;
mod town;

/// Tells every story on every store named.
macro_rules! stories {
    ($($on:ident as $name:ident),+ => $stories:tt) => {$(
        stories!(@ $on $name $stories);
    )+};
    (@ $on:ident $name:ident {$($part:ident :: $story:ident),+ $(,)?}) => {
        mod $name {$(
            #[tokio::test]
            async fn $story() {
                super::$part::$story(super::house::On::$on).await;
            }
        )+}
    };
}

stories! {
    Sqlite as on_sqlite, Postgres as on_postgres => {
    crossing::each_is_spoken_to_with_its_own_token_over_http,
    crossing::each_is_spoken_to_with_its_own_token_over_one_app_token,
    crossing::one_event_id_in_both_has_its_effect_in_both,
    crossing::buttons_reach_the_cases_of_their_own_workspace_only,
    crossing::forms_that_point_at_the_other_workspace_change_nothing_there,
    crossing::modals_open_where_they_were_asked_for,
    crossing::commands_see_and_change_their_own_workspace_only,
    crossing::threads_and_deletions_are_of_their_own_workspace,
    crossing::a_shared_channel_s_event_is_for_whom_it_was_authorised,
    crossing::the_other_workspace_s_files_links_and_response_urls_are_out_of_reach,
    installing::a_browser_is_sent_to_slack_and_comes_back_to_a_bot_that_works,
    installing::a_smaller_size_asks_for_less_and_a_wrong_one_is_named,
    installing::over_tls_the_cookie_is_bound_to_the_host,
    installing::whatever_goes_wrong_the_page_says_what_and_nothing_is_installed,
    installing::a_person_who_cancels_is_told_so,
    installing::a_state_is_good_for_ten_minutes_one_use_and_one_browser,
    installing::replicas_share_what_was_used,
    installing::declining_what_is_optional_is_fine_and_what_is_needed_is_named,
    installing::a_workspace_with_a_token_and_one_that_installs_live_side_by_side,
    keys::no_byte_on_disk_shows_a_token,
    keys::a_row_copied_to_another_workspace_opens_nothing,
    keys::a_new_key_takes_over_row_by_row_and_may_be_asked_again,
    keys::while_keys_change_both_open,
    organisation::every_door_agrees_over_http,
    organisation::every_door_agrees_over_socket_mode,
    organisation::another_of_its_workspaces_is_the_same_installation_and_a_foreign_one_is_none,
    organisation::its_removal_is_understood_though_it_names_a_team,
    outage::a_form_sent_then_stays_open_with_its_text,
    outage::a_press_a_shortcut_and_an_event_are_refused_then_and_a_command_answered,
    removal::thirty_days_after_its_removal_no_table_knows_the_workspace,
    removal::whoever_comes_back_in_time_finds_everything,
    removal::its_work_rests_at_once_and_the_other_workspace_goes_on,
    removal::a_removal_told_after_a_new_installation_changes_nothing,
    renewal::of_two_replicas_one_renews_a_token_before_it_ends,
    renewal::a_token_that_ended_is_renewed_and_the_card_stands_once,
    renewal::a_token_past_its_end_is_renewed_before_it_is_used,
    renewal::what_another_process_renewed_is_read_again_once,
    renewal::a_renewal_whose_answer_was_lost_is_told_while_the_old_token_goes_on,
    renewal::a_renewal_goes_on_though_nobody_waits_for_it,
    renewal::a_stop_waits_for_a_renewal_that_nobody_else_waits_for,
    renewal::a_stop_begins_no_other_renewal,
    renewal::work_waits_for_a_token_that_could_not_be_renewed,
    renewal::a_renewal_without_an_answer_puts_no_post_in_doubt,
    secrets::no_log_line_no_page_and_no_metric_shows_a_secret,
    digests::each_has_one_a_week_in_its_own_channel_about_its_own_cases,
    digests::a_workspace_that_comes_back_is_told_no_old_weeks,
    digests::one_channel_without_its_workspace_is_nobodys_where_there_are_two,
    digests::the_command_asks_for_none_where_its_channel_is_another_workspaces,
    listed::an_installation_from_elsewhere_is_refused_its_tokens_are_given_back_and_nothing_is_kept,
    listed::what_slack_does_not_take_back_is_said,
    listed::an_organisation_in_the_list_takes_in_all_of_it,
    listed::a_workspace_from_before_the_list_is_served_on_and_not_harmed_by_trying_again,
    removal::a_removal_is_believed_as_soon_as_slack_can_be_asked,
}}
