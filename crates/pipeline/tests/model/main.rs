//! The protocol of "exactly once", checked in every order of steps and faults.
//!
//! With all guards, no order counts a record twice or loses one. Without any one of twenty guards,
//! the checker finds and prints an order that violates a property. Five more guards are not needed
//! for safety; the comments on their tests give the reason for having them.
//!
//! Time is counted in blocks: an insert, an intent and a token age with each other block that is
//! written. So "a token is remembered longer than an insert may take" is checked rather than
//! assumed.
#![expect(clippy::print_stdout, reason = "prints the number of states")]

mod effects;
mod faults;
mod guards;
mod protocol;
mod server;
mod state;
mod steps;

use std::collections::BTreeSet;
use std::time::Instant;

use affluenza_pipeline::invariants::token_names_range;
use stateright::{Checker, HasDiscoveries, Model};

use crate::guards::{Faults, Guards};
use crate::protocol::{
    ASSERTED, AT_REST, COUNTED_TWICE, DONE, MISSING, Protocol, REPEATED, STALE, TORN,
};

/// The usual faults, at most two. Two are enough for every counterexample below.
const USUAL: Faults = Faults::usual(2);
const UPGRADE: Faults = Faults {
    upgrade: true,
    ..USUAL
};
const POWER: Faults = Faults {
    power: true,
    ..USUAL
};
const MOVED: Faults = Faults {
    moved_offsets: true,
    ..USUAL
};
const WIPED: Faults = Faults {
    wiped_offsets: true,
    ..USUAL
};

fn print_size(name: &str, checker: &impl Checker<Protocol>, since: Instant) {
    println!(
        "{name}: {} steps, {} states, longest order {}, {:.1} s",
        checker.state_count(),
        checker.unique_state_count(),
        checker.max_depth(),
        since.elapsed().as_secs_f64()
    );
}

/// Returns the moves that violate a property, if there are any.
fn order(checker: &impl Checker<Protocol>, property: &'static str) -> Option<String> {
    let moves = checker.discovery(property)?.into_actions();
    let moves: Vec<String> = moves.iter().map(|each| format!("{each:?}")).collect();
    Some(moves.join("\n    "))
}

/// Checks that the properties hold in every order.
fn holds(name: &str, guards: Guards, faults: Faults) {
    let since = Instant::now();
    let checker = Protocol { guards, faults }
        .checker()
        .threads(2)
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    print_size(name, &checker, since);
    for property in [COUNTED_TWICE, MISSING, TORN, ASSERTED, AT_REST] {
        if let Some(order) = order(&checker, property) {
            panic!("{name}: not so: {property}\n    {order}");
        }
    }
    assert!(checker.is_done(), "{name}: every order was tried");
    // A model in which nothing happens would satisfy the properties, too.
    checker.assert_any_discovery(DONE);
    if faults.budget > 0 {
        checker.assert_any_discovery(REPEATED);
        checker.assert_any_discovery(STALE);
    }
}

/// Checks that some order violates `property`.
fn fails(name: &str, guards: Guards, faults: Faults, property: &'static str) {
    let since = Instant::now();
    let checker = Protocol { guards, faults }
        .checker()
        .finish_when(HasDiscoveries::AnyOf(BTreeSet::from([property])))
        .spawn_bfs()
        .join();
    print_size(name, &checker, since);
    match order(&checker, property) {
        Some(order) => println!("  against: {property}\n    {order}"),
        None => panic!("{name}: no order found against: {property}"),
    }
}

/// One test a guard: without this guard, some order violates the property.
macro_rules! needed {
    ($($guard:ident: $faults:expr, $property:expr;)*) => {$(
        #[test]
        fn $guard() {
            let guards = Guards { $guard: false, ..Guards::ALL };
            fails(concat!("without ", stringify!($guard)), guards, $faults, $property);
        }
    )*};
}

/// One test a guard: without this guard, all properties still hold.
macro_rules! not_needed {
    ($($(#[doc = $why:literal])* $guard:ident: $faults:expr;)*) => {$(
        $(#[doc = $why])*
        #[test]
        fn $guard() {
            let guards = Guards { $guard: false, ..Guards::ALL };
            holds(concat!("even without ", stringify!($guard)), guards, $faults);
        }
    )*};
}

#[test]
fn all_guards_hold() {
    for budget in 0..=3 {
        let name = format!("all guards, {budget} faults");
        holds(&name, Guards::ALL, Faults::usual(budget));
    }
}

#[test]
fn all_guards_hold_through_an_upgrade_of_the_rules() {
    holds("all guards, newer rules", Guards::ALL, UPGRADE);
}

#[test]
fn all_guards_hold_when_power_fails() {
    holds("all guards, power loss", Guards::ALL, POWER);
}

#[test]
fn all_guards_hold_when_offsets_are_set_by_hand() {
    holds("all guards, moved offsets", Guards::ALL, MOVED);
}

#[test]
fn all_guards_hold_when_the_group_forgets() {
    holds("all guards, wiped offsets", Guards::ALL, WIPED);
}

needed! {
    intent_before_insert: USUAL, COUNTED_TWICE;
    same_token_on_retry: USUAL, COUNTED_TWICE;
    rereads_to_the_intent_end: USUAL, COUNTED_TWICE;
    recovers_under_the_same_rules: UPGRADE, TORN;
    hours_follow_skipped_facts: USUAL, MISSING;
    aggregates_remember_tokens: USUAL, COUNTED_TWICE;
    commit_after_insert: USUAL, MISSING;
    broker_fences_commits: USUAL, COUNTED_TWICE;
    forgets_before_rejoining: USUAL, COUNTED_TWICE;
    leaves_after_an_unanswered_commit: USUAL, COUNTED_TWICE;
    repeats_a_refused_end: USUAL, AT_REST;
    inserts_end_in_time: USUAL, COUNTED_TWICE;
    window_outlasts_inserts: USUAL, COUNTED_TWICE;
    old_writers_look_first: USUAL, COUNTED_TWICE;
    old_intents_are_looked_up: USUAL, COUNTED_TWICE;
    token_log_is_repaired: USUAL, MISSING;
    reconciles: POWER, AT_REST;
    keeps_every_record: USUAL, MISSING;
    alarms_on_facts: WIPED, COUNTED_TWICE;
    alarms_on_facts_beyond: MOVED, COUNTED_TWICE;
}

not_needed! {
    /// The broker refuses the commits of a lost consumer. Checking first avoids the attempt.
    checks_assignment: USUAL;
    /// To the next owner, a partition released in the middle of a block looks like a crash: the
    /// owner finds the intent. Waiting avoids the second reading and insert.
    waits_before_giving_back: USUAL;
    /// Facts of the partition raise the alarm already. The ledger also knows blocks without facts.
    alarms_on_ledger: WIPED;
    /// The check for facts beyond the offset raises the alarm, too. The ledger also knows blocks
    /// without facts, and the error names both offsets.
    places_fit_the_ledger: MOVED;
    /// Repairing a block that is still being written counts it twice for a while. The next
    /// reconciliation corrects that, so there must be one.
    reconciles_only_what_is_calm: POWER;
}

/// A token of the model is its range. This test checks the same of the real token.
#[test]
fn tokens_name_the_range() {
    let origin = affluenza_store::BlockOrigin {
        stream: "cluster/topic".into(),
        kafka_partition: 7,
        rules: "any".into(),
    };
    let token = affluenza_store::InsertToken::of(&origin, 3, 5).to_string();
    assert!(token_names_range(&token, "cluster/topic", 7, 3, 5));
    assert!(!token_names_range(&token, "cluster/topic", 7, 3, 6));
}
