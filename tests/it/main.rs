//! Integration tests of the whole path, on a real Kafka and a real ClickHouse that all tests share.
//! Each test has its own topic, consumer group and database, and runs the program as an operator
//! would.
//!
//! This is not a libtest harness: the engines must be stopped, and their folder removed, after the
//! last test, for which libtest has no hook.

#![expect(clippy::print_stderr, reason = "tests print their progress")]

mod acts;
mod api;
mod audit;
mod backlog;
mod brokers;
mod browser;
mod chaos;
mod collect;
mod commands;
mod complete;
mod contract;
mod copies;
mod dashboard;
mod dead_letters;
mod doubts;
mod dst;
mod emitting;
mod everybody;
mod focus;
mod foreign;
mod guards;
mod hours;
mod http;
mod import;
mod keeping;
mod live_events;
mod machine;
mod membership;
mod mistakes;
#[expect(
    dead_code,
    clippy::unwrap_used,
    reason = "tests of another crate need more of it"
)]
#[path = "../../crates/classify/tests/it/mmdb.rs"]
mod mmdb;
mod parts;
mod place;
mod portals;
mod printed;
mod projections;
mod public;
mod published;
mod questions;
mod readers;
mod readme;
mod rebuild;
mod records;
mod recovery;
mod regions;
mod register;
mod reload;
mod seals;
#[cfg(feature = "test-tls")]
mod secured;
mod shards;
mod standstill;
mod support;
mod tagged;
#[cfg(feature = "otel")]
mod traced;
mod unknown;
mod upgrades;
mod users;
mod watching;
mod years;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use libtest_mimic::{Arguments, Trial};

use crate::support::Engines;

type Test = fn(&Engines);

macro_rules! tests {
    ($($module:ident::$test:ident,)+) => {
        &[$((concat!(stringify!($module), "::", stringify!($test)), $module::$test as Test)),+]
    };
}

/// Slow tests: faults, several servers, years of data, all printed reports. They count as ignored
/// and run with `--include-ignored`, or with `--ignored` and their name. The slowest come first, so
/// that none runs alone at the end.
const LONG: &[(&str, Test)] = tests![
    chaos::nothing_is_lost_or_double,
    backlog::every_answer_is_right_or_marked,
    standstill::frozen_servers_are_named_and_hold_no_end,
    standstill::a_damaged_batch_is_named_and_not_skipped,
    standstill::a_missing_topic_is_named,
    standstill::a_missing_or_altered_view_is_named,
    standstill::a_partition_without_an_owner_is_named,
    shards::two_count_as_one,
    foreign::producers_of_every_kind_count_exactly,
    foreign::compacted_topics_balance,
    published::a_closed_year_is_published_as_it_was_closed,
    keeping::expired_facts_leave_the_aggregates_alone,
    keeping::erased_events_stay_gone_and_the_accounts_balance,
    keeping::a_backup_does_not_bring_back_what_was_erased,
    dashboard::pages_show_what_the_api_says,
    focus::one_command_runs_everything,
    portals::emitters_pass_the_shared_cases,
    portals::packages_install_from_their_folders,
    audit::lost_rows_are_named_and_repaired,
    readme::its_blocks_run_as_printed,
    collect::accepted_events_survive_kills,
    collect::nothing_personal_is_kept,
    collect::nothing_personal_leaves_the_log,
    api::an_etag_changes_with_own_data_only,
    api::keys_reach_their_enti_and_nothing_else,
    api::every_figure_equals_a_recount,
    brokers::a_broker_is_lost_under_load,
    machine::strangers_neither_ask_nor_stop_anything,
    machine::dead_engines_are_started_again,
    machine::frozen_engines_do_not_hold_the_end,
    machine::broken_parts_are_restored_unasked,
    machine::interrupted_backups_are_written_again,
    machine::acknowledged_records_are_on_the_disk,
    place::a_restored_log_is_read_as_a_new_stream,
    rebuild::facts_follow_the_register,
    rebuild::killed_rebuilds_go_on,
    rebuild::only_what_the_log_gives_is_kept,
    foreign::another_assignor_is_refused,
    recovery::killed_consumers_lose_and_double_nothing,
    recovery::two_consumers_share_and_hand_over,
    membership::partitions_are_added_to_a_running_topic,
    hours::precalculated_hours_are_right,
    upgrades::consumers_restart_one_after_the_other_under_load,
    keeping::a_backup_comes_back_and_the_log_adds_the_rest,
    rebuild::consumers_go_on_meanwhile,
    audit::consumers_reconcile_without_a_command,
];

/// All other tests. A new test belongs here, or above if it takes more than 20 s.
const SHORT: &[(&str, Test)] = tests![
    focus::tables_equal_the_printed_ones,
    api::every_request_is_answered_or_explained,
    complete::the_note_is_true_seconds_after_the_last_block,
    complete::hours_exist_in_the_zone_of_their_portal,
    complete::a_report_is_of_one_moment,
    seals::two_at_once_make_one_chain,
    collect::every_form_is_taken_in_and_counts_once,
    collect::forms_of_the_specifications_are_taken_in,
    collect::mistakes_are_answered_clearly,
    collect::keys_write_for_their_own_ente_only,
    collect::a_full_spool_refuses_and_keeps,
    collect::a_browser_counts_its_visits,
    membership::named_members_come_back_to_their_partitions,
    import::every_request_is_accounted_for,
    import::cases_are_counted_as_they_are,
    contract::examples_are_what_their_names_say,
    contract::letters_in_binary_mode_are_shown_and_sent_again,
    emitting::numbers_that_never_arrive_are_named,
    emitting::one_event_by_hand,
    commands::results_are_one_json_document,
    commands::names_stand_for_codes_and_failures_have_their_code,
    emitting::events_are_checked_before_they_are_sent,
    emitting::the_last_events_are_listed_with_their_fates,
    live_events::a_page_shows_what_became_of_each,
    doubts::lost_hour_rows_are_marked_and_rebuilt,
    doubts::newer_rules_do_not_split_a_block,
    doubts::every_answer_says_so,
    doubts::a_correction_counts_once,
    doubts::users_are_compared_too,
    doubts::tokens_are_forgotten_by_inserts,
    doubts::facts_changed_by_hand_are_named,
    parts::an_insert_is_one_part_a_month,
    parts::a_month_that_comes_late_counts_once,
    parts::inserts_of_a_block_are_seen_while_they_run,
    parts::a_profile_of_the_server_cannot_split_an_insert,
    records::bad_records_stop_nothing,
    records::duplicates_count_once_at_any_distance,
    copies::an_event_counts_once_whatever_its_key_and_time,
    copies::a_closed_year_holds_no_copy,
    copies::a_requeued_event_that_was_sent_again_counts_once,
    guards::places_that_do_not_fit_are_alarms,
    place::a_place_that_was_moved_is_an_alarm,
    place::a_loss_is_accepted_once_and_shown,
    place::facts_without_a_record_are_named_and_removed,
    place::overlapping_rows_become_one,
    place::a_topic_swapped_under_a_consumer_is_noticed,
    projections::parts_left_over_get_theirs,
    mistakes::each_has_one_clear_line,
    mistakes::alarms_instead_of_guesses,
    standstill::overridden_guards_and_kafka_away_are_refused,
    dead_letters::each_is_listed_and_shown_once,
    dead_letters::requeued_ones_count_exactly_once,
    dead_letters::mistakes_have_one_clear_line,
    register::unknown_codes_are_listed_and_placed_later,
    regions::totals_are_those_of_the_plan,
    unknown::a_new_code_with_each_event_spoils_no_answer,
    keeping::a_foreign_ttl_stops_the_consumer,
    watching::a_consumer_shows_its_state,
    watching::a_stop_at_a_guard_is_shown,
    reload::replaced_files_are_read_without_a_restart,
    dst::days_of_23_and_25_hours_are_the_same_in_every_server,
    public::no_person_is_found_in_public_data,
    acts::every_change_of_the_log_is_noticed,
    readers::analysts_see_their_enti_in_every_table,
    questions::each_has_an_answer_that_the_report_agrees_with,
    years::closed_years_never_change_and_say_what_moved,
    rebuild::events_that_the_log_lost_come_from_the_facts,
];

fn main() -> ExitCode {
    // The engines run in child processes of this program.
    affluenza_engine::run_if_child();
    let mut arguments = Arguments::from_args();
    // One thread more than cores, because tests wait for engines and processes a third of the time.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments.test_threads.get_or_insert(cores + 1);
    if arguments.list {
        return libtest_mimic::run(&arguments, trials(None)).exit_code();
    }
    let runtime = tokio::runtime::Runtime::new().expect("threads can be started");
    let engines = Arc::new(runtime.block_on(Engines::start()));
    let conclusion = libtest_mimic::run(&arguments, trials(Some(&engines)));
    let engines = Arc::into_inner(engines).expect("every test has ended");
    runtime.block_on(engines.stop());
    conclusion.exit_code()
}

fn trials(engines: Option<&Arc<Engines>>) -> Vec<Trial> {
    #[cfg(feature = "test-tls")]
    let secured: &[(&str, Test)] = tests![secured::everything_is_encrypted,];
    #[cfg(not(feature = "test-tls"))]
    let secured: &[(&str, Test)] = &[];
    #[cfg(feature = "otel")]
    let traced: &[(&str, Test)] = tests![traced::a_request_is_followed_to_its_block,];
    #[cfg(not(feature = "otel"))]
    let traced: &[(&str, Test)] = &[];
    let short = SHORT.iter().chain(secured).chain(traced);
    let all = LONG.iter().map(|test| (test, true));
    all.chain(short.map(|test| (test, false)))
        .map(|((name, test), is_long)| {
            let engines = engines.cloned();
            let run = move || {
                let engines = engines.expect("engines run unless tests are only listed");
                let began = Instant::now();
                test(&engines);
                eprintln!("{name}: {:.1} s", began.elapsed().as_secs_f64());
                Ok(())
            };
            Trial::test(*name, run).with_ignored_flag(is_long)
        })
        .collect()
}
